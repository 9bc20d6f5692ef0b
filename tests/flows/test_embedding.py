"""The bot as a guest in somebody's program: it works as long as a block lasts, and leaves the process as it was."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web

from config.load import load_config
from config.problem import ConfigError
from faq import Candidate, Evidence, FaqEntry, KnowledgeError, Matcher, Query, Scope, Via
from faq.contract import EVERYTHING
from optfm_bot.app import App
from optfm_bot.embedding import Bot, serving
from optfm_bot.errors import StartRefused
from optfm_bot.observe.redact import Redactor

PATIENCE = 20
ROOT = Path(__file__).resolve().parents[2]


def house(folder: Path, answer: str, more: str = "") -> Path:
    """The files of a bot with one answer."""
    folder.mkdir()
    (folder / "faq.yaml").write_text(
        f"entries: [{{id: price, question: Сколько стоит доставка?, answer: {answer}}}]", "utf-8"
    )
    (folder / "config.yaml").write_text(
        f"server: {{port: 0}}\nfaq: {{path: faq.yaml}}\nchannels: {{web: {{type: webchat}}}}\n{more}", "utf-8"
    )
    return folder


def files(folder: Path, pattern: str) -> set[str]:
    """Paths inside a folder, at any depth."""
    return {str(path.relative_to(folder)) for path in folder.rglob(pattern)}


async def asked(bot: Bot, text: str = "Сколько стоит доставка?") -> str:
    """What the bot answers to a visitor of its page."""
    page, visitor = bot.addresses[0].url, secrets.token_hex(16)
    async with (
        asyncio.timeout(PATIENCE),
        aiohttp.ClientSession() as session,
        session.get(f"{page}events", params={"session": visitor}) as events,
    ):
        said = {"session": visitor, "id": "1", "text": text}
        async with session.post(f"{page}messages", json=said) as answer:
            assert answer.status == 200
        async for line in events.content:
            if line.startswith(b"data:"):
                event = json.loads(line[5:])
                if event["type"] == "message" and event["author"] == "bot":
                    return str(event["html"])
    raise AssertionError("the stream has ended")


async def counted(bot: Bot, name: str) -> float:
    """One number of its metrics page, all labels together."""
    async with aiohttp.ClientSession() as session, session.get(f"{bot.addresses[-1].url}metrics") as page:
        lines = (await page.text()).splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


def process() -> tuple[Any, ...]:
    """What belongs to the program and not to its guests."""
    root = logging.getLogger()
    named = {
        name: (one.level, tuple(one.handlers))
        for name, one in logging.root.manager.loggerDict.items()
        if isinstance(one, logging.Logger) and (one.handlers or one.level)
    }
    signals = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    collector = gc.get_threshold(), gc.get_freeze_count()
    return root.level, tuple(root.handlers), named, signals, collector, threading.excepthook


@pytest.fixture(autouse=True)
def structlog_as_it_was() -> Iterator[None]:
    """What a guest has set up where nobody had is taken away for the tests of others."""
    configured, before = structlog.is_configured(), structlog.get_config()
    yield
    structlog.reset_defaults()
    if configured:
        structlog.configure(**before)


@pytest.fixture
def unconfigured(structlog_as_it_was: None) -> None:
    """A program that has never heard of structlog."""
    structlog.reset_defaults()


async def test_two_bots_of_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = house(tmp_path / "one", "За 300 ₽"), house(tmp_path / "two", "За 700 ₽")
    (two / "config.yaml").write_text(
        (two / "config.yaml").read_text("utf-8") + "texts: {ru: {answer.feedback_up: Годится}}\n", "utf-8"
    )
    before = process()

    async with serving(folder=one, env={}) as first:
        async with serving(folder=two, env={}) as second:
            assert "300" in await asked(first)
            assert "700" in await asked(second)
            assert "300" in await asked(first, "сколько стоит доставка")
            assert await counted(first, "optfm_updates_received_total") == 2
            assert await counted(second, "optfm_updates_received_total") == 1
            assert process() == before
        assert "300" in await asked(first, "доставка сколько стоит")
    assert files(tmp_path, "*.db") == {"one/optfm.db", "two/optfm.db"}
    assert process() == before


async def test_two_bots_on_one_database_are_refused(tmp_path: Path) -> None:
    folder = house(tmp_path / "one", "За 300 ₽")

    async with serving(folder=folder, env={}) as bot:
        with pytest.raises(StartRefused):
            async with serving(folder=folder, env={}):
                pytest.fail("it has begun")
        assert "300" in await asked(bot)


async def test_what_is_wrong_is_told_before_anything_is_started(tmp_path: Path) -> None:
    folder = house(tmp_path / "one", "За 300 ₽", more="sever: {}\n")
    with pytest.raises(ConfigError, match="sever"):
        await serving(folder=folder, env={}).__aenter__()

    broken = house(tmp_path / "two", "[")
    with pytest.raises(KnowledgeError):
        await serving(folder=broken, env={}).__aenter__()
    assert files(tmp_path, "*.db*") == set()


async def test_a_block_that_fails_or_is_cancelled_stops_the_bot(tmp_path: Path) -> None:
    folder = house(tmp_path / "one", "За 300 ₽")
    with pytest.raises(ZeroDivisionError):
        async with serving(folder=folder, env={}):
            raise ZeroDivisionError

    begun = asyncio.Event()

    async def program() -> None:
        async with serving(folder=folder, env={}):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(program())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    async with serving(folder=folder, env={}) as bot:  # nobody holds the database any more
        assert "300" in await asked(bot)
    assert [one.get_name() for one in asyncio.all_tasks() if one is not asyncio.current_task()] == []


async def test_what_is_given_by_the_program_wins(tmp_path: Path) -> None:
    folder = house(tmp_path / "one", "За 300 ₽")
    (folder / "other.yaml").write_text((folder / "config.yaml").read_text("utf-8"), "utf-8")
    database = tmp_path / "elsewhere.db"

    async with serving(
        "other.yaml", folder=folder, env={}, overrides={"database.url": f"sqlite:///{database}"}
    ):
        assert files(tmp_path, "*.db") == {"elsewhere.db"}
    assert files(tmp_path, "*.db") == {"elsewhere.db"}


# -- the page --------------------------------------------------------------------------------------------------------


async def test_the_aiohttp_application_of_the_guide_serves_beside_the_bot(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "run-inside-your-program.md").read_text("utf-8")
    code = page.split("## In an aiohttp application")[1].split("```python")[1].split("```")[0]
    names: dict[str, Any] = {"__name__": "example"}
    exec(code.replace("8081", "0"), names)  # noqa: S102 - our own page

    runner = web.AppRunner(names["application"](str(house(tmp_path / "bot", "За 300 ₽"))))
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0]
        async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/") as answer:
            assert await answer.text() == "Our shop"
        assert files(tmp_path, "*.db") == {"bot/optfm.db"}
    finally:
        await runner.cleanup()
    assert [one.get_name() for one in asyncio.all_tasks() if one is not asyncio.current_task()] == []


# -- the log ---------------------------------------------------------------------------------------------------------


async def test_events_go_to_loggers_of_the_standard_library(
    tmp_path: Path,
    unconfigured: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = house(tmp_path / "one", "За 300 ₽")
    caplog.set_level(logging.INFO)

    async with serving(folder=folder, env={}) as bot:
        await asked(bot)

    ours = {one.getMessage().split()[0]: one for one in caplog.records if one.name == "optfm_bot"}
    assert list(ours) == ["started", "channel.state", "stopping", "stopped"]
    assert "version=" in ours["started"].getMessage()
    assert ours["started"].__dict__["fields"]["version"]
    assert capfd.readouterr() == ("", "")


async def test_loggers_of_others_stay_as_they_are(
    tmp_path: Path, unconfigured: None, capfd: pytest.CaptureFixture[str]
) -> None:
    async with serving(folder=house(tmp_path / "one", "За 300 ₽"), env={}):
        structlog.get_logger("shop").info("order.paid", number=7)
        structlog.get_logger().info("order.sent")

    out = capfd.readouterr().out
    assert "order.paid" in out
    assert "order.sent" in out
    assert "started" not in out


async def test_a_program_that_uses_structlog_gets_the_events_there(
    tmp_path: Path, unconfigured: None
) -> None:
    with structlog.testing.capture_logs() as events:
        async with serving(folder=house(tmp_path / "one", "За 300 ₽"), env={}):
            pass

    assert {"started", "stopped"} <= {event["event"] for event in events}


async def test_secrets_are_masked_and_the_program_may_know_them(
    tmp_path: Path, unconfigured: None, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "canary-secret-of-nobody"
    server = {"host": "127.0.0.1", "port": 9, "username": "a", "password": canary}
    mail = {"address": "a@example.ru", "to": "b@example.ru", "smtp": server, "imap": server}
    folder = house(tmp_path / "one", "За 300 ₽", more=f"helpdesk: {json.dumps({'mail': mail})}\n")
    redactor = Redactor()

    async with serving(folder=folder, env={}, redactor=redactor):
        error = ValueError(f"refused {canary}")
        structlog.get_logger("optfm_bot.web").error("web.broken", why=canary, text="слова", exc_info=error)

    (record,) = [one for one in caplog.records if one.getMessage().startswith("web.broken")]
    shown = logging.Formatter().format(record)
    assert canary not in shown
    assert "слова" not in shown
    assert "ValueError: refused ***" in shown
    assert redactor.text(canary) == "***"


# -- a matcher of one's own ------------------------------------------------------------------------------------------


class First:
    """Finds the first entry in every message."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        self._entries = entries

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        return [
            Candidate(
                entry_id=entry.id,
                score=1.0,
                evidence=Evidence(phrase=entry.question, via=Via.QUESTION, exact=True),
            )
            for entry in self._entries[:limit]
        ][:1]


def first(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> Matcher:
    del synonyms
    return First(entries)


async def test_a_matcher_of_the_program_answers(tmp_path: Path) -> None:
    async with serving(folder=house(tmp_path / "one", "За 300 ₽"), env={}, matcher=first) as bot:
        assert "300" in await asked(bot, "какого цвета луна")


def test_a_tuning_does_not_fit_a_matcher_of_the_program(tmp_path: Path) -> None:
    folder = house(tmp_path / "one", "За 300 ₽")
    (folder / "config.yaml").write_text(
        "faq: {path: faq.yaml, tuning: tuned.json}\nchannels: {console: {}}\n"
    )

    with structlog.testing.capture_logs() as events:
        app = App(load_config(None, env={}, cwd=folder), cwd=folder, matcher=first)

    assert app.knowledge.manager.decide("что угодно").entry_id == "price"
    assert [event["event"] for event in events] == ["knowledge.tuning_refused"]
