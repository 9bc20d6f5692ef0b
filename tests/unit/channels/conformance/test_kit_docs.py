"""The pages about the kit tell the truth: the example passes as it is printed, and every check and fault is listed."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from channels.testing.conformance.fault_server import FAULTS
from channels.testing.conformance.guard import pinned
from channels.testing.conformance.reactions import DELIVER, FETCH
from channels.testing.conformance.subject import ABSENT
from optfm_bot.testing import conformance
from optfm_bot.testing.conformance import ChannelConformance

ROOT = Path(__file__).resolve().parents[4]
GUIDE = (ROOT / "docs" / "how-to" / "test-a-channel.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "conformance-kit.md").read_text("utf-8")


def files_of(page: str) -> dict[str, str]:
    """The files that a page prints: their name is a comment in Python and the first line of a text."""
    blocks = re.findall(r"```(python|text)\n(.*?)```", page, re.DOTALL)
    found = {}
    for language, text in blocks:
        first, _, rest = text.partition("\n")
        if language == "python":
            found[first.removeprefix("# ")] = text
        elif first.endswith(".json"):
            found[first] = rest
    return found


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, text in files_of(GUIDE).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_the_example_of_the_guide_passes_as_it_is_printed(package: Path, mode: str) -> None:
    options = {"asyncio_mode": mode, "asyncio_default_fixture_loop_scope": "function"}
    settings = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "tests",
        "-q",
        "-W",
        "error",
        "-k",
        "not malformed or holds_up",
    ]
    ran = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:randomly", *settings],
        cwd=package,
        env=os.environ | {"PYTHONPATH": f"{package}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert re.search(r"\d{2,} passed", ran.stdout)


def test_the_example_is_small() -> None:
    """A channel and its test, in fewer than 100 lines of code each."""
    for text in (files_of(GUIDE)["pager/channel.py"], files_of(GUIDE)["tests/test_conformance.py"]):
        code = [line for line in text.splitlines() if line.strip() and not re.match(r" {4}\w+,$", line)]
        assert len(code) < 100


def test_the_reference_lists_every_check_with_its_promise() -> None:
    for name in pinned():
        if name == "test_no_check_is_missing_or_replaced":
            continue
        promise = (inspect.getdoc(getattr(ChannelConformance, name)) or "").splitlines()[0]
        assert f"| `{name}` | {promise} |" in REFERENCE
    assert set(re.findall(r"^\| `(test_\w+)` \|", REFERENCE, re.MULTILINE)) < set(pinned())


def test_the_reference_lists_every_fault_with_its_reactions() -> None:
    for name in FAULTS:
        cells = [" or ".join(f"`{kind.__name__}`" for kind in table[name]) for table in (DELIVER, FETCH)]
        assert f"| `{name}` | {cells[0]} | {cells[1]} |" in REFERENCE


def test_the_reference_lists_what_may_be_absent() -> None:
    for name, meaning in ABSENT.items():
        assert f"| `{name}` | {meaning} |" in REFERENCE


def test_the_kit_says_how_it_is_used() -> None:
    assert "ChannelConformance" in (conformance.__doc__ or "")
