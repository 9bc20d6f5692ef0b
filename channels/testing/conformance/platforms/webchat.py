"""A page with the web chat in the hands of the checks."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING

from channels.testing.conformance.platform import Answered, Asked, Button, Platform, Sent, Update, reply

if TYPE_CHECKING:
    from channels.web.bubbles import ChatMessage
    from channels.web.channel import WebChatChannel

_BREAKS = re.compile(r"<br\s*/?>|</(p|li|ul|ol|blockquote)>")
_TAG = re.compile(r"<[^>]*>")
_ITEM = re.compile(r"<ol[^>]*>.*?</ol>", re.DOTALL)


class PagePlatform(Platform):
    """The page of a visitor: it posts what they do, and shows every bubble that goes into their talk.

    A page outlives a restart of the bot, so `watch` is called for each channel that is made.
    """

    remote = False

    def __init__(self) -> None:
        self._waiting: list[Update] = []
        self._bubbles: dict[tuple[str, str], ChatMessage] = {}
        self._number = 0

    def watch(self, channel: WebChatChannel) -> None:
        """Show what this channel says: every bubble on its way into a talk."""
        put = channel.sessions.put

        def shown(session: str, message: ChatMessage) -> ChatMessage:
            kept = put(session, message)
            if message.author != "visitor":
                self._bubbles[session, message.message_id] = kept
            return kept

        vars(channel.sessions)["put"] = shown

    async def answer(self, asked: Asked) -> Answered:
        """A page is asked nothing."""
        return reply({"asked": asked.path}, status=404)

    def put(self, update: Update) -> None:
        """Let the page post exactly this."""
        self._waiting.append(update)

    def take(self) -> Sequence[Update]:
        """Take out what the page is about to post."""
        taken, self._waiting = self._waiting, []
        return taken

    def writes(self, chat: str, words: str) -> None:
        """Type a message."""
        self.put({"session": chat, "id": self._next(), "text": words})

    def starts(self, chat: str) -> None:
        """Open the chat."""
        self.put({"session": chat, "id": self._next(), "start": True, "lang": "ru"})

    def presses(self, button: Button, message: Sent) -> None:
        """Press a button under a bubble."""
        self.put({"session": message.chat, "id": self._next(), "token": button.token, "message": message.id})

    def sent(self) -> Sequence[Sent]:
        """The bubbles that are not the visitor's own."""
        return tuple(
            Sent(
                id=one.message_id,
                chat=session,
                text=_read(one.html),
                buttons=tuple(
                    Button(label=button.label, token=button.token or "")
                    for row in one.buttons
                    for button in row
                ),
            )
            for (session, _), one in self._bubbles.items()
        )

    def _next(self) -> str:
        self._number += 1
        return f"visit-{self._number}"


def _read(markup: str) -> str:
    """What a visitor reads: numbers before the items of numbered lists, no tags."""
    numbered = _ITEM.sub(_numbered, markup)
    return html.unescape(_TAG.sub("", _BREAKS.sub("\n", numbered))).strip("\n")


def _numbered(found: re.Match[str]) -> str:
    start = re.match(r'<ol start="(\d+)"', found[0])
    numbers = count(int(start[1]) if start else 1)
    return re.sub("<li>", lambda _: f"{next(numbers)}. ", found[0])
