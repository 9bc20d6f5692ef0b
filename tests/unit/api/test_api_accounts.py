"""Channels by REST: how they are, what may be done to their accounts, and how those are logged in."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest

from channels.contract import LoginState
from channels.errors import Conflict, Gone, Misconfigured, Rejected, RetryLater, Unauthorized, Unreachable
from optfm_bot.api.tokens import Scope

CANARY = "CANARY-account-key"
PNG = b"\x89PNG\r\n\x1a\n-not-really"
DO = "/api/channels/acc/operations"
LOGIN = "/api/channels/acc/login"


async def look(office: Any, where: str, **given: Any) -> Any:
    return await office.ask("GET", where, **{"scope": Scope.SERVICE, **given})


async def act(office: Any, where: str, body: Any = None, **given: Any) -> Any:
    return await office.ask("POST", where, body, scope=Scope.SERVICE, **given)


# -- looking ----------------------------------------------------------------------------------------------


async def test_channels_are_shown_with_their_state_and_abilities(office: Any) -> None:
    await office.clock.advance(0)
    answer = await look(office, "/api/channels")

    account, plain = answer.json["channels"]
    assert (account["name"], account["type"], account["state"]) == ("acc", "memory", "connected")
    assert (account["why"], account["to_do"]) == ("", "")
    assert account["since"].startswith("2026-01-15T09:00:00")
    powers = ("phone", "operations", "login", "groups", "buttons")
    assert [account["can"][name] for name in powers] == [True, True, True, True, True]
    assert [plain["can"][name] for name in powers] == [False, False, False, True, True]


@pytest.mark.parametrize(("language", "word"), [("ru", "токен"), ("en", "token")])
async def test_a_channel_in_trouble_says_why_and_what_to_do(office: Any, language: str, word: str) -> None:
    await office.clock.advance(0)
    office.house.runners["acc"].status.failed(Unauthorized(f"key {CANARY} was revoked"))
    answer = await look(office, "/api/channels/acc", headers={"Accept-Language": language})

    assert (answer.json["state"], answer.json["why"]) == ("bad_credentials", "key •••• was revoked")
    assert word in answer.json["to_do"].lower()


@pytest.mark.parametrize("where", ["", "/operations", "/login"])
async def test_a_channel_that_is_not_there_is_said(office: Any, where: str) -> None:
    answer = await look(office, f"/api/channels/nowhere{where}")

    assert (answer.status, answer.code) == (404, "no_channel")


# -- operations -------------------------------------------------------------------------------------------


async def test_operations_are_listed_with_what_they_take(office: Any) -> None:
    answer = await look(office, DO, scope=Scope.READ)

    queue, group, key = answer.json["operations"]
    assert (queue["name"], queue["changes"], queue["params"]["properties"]) == ("queue", False, {})
    assert group["params"]["required"] == ["name"]
    assert group["params"]["properties"]["name"]["description"] == "Name of the group."
    assert (group["changes"], key["sensitive"]) == (True, True)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_channel_without_operations_says_so(office: Any, method: str) -> None:
    where = "/api/channels/plain/operations" + ("/queue" if method == "POST" else "")
    answer = await office.ask(method, where, scope=Scope.SERVICE)

    assert (answer.status, answer.code) == (404, "no_operations")


async def test_an_operation_is_done_with_what_it_is_given(office: Any) -> None:
    office.account.result = {"id": 7, "members": ["a", "b"]}
    answer = await act(office, f"{DO}/create_group", {"name": "Склад", "size": "3"})

    assert (answer.status, answer.json) == (200, {"result": {"id": 7, "members": ["a", "b"]}})
    ((name, params),) = office.account.done
    assert (name, params.name, params.size) == ("create_group", "Склад", 3)


@pytest.mark.parametrize("data", [None, b"", b"{}"])
async def test_an_operation_that_takes_nothing_needs_no_body(office: Any, data: bytes | None) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await office.ask("POST", f"{DO}/queue", scope=Scope.SERVICE, data=data, headers=headers)

    assert answer.json == {"result": {"queue": []}}


@pytest.mark.parametrize(
    ("body", "place"), [({}, "name"), ({"name": ""}, "name"), ({"name": "x", "sise": 3}, "sise")]
)
async def test_an_operation_is_not_begun_with_mistakes(office: Any, body: Any, place: str) -> None:
    answer = await act(office, f"{DO}/create_group", body)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert place in answer.json["error"]["hint"]
    assert office.account.done == []


async def test_an_operation_that_is_not_there_is_said(office: Any) -> None:
    answer = await act(office, f"{DO}/explode")

    assert (answer.status, answer.code) == (404, "no_operation")
    assert office.account.done == []


@pytest.mark.parametrize(("operation", "shown"), [("queue", "••••"), ("new_key", CANARY)])
async def test_a_secret_is_shown_only_where_the_operation_is_for_that(
    office: Any, operation: str, shown: str
) -> None:
    office.account.result = {"keys": [{"key": CANARY}], CANARY: 1}
    answer = await act(office, f"{DO}/{operation}")

    assert answer.json["result"] == {"keys": [{"key": shown}], shown: 1}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RetryLater(after=timedelta(seconds=7)), 503, "platform_busy"),
        (RetryLater(), 503, "platform_busy"),
        (Unauthorized(), 502, "platform_unauthorized"),
        (Misconfigured(), 502, "platform_unauthorized"),
        (Gone(), 404, "nobody_there"),
        (Rejected(), 422, "platform_refused"),
        (Conflict(), 409, "conflict"),
        (Unreachable(maybe_sent=True), 504, "platform_unclear"),
        (Unreachable(maybe_sent=False), 504, "platform_unreachable"),
        (LookupError("a stranger's bug"), 500, "internal"),
    ],
)
async def test_every_way_to_fail_has_its_answer(
    office: Any, error: Exception, status: int, code: str
) -> None:
    office.account.fails = error
    answer = await act(office, f"{DO}/queue")

    assert (answer.status, answer.code) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_what_a_platform_says_of_a_failure_is_told_without_a_secret(office: Any) -> None:
    office.account.fails = Rejected(f"no such queue for {CANARY}")
    answer = await act(office, f"{DO}/queue")

    assert answer.json["error"]["hint"] == "no such queue for ••••"


@pytest.mark.parametrize(
    ("operation", "code"), [("queue", "platform_unreachable"), ("new_key", "platform_unclear")]
)
async def test_an_operation_that_hangs_is_given_up(office: Any, operation: str, code: str) -> None:
    """Of one that changes something nobody can know whether it was done."""
    office.account.hangs = True
    asking = asyncio.create_task(act(office, f"{DO}/{operation}"))
    while not asking.done():
        await office.clock.advance(10)
        await asyncio.sleep(0.01)

    assert (await asking).code == code


# -- logins -----------------------------------------------------------------------------------------------


async def shown(office: Any, state: LoginState) -> Any:
    """The login as soon as it is in that state."""
    while (answer := await look(office, LOGIN)).json["state"] != state.value:
        await office.clock.sleep(0)
    return answer


async def test_a_login_begins_shows_its_code_and_ends(office: Any) -> None:
    begun = await act(office, LOGIN)
    office.account.shows(LoginState.SCAN, "Отсканируйте", PNG)
    scan = await shown(office, LoginState.SCAN)
    office.account.shows(LoginState.DONE, "Готово")
    done = await shown(office, LoginState.DONE)

    assert (begun.status, begun.headers["Location"]) == (202, LOGIN)
    assert (begun.json["state"], begun.json["running"], begun.json["qr"]) == ("waiting", True, None)
    assert begun.json["message"] == "Начинаем вход."
    assert (begun.json["started_at"], begun.json["ends_at"]) == (
        "2026-01-15T09:00:00Z",
        "2026-01-15T09:06:00Z",
    )
    assert (scan.json["message"], scan.json["running"]) == ("Отсканируйте", True)
    assert scan.json["qr"] == "data:image/png;base64," + b64encode(PNG).decode()
    assert (done.json["message"], done.json["running"], done.json["qr"]) == ("Готово", False, None)
    assert office.account.left == 1


async def test_one_login_at_a_time(office: Any) -> None:
    await act(office, LOGIN)
    second = await act(office, LOGIN)

    assert (second.status, second.code) == (409, "login_running")
    office.account.shows(LoginState.DONE)
    await shown(office, LoginState.DONE)
    assert (await act(office, LOGIN)).status == 202


async def test_a_login_can_be_ended(office: Any) -> None:
    await act(office, LOGIN)
    office.account.shows(LoginState.SCAN, "", PNG)
    await shown(office, LoginState.SCAN)
    ended = await office.ask("DELETE", LOGIN, scope=Scope.SERVICE)

    assert (ended.status, ended.text) == (204, "")
    assert office.account.left == 1
    assert (await look(office, LOGIN)).code == "no_login_running"
    assert (await office.ask("DELETE", LOGIN, scope=Scope.SERVICE)).code == "no_login_running"


async def test_a_login_that_nobody_scans_ends_by_itself(office: Any) -> None:
    await act(office, LOGIN)
    office.account.shows(LoginState.SCAN, "", PNG)
    await shown(office, LoginState.SCAN)
    await office.clock.advance(360)
    ended = await shown(office, LoginState.FAILED)

    assert (ended.json["running"], ended.json["qr"]) == (False, None)
    assert "вовремя" in ended.json["message"]
    assert office.account.left == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Unauthorized(f"key {CANARY} is wrong"), "key •••• is wrong"),
        (RuntimeError("CANARY"), "Вход прерван."),
        (None, "Вход прерван."),
    ],
)
async def test_a_login_that_breaks_off_says_why(office: Any, error: Exception | None, words: str) -> None:
    await act(office, LOGIN)
    office.account.steps.put_nowait(error)
    ended = await shown(office, LoginState.FAILED)

    assert words in ended.json["message"]
    assert "CANARY" not in ended.text


async def test_an_account_that_was_logged_in_may_send_again(office: Any) -> None:
    """Messages that wait for the credentials look for them every few seconds; the login tells that they are there."""
    office.account.refuse = [Unauthorized()]
    await office.send({"chat": "1", "text": "x"}, "acc")
    await office.clock.advance(1)
    assert office.account.delivered == []
    await act(office, LOGIN)
    office.account.shows(LoginState.DONE)
    await shown(office, LoginState.DONE)
    for _ in range(20):
        await office.clock.advance(1)

    assert [one.message.text for one in office.account.delivered] == ["x"]


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_channel_that_needs_no_login_says_so(office: Any, method: str) -> None:
    answer = await office.ask(method, "/api/channels/plain/login", scope=Scope.SERVICE)

    assert (answer.status, answer.code) == (404, "no_login")


async def test_closing_ends_every_login(office: Any) -> None:
    before = asyncio.all_tasks()
    await act(office, LOGIN)
    office.account.shows(LoginState.SCAN, "", PNG)
    await shown(office, LoginState.SCAN)
    await office.api.close()

    assert office.account.left == 1
    assert [task for task in asyncio.all_tasks() - before if task.get_name().startswith("login")] == []
