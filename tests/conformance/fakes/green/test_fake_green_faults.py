"""Every fault strikes as the real trouble would, and then all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from channels.testing.green_server import GreenServer, Instance

Raw = Callable[..., Awaitable[tuple[int, Any]]]
ANNA = "10000010"


@pytest.fixture(autouse=True)
def anna(green: Instance) -> None:
    green.book.person(ANNA)


@pytest.mark.parametrize(
    ("kind", "status", "reached"),
    [
        ("429", 429, 0),
        ("466", 466, 0),
        ("466_correspondents", 466, 0),
        ("469", 469, 0),
        ("401", 401, 0),
        ("403", 403, 0),
        ("499", 499, 0),
        ("500", 500, 0),
        ("502", 502, 0),
        ("handled_500", 500, 1),
    ],
)
async def test_an_answer_of_trouble_comes_once(
    server: GreenServer, green: Instance, raw: Raw, kind: str, status: int, reached: int
) -> None:
    server.fail(kind, "sendMessage")
    assert (await raw("sendMessage", chatId=ANNA, message="struck"))[0] == status
    assert [one.outcome for one in green.sent] == ["lost"] * reached
    assert (await raw("sendMessage", chatId=ANNA, message="well"))[0] == 200
    assert (green.sent[-1].plain, green.sent[-1].outcome) == ("well", "answered")
    assert server.faults.fired == {kind: 1}
    assert server.in_flight == 0


@pytest.mark.parametrize(("kind", "reached"), [("drop", 0), ("drop_after", 1), ("cut_body", 1)])
async def test_a_broken_connection_is_no_answer(
    server: GreenServer, green: Instance, raw: Raw, kind: str, reached: int
) -> None:
    server.fail(kind, "sendMessage")
    with pytest.raises(aiohttp.ClientError):
        await raw("sendMessage", chatId=ANNA, message="struck")
    assert [one.outcome for one in green.sent] == ["lost"] * reached
    assert server.calls("sendMessage")[0].status == 0


async def test_a_hang_never_answers_and_never_handles(server: GreenServer, green: Instance, raw: Raw) -> None:
    server.fail("hang", "sendMessage")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await raw("sendMessage", chatId=ANNA, message="x")
    assert not green.sent


async def test_a_slow_call_is_handled_after_its_wait(server: GreenServer, green: Instance, raw: Raw) -> None:
    server.fail("slow", "sendMessage", seconds=0.03)
    call = asyncio.create_task(raw("sendMessage", chatId=ANNA, message="late"))
    await server.wait(lambda: server.in_flight == 1)
    assert not green.sent
    assert (await call)[0] == 200
    assert [one.plain for one in green.sent] == ["late"]


async def test_a_deletion_may_be_done_and_fail(server: GreenServer, green: Instance, raw: Raw) -> None:
    receipt = green.push.text("x", chat=ANNA).receipt_id
    server.fail("unacked", "deleteNotification")
    status, body = await raw("deleteNotification", tail=f"/{receipt}")
    assert (status, "findUnAckedMessage" in body["message"]) == (500, True)
    assert len(green.notifications) == 0


async def test_pages_of_servers_in_front_are_html(server: GreenServer, raw: Raw) -> None:
    server.fail("502", "receiveNotification")
    _, body = await raw("receiveNotification")
    assert "502 Bad Gateway" in body


async def test_a_fault_may_be_bound_to_a_chat_a_pattern_and_a_number(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    green.book.person("10000011")
    server.fail("500", "send*", chat_id="10000011", times=2)
    assert (await raw("sendMessage", chatId=ANNA, message="x"))[0] == 200
    assert (await raw("getStateInstance"))[0] == 200
    statuses = [(await raw("sendMessage", chatId="10000011", message="x"))[0] for _ in range(3)]
    assert statuses == [500, 500, 200]


async def test_faults_by_chance_repeat_with_the_seed() -> None:
    def struck(seed: int) -> list[bool]:
        server = GreenServer(seed=seed)
        server.fail("500", "getStateInstance", probability=0.5, times=None)
        return [server.faults.take("getStateInstance", {}) is not None for _ in range(50)]

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert 10 < sum(struck(1)) < 40


async def test_reset_forgets_all_but_the_ids(server: GreenServer, green: Instance, raw: Raw) -> None:
    before = green.push.text("x", chat=ANNA).receipt_id
    await raw("sendMessage", chatId=ANNA, message="x")
    server.fail("500")
    server.reset()
    state = server.state()
    assert (state["pending"], state["sent"], state["calls"], state["outgoing"]) == (0, 0, 0, 0)
    assert green.settings["incomingWebhook"] == "no"
    green.listen()
    after = green.push.text("x", chat=ANNA).receipt_id
    assert before is not None
    assert after is not None
    assert after > before
