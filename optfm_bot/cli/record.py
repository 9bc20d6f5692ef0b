"""`optfm-bot channels record`: real updates become test payloads, with everything personal replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import orjson
from sqlalchemy import URL

from channels.contract import Channel, ChannelContext, Polling
from channels.errors import BadPayload
from channels.model import ChatRef, Inbound, RawUpdate
from channels.registry import ChannelRegistry, create_channel
from channels.testing.recording import Scrubber, recording
from config.validate import secrets_in
from optfm_bot.cli.database import look
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.init import write_new
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.plan import plan_channels
from optfm_bot.store.engine import database_url
from optfm_bot.store.lock import StoreLock
from optfm_bot.store.sql import SqlStore

_CLOSE_SECONDS = 5.0
_MOST = 1000
_DECIDING = 32
"""Words that a platform decides by are short; a longer text is somebody's."""


@click.command("record")
@click.argument("name", metavar="NAME")
@click.option(
    "--last", default=20, show_default=True, type=click.IntRange(1, _MOST), help="How many updates at most."
)
@click.option(
    "--live",
    is_flag=True,
    help="Ask the platform instead of the database, confirming nothing. Stop the bot first. Needs the network.",
)
@click.option(
    "--wait",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="Seconds to wait with --live.",
)
@click.option(
    "--out",
    default="payloads",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the files. Nothing in it is overwritten.",
)
@click.option(
    "--keep", multiple=True, metavar="FIELD", help="A field whose values stay as they are; repeatable."
)
@click.option(
    "--public",
    multiple=True,
    metavar="TEXT",
    help="A text that stays, such as the bot's own name; repeatable.",
)
@config_option
@voice_options
@guarded
def record_command(
    name: str,
    config_path: Path | None,
    *,
    last: int,
    live: bool,
    wait: float,
    out: Path,
    keep: Sequence[str],
    public: Sequence[str],
) -> int:
    """Write the last updates of the channel NAME as test payloads, scrubbed of everything personal."""
    words, output = current_words(), Output()
    config = loaded(config_path)
    channels = {
        plan.channel.instance: plan.channel
        for plan in plan_channels(config, clock=SystemClock(), cwd=Path.cwd())
    }
    if name not in channels:
        raise click.UsageError(words("channels.unknown", name=name, known=", ".join(channels)))
    channel = channels[name]
    secrets = list(secrets_in(channel.settings))
    log_to_stderr("error", secrets)
    url = database_url(config.settings.database.url)
    if live:
        if not isinstance(channel, Polling):
            raise click.UsageError(words("record.cannot_poll", name=name))
        with output.waiting(words("record.waiting")):
            updates = asyncio.run(_fetched(channel, url, seconds=wait))[:last]
    else:
        updates = asyncio.run(_stored(url, name, last))
    if not updates:
        output.line(words("record.nothing_live" if live else "record.nothing", name=name), mark=Mark.WARNING)
        return Exit.PROBLEMS
    scrubber = Scrubber(secrets=[secret.reveal() for secret in secrets], public=public, keep=keep)
    taken = scrubbed(updates, scrubber, _for_tests(channel))
    about = f"Recorded from {channel.spec.title} in {SystemClock().now():%B %Y} and scrubbed."
    _write(taken, out, about, output, words)
    output.line()
    output.line(words("record.look", path=out))
    return Exit.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One update, scrubbed. `events` is what the channel reads in it now, `before` what it read: None if it cannot."""

    raw: RawUpdate = field(repr=False)
    events: Sequence[Inbound] | None = field(repr=False)
    before: Sequence[Inbound] | None = field(repr=False)
    deciding: Sequence[str] = ()

    @property
    def is_changed(self) -> bool:
        """Whether the scrubbed update means something else."""
        return kinds(self.events) != kinds(self.before)


def kinds(events: Sequence[Inbound] | None) -> list[str] | None:
    """The types of events, None for an update that cannot be read."""
    return None if events is None else [type(event).__name__ for event in events]


def scrubbed(updates: Sequence[RawUpdate], scrubber: Scrubber, channel: Channel) -> list[Taken]:
    """Scrub updates and let `channel` read both, what came and what is left of it.

    Keys and lanes get the stand-ins of the fields that they are made of.
    """
    payloads = scrubber.scrub(*(update.payload for update in updates))
    taken = []
    for update, payload in zip(updates, payloads, strict=True):
        raw = RawUpdate(
            key=scrubber.text(update.key), lane=_lane(update.lane, scrubber, channel), payload=payload
        )
        one = Taken(raw=raw, events=_read(channel, raw), before=_read(channel, update))
        if one.is_changed:
            fields = sorted(set(deciding(update.payload, payload)))
            one = Taken(raw=raw, events=one.events, before=one.before, deciding=fields)
        taken.append(one)
    return taken


def deciding(before: Any, after: Any, name: str = "") -> Iterator[str]:
    """Name the fields that lost a single plain word: a platform's own words look like that."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for (inner_name, inner), scrubbed_inner in zip(before.items(), after.values(), strict=False):
            yield from deciding(inner, scrubbed_inner, str(inner_name) if inner_name in after else "")
    elif isinstance(before, list) and isinstance(after, list):
        for inner, scrubbed_inner in zip(before, after, strict=False):
            yield from deciding(inner, scrubbed_inner, name)
    elif name and isinstance(before, str) and before != after and _is_word(before):
        yield name


