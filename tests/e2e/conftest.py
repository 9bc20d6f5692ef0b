"""Bots and platforms for the tests with real processes: one pair for all talks of a module, or pairs of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.processes import Bot, Person, Platform

MODES = ("polling", "webhook")


@pytest.fixture(scope="module", params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """How updates reach the bot; a test that asks for it runs both ways."""
    return str(request.param)


@pytest.fixture(scope="module")
def platform(mode: str) -> Iterator[Platform]:
    """The fake that all tests of a module share, each with people of its own."""
    with Platform() as started:
        yield started


@pytest.fixture(scope="module")
def bot(platform: Platform, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """The bot that all tests of a module share."""
    with Bot(tmp_path_factory.mktemp(mode), platform, mode=mode) as started:
        yield started.start()


@pytest.fixture
def person(bot: Bot, platform: Platform) -> Person:
    """Somebody new who talks to the shared bot."""
    return platform.person()


@pytest.fixture
def lone_platform() -> Iterator[Platform]:
    """A fake for one test alone."""
    with Platform() as started:
        yield started


@pytest.fixture
def make_bot(lone_platform: Platform, tmp_path: Path) -> Iterator[Callable[..., Bot]]:
    """Make bots of one's own, not started yet: `make_bot(mode="webhook", conversation={…})`."""
    with ExitStack() as stack:

        def make(name: str = "bot", **settings: object) -> Bot:
            return stack.enter_context(Bot(tmp_path / name, lone_platform, **settings))  # type: ignore[arg-type]

        yield make
