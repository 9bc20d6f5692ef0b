"""Whether a message speaks to our bot, and its words without the bot's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.fields import Json, child, number, text

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,64})(?:@([A-Za-z0-9_]{1,64}))?(?=\s|$)")
_NAME_JOINERS = " ,:;.!-–—"
_STOPS = ",.!?…;:"


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Who we are; both are known once MAX has told them."""

    id: int | None = None
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a message without our name, whether they are meant for us, and their command."""

    words: str
    addressed: bool
    command: str | None = None


def spoken(
    words: str, marks: Sequence[Json], *, in_group: bool, replied: Json | None, bot: BotIdentity
) -> Spoken:
    """Read how `words` address the bot; `marks` is the markup that MAX found in them, `replied` the link of a reply.

    In a dialog everything does. In a group a command does unless it names another bot, and so do a mention of the bot
    and a reply to it.
    """
    command = _COMMAND.match(words)
    if command:
        name, named_bot = command.groups()
        if named_bot is None or (bot.username and named_bot.casefold() == bot.username.casefold()):
            return Spoken(f"/{name}{words[command.end() :]}", addressed=True, command=name)
        return Spoken(words, addressed=not in_group, command=None if in_group else name)
    mentions = {span for mark in marks if (span := _our_mention(words, mark, bot)) is not None}
    mentions |= _named(words, bot)
    for start, end in sorted(_apart(mentions), reverse=True):
        words = _without(words, start, end)
    return Spoken(words, addressed=not in_group or bool(mentions) or _replies_to(replied, bot))


def _replies_to(replied: Json | None, bot: BotIdentity) -> bool:
    author = None if replied is None else child(replied, "sender")
    return author is not None and bot.id is not None and number(author, "user_id") == bot.id


def _our_mention(words: str, mark: Json, bot: BotIdentity) -> tuple[int, int] | None:
    if text(mark, "type") != "user_mention":
        return None
    offset, length = number(mark, "from"), number(mark, "length")
    if offset is None or length is None or offset < 0 or length <= 0:
        return None
    link = text(mark, "user_link") or ""
    ours = bot.id is not None and number(mark, "user_id") == bot.id
    ours = ours or (bot.username is not None and link.lstrip("@").casefold() == bot.username.casefold())
    if not ours:
        return None
    # In which unit MAX counts is written nowhere; its numbers come from a platform that counts in UTF-16.
    units = words.encode("utf-16-le")
    before = units[: 2 * offset].decode("utf-16-le", "ignore")
    named = units[2 * offset : 2 * (offset + length)].decode("utf-16-le", "ignore")
    return (len(before), len(before) + len(named)) if named else None


def _named(words: str, bot: BotIdentity) -> set[tuple[int, int]]:
    """Find `@name` of ours also where MAX marked nothing."""
    if bot.username is None or "@" not in words:
        return set()
    name = re.compile(rf"(?<!\w)@{re.escape(bot.username)}(?!\w)", re.IGNORECASE)
    return {match.span() for match in name.finditer(words)}


def _apart(spans: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Drop spans that overlap an earlier one: the same mention, marked and found."""
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _without(words: str, start: int, end: int) -> str:
    before, after = words[:start].rstrip(" "), words[end:]
    if not before:
        return after.lstrip(_NAME_JOINERS)
    after = after.lstrip(" ")
    if after[:1] in {"", *_STOPS}:
        return before.rstrip(" ,") + after  # "how much, @bot?" had its comma because of us
    return f"{before} {after}"
