"""Notifications: one queue, the same head until it is deleted, and webhooks with what they carry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from channels.testing.green_server import GreenServer, Instance

Raw = Callable[..., Awaitable[tuple[int, Any]]]
ANNA = "10000010"


async def drain(raw: Raw) -> list[dict[str, Any]]:
    """Fetch and delete everything, as a program would."""
    found = []
    while (item := (await raw("receiveNotification"))[1]) is not None:
        found.append(item["body"])
        assert (await raw("deleteNotification", tail=f"/{item['receiptId']}"))[1]["result"]
    return found


async def test_the_head_comes_again_until_it_is_deleted(green: Instance, raw: Raw) -> None:
    green.push.text("first", chat=ANNA)
    green.push.text("second", chat=ANNA)
    (_, once), (_, again) = await asyncio.gather(raw("receiveNotification"), raw("receiveNotification"))
    assert once == again
    assert once["body"]["messageData"]["textMessageData"]["textMessage"] == "first"
    assert (await raw("deleteNotification", tail=f"/{once['receiptId']}"))[1] == {
        "result": True,
        "reason": "",
    }
    gone = (await raw("deleteNotification", tail=f"/{once['receiptId']}"))[1]
    assert gone["result"] is False
    assert gone["reason"]
    (body,) = await drain(raw)
    assert body["messageData"]["textMessageData"]["textMessage"] == "second"


async def test_a_waiting_poll_gets_what_comes(server: GreenServer, green: Instance, raw: Raw) -> None:
    green.queues.poll_scale = 1.0
    polls = [asyncio.create_task(raw("receiveNotification")) for _ in range(2)]
    await server.wait(lambda: len(green.notifications._waiting) == 2)
    green.push.text("x", chat=ANNA)
    first, second = await asyncio.gather(*polls)
    assert first == second
    assert first[1]["body"]["idMessage"]


async def test_an_empty_queue_is_null_after_the_wait(green: Instance, raw: Raw) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await raw("receiveNotification") == (200, None)
    assert loop.time() - began >= 0.04


@pytest.mark.parametrize(("answer", "expected"), [("empty", (200, "")), ("408", 408), ("504", 504)])
async def test_an_empty_queue_may_be_told_in_other_ways(
    green: Instance, raw: Raw, answer: str, expected: Any
) -> None:
    green.queues.empty_answer = answer
    found = await raw("receiveNotification")
    assert expected in {found, found[0]}


async def test_with_everything_off_the_answer_comes_at_once(green: Instance, raw: Raw) -> None:
    green.queues.poll_scale = 1.0
    green.configure(**{name: "no" for name in green.settings if name.endswith("Webhook")})
    green.push.text("unseen", chat=ANNA)
    async with asyncio.timeout(2):
        assert await raw("receiveNotification") == (200, None)


async def test_a_new_instance_tells_nothing(server: GreenServer) -> None:
    fresh = server.add_instance()
    assert fresh.push.text("x", chat=ANNA).receipt_id is None
    assert {value for name, value in fresh.settings.items() if name.endswith("Webhook")} == {"no"}


@pytest.mark.parametrize("seconds", ["4", "61", "x"])
async def test_the_wait_is_5_to_60_seconds(raw: Raw, green: Instance, seconds: str) -> None:
    assert (await raw("receiveNotification", tail=f"?receiveTimeout={seconds}"))[0] == 400
    assert (await raw("receiveNotification", tail="?receiveTimeout=5"))[0] == 200


async def test_a_day_later_a_notification_is_gone() -> None:
    now = [1_795_000_000.0]
    async with GreenServer(clock=lambda: now[0]) as server:
        server.instance.listen()
        server.instance.push.text("x", chat=ANNA)
        now[0] += 24 * 3600 - 1
        assert server.instance.notifications.head() is not None
        now[0] += 1
        assert server.instance.notifications.head() is None


async def test_a_duplicate_comes_once_more_under_another_receipt(green: Instance, raw: Raw) -> None:
    green.notifications.duplicates_left = 1
    green.push.text("twice", chat=ANNA)
    green.push.text("once", chat=ANNA)
    words = [one["messageData"]["textMessageData"]["textMessage"] for one in await drain(raw)]
    assert words == ["twice", "twice", "once"]


# -- what people do --------------------------------------------------------------------------------


async def test_every_kind_of_message_has_its_place(green: Instance, raw: Raw) -> None:
    push = green.push
    question = push.text("Когда?", chat=ANNA).message_id
    push.text("Ау", chat=ANNA, reply_to=question)
    push.link("https://example.invalid", chat=ANNA)
    push.forwarded("чужое", chat=ANNA)
    push.reaction("👍", chat=ANNA, message_id=question)
    push.file("scan.pdf", chat=ANNA, words="вот")
    push.file("lost.jpg", chat=ANNA, gone=True)
    push.sticker(chat=ANNA)
    push.location(chat=ANNA)
    push.contact(79001112233, chat=ANNA)
    push.unknown_message(chat=ANNA)
    push.edited("Когда открыто?", chat=ANNA, message_id=question)
    push.deleted(chat=ANNA, message_id=question)
    found = await drain(raw)
    data = [one["messageData"] for one in found]
    assert [one["typeMessage"] for one in data] == [
        "textMessage", "textMessage", "extendedTextMessage", "textMessage", "reactionMessage", "documentMessage",
        "imageMessage", "stickerMessage", "locationMessage", "contactMessage", "hologramMessage",
        "editedMessage", "deletedMessage",
    ]  # fmt: skip
    assert {one["typeWebhook"] for one in found} == {"incomingMessageReceived"}
    assert data[1]["quotedMessage"] == {"stanzaId": question, "participant": ANNA}
    assert data[3]["textMessageData"]["isForwarded"] is True
    assert data[4]["extendedTextMessageData"]["text"] == "👍"
    assert data[4]["quotedMessage"]["stanzaId"] == question
    assert data[5]["fileMessageData"]["caption"] == "вот"
    assert data[5]["fileMessageData"]["downloadUrl"].startswith("http://127.0.0.1")
    assert data[6]["fileMessageData"]["downloadUrl"] == ""
    assert data[11]["editedMessageData"] == {"textMessage": "Когда открыто?", "stanzaId": question}
    assert data[12]["deletedMessageData"] == {"stanzaId": question}


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_a_reply_in_whatsapp_is_a_kind_of_its_own(green: Instance, raw: Raw) -> None:
    question = green.push.text("Когда?", chat=79001112233)
    assert question.chat_id == "79001112233@c.us"
    green.push.text("Ау", chat=79001112233, reply_to=question.message_id)
    _, reply = await drain(raw)
    assert reply["messageData"]["typeMessage"] == "quotedMessage"
    assert reply["messageData"]["extendedTextMessageData"]["text"] == "Ау"
    assert reply["messageData"]["quotedMessage"]["stanzaId"] == question.message_id
    assert reply["instanceData"]["typeInstance"] == "whatsapp"
    assert "chatType" not in reply["senderData"]


async def test_a_group_hides_phones_and_names_who_wrote(green: Instance, raw: Raw) -> None:
    green.book.person("10000011", phone=79001112233, name="Boris")
    green.push.text("в группе", chat=-70000000000001, user="10000011")
    green.push.text("наедине", chat="10000011")
    group, private = [one["senderData"] for one in await drain(raw)]
    assert (group["chatId"], group["sender"], group["chatType"]) == ("-70000000000001", "10000011", "group")
    assert (group["senderPhoneNumber"], private["senderPhoneNumber"]) == (0, 79001112233)


async def test_the_owner_writes_from_the_phone(green: Instance, raw: Raw) -> None:
    green.push.owner("Сейчас отвечу", chat=ANNA)
    (body,) = await drain(raw)
    assert body["typeWebhook"] == "outgoingMessageReceived"
    assert (body["senderData"]["chatId"], body["senderData"]["sender"]) == (ANNA, green.book.own.id)


async def test_unknown_notifications_come_whatever_is_switched_on(green: Instance, raw: Raw) -> None:
    green.push.unknown("deviceInfo", battery=50)
    green.push.quota()
    green.push.raw({"strange": True})
    green.push.raw('"no object"')
    kinds = await drain(raw)
    assert kinds[0]["typeWebhook"] == "deviceInfo"
    assert (kinds[1]["typeWebhook"], "timestamp" in kinds[1]) == ("quotaExceeded", False)
    assert kinds[2:] == [{"strange": True}, "no object"]


@pytest.mark.parametrize(
    ("setting", "push"),
    [
        ("incomingWebhook", lambda push, _: push.text("x", chat=ANNA)),
        ("outgoingMessageWebhook", lambda push, _: push.owner("x", chat=ANNA)),
        ("editedMessageWebhook", lambda push, old: push.edited("x", chat=ANNA, message_id=old)),
        ("deletedMessageWebhook", lambda push, old: push.deleted(chat=ANNA, message_id=old)),
    ],
)
async def test_each_setting_switches_its_own_kind(
    green: Instance, setting: str, push: Callable[[Any, str], Any]
) -> None:
    old = green.push.text("old", chat=ANNA).message_id
    assert push(green.push, old).receipt_id is not None
    green.configure(**{setting: "no"})
    assert push(green.push, old).receipt_id is None


async def test_what_comes_while_nobody_is_logged_in_is_in_the_journal_only(green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    assert green.push.text("missed", chat=ANNA).receipt_id is None
    green.account.become("authorized")
    rows = (await raw("lastIncomingMessages"))[1]
    assert [row["textMessage"] for row in rows] == ["missed"]


# -- webhooks --------------------------------------------------------------------------------------


class House:
    """Somebody who takes webhooks: `answers` are the statuses to give, 200 when there are none left."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self.answers: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((request.headers.get("Authorization", ""), await request.json()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    found = House()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


