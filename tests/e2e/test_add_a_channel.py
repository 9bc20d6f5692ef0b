"""Channels of others: the tutorial's is installed by itself and talks; a new one passes its tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uv
from markdown_it import MarkdownIt

from channels.testing.conformance.payloads import load_recorded
from tests.e2e import knowledge
from tests.e2e.processes import UNPACED, eventually, free_port

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorials" / "add-a-channel.md"
CODE = ROOT / "docs" / "tutorials" / "add_a_channel"
LIMIT = 300.0
"""Seconds that a command may take on a machine that is busy."""


def environment(*paths: Path) -> dict[str, str]:
    """What a process gets: nothing of the tests' own settings, and packages from these places."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    packages = os.pathsep.join(str(path) for path in (*paths, ROOT))
    return {
        **kept,
        "PYTHONPATH": packages,
        "LANG": "en_GB.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "error",
    }


def run(*command: str, folder: Path, env: Mapping[str, str]) -> str:
    """Run a command to its good end; gives what it printed."""
    done = subprocess.run(
        command, cwd=folder, env=dict(env), capture_output=True, text=True, check=False, timeout=LIMIT
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def bot(*arguments: str, folder: Path, env: Mapping[str, str]) -> str:
    """Run `optfm-bot`."""
    return run(sys.executable, "-m", "optfm_bot", *arguments, folder=folder, env=env)


def installed(source: Path, folder: Path) -> Path:
    """Build a wheel of a package and install it into an empty place, without asking anybody; gives the place."""
    copy, place = folder / "source", folder / "place"
    shutil.copytree(source, copy)
    offline = ("--offline", "--no-config", "--quiet")
    env = environment()
    run(uv.find_uv_bin(), "build", "--wheel", *offline, "--out-dir", str(folder), ".", folder=copy, env=env)
    (wheel,) = folder.glob("*.whl")
    target = ("--python", sys.executable, "--target", str(place))
    run(
        uv.find_uv_bin(), "pip", "install", *offline, "--no-deps", *target, str(wheel), folder=folder, env=env
    )
    return place


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the tutorial's channel is installed."""
    return environment(installed(CODE, tmp_path_factory.mktemp("tutorial")))


# -- the page --------------------------------------------------------------------------------------------------------


def fences() -> dict[str, str]:
    """The files that the page shows, by the name on their first line."""
    found = {}
    for token in MarkdownIt().parse(PAGE.read_text("utf-8")):
        named = re.match(r"# ([\w/]+\.\w+)\n", token.content) if token.type == "fence" else None
        if named is not None:
            found[named[1]] = token.content[named.end() :]
    return found


def test_the_page_shows_exactly_the_code_that_is_tested() -> None:
    shown = fences()
    config = shown.pop("config.yaml")

    assert "folder: {path: letters}" in config
    assert shown == {name: (CODE / name).read_text("utf-8") for name in shown}
    code = {str(path.relative_to(CODE)) for path in CODE.rglob("*.py")}
    assert shown.keys() == code | {"pyproject.toml", "payloads/text.json"}


def test_the_channel_has_fewer_than_a_hundred_lines() -> None:
    """Without blank lines and comments; docstrings and imports count."""
    lines = [
        line.strip() for path in (CODE / "src").rglob("*.py") for line in path.read_text("utf-8").splitlines()
    ]
    assert 50 < len([line for line in lines if line and not line.startswith("#")]) < 100


# -- installed -------------------------------------------------------------------------------------------------------


def test_it_is_found_by_its_entry_point(tutorial: dict[str, str], tmp_path: Path) -> None:
    listed = json.loads(bot("channels", "list", "--available", "--json", folder=tmp_path, env=tutorial))

    (found,) = (one for one in listed["types"] if one["type"] == "folder")
    assert (found["package"], found["transports"]) == ("optfm-bot-folder", ["polling"])
    assert listed["problems"] == {}


def test_without_the_package_there_is_no_such_channel(tmp_path: Path) -> None:
    listed = json.loads(bot("channels", "list", "--available", "--json", folder=tmp_path, env=environment()))

    assert "folder" not in {one["type"] for one in listed["types"]}


class Letters:
    """A folder, a bot that reads it, and a person who writes letters into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written = 0
        knowledge.write(folder / "knowledge.yaml")
        settings: dict[str, Any] = {
            "server": {"port": free_port()},
            "database": {"url": "sqlite+aiosqlite:///bot.db"},
            "faq": {"path": "knowledge.yaml"},
            "log": {"format": "json"},
            "channels": {"folder": {"path": "letters"}},
            **UNPACED,
        }
        (folder / "config.yaml").write_text(json.dumps(settings), "utf-8")

    def write(self, letter: Mapping[str, Any] | str) -> Path:
        """Put a letter into the folder, whole."""
        self._written += 1
        place = self.folder / "letters" / "in" / f"{self._written:03}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        text = letter if isinstance(letter, str) else json.dumps(letter)
        place.with_suffix(".tmp").write_text(text, "utf-8")
        place.with_suffix(".tmp").rename(place)
        return place

    @property
    def answers(self) -> list[dict[str, str]]:
        """What the bot has written."""
        out = self.folder / "letters" / "out.jsonl"
        return [json.loads(line) for line in out.read_text("utf-8").splitlines()] if out.exists() else []

    @contextmanager
    def running(self, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        """The bot at work; it ends well, unless the block has ended it."""
        command = [sys.executable, "-m", "optfm_bot", "run"]
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=dict(env), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            try:
                yield process
                if process.poll() is None:
                    process.terminate()
                    assert process.wait(30) == 0, self.log
            finally:
                process.kill()
                process.wait()

    @property
    def log(self) -> str:
        """Everything that the bot has said."""
        return (self.folder / "log.txt").read_text("utf-8")

    def hears(self, count: int) -> dict[str, str]:
        """Wait for so many answers; gives the last one."""
        answers = eventually(
            lambda: len(self.answers) >= count and self.answers, f"{count} answers: {self.log}"
        )
        assert len(answers) == count, answers
        return dict(answers[-1])


def letter(number: int, text: str, person: str = "anna") -> dict[str, Any]:
    return {"id": f"letter-{number}", "from": person, "at": 1_790_000_000 + number, "text": text}


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    return Letters(tmp_path)


def test_a_talk_by_letters(letters: Letters, tutorial: dict[str, str]) -> None:
    with letters.running(tutorial):
        asked = letters.write(letter(1, "Сколько стоит доставка?"))
        answer = letters.hears(1)
        assert answer["to"] == "anna"
        assert "Доставка по России — от 300 ₽." in answer["text"]
        eventually(lambda: not asked.exists(), "the letter is thrown away when it is stored")

        again = letters.write(letter(1, "Сколько стоит доставка?"))
        eventually(lambda: not again.exists(), "the same letter is thrown away too")
        broken = letters.write("{half a lett")
        eventually(lambda: not broken.exists(), "what cannot be read is put aside and holds up nobody")
        letters.write(letter(2, "Как оплатить заказ?", "boris"))
        assert letters.hears(2) == {"to": "boris", "text": letters.answers[-1]["text"]}
        assert "картой" in letters.answers[-1]["text"]


def test_a_letter_that_came_while_the_bot_was_down_or_killed_is_answered_once(
    letters: Letters, tutorial: dict[str, str]
) -> None:
    letters.write(letter(1, "Сколько стоит доставка?"))
    with letters.running(tutorial) as process:
        letters.hears(1)
        process.kill()
        process.wait(30)
    letters.write(letter(1, "Сколько стоит доставка?"))
    letters.write(letter(2, "Как оплатить заказ?"))

    with letters.running(tutorial):
        assert "картой" in letters.hears(2)["text"]


def test_what_it_received_becomes_a_payload_that_its_tests_take(
    letters: Letters, tutorial: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with letters.running(tutorial):
        letters.write(letter(1, "Сколько стоит доставка? Звоните +7 916 555-44-33"))
        letters.hears(1)
    copy = tmp_path_factory.mktemp("recorded") / "package"
    shutil.copytree(CODE, copy)

    bot("channels", "record", "folder", "--out", str(copy / "payloads"), folder=letters.folder, env=tutorial)

    recorded = {one.name: one for one in load_recorded(copy / "payloads")}
    assert set(recorded) == {"text", "text-1", "without_sender"}
    assert "555" not in (copy / "payloads" / "text-1.json").read_text("utf-8")
    told = suite(copy, tutorial, "-k", "means_what_its_file_says")
    assert "3 passed" in told


# -- the suites of others --------------------------------------------------------------------------------------------


def suite(package: Path, env: Mapping[str, str], *arguments: str) -> str:
    """Run the tests of a package as its author does."""
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments)
    return run(sys.executable, "-m", "pytest", *options, folder=package, env=env)


def test_the_tutorials_channel_passes_the_conformance_suite(tutorial: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "package"
    shutil.copytree(CODE, copy)
    shutil.rmtree(copy / "src")  # what is checked is what was installed

    assert re.search(r"\d{2,} passed", suite(copy, tutorial))


@pytest.mark.parametrize("transport", ["polling", "webhook", "both"])
def test_a_new_channel_passes_its_tests_at_once(transport: str, tmp_path: Path) -> None:
    bot("new-channel", "vk", "--yes", "--transport", transport, folder=tmp_path, env=environment())

    assert re.search(r"\d{3} passed", suite(tmp_path / "optfm-bot-vk", environment()))


def test_a_new_channel_can_be_installed_and_configured(tmp_path: Path) -> None:
    bot("new-channel", "vk_teams", "--yes", "--title", "VK Teams", folder=tmp_path, env=environment())
    env = environment(installed(tmp_path / "optfm-bot-vk-teams", tmp_path / "built"))
    (tmp_path / "config.yaml").write_text("channels: {vk_teams: {token: canary-0123456789}}\n", "utf-8")

    (row,) = json.loads(bot("channels", "list", "--json", folder=tmp_path, env=env))

    assert (row["type"], row["title"], row["transport"]) == ("vk_teams", "VK Teams", "polling")
    assert "canary" not in json.dumps(row)
