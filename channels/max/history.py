"""Tells whether a message of ours is among those that a chat has. Pure.

MAX takes no id from us by which a message could be found again. Buttons carry tokens that belong to one message only;
without buttons the words have to do, and messages that are known to be others are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape

from channels.errors import BadPayload
from channels.fields import Json, child, children, number, text
from channels.max.spec import TextFormat
from channels.model import Rendered

_TAG = re.compile(r"</?[a-z][^<>]*>")
_ADDRESS = re.compile(r"(?<!\\)\]\([^()\s]*\)")


def find(
    messages: Sequence[Json], message: Rendered, *, bot_id: int, markup: TextFormat, known: Mapping[str, str]
) -> str | None:
    """Give the id of `message` among `messages`, None if it is not there.

    `known` has the `Rendered.key` of ids of which it is known: the same answer given before is another message.
    """
    for candidate in messages:
        try:
            mid = _mid_of_ours(candidate, bot_id)
            if mid is None or known.get(mid, message.key) != message.key:
                continue
            if says(candidate, message, markup=markup):
                return mid
        except BadPayload:
            continue  # something that is newer than we are; ours are not
    return None


def says(candidate: Json, message: Rendered, *, markup: TextFormat) -> bool:
    """Whether `candidate` carries the words and the buttons of `message`. Raises `BadPayload`."""
    body = child(candidate, "body") or {}
    tokens = [action.token for row in message.actions for action in row if action.token is not None]
    if tokens != _tokens(body):
        return False
    files = sorted(media.kind.value for media in message.media)
    if files and files != sorted(_files(body)):
        return False
    return _letters(text(body, "text") or "") == _letters(_visible(message, markup))


def oldest(messages: Sequence[Json]) -> int | None:
    """Give the moment of the oldest of `messages` in milliseconds, None if none has one."""
    moments = [at for message in messages if type(at := message.get("timestamp")) is int]
    return min(moments, default=None)


def _mid_of_ours(candidate: Json, bot_id: int) -> str | None:
    sender, body = child(candidate, "sender"), child(candidate, "body")
    if sender is None or body is None or number(sender, "user_id") != bot_id:
        return None
    return text(body, "mid")


def _tokens(body: Json) -> list[str]:
    tokens = []
    for attachment in children(body, "attachments"):
        if text(attachment, "type") != "inline_keyboard":
            continue
        rows = (child(attachment, "payload") or {}).get("buttons")
        for row in rows if isinstance(rows, list) else ():
            for button in row if isinstance(row, list) else ():
                payload = button.get("payload") if isinstance(button, dict) else None
                if isinstance(payload, str):
                    tokens.append(payload)
    return tokens


def _files(body: Json) -> list[str]:
    kinds = [text(attachment, "type") or "" for attachment in children(body, "attachments")]
    return [kind for kind in kinds if kind not in {"inline_keyboard", "share"}]


def _visible(message: Rendered, markup: TextFormat) -> str:
    """What MAX shows of the text, which comes back without its markup; marks are dropped with all other signs."""
    if not message.markup:
        return message.text
    if markup is TextFormat.HTML:
        return unescape(_TAG.sub("", message.text))
    return _ADDRESS.sub("]", message.text)


def _letters(words: str) -> str:
    """Letters and digits only; a text without any keeps what it has."""
    return "".join(filter(str.isalnum, words)) or "".join(words.split())
