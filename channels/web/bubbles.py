"""What a page shows: messages as bubbles, and how those of the record and those in memory become one talk. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeAlias

from channels.capabilities import Capabilities
from channels.errors import Rejected, TooLarge
from channels.links import is_link
from channels.model import Action, Outbound, Past, Purpose, Rendered
from channels.phrase import phrase
from channels.render import render, split_outbound
from channels.web.dialect import plain_html

Author: TypeAlias = Literal["bot", "agent", "visitor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message: it sends `token` back, or opens `url`."""

    label: str
    token: str | None = None
    url: str | None = None

    def as_json(self) -> dict[str, str]:
        """Give the button as the page reads it."""
        return {"label": self.label} | ({"url": self.url} if self.url else {"token": self.token or ""})


Rows: TypeAlias = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """A visitor's file: `name` is ours, under which it is kept; `title` is what the visitor called it."""

    name: str
    title: str = field(default="", repr=False)
    mime: str = ""
    size: int = 0

    def as_json(self) -> dict[str, Any]:
        """Give the file as the page reads it, and as an update carries it."""
        return {"name": self.name, "title": self.title, "mime": self.mime, "size": self.size}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """One bubble. Messages of ours carry safe HTML of our own writer, a visitor's words are plain text."""

    message_id: str
    author: Author
    at: datetime
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    buttons: Rows = ()
    file: SentFile | None = None
    edited: bool = False

    @property
    def name(self) -> tuple[bool, str]:
        """What makes two bubbles the same: visitors choose ids of their own, which may look like ours."""
        return self.author == "visitor", self.message_id

    @property
    def size(self) -> int:
        """How much memory it takes, in characters."""
        buttons = sum(len(button.label) + len(button.url or "") for row in self.buttons for button in row)
        return len(self.text) + len(self.html) + buttons

    def as_json(self) -> dict[str, Any]:
        """Give the message as the page reads it."""
        given: dict[str, Any] = {
            "id": self.message_id,
            "author": self.author,
            "at": int(self.at.timestamp() * 1000),
            "edited": self.edited,
        }
        if self.author != "visitor":
            buttons = [[button.as_json() for button in row] for row in self.buttons]
            return given | {"html": self.html, "buttons": buttons}
        return given | {"text": self.text} | ({"file": self.file.as_json()} if self.file else {})


def bubble(message: Rendered, message_id: str, at: datetime, *, edited: bool = False) -> ChatMessage:
    """Show a rendered message. Raises `Rejected` for a button that a page cannot have."""
    return ChatMessage(
        message_id=message_id,
        author="agent" if message.purpose is Purpose.AGENT else "bot",
        at=at,
        html=message.text if message.markup else plain_html(message.plain),
        buttons=tuple(tuple(_button(action) for action in row) for row in message.actions),
        edited=edited,
    )


def recalled(past: Sequence[Past], capabilities: Capabilities) -> list[ChatMessage]:
    """Show the messages that the record gives, in its order.

    One of ours that took another's place goes by the other's name, wherever the record begins.
    """
    return [_recalled(one, capabilities) for one in past]


def arranged(past: Iterable[ChatMessage], window: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Make one talk of the record and of what is in memory; each message once.

    The record knows the order. The memory knows what was shown last, and what the record does not tell.
    """
    told = list(past)
    places = {message.name: place for place, message in enumerate(told)}
    extra: list[ChatMessage] = []
    for message in window:
        place = places.get(message.name)
        if place is None:
            extra.append(message)
        else:
            told[place] = replace(message, at=told[place].at)
    # By time: an answer may be here before its question, since a commit wakes the bot before the question's own request
    # is done.
    for message in extra:
        told.insert(bisect_right(told, message.at, key=lambda known: known.at), message)
    return told


def _recalled(past: Past, capabilities: Capabilities) -> ChatMessage:
    message = past.message
    if message is None:
        return ChatMessage(message_id=past.id, author="visitor", at=past.at, text=past.text)
    rendered = [_openable(one) for one in _renderings(message, capabilities)]
    first = bubble(rendered[-1], message.replaces or past.id, past.at, edited=message.replaces is not None)
    # A message of before a limit was lowered is still one bubble.
    html = "".join(one.text if one.markup else plain_html(one.plain) for one in rendered)
    return replace(first, html=html)


def _renderings(message: Outbound, capabilities: Capabilities) -> list[Rendered]:
    try:
        return [render(message, capabilities)]
    except TooLarge:
        return [render(piece, capabilities) for piece in split_outbound(message, capabilities)]


def _openable(message: Rendered) -> Rendered:
    """The message without buttons that the page refuses: history is shown as well as it can be."""
    rows = (tuple(action for action in row if _possible(action)) for row in message.actions)
    return replace(message, actions=tuple(row for row in rows if row))


def _possible(action: Action) -> bool:
    return action.token is not None or (action.url is not None and is_link(action.url))


def _button(action: Action) -> Button:
    if action.url is not None and is_link(action.url):
        return Button(label=action.label, url=action.url)
    if action.token is not None:
        return Button(label=action.label, token=action.token)
    raise Rejected(phrase("web.no_button", "the web chat has no such button"))
