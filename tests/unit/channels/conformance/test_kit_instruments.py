"""The instruments of the kit measure what they say."""

from __future__ import annotations

import asyncio
import hmac
import logging
from datetime import UTC, datetime

import pytest
import structlog
from aiohttp import ClientSession

from channels.model import ChatRef, EchoIn, SenderRef, TextIn
from channels.testing.conformance.fault_server import FAULTS, FaultServer
from channels.testing.conformance.looptime import put_forward, unhindered
from channels.testing.conformance.mutations import changed, paths, samples, without
from channels.testing.conformance.payloads import differences
from channels.testing.conformance.platform import Answered, Asked, ScriptedPlatform, Update, reply
from channels.testing.conformance.witness import comparisons, everything_logged, leaks, told

SECRET = "canary/0 123"
NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)


class Echo(ScriptedPlatform):
    async def answer(self, asked: Asked) -> Answered:
        return reply({"path": asked.path, "query": dict(asked.query), "body": asked.body.decode()})

    def text(self, number: int, chat: str, words: str) -> Update:
        return {"id": number, "chat": chat, "text": words}


async def test_requests_pass_when_nothing_strikes() -> None:
    async with FaultServer(Echo()) as front, ClientSession() as session:
        async with session.post(f"{front.address}/a/b?c=1", data=b"x" * 900_000) as answer:
            assert (await answer.json())["query"] == {"c": "1"}
        assert (front.asked[-1].path, len(front.asked[-1].body), front.struck) == ("/a/b", 900_000, 0)


async def test_a_struck_request_is_counted_and_a_connection_too() -> None:
    async with FaultServer(Echo()) as front:
        async with ClientSession() as session:
            front.strike(FAULTS["429 with a delay"])
            async with session.get(front.address) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
            assert (front.struck, front.connections) == (1, 1)
        await front.until(lambda: front.connections == 0)


async def test_a_deaf_server_can_listen_again_at_its_address() -> None:
    async with FaultServer(Echo()) as front, ClientSession() as session:
        await front.deaf()
        with pytest.raises(OSError, match="connect"):
            await session.get(front.address)
        await front.listen()
        async with session.get(front.address) as answer:
            assert answer.status == 200


async def test_what_waits_is_taken_once_and_ends_a_long_poll() -> None:
    platform = Echo()
    waiting = asyncio.create_task(platform.something(60))
    await asyncio.sleep(0)
    platform.writes("1", "да")
    await waiting
    assert [update["text"] for update in platform.take()] == ["да"]
    assert platform.take() == []


async def test_time_passes_when_a_check_says_so() -> None:
    before = asyncio.get_running_loop().time()
    put_forward(100)
    assert asyncio.get_running_loop().time() - before >= 100
    await unhindered(asyncio.sleep(300))
    with pytest.raises(AssertionError, match="still waiting"):
        await unhindered(asyncio.sleep(3000), within=60)


def test_a_secret_is_found_in_an_address_and_not_told_again() -> None:
    found = leaks(SECRET, ["GET /x/canary%2F0%20123/y", "harmless"])
    assert found == ["GET /x/<the secret>/y"]


def test_errors_are_read_with_all_that_they_carry() -> None:
    inner = ValueError("inner")
    inner.add_note("a note")
    outer = ExceptionGroup("outer", [RuntimeError("member")])
    outer.__cause__ = inner
    text = " ".join(told(outer))
    assert all(words in text for words in ("inner", "a note", "member"))


def test_every_line_of_every_logger_is_collected() -> None:
    with everything_logged() as lines:
        logging.getLogger("some.library").debug("quiet %s", "words", extra={"field": "kept"})
        structlog.get_logger("ours").info("event", about={"deep": "value"})
    text = " ".join(lines)
    assert all(words in text for words in ("quiet words", "kept", "value"))


def test_comparisons_are_seen_under_any_name() -> None:
    original = hmac.compare_digest
    with comparisons() as seen:
        hmac.compare_digest(b"a", b"b")
    assert seen == [(b"a", b"b")]
    assert hmac.compare_digest is original


def test_mutations_leave_the_original_alone() -> None:
    update = {"a": {"b": [1, 2]}, "c": "x"}
    assert changed(update, ("a", "b", 1), None) == {"a": {"b": [1, None]}, "c": "x"}
    assert without(update, ("a", "b", 0)) == {"a": {"b": [2]}, "c": "x"}
    assert update == {"a": {"b": [1, 2]}, "c": "x"}
    assert paths(update) == [(), ("a",), ("a", "b"), ("a", "b", 0), ("a", "b", 1), ("c",)]
    assert update not in samples(update)


def test_differences_are_told_in_words() -> None:
    about = {
        "event_id": "1",
        "chat": ChatRef(channel="vk", chat_id="7"),
        "sender": SenderRef(external_id="7"),
        "at": NOW,
    }
    said = {"type": "TextIn", "chat": "vk:7", "at": "2026-01-15T09:00:00+00:00", "text": "да"}
    assert differences([said], [TextIn(**about, text="да")]) == []
    assert differences([said], [TextIn(**about, text="нет")]) == ["event 0: text should be 'да', is 'нет'"]
    assert differences([said], [EchoIn(**about)]) == ["event 0: expected a TextIn, got a EchoIn"]
    assert differences([], [EchoIn(**about)]) == ["expected [], got ['EchoIn']"]
