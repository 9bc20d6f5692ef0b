"""Logs an account in by QR: shows codes, follows the state, ends when somebody is in or the time is over."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from channels.contract import LoginState, LoginStep
from channels.errors import ChannelError, RetryLater, Unreachable
from channels.greenapi.answers import NO_REASON
from channels.greenapi.client import GreenClient
from channels.greenapi.spec import Network
from channels.greenapi.state import STARTING, read_state
from channels.phrase import phrase

_PNG = b"\x89PNG\r\n\x1a\n"
_DONE = phrase("green_api.login.done", "The account is logged in.")
_SCAN = {
    Network.MAX: phrase(
        "green_api.login.scan_max",
        "Scan this code in MAX on the phone: Profile → Devices. The account must have no password now.",
    ),
    Network.WHATSAPP: phrase(
        "green_api.login.scan_whatsapp",
        "Scan this code in WhatsApp on the phone: Linked devices → Link a device.",
    ),
}
_LOCKED = phrase(
    "green_api.login.locked",
    "The account asks for its password. Take the password off in the messenger's settings and "
    "begin again; it can be set anew afterwards.",
)
_BLOCKED = phrase(
    "green_api.login.blocked", "The messenger has blocked this account: it cannot be logged in."
)
_ALREADY = phrase(
    "green_api.login.already",
    "GREEN-API says that an account is logged in already. If this stays so, log it out first: "
    "optfm-bot channels do <instance> logout",
)
_TOO_LATE = phrase("green_api.login.too_late", "Nobody scanned a code in time. Begin again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: between two codes, between two looks at the state (never below one), and for the whole login."""

    code: float
    state: float = 1.0
    patience: float = 300.0


PACES = {Network.MAX: Pace(code=5.0), Network.WHATSAPP: Pace(code=1.0)}
"""MAX's code lives long; WhatsApp changes it every 20 seconds."""


async def login_steps(
    client: GreenClient, network: Network, pace: Pace | None = None
) -> AsyncIterator[LoginStep]:
    """Go through the login: a step whenever something changes, the last one `DONE` or `FAILED`.

    An instance that starts, and a gateway that does not answer for a while, are waited for. Raises `Unauthorized` for
    wrong credentials.
    """
    pace = pace or PACES[network]
    loop = asyncio.get_running_loop()
    ends = loop.time() + pace.patience
    next_code = loop.time()
    shown: LoginStep | None = None
    while loop.time() < ends:
        step = await _look(client)
        if step is None and loop.time() >= next_code:
            next_code = loop.time() + pace.code
            step = await _code(client, network)
        if step is not None and step != shown:
            shown = step
            yield step
            if step.state in {LoginState.DONE, LoginState.FAILED}:
                return
        await asyncio.sleep(min(pace.state, max(0.0, ends - loop.time())))
    yield LoginStep(state=LoginState.FAILED, message=_TOO_LATE)


async def _look(client: GreenClient) -> LoginStep | None:
    """Give what the state says; None where it is time for a code."""
    try:
        state = read_state(await client.get("getStateInstance"))
    except (RetryLater, Unreachable) as error:
        return _waiting(error)
    match state:
        case "notAuthorized":
            return None
        case "starting":
            return LoginStep(
                state=LoginState.WAITING,
                message=STARTING,
            )
        case "pendingPassword":
            return LoginStep(state=LoginState.FAILED, message=_LOCKED)
        case "blocked":
            return LoginStep(state=LoginState.FAILED, message=_BLOCKED)
    # Suspended, asleep or warned: all of these are states of an account that is logged in.
    return LoginStep(state=LoginState.DONE, message=_DONE)


async def _code(client: GreenClient, network: Network) -> LoginStep | None:
    try:
        content = await client.get("qr")
    except (RetryLater, Unreachable) as error:
        return _waiting(error)
    return read_code(content, network)


def read_code(content: Any, network: Network) -> LoginStep | None:
    """Read the answer to a request for a code; None if it says nothing that a person could use. Pure."""
    fields = content if isinstance(content, dict) else {}
    message = fields.get("message")
    match fields.get("type"):
        case "qrCode" if isinstance(message, str):
            png = _png(message)
            if png is None:
                return None
            return LoginStep(state=LoginState.SCAN, message=_SCAN[network], qr_png=png)
        case "alreadyLogged":
            # The state was asked before and said otherwise; it is asked again before anybody is told "done".
            return LoginStep(state=LoginState.WAITING, message=_ALREADY)
        case "error":
            reason = message[:200] if isinstance(message, str) else NO_REASON
            if "password" in reason.lower():
                return LoginStep(state=LoginState.FAILED, message=_LOCKED)
            return LoginStep(
                state=LoginState.WAITING,
                message=phrase(
                    "green_api.login.no_code", "GREEN-API has no code at the moment: {reason}", reason=reason
                ),
            )
    return None


def _png(written: str) -> bytes | None:
    _, _, data = written.rpartition(",")  # some answers carry the `data:image/png;base64,` of an address
    try:
        png = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    return png if png.startswith(_PNG) else None


def _waiting(error: ChannelError) -> LoginStep:
    return LoginStep(state=LoginState.WAITING, message=str(error))
