"""`optfm-bot bench` as people run it: real processes, a short load, and what is left behind."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.e2e.processes import eventually

pytestmark = pytest.mark.e2e

LIMIT = 120
ROOT = Path(__file__).parents[2]


def begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start it in a folder, its temporary files beneath."""
    (folder / "tmp").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}
    # A real bot's settings on the same machine, which must not be taken.
    theirs = {"TELEGRAM_BOT_TOKEN": "1:real", "OPTFM__SERVER__PORT": "1", "DATABASE_URL": "sqlite:///real.db"}
    return subprocess.Popen(
        [sys.executable, "-m", "optfm_bot", "bench", "--lang", "en", *arguments],
        cwd=folder,
        env={**kept, **settings, **theirs, "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for its end; gives its exit code and what it said."""
    try:
        said, _ = process.communicate(timeout=LIMIT)
    finally:
        process.kill()
    return process.returncode, said


def test_fifty_messages_are_answered_and_told_of(tmp_path: Path) -> None:
    arguments = ("--rate", "50", "--seconds", "1", "--chats", "7", "--output", "a.json", "--plot", "a.svg")
    code, said = ended(begun(tmp_path, *arguments))

    assert code == 0, said
    assert "order kept" in said
    found = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert found["ok"] is True
    assert (found["offered"], found["answered"]) == (50, 50)
    assert (found["lost"], found["doubled"], found["out_of_order"], found["strange"]) == (0, 0, 0, 0)
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p99"] <= found["latency_ms"]["max"]
    assert sum(second["answered"] for second in found["seconds"]) == 50
    if sys.platform == "linux":
        assert found["cpu_ms_per_message"] > 0
        assert found["processes"][0]["rss_mb"] > 10
    ET.parse(tmp_path / "a.svg")  # noqa: S314 - our own file
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (tmp_path / "real.db").exists()


def test_ctrl_c_ends_everything_and_tells_what_is_known(tmp_path: Path) -> None:
    process = begun(tmp_path, "--rate", "50", "--seconds", "100", "--output", "a.json")

    def sent() -> bool:
        for path in (tmp_path / "tmp").glob("optfm-bench-*/bench.db"):
            try:
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as reader:
                    return bool(reader.execute("SELECT count(*) > 100 FROM outbox").fetchone()[0])
            except sqlite3.OperationalError:  # it has no tables yet
                return False
        return False

    def alive() -> None:
        assert process.poll() is None, ended(process)

    eventually(sent, "it answers questions of the measurement", seconds=LIMIT, alive=alive)
    process.send_signal(signal.SIGINT)
    code, said = ended(process)

    assert code == 130, said
    assert "Stopped early" in said
    found = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (found["interrupted"], found["ok"], found["lost"]) == (True, False, None)
    assert found["answered"] > 0
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_bot_that_cannot_start_is_told_with_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = ended(begun(tmp_path, "--burst", "5", "--database", "sqlite:///file/bench.db"))

    assert code == 1
    assert "bot-1 has ended with the code 3" in said
    assert "database.url" in said
    assert list((tmp_path / "tmp").iterdir()) == []
