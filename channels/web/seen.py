"""What one page was shown of its talk, so that it is told of a message once, whichever way we came to know of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from channels.web.bubbles import ChatMessage

_MOST = 600
"""Messages that are remembered; more than a talk's history may show."""


class Seen:
    """Remembers the looks of messages by name, at most 600 of them."""

    def __init__(self) -> None:
        self._looks: dict[tuple[bool, str], int] = {}

    def news(self, messages: Iterable[ChatMessage]) -> Sequence[ChatMessage]:
        """Give those that are new or look different now, and count them as seen."""
        found = []
        for message in messages:
            look = _look(message)
            if self._looks.get(message.name) == look:
                continue
            self._looks.pop(message.name, None)  # the one that was seen last is forgotten last
            self._looks[message.name] = look
            found.append(message)
        while len(self._looks) > _MOST:
            del self._looks[next(iter(self._looks))]
        return found


def _look(message: ChatMessage) -> int:
    return hash((message.text, message.html, message.buttons, message.file, message.edited))


def in_order(messages: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Give the messages with times that never go back: clocks of machines differ, and pages sort by time."""
    ordered: list[ChatMessage] = []
    for message in messages:
        late = ordered and message.at < ordered[-1].at
        ordered.append(replace(message, at=ordered[-1].at) if late else message)
    return ordered
