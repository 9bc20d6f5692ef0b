"""The start of a process that serves: what is loaded, what is not, and what is decided before."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from optfm_bot.cli.start import load_structlog, loading, spare_blas_threads

NOT_FOR_A_START = {
    "aiogram": "the types of a client that was not asked for",
    "alembic": "migrations of a database that has none to do",
    "asyncpg": "the driver of another database",
    "openpyxl": "tables of `faq import`",
    "png": "pictures of `login`",
    "rich": "colours of other commands",
    "watchfiles": "the watcher of the base, which the first answer need not wait for",
    "faq.explain": "for owners",
    "faq.semantic.encoder": "a tier that was not asked for",
    "channels.max": "a channel that was not asked for",
    "channels.greenapi": "a channel that was not asked for",
    "channels.web": "a channel that was not asked for",
    "channels.testing": "for tests",
}

START = """
import json, os, sys
from optfm_bot.cli.main import main
sys.argv = ["optfm-bot", "run", "--config", sys.argv[1], "--check"]
try:
    main()
except SystemExit as end:
    sys.stdout = sys.__stdout__
    blas = os.environ["OPENBLAS_NUM_THREADS"]
    json.dump({"code": end.code, "modules": sorted(sys.modules), "blas": blas}, sys.stderr)
"""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a start with one Telegram channel has loaded when everything is made and nothing is served yet."""
    folder: Path = tmp_path_factory.mktemp("start")
    channel = {"type": "telegram", "token": "123456:CANARYCANARYCANARYCANARYCANARY"}
    config = {"database": {"url": f"sqlite:///{folder / 'bot.db'}"}, "channels": {"telegram": channel}}
    (folder / "config.yaml").write_text(json.dumps(config))
    done = subprocess.run(
        [sys.executable, "-c", START, str(folder / "config.yaml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        cwd=folder,
    )
    found: dict[str, object] = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == 0, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("name", NOT_FOR_A_START)
def test_a_start_with_one_channel_does_not_load(name: str, started: dict[str, object]) -> None:
    modules = started["modules"]
    assert isinstance(modules, list)
    assert [one for one in modules if one == name or one.startswith(f"{name}.")] == []


def test_a_start_has_loaded_what_it_serves_with(started: dict[str, object]) -> None:
    modules = started["modules"]
    assert isinstance(modules, list)
    assert {"channels.telegram.channel", "optfm_bot.house", "structlog", "faq.matching.matcher"} <= set(
        modules
    )


def test_the_small_matrices_of_a_base_are_calculated_in_one_thread(started: dict[str, object]) -> None:
    assert started["blas"] == "1"


def test_what_the_owner_says_of_threads_stays() -> None:
    environment = {"OPENBLAS_NUM_THREADS": "4"}
    spare_blas_threads(environment)
    assert environment == {"OPENBLAS_NUM_THREADS": "4"}


def test_the_collector_rests_while_loading_and_passes_over_what_was_loaded() -> None:
    before = gc.get_threshold()
    try:
        with loading():
            assert gc.get_threshold()[0] > 100_000
        assert gc.get_threshold() == before
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_a_failed_start_leaves_the_collector_as_it_was() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with pytest.raises(RuntimeError, match="broken"), loading():
        raise RuntimeError("broken")
    assert (gc.get_threshold(), gc.get_freeze_count()) == (before, frozen)


def test_rich_is_there_again_after_structlog(monkeypatch: pytest.MonkeyPatch) -> None:
    marker = type(sys)("rich")
    names = [name for name in sys.modules if name.split(".")[0] == "structlog"]
    for name in names:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", marker)
    try:
        loaded = load_structlog()
        assert loaded.dev.rich is None  # structlog found no Rich
        assert sys.modules["rich"] is marker
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "structlog" and name not in names]:
            del sys.modules[name]


def test_structlog_that_is_there_is_kept() -> None:
    assert load_structlog() is sys.modules["structlog"]
