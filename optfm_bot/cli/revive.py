"""`optfm-bot db revive`: another chance for updates that were parked and for messages that did not arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import URL

from channels.phrase import phrase
from optfm_bot.cli.database import look
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.errors import SchemaMismatch
from optfm_bot.store.engine import database_url
from optfm_bot.store.revival import PutAside, Revival
from optfm_bot.store.schema import HEAD

_SHOWN = 50
_ERROR_CHARACTERS = 120


@click.command("revive")
@click.option(
    "--update", "updates", type=int, multiple=True, metavar="ID", help="A parked update; repeatable."
)
@click.option(
    "--message",
    "messages",
    type=int,
    multiple=True,
    metavar="ID",
    help="A failed or uncertain message; repeatable.",
)
@click.option("--all-updates", is_flag=True, help="Every parked update.")
@click.option("--all-failed", is_flag=True, help="Every failed message; uncertain ones only by their ids.")
@config_option
@json_option
@voice_options
@guarded
def revive_command(
    updates: Sequence[int],
    messages: Sequence[int],
    config_path: Path | None,
    *,
    all_updates: bool,
    all_failed: bool,
    as_json: bool,
) -> int:
    """Let parked updates be handled and failed messages be sent again. Without a choice: show what there is.

    Safe while the bot runs. An uncertain message may have arrived: look into the chat before you choose it.
    """
    words, output = current_words(), Output()
    log_to_stderr("warning")
    url = database_url(loaded(config_path).settings.database.url)
    if not (updates or messages or all_updates or all_failed):
        parked, unsent = asyncio.run(_aside(url))
        return _show(parked, unsent, words, output, as_json=as_json)
    handled, sent = asyncio.run(
        _revive(
            url,
            updates=None if all_updates else updates,
            messages=None if all_failed else messages,
        )
    )
    if as_json:
        output.data({"updates": handled, "messages": sent})
        return Exit.OK
    output.line(words("db.revived", updates=handled, messages=sent), mark=Mark.OK)
    if sent:
        output.line(words("db.revived_messages"))
    return Exit.OK


async def _aside(url: URL) -> tuple[Sequence[PutAside], Sequence[PutAside]]:
    await _require_current(url)
    revival = Revival(url)
    return await revival.updates(_SHOWN), await revival.messages(_SHOWN)


async def _revive(
    url: URL, *, updates: Sequence[int] | None, messages: Sequence[int] | None
) -> tuple[int, int]:
    await _require_current(url)
    revival = Revival(url)
    handled = await revival.revive_updates(updates) if updates is None or updates else 0
    sent = await revival.revive_messages(messages) if messages is None or messages else 0
    return handled, sent


async def _require_current(url: URL) -> None:
    state = await look(url)
    if not state.is_current:
        raise SchemaMismatch(
            phrase(
                "store.older",
                "The database has schema {revision}, this program needs {head}. Run: optfm-bot db upgrade",
                revision=state.revision or "none",
                head=HEAD,
            )
        )


def _show(
    parked: Sequence[PutAside],
    unsent: Sequence[PutAside],
    words: Words,
    output: Output,
    *,
    as_json: bool,
) -> int:
    if as_json:
        output.data({"updates": [_data(one) for one in parked], "messages": [_data(one) for one in unsent]})
        return Exit.OK
    if not parked and not unsent:
        output.line(words("db.nothing_aside"), mark=Mark.OK)
        return Exit.OK
    headers = [words(f"db.column_{name}") for name in ("what", "id", "chat", "state", "since", "error")]
    rows = [
        [words(f"db.aside_{kind}"), str(one.id), one.lane, one.state, _moment(one), _error(one)]
        for kind, found in (("update", parked), ("message", unsent))
        for one in found
    ]
    output.table(headers, rows)
    return Exit.OK


def _data(one: PutAside) -> dict[str, Any]:
    return {
        "id": one.id,
        "channel": one.channel,
        "chat": one.lane,
        "state": one.state,
        "since": _moment(one),
        "error": one.error,
    }


def _moment(one: PutAside) -> str:
    return datetime.fromtimestamp(one.since // 1000, UTC).isoformat().replace("+00:00", "Z")


def _error(one: PutAside) -> str:
    return (one.error or "")[:_ERROR_CHARACTERS]
