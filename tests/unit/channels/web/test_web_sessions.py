"""Talks in memory: bounded in every direction, followed live, each message once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.errors import RetryLater
from channels.web import sessions as module
from channels.web.bubbles import Button, ChatMessage
from channels.web.sessions import Sessions
from channels.web.window import StreamEvent

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Time:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


async def nothing(_session: str, _most: int | None) -> Sequence[ChatMessage]:
    return ()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sessions(time: Time) -> Sessions:
    return make(time)


def make(time: Time, **changes: Any) -> Sessions:
    options: dict[str, Any] = {
        "recall": nothing,
        "window": 4,
        "max_sessions": 3,
        "idle": timedelta(hours=1),
        "rest": timedelta(minutes=30),
        **changes,
    }
    return Sessions(clock=time, **options)


def said(sessions: Sessions, session: str, words: str, name: str = "", **changes: Any) -> ChatMessage:
    options: dict[str, Any] = {"author": "bot", "at": sessions._clock(), "html": words, **changes}
    return sessions.put(session, ChatMessage(message_id=name or words, **options))


def heard(sessions: Sessions, session: str, words: str, name: str, at: datetime = START) -> ChatMessage:
    return sessions.put(session, ChatMessage(message_id=name, author="visitor", at=at, text=words))


async def next_of(stream: AsyncGenerator[StreamEvent]) -> StreamEvent:
    async with asyncio.timeout(5):
        return await anext(stream)


async def history_of(sessions: Sessions, session: str) -> StreamEvent:
    stream = sessions.follow(session)
    try:
        return await next_of(stream)
    finally:
        await stream.aclose()


def words(event: StreamEvent) -> list[str]:
    return [message.get("html") or message["text"] for message in event.data["messages"]]


async def test_a_stream_begins_with_what_was_said_before(sessions: Sessions) -> None:
    heard(sessions, "s", "вопрос", "m1")
    said(
        sessions,
        "s",
        "ответ",
        buttons=((Button(label="Да", token="t1"), Button(label="Сайт", url="https://x.ru")),),
    )

    history = await history_of(sessions, "s")

    assert (history.kind, history.data["complete"]) == ("history", True)
    assert words(history) == ["вопрос", "ответ"]
    assert history.data["messages"][1]["buttons"] == [
        [{"label": "Да", "token": "t1"}, {"label": "Сайт", "url": "https://x.ru"}]
    ]


async def test_a_follower_sees_a_message_at_once(sessions: Sessions) -> None:
    stream = sessions.follow("s")
    assert (await next_of(stream)).data["messages"] == []

    waiting = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    said(sessions, "s", "раз", "101")
    event = await waiting

    assert (event.kind, event.data["id"]) == ("message", "101")
    await stream.aclose()


async def test_messages_said_while_nobody_reads_come_all_and_in_order(sessions: Sessions) -> None:
    stream = sessions.follow("s")
    await next_of(stream)
    for text in ("a", "b", "c"):
        said(sessions, "s", text)

    assert [(await next_of(stream)).data["html"] for _ in range(3)] == ["a", "b", "c"]
    await stream.aclose()


async def test_all_tabs_see_the_same(sessions: Sessions) -> None:
    tabs = [sessions.follow("s") for _ in range(3)]
    for tab in tabs:
        await next_of(tab)
    heard(sessions, "s", "вопрос", "m1")
    sessions.signal("s", StreamEvent(kind="typing"))

    for tab in tabs:
        assert [(await next_of(tab)).kind for _ in range(2)] == ["message", "typing"]
        await tab.aclose()


async def test_a_changed_message_stays_in_its_place_and_is_told_once(sessions: Sessions, time: Time) -> None:
    said(sessions, "s", "a", "1")
    said(sessions, "s", "b", "2")
    stream = sessions.follow("s")
    await next_of(stream)
    time.now += timedelta(minutes=1)
    said(sessions, "s", "A", "1", edited=True)
    said(sessions, "s", "A", "1", edited=True)
    said(sessions, "s", "c", "3")

    changed = await next_of(stream)
    assert (changed.data["id"], changed.data["html"], changed.data["edited"]) == ("1", "A", True)
    assert changed.data["at"] == int(START.timestamp() * 1000)
    assert (await next_of(stream)).data["id"] == "3"
    assert words(await history_of(sessions, "s")) == ["A", "b", "c"]
    await stream.aclose()


async def test_a_question_stands_before_an_answer_that_was_faster(sessions: Sessions, time: Time) -> None:
    asked = time.now
    time.now += timedelta(milliseconds=30)
    said(sessions, "s", "ответ")
    heard(sessions, "s", "вопрос", "m1", asked)

    assert words(await history_of(sessions, "s")) == ["вопрос", "ответ"]


async def test_the_same_question_is_kept_once_and_never_rewritten(sessions: Sessions) -> None:
    heard(sessions, "s", "вопрос", "m1")
    heard(sessions, "s", "вопрос", "m1")
    heard(sessions, "s", "другое", "m1")
    assert words(await history_of(sessions, "s")) == ["вопрос"]


async def test_a_visitors_name_for_a_message_cannot_take_the_place_of_ours(sessions: Sessions) -> None:
    said(sessions, "s", "наше", "101")
    heard(sessions, "s", "не наше", "101")
    assert words(await history_of(sessions, "s")) == ["наше", "не наше"]


async def test_only_the_last_messages_are_kept(sessions: Sessions) -> None:
    for number in range(10):
        said(sessions, "s", str(number))
    assert words(await history_of(sessions, "s")) == ["6", "7", "8", "9"]


async def test_the_longest_unused_talk_makes_room(sessions: Sessions) -> None:
    for name in "abc":
        said(sessions, name, name)
    said(sessions, "a", "again")
    said(sessions, "d", "d")

    assert len(sessions) == 3
    assert words(await history_of(sessions, "a")) == ["a", "again"]
    assert words(await history_of(sessions, "b")) == []


def test_an_idle_talk_leaves_the_memory(sessions: Sessions, time: Time) -> None:
    said(sessions, "a", "x" * 100)
    time.now += timedelta(hours=2)
    said(sessions, "b", "y")
    assert (len(sessions), sessions.size) == (1, 1)


def test_the_memory_of_all_talks_is_bounded(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHARACTERS", 1000)
    sessions = make(time, max_sessions=100)
    for number in range(50):
        said(sessions, f"s{number}", "x" * 90)
    assert sessions.size <= 1000
    assert len(sessions) == 11


def test_sizes_add_up_after_rewriting_and_forgetting(sessions: Sessions) -> None:
    for number in range(8):
        said(sessions, "s", "x" * (10 + number), str(number))
        said(sessions, "s", "yy", str(number))
    assert sessions.size == 4 * 2


async def test_a_dropped_talk_ends_its_stream(sessions: Sessions) -> None:
    stream = sessions.follow("a")
    await next_of(stream)
    for name in "bcd":
        said(sessions, name, name)

    with pytest.raises(StopAsyncIteration):
        await next_of(stream)


async def test_closing_ends_streams_and_refuses_new_ones_until_reopened(sessions: Sessions) -> None:
    stream = sessions.follow("a")
    await next_of(stream)
    sessions.close()

    with pytest.raises(StopAsyncIteration):
        await next_of(stream)
    with pytest.raises(RetryLater):
        sessions.follow("a")
    sessions.reopen()
    assert (await history_of(sessions, "a")).kind == "history"


async def test_silence_gives_a_ping_and_keeps_the_talk_in_use(sessions: Sessions, time: Time) -> None:
    stream = sessions.follow("a", heartbeat=0.001)
    await next_of(stream)
    time.now += timedelta(minutes=29)
    assert (await next_of(stream)).kind == "ping"
    await stream.aclose()
    time.now += timedelta(minutes=59)
    said(sessions, "b", "b")
    assert len(sessions) == 2


async def test_a_stream_that_nobody_uses_ends_with_a_rest(sessions: Sessions, time: Time) -> None:
    stream = sessions.follow("a", heartbeat=0.001)
    await next_of(stream)
    time.now += timedelta(minutes=29)
    heard(sessions, "a", "ещё здесь", "m1")
    assert (await next_of(stream)).kind == "message"
    time.now += timedelta(minutes=29)
    assert (await next_of(stream)).kind == "ping"
    time.now += timedelta(minutes=2)
    assert (await next_of(stream)).kind == "rest"
    with pytest.raises(StopAsyncIteration):
        await next_of(stream)
    assert sessions.streams == 0


async def test_a_signal_reaches_followers_only(sessions: Sessions) -> None:
    sessions.signal("s", StreamEvent(kind="typing"))
    assert len(sessions) == 0
    stream = sessions.follow("s")
    await next_of(stream)
    sessions.signal("s", StreamEvent(kind="typing"))

    assert (await next_of(stream)).kind == "typing"
    await stream.aclose()
    assert words(await history_of(sessions, "s")) == []


def test_words_of_people_stay_out_of_repr(sessions: Sessions) -> None:
    assert "канарейка" not in repr(said(sessions, "s", "канарейка", "1"))
    assert "канарейка" not in repr(heard(sessions, "s", "канарейка", "2"))
