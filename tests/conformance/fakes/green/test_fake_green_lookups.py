"""Groups, people, journals, queues and the partner API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import orjson
import pytest

from channels.testing.green_server import GreenServer, Instance

Raw = Callable[..., Awaitable[tuple[int, Any]]]
ANNA, BORIS = "10000010", "10000011"


@pytest.fixture(autouse=True)
def people(green: Instance) -> None:
    if green.network == "max":
        green.book.person(ANNA, name="Anna", phone=79001112233, contact_name="Анна с работы")
        green.book.person(BORIS, name="Boris")


# -- groups ----------------------------------------------------------------------------------------


async def test_a_group_lives(green: Instance, raw: Raw) -> None:
    _, made = await raw("createGroup", groupName="Склад", chatIds=[ANNA])
    group = made["chatId"]
    assert made["created"] is True
    assert group.startswith("-")
    assert len(group) <= 16
    assert (await raw("updateGroupName", chatId=group, groupName="Склад 2"))[1] == {"updateGroupName": True}
    assert (await raw("addGroupParticipant", chatId=group, participantChatId=BORIS))[1] == {
        "addParticipant": True
    }
    assert (await raw("addGroupParticipant", chatId=group, participantChatId=BORIS))[1] == {
        "addParticipant": False
    }
    assert (await raw("setGroupAdmin", chatId=group, participantChatId=BORIS))[1] == {"setGroupAdmin": True}
    _, data = await raw("getGroupData", chatId=group)
    assert (data["subject"], data["owner"]) == ("Склад 2", green.book.own.id)
    assert {one["chatId"]: one["isAdmin"] for one in data["participants"]} == {
        green.book.own.id: True,
        ANNA: False,
        BORIS: True,
    }
    assert data["groupInviteLink"]
    assert (await raw("removeAdmin", chatId=group, participantChatId=BORIS))[1] == {"removeAdmin": True}
    assert (await raw("removeAdmin", chatId=group, participantChatId=BORIS))[1] == {"removeAdmin": False}
    assert (await raw("removeGroupParticipant", chatId=group, participantChatId=BORIS))[1] == {
        "removeParticipant": True
    }
    assert (await raw("leaveGroup", chatId=group))[1] == {"leaveGroup": True}
    assert (await raw("leaveGroup", chatId=group))[1] == {"leaveGroup": False}
    assert (await raw("getGroupData", chatId=group))[0] == 400


async def test_one_group_in_five_minutes() -> None:
    now = [1_795_000_000.0]
    async with GreenServer(clock=lambda: now[0]) as server:
        green = server.instance
        green.book.person(ANNA)
        create = green.handlers["createGroup"]
        given = {"groupName": "x", "chatIds": [ANNA]}
        assert create(given)["created"] is True
        now[0] += 299
        assert create(given) == {"created": False, "chatId": "", "groupInviteLink": ""}
        now[0] += 1
        assert create(given)["created"] is True


async def test_whoever_is_no_administrator_changes_nothing(green: Instance, raw: Raw) -> None:
    green.push.text("x", chat=-70000000000009, user=ANNA)
    group = "-70000000000009"
    assert (await raw("updateGroupName", chatId=group, groupName="x"))[1] == {"updateGroupName": False}
    assert (await raw("removeGroupParticipant", chatId=group, participantChatId=ANNA))[1] == {
        "removeParticipant": False
    }
    assert (await raw("getGroupData", chatId=group))[1]["groupInviteLink"] == ""


async def test_the_group_has_another_name_in_each_network(
    server: GreenServer, green: Instance, raw: Raw, client: aiohttp.ClientSession
) -> None:
    green.push.text("x", chat=-70000000000009)
    assert (await raw("getGroupData", groupId="-70000000000009"))[0] == 400
    assert (await raw("getGroupData", chatId="-70000000000009"))[0] == 200
    green.group_parameters = ("chatId", "groupId")
    assert (await raw("getGroupData", groupId="-70000000000009"))[0] == 200
    other = server.add_instance("whatsapp")
    other.push.text("x", chat="1203630000@g.us", user="79001112233@c.us")
    url = f"{server.api_url}/waInstance{other.id}/getGroupData/{other.token}"
    for name, status in (("groupId", 200), ("chatId", 400)):
        async with client.post(url, json={name: "1203630000@g.us"}) as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    "given",
    [
        {"groupName": "x" * 101, "chatIds": [ANNA]},
        {"groupName": "x", "chatIds": []},
        {"groupName": "x", "chatIds": [10000010]},
        {"groupName": "x", "chatIds": ANNA},
    ],
)
async def test_a_wrong_group_is_refused(raw: Raw, given: dict[str, Any]) -> None:
    assert (await raw("createGroup", **given))[0] == 400


# -- people ----------------------------------------------------------------------------------------


async def test_a_number_is_checked(green: Instance, raw: Raw) -> None:
    assert (await raw("checkAccount", phoneNumber=79001112233))[1] == {
        "exist": True,
        "chatId": ANNA,
        "fromCache": False,
    }
    assert (await raw("checkAccount", phoneNumber=79001112233))[1]["fromCache"] is True
    assert (await raw("checkAccount", phoneNumber=79001112233, force=True))[1]["fromCache"] is False
    assert (await raw("checkAccount", phoneNumber=375001112233))[1]["exist"] is False
    for wrong in ("79001112233", 4930123456, 7900):
        assert (await raw("checkAccount", phoneNumber=wrong))[0] == 400


async def test_too_many_look_ups_are_469(green: Instance, raw: Raw) -> None:
    green.tariff.set(look_ups=1)
    assert (await raw("getContactInfo", chatId=ANNA))[0] == 200
    status, body = await raw("checkAccount", phoneNumber=79001112299)
    assert (status, body["message"]) == (469, "User get contact info limit reached")


async def test_cards_lists_and_pictures(green: Instance, raw: Raw) -> None:
    _, card = await raw("getContactInfo", chatId=ANNA)
    assert (card["name"], card["contactName"], card["phoneNumber"]) == ("Anna", "Анна с работы", 79001112233)
    green.push.text("x", chat=-70000000000009)
    assert (await raw("getContactInfo", chatId="-70000000000009"))[0] == 400
    _, rows = await raw("getContacts")
    assert {row["chatId"]: row["type"] for row in rows}[ANNA] == "user"
    assert {row["chatId"]: row["type"] for row in rows}["-70000000000009"] == "group"
    assert (await raw("getAvatar", chatId=ANNA))[1] == {"urlAvatar": ""}


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_whatsapp_is_asked_by_phone_or_by_chat(green: Instance, raw: Raw) -> None:
    green.book.person("79001112233@c.us")
    assert (await raw("checkWhatsapp", phoneNumber=79001112233))[1] == {"existsWhatsapp": True}
    assert (await raw("checkWhatsapp", chatId="79001112234@c.us"))[1] == {"existsWhatsapp": False}
    assert (await raw("checkWhatsapp"))[0] == 400


# -- journals --------------------------------------------------------------------------------------


async def test_rows_are_flat_and_newest_first(green: Instance, raw: Raw) -> None:
    question = green.push.text("Когда?", chat=ANNA, age=60).message_id
    green.push.file("scan.pdf", chat=ANNA, words="вот", age=30)
    await raw("sendMessage", chatId=ANNA, message="Завтра")
    _, rows = await raw("getChatHistory", chatId=ANNA)
    assert [(row["type"], row["typeMessage"]) for row in rows] == [
        ("outgoing", "textMessage"),
        ("incoming", "documentMessage"),
        ("incoming", "textMessage"),
    ]
    assert (rows[0]["statusMessage"], rows[0]["sendByApi"]) == ("delivered", True)
    assert (rows[1]["fileName"], rows[1]["caption"]) == ("scan.pdf", "вот")
    assert (rows[2]["textMessage"], rows[2]["senderId"], rows[2]["isEdited"]) == ("Когда?", ANNA, False)
    assert len((await raw("getChatHistory", chatId=ANNA, count=1))[1]) == 1
    green.push.edited("Когда открыто?", chat=ANNA, message_id=question)
    green.push.deleted(chat=ANNA, message_id=question)
    _, row = await raw("getMessage", chatId=ANNA, idMessage=question)
    assert (row["textMessage"], row["isEdited"], row["isDeleted"]) == ("Когда открыто?", True, True)
    assert (await raw("getMessage", chatId=ANNA, idMessage="1"))[0] == 400
    assert (await raw("getMessage", chatId=BORIS, idMessage=question))[0] == 400
    assert {row["chatId"]: row["phoneNumber"] for row in (await raw("getChats"))[1]} == {ANNA: 79001112233}


async def test_last_messages_are_of_one_direction_and_a_time(green: Instance, raw: Raw) -> None:
    green.push.text("old", chat=ANNA, age=3600)
    green.push.text("new", chat=BORIS, age=1)
    green.push.owner("mine", chat=BORIS)
    assert [row["textMessage"] for row in (await raw("lastIncomingMessages"))[1]] == ["new", "old"]
    assert [row["textMessage"] for row in (await raw("lastIncomingMessages", tail="?minutes=5"))[1]] == [
        "new"
    ]
    (own,) = (await raw("lastOutgoingMessages"))[1]
    assert (own["textMessage"], own["sendByApi"]) == ("mine", False)


async def test_journals_may_be_behind(green: Instance, raw: Raw) -> None:
    green.push.text("fresh", chat=ANNA)
    green.push.text("settled", chat=ANNA, age=200)
    green.journals.lag = 120
    assert [row["textMessage"] for row in (await raw("lastIncomingMessages"))[1]] == ["settled"]


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_whatsapp_keeps_only_what_was_notified(green: Instance, raw: Raw) -> None:
    green.configure(incomingWebhook="no")
    green.push.text("unseen", chat=79001112233)
    green.configure(incomingWebhook="yes")
    green.push.text("seen", chat=79001112233)
    assert [row["textMessage"] for row in (await raw("lastIncomingMessages"))[1]] == ["seen"]


async def test_marks_need_the_incoming_setting_and_go_up_to_the_message(green: Instance, raw: Raw) -> None:
    first, second, third = (green.push.text(words, chat=ANNA).message_id for words in "abc")
    assert (await raw("readChat", chatId=ANNA, idMessage=second))[1] == {"setRead": True}
    read = {one.id for one in green.book.chats[ANNA] if one.read}
    assert read == {first, second}
    assert (await raw("readChat", chatId=ANNA))[1] == {"setRead": True}
    assert third in {one.id for one in green.book.chats[ANNA] if one.read}
    green.configure(incomingWebhook="no")
    assert (await raw("readChat", chatId=ANNA))[1] == {"setRead": False}


async def test_a_file_without_its_link_can_be_asked_for(green: Instance, raw: Raw) -> None:
    lost = green.push.file("lost.jpg", chat=ANNA, gone=True).message_id
    assert (await raw("downloadFile", chatId=ANNA, idMessage=lost))[1]["downloadUrl"]
    text = green.push.text("x", chat=ANNA).message_id
    status, body = await raw("downloadFile", chatId=ANNA, idMessage=text)
    assert (status, "not found" in body["message"]) == (400, True)


# -- queues ----------------------------------------------------------------------------------------


async def test_the_outgoing_queue_is_shown_counted_and_cleared(green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    ids = [(await raw("sendMessage", chatId=ANNA, message=str(n)))[1]["idMessage"] for n in range(2)]
    assert [one["idMessage"] for one in (await raw("showMessagesQueue"))[1]] == ids
    assert (await raw("getMessagesCount"))[1] == {"count": 2}
    assert (await raw("clearMessagesQueue"))[1] == {"isCleared": True}
    assert (await raw("showMessagesQueue"))[1] == []
    assert (await raw("getMessagesCount"))[1] == {"count": 2}, "counts are looked at every ten seconds"
    green.queues.refresh_seconds = 0
    assert (await raw("getMessagesCount"))[1] == {"count": 0}
    green.account.become("authorized")
    assert not green.sent


async def test_the_incoming_queue_is_cleared_once_a_minute(green: Instance, raw: Raw) -> None:
    green.push.text("x", chat=ANNA)
    assert (await raw("getWebhooksCount"))[1] == {"count": 1}
    assert (await raw("clearWebhooksQueue"))[1] == {"isCleared": True, "reason": ""}
    status, again = await raw("clearWebhooksQueue")
    assert (status, again["isCleared"], again["reason"]) == (200, False, "Too many requests")
    assert 55 < again["leftTime"] <= 60
    assert len(green.notifications) == 0


# -- partner ---------------------------------------------------------------------------------------


async def test_a_partner_makes_lists_and_deletes(server: GreenServer, client: aiohttp.ClientSession) -> None:
    async def call(
        method: str, body: Any = None, *, token: str = server.partner.token, verb: str = "POST"
    ) -> Any:
        url = f"{server.api_url}/partner/{method}/{token}"
        data = None if body is None else orjson.dumps(body)
        async with client.request(verb, url, data=data) as answer:
            assert answer.status == 200
            return await answer.json()

    assert (await call("getInstances", token="wrong", verb="GET"))["code"] == 401
    assert (await call("getMoon", verb="GET"))["code"] == 404
    assert (await call("createInstance", {}))["code"] == 400
    assert (await call("createInstance", {"incomingWebhook": True}))["code"] == 400
    made = await call("createInstance", {"name": "Магазин", "incomingWebhook": "yes"})
    fresh = server.instances[str(made["idInstance"])]
    assert (fresh.account.state, fresh.settings["incomingWebhook"]) == ("notAuthorized", "yes")
    rows = await call("getInstances", verb="GET")
    assert [(row["idInstance"], row["deleted"]) for row in rows] == [
        (int(server.instance.id), False),
        (made["idInstance"], False),
    ]
    assert rows[1]["apiTokenInstance"] == made["apiTokenInstance"]
    assert (await call("deleteInstanceAccount", {"idInstance": str(made["idInstance"])}))["code"] == 400
    assert await call("deleteInstanceAccount", {"idInstance": made["idInstance"]}) == {
        "deleteInstanceAccount": True
    }
    assert (await call("deleteInstanceAccount", {"idInstance": made["idInstance"]}))["code"] == 404
    assert (await call("getInstances", verb="GET"))[1]["deleted"] is True
    url = f"{server.api_url}/waInstance{fresh.id}/getStateInstance/{fresh.token}"
    async with client.get(url) as answer:
        assert answer.status == 403