async def test_with_a_webhook_nothing_can_be_fetched(green: Instance, raw: Raw, house: House) -> None:
    green.configure(webhookUrl=house.url)
    status, body = await raw("receiveNotification")
    assert (status, body["message"]) == (
        400,
        "Message cannot be received because custom webhook url is set",
    )


async def test_a_webhook_ends_the_poll_that_waits(
    server: GreenServer, green: Instance, raw: Raw, house: House
) -> None:
    green.queues.poll_scale = 1.0
    poll = asyncio.create_task(raw("receiveNotification"))
    await server.wait(lambda: bool(green.notifications._waiting))
    assert server.state()["polling"]
    green.configure(webhookUrl=house.url)
    assert (await poll)[0] == 400


@pytest.mark.parametrize(
    ("scheme", "header"), [("bearer", "Bearer T-1"), ("basic", "Basic T-1"), ("bare", "T-1")]
)
async def test_a_webhook_carries_the_body_itself_and_the_token(
    server: GreenServer, green: Instance, house: House, scheme: str, header: str
) -> None:
    green.pusher.scheme = scheme
    green.configure(webhookUrl=house.url, webhookUrlToken="T-1")
    pushed = green.push.text("привет", chat=ANNA)
    await server.wait(lambda: not server.pending)
    assert house.seen == [(header, pushed.body)]


