"""Talks in memory: bounded in every direction, resumed without loss or repeats, followed live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.errors import RetryLater
from channels.web import sessions as module
from channels.web.sessions import Button, Sessions, StreamEvent

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Time:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def sessions(time: Time) -> Sessions:
    return make(time)


def make(time: Time, **changes: Any) -> Sessions:
    options: dict[str, Any] = {"history": 4, "max_sessions": 3, "idle": timedelta(hours=1), **changes}
    return Sessions(epoch="e1", clock=time, **options)


async def next_of(stream: AsyncGenerator[StreamEvent]) -> StreamEvent:
    async with asyncio.timeout(5):
        return await anext(stream)


async def history_of(sessions: Sessions, session: str, last_id: str | None = None) -> StreamEvent:
    stream = sessions.follow(session, last_id)
    try:
        return await next_of(stream)
    finally:
        await stream.aclose()


def words(event: StreamEvent) -> list[str]:
    return [message.get("html") or message["text"] for message in event.data["messages"]]


async def test_a_stream_begins_with_what_was_said_before(sessions: Sessions) -> None:
    sessions.hear("s", "m1", "вопрос", START)
    sessions.say(
        "s", "<p>ответ</p>", ((Button(label="Да", token="t1"), Button(label="Сайт", url="https://x.ru")),)
    )

    history = await history_of(sessions, "s")

    assert history.kind == "history"
    assert words(history) == ["вопрос", "<p>ответ</p>"]
    assert history.data["messages"][1]["buttons"] == [
        [{"label": "Да", "token": "t1"}, {"label": "Сайт", "url": "https://x.ru"}]
    ]


async def test_a_follower_sees_a_message_at_once(sessions: Sessions) -> None:
    stream = sessions.follow("s")
    assert (await next_of(stream)).data["messages"] == []

    waiting = asyncio.create_task(next_of(stream))
    await asyncio.sleep(0)
    shown = sessions.say("s", "<p>раз</p>")
    event = await waiting

    assert (event.kind, event.data["id"]) == ("message", shown.message_id)
    await stream.aclose()


async def test_messages_said_while_nobody_reads_come_all_and_in_order(sessions: Sessions) -> None:
    stream = sessions.follow("s")
    await next_of(stream)
    for text in ("a", "b", "c"):
        sessions.say("s", text)

    assert [(await next_of(stream)).data["html"] for _ in range(3)] == ["a", "b", "c"]
    await stream.aclose()


async def test_resuming_gives_only_what_was_missed(sessions: Sessions) -> None:
    sessions.say("s", "a")
    last_id = (await history_of(sessions, "s")).event_id
    sessions.say("s", "b")

    assert words(await history_of(sessions, "s", last_id)) == ["b"]
    assert words(await history_of(sessions, "s")) == ["a", "b"]


@pytest.mark.parametrize("last_id", ["e0-5", "nonsense", "e1-", "e1-x", "e1--1", "", "-", "e1-²"])
async def test_an_id_of_another_run_or_nonsense_gives_everything(sessions: Sessions, last_id: str) -> None:
    sessions.say("s", "a")
    assert words(await history_of(sessions, "s", last_id)) == ["a"]


async def test_a_rewritten_message_stays_in_its_place(sessions: Sessions) -> None:
    first = sessions.say("s", "a")
    sessions.say("s", "b")
    last_id = (await history_of(sessions, "s")).event_id

    assert sessions.rewrite("s", first.message_id, "A") is not None

    assert words(await history_of(sessions, "s")) == ["A", "b"]
    resumed = await history_of(sessions, "s", last_id)
    assert [(m["id"], m["html"], m["edited"]) for m in resumed.data["messages"]] == [
        (first.message_id, "A", True)
    ]


def test_what_is_gone_or_the_visitors_cannot_be_rewritten(sessions: Sessions) -> None:
    sessions.hear("s", "m1", "вопрос", START)
    assert sessions.rewrite("s", "e0.1", "x") is None
    assert sessions.rewrite("s", "m1", "x") is None


async def test_a_question_stands_before_an_answer_that_was_faster(sessions: Sessions, time: Time) -> None:
    asked = time.now
    time.now += timedelta(milliseconds=30)
    sessions.say("s", "ответ")
    sessions.hear("s", "m1", "вопрос", asked)

    assert words(await history_of(sessions, "s")) == ["вопрос", "ответ"]


async def test_the_same_question_is_kept_once(sessions: Sessions) -> None:
    sessions.hear("s", "m1", "вопрос", START)
    sessions.hear("s", "m1", "вопрос", START)
    assert words(await history_of(sessions, "s")) == ["вопрос"]


async def test_only_the_last_messages_are_kept(sessions: Sessions) -> None:
    for number in range(10):
        sessions.say("s", str(number))
    assert words(await history_of(sessions, "s")) == ["6", "7", "8", "9"]


async def test_the_longest_unused_talk_makes_room(sessions: Sessions) -> None:
    for name in "abc":
        sessions.say(name, name)
    sessions.say("a", "again")
    sessions.say("d", "d")

    assert len(sessions) == 3
    assert words(await history_of(sessions, "a")) == ["a", "again"]
    assert words(await history_of(sessions, "b")) == []


def test_an_idle_talk_leaves_the_memory(sessions: Sessions, time: Time) -> None:
    sessions.say("a", "x" * 100)
    time.now += timedelta(hours=2)
    sessions.say("b", "y")
    assert (len(sessions), sessions.size) == (1, 1)


def test_the_memory_of_all_talks_is_bounded(time: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHARACTERS", 1000)
    sessions = make(time, max_sessions=100)
    for number in range(50):
        sessions.say(f"s{number}", "x" * 90)
    assert sessions.size <= 1000
    assert len(sessions) == 11


def test_sizes_add_up_after_rewriting_and_forgetting(sessions: Sessions) -> None:
    for number in range(8):
        shown = sessions.say("s", "x" * (10 + number))
        sessions.rewrite("s", shown.message_id, "yy")
    assert sessions.size == 4 * 2


async def test_a_dropped_talk_ends_its_stream(sessions: Sessions) -> None:
    stream = sessions.follow("a")
    await next_of(stream)
    for name in "bcd":
        sessions.say(name, name)

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


async def test_too_many_streams_are_refused(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STREAMS_PER_SESSION", 1)
    stream = sessions.follow("a")
    await next_of(stream)

    with pytest.raises(RetryLater):
        sessions.follow("a")
    await stream.aclose()
    assert sessions.streams == 0
    assert (await history_of(sessions, "a")).kind == "history"


async def test_silence_gives_a_ping_and_keeps_the_talk_in_use(sessions: Sessions, time: Time) -> None:
    stream = sessions.follow("a", heartbeat=0.001)
    await next_of(stream)
    time.now += timedelta(minutes=59)
    assert (await next_of(stream)).kind == "ping"
    await stream.aclose()
    time.now += timedelta(minutes=59)
    sessions.say("b", "b")
    assert len(sessions) == 2


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
    assert "канарейка" not in repr(sessions.say("s", "канарейка"))
