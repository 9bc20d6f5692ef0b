"""Helpdesks of others: the one of the guide is installed by itself, is found and configured, and passes the suite."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.test_add_a_channel import ROOT, bot, environment, installed, suite

pytestmark = pytest.mark.e2e

CODE = ROOT / "docs" / "how-to" / "add_a_helpdesk"


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the helpdesk of the guide is installed."""
    return environment(installed(CODE, tmp_path_factory.mktemp("shelf")))


def test_it_is_found_configured_and_asked(shelf: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tickets").mkdir()
    (tmp_path / "config.yaml").write_text("channels: {console: {}}\nhelpdesk: {shelf: {path: tickets}}\n")

    asked = json.loads(bot("helpdesk", "test", "--json", folder=tmp_path, env=shelf))
    schema = json.loads(bot("config", "schema", folder=tmp_path, env=shelf))

    assert (asked["helpdesk"], asked["state"]) == ("shelf", "ok")
    assert "The folder of the tickets; it has to exist." in json.dumps(schema)


def test_it_passes_the_suite(shelf: dict[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "package"
    shutil.copytree(CODE, copy)
    shutil.rmtree(copy / "src")  # what is checked is what was installed

    assert re.search(r"\d{2,} passed", suite(copy, shelf))
