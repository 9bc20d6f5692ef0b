"""States, settings and the login of an account."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from channels.testing.green_server import GreenServer, Instance
from channels.testing.green_server.qr import PNG_KINDS, matrix, png

Raw = Callable[..., Awaitable[tuple[int, Any]]]


def states(green: Instance) -> list[str]:
    return [state for _, state in green.account.history]


async def test_settings_are_saved_through_a_restart(server: GreenServer, green: Instance, raw: Raw) -> None:
    assert (await raw("setSettings", incomingWebhook="no", delaySendMessagesMilliseconds=1000)) == (
        200,
        {"saveSettings": True},
    )
    assert (await raw("getStateInstance"))[1] == {"stateInstance": "starting"}
    assert green.settings["incomingWebhook"] == "yes"
    await server.wait(lambda: green.account.state == "authorized")
    found = (await raw("getSettings"))[1]
    assert (found["incomingWebhook"], found["delaySendMessagesMilliseconds"]) == ("no", 1000)
    assert found["wid"].endswith("@c.us")
    assert states(green) == ["authorized", "starting", "authorized"]
    assert green.account.saves == 1


async def test_settings_saved_twice_in_a_row_are_both_in_force(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    await raw("setSettings", incomingWebhook="no")
    await raw("setSettings", stateWebhook="no")
    await server.wait(lambda: green.account.state == "authorized")
    assert (green.settings["incomingWebhook"], green.settings["stateWebhook"]) == ("no", "no")


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"incomingWebhook": True}, "must be one of the following values: yes, no"),
        ({"delaySendMessagesMilliseconds": 499}, "must be between 500 and 600000"),
        ({"delaySendMessagesMilliseconds": "500"}, "must be a number"),
        ({"moonWebhook": "yes"}, "'moonWebhook' is not allowed"),
        ({"incomingCallWebhook": "yes"}, "'incomingCallWebhook' is not allowed"),
        ({}, "at least one"),
    ],
)
async def test_wrong_settings_change_nothing(
    green: Instance, raw: Raw, given: dict[str, Any], detail: str
) -> None:
    status, body = await raw("setSettings", **given)
    assert status == 400
    assert detail in body["message"]
    assert states(green) == ["authorized"]


async def test_methods_of_the_account_wait_for_its_start(green: Instance, raw: Raw) -> None:
    green.account.become("starting")
    status, body = await raw("getContacts")
    assert (status, body["message"]) == (400, "instance in starting process try later")
    green.account.become("notAuthorized")
    status, body = await raw("getContacts")
    assert (status, body["message"]) == (400, "instance is starting or not authorized")
    status, body = await raw("checkAccount", phoneNumber=79001112233)
    assert (status, body) == (400, {"status": False, "reason": "instance is starting or not authorized"})
    about = (await raw("getAccountSettings"))[1]
    assert (about["phone"], about["chatId"]) == ("", "")


async def test_a_change_of_state_is_told(green: Instance, raw: Raw) -> None:
    green.account.become("blocked")
    body = (await raw("receiveNotification"))[1]["body"]
    assert (body["typeWebhook"], body["stateInstance"]) == ("stateInstanceChanged", "blocked")


async def test_login_by_qr(server: GreenServer, green: Instance, raw: Raw) -> None:
    assert (await raw("qr"))[1]["type"] == "alreadyLogged"
    assert (await raw("logout"))[1] == {"isLogout": True}
    assert (await raw("getStateInstance"))[1] == {"stateInstance": "notAuthorized"}
    green.account.qr_lifetime = 0.001
    old = green.account.qr_text
    first = (await raw("qr"))[1]
    second = (await raw("qr"))[1]
    assert first["type"] == second["type"] == "qrCode"
    assert base64.b64decode(first["message"]).startswith(b"\x89PNG")
    assert first["message"] != second["message"]
    with pytest.raises(LookupError, match="no longer valid"):
        green.account.scan(old)
    green.account.scan()
    await server.wait(lambda: green.account.state == "authorized")
    assert states(green) == ["authorized", "notAuthorized", "starting", "authorized"]
    with pytest.raises(LookupError, match="no QR code"):
        green.account.scan()


async def test_no_code_is_shown_in_other_states_or_when_it_is_broken(green: Instance, raw: Raw) -> None:
    green.account.become("blocked")
    assert (await raw("qr"))[1]["type"] == "error"
    green.account.become("notAuthorized")
    green.account.qr_broken = True
    assert (await raw("qr"))[1]["type"] == "error"


async def test_a_password_keeps_the_account_waiting(green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    green.account.has_password = True
    green.account.scan()
    assert (await raw("getStateInstance"))[1] == {"stateInstance": "pendingPassword"}
    assert (await raw("qr"))[1]["type"] == "error"


async def test_after_a_new_login_old_message_ids_mean_nothing_new(
    server: GreenServer, green: Instance, raw: Raw
) -> None:
    before = green.push.text("x", chat=10000010).message_id
    await raw("logout")
    green.account.scan()
    await server.wait(lambda: green.account.state == "authorized")
    after = green.push.text("y", chat=10000010).message_id
    assert int(after) - int(before) >= 1_000_000_000


async def test_login_by_a_code_from_a_text_message(server: GreenServer, green: Instance, raw: Raw) -> None:
    green.account.become("notAuthorized")
    assert (await raw("startAuthorization", phoneNumber=79001112233))[1] == {"status": True}
    assert (await raw("sendAuthorizationCode", code="000000"))[0] == 400
    assert (await raw("sendAuthorizationCode", code="123456"))[0] == 200
    await server.wait(lambda: green.account.state == "authorized")


@pytest.mark.parametrize("network", ["whatsapp"], indirect=True)
async def test_what_only_whatsapp_has(green: Instance, raw: Raw) -> None:
    assert (await raw("getStatusInstance"))[1] == {"statusInstance": "online"}
    assert (await raw("getWaSettings"))[1]["phone"] == str(green.book.phone)
    green.account.become("notAuthorized")
    assert (await raw("getAuthorizationCode", phoneNumber=79001112233))[1]["code"]
    assert (await raw("getStateInstanceHistory"))[1][0]["stateInstance"] == "notAuthorized"
    old = green.token
    fresh = (await raw("updateApiToken"))[1]["apiTokenInstance"]
    assert (fresh, green.token) == (green.token, fresh)
    assert fresh != old
    assert (await raw("getAccountSettings"))[0] == 404


# -- QR --------------------------------------------------------------------------------------------

# Computed with the package `qrcode` 8 (error correction L, mask 0, byte mode): an encoder that is not ours.
FOREIGN = {
    "a": "0a00d5468f958e6e",
    "hello world 123456789": "38a7501a74abe9aa",
    "q" * 79: "21ba400972872657",
    "q" * 106: "f7d5ff96cd161f6a",
}


@pytest.mark.parametrize(("text", "expected"), FOREIGN.items())
def test_a_code_is_the_one_that_others_make(text: str, expected: str) -> None:
    drawn = "".join("#" if one else "." for row in matrix(text) for one in row)
    assert hashlib.sha256(drawn.encode()).hexdigest()[:16] == expected


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        matrix("q" * 107)


@pytest.mark.parametrize("kind", PNG_KINDS)
def test_a_picture_says_how_large_it_is(kind: str) -> None:
    content = png("a", scale=3, quiet=4, kind=kind)
    assert int.from_bytes(content[16:20], "big") == int.from_bytes(content[20:24], "big") == (21 + 8) * 3
