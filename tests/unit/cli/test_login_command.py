"""channels login: the code is drawn when it changes, the state followed to its end, nothing left behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import Result

from channels import qr
from channels.console.spec import SPEC, ConsoleSettings
from channels.contract import Channel, ChannelContext, ChannelSpec, Login, LoginState, LoginStep
from channels.errors import Unauthorized, Unreachable
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.cli import login, operate

Cli = Callable[..., Result]


class Bare(Channel):
    """A channel without a login."""

    spec: ClassVar[ChannelSpec] = SPEC

    def __init__(self, name: str) -> None:
        super().__init__(ConsoleSettings(), ChannelContext(instance=name, clock=lambda: datetime.now(UTC)))
        self.events: list[str] = []

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        raise NotImplementedError

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    async def close(self) -> None:
        self.events.append("closed")


class Phone(Bare, Login):
    """A channel whose login goes as the test says; after that it waits for ever."""

    def __init__(self) -> None:
        super().__init__("phone")
        self.steps: list[LoginStep | BaseException] = []
        self.hangs = False
        self.logins: list[AsyncIterator[LoginStep]] = []

    def login(self) -> AsyncIterator[LoginStep]:
        self.logins.append(self._login())  # kept, so that only whoever closes it ends it
        return self.logins[-1]

    async def _login(self) -> AsyncIterator[LoginStep]:
        try:
            for step in self.steps:
                if isinstance(step, BaseException):
                    raise step
                yield step
            if self.hangs:
                await asyncio.Event().wait()
        finally:
            self.events.append("left")


def step(state: LoginState, message: str = "", code: bytes | None = None) -> LoginStep:
    return LoginStep(state=state, message=message, qr_png=code)


SCAN = step(LoginState.SCAN, "Отсканируйте", b"one")
DONE = step(LoginState.DONE, "Готово")


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    made = Phone()
    plans = [ChannelPlan(channel=made), ChannelPlan(channel=Bare("bare"))]
    monkeypatch.setattr(operate, "plan_channels", lambda *_, **__: plans)
    monkeypatch.setattr(qr, "draw", lambda png, **_: f"<{png.decode()}>")
    return made


def test_a_code_is_drawn_once_and_followed_until_somebody_is_in(cli: Cli, phone: Phone) -> None:
    phone.steps = [step(LoginState.WAITING, "Ждём"), SCAN, SCAN, step(LoginState.SCAN, "", b"two"), DONE]
    result = cli("channels", "login", "phone")

    assert (0, "Ждём\nОтсканируйте\n<one>\n<two>\n✓ Готово\n") == (result.exit_code, result.output)
    assert ["left", "closed"] == phone.events


@pytest.mark.parametrize(
    ("last", "code", "words"),
    [
        (step(LoginState.FAILED, "Пароль"), 1, "✗ Пароль"),
        (None, 1, "прервался"),
        (Unauthorized("wrong key"), 5, "wrong key"),
        (Unreachable("dark", maybe_sent=False), 4, "dark"),
    ],
)
def test_every_end_has_its_exit_code(cli: Cli, phone: Phone, last: Any, code: int, words: str) -> None:
    phone.steps = [SCAN, *([last] if last is not None else [])]
    result = cli("channels", "login", "phone")

    assert code == result.exit_code
    assert words in result.output
    assert ["left", "closed"] == phone.events


def test_nobody_is_waited_for_without_end(cli: Cli, phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login, "LOGIN_SECONDS", 0.02)
    phone.steps, phone.hangs = [SCAN], True
    result = cli("channels", "login", "phone")

    assert 1 == result.exit_code
    assert "вовремя" in result.output
    assert ["left", "closed"] == phone.events


def test_an_interrupt_leaves_nothing_behind(cli: Cli, phone: Phone) -> None:
    phone.steps = [SCAN, KeyboardInterrupt()]
    result = cli("channels", "login", "phone")

    assert 130 == result.exit_code
    assert ["left", "closed"] == phone.events


def test_a_code_can_be_saved_for_its_owner_alone(cli: Cli, phone: Phone, tmp_path: Path) -> None:
    phone.steps = [SCAN, step(LoginState.SCAN, "", b"two"), DONE]
    result = cli("channels", "login", "phone", "--png", "qr.png")

    assert 0 == result.exit_code
    assert b"two" == (tmp_path / "qr.png").read_bytes()
    assert 0o600 == (tmp_path / "qr.png").stat().st_mode & 0o777


def test_a_picture_that_cannot_be_saved_or_drawn_does_not_end_the_login(
    cli: Cli, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise ValueError("no code")

    monkeypatch.setattr(qr, "draw", refuse)
    phone.steps = [SCAN, DONE]
    result = cli("channels", "login", "phone", "--png", "nowhere/qr.png")

    assert 0 == result.exit_code
    assert "не сохранить" in result.output
    assert "не нарисовать (no code)" in result.output


@pytest.mark.parametrize("name", ["bare", "nowhere"])
def test_a_channel_without_a_login_says_so(cli: Cli, phone: Phone, name: str) -> None:
    result = cli("channels", "login", name)

    assert 2 == result.exit_code
    assert name in result.output
    assert [] == phone.events
