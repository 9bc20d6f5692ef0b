"""Bots, platforms and loads to break: one process on SQLite, or several on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.processes import Bot, Fake, GreenPlatform, MaxPlatform, Platform
from tests.faults.codes import SLOW, TOLD, CodeLoad, write_codes
from tests.faults.database import own_database
from tests.faults.fleet import SharedLoad, fleet_on
from tests.faults.load import LATENCY, Load


@pytest.fixture
def make_load(tmp_path: Path) -> Iterator[Callable[..., Load]]:
    """Make a bot, a platform and a load: `make_load(seed, mode="webhook")`; nothing is started yet."""
    with ExitStack() as stack:

        def make(seed: int, *, database: Path | None = None, **settings: Any) -> Load:
            platform = stack.enter_context(Platform("--latency", str(LATENCY), "--seed", str(seed)))
            if database is not None:
                settings["database"] = {"url": f"sqlite+aiosqlite:///{database}"}
            bot = Bot(tmp_path / "bot", platform, log={"level": "warning", "format": "json"}, **settings)
            if database is not None:
                bot.database = database
            return Load(platform, stack.enter_context(bot), seed)

        yield make


@pytest.fixture
def make_codes(tmp_path: Path) -> Iterator[Callable[..., CodeLoad]]:
    """Make a bot, a platform and a load: `make_codes("max", seed)`, `make_codes("green", seed, network="max")`."""
    with ExitStack() as stack:

        def make(
            kind: str,
            seed: int,
            *,
            network: str = "max",
            instance: dict[str, str] | None = None,
            **settings: Any,
        ) -> CodeLoad:
            arguments = ("--latency", str(SLOW), "--seed", str(seed))
            platform: Fake
            if kind == "max":
                platform = stack.enter_context(MaxPlatform(*arguments))
            else:
                platform = stack.enter_context(
                    GreenPlatform(network, *arguments, **(TOLD if instance is None else instance))
                )
            folder = tmp_path / "bot"
            folder.mkdir()
            write_codes(folder / "knowledge.yaml")
            bot = stack.enter_context(
                Bot(folder, platform, log={"level": "warning", "format": "json"}, **settings)
            )
            return CodeLoad(platform, bot, seed, 79_000_000_000 if network == "whatsapp" else 20_000_000)

        yield make


@pytest.fixture
def make_fleet(tmp_path: Path, postgresql_address: str) -> Iterator[Callable[..., SharedLoad]]:
    """Make processes, a platform and a load: `make_fleet(seed, ["all", "all"], "polling")`; nothing is started yet."""
    with ExitStack() as stack:

        def make(seed: int, roles: list[str], mode: str, **settings: Any) -> SharedLoad:
            database = stack.enter_context(own_database(postgresql_address))
            return fleet_on(stack, database, tmp_path, seed, roles, mode, **settings)

        yield make
