"""The fake as a process, and two clients that nobody here wrote, changed in nothing but the host.

`whatsapp-api-client-python` and `max-api-client-python` are the gateway's own libraries.
"""

from __future__ import annotations

import base64
import itertools
import logging
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import max_api_client_python.API as MAX_API
import pytest
import whatsapp_api_client_python.API as WHATSAPP_API

from tests.e2e.processes import Fake, eventually

pytestmark = [
    pytest.mark.e2e,
    # Both clients leave the files open that they upload.
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

QUICK = ("--delay-scale", "0", "--poll-scale", "0.02", "--restart", "0.02", "--listen")
PHONE = 79001112233
WHATSAPP = f"{PHONE}@c.us"
ANNA = "10000010"


@pytest.fixture(autouse=True)
def quiet_clients() -> Iterator[None]:
    """Each client adds a handler to its logger whenever it is made."""
    yield
    for name in ("whatsapp-api-client-python", "max-api-client-python"):
        logging.getLogger(name).handlers.clear()


@pytest.fixture(scope="module")
def max_fake() -> Iterator[Fake]:
    with Fake("green_server", *QUICK) as running:
        running.control("person", id=ANNA, name="Anna", phone=PHONE)
        running.control("groups", interval=0, parameters=["chatId", "groupId"])
        yield running


@pytest.fixture(scope="module")
def whatsapp_fake() -> Iterator[Fake]:
    with Fake("green_server", "--network", "whatsapp", "--separate-media", *QUICK) as running:
        running.control("person", id=WHATSAPP, name="Anna")
        running.control("groups", interval=0)
        yield running


@pytest.fixture(autouse=True)
def empty_queue(request: pytest.FixtureRequest) -> Iterator[None]:
    """What one test has left in the queue of a shared fake is not for the next one."""
    yield
    for name in ("max_fake", "whatsapp_fake"):
        if name in request.fixturenames:
            drain(of_max(request.getfixturevalue(name)))


def of_max(fake: Fake, **options: Any) -> MAX_API.GreenAPI:
    told = fake.told
    return MAX_API.GreenAPI(
        told["id_instance"],
        told["token"],
        **{"raise_errors": True, "host": told["api_url"], "media": told["media_url"], **options},
    )


def of_whatsapp(fake: Fake, **options: Any) -> WHATSAPP_API.GreenAPI:
    told = fake.told
    return WHATSAPP_API.GreenAPI(
        told["id_instance"],
        told["token"],
        **{"raise_errors": True, "host": told["api_url"], "media": told["media_url"], **options},
    )


def drain(client: Any) -> list[dict[str, Any]]:
    """Fetch and delete every notification."""
    found = []
    while item := client.receiving.receiveNotification().data:
        found.append(item["body"])
        assert client.receiving.deleteNotification(item["receiptId"]).data["result"] is True
    return found


def listen(client: Any, fake: Fake, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Let the client's own loop receive so many notifications."""
    found: list[tuple[str, dict[str, Any]]] = []

    def take(kind: str, body: dict[str, Any]) -> None:
        found.append((kind, body))
        if len(found) >= count:
            client.webhooks.stopReceivingNotifications()

    loop = threading.Thread(target=client.webhooks.startReceivingNotifications, args=(take,), daemon=True)
    loop.start()
    loop.join(10)
    assert not loop.is_alive(), found
    return found


# -- MAX -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/v3"])
def test_the_max_client_sends_and_looks_into_the_journals(max_fake: Fake, prefix: str) -> None:
    client = of_max(max_fake, host=max_fake.told["api_url"] + prefix)
    question = max_fake.push("text", "Когда вы открыты?", chat=ANNA)["message_id"]
    assert client.serviceMethods.checkAccount(PHONE).data["chatId"] == ANNA
    ident = client.sending.sendMessage(ANNA, "С девяти", quotedMessageId=question).data["idMessage"]
    sent = max_fake.sent(ANNA)[-1]
    assert (sent["message_id"], sent["plain"], sent["reply_to"]) == (ident, "С девяти", question)
    newest, *_ = client.journals.getChatHistory(ANNA, 2).data
    assert (newest["idMessage"], newest["type"], newest["textMessage"]) == (ident, "outgoing", "С девяти")
    assert client.journals.getMessage(ANNA, question).data["textMessage"] == "Когда вы открыты?"
    assert question in [row["idMessage"] for row in client.journals.lastIncomingMessages(5).data]
    assert ident in [row["idMessage"] for row in client.journals.lastOutgoingMessages().data]
    assert {"chatId": ANNA, "phoneNumber": PHONE} in client.journals.getChats().data
    assert client.marking.readChat(ANNA, question).data == {"setRead": True}


def test_the_max_client_receives_and_deletes(max_fake: Fake) -> None:
    client = of_max(max_fake)
    assert client.receiving.receiveNotification().data is None
    max_fake.push("text", "раз", chat=ANNA)
    max_fake.push("text", "два", chat=-70000000000001, user=ANNA)
    first = client.receiving.receiveNotification().data
    assert client.receiving.receiveNotification().data == first
    one, two = drain(client)
    assert one["messageData"]["textMessageData"]["textMessage"] == "раз"
    assert two["senderData"]["chatId"] == "-70000000000001"
    assert client.receiving.deleteNotification(first["receiptId"]).data["result"] is False


def test_the_loop_of_the_max_client_runs_on_it(max_fake: Fake) -> None:
    for words in ("раз", "два"):
        max_fake.push("text", words, chat=ANNA)
    found = listen(of_max(max_fake), max_fake, 2)
    assert [kind for kind, _ in found] == ["incomingMessageReceived"] * 2
    assert max_fake.state()["pending"] == 0


def test_the_max_client_sends_files(max_fake: Fake, tmp_path: Path) -> None:
    client = of_max(max_fake)
    path = tmp_path / "tariffs.png"
    path.write_bytes(b"\x89PNG")
    url = client.sending.uploadFile(str(path)).data["urlFile"]
    by_url = client.sending.sendFileByUrl(ANNA, url, "tariffs.png", caption="Тарифы").data["idMessage"]
    by_upload = client.sending.sendFileByUpload(ANNA, str(path), caption="Ещё раз").data["idMessage"]
    first, second = max_fake.sent(ANNA)[-2:]
    assert (first["message_id"], first["plain"], first["file_url"]) == (by_url, "Тарифы", url)
    assert (second["message_id"], second["plain"], second["file_name"]) == (
        by_upload,
        "Ещё раз",
        "tariffs.png",
    )
    pushed = max_fake.push("file", "scan.pdf", chat=ANNA)["message_id"]
    assert client.receiving.downloadFile(ANNA, pushed).data["downloadUrl"].endswith("scan.pdf")


def test_the_max_client_governs_a_group(max_fake: Fake, tmp_path: Path) -> None:
    client = of_max(max_fake)
    max_fake.control("person", id="10000011", name="Boris")
    group = client.groups.createGroup("Склад", [ANNA]).data["chatId"]
    assert client.groups.updateGroupName(group, "Склад 2").data == {"updateGroupName": True}
    assert client.groups.addGroupParticipant(group, "10000011").data == {"addParticipant": True}
    assert client.groups.setGroupAdmin(group, "10000011").data == {"setGroupAdmin": True}
    assert client.groups.removeAdmin(group, "10000011").data == {"removeAdmin": True}
    data = client.groups.getGroupData(group).data
    assert (data["subject"], len(data["participants"])) == ("Склад 2", 3)
    picture = tmp_path / "group.jpg"
    picture.write_bytes(b"\xff\xd8\xff")
    assert client.groups.setGroupPicture(group, str(picture)).data["setGroupPicture"] is True
    client.sending.sendMessage(group, "Всем привет")
    assert max_fake.sent(group)[-1]["plain"] == "Всем привет"
    assert client.groups.removeGroupParticipant(group, ANNA).data == {"removeParticipant": True}
    assert client.groups.leaveGroup(group).data == {"leaveGroup": True}


def test_the_max_client_looks_people_up(max_fake: Fake) -> None:
    client = of_max(max_fake)
    assert client.serviceMethods.getContactInfo(ANNA).data["name"] == "Anna"
    assert client.serviceMethods.getAvatar(ANNA).data == {"urlAvatar": ""}
    assert ANNA in [one["chatId"] for one in client.serviceMethods.getContacts().data]


def test_the_max_client_logs_an_account_in_by_qr(tmp_path: Path) -> None:
    with Fake("green_server", *QUICK) as fake:
        client = of_max(fake)
        assert client.account.getStateInstance().data == {"stateInstance": "authorized"}
        assert client.account.getAccountSettings().data["chatId"] == "10000001"
        assert client.account.qr().data["type"] == "alreadyLogged"
        assert client.account.logout().data == {"isLogout": True}
        shown = client.account.qr().data
        assert shown["type"] == "qrCode"
        assert base64.b64decode(shown["message"]).startswith(b"\x89PNG")
        fake.control("scan")
        eventually(
            lambda: client.account.getStateInstance().data == {"stateInstance": "authorized"},
            "it is logged in",
        )
        assert client.account.reboot().data == {"isReboot": True}
        eventually(
            lambda: client.account.getStateInstance().data == {"stateInstance": "authorized"}, "it is back"
        )
        assert client.account.setSettings({"outgoingWebhook": "no"}).data == {"saveSettings": True}
        eventually(lambda: client.account.getSettings().data["outgoingWebhook"] == "no", "it is saved")
        picture = tmp_path / "me.jpg"
        picture.write_bytes(b"\xff\xd8\xff")
        assert client.account.setProfilePicture(str(picture)).data["setProfilePicture"] is True
        kinds = [body["stateInstance"] for body in drain(client) if "stateInstance" in body]
        assert kinds == ["notAuthorized", *["starting", "authorized"] * 3]


def test_the_max_client_shows_and_clears_what_waits() -> None:
    with Fake("green_server", *QUICK) as fake:
        client = of_max(fake)
        fake.control("person", id=ANNA)
        fake.control("instance_state", state="notAuthorized")
        ident = client.sending.sendMessage(ANNA, "потом").data["idMessage"]
        assert [one["idMessage"] for one in client.queues.showMessagesQueue().data] == [ident]
        assert client.queues.clearMessagesQueue().data == {"isCleared": True}
        assert client.queues.showMessagesQueue().data == []


def test_the_errors_of_the_gateway_reach_the_client(max_fake: Fake) -> None:
    told = max_fake.told
    wrong = of_max(max_fake, raise_errors=False)
    wrong.apiTokenInstance = "wrong"
    answer = wrong.account.getStateInstance()
    assert (answer.code, answer.error) == (401, "")
    careless = of_max(max_fake, raise_errors=False)
    answer = careless.sending.sendMessage(10000010, "x")
    assert answer.code == 400
    assert "'chatId' must be a string" in answer.error
    assert told["token"] in answer.error, "the path of the call is in the answer"
    max_fake.control("fail", fault="466", method="sendMessage")
    with pytest.raises(MAX_API.GreenAPIError, match="QUOTE_EXCEEDED"):
        of_max(max_fake).sending.sendMessage(ANNA, "x")
    max_fake.control("fail", fault="429", method="sendMessage")
    assert of_max(max_fake).sending.sendMessage(ANNA, "again").code == 200, "it repeats a 429 by itself"


def test_partners_make_and_delete_instances(max_fake: Fake) -> None:
    partner = MAX_API.GreenApiPartner("gac.0123456789abcdef", host=max_fake.told["api_url"])
    made = partner.partner.createInstance({"name": "Магазин", "incomingWebhook": "yes"}).data
    assert made["idInstance"] in [one["idInstance"] for one in partner.partner.getInstances().data]
    assert partner.partner.deleteInstanceAccount(made["idInstance"]).data == {"deleteInstanceAccount": True}
    stranger = MAX_API.GreenApiPartner("wrong", host=max_fake.told["api_url"])
    refused = stranger.partner.getInstances()
    assert (refused.code, refused.data["code"]) == (200, 401)


# -- WhatsApp --------------------------------------------------------------------------------------


def test_the_whatsapp_client_talks(whatsapp_fake: Fake, tmp_path: Path) -> None:
    client = of_whatsapp(whatsapp_fake)
    question = whatsapp_fake.push("text", "Когда?", chat=WHATSAPP)
    found = client.receiving.receiveNotification(5).data
    assert found["body"]["idMessage"] == question["message_id"]
    assert client.receiving.deleteNotification(found["receiptId"]).data["result"] is True
    client.serviceMethods.sendTyping(WHATSAPP, 2000)
    ident = client.sending.sendMessage(WHATSAPP, "*Завтра*", quotedMessageId=question["message_id"]).data[
        "idMessage"
    ]
    assert whatsapp_fake.sent(WHATSAPP)[-1]["message_id"] == ident
    assert client.serviceMethods.editMessage(WHATSAPP, ident, "*Сегодня*").code == 200
    assert client.serviceMethods.deleteMessage(WHATSAPP, ident).code == 200
    client.sending.sendLocation(WHATSAPP, 55.75, 37.61, nameLocation="Офис")
    client.sending.sendContact(WHATSAPP, {"phoneContact": PHONE, "firstName": "Мария"})
    path = tmp_path / "price.pdf"
    path.write_bytes(b"%PDF")
    client.sending.sendFileByUpload(WHATSAPP, str(path), caption="не видно")
    url = client.sending.uploadFile(str(path)).data["urlFile"]
    client.sending.sendFileByUrl(WHATSAPP, url, "price.pdf")
    assert [one["plain"] for one in whatsapp_fake.sent(WHATSAPP)[-4:]] == [
        "Офис  55.75, 37.61",
        f"Мария +{PHONE}",
        "[price.pdf]",
        "[price.pdf]",
    ]
    statuses = [one["status"] for one in drain(client) if one["typeWebhook"] == "outgoingMessageStatus"]
    assert statuses == ["sent", "delivered"] * 5


def test_the_whatsapp_client_has_its_own_names_for_groups(whatsapp_fake: Fake) -> None:
    client = of_whatsapp(whatsapp_fake)
    group = client.groups.createGroup("Склад", [WHATSAPP]).data["chatId"]
    assert group.endswith("@g.us")
    data = client.groups.getGroupData(group).data
    assert (data["groupId"], data["subject"]) == (group, "Склад")
    assert client.groups.updateGroupSettings(group, allowParticipantsSendMessages=False).data[
        "updateGroupSettings"
    ]
    assert client.groups.getGroupData(group).data["allowParticipantsSendMessages"] is False
    assert client.groups.leaveGroup(group).data == {"leaveGroup": True}


def test_the_whatsapp_client_counts_and_clears_both_queues() -> None:
    with Fake("green_server", "--network", "whatsapp", *QUICK) as fake:
        client = of_whatsapp(fake)
        fake.push("text", "x", chat=WHATSAPP)
        assert client.queues.getWebhooksCount().data == {"count": 1}
        assert client.queues.clearWebhooksQueue().data["isCleared"] is True
        assert client.queues.clearWebhooksQueue().data["isCleared"] is False
        assert client.receiving.receiveNotification().data is None
        fake.control("instance_state", state="sleepMode")
        client.sending.sendMessage(WHATSAPP, "потом")
        assert client.queues.getMessagesCount().data == {"count": 1}
        assert [one["type"] for one in client.queues.showMessagesQueue().data] == ["sendMessage"]
        assert client.queues.clearMessagesQueue().data == {"isCleared": True}


def test_the_whatsapp_client_reads_its_account(whatsapp_fake: Fake) -> None:
    client = of_whatsapp(whatsapp_fake)
    assert client.account.getStatusInstance().data == {"statusInstance": "online"}
    assert client.account.getWaSettings().data["stateInstance"] == "authorized"
    assert client.account.getStateInstanceHistory(1).data[0]["stateInstance"] == "authorized"
    assert client.serviceMethods.checkWhatsapp(PHONE).data == {"existsWhatsapp": True}
    assert WHATSAPP in [one["id"] for one in client.serviceMethods.getContacts(group=False).data]
    assert WHATSAPP in [
        one["id"]
        for one in (whatsapp_fake.push("text", "x", chat=WHATSAPP), client.serviceMethods.getChats())[1].data
    ]


def test_the_loop_of_the_whatsapp_client_runs_on_it(whatsapp_fake: Fake) -> None:
    for words in ("раз", "два", "три"):
        whatsapp_fake.push("text", words, chat=WHATSAPP)
    found = listen(of_whatsapp(whatsapp_fake), whatsapp_fake, 3)
    assert [body["messageData"]["textMessageData"]["textMessage"] for _, body in found] == [
        "раз",
        "два",
        "три",
    ]


# -- the process -----------------------------------------------------------------------------------


def test_everything_can_be_steered_over_http() -> None:
    with Fake("green_server", *QUICK) as fake:
        ids = itertools.count(1)

        def call(verb: str, method: str, **given: Any) -> int:
            next(ids)
            client = of_max(fake, raise_errors=False)
            url = f"{{{{host}}}}/waInstance{{{{idInstance}}}}/{method}/{{{{apiTokenInstance}}}}"
            return int(client.request(verb, url, given or None).code)

        pushed = fake.push("text", "привет", chat=ANNA)
        assert pushed["body"]["senderData"]["chatId"] == ANNA
        assert call("POST", "sendMessage", chatId=ANNA, message="x") == 200
        (sent,) = fake.sent(ANNA)
        assert (sent["plain"], sent["outcome"]) == ("x", "answered")
        assert fake.sent(ANNA, sent["seq"]) == []
        assert [one["method"] for one in fake.control("calls", method="sendMessage")["calls"]] == [
            "sendMessage"
        ]
        fake.control("fail", fault="500", method="getStateInstance", times=None)
        assert call("GET", "getStateInstance") == 500
        assert len(fake.control("faults")["faults"]) == 1
        fake.control("heal")
        assert call("GET", "getStateInstance") == 200
        other = fake.control("add_instance", network="whatsapp")
        fake.control("listen", instance=other["id_instance"])
        assert fake.control("push", instance=other["id_instance"], kind="text", args=["x"], chat=79001112233)
        assert fake.control("rate", per_second=200, seconds=0.1, chats=3, texts=["a{n}"])["to_push"] == 20
        fake.wait(idle=1)
        assert fake.state()["pending"] == 1 + 2 + 1 + 20
        for command, fields in (
            ("person", {"id": ANNA, "name": "Anna"}),
            ("group", {"id": -5, "name": "G"}),
            ("members", {"id": -5, "members": {"10000001": True}}),
            ("duplicate", {"count": 1}),
            ("reorder", {"count": 0}),
            ("webhook", {"scheme": "basic", "connections": 2}),
            ("empty", {"answer": "504"}),
            ("journal", {"lag": 60}),
            ("latency", {"seconds": 0}),
            ("limits", {"on": True}),
            ("tariff", {"checks": 1}),
            ("groups", {"interval": 0}),
            ("echo", {"kind": "textMessage"}),
            ("pace", {"delay": 0}),
            ("qr", {"kind": "gray", "lifetime": 5}),
            ("settings", {"incomingWebhook": "no"}),
            ("instance_state", {"state": "notAuthorized"}),
            ("scan", {"password": False}),
            ("waiting", {}),
            ("burst", {"messages": 2, "text": "z"}),
        ):
            fake.control(command, **fields)
        for command, fields in (
            ("push", {"kind": "stop"}),
            ("empty", {"answer": "x"}),
            ("webhook", {"scheme": "x"}),
            ("qr", {"kind": "x"}),
            ("settings", {"moon": "yes"}),
            ("wait", {"moon": 1}),
            ("instance_state", {"state": "moon"}),
            ("person", {"id": ANNA, "shoes": 43}),
        ):
            with pytest.raises(AssertionError, match="400"):
                fake.control(command, **fields)
        with pytest.raises(AssertionError, match="408"):
            fake.wait(sent=99, timeout=0.01)
        with pytest.raises(AssertionError, match="404"):
            fake.control("moon")
        fake.control("reset")
        state = fake.state()
        assert (state["pending"], state["sent"], state["calls"]) == (0, 0, 0)
        fake.process.send_signal(signal.SIGTERM)
        assert fake.process.wait(10) == 0
