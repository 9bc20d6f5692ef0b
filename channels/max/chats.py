"""How a conversation of MAX is named: by its chat, or by its person where MAX does not tell the chat. Pure.

A dialog of MAX has an id of its own that is not the id of its person. Only one update may come without it: a button
pressed under a message that is gone. Such a press is a conversation named `user:<id>`, and what is sent there goes to
the person, whose dialog MAX finds by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from channels.errors import Rejected
from channels.model import ChatRef
from channels.phrase import phrase

_BY_USER = "user:"
_NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets a message: exactly one of a chat and a person."""

    chat_id: int | None = None
    user_id: int | None = None

    def query(self) -> dict[str, str]:
        """Give the query parameter that names the recipient; in the body MAX would refuse it."""
        if self.chat_id is not None:
            return {"chat_id": str(self.chat_id)}
        return {"user_id": str(self.user_id)}


def by_chat(instance: str, chat_id: int) -> ChatRef:
    """Name the conversation of a chat."""
    return ChatRef(channel=instance, chat_id=str(chat_id))


def by_user(instance: str, user_id: int) -> ChatRef:
    """Name the conversation of a person whose chat is not known."""
    return ChatRef(channel=instance, chat_id=f"{_BY_USER}{user_id}")


def recipient(chat: ChatRef) -> Recipient:
    """Read who is meant. Raises `Rejected` for a reference that no update of MAX can have given."""
    name = chat.chat_id
    found = name.removeprefix(_BY_USER)
    if not _NUMBER.fullmatch(found):
        raise Rejected(phrase("max.no_chat", "this conversation is none of MAX: its id is no number"))
    return Recipient(user_id=int(found)) if found != name else Recipient(chat_id=int(found))
