"""Every fault is the trouble that it is named after, strikes as often as asked, and then all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from channels.testing.max_server import MaxServer
from channels.testing.max_server.limits import RateLimits
from channels.testing.max_server.refusal import ApiError

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.fixture(autouse=True)
def somebody_wrote(server: MaxServer) -> None:
    server.push.text("hi", chat=1)
    server.push.text("hi", chat=2)


async def send(call: Call, text: str = "x", chat: int = 1) -> tuple[int, dict[str, Any]]:
    return await call("POST /messages", {"text": text}, chat_id=chat)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("429", 429, "too.many.requests"),
        ("500", 500, "internal.error"),
        ("503", 503, "service.unavailable"),
        ("401", 401, "verify.token"),
        ("403", 403, "chat.denied"),
        ("404", 404, "dialog.not.found"),
        ("not_ready", 400, "attachment.not.ready"),
    ],
)
async def test_a_refusal_strikes_once_and_then_all_is_well(
    server: MaxServer, call: Call, kind: str, status: int, code: str
) -> None:
    server.fail(kind, "sendMessage")
    found = await send(call)
    assert (found[0], found[1]["code"]) == (status, code)
    assert not server.sent
    assert (await send(call))[0] == 200
    assert server.faults.fired == {kind: 1}
    assert [one.status for one in server.calls("sendMessage")] == [status, 200]


@pytest.mark.parametrize(("kind", "reached"), [("drop", 0), ("reset", 0), ("drop_after", 1), ("cut_body", 1)])
async def test_a_broken_connection_may_or_may_not_have_sent(
    server: MaxServer, call: Call, kind: str, reached: int
) -> None:
    server.fail(kind, "sendMessage")
    with pytest.raises(aiohttp.ClientError):
        await send(call)
    assert [one.outcome for one in server.sent] == ["lost"] * reached
    assert (await send(call, "well"))[0] == 200
    assert server.sent[-1].plain == "well"
    assert server.in_flight == 0


async def test_a_reset_is_a_reset(server: MaxServer, call: Call) -> None:
    server.fail("reset", "sendMessage")
    with pytest.raises(aiohttp.ClientOSError, match="reset by peer"):
        await send(call)


async def test_429_says_how_long_only_where_it_is_told_to(server: MaxServer) -> None:
    server.fail("429", "getMyInfo", times=1)
    server.fail("429", "getMyInfo", times=1, retry_after=7)
    async with aiohttp.ClientSession(headers={"Authorization": server.token}) as session:
        found = []
        for _ in range(2):
            async with session.get(f"{server.base_url}/me") as answer:
                found.append(answer.headers.get("Retry-After"))
    assert found == [None, "7"]


async def test_502_is_a_page_and_not_json(server: MaxServer) -> None:
    server.fail("502")
    async with (
        aiohttp.ClientSession(headers={"Authorization": server.token}) as session,
        session.get(f"{server.base_url}/me") as answer,
    ):
        assert (answer.status, answer.content_type) == (502, "text/html")
        assert "<html>" in await answer.text()


async def test_a_hang_never_answers_and_never_handles(server: MaxServer, call: Call) -> None:
    server.fail("hang", "sendMessage")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(call), 0.05)
    assert not server.sent


async def test_a_slow_call_is_handled_after_its_wait(server: MaxServer, call: Call) -> None:
    server.fail("slow", "sendMessage", seconds=0.03)
    late = asyncio.create_task(send(call, "late"))
    await server.wait(lambda: server.in_flight == 1)
    assert not server.sent
    await late
    assert server.sent[-1].plain == "late"


async def test_a_fault_may_be_bound_to_a_chat_a_pattern_and_a_number(server: MaxServer, call: Call) -> None:
    server.fail("500", "send*", chat_id=2, times=2)
    assert (await send(call, chat=1))[0] == 200
    assert (await call("GET /me"))[0] == 200
    assert (await send(call, chat=2))[0] == 500
    assert (await call("POST /messages", {"text": "x"}, user_id=500000002))[0] == 500
    assert (await send(call, chat=2))[0] == 200


async def test_a_fault_finds_the_chat_of_a_message_and_of_a_press(server: MaxServer, call: Call) -> None:
    mid = (await send(call, chat=2))[1]["message"]["body"]["mid"]
    press = server.push.callback("x", chat=2, message_id=mid)
    server.fail("500", chat_id=2, times=None)
    assert (await call("PUT /messages", {"text": "y"}, message_id=mid))[0] == 500
    assert (await call("POST /answers", {"notification": "y"}, callback_id=press.callback_id))[0] == 500
    assert (await send(call, chat=1))[0] == 200


async def test_faults_by_chance_repeat_with_the_seed() -> None:
    async def struck(seed: int) -> list[bool]:
        async with MaxServer(seed=seed) as server:
            server.fail("500", "getMyInfo", probability=0.5, times=None)
            return [server.faults.take("getMyInfo") is not None for _ in range(50)]

    first, again, other = [await struck(seed) for seed in (1, 1, 2)]
    assert first == again
    assert first != other
    assert 10 < sum(first) < 40


async def test_a_revoked_token_stays_revoked_until_it_is_healed(server: MaxServer, call: Call) -> None:
    server.revoke_token()
    for _ in range(2):
        assert (await call("GET /me"))[0] == 401
    server.faults.clear()
    assert (await call("GET /me"))[0] == 200


async def test_files_go_wrong_too(server: MaxServer, call: Call) -> None:
    url = server.push.photo(chat=1).body["body"]["attachments"][0]["payload"]["url"]
    upload = (await call("POST /uploads", type="file"))[1]["url"]
    server.fail("502", "media")
    server.fail("500", "upload")
    async with aiohttp.ClientSession() as session:
        for verb, address, statuses in (("GET", url, [502, 200]), ("POST", upload, [500, 415])):
            for status in statuses:
                async with session.request(verb, address) as answer:
                    assert answer.status == status


async def test_latency_shows_sends_in_flight_that_already_reached_the_person(
    server: MaxServer, call: Call
) -> None:
    server.latency = 0.05
    late = asyncio.create_task(send(call))
    await server.wait(lambda: bool(server.sent))
    assert (server.in_flight, server.sent[-1].outcome, server.sent[-1].answered_at) == (1, "pending", None)
    await late
    await server.wait(lambda: server.in_flight == 0)
    assert server.sent[-1].outcome == "answered"


async def test_who_does_not_wait_for_the_answer_never_hears_it(server: MaxServer, call: Call) -> None:
    server.latency = 30.0
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(call), 0.05)
    await server.wait(lambda: server.in_flight == 0)
    assert [one.outcome for one in server.sent] == ["lost"]


def test_a_bucket_holds_a_second_and_fills_again() -> None:
    limits = RateLimits()
    limits.official(retry_after=True)
    for _ in range(2):
        limits.message(1, 100.0)
    with pytest.raises(ApiError) as refused:
        limits.message(1, 100.1)
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "1"})
    limits.message(2, 100.1)
    limits.message(1, 100.5)
    for _ in range(30):
        limits.request(200.0)
    with pytest.raises(ApiError, match="429"):
        limits.request(200.0)
    limits.request(200.04)


async def test_two_messages_a_second_in_one_chat_and_thirty_requests_in_all(
    server: MaxServer, call: Call
) -> None:
    server.limits.set(per_chat=2)
    assert [(await send(call))[0] for _ in range(3)] == [200, 200, 429]
    assert (await send(call, chat=2))[0] == 200
    server.limits.set(per_bot=3)
    assert [(await call("GET /me"))[0] for _ in range(4)] == [200, 200, 200, 429]
    assert len(server.sent) == 3


async def test_an_answer_to_a_press_counts_as_a_message(server: MaxServer, call: Call) -> None:
    mid = (await send(call))[1]["message"]["body"]["mid"]
    press = server.push.callback("x", chat=1, message_id=mid)
    server.limits.set(per_chat=2)
    assert (await send(call))[0] == 200
    answers = [
        await call("POST /answers", {"notification": "✓"}, callback_id=press.callback_id) for _ in "12"
    ]
    assert [status for status, _ in answers] == [200, 429]


async def test_reset_forgets_all_but_the_ids(server: MaxServer, call: Call) -> None:
    before = server.push.text("x", chat=1)
    await send(call)
    server.quirks.not_ready = 3
    server.limits.official()
    await call("POST /subscriptions", {"url": "http://127.0.0.1:9/hook"})
    server.reset()
    state = server.state()
    assert (state["pending"], state["sent"], state["calls"], state["webhooks"]) == (0, 0, 0, [])
    assert (server.latencies.offered, server.quirks.not_ready, server.limits.per_bot) == (0, 0, 0)
    after = server.push.text("x", chat=1)
    assert after.update_id > before.update_id
    assert after.message_id > before.message_id