def _is_word(text: str) -> bool:
    return len(text) <= _DECIDING and text.isascii() and text.replace("_", "").isalpha()


def _lane(lane: str, scrubber: Scrubber, channel: Channel) -> str:
    """The lane as the kit has it: its instance is called like the kind."""
    try:
        chat = ChatRef.parse(lane)
    except ValueError:
        return scrubber.text(lane)
    thread = None if chat.thread_id is None else scrubber.text(chat.thread_id)
    return str(ChatRef(channel=channel.instance, chat_id=scrubber.text(chat.chat_id), thread_id=thread))


def _read(channel: Channel, raw: RawUpdate) -> Sequence[Inbound] | None:
    try:
        return channel.parse(raw)
    except BadPayload:
        return None


def _for_tests(channel: Channel) -> Channel:
    """The same channel under the name of its kind, as the conformance kit calls it."""
    spec = channel.spec
    context = ChannelContext(instance=spec.kind, clock=SystemClock().now)
    distribution = ChannelRegistry.installed().distribution(spec.kind)
    return create_channel(spec, channel.settings, context, distribution=distribution)


async def _stored(url: URL, name: str, last: int) -> list[RawUpdate]:
    state = await look(url)
    if not state.exists or state.revision is None:
        return []
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    try:
        rows = await store.recent_updates(name, limit=last)
    finally:
        await store.close()
    found = ((row, _payload(row.payload)) for row in rows)
    return [
        RawUpdate(key=row.key, lane=row.lane, payload=payload)
        for row, payload in found
        if payload is not None
    ]


def _payload(stored: bytes) -> dict[str, Any] | None:
    try:
        payload = orjson.loads(stored)
    except orjson.JSONDecodeError:
        return None  # what was no JSON when it came was stored as a text that says so
    return payload if isinstance(payload, dict) else None


async def _fetched(channel: Channel, url: URL, *, seconds: float) -> list[RawUpdate]:
    """What waits on the platform. Nothing is confirmed, so the next start gets it again. Raises `StartRefused`."""
    lock = StoreLock(url)  # a bot that runs would lose its connection to this one
    await lock.acquire()
    try:
        async with asyncio.timeout(seconds):
            await channel.open()
            while isinstance(channel, Polling):
                # From the oldest unconfirmed one, each time: a cursor would confirm what is before it.
                batch = await channel.fetch(None)
                if batch.updates:
                    return list(batch.updates)
    except TimeoutError:
        return []
    finally:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()
        finally:
            await lock.release()
    return []


def _write(taken: Sequence[Taken], out: Path, about: str, output: Output, words: Words) -> None:
    used = {path.stem for path in out.glob("*.json")}
    for one in taken:
        path = out / f"{_unused(_name(one), used)}.json"
        content = recording(one.raw.payload, one.events, key=one.raw.key, lane=one.raw.lane, about=about)
        write_new(path, _json(content))
        output.line(words("record.wrote", path=path, events=_told(one.events, words)), mark=Mark.OK)
        if one.is_changed:
            before, after = _told(one.before, words), _told(one.events, words)
            output.line(words("record.changed", before=before, after=after), mark=Mark.WARNING, indent=2)
            if one.deciding:
                output.line(
                    words("record.keep", fields=" ".join(f"--keep {n}" for n in one.deciding)), indent=4
                )


def _json(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=False, indent=1)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair can only be written as a number
        text = json.dumps(content, indent=1)
    return f"{text}\n"


def _name(one: Taken) -> str:
    if one.events is None:
        return "unreadable"
    return "-".join(type(event).__name__.removesuffix("In").lower() for event in one.events) or "nothing"


def _unused(name: str, used: set[str]) -> str:
    number = 1
    while f"{name}-{number}" in used:
        number += 1
    used.add(f"{name}-{number}")
    return f"{name}-{number}"


def _told(events: Sequence[Inbound] | None, words: Words) -> str:
    if events is None:
        return words("record.unreadable")
    return ", ".join(type(event).__name__ for event in events) or words("record.means_nothing")