async def test_without_a_token_there_is_no_header(server: GreenServer, green: Instance, house: House) -> None:
    green.configure(webhookUrl=house.url)
    green.push.text("x", chat=ANNA)
    await server.wait(lambda: not server.pending)
    assert house.seen[0][0] == ""


async def test_a_webhook_that_was_refused_comes_again_before_the_others(
    server: GreenServer, green: Instance, house: House
) -> None:
    house.answers = [503, 500]
    green.configure(webhookUrl=house.url)
    for words in ("a", "b"):
        green.push.text(words, chat=ANNA)
    await server.wait(lambda: not server.pending)
    words = [body["messageData"]["textMessageData"]["textMessage"] for _, body in house.seen]
    assert words == ["a", "a", "a", "b"]
    assert green.pusher.counts == {"attempts": 4, "accepted": 2, "status_503": 1, "status_500": 1}


async def test_webhooks_come_twice_and_in_reverse_on_request(
    server: GreenServer, green: Instance, house: House
) -> None:
    green.configure(webhookUrl=house.url)
    green.notifications.reorder_left = 2
    green.push.text("1", chat=ANNA)
    green.push.text("2", chat=ANNA)
    await server.wait(lambda: not server.pending)
    green.notifications.duplicates_left = 1
    green.push.text("3", chat=ANNA)
    await server.wait(lambda: not server.pending)
    words = [body["messageData"]["textMessageData"]["textMessage"] for _, body in house.seen]
    assert words == ["2", "1", "3", "3"]


async def test_what_waited_while_the_house_was_down_comes_when_it_is_back(
    server: GreenServer, green: Instance, house: House
) -> None:
    green.configure(webhookUrl="http://127.0.0.1:9/hook")
    green.push.text("x", chat=ANNA)
    await server.wait(lambda: green.pusher.counts["attempts"] >= 2)
    green.configure(webhookUrl=house.url)
    await server.wait(lambda: not server.pending)
    assert len(house.seen) == 1


async def test_a_load_is_numbered_and_spread_over_chats(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    server.load.burst(4, chats=2, texts=["q{n}"], first_chat=30000000)
    bodies = await drain(raw)
    assert [one["messageData"]["textMessageData"]["textMessage"] for one in bodies] == [
        "q0",
        "q1",
        "q2",
        "q3",
    ]
    assert [one["senderData"]["chatId"] for one in bodies] == ["30000000", "30000001"] * 2
    assert server.load.rate(400, seconds=0.05, chats=3, start=4) == 20
    await server.wait(lambda: not server.load.running)
    assert server.pending == 20
