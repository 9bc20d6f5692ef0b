"""A web chat with a record that a test writes itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from channels.contract import ChannelContext
from channels.model import ChatRef, Past
from channels.web.channel import WebChatChannel
from channels.web.spec import WebChatSettings

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Time:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Record:
    """What the house would have kept. While `broken` it raises what a store might."""

    def __init__(self) -> None:
        self.past: list[Past] = []
        self.broken = False
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, chat: ChatRef, limit: int) -> Sequence[Past]:
        self.asked.append((str(chat), limit))
        if self.broken:
            raise OSError("the disk is gone")
        return self.past[-limit:]


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged; nothing is written, since drawing a traceback for a terminal takes seconds."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def make(time: Time, record: Record) -> Callable[..., WebChatChannel]:
    def maker(**settings: Any) -> WebChatChannel:
        context = ChannelContext(instance="web", clock=time, transcript=record)
        return WebChatChannel(WebChatSettings(**settings), context)

    return maker


@pytest.fixture
def channel(make: Callable[..., WebChatChannel]) -> WebChatChannel:
    return make()
