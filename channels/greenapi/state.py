"""The states of an instance: what each means for sending and receiving, and a watch over the present one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from channels.contract import Health, HealthState
from channels.errors import ChannelError, RetryLater, Unauthorized, Unreachable
from channels.greenapi.answers import NOT_READY
from channels.greenapi.client import GreenClient
from channels.phrase import phrase

LOOK_EVERY = timedelta(minutes=1)
"""The watch asks no more often than this; the gateway allows one request a second."""
_LOOK_SOON = timedelta(seconds=10)
"""The same while the instance starts: nothing works until then, and it takes no person's time to wait for."""
_HELD = timedelta(minutes=1)
_SKEW = timedelta(seconds=30)
"""How much the gateway's clock may be behind ours. What is older than that is from an old queue."""


class Work(StrEnum):
    """What an instance can do in a state."""

    ALL = "all"
    RECEIVES = "receives"
    WAITS = "waits"
    NEEDS_A_PERSON = "needs_a_person"


STARTING = phrase("green_api.starting", "The instance is starting; that takes up to 5 minutes.")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a state lets the instance do, and what a person has to do about it."""

    work: Work
    hint: str = ""


_WORK = {
    "notAuthorized": Work.NEEDS_A_PERSON,
    "pendingPassword": Work.NEEDS_A_PERSON,
    "blocked": Work.NEEDS_A_PERSON,
    "starting": Work.WAITS,
    "yellowCard": Work.RECEIVES,
    "sleepMode": Work.RECEIVES,
}
"""What the states let an instance do. In all the others it works; so it is taken to do in one newer than we are."""


def meaning_of(state: str, instance: str) -> Meaning:
    """Give what a state means; `instance` is for the commands in the hint."""
    return Meaning(_WORK.get(state, Work.ALL), _hint(state, instance))


def _hint(state: str, instance: str) -> str:  # noqa: PLR0911 - a table of states, read row by row
    match state:
        case "authorized":
            return ""
        case "notAuthorized":
            return phrase(
                "green_api.state.not_authorized",
                "Nobody is logged in. Run: optfm-bot channels login {instance}",
                instance=instance,
            )
        case "pendingPassword":
            return phrase(
                "green_api.state.pending_password",
                "The account asks for its password. Take the password off in the messenger's settings, then run:"
                " optfm-bot channels login {instance}",
                instance=instance,
            )
        case "blocked":
            return phrase(
                "green_api.state.blocked",
                "The messenger has blocked this account. Appeal in the messenger's app, or log another account in.",
            )
        case "starting":
            return STARTING
        case "suspended":
            return phrase(
                "green_api.state.suspended",
                "The account is suspended: only saved contacts may be written to. It ends by itself; until then, write"
                " less and to nobody new.",
            )
        case "yellowCard":
            return phrase(
                "green_api.state.yellow_card",
                "The messenger suspects spam and holds messages back. Write less, then run:"
                " optfm-bot channels do {instance} reboot",
                instance=instance,
            )
        case "sleepMode":
            return phrase(
                "green_api.state.sleep_mode",
                "The phone is off or has no network. Switch it on; it may take 5 minutes.",
            )
    return phrase(
        "green_api.state.unknown", "The instance is in the unknown state {state}.", state=repr(state[:40])
    )


def login_error(state: str, instance: str) -> ChannelError | None:
    """Give what a person has to do before anything works in this state, or None."""
    meaning = meaning_of(state, instance)
    if meaning.work is not Work.NEEDS_A_PERSON:
        return None
    return Unauthorized(_in_state(state, meaning))


def _in_state(state: str, meaning: Meaning) -> str:
    return phrase(
        "green_api.in_state", "The instance is in the state {state}. {hint}", state=state, hint=meaning.hint
    )


def receive_error(state: str, instance: str) -> ChannelError | None:
    """Give why no message can come in in this state, or None."""
    meaning = meaning_of(state, instance)
    if meaning.work is Work.WAITS:
        return RetryLater(meaning.hint, after=NOT_READY, whole_bot=True)
    return login_error(state, instance)


def send_error(state: str, instance: str) -> ChannelError | None:
    """Give why nothing should be sent in this state, or None.

    What is sent nevertheless would pile up at the gateway for a day and then leave all at once.
    """
    meaning = meaning_of(state, instance)
    if meaning.work is Work.RECEIVES:
        return RetryLater(_in_state(state, meaning), after=_HELD, whole_bot=True)
    return receive_error(state, instance)


def state_health(state: str, *, instance: str, identity: str, details: dict[str, str]) -> Health:
    """Give the health of an instance in this state."""
    meaning = meaning_of(state, instance)
    if meaning.work is Work.NEEDS_A_PERSON:
        found = HealthState.BAD_CREDENTIALS
    else:
        found = HealthState.DEGRADED if meaning.hint else HealthState.OK
    return Health(state=found, identity=identity, hint=meaning.hint, details={"state": state, **details})


def read_state(content: Any) -> str:
    """Give the state named in an answer. Raises `RetryLater` if there is none."""
    state = content.get("stateInstance") if isinstance(content, dict) else None
    if not isinstance(state, str) or not state:
        raise RetryLater(phrase("green_api.no_state", "GREEN-API's answer names no state"))
    return state


class StateWatch:
    """Knows the instance's state: asks at most once a minute (oftener while it starts), and hears of changes.

    One question is under way at a time; whoever needs the state meanwhile gets its answer. While the instance is deaf
    (it starts, nobody is logged in) the gateway tells of no message: what was written then is in the journal only.
    """

    def __init__(self, client: GreenClient, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._state = ""
        self._since: datetime | None = None
        self._told: datetime | None = None
        self._asking = asyncio.Lock()
        self._heard_last: datetime | None = None
        self._deaf_since: datetime | None = None
        self._missing_since: datetime | None = None
        self._returned = asyncio.Event()

    async def state(self) -> str:
        """Give the state, asking if what is known is older than a minute.

        Raises `Unauthorized`; and `RetryLater` if nobody could tell and nothing is known yet. Asking sends nothing, so
        what fails here was certainly not sent.
        """
        if self._is_fresh():
            return self._state
        async with self._asking:
            if self._is_fresh():
                return self._state
            try:
                return await self.ask()
            except (RetryLater, Unreachable) as error:
                if not self._state:
                    raise RetryLater(
                        phrase(
                            "green_api.state_unknown",
                            "The state of the instance is not known: {why}",
                            why=error,
                        )
                    ) from error
                self._since = self._clock()  # what was known holds for another minute
        return self._state

    async def ask(self) -> str:
        """Ask now, whatever is known. Raises by reaction."""
        asked, before = self._clock(), self._told
        state = read_state(await self._client.get("getStateInstance"))
        if self._told == before:  # else a notification has overtaken the answer
            self._state, self._since, self._told = state, self._clock(), asked - _SKEW
            self._note()
        return self._state

    def heard(self, state: str, at: datetime) -> None:
        """A notification told of a change at that moment of the gateway's clock; old ones are passed over."""
        if self._told is None or at >= self._told:
            self._state, self._since, self._told = state, self._clock(), at
            self._note()

    async def returned(self) -> datetime:
        """Wait until the instance is deaf no more; gives the last moment at which it is known to have heard before."""
        while (since := self._missing_since) is None:
            self._returned.clear()
            await self._returned.wait()
        self._missing_since = None
        return since

    def _note(self) -> None:
        if _WORK.get(self._state) in {Work.WAITS, Work.NEEDS_A_PERSON}:
            self._deaf_since = self._deaf_since or self._heard_last
            return
        if self._deaf_since is not None:
            self._missing_since = self._missing_since or self._deaf_since
            self._deaf_since = None
            self._returned.set()
        self._heard_last = self._clock()

    def doubt(self) -> None:
        """Something contradicts what is known: the next question is not spared."""
        self._since = None

    def _is_fresh(self) -> bool:
        lasts = _LOOK_SOON if _WORK.get(self._state) is Work.WAITS else LOOK_EVERY
        return self._since is not None and self._clock() - self._since < lasts
