"""Who may call what: the bare token, known addresses, the bot and its chats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from channels.testing.max_server import MaxServer

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]


@pytest.mark.parametrize(
    ("authorization", "query", "message"),
    [
        (None, "", "No access token"),
        ("Bearer {token}", "", "Malformed access token"),
        ("bearer {token}", "", "Malformed access token"),
        ("{token}x", "", "Invalid access_token"),
        (None, "?access_token={token}", "deprecated"),
    ],
)
async def test_only_the_bare_token_in_the_header_is_let_in(
    server: MaxServer, authorization: str | None, query: str, message: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.format(token=server.token)}
    url = f"{server.base_url}/me{query.format(token=server.token)}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        found = await answer.json()
    assert (answer.status, found["code"]) == (401, "verify.token")
    assert message in found["message"]
    assert server.state()["refused_tokens"] == 1
    assert not server.call_log


async def test_the_bot_knows_itself_and_its_commands(call: Call) -> None:
    status, me = await call("GET /me")
    assert (status, me["user_id"], me["is_bot"], me["commands"]) == (200, 700000001, True, [])
    commands = [{"name": "start", "description": "В начало"}, {"name": "help"}]
    assert await call("PATCH /me/commands", {"commands": commands}) == (200, {"commands": commands})
    assert (await call("GET /me"))[1]["commands"] == commands


@pytest.mark.parametrize(
    "body",
    [
        [{"name": "start"}],
        {"commands": [{"name": "x"}] * 33},
        {"commands": [{"name": ""}]},
        {"commands": [{"name": "x" * 65}]},
        {"commands": [{"name": "x", "description": "x" * 129}]},
        {"commands": [{"name": "x", "description": ""}]},
        {"commands": [{"name": "x", "language": "ru"}]},
        {"comands": []},
    ],
)
async def test_wrong_commands_are_refused(call: Call, body: Any) -> None:
    status, found = await call("PATCH /me/commands", body)
    assert (status, found["code"]) == (400, "proto.payload")


@pytest.mark.parametrize(
    ("what", "status"),
    [("GET /chats", 404), ("PATCH /me", 405), ("POST /me", 405), ("GET /moon", 404), ("PUT /updates", 405)],
)
async def test_what_is_gone_or_never_was_is_not_found(call: Call, what: str, status: int) -> None:
    assert (await call(what))[0] == status


async def test_an_unknown_or_repeated_parameter_is_refused(server: MaxServer, call: Call) -> None:
    assert (await call("GET /updates", offset=5, timeout=0))[0] == 400
    headers = {"Authorization": server.token}
    url = f"{server.base_url}/updates?types=message_created&types=bot_started&timeout=0"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        assert answer.status == 400


async def test_a_dialog_is_told_by_its_own_id_and_by_nothing_else(server: MaxServer, call: Call) -> None:
    pushed = server.push.text("привет", chat=7)
    status, chat = await call("GET /chats/7")
    assert (status, chat["type"], chat["status"], chat["participants_count"]) == (200, "dialog", "active", 2)
    assert chat["dialog_with_user"]["user_id"] == pushed.user_id
    assert pushed.user_id != 7
    status, found = await call(f"GET /chats/{pushed.user_id}")
    assert (status, found["code"]) == (404, "chat.not.found")


async def test_a_dialog_may_have_a_negative_id(server: MaxServer, call: Call) -> None:
    server.world.chat(-7, kind="dialog", user_id=55)
    body = server.push.text("привет", chat=-7).body
    assert (body["recipient"]["chat_type"], body["sender"]["user_id"]) == ("dialog", 55)
    assert (await call("POST /messages", {"text": "x"}, user_id=55))[0] == 200
    assert server.sent[-1].chat_id == -7


async def test_a_stopped_bot_sees_a_suspended_dialog(server: MaxServer, call: Call) -> None:
    server.push.stopped(chat=7)
    assert (await call("GET /chats/7"))[1]["status"] == "suspended"
    status, found = await call("POST /chats/7/actions", {"action": "typing_on"})
    assert (status, found["code"], found["message"]) == (403, "chat.denied", "error.dialog.suspended")


async def test_actions_are_those_of_max(server: MaxServer, call: Call) -> None:
    server.push.text("x", chat=7)
    for action in ("typing_on", "mark_seen"):
        assert await call("POST /chats/7/actions", {"action": action}) == (200, {"success": True})
    assert (await call("POST /chats/7/actions", {"action": "typing"}))[0] == 400
    assert (await call("POST /chats/8/actions", {"action": "typing_on"}))[0] == 404
    assert list(server.world.actions) == [
        {"chat_id": 7, "action": "typing_on"},
        {"chat_id": 7, "action": "mark_seen"},
    ]


async def test_a_group_knows_what_the_bot_may_and_can_be_left(server: MaxServer, call: Call) -> None:
    server.push.text("x", chat=-60)
    status, me = await call("GET /chats/-60/members/me")
    assert (status, me["is_admin"]) == (200, True)
    assert "read_all_messages" in me["permissions"]
    server.world.chat(-60, admin=False)
    assert (await call("GET /chats/-60/members/me"))[1]["permissions"] is None
    assert (await call("DELETE /chats/-60/members/me"))[1] == {"success": True}
    assert (await call("POST /messages", {"text": "x"}, chat_id=-60))[0] == 403
    assert (await call("GET /chats/-60"))[1]["status"] == "left"


async def test_times_are_milliseconds_and_seq_does_not_fit_a_float(server: MaxServer) -> None:
    body = server.push.text("x", chat=1).body
    assert abs(body["timestamp"] / 1000 - server.clock()) < 60
    assert body["body"]["seq"] > 2**53
    assert isinstance(body["body"]["mid"], str)
