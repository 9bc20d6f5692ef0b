"""Commands run in the process of the test, in a folder of their own, with an environment that says nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from optfm_bot.cli import journal
from optfm_bot.cli.main import main

Cli = Callable[..., Result]

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"

KNOWLEDGE = """\
version: 1
language: ru
categories: {delivery: {title: Доставка}}
entries:
  - id: delivery-cost
    question: Сколько стоит доставка?
    category: delivery
    answer: От 300 ₽.
    buttons: [{text: Сроки, faq: delivery-time}]
  - id: delivery-time
    question: Когда привезут заказ?
    category: delivery
    answer: Завтра.
"""


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings from outside, Russian output, and the logging of the test process left as it is."""
    monkeypatch.chdir(tmp_path)
    for name in ("TELEGRAM_BOT_TOKEN", "DATABASE_URL", "MAX_BOT_TOKEN", "LC_ALL", "LC_MESSAGES", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "ru_RU.UTF-8")
    monkeypatch.setattr(journal, "configure_logging", lambda **_: None)


@pytest.fixture
def cli() -> Cli:
    """Run `optfm-bot` with these arguments; an error that nobody foresaw fails the test with its trace."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        result = CliRunner().invoke(main, arguments, input=typed)
        if result.exception is not None and not isinstance(
            result.exception, SystemExit | click.ClickException
        ):
            raise result.exception
        return result

    return run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a valid configuration and knowledge base."""
    (tmp_path / "config.yaml").write_text(
        "faq: {path: knowledge/}\nchannels: {web: {type: webchat}}\n", "utf-8"
    )
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "faq.yaml").write_text(KNOWLEDGE, "utf-8")
    return tmp_path
