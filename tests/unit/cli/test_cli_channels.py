"""channels: what is configured is shown without secrets, and each channel is asked within its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import Result

from channels.console.spec import SPEC, ConsoleSettings
from channels.contract import Channel, ChannelContext, ChannelSpec, Health, HealthState
from channels.errors import Conflict, RetryLater, Unauthorized, Unreachable
from channels.model import Inbound, RawUpdate, Receipt, Rendered
from channels.registry import ChannelRegistry, SpecSource
from optfm_bot.cli.exits import Exit
from optfm_bot.cli.probing import probe_all, worst

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"

Cli = Callable[..., Result]


class Asked(Channel):
    """A channel whose probe does what the test says, and that remembers what was called."""

    spec: ClassVar[ChannelSpec] = SPEC

    def __init__(self, answer: Any, instance: str = "x") -> None:
        super().__init__(
            ConsoleSettings(), ChannelContext(instance=instance, clock=lambda: datetime.now(UTC))
        )
        self.answer = answer
        self.calls: list[str] = []
        self.asked = asyncio.Event()

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        raise NotImplementedError

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")

    async def probe(self) -> Health:
        self.calls.append("probe")
        self.asked.set()
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert isinstance(self.answer, Health)
        return self.answer


GOOD = Health(state=HealthState.OK, identity="@bot")


@pytest.mark.parametrize(
    ("answer", "state", "code"),
    [
        (GOOD, HealthState.OK, Exit.OK),
        (Health(state=HealthState.DEGRADED, hint="a webhook is set"), HealthState.DEGRADED, Exit.OK),
        (Unauthorized("wrong"), HealthState.BAD_CREDENTIALS, Exit.REJECTED),
        (Unreachable("dark", maybe_sent=False), HealthState.DOWN, Exit.UNREACHABLE),
        (RetryLater("slow"), HealthState.DEGRADED, Exit.OK),
        (Conflict("two"), HealthState.DEGRADED, Exit.OK),
        (KeyError("a stranger's bug"), HealthState.DOWN, Exit.UNREACHABLE),
        (None, HealthState.DOWN, Exit.UNREACHABLE),
    ],
)
async def test_every_end_of_a_probe_has_its_state_and_code(
    answer: Any, state: HealthState, code: Exit
) -> None:
    probes = await probe_all([Asked(answer)], seconds=0.02 if answer is None else 5)

    assert state is probes[0].health.state
    assert code is worst(probes)


async def test_refused_credentials_weigh_more_than_silence() -> None:
    channels = [Asked(GOOD), Asked(Unreachable("dark", maybe_sent=False)), Asked(Unauthorized("wrong"))]

    assert Exit.REJECTED is worst(await probe_all(channels))


async def test_asking_changes_nothing_on_the_platform_and_leaves_nothing_open() -> None:
    channels = [Asked(GOOD), Asked(KeyError())]

    await probe_all(channels)

    assert [["probe", "close"], ["probe", "close"]] == [channel.calls for channel in channels]


async def test_an_interrupted_test_still_closes_the_channels() -> None:
    channel = Asked(None)
    task = asyncio.create_task(probe_all([channel]))
    await channel.asked.wait()

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert ["probe", "close"] == channel.calls


def with_telegram(project: Path, **settings: Any) -> None:
    config = {"faq": {"path": "knowledge/"}, "channels": {"telegram": {"token": TOKEN, **settings}}}
    (project / "config.yaml").write_text(json.dumps(config), "utf-8")


def test_configured_channels_are_listed_without_their_secrets(cli: Cli, project: Path) -> None:
    with_telegram(project, poll_timeout=5, proxy="http://user:canary@proxy:1")

    result = cli("channels", "list")

    assert 0 == result.exit_code
    assert "polling" in result.output
    assert "poll_timeout=5.0" in result.output
    assert TOKEN not in result.output
    assert "canary" not in result.output


def test_the_list_is_given_to_programs(cli: Cli, project: Path) -> None:
    rows = json.loads(cli("channels", "list", "--json").stdout)

    assert [("web", "webchat")] == [(row["channel"], row["type"]) for row in rows]


def test_installed_types_are_listed(cli: Cli) -> None:
    report = json.loads(cli("channels", "list", "--available", "--json").stdout)

    assert {"console", "telegram", "webchat"} <= {row["type"] for row in report["types"]}


def test_a_broken_package_of_others_is_named_beside_the_rest(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [
        SpecSource("console", "channels.console.spec:SPEC", "optfm-bot"),
        SpecSource("vk", "no_such_module:SPEC", "optfm-vk"),
    ]
    monkeypatch.setattr(ChannelRegistry, "installed", lambda: ChannelRegistry(sources))

    result = cli("channels", "list", "--available")

    assert 0 == result.exit_code
    assert "console" in result.output
    assert "✗ vk: Каналом типа 'vk' из пакета optfm-vk пользоваться нельзя" in result.output


def test_the_page_of_our_own_needs_no_network(cli: Cli, project: Path) -> None:
    result = cli("channels", "test")

    assert (0, True) == (result.exit_code, "работает" in result.output)


def test_an_unknown_name_is_a_usage_error(cli: Cli, project: Path) -> None:
    result = cli("channels", "test", "nosuch")

    assert 2 == result.exit_code
    assert "Есть: web" in result.output


def test_settings_that_do_not_hold_end_with_the_code_for_them(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("channels: {telegram: {token: canary}}\n", "utf-8")

    result = cli("channels", "test")

    assert 3 == result.exit_code
    assert "config.yaml:1: channels.telegram.token" in result.output
    assert "canary" not in result.output
