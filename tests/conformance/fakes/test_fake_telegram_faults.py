"""Every fault reaches aiogram as the exception that the real trouble would be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from channels.testing.telegram_server import TelegramServer

Raw = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture(autouse=True)
def somebody_wrote(server: TelegramServer) -> None:
    server.push.text("hi", chat=1)
    server.push.text("hi", chat=2)


@pytest.mark.parametrize(
    ("kind", "exception", "reached"),
    [
        ("429", TelegramRetryAfter, 0),
        ("500", TelegramServerError, 0),
        ("502", ClientDecodeError, 0),
        ("401", TelegramUnauthorizedError, 0),
        ("403", TelegramForbiddenError, 0),
        ("409", TelegramConflictError, 0),
        ("drop", TelegramNetworkError, 0),
        ("drop_after", TelegramNetworkError, 1),
        ("cut_body", TelegramNetworkError, 1),
    ],
)
async def test_a_fault_strikes_once_and_then_all_is_well(
    server: TelegramServer, bot: Bot, kind: str, exception: type[Exception], reached: int
) -> None:
    server.fail(kind, "sendMessage")
    with pytest.raises(exception):
        await bot.send_message(1, "struck")
    assert [one.outcome for one in server.sent] == ["lost"] * reached
    await bot.send_message(1, "well")
    assert server.sent[-1].plain == "well"
    assert server.faults.fired == {kind: 1}
    assert server.in_flight == 0


async def test_429_names_its_delay(server: TelegramServer, bot: Bot) -> None:
    server.fail("429", "sendMessage", retry_after=7)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(1, "x")
    assert limited.value.retry_after == 7


async def test_a_hang_never_answers_and_never_handles(
    server: TelegramServer, new_bot: Callable[..., Bot]
) -> None:
    server.fail("hang", "sendMessage")
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await new_bot(timeout=0.05).send_message(1, "x")
    assert not server.sent


async def test_a_slow_call_is_handled_after_its_wait(server: TelegramServer, bot: Bot) -> None:
    server.fail("slow", "sendMessage", seconds=0.03)
    call = asyncio.create_task(bot.send_message(1, "late"))
    await server.wait(lambda: server.in_flight == 1)
    assert not server.sent
    await call
    assert server.sent[-1].plain == "late"


async def test_a_fault_may_be_bound_to_a_chat_a_pattern_and_a_number(
    server: TelegramServer, bot: Bot
) -> None:
    server.fail("500", "send*", chat_id=2, times=2)
    await bot.send_message(1, "x")
    await bot.get_me()
    for _ in range(2):
        with pytest.raises(TelegramServerError):
            await bot.send_message(2, "x")
    await bot.send_message(2, "x")


async def test_faults_by_chance_repeat_with_the_seed() -> None:
    async def struck(seed: int) -> list[bool]:
        async with TelegramServer(seed=seed) as server:
            server.fail("500", "getMe", probability=0.5, times=None)
            return [server.faults.take("getMe", {}) is not None for _ in range(50)]

    first, again, other = [await struck(seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert 10 < sum(first) < 40


async def test_a_revoked_token_stays_revoked_until_it_is_healed(server: TelegramServer, bot: Bot) -> None:
    server.revoke_token()
    for _ in range(2):
        with pytest.raises(TelegramUnauthorizedError):
            await bot.get_me()
    server.faults.clear()
    await bot.get_me()


async def test_a_wrong_token_is_unauthorized(new_bot: Callable[..., Bot]) -> None:
    with pytest.raises(TelegramUnauthorizedError):
        await new_bot("123456:OTHER").get_me()


async def test_flood_limits_count_per_chat_and_per_bot(raw: Raw) -> None:
    now = [1000.0]
    async with TelegramServer(clock=lambda: now[0]) as server:
        server.limits.set(per_chat=1.0, per_bot=3.0, burst=2)
        limits = server.limits
        limits.check(1, now[0])
        limits.check(1, now[0])
        with pytest.raises(Exception, match="retry after 1") as refused:
            limits.check(1, now[0])
        assert getattr(refused.value, "code", 0) == 429
        limits.check(2, now[0])
        with pytest.raises(Exception, match="Too Many Requests"):
            limits.check(3, now[0])
        now[0] += 1.0
        limits.check(1, now[0])


async def test_a_flood_reaches_aiogram_as_retry_after(server: TelegramServer, bot: Bot) -> None:
    server.limits.set(per_chat=0.1)
    await bot.send_message(1, "x")
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(1, "y")
    assert limited.value.retry_after == 10
    await bot.send_message(2, "z")
    assert [one.plain for one in server.sent] == ["x", "z"]


async def test_latency_shows_sends_in_flight_that_already_reached_the_person(
    server: TelegramServer, bot: Bot
) -> None:
    server.latency = 0.05
    call = asyncio.create_task(bot.send_message(1, "x"))
    await server.wait(lambda: bool(server.sent))
    assert (server.in_flight, server.sent[-1].outcome, server.sent[-1].answered_at) == (1, "pending", None)
    await call
    await server.wait(lambda: server.in_flight == 0)
    sent = server.sent[-1]
    assert sent.outcome == "answered"
    assert sent.answered_at is not None
    assert sent.answered_at - sent.received_at >= 0.05


async def test_faults_also_strike_downloads(server: TelegramServer, bot: Bot) -> None:
    file_id = server.push.photo(chat=1).body["photo"][-1]["file_id"]
    server.fail("502", "file")
    with pytest.raises(Exception, match="502"):
        await bot.download(file_id)
    assert await bot.download(file_id)


async def test_a_refused_call_is_logged_with_its_status(server: TelegramServer, bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest):
        await bot.send_message(99, "x")
    assert [call.status for call in server.calls("sendMessage")] == [400]


async def test_latencies_are_matched_by_count_within_a_chat() -> None:
    now = [0.0]
    async with TelegramServer(clock=lambda: now[0]) as server:
        first = server.push.text("a", chat=1).update_id
        now[0] = 1.0
        server.push.text("b", chat=1)
        server.push.text("c", chat=2)
        now[0] = 3.0
        assert server.latencies.answer(1, now[0]) == first
        assert server.latencies.answer(2, now[0]) is not None
        assert server.latencies.answer(3, now[0]) is None
        stats = server.latencies.as_json()
    assert (stats["offered"], stats["answered"], stats["outstanding"], stats["unmatched"]) == (3, 2, 1, 1)
    assert (stats["p50_ms"], stats["p99_ms"], stats["seconds"]) == (2000.0, 3000.0, 3.0)


async def test_reset_forgets_all_but_the_ids(server: TelegramServer, bot: Bot) -> None:
    before = server.push.text("x", chat=1).update_id
    await bot.send_message(1, "x")
    server.reset()
    assert (server.pending, len(server.sent), server.world.sent_count, server.latencies.offered) == (
        0,
        0,
        0,
        0,
    )
    after = server.push.text("x", chat=1).update_id
    assert before is not None
    assert after is not None
    assert after > before
