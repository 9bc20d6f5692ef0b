"""Files that lie somewhere else, fetched right before the message that carries them is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import structlog

from channels.capabilities import Capabilities
from channels.dialects import dialect_named
from channels.errors import ChannelError, Gone, Rejected, TooLarge, Unreachable
from channels.ladder import file_line
from channels.measure import text_length, written
from channels.model import Body, Inline, Media, Paragraph, Rendered, Text
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.scratch import Scratch, safe_name, scratch

log = structlog.get_logger("optfm_bot.outbox")

Fetch: TypeAlias = Callable[[Media, int], Awaitable[bytes]]
"""Gets a file of one origin, up to so many bytes. Raises by reaction: see `channels.contract.Downloads`."""

Line: TypeAlias = Callable[[Media, ChannelError], tuple[Inline, ...]]
"""Says in the text of a message that a file is not with it, and why."""

LEFT_OUT = "file_left_out"
_FETCH_SECONDS = 75.0
_AT_ONCE = 4
"""Files fetched at the same time: each of them is held in memory whole."""


class FileAway(Unreachable):
    """A file cannot be had now; nothing was sent, and whoever is to get it plays no part in that."""

    def __init__(self, message: str) -> None:
        super().__init__(message, maybe_sent=False)


class FileDoor:
    """Brings files from where they lie. `fetchers` are by the name of the origin: a channel instance or a helpdesk.

    `lines` are by the name of the carrier: how those who read there are told of a file that does not come. Who has
    none is told its name, and its address if people may have that. `limits` are by the name of the carrier, too: the
    largest file of one whose capabilities do not say.
    """

    def __init__(
        self,
        fetchers: Mapping[str, Fetch],
        clock: Clock,
        *,
        lines: Mapping[str, Line] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self._fetchers = fetchers
        self._clock = clock
        self._lines = lines or {}
        self._limits = limits or {}
        self._places = asyncio.Semaphore(_AT_ONCE)

    @asynccontextmanager
    async def open(
        self,
        rendered: Rendered,
        capabilities: Capabilities,
        *,
        last: bool = False,
        left_out: Callable[[Sequence[tuple[str, str]]], None] = lambda _: None,
    ) -> AsyncIterator[Rendered]:
        """Give the message with local files in the place of those that lie elsewhere, while the block lasts.

        What cannot be had for good is left out and named in the text; `left_out` is told the names, and why. What
        cannot be had now is `FileAway`, with nothing sent; unless this is the `last` try, in which nobody shall lose
        the words because of the file.
        """
        async with scratch() as folder:
            own = self._limits.get(rendered.chat.channel)
            brought = [
                await self._brought(
                    item, capabilities.media.get(item.kind, 0) if own is None else own, folder, last=last
                )
                for item in rendered.media
            ]
            left_out(
                [
                    (_named(item).name, str(found))
                    for item, found in zip(rendered.media, brought, strict=True)
                    if isinstance(found, ChannelError)
                ]
            )
            yield with_files(rendered, brought, capabilities, self._lines.get(rendered.chat.channel, _line))

    async def _brought(self, item: Media, limit: int, folder: Scratch, *, last: bool) -> Media | ChannelError:
        """The file as one that lies here, or why it is left out."""
        if item.origin is None:
            return item
        try:
            async with self._places:
                content = await self._content(item, limit)
                mime = item.mime or _mime(content)
                name = safe_name(item.name, mime=mime, otherwise=item.kind.value)
                path = await _kept(folder, name, content)
        except (Gone, Rejected, Unreachable) as error:
            if isinstance(error, Unreachable) and not last:
                raise
            log.warning(
                "outbox.file_left_out",
                origin=item.origin,
                kind=item.kind.value,
                reaction=type(error).__name__,
                error=str(error),
            )
            return error
        return Media(kind=item.kind, path=path, name=name, mime=mime)

    async def _content(self, item: Media, limit: int) -> bytes:
        fetch = self._fetchers.get(item.origin or "")
        if fetch is None:
            raise Gone(f"nobody is configured under the name {item.origin!r}")
        if item.size is not None and item.size > limit:
            raise TooLarge(
                phrase(
                    "file.size_over_limit",
                    "the file has {size} bytes, the limit is {limit}",
                    size=item.size,
                    limit=limit,
                )
            )
        try:
            async with self._clock.limit(_FETCH_SECONDS):
                return await fetch(item, limit)
        except (Gone, Rejected):
            raise
        except (ChannelError, TimeoutError) as error:
            # Whatever the origin wants, wrong credentials included, is its own and no word about who gets the message.
            reason = str(error) or "no answer in time"
            raise FileAway(f"{item.origin} does not give a file now: {reason}") from error


def _mime(content: bytes) -> str:
    """What a picture is by its first bytes, where nobody has said it: MAX does not, and a file wants an ending."""
    for sign, mime in _SIGNS.items():
        if content.startswith(sign):
            return mime
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else ""


_SIGNS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n": "image/png", b"GIF8": "image/gif"}


def _line(item: Media, _why: ChannelError) -> tuple[Inline, ...]:
    return file_line(item)


def lies_elsewhere(rendered: Rendered) -> bool:
    """Whether a file of the message has to be fetched."""
    return any(item.origin is not None for item in rendered.media)


def with_files(
    rendered: Rendered,
    brought: Sequence[Media | ChannelError],
    capabilities: Capabilities,
    line: Line = _line,
) -> Rendered:
    """The message with these files; what stands for one that is not there is said as far as there is room. Pure."""
    media = tuple(item for item in brought if isinstance(item, Media))
    missing = [
        (_named(was), item)
        for was, item in zip(rendered.media, brought, strict=True)
        if isinstance(item, ChannelError)
    ]
    if not missing:
        return replace(rendered, media=media)
    limit = capabilities.caption_limit if media else capabilities.text_limit
    said = replace(rendered, media=media, degraded=(*rendered.degraded, LEFT_OUT))
    full = [Paragraph(line(item, why)) for item, why in missing]
    bare = [Paragraph((Text(item.name),)) for item, _ in missing]
    for lines in (full, bare):
        longer = _with_lines(said, lines, capabilities)
        if _fits(longer, capabilities, limit):
            return longer
    return said


def _named(item: Media) -> Media:
    return replace(item, name=safe_name(item.name, mime=item.mime, otherwise=item.kind.value))


def _with_lines(rendered: Rendered, lines: Sequence[Paragraph], capabilities: Capabilities) -> Rendered:
    tail = written(Body(tuple(lines)), capabilities)
    # Without the platform's markup the text is the dialect's all the same, if that knows no other.
    plain = not rendered.markup and dialect_named(capabilities.dialect).markup
    text = tail.plain if plain else tail.text
    return replace(rendered, text=_joined(rendered.text, text), plain=_joined(rendered.plain, tail.plain))


def _joined(text: str, tail: str) -> str:
    return f"{text}\n\n{tail}" if text else tail


def _fits(rendered: Rendered, capabilities: Capabilities, limit: int) -> bool:
    # The plain words are what the platform counts, unless it counts markup; then the text is the longer one.
    counted = rendered.text if capabilities.counts_markup else rendered.plain
    return text_length(counted, capabilities.text_unit) <= limit


async def _kept(folder: Scratch, name: str, content: bytes) -> str:
    try:
        return await folder.keep(name, content)
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> FileAway:
    return FileAway(f"a file cannot be kept here for sending: {error.strerror or 'no reason given'}")
