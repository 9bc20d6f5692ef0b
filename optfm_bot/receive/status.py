"""The state of a channel as people see it: what, since when, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from channels.contract import Health, HealthState
from channels.errors import ChannelError, Conflict, RetryLater, Unauthorized


class ChannelState(StrEnum):
    """Named states of a connection."""

    STARTING = "starting"
    CONNECTED = "connected"
    DEGRADED = "degraded"
    WAITING = "waiting"
    CONFLICT = "conflict"
    BAD_CREDENTIALS = "bad_credentials"
    FAILED = "failed"
    STANDBY = "standby"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state at one moment. `failures` counts the failures in a row that led here."""

    state: ChannelState
    since: datetime
    why: str = ""
    failures: int = 0

    @property
    def healthy(self) -> bool:
        """Whether the channel works as it should, or is about to."""
        return self.state in {ChannelState.STARTING, ChannelState.CONNECTED, ChannelState.STANDBY}

    @property
    def works(self) -> bool:
        """Whether messages come in and go out, be it with a reservation."""
        return self.state in {ChannelState.CONNECTED, ChannelState.DEGRADED, ChannelState.STANDBY}


class ChannelStatus:
    """Keeps the state of one channel and tells `changed` when it becomes another."""

    def __init__(
        self, clock: Callable[[], datetime], changed: Callable[[Snapshot, Snapshot], None] | None = None
    ) -> None:
        self._clock = clock
        self._changed = changed
        self.now = Snapshot(state=ChannelState.STARTING, since=clock())
        self._reservation = ""

    def connected(self) -> None:
        """The platform answered."""
        if not self.now.works:
            self._working()

    def standing_by(self) -> None:
        """The platform answered, and another process receives."""
        self._set(ChannelState.STANDBY, "", 0)

    def received(self) -> None:
        """It is this process that receives from now on."""
        if self.now.state is ChannelState.STANDBY:
            self._working()

    def looked(self, health: Health) -> None:
        """A probe told how the account is while messages come in and go out."""
        self._reservation = "" if health.state is HealthState.OK else health.hint or health.state.value
        if self.now.works and self._reservation != self.now.why:
            self._working()

    def _working(self) -> None:
        state = ChannelState.DEGRADED if self._reservation else ChannelState.CONNECTED
        self._set(state, self._reservation, 0)

    def failed(self, error: ChannelError) -> None:
        """Receiving failed: the platform did not answer, or not as it should."""
        self._set(_state_after(error), str(error), self.now.failures + 1)

    def doubted(self, error: ChannelError) -> None:
        """Sending failed. It is the same trouble told once more: the next try to receive is not put off by it."""
        self._set(_state_after(error), str(error), max(1, self.now.failures))

    def broken(self, error: Exception) -> None:
        """Our own code failed; the loop goes on, and an operator has to look."""
        self._set(ChannelState.FAILED, f"{type(error).__name__}: {error}", self.now.failures + 1)

    def stopped(self) -> None:
        """The channel was closed on purpose."""
        self._set(ChannelState.STOPPED, "", 0)

    def _set(self, state: ChannelState, why: str, failures: int) -> None:
        before = self.now
        since = before.since if before.state is state else self._clock()
        self.now = Snapshot(state=state, since=since, why=why, failures=failures)
        if before.state is not state and self._changed is not None:
            self._changed(before, self.now)


def _state_after(error: ChannelError) -> ChannelState:
    match error:
        case Unauthorized():
            return ChannelState.BAD_CREDENTIALS
        case Conflict():
            return ChannelState.CONFLICT
        case _:
            return ChannelState.WAITING


_SHORTEST_PAUSE = 0.5
"""Even a platform that says "at once" after a refusal is given a breath."""


def pause(error: ChannelError, failures: int, spread: float) -> float:
    """Seconds to wait before asking a platform again, after that many failures in a row; `spread` is about 1."""
    match error:
        case RetryLater(after=after) if after is not None:
            return max(after.total_seconds(), _SHORTEST_PAUSE)
        case Unauthorized():
            first, longest = 15.0, 300.0
        case Conflict():
            first, longest = 3.0, 60.0
        case _:
            first, longest = 0.5, 30.0
    return min(longest, first * float(2 ** min(failures - 1, 12))) * spread
