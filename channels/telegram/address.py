"""Whether a message speaks to our bot, and its words without the bot's name. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from channels.fields import Json, child, number, text
from channels.values import dataclass

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?=\s|$)")
_NAME_JOINERS = " ,:;.!-–—"
_STOPS = ",.!?…;:"


@dataclass(frozen=True, slots=True)
class BotIdentity:
    """Who we are: the id is the first part of the token; the user name is known once Telegram has told it."""

    id: int
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a message without our name, whether they are meant for us, and their command."""

    words: str
    addressed: bool
    command: str | None = None


def spoken(
    message: Json, words: str, entities: Sequence[Json], *, in_group: bool, bot: BotIdentity
) -> Spoken:
    """Read how `message` addresses the bot.

    In a private chat everything does. In a group a command does unless it names another bot, and so do a
    mention of the bot and a reply to it. While our user name is unknown, only what needs no name counts.
    """
    command = _COMMAND.match(words)
    if command:
        name, named_bot = command.groups()
        if named_bot is None or (bot.username and named_bot.casefold() == bot.username.casefold()):
            return Spoken(f"/{name}{words[command.end() :]}", addressed=True, command=name)
        return Spoken(words, addressed=not in_group, command=None if in_group else name)
    mentions = [span for entity in entities if (span := _our_mention(words, entity, bot))] if entities else []
    for start, end in sorted(set(mentions), reverse=True):
        words = _without(words, start, end)
    return Spoken(words, addressed=not in_group or bool(mentions) or _replies_to(message, bot))


def replied_message(message: Json) -> Json | None:
    """Give the message that this one answers.

    In a topic Telegram names the message that opened the topic when there is no other; that is no reply.
    """
    replied = child(message, "reply_to_message")
    return None if replied is None or "forum_topic_created" in replied else replied


def _replies_to(message: Json, bot: BotIdentity) -> bool:
    replied = replied_message(message)
    author = None if replied is None else child(replied, "from")
    return author is not None and number(author, "id") == bot.id


def _our_mention(words: str, entity: Json, bot: BotIdentity) -> tuple[int, int] | None:
    kind = text(entity, "type")
    if kind not in {"mention", "text_mention"}:
        return None
    offset, length = number(entity, "offset"), number(entity, "length")
    if offset is None or length is None or offset < 0 or length <= 0:
        return None
    # Telegram counts in UTF-16 units: an emoji before the mention takes two.
    units = words.encode("utf-16-le")
    before = units[: 2 * offset].decode("utf-16-le", "ignore")
    named = units[2 * offset : 2 * (offset + length)].decode("utf-16-le", "ignore")
    if kind == "text_mention":
        user = child(entity, "user")
        ours = user is not None and number(user, "id") == bot.id
    else:
        ours = bot.username is not None and named.casefold() == f"@{bot.username}".casefold()
    return (len(before), len(before) + len(named)) if ours and named else None


def _without(words: str, start: int, end: int) -> str:
    before, after = words[:start].rstrip(" "), words[end:]
    if not before:
        return after.lstrip(_NAME_JOINERS)
    after = after.lstrip(" ")
    if after[:1] in {"", *_STOPS}:
        return before.rstrip(" ,") + after  # "how much, @bot?" had its comma because of us
    return f"{before} {after}"
