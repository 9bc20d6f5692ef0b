"""The account behind an instance: its state, its login by QR code, its settings and their restarts."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from channels.testing.green_server.book import Book
from channels.testing.green_server.faults import Tariff
from channels.testing.green_server.fields import MAX
from channels.testing.green_server.methods import SETTINGS
from channels.testing.green_server.notifications import NotificationQueue
from channels.testing.green_server.qr import png
from channels.testing.green_server.refusal import NOT_READY, STARTING, Refusal, invalid

SMS_CODE: Final = "123456"
QR_LIFETIME: Final = 20.0


class State(StrEnum):
    """What an instance can be. `SLEEP_MODE` and `YELLOW_CARD` are WhatsApp's, `SUSPENDED` is MAX's."""

    NOT_AUTHORIZED = "notAuthorized"
    AUTHORIZED = "authorized"
    STARTING = "starting"
    BLOCKED = "blocked"
    SUSPENDED = "suspended"
    PENDING_PASSWORD = "pendingPassword"  # noqa: S105 - the name of a state
    SLEEP_MODE = "sleepMode"
    YELLOW_CARD = "yellowCard"


CONNECTED: Final = frozenset({State.AUTHORIZED, State.SUSPENDED, State.YELLOW_CARD})
"""States in which the gateway sees what happens in the account."""


def new_settings(network: str) -> dict[str, Any]:
    """The settings of a new instance: every kind of notification is off."""
    found: dict[str, Any] = {}
    for name, field in SETTINGS.items():
        if network in field.networks:
            found[name] = "no"
    return found | {
        "webhookUrl": "",
        "webhookUrlToken": "",
        "delaySendMessagesMilliseconds": 500 if network == MAX else 3000,
    }


class Account:
    """State, settings and login of one instance. `changed` is called after every change of state or settings."""

    def __init__(
        self,
        *,
        book: Book,
        queue: NotificationQueue,
        settings: dict[str, Any],
        tariff: Tariff,
        clock: Callable[[], float],
        notify: Callable[[str, Mapping[str, Any]], int | None],
        restart_seconds: float,
    ) -> None:
        self.book = book
        self.queue = queue
        self.settings = settings
        self.tariff = tariff
        self.clock = clock
        self.notify = notify
        self.restart_seconds = restart_seconds
        self.state = State.AUTHORIZED
        self.suspended_until = 0
        self.refuse_unready = False
        """Whether sends are refused with a 400 while nobody is logged in, instead of being queued."""
        self.has_password = False
        self.qr_lifetime = QR_LIFETIME
        self.qr_kind = "rgba"
        self.qr_broken = False
        self.saves = 0
        self.history: list[tuple[float, str]] = [(clock(), self.state.value)]
        self.changed: Callable[[], None] = lambda: None
        self._timers: set[asyncio.TimerHandle] = set()
        self._after_restart: tuple[State, dict[str, Any]] | None = None

    @property
    def handlers(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """The methods that are answered here."""
        return {
            "getStateInstance": lambda _: {"stateInstance": self.state.value},
            "getStatusInstance": lambda _: {"statusInstance": "online" if self.connected else "offline"},
            "getStateInstanceHistory": self._history,
            "getSettings": lambda _: self._shown_settings(),
            "setSettings": self._set_settings,
            "getAccountSettings": lambda _: self._about(),
            "getWaSettings": lambda _: self._about(),
            "qr": lambda _: self._qr(),
            "logout": lambda _: self._logout(),
            "reboot": lambda _: self._reboot(),
            "startAuthorization": lambda _: self._start_by_phone(),
            "getAuthorizationCode": lambda _: self._start_by_phone() | {"code": "ABCD1234"},
            "sendAuthorizationCode": self._authorize_by_phone,
            "setProfilePicture": self._picture,
        }

    @property
    def connected(self) -> bool:
        """Whether what people write is seen now."""
        return self.state in CONNECTED

    def require(self) -> None:
        """Raise a 400 unless somebody is logged in."""
        if self.state is State.STARTING:
            raise Refusal(400, STARTING)
        if not self.connected:
            raise Refusal(400, NOT_READY)

    # -- state -------------------------------------------------------------------------------------

    def become(self, state: State | str, *, until: float = 0.0) -> None:
        """Change the state now and for good, and tell of it if that is switched on. `until` ends a suspension."""
        self._break_off()
        fresh = State(state)
        self.suspended_until = int(until) if fresh is State.SUSPENDED else 0
        self._enter(fresh)

    def _break_off(self) -> None:
        """End a restart: its settings are in force, its state is not."""
        if self._after_restart is not None:
            self.settings |= self._after_restart[1]
            self._after_restart = None
        self.close()

    def _enter(self, fresh: State) -> None:
        if fresh is self.state:
            return
        self.state = fresh
        self.history.append((self.clock(), fresh.value))
        self.notify("stateInstanceChanged", {"stateInstance": fresh.value})
        self.changed()

    def _restart(self, then: State, settings: Mapping[str, Any] | None = None) -> None:
        """Be starting for a moment, and then what it was, with new settings if there are any."""
        waiting = self._after_restart
        self._after_restart = (then, {**(waiting[1] if waiting else {}), **(settings or {})})
        self._enter(State.STARTING)
        if waiting is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(self.restart_seconds, self.finish_restart)
            self._timers = {timer}

    def finish_restart(self) -> None:
        """Be started now, if a restart is under way."""
        if self._after_restart is None:
            return
        then = self._after_restart[0]
        self._break_off()
        self._enter(then)
        self.queue.wake()
        self.changed()

    def _standing(self) -> State:
        return self._after_restart[0] if self._after_restart else self.state

    def _reboot(self) -> dict[str, Any]:
        standing = self._standing()
        self._restart(State.AUTHORIZED if standing in {State.YELLOW_CARD, State.SLEEP_MODE} else standing)
        return {"isReboot": True}

    def _logout(self) -> dict[str, Any]:
        if self._standing() is not State.NOT_AUTHORIZED:
            # Ids of messages hold within one session only.
            self.book.session += 1
        self.become(State.NOT_AUTHORIZED)
        return {"isLogout": True}

    # -- login -------------------------------------------------------------------------------------

    @property
    def qr_text(self) -> str:
        """What the QR code of this moment says."""
        turn = int(self.clock() / self.qr_lifetime)
        return f"https://example.invalid/login/{self.book.own.id}/{self.book.session}/{turn}"

    def _qr(self) -> dict[str, Any]:
        if self.state is State.AUTHORIZED:
            return {"type": "alreadyLogged", "message": "instance account already authorized"}
        if self.state is not State.NOT_AUTHORIZED or self.qr_broken:
            return {"type": "error", "message": f"QR code cannot be given in the state {self.state.value}"}
        image = png(self.qr_text, kind=self.qr_kind)
        return {"type": "qrCode", "message": base64.b64encode(image).decode()}

    def scan(self, text: str | None = None) -> None:
        """The owner scans the code that says `text` (None: the one of this moment).

        Raises `LookupError` for a code that nobody is shown any more. With a password on the account the instance
        waits for it, and no further code is given.
        """
        if self.state is not State.NOT_AUTHORIZED:
            raise LookupError(f"no QR code is shown in the state {self.state.value}")
        if text is not None and text != self.qr_text:
            raise LookupError("this QR code is no longer valid")
        if self.has_password:
            self.become(State.PENDING_PASSWORD)
        else:
            self._restart(State.AUTHORIZED)

    def _start_by_phone(self) -> dict[str, Any]:
        if self.state is not State.NOT_AUTHORIZED:
            raise Refusal(400, "instance is already authorized")
        return {"status": True}

    def _authorize_by_phone(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if self.state is not State.NOT_AUTHORIZED or given["code"] != SMS_CODE:
            raise invalid("'code' is wrong")
        self._restart(State.AUTHORIZED)
        return {"status": True}

    # -- settings ----------------------------------------------------------------------------------

    def _shown_settings(self) -> dict[str, Any]:
        wid = f"{self.book.phone}@c.us" if self._standing() in CONNECTED else ""
        return {"wid": wid, **self.settings}

    def _set_settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        if not given:
            raise invalid("at least one setting is required")
        self.saves += 1
        self._restart(self._standing(), given)
        return {"saveSettings": True}

    def _about(self) -> dict[str, Any]:
        there = self.connected
        found: dict[str, Any] = {
            "avatar": self.book.own.avatar if there else "",
            "phone": str(self.book.phone) if there else "",
            "stateInstance": self.state.value,
        }
        if self.book.network != MAX:
            return found | {"deviceId": f"{self.book.phone}:1@c.us" if there else ""}
        found["chatId"] = self.book.own.id if there else ""
        if self.suspended_until:
            found["suspendedUntil"] = self.suspended_until
        return found

    def _history(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        count = int(given.get("count", 100))
        return [
            {"timestamp": int(at), "stateInstance": state} for at, state in reversed(self.history[-count:])
        ]

    def _picture(self, _given: Mapping[str, Any]) -> dict[str, Any]:
        self.book.own.avatar = "https://example.invalid/avatar.jpg"
        return {"reason": None, "urlAvatar": self.book.own.avatar, "setProfilePicture": True}

    def close(self) -> None:
        """Cancel what was to happen later."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
