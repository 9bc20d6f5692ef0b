"""Updates by polling: the marker commits, everything else comes again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maxapi.methods.types.getted_updates import process_update_request

from channels.testing.max_server import MaxServer
from channels.testing.max_server.update_queue import KEPT_SECONDS, UpdateQueue
from channels.testing.max_server.updates import UPDATE_TYPES

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


async def poll(call: Call, **query: Any) -> tuple[list[str], int]:
    """The texts of a poll that waits for nothing, and its marker."""
    status, found = await call("GET /updates", timeout=0, **query)
    assert status == 200, found
    return [one["message"]["body"]["text"] for one in found["updates"]], found["marker"]


async def test_without_a_marker_everything_since_the_last_commit_comes_again(
    server: MaxServer, call: Call
) -> None:
    server.load.burst(3, texts=["1", "2", "3"])
    assert (await poll(call))[0] == ["1", "2", "3"]
    texts, marker = await poll(call, limit=2)
    assert texts == ["1", "2"]
    assert server.pending == 3
    assert await poll(call, marker=marker) == (["3"], marker + 1)
    assert server.pending == 1
    assert (await poll(call))[0] == ["3"]


async def test_an_empty_batch_still_says_where_to_go_on(server: MaxServer, call: Call) -> None:
    _, marker = await poll(call)
    server.load.burst(1, texts=["1"])
    texts, after = await poll(call, marker=marker)
    assert (texts, after) == (["1"], marker + 1)
    assert await poll(call, marker=after) == ([], after)
    assert server.pending == 0


async def test_an_old_marker_brings_back_what_was_committed(server: MaxServer, call: Call) -> None:
    server.load.burst(2, texts=["1", "2"])
    _, marker = await poll(call)
    assert (await poll(call, marker=marker))[0] == []
    assert (await poll(call, marker=marker - 1))[0] == ["2"]
    assert (await poll(call, marker=0))[0] == ["1", "2"]
    assert (await poll(call))[0] == []


async def test_a_marker_from_the_future_commits_no_more_than_there_is(server: MaxServer, call: Call) -> None:
    server.load.burst(1, texts=["1"])
    texts, marker = await poll(call, marker=2**60)
    assert texts == []
    server.load.burst(1, texts=["2"])
    assert (await poll(call, marker=marker))[0] == ["2"]
    waiting = asyncio.create_task(call("GET /updates", marker=2**60))
    await server.wait(lambda: server.feed.polling)
    server.load.burst(1, texts=["3"])
    found = (await asyncio.wait_for(waiting, 5))[1]["updates"]
    assert [one["message"]["body"]["text"] for one in found] == ["3"]


async def test_a_batch_has_at_most_100_whatever_is_asked(server: MaxServer, call: Call) -> None:
    server.load.burst(150)
    assert len((await poll(call, limit=1000))[0]) == 100
    assert len((await poll(call))[0]) == 100
    for query in ({"limit": 0}, {"limit": 1001}, {"timeout": 91}, {"timeout": -1}, {"marker": "x"}):
        assert (await call("GET /updates", **query))[0] == 400


async def test_types_leave_the_others_out_and_step_over_them(server: MaxServer, call: Call) -> None:
    server.push.started(chat=1)
    server.push.text("1", chat=1)
    server.push.stopped(chat=1)
    texts, marker = await poll(call, types="message_created,message_edited")
    assert texts == ["1"]
    assert (await poll(call, marker=marker))[0] == []
    assert server.pending == 0
    assert (await call("GET /updates", types="mesage_created"))[0] == 400


async def test_a_poll_waits_for_news_and_not_longer_than_30_seconds(server: MaxServer, call: Call) -> None:
    waiting = asyncio.create_task(call("GET /updates", timeout=90))
    await server.wait(lambda: server.feed.polling)
    server.push.text("news", chat=1)
    status, found = await asyncio.wait_for(waiting, 5)
    assert (status, len(found["updates"])) == (200, 1)
    now = [0.0]
    async with MaxServer(clock=lambda: now[0]) as slow:
        poll_of_it = asyncio.create_task(slow.feed.get_updates({"timeout": "90"}))
        while not slow.feed.polling:  # noqa: ASYNC110 - one turn of the loop, no time
            await asyncio.sleep(0)
        now[0] = 30.0
        slow.feed.wake()
        assert b'"updates":[]' in await asyncio.wait_for(poll_of_it, 5)


async def test_a_poll_whose_bot_is_gone_is_not_a_waiting_one(server: MaxServer) -> None:
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": server.token}
        task = asyncio.create_task(session.get(f"{server.base_url}/updates", headers=headers))
        await server.wait(lambda: server.feed.polling)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.wait(lambda: not server.feed.polling)


async def test_two_polls_a_second_are_enough_where_the_limits_are_on(server: MaxServer, call: Call) -> None:
    server.limits.official()
    assert [(await call("GET /updates", timeout=0))[0] for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(("quirk", "status"), [("empty", 200), ("405", 405)])
async def test_a_subscription_silences_polling(
    server: MaxServer, call: Call, quirk: str, status: int
) -> None:
    server.quirks.set(polling_with_webhook=quirk)
    server.load.burst(1)
    await call("POST /subscriptions", {"url": "http://127.0.0.1:9/hook"})
    found = await call("GET /updates", timeout=0)
    assert (found[0], found[1].get("updates", [])) == (status, [])
    await call("DELETE /subscriptions", url="http://127.0.0.1:9/hook")
    assert len((await poll(call))[0]) == 1


async def test_updates_carry_no_id_and_duplicates_are_the_same_to_the_byte(
    server: MaxServer, call: Call
) -> None:
    server.duplicate_next()
    server.load.burst(2, texts=["1", "2"])
    found = (await call("GET /updates", timeout=0))[1]["updates"]
    assert [one["message"]["body"]["text"] for one in found] == ["1", "1", "2"]
    assert found[0] == found[1]
    assert not {"update_id", "id"} & found[0].keys()


async def test_reordered_updates_come_last_one_first_and_none_is_lost(server: MaxServer, call: Call) -> None:
    server.reorder_next(3)
    server.load.burst(2, texts=["1", "2"])
    texts, marker = await poll(call)
    assert texts == []
    assert server.pending == 2
    server.load.burst(2, texts=["3", "4"])
    assert (await poll(call, marker=marker))[0] == ["3", "2", "1", "4"]


def test_an_update_is_forgotten_after_a_day() -> None:
    queue = UpdateQueue()
    for now in (0.0, 1.0):
        queue.put({"update_type": "message_created"}, now=now)
    assert len(queue.read(marker=None, limit=9, types=None, now=KEPT_SECONDS - 1)[0]) == 2
    assert len(queue.read(marker=None, limit=9, types=None, now=KEPT_SECONDS)[0]) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), st.booleans()), max_size=30))
def test_who_follows_the_marker_sees_everything_once_and_in_order(
    steps: list[tuple[int, int, bool]],
) -> None:
    queue = UpdateQueue()
    seen: list[bytes] = []
    put = 0
    marker: int | None = None
    for count, limit, again in steps:
        for _ in range(count):
            queue.put({"update_type": "x", "n": put}, now=0.0)
            put += 1
        for _ in range(1 + again):
            entries, after = queue.read(marker=marker, limit=limit, types=None, now=0.0)
        seen += [one.body for one in entries]
        marker = after
    entries, _ = queue.read(marker=marker, limit=10**6, types=None, now=0.0)
    seen += [one.body for one in entries]
    assert seen == [b'{"update_type":"x","n":%d}' % number for number in range(put)]


async def test_an_independent_client_understands_every_kind_of_update(server: MaxServer, call: Call) -> None:
    push = server.push
    question = push.text("Где мой заказ?", chat=1)
    push.text("вот", chat=1, reply_to=question.message_id)
    push.text("смотри", chat=-60, user=5001, forward_of=question.message_id)
    push.photo(chat=1, words="это", count=2)
    push.video(chat=1)
    push.voice(chat=1, transcription="алло")
    push.document(chat=1, name="check.pdf", words="вот чек", size=48211)
    push.sticker(chat=1)
    push.contact(chat=1)
    push.location(chat=1)
    push.share(chat=1)
    push.edited("Где мой второй заказ?", chat=1, message_id=question.message_id)
    keyboard = {"type": "callback", "text": "Да", "payload": "y"}
    body = {"text": "?", "attachments": [{"type": "inline_keyboard", "payload": {"buttons": [[keyboard]]}}]}
    assert (await call("POST /messages", body, chat_id=1))[0] == 200
    pressed = push.press("Да", chat=1)
    push.callback("y", chat=1, message_id=pressed.message_id, inaccessible=True)
    push.removed(chat=1, message_id=question.message_id)
    push.started("from-site", chat=2)
    push.stopped(chat=2)
    events = [
        "bot_added", "bot_removed", "user_added", "user_removed", "chat_title_changed", "dialog_cleared",
        "dialog_removed", "dialog_muted", "dialog_unmuted",
    ]  # fmt: skip
    for kind in events:
        push.event(kind, chat=3 if kind.startswith("dialog") else -60, user=5001)
    found = (await call("GET /updates", timeout=0))[1]
    kinds = [one["update_type"] for one in found["updates"]]
    assert set(kinds) <= set(UPDATE_TYPES)
    from maxapi import Bot  # noqa: PLC0415 - only this test makes one

    understood = await process_update_request(found, Bot("x", auto_requests=False))
    assert [one.update_type for one in understood] == kinds
    assert len(kinds) == 26


async def test_what_strict_clients_drop_is_pushed_all_the_same(server: MaxServer, call: Call) -> None:
    server.push.poison(chat=1)
    server.push.event("bot_admin_permissions_changed", chat=-60)
    server.push.unknown(chat=1)
    server.push.raw({"update_type": 5})
    first, admin, unknown, raw = (await call("GET /updates", timeout=0))[1]["updates"]
    assert (first["message"]["body"], first["message"]["link"]["message"]["text"]) == (None, "forwarded")
    assert (admin["is_admin"], unknown["update_type"], raw) == (True, "telepathy", {"update_type": 5})


async def test_stopping_leaves_no_task_behind_even_with_a_poll_a_hang_and_a_load() -> None:
    before = asyncio.all_tasks()
    async with MaxServer() as server, aiohttp.ClientSession() as client:
        headers = {"Authorization": server.token}
        server.fail("hang", "getMyInfo")
        server.pusher.subscriptions.clear()
        calls = [
            asyncio.create_task(client.get(f"{server.base_url}/updates", headers=headers)),
            asyncio.create_task(client.get(f"{server.base_url}/me", headers=headers)),
        ]
        await server.wait(lambda: server.feed.polling and server.call_count == 2)
        server.load.rate(1, seconds=60)
        await server.stop()
        poll_of_it, hung = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(poll_of_it, aiohttp.ClientResponse)
    assert isinstance(hung, aiohttp.ClientError)
    assert before == asyncio.all_tasks()
