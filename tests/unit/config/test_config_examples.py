"""Examples: what messages and the example file offer to be copied is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import load_config
from config.document import read_document
from config.examples import _EXAMPLES, example
from config.schema import Settings, leaf_keys
from optfm_bot.clock import SystemClock
from optfm_bot.plan import plan_channels, plan_helpdesk
from optfm_bot.staffing import make_carrier
from tests.unit.config.conftest import Load

ROOT = Path(__file__).parents[3]
VARIABLES = {
    "TELEGRAM_BOT_TOKEN": "123456:" + "A" * 35,
    "TELEGRAM_PROXY": "socks5://127.0.0.1:9",
    "MAX_BOT_TOKEN": "f9LHodD0cOIaaBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "GREEN_API_TOKEN": "0123456789abcdef",
    "FREESCOUT_API_KEY": "0123456789abcdef0123456789abcdef",
    "FREESCOUT_WEBHOOK_SECRET": "0123456789abcdef",
    "BOT_MAIL_PASSWORD": "0123456789abcdef",
    "NOTIFY_TEAM": "json://127.0.0.1/",
    "NOTIFY_ANNA": "json://127.0.0.1/",
}
_KEY = re.compile(r"(\s+)# (\s*)([a-z][\w.]*:(?:\s.*)?|- \{.*)")
"""A line that is an example: a key behind the sign of a comment that stands inside of a section."""


def _around(shape: tuple[str, ...], line: str) -> str:
    """The whole file of which an example is a part."""
    sections = [part if part != "*" else "a" for part in shape]
    if line.startswith("{"):  # an item of a list, and what is around that
        sections, line = sections[:-1], f"{sections[-2]}: [{line}]"
    if shape == ("forms", "*", "steps", "*", "options"):
        return f"forms: {{a: {{title: A, steps: [{{name: a, kind: choice, {line}}}]}}}}"
    if shape == ("forms", "*", "steps") or sections[-1:] == ["steps"]:
        return f"forms: {{a: {{title: A, {line}}}}}"
    key = line.partition(":")[0]
    at = 0 if key == sections[0] else len(sections) - 1
    for section in reversed(sections[:at]):
        line = f"{section}: {{{line}}}"
    return line


@pytest.mark.parametrize("shape", _EXAMPLES, ids=".".join)
def test_the_line_that_a_message_offers_is_right_where_it_stands(load: Load, shape: tuple[str, ...]) -> None:
    line = example(shape)
    assert line == _EXAMPLES[shape]

    assert load(_around(shape, line), VARIABLES).settings


def test_there_is_an_example_for_every_section() -> None:
    assert {name for name in Settings.model_fields if name != "texts"} == {
        shape[0] for shape in _EXAMPLES if len(shape) == 1
    }
    assert example(("texts", "ru")) == "", "it has words of its own"
    assert any(True for _ in leaf_keys(Settings))


def test_every_example_of_the_example_file_is_right(tmp_path: Path) -> None:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    lines = [_KEY.sub(r"\1\2\3", line) for line in text.splitlines()]
    changed = sum(before != after for before, after in zip(text.splitlines(), lines, strict=True))
    assert changed > 25, "the examples are found"
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef", "utf-8")
    secret.chmod(0o600)
    whole = "\n".join(lines).replace("/run/secrets/telegram_webhook", str(secret))
    whole = re.sub(r"ca_file: .*", "", whole)
    (tmp_path / "config.yaml").write_text(whole, "utf-8")

    loaded = load_config(None, env=VARIABLES, cwd=tmp_path)

    assert len(plan_channels(loaded, clock=SystemClock(), cwd=tmp_path)) == 4
    assert plan_helpdesk(loaded) is not None
    assert make_carrier(loaded, clock=SystemClock()) is None
    assert set(loaded.settings.forms) == {"callback"}
    assert set(loaded.settings.texts) == {"ru"}


@pytest.mark.parametrize("key", ["urls", "managers", "days", "days_off", "working_days"])
def test_what_stands_behind_a_value_of_the_example_file_is_right_too(load: Load, key: str) -> None:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    behind = re.search(rf"^  {key}: .*?# (.*)$", text, re.MULTILINE)
    assert behind is not None
    written = re.search(r"\[.*\]|mon-fri: [\d:-]+", behind[1])
    assert written is not None
    section = "notify" if key in {"urls", "managers"} else "hours"
    value = written[0] if written[0].startswith("[") else f"{{{written[0]}}}"
    document = f"{section}:\n  {key}: {value}\n"
    assert read_document(document, name="x").problems == ()

    assert load(document, VARIABLES).settings
