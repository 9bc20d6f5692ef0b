"""Logins over HTTP: one at a time for a channel, kept by a task of ours, ended when nobody scans in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from channels.contract import Login, LoginState, LoginStep
from channels.errors import ChannelError
from optfm_bot.clock import Clock, unfinished

log = structlog.get_logger("optfm_bot.api")

LOGIN_SECONDS = 360.0
"""How long somebody may look for their phone."""

_CLOSE_SECONDS = 5.0
_LAST = frozenset({LoginState.DONE, LoginState.FAILED})


@dataclass(slots=True, kw_only=True)
class LoginSession:
    """One login. `said` is a key of the catalogue where the words are ours and not the channel's."""

    started_at: datetime
    ends_at: datetime
    state: LoginState = LoginState.WAITING
    running: bool = True
    said: str = "login.starting"
    message: str = ""
    qr_png: bytes | None = field(default=None, repr=False)

    def take(self, step: LoginStep) -> None:
        """Show what the channel says now."""
        self.state, self.said, self.message, self.qr_png = step.state, "", step.message, step.qr_png

    def fail(self, said: str, message: str = "") -> None:
        """It came to nothing."""
        self.state, self.said, self.message = LoginState.FAILED, said, message

    def end(self) -> None:
        """Nothing follows; a QR code that nobody can use any more is not shown."""
        self.running, self.qr_png = False, None


class LoginUnderWay(Exception):
    """A login of this channel has begun and not ended."""


class Logins:
    """Owns the logins of all channels. `done` hears the name of a channel whose account was logged in."""

    def __init__(
        self, clock: Clock, *, seconds: float = LOGIN_SECONDS, done: Callable[[str], None] = lambda _: None
    ) -> None:
        self._clock = clock
        self._seconds = seconds
        self._done = done
        self._sessions: dict[str, LoginSession] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, channel: Login) -> LoginSession:
        """Begin a login. What its session says may hold secrets until it is masked. Raises `LoginUnderWay`."""
        if name in self._tasks:
            raise LoginUnderWay
        now = self._clock.now()
        session = LoginSession(started_at=now, ends_at=now + timedelta(seconds=self._seconds))
        self._sessions[name] = session
        task = asyncio.create_task(self._follow(name, channel, session), name=f"login {name}")
        self._tasks[name] = task
        return session

    def session(self, name: str) -> LoginSession | None:
        """The login of a channel that is under way or was the last one."""
        return self._sessions.get(name)

    async def cancel(self, name: str) -> bool:
        """End a login and forget it; false if there is none."""
        task = self._tasks.get(name)
        if task is not None:
            task.cancel()
            await unfinished([task], self._clock, _CLOSE_SECONDS)
        return self._sessions.pop(name, None) is not None

    async def close(self) -> None:
        """End all of them."""
        for task in self._tasks.values():
            task.cancel()
        await unfinished(self._tasks.values(), self._clock, _CLOSE_SECONDS)

    async def _follow(self, name: str, channel: Login, session: LoginSession) -> None:
        try:
            async with self._clock.limit(self._seconds):
                await self._steps(channel.login(), session)
        except TimeoutError:
            session.fail("login.expired")
        except ChannelError as error:
            session.fail("login.failed", str(error))
        except Exception:  # a stranger's channel may raise anything; it is logged, and told as broken off
            log.exception("login.broken", channel=name)
            session.fail("login.failed")
        finally:
            session.end()
            self._tasks.pop(name, None)
        log.info("login.ended", channel=name, state=session.state.value)
        if session.state is LoginState.DONE:
            self._done(name)

    @staticmethod
    async def _steps(steps: AsyncIterator[LoginStep], session: LoginSession) -> None:
        async with AsyncExitStack() as stack:
            if (close := getattr(steps, "aclose", None)) is not None:
                stack.push_async_callback(close)
            async for step in steps:
                session.take(step)
                if step.state in _LAST:
                    return
        session.fail("login.failed")
