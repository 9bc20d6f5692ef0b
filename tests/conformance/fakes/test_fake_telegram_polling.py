"""The fake hands out updates as Telegram does: to aiogram's own polling, and offset by offset."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramConflictError
from aiogram.types import Update

from channels.testing.telegram_server import TelegramServer
from channels.testing.telegram_server.update_queue import (
    ANSWER_BYTES,
    KEPT_SECONDS,
    OFF_BY_DEFAULT,
    UPDATE_TYPES,
    UpdateQueue,
)

Raw = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


def ids(answer: tuple[int, dict[str, Any]]) -> list[int]:
    status, body = answer
    assert status == 200, body
    return [one["update_id"] for one in body["result"]]


async def test_aiograms_polling_echoes_every_message_once_and_confirms_all(
    server: TelegramServer, bot: Bot, echo: Dispatcher
) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(echo.start_polling(bot, handle_signals=False, polling_timeout=5))
        for number in range(20):
            server.push.text(f"вопрос {number}", chat=1 + number % 4)
        await server.wait_sent(20)
        await server.wait(lambda: server.pending == 0 and server.in_flight == 0)
        await echo.stop_polling()
    assert sorted(one.plain for one in server.sent) == sorted(f"вопрос {number}" for number in range(20))
    assert server.state()["outcomes"] == {"pending": 0, "answered": 20, "lost": 0}
    assert server.latencies.as_json()["answered"] == 20


async def test_aiogram_understands_every_kind_of_content_that_the_fake_builds(
    server: TelegramServer, bot: Bot
) -> None:
    push = server.push
    text = push.text("@optfm_test_bot цена? /help", chat=-1001234567890123, user=5, topic=7)
    push.text("reply", chat=-1001234567890123, user=5, reply_to=text.message_id)
    push.photo(chat=1, words="that one")
    push.album(chat=1, count=3, words="look")
    push.voice(chat=1)
    push.document(chat=1)
    push.sticker(chat=1)
    push.contact(chat=1)
    push.location(chat=1)
    push.edited("changed", chat=-1001234567890123, message_id=text.message_id)
    push.callback("data", chat=-1001234567890123, user=5, message_id=text.message_id)
    push.callback("data", chat=1, message_id=1, inaccessible=True)
    push.membership("blocked", chat=1)
    push.membership("kicked", chat=-42, user=5)
    push.migrated(chat=-43, to=-1009876543210123)
    push.unknown(chat=1)
    updates = await bot.get_updates()
    kinds = [update.event_type for update in updates[:-1]]
    assert kinds[:11] == ["message"] * 11
    assert kinds[11:] == [
        "edited_message", "callback_query", "callback_query", "my_chat_member", "my_chat_member", "message",
        "message",
    ]  # fmt: skip
    first = updates[0].message
    assert first is not None
    assert [entity.type for entity in first.entities or ()] == ["mention", "bot_command"]
    assert (first.message_thread_id, first.is_topic_message) == (7, True)
    reply = updates[1].message
    assert reply is not None
    assert reply.reply_to_message is not None


async def test_the_poison_update_stops_a_strict_client_as_telegram_would(
    server: TelegramServer, raw: Raw, bot: Bot
) -> None:
    from aiogram.exceptions import ClientDecodeError  # noqa: PLC0415 - only this test is about it

    server.push.poison(chat=1)
    server.push.text("after", chat=1)
    with pytest.raises(ClientDecodeError):
        await bot.get_updates()
    assert len(ids(await raw("getUpdates"))) == 2


async def test_an_offset_confirms_what_is_below_it_and_nothing_else(server: TelegramServer, raw: Raw) -> None:
    first = server.push.text("1", chat=1).update_id
    assert first is not None
    server.load.burst(4)
    assert [first + n for n in range(5)] == ids(await raw("getUpdates"))
    assert [first + n for n in range(5)] == ids(await raw("getUpdates", offset=first))
    assert [first + 2, first + 3] == ids(await raw("getUpdates", offset=first + 2, limit=2))
    assert server.pending == 3
    assert ids(await raw("getUpdates", offset=first + 5)) == []
    assert server.pending == 0


async def test_a_negative_offset_keeps_only_the_last_updates(server: TelegramServer, raw: Raw) -> None:
    server.load.burst(5)
    assert len(ids(await raw("getUpdates", offset=-2))) == 2
    assert server.pending == 2


async def test_an_offset_far_above_the_newest_confirms_nothing(server: TelegramServer, raw: Raw) -> None:
    server.load.burst(3)
    assert len(ids(await raw("getUpdates", offset=server.queue.next_id + 11))) == 3
    assert server.pending == 3


async def test_the_limit_is_held_between_1_and_100(server: TelegramServer, raw: Raw) -> None:
    server.load.burst(150)
    assert len(ids(await raw("getUpdates", limit=1000))) == 100
    assert len(ids(await raw("getUpdates", limit=0))) == 1


async def test_an_answer_is_cut_at_about_four_megabytes(server: TelegramServer, raw: Raw) -> None:
    for _ in range(3):
        server.push.raw({"telepathy": "x" * (ANSWER_BYTES // 2 - 100)})
    assert len(ids(await raw("getUpdates"))) == 2


async def test_a_long_poll_ends_when_an_update_comes(server: TelegramServer, raw: Raw) -> None:
    poll = asyncio.create_task(raw("getUpdates", timeout=50))
    await server.wait(lambda: server.subscription.polling)
    server.load.burst(3)
    assert len(ids(await asyncio.wait_for(poll, 5))) == 3


async def test_a_second_poller_ends_the_older_waiting_poll_with_409(
    server: TelegramServer, raw: Raw, bot: Bot
) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=50, request_timeout=60))
    await server.wait(lambda: server.subscription.polling)
    newer = asyncio.create_task(raw("getUpdates", timeout=50))
    with pytest.raises(TelegramConflictError, match="terminated by other getUpdates"):
        await asyncio.wait_for(older, 5)
    server.push.text("for the newer one", chat=1)
    assert len(ids(await asyncio.wait_for(newer, 5))) == 1


async def test_a_webhook_ends_the_waiting_poll_and_forbids_the_next(
    server: TelegramServer, raw: Raw, bot: Bot
) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=50, request_timeout=60))
    await server.wait(lambda: server.subscription.polling)
    assert (await raw("setWebhook", url="http://127.0.0.1:9/none"))[0] == 200
    with pytest.raises(TelegramConflictError, match="setWebhook"):
        await asyncio.wait_for(poll, 5)
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    assert await bot.delete_webhook()
    assert await bot.get_updates() == []


async def test_allowed_updates_filter_new_updates_and_are_remembered(
    server: TelegramServer, raw: Raw
) -> None:
    server.push.membership("blocked", chat=1)
    assert len(ids(await raw("getUpdates", allowed_updates=["message"]))) == 1
    assert server.push.membership("unblocked", chat=1).update_id is None
    await raw("getUpdates")
    assert server.push.membership("blocked", chat=1).update_id is None
    await raw("getUpdates", allowed_updates=[])
    assert server.push.membership("unblocked", chat=1).update_id is not None


async def test_the_kinds_of_updates_are_those_of_aiogram() -> None:
    assert set(Update.model_fields) - {"update_id"} == set(UPDATE_TYPES)
    assert set(UPDATE_TYPES) > OFF_BY_DEFAULT


async def test_a_duplicate_comes_once_more_after_it_was_confirmed(server: TelegramServer, raw: Raw) -> None:
    server.duplicate_next()
    server.load.burst(2)
    first, second = ids(await raw("getUpdates"))
    assert [first] == ids(await raw("getUpdates", offset=second + 1))
    assert ids(await raw("getUpdates", offset=second + 1)) == []


def test_an_update_is_forgotten_after_a_day() -> None:
    queue = UpdateQueue()
    for _ in range(3):
        queue.put("message", {}, lane="1", now=0.0)
    queue.put("message", {}, lane="1", now=1.0)
    assert len(queue.read(offset=0, limit=100, now=KEPT_SECONDS - 1)) == 4
    assert len(queue.read(offset=0, limit=100, now=KEPT_SECONDS)) == 1


async def test_a_poller_that_does_not_advance_is_slowed_where_that_is_switched_on() -> None:
    async with TelegramServer(slow_down=True) as slow:
        slow.load.burst(5)
        polls = [await slow.subscription.get_updates({"offset": 0}) for _ in range(3)]
    assert [len(found) for found in polls] == [5, 1, 1]


async def test_stopping_leaves_no_task_behind_even_with_a_poll_a_hang_and_a_load() -> None:
    before = asyncio.all_tasks()
    async with TelegramServer() as server:
        import aiohttp  # noqa: PLC0415 - only this test needs a client that outlives the server

        async with aiohttp.ClientSession() as client:
            address = f"{server.base_url}/bot{server.token}"
            server.fail("hang", "getMe")
            calls = [
                asyncio.create_task(client.get(f"{address}/getUpdates?timeout=50")),
                asyncio.create_task(client.get(f"{address}/getMe")),
            ]
            await server.wait(lambda: server.subscription.polling and server.call_count == 2)
            server.load.rate(1, seconds=60)
            await server.stop()
            poll, hung = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(poll, aiohttp.ClientResponse)
    assert isinstance(hung, aiohttp.ClientError)
    assert before == asyncio.all_tasks()
