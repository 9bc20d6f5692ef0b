"""Logging an account in by QR against a strict local gateway: every way it goes, and every way it ends."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest

from channels.contract import LoginState, LoginStep
from channels.errors import Unauthorized
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.login import PACES, Pace, login_steps, read_code
from channels.greenapi.spec import Network
from channels.qr import read_matrix
from channels.testing.green_server import GreenServer

QUICK = Pace(code=0.02, state=0.005, patience=5.0)
Connect = Callable[..., GreenApiChannel]


def steps(channel: GreenApiChannel, pace: Pace = QUICK) -> Any:
    return login_steps(channel._client, channel.settings.network, pace)


async def all_of(channel: GreenApiChannel, pace: Pace = QUICK) -> list[LoginStep]:
    return [step async for step in steps(channel, pace)]


async def test_a_code_is_shown_and_scanned(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("notAuthorized")
    seen: list[LoginStep] = []
    async for step in steps(connect(server)):
        seen.append(step)
        if step.qr_png is not None:
            assert read_matrix(step.qr_png)
            server.instance.account.scan()
    assert seen[0].state is LoginState.SCAN
    assert "Devices" in seen[0].message
    assert (seen[-1].state, seen[-1].qr_png) == (LoginState.DONE, None)


async def test_who_is_logged_in_needs_no_code(connect: Connect, server: GreenServer) -> None:
    [step] = await all_of(connect(server))
    assert step.state is LoginState.DONE
    assert not server.calls("qr")


async def test_an_account_with_a_password_is_told_to_take_it_off(
    connect: Connect, server: GreenServer
) -> None:
    server.instance.account.become("notAuthorized")
    server.instance.account.has_password = True
    last: LoginStep | None = None
    async for step in steps(connect(server)):
        last = step
        if step.qr_png is not None:
            server.instance.account.scan()
    assert last is not None
    assert last.state is LoginState.FAILED
    assert "password" in last.message


async def test_a_blocked_account_cannot_be_logged_in(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("blocked")
    [step] = await all_of(connect(server))
    assert step.state is LoginState.FAILED


async def test_an_instance_that_starts_is_waited_for(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("starting")
    seen: list[LoginState] = []
    async for step in steps(connect(server)):
        seen.append(step.state)
        if step.state is LoginState.WAITING:
            server.instance.account.become("authorized")
    assert seen == [LoginState.WAITING, LoginState.DONE]


async def test_a_gateway_that_stumbles_is_asked_again(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("notAuthorized")
    server.fail("502", "getStateInstance")
    server.fail("429", "qr")
    states = []
    async for step in steps(connect(server)):
        states.append(step.state)
        if step.state is LoginState.SCAN:
            server.instance.account.scan()
    assert states[0] is LoginState.WAITING
    assert LoginState.SCAN in states
    assert states[-1] is LoginState.DONE


async def test_nobody_scanning_ends_the_login(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("notAuthorized")
    seen = await all_of(connect(server), Pace(code=0.02, state=0.005, patience=0.1))
    assert seen[-1].state is LoginState.FAILED
    assert "Begin again" in seen[-1].message


async def test_the_same_step_is_told_once(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("notAuthorized")
    server.instance.account.qr_lifetime = 100.0
    following = asyncio.create_task(all_of(connect(server), Pace(code=0.01, state=0.005, patience=30.0)))
    await server.wait(lambda: len(server.calls("qr")) >= 3)
    server.instance.account.scan()
    states = [step.state for step in await following]
    assert states.count(LoginState.SCAN) == 1
    assert states[-1] is LoginState.DONE


async def test_wrong_credentials_end_it_at_once(connect: Connect, server: GreenServer) -> None:
    with pytest.raises(Unauthorized):
        await all_of(connect(server, api_token_instance="canary00000000"))


async def test_the_channel_offers_the_login_without_being_opened(
    connect: Connect, server: GreenServer
) -> None:
    [step] = [step async for step in connect(server).login()]
    assert step.state is LoginState.DONE


def test_the_gateway_is_not_asked_faster_than_it_allows() -> None:
    assert all(pace.state >= 1.0 for pace in PACES.values())
    assert PACES[Network.MAX].code == 5.0
    assert PACES[Network.WHATSAPP].code == 1.0


PNG = b"\x89PNG\r\n\x1a\nrest"


@pytest.mark.parametrize(
    "written", [b64encode(PNG).decode(), f"data:image/png;base64,{b64encode(PNG).decode()}"]
)
def test_a_code_is_read_in_both_forms(written: str) -> None:
    step = read_code({"type": "qrCode", "message": written}, Network.MAX)
    assert step is not None
    assert step.qr_png == PNG
    assert "PNG" not in repr(step)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"type": "qrCode"},
        {"type": "qrCode", "message": "не base64"},
        {"type": "qrCode", "message": b64encode(b"GIF89a").decode()},
        {"type": "brandNew", "message": "x"},
    ],
)
def test_a_code_that_cannot_be_read_is_waited_over(content: Any) -> None:
    assert read_code(content, Network.MAX) is None


def test_other_answers_say_what_to_do() -> None:
    already = read_code({"type": "alreadyLogged", "message": "x"}, Network.MAX)
    locked = read_code({"type": "error", "message": "account has a password"}, Network.MAX)
    other = read_code({"type": "error", "message": "try later"}, Network.MAX)
    assert already is not None
    assert (already.state, "logout" in already.message) == (LoginState.WAITING, True)
    assert locked is not None
    assert locked.state is LoginState.FAILED
    assert other is not None
    assert (other.state, "try later" in other.message) == (LoginState.WAITING, True)
