"""200 means queued: what leaves when, what becomes of it, and whom it reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from channels.testing.green_server import GreenServer, Instance, Pace

Raw = Callable[..., Awaitable[tuple[int, Any]]]
ANNA = "10000010"


def told(green: Instance, kind: str) -> list[dict[str, Any]]:
    """The notifications of one kind that wait."""
    bodies = [orjson.loads(one.body) for one in green.notifications.entries.values()]
    return [one for one in bodies if one["typeWebhook"] == kind]


@pytest.fixture(autouse=True)
def anna(green: Instance) -> None:
    green.book.person(ANNA if green.network == "max" else "79001112233@c.us", phone=79001112233, name="Anna")


async def test_a_message_reaches_the_person_and_is_echoed_and_delivered(green: Instance, raw: Raw) -> None:
    status, body = await raw("sendMessage", chatId=ANNA, message="*как есть* <b>")
    assert status == 200
    (sent,) = green.sent
    assert (sent.chat_id, sent.person, sent.plain, sent.outcome) == (ANNA, ANNA, "*как есть* <b>", "answered")
    (echo,) = told(green, "outgoingAPIMessageReceived")
    assert echo["idMessage"] == body["idMessage"] == sent.message_id
    assert echo["messageData"] == {
        "typeMessage": "extendedTextMessage",
        "extendedTextMessageData": {"text": "*как есть* <b>"},
    }
    assert (echo["senderData"]["chatId"], echo["senderData"]["sender"]) == (ANNA, green.book.own.id)
    (delivered,) = told(green, "outgoingMessageStatus")
    assert (delivered["status"], delivered["chatId"], delivered["idMessage"]) == (
        "delivered",
        ANNA,
        sent.message_id,
    )


async def test_ids_are_unique_within_a_chat_only(green: Instance, raw: Raw) -> None:
    green.book.person("10000011")
    first = (await raw("sendMessage", chatId=ANNA, message="1"))[1]["idMessage"]
    second = (await raw("sendMessage", chatId=ANNA, message="2"))[1]["idMessage"]
    other = (await raw("sendMessage", chatId="10000011", message="3"))[1]["idMessage"]
    assert first != second
    assert first == other
    assert green.push.text("x", chat=ANNA).message_id not in {first, second}


async def test_queued_messages_have_different_ids(green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    ids = [(await raw("sendMessage", chatId=ANNA, message="x"))[1]["idMessage"] for _ in range(3)]
    assert len(set(ids)) == 3
    green.account.become("authorized")
    assert [one.message_id for one in green.sent] == ids


async def test_to_a_phone_in_max_the_answers_come_from_another_chat(green: Instance, raw: Raw) -> None:
    await raw("sendMessage", chatId="79001112233@c.us", message="hello")
    (sent,) = green.sent
    assert (sent.chat_id, sent.person) == ("79001112233@c.us", ANNA)
    answer = green.push.text("hi", chat=sent.person)
    assert answer.body["senderData"]["chatId"] == ANNA
    rows = (await raw("getChatHistory", chatId=ANNA))[1]
    assert [row["type"] for row in rows] == ["incoming"]


@pytest.mark.parametrize("chat", ["79001112233", "79995556677@c.us"])
async def test_nobody_behind_an_id_is_told_even_when_statuses_are_off(
    green: Instance, raw: Raw, chat: str
) -> None:
    green.configure(outgoingWebhook="no")
    assert (await raw("sendMessage", chatId=chat, message="x"))[0] == 200
    assert not green.sent
    assert [one["status"] for one in told(green, "outgoingMessageStatus")] == ["noAccount"]
    await raw("sendMessage", chatId=ANNA, message="x")
    assert len(told(green, "outgoingMessageStatus")) == 1


async def test_a_group_that_we_are_not_in_gets_nothing(green: Instance, raw: Raw) -> None:
    green.push.text("x", chat=-70000000000001)
    await raw("sendMessage", chatId="-70000000000001", message="in")
    await raw("leaveGroup", chatId="-70000000000001")
    await raw("sendMessage", chatId="-70000000000001", message="out")
    await raw("sendMessage", chatId="-70000000000002", message="never in")
    assert [one.plain for one in green.sent] == ["in"]
    statuses = [one["status"] for one in told(green, "outgoingMessageStatus")]
    assert statuses == ["delivered", "notInGroup", "notInGroup"]


async def test_messages_leave_at_the_pace_of_the_settings(
    network: str, client: aiohttp.ClientSession
) -> None:
    async with GreenServer(pace=Pace(delay=0.1)) as server:
        green = server.instance
        green.book.person(ANNA)
        url = f"{server.api_url}/waInstance{green.id}/sendMessage/{green.token}"
        for number in range(3):
            async with client.post(url, json={"chatId": ANNA, "message": str(number)}) as answer:
                assert answer.status == 200
        assert len(green.outgoing) == 2
        await server.wait_sent(3)
        at = [one.reached_at for one in green.sent]
        assert [one.plain for one in green.sent] == ["0", "1", "2"]
        assert at[2] - at[0] >= 0.1


@pytest.mark.parametrize("state", ["notAuthorized", "starting", "pendingPassword", "sleepMode"])
async def test_without_an_account_messages_wait(green: Instance, raw: Raw, state: str) -> None:
    green.account.become(state)
    assert (await raw("sendMessage", chatId=ANNA, message="later"))[0] == 200
    assert not green.sent
    (row,) = (await raw("showMessagesQueue"))[1]
    assert (row["type"], row["body"]) == ("sendMessage", {"chatId": ANNA, "message": "later"})
    green.account.become("authorized")
    assert [one.plain for one in green.sent] == ["later"]


async def test_what_waited_for_a_day_is_gone(network: str, client: aiohttp.ClientSession) -> None:
    now = [1_795_000_000.0]
    async with GreenServer(clock=lambda: now[0]) as server:
        green = server.instance
        green.book.person(ANNA)
        green.account.become("notAuthorized")
        url = f"{server.api_url}/waInstance{green.id}/sendMessage/{green.token}"
        async with client.post(url, json={"chatId": ANNA, "message": "x"}):
            pass
        now[0] += 24 * 3600
        green.account.become("authorized")
        assert not green.sent
        assert len(green.outgoing) == 0


async def test_sends_may_also_be_refused_while_nobody_is_logged_in(green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    green.account.refuse_unready = True
    status, body = await raw("sendMessage", chatId=ANNA, message="x")
    assert (status, body["message"]) == (400, "instance is starting or not authorized")


async def test_a_suspended_account_writes_to_saved_people_only(green: Instance, raw: Raw) -> None:
    green.book.person("10000011", contact_name="Boris")
    green.account.become("suspended", until=1_795_600_000)
    status, body = await raw("sendMessage", chatId=ANNA, message="x")
    assert (status, body["message"]) == (403, "Your account is suspended")
    assert (await raw("sendMessage", chatId="10000011", message="x"))[0] == 200
    assert [one.chat_id for one in green.sent] == ["10000011"]
    assert (await raw("getAccountSettings"))[1]["suspendedUntil"] == 1_795_600_000


async def test_a_blocked_account_sends_nothing(green: Instance, raw: Raw) -> None:
    green.account.become("blocked")
    assert (await raw("sendMessage", chatId=ANNA, message="x"))[0] == 403
    assert not green.sent


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_with_a_yellow_card_nothing_arrives_until_a_reboot(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    chat = "79001112233@c.us"
    green.account.become("yellowCard")
    assert (await raw("sendMessage", chatId=chat, message="x"))[0] == 200
    assert [one["status"] for one in told(green, "outgoingMessageStatus")] == ["yellowCard"]
    await raw("reboot")
    await server.wait(lambda: green.account.state == "authorized")
    await raw("sendMessage", chatId=chat, message="y")
    assert [one.plain for one in green.sent] == ["y"]
    assert [one["status"] for one in told(green, "outgoingMessageStatus")][1:] == ["sent", "delivered"]


# -- files and the rest ----------------------------------------------------------------------------


async def test_the_extension_decides_what_a_file_is_and_captions_need_a_picture(
    green: Instance, raw: Raw
) -> None:
    url = "https://example.invalid/x"
    for name in ("photo.jpg", "clip.mp4", "song.mp3", "price.pdf"):
        given = {"chatId": ANNA, "urlFile": url, "fileName": name, "caption": "words"}
        assert (await raw("sendFileByUrl", **given))[0] == 200
    assert [one.plain for one in green.sent] == ["words", "words", "[song.mp3]", "[price.pdf]"]
    assert [one.mime for one in green.sent] == ["image/jpeg", "video/mp4", "audio/mpeg", "application/pdf"]
    for wrong in ({"fileName": "noextension"}, {"urlFile": "ftp://x"}, {"fileName": None}):
        given = {"chatId": ANNA, "urlFile": url, "fileName": "a.pdf", **wrong}
        assert (await raw("sendFileByUrl", **given))[0] == 400


async def test_an_uploaded_file_can_be_fetched_and_sent(
    server: GreenServer, green: Instance, raw: Raw, client: aiohttp.ClientSession
) -> None:
    headers = {"GA-Filename": "tariffs.png", "Content-Type": "image/png"}
    url = f"{server.media_url}/waInstance{green.id}/uploadFile/{green.token}"
    async with client.post(url, data=b"\x89PNG", headers=headers) as answer:
        link = (await answer.json())["urlFile"]
    async with client.get(link) as answer:
        assert (await answer.read(), answer.content_type) == (b"\x89PNG", "image/png")
    assert (await raw("sendFileByUrl", chatId=ANNA, urlFile=link, fileName="tariffs.png"))[0] == 200
    async with client.post(url, data=b"x") as answer:
        assert answer.status == 400


async def test_a_file_goes_in_a_form(
    server: GreenServer, green: Instance, client: aiohttp.ClientSession
) -> None:
    url = f"{server.media_url}/waInstance{green.id}/sendFileByUpload/{green.token}"
    form = aiohttp.FormData()
    form.add_field("chatId", ANNA)
    form.add_field("caption", "смотрите")
    form.add_field("file", b"GIF89a", filename="cat.gif", content_type="image/gif")
    async with client.post(url, data=form) as answer:
        body = await answer.json()
    (sent,) = green.sent
    assert (sent.plain, sent.file_name, sent.file_url) == ("смотрите", "cat.gif", body["urlFile"])
    assert sent.message_id == body["idMessage"]
    for fields in ({"file": "no file"}, {"chatId": ANNA}, {"chatId": ANNA, "moon": "1"}):
        form = aiohttp.FormData(fields)
        form.add_field("other", b"x", filename="x.txt")
        async with client.post(url, data=form) as answer:
            assert answer.status == 400


async def test_places_and_cards(green: Instance, raw: Raw) -> None:
    await raw("sendLocation", chatId=ANNA, latitude=55.75, longitude=37.61, nameLocation="Офис")
    card = {"phoneContact": 79001112233, "firstName": "Мария"}
    await raw("sendContact", chatId=ANNA, contact=card)
    assert [one.plain for one in green.sent] == ["Офис  55.75, 37.61", "Мария +79001112233"]
    assert (await raw("sendContact", chatId=ANNA, contact={"phoneContact": "7900"}))[0] == 400
    assert (await raw("sendLocation", chatId=ANNA, latitude="x", longitude=1))[0] == 400


async def test_own_messages_can_be_changed_and_taken_back(green: Instance, raw: Raw) -> None:
    theirs = green.push.text("вопрос", chat=ANNA).message_id
    ident = (await raw("sendMessage", chatId=ANNA, message="ответ", quotedMessageId=theirs))[1]["idMessage"]
    assert green.sent[-1].reply_to == theirs
    assert (await raw("editMessage", chatId=ANNA, idMessage=ident, message="лучше"))[0] == 200
    assert [(one.message_id, one.plain) for one in green.book.edits] == [(ident, "лучше")]
    assert (await raw("editMessage", chatId=ANNA, idMessage=theirs, message="x"))[0] == 400
    assert (await raw("deleteMessage", chatId=ANNA, idMessage=ident))[0] == 200
    assert (await raw("editMessage", chatId=ANNA, idMessage=ident, message="x"))[0] == 400
    assert (await raw("sendMessage", chatId=ANNA, message="x", quotedMessageId="1"))[0] == 400


async def test_typing_is_whatsapps(server: GreenServer, raw: Raw, client: aiohttp.ClientSession) -> None:
    assert (await raw("sendTyping", chatId=ANNA))[0] == 404
    other = server.add_instance("whatsapp")
    url = f"{server.api_url}/waInstance{other.id}/sendTyping/{other.token}"
    async with client.post(url, json={"chatId": "79001112233@c.us", "typingTime": 2000}) as answer:
        assert answer.status == 200
    assert other.book.typing == ["79001112233@c.us"]


async def test_quotas_are_466_in_both_shapes(green: Instance, raw: Raw) -> None:
    green.tariff.set(correspondents=1, checks=1)
    assert (await raw("sendMessage", chatId=ANNA, message="x"))[0] == 200
    status, body = await raw("sendMessage", chatId="10000011", message="x")
    assert status == 466
    assert body["invokeStatus"]["status"] == "QUOTE_ALLOWED"
    assert body["correspondentsStatus"]["status"] == "CORRESPONDENTS_QUOTE_EXCEEDED"
    assert ANNA in body["correspondentsStatus"]["description"]
    assert (await raw("checkAccount", phoneNumber=79001112233))[0] == 200
    status, body = await raw("checkAccount", phoneNumber=79001112234)
    assert (status, body["invokeStatus"]["status"]) == (466, "QUOTE_EXCEEDED")


async def test_the_state_can_change_while_a_send_is_answered_slowly(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    server.latency = 0.05
    call = asyncio.create_task(raw("sendMessage", chatId=ANNA, message="x"))
    await server.wait_sent(1)
    assert (server.in_flight, green.sent[-1].outcome) == (1, "pending")
    assert (await call)[0] == 200
    assert (server.in_flight, green.sent[-1].outcome) == (0, "answered")
