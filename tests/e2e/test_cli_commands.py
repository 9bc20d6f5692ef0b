"""The commands as people run them: real processes, their output and their exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from channels.testing.telegram_server.server import TelegramServer

pytestmark = pytest.mark.e2e

LIMIT = 60
TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    root = str(Path(__file__).parents[2])
    return {
        **kept,
        "PYTHONPATH": root,
        "LANG": "ru_RU.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "error",
        **more,
    }


async def run(folder: Path, *arguments: str, typed: str = "", **env: str) -> Ended:
    """Run `python -m optfm_bot` to its end; whatever happens, the process is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "optfm_bot", *arguments,
        cwd=folder, env=environment(**env), stdin=PIPE, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(LIMIT):
            out, err = await process.communicate(typed.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def telegram(folder: Path, token: str | None = None) -> AsyncIterator[TelegramServer]:
    """A fake Telegram, and a configuration in `folder` that points to it."""
    async with TelegramServer() as server:
        config = {"channels": {"telegram": {"token": "${TELEGRAM_BOT_TOKEN}", "api_base": server.base_url}}}
        (folder / "config.yaml").write_text(json.dumps(config), "utf-8")
        (folder / ".env").write_text(f"TELEGRAM_BOT_TOKEN={token or server.token}\n", "utf-8")
        (folder / ".env").chmod(0o600)
        yield server


async def test_a_new_bot_answers_within_two_commands(tmp_path: Path) -> None:
    made = await run(tmp_path, "init", "shop", "--yes", "--name", "Лавка")
    checked = await run(tmp_path / "shop", "config", "check")
    talked = await run(tmp_path / "shop", "chat", typed="сколько стоит доставка\n")

    assert (0, 0, 0) == (made.code, checked.code, talked.code), (made.err, checked.err, talked.err)
    assert talked.out.startswith("› Доставка по городу — 300 ₽")
    assert "" == talked.err


async def test_every_piped_line_is_answered_in_order(tmp_path: Path) -> None:
    """Fifty quick questions: no joining, no flood guard, no pacing, exit 0 at the end of input."""
    await run(tmp_path, "init", "--yes")

    ended = await run(tmp_path, "chat", typed="сколько дней идёт доставка\nкак можно оплатить\n" * 25)

    assert 0 == ended.code
    answers = [line for line in ended.out.splitlines() if line.startswith("› ")]
    assert ["› По городу — на следующий день, по России — 2–7 дней.", "› • картой на сайте;"] * 25 == answers


async def test_without_a_file_the_demo_answers_and_explains(tmp_path: Path) -> None:
    ended = await run(tmp_path, "chat", "--explain", "--lang", "en", typed="сколько стоит доставка\n")

    assert 0 == ended.code
    assert "  | Thresholds:" in ended.out
    assert ended.out.index("  | ") < ended.out.index("› ")


async def test_an_interrupted_talk_ends_with_130(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "optfm_bot", "chat", cwd=tmp_path, env=environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )  # fmt: skip
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("привет\n".encode())
        async with asyncio.timeout(LIMIT):
            assert "Здравствуйте" in (await process.stdout.readline()).decode()
            process.send_signal(signal.SIGINT)
            _, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert (130, b"") == (process.returncode, err)


async def test_a_good_token_is_told_with_the_name_of_the_bot(tmp_path: Path) -> None:
    async with telegram(tmp_path):
        ended = await run(tmp_path, "channels", "test")

    assert 0 == ended.code, ended
    assert "@optfm_test_bot" in ended.out


async def test_a_wrong_token_ends_with_5_and_a_sentence(tmp_path: Path) -> None:
    async with telegram(tmp_path, TOKEN):
        tested = await run(tmp_path, "channels", "test")
        examined = await run(tmp_path, "doctor")

    assert 5 == tested.code, tested
    assert "✗ telegram: доступ отклонён" in tested.out
    assert "@BotFather" in tested.out
    assert 1 == examined.code
    for text in (tested.out, tested.err, examined.out, examined.err):
        assert TOKEN.partition(":")[2] not in text


async def test_a_silent_platform_ends_with_4(tmp_path: Path) -> None:
    async with telegram(tmp_path):
        pass  # it is gone now

    ended = await run(tmp_path, "channels", "test", "--lang", "en")

    assert 4 == ended.code, ended
    assert "✗ telegram: does not answer" in ended.out


async def test_testing_leaves_the_webhook_of_another_machine_alone(tmp_path: Path) -> None:
    """The bot is configured for polling here, but elsewhere it lives by its webhook."""
    async with telegram(tmp_path) as server, aiohttp.ClientSession() as client:
        bot = f"{server.base_url}/bot{server.token}"
        async with client.post(
            f"{bot}/setWebhook", json={"url": "https://bot.example.ru/telegram/webhook"}
        ) as answer:
            assert (await answer.json())["ok"]
        tested = await run(tmp_path, "channels", "test")
        examined = await run(tmp_path, "doctor")
        async with client.post(f"{bot}/getWebhookInfo") as answer:
            info = (await answer.json())["result"]

    assert "https://bot.example.ru/telegram/webhook" == info["url"]
    assert (0, 0) == (tested.code, examined.code)
    assert "! telegram: работает с оговоркой" in tested.out


async def test_doctor_and_database_work_in_a_fresh_folder(tmp_path: Path) -> None:
    before = await run(tmp_path, "doctor", "--offline")
    upgraded = await run(tmp_path, "db", "upgrade")
    checked = await run(tmp_path, "db", "check")
    after = await run(tmp_path, "doctor", "--json")

    assert (0, 0, 0, 0) == (before.code, upgraded.code, checked.code, after.code), (
        before,
        upgraded,
        checked,
        after,
    )
    assert json.loads(after.out)["ok"]


async def test_mistakes_are_listed_with_their_codes(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("server: {prt: 1}\n", "utf-8")
    (tmp_path / "kb.yaml").write_text("entries: 1\n", "utf-8")

    config, knowledge, chat, usage = await asyncio.gather(
        run(tmp_path, "config", "check"),
        run(tmp_path, "faq", "lint", "kb.yaml"),
        run(tmp_path, "chat"),
        run(tmp_path, "faq", "lint", "--nonsense"),
    )

    assert (3, 1, 3, 2) == (config.code, knowledge.code, chat.code, usage.code)
    assert "config.yaml:1: server.prt" in config.out
    assert "kb.yaml:1" in knowledge.out
    assert "config.yaml:1: server.prt" in chat.err
    for ended in (config, knowledge, chat, usage):
        assert "Traceback" not in ended.err


async def test_a_reader_that_leaves_early_causes_no_trace(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m optfm_bot faq list | head -n 1'
    process = await asyncio.create_subprocess_shell(
        command, cwd=tmp_path, env=environment(), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(LIMIT):
        _, err = await process.communicate()

    assert b"" == err


async def test_a_terminal_of_few_letters_gets_a_result_not_a_crash(tmp_path: Path) -> None:
    ended = await run(tmp_path, "faq", "lint", "--lang", "en", PYTHONUTF8="0", PYTHONIOENCODING="ascii")

    assert 0 == ended.code, ended
    assert ended.out.splitlines()[-1][0] in "+!"


HELP = """
import sys
from click.testing import CliRunner
from optfm_bot.cli.main import main
result = CliRunner().invoke(main, ["--help"])
assert result.exit_code == 0
heavy = {"rich", "sqlalchemy", "aiohttp", "aiogram", "pydantic", "yaml", "rapidfuzz", "asyncio"} & set(sys.modules)
print(sorted(heavy - BEFORE))
"""


async def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """Help is quick because of what it does not import; click's own test runner is not counted."""
    code = "import sys, click.testing\nBEFORE = set(sys.modules)\n" + HELP
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=tmp_path, env=environment(), stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(LIMIT):
        out, err = await process.communicate()

    assert (b"[]\n", b"") == (out, err)
