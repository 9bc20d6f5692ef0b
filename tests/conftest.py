"""What every test may use, and what is said of services that a machine does not have."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
import structlog

from channels import values

values.FROZEN = True  # a test that writes into a value fails, as it would under `python -X dev`

REQUIRED = frozenset(os.environ.get("OPTFM_TEST_REQUIRE", "").split())
"""Services without which the run fails instead of leaving tests out; CI names them all."""

# Whether a test passes must not depend on how busy a machine is, nor in CI on luck: a change is judged there by the
# examples that it was judged by before. Whoever runs the tests at home looks for new ones.
hypothesis.settings.register_profile("ours", deadline=None, derandomize=bool(REQUIRED))
hypothesis.settings.load_profile("ours")

POSTGRESQL = os.environ.get("OPTFM_TEST_POSTGRESQL", "postgresql+asyncpg://127.0.0.1:5432/test")


def missing(service: str, why: str) -> None:
    """Leave the test out, saying why, or fail it where the service is required."""
    if service in REQUIRED:
        pytest.fail(f"{service} is required here: {why}")
    pytest.skip(f"left out, no {service}: {why}")


@pytest.fixture(scope="session")
def postgresql_address() -> str:
    """The address of a PostgreSQL database that tests may use to make databases of their own."""
    address = urlsplit(POSTGRESQL)
    try:
        socket.create_connection((address.hostname or "127.0.0.1", address.port or 5432), timeout=3).close()
    except OSError as error:
        missing("postgresql", str(error))
    return POSTGRESQL


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium of the system."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        missing("chromium", "no chromium in PATH")
    return str(path)


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> Iterator[None]:
    """The log of a test is words: drawing boxes around every traceback takes seconds each.

    No logger keeps the output of the test that used it first.
    """
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    configure = structlog.configure

    def uncached(*args: Any, **options: Any) -> None:
        configure(*args, **{**options, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", uncached)
        structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
        yield


@pytest.fixture(autouse=True)
def log_as_it_was(plain_log: None) -> Iterator[None]:
    """What a test does to the log ends with it."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the machine it runs on."""
    for name in list(os.environ):
        if name.startswith(("OPTFM__", "FREESCOUT_")) or name in {
            "TELEGRAM_BOT_TOKEN",
            "MAX_BOT_TOKEN",
            "DATABASE_URL",
        }:
            monkeypatch.delenv(name)
