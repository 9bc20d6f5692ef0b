"""The service operations against a strict local gateway: what each does, and a no that comes with status 200."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from channels.contract import ChannelSettings
from channels.errors import Rejected, RetryLater, Unauthorized
from channels.greenapi import operations as forms
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.operations import OPERATIONS
from channels.testing.green_server import GreenServer

CHAT = "10000010"
PARTNER = {"partner_token": "gac.0123456789abcdef"}
Do = Callable[..., Any]
Connect = Callable[..., GreenApiChannel]


def doer(channel: GreenApiChannel) -> Do:
    async def do(called: str, /, **params: Any) -> Any:
        operation = next(one for one in OPERATIONS if one.name == called)
        return await channel.operate(called, operation.params.model_validate(params))

    return do


@pytest.fixture
async def do(connect: Connect, server: GreenServer) -> Do:
    server.instance.book.person(CHAT, phone=79001112233)
    server.instance.groups.interval = 0.0
    return doer(connect(server, partner_api_url=server.api_url, **PARTNER))


@pytest.fixture
async def do_phones(connect: Connect, phones: GreenServer) -> Do:
    phones.instance.book.person(79001112233)
    phones.instance.groups.interval = 0.0
    return doer(connect(phones))


def test_every_operation_has_a_name_a_summary_and_a_form() -> None:
    names = [one.name for one in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(one.summary.endswith(".") for one in OPERATIONS)
    assert all(issubclass(one.params, ChannelSettings) for one in OPERATIONS)
    secret = {one.name for one in OPERATIONS if one.sensitive}
    assert secret == {"settings", "partner-instances", "partner-create"}


def test_what_only_looks_does_not_claim_to_change() -> None:
    looking = {one.name for one in OPERATIONS if not one.changes}
    assert looking == {
        "state", "status", "account", "settings", "queue-show", "queue-count", "incoming-count",
        "journal-incoming", "journal-outgoing", "chat-history", "message", "chats", "contacts", "contact",
        "check-account", "group-info", "partner-instances",
    }  # fmt: skip


async def test_every_operation_is_done_by_somebody(connect: Connect, server: GreenServer) -> None:
    service = connect(server)._service
    assert set(service._table) == {one.name for one in OPERATIONS}
    with pytest.raises(LookupError):
        await service.operate("unknown", forms.Nothing())


async def test_state_account_and_settings_are_shown(do: Do) -> None:
    assert await do("state") == {"stateInstance": "authorized"}
    assert (await do("account"))["chatId"]
    assert (await do("settings"))["incomingWebhook"] == "yes"


async def test_the_status_of_the_phone_exists_in_whatsapp_only(do: Do, do_phones: Do) -> None:
    assert (await do_phones("status"))["statusInstance"] == "online"
    with pytest.raises(Rejected, match="state"):
        await do("status")


async def test_settings_are_written_only_where_they_differ(do: Do, server: GreenServer) -> None:
    assert await do("settings-set", incoming="yes") == {"saveSettings": True, "changed": []}
    assert not server.calls("setSettings")
    done = await do("settings-set", incoming="no", delay_milliseconds=700)
    assert done["changed"] == ["delaySendMessagesMilliseconds", "incomingWebhook"]
    assert server.calls("setSettings")[-1].given == {
        "delaySendMessagesMilliseconds": 700,
        "incomingWebhook": "no",
    }


async def test_the_instance_is_restarted_and_logged_out(do: Do, server: GreenServer) -> None:
    assert (await do("reboot"))["isReboot"] is True
    await server.wait(lambda: server.instance.account.state.value == "authorized")
    assert (await do("logout"))["isLogout"] is True
    await server.wait(lambda: server.instance.account.state.value == "notAuthorized")


async def test_both_queues_are_counted_and_cleared(do: Do, server: GreenServer) -> None:
    server.instance.outgoing.delay_scale = 1000.0
    server.instance.push.text("вопрос", chat=CHAT)
    assert await do("incoming-count") == {"count": 1}
    assert (await do("incoming-clear"))["isCleared"] is True
    assert server.pending == 0
    with pytest.raises(RetryLater) as caught:
        await do("incoming-clear")
    assert caught.value.after is not None
    assert await do("queue-show") == []
    assert await do("queue-count") == {"count": 0}
    assert (await do("queue-clear"))["isCleared"] is True


async def test_journals_chats_and_messages_are_shown(do: Do, server: GreenServer) -> None:
    asked = server.instance.push.text("вопрос", chat=CHAT)
    [row] = await do("journal-incoming", minutes=5)
    assert (row["idMessage"], row["textMessage"]) == (asked.message_id, "вопрос")
    assert await do("journal-outgoing") == []
    assert len(await do("chat-history", chat=CHAT, count=5)) == 1
    assert (await do("message", chat=CHAT, message=asked.message_id))["textMessage"] == "вопрос"
    assert [one["chatId"] for one in await do("chats")] == [CHAT]
    assert CHAT in [one["chatId"] for one in await do("contacts")]
    assert (await do("contact", chat=CHAT))["chatId"] == CHAT
    assert await do("read", chat=CHAT) == {"setRead": True}
    assert await do("read", chat=CHAT, message=asked.message_id) == {"setRead": True}


async def test_a_mark_that_is_not_set_is_a_no(do: Do, server: GreenServer) -> None:
    server.instance.push.text("вопрос", chat=CHAT)
    server.instance.configure(incomingWebhook="no")
    with pytest.raises(Rejected, match="setRead"):
        await do("read", chat=CHAT)


@pytest.mark.parametrize("written", ["+7 900 111-22-33", "8 (900) 111-22-33", "79001112233", "9001112233"])
async def test_a_number_is_looked_up_in_any_form_and_only_once(
    do: Do, server: GreenServer, written: str
) -> None:
    for _ in range(3):
        assert await do("check-account", phone=written) == {"exist": True, "chatId": CHAT}
    assert [one.given["phoneNumber"] for one in server.calls("checkAccount")] == [79001112233]


async def test_a_dead_number_is_not_asked_about_again_for_a_day(
    do: Do, server: GreenServer, clock: Any
) -> None:
    for _ in range(3):
        assert await do("check-account", phone="+79005556677", force=True) == {"exist": False, "chatId": None}
    assert len(server.calls("checkAccount")) == 1
    clock.later = timedelta(hours=25)
    await do("check-account", phone="+79005556677")
    assert len(server.calls("checkAccount")) == 2


async def test_a_number_that_max_cannot_know_is_not_asked_about(do: Do, server: GreenServer) -> None:
    for number in ("+49 170 1234567", "+7 900 111", "мария", "12345678901234567"):
        with pytest.raises(Rejected):
            await do("check-account", phone=number)
    assert not server.calls("checkAccount")


async def test_a_look_up_that_is_closed_or_not_ready_is_waited_for(do: Do, server: GreenServer) -> None:
    server.fail("469", "checkAccount")
    with pytest.raises(RetryLater):
        await do("check-account", phone="+79001112233")
    server.instance.account.become("notAuthorized")
    with pytest.raises(RetryLater):
        await do("check-account", phone="+79001112233")
    server.instance.account.become("authorized")
    assert (await do("check-account", phone="+79001112233"))["exist"]


async def test_whatsapp_looks_numbers_up_its_own_way(do_phones: Do, phones: GreenServer) -> None:
    assert await do_phones("check-account", phone="8 900 111 22 33") == {
        "exist": True,
        "chatId": "79001112233@c.us",
    }
    assert (await do_phones("check-account", phone="+49 170 1234567"))["exist"] is False
    assert len(phones.calls("checkWhatsapp")) == 2


async def test_a_group_lives(do: Do, server: GreenServer) -> None:
    server.instance.book.person(10000011, phone=375291112233)
    made = await do("group-create", name="Заказ 7", chats="+7 900 111-22-33")
    group = made["chatId"]
    assert group.startswith("-")
    assert await do("group-rename", group=group, name="Заказ 8") == {"updateGroupName": True}
    assert await do("group-add", group=group, person="+375 29 111-22-33") == {"addParticipant": True}
    assert await do("group-admin", group=group, person="10000011") == {"setGroupAdmin": True}
    assert await do("group-admin-remove", group=group, person="10000011") == {"removeAdmin": True}
    assert await do("group-remove", group=group, person="10000011") == {"removeParticipant": True}
    info = await do("group-info", group=group)
    assert info["subject"] == "Заказ 8"
    with pytest.raises(Rejected, match="addParticipant"):
        await do("group-add", group=group, person=CHAT)
    assert await do("group-leave", group=group) == {"leaveGroup": True}
    assert {one.given.get("chatId") for one in server.calls("updateGroupName")} == {group}


async def test_whatsapp_names_groups_by_another_parameter(do_phones: Do, phones: GreenServer) -> None:
    made = await do_phones("group-create", name="Заказ 7", chats=["79001112233@c.us"])
    assert await do_phones("group-rename", group=made["chatId"], name="Заказ 8") == {"updateGroupName": True}
    assert phones.calls("updateGroupName")[-1].given["groupId"] == made["chatId"]


async def test_groups_are_not_made_one_after_another(do: Do, server: GreenServer) -> None:
    server.instance.groups.interval = 300.0
    await do("group-create", name="Заказ 7", chats=CHAT)
    with pytest.raises((Rejected, RetryLater)):
        await do("group-create", name="Заказ 8", chats=CHAT)


async def test_a_partner_makes_lists_and_deletes_instances(do: Do, server: GreenServer) -> None:
    made = await do("partner-create", name="Бухгалтерия")
    listed = await do("partner-instances")
    assert made["idInstance"] in [one["idInstance"] for one in listed]
    with pytest.raises(Rejected, match=str(made["idInstance"])):
        await do("partner-create", name="Бухгалтерия")
    assert len(server.instances) == 2
    done = await do("partner-delete", id_instance=str(made["idInstance"]))
    assert done == {"deleteInstanceAccount": True}
    with pytest.raises(Rejected, match="404"):
        await do("partner-delete", id_instance=str(made["idInstance"]))
    assert (await do("partner-create", name="Бухгалтерия"))["idInstance"] != made["idInstance"]


async def test_a_partners_wrong_token_is_named_though_the_status_is_200(
    connect: Connect, server: GreenServer
) -> None:
    wrong = doer(connect(server, partner_api_url=server.api_url, partner_token="canary.123456789"))
    with pytest.raises(Unauthorized) as caught:
        await wrong("partner-instances")
    assert "canary" not in str(caught.value)
    with pytest.raises(Rejected, match="partner_token"):
        await doer(connect(server))("partner-instances")


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("group-create", {"name": "x" * 101, "chats": CHAT}),
        ("group-create", {"name": "x", "chats": ""}),
        ("chat-history", {"chat": CHAT, "count": 0}),
        ("partner-create", {}),
        ("partner-delete", {"id_instance": "12a"}),
        ("settings-set", {"incoming": "true"}),
    ],
)
def test_a_form_refuses_what_cannot_be(name: str, params: dict[str, Any]) -> None:
    operation = next(one for one in OPERATIONS if one.name == name)
    with pytest.raises(ValidationError):
        operation.params.model_validate(params)
