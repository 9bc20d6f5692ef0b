"""The commands answer with the matcher that the configuration names, or say what is missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from faq import Candidate, FaqManager, Query, Scope
from faq.contract import EVERYTHING
from faq.manager import MatcherFactory, default_matcher
from faq.semantic import PACKAGE

Cli = Callable[..., Result]

INSTALL = 'pip install "optfm-bot[semantic]"'
QUESTIONS = "- {q: почём доставка, ids: [delivery-cost]}\n"


@pytest.fixture
def semantic(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that asks for the semantic matcher, on a machine that has not got it."""
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    config = project / "config.yaml"
    config.write_text(
        "faq: {path: knowledge/, matcher: semantic}\nchannels: {web: {type: webchat}}\n", "utf-8"
    )
    (project / "questions.yaml").write_text(QUESTIONS, "utf-8")
    return config


@pytest.mark.parametrize(
    "arguments", [("config", "check"), ("run", "--check"), ("chat",), ("faq", "why", "доставка")]
)
def test_without_the_package_a_command_says_what_to_install(
    cli: Cli, semantic: Path, arguments: tuple[str, ...]
) -> None:
    result = cli(*arguments)

    assert result.exit_code == 3
    assert "config.yaml:1: faq.matcher: для семантического поиска нужен пакет" in result.output
    assert INSTALL in result.output


def test_the_doctor_says_it_too(cli: Cli, semantic: Path) -> None:
    result = cli("doctor", "--offline", "--json")
    (found,) = [one for one in json.loads(result.stdout)["findings"] if one["group"] == "config"]

    assert result.exit_code == 1
    assert (found["mark"], found["fix"]) == ("error", INSTALL)


class Silent:
    """A matcher without an answer: what it would be is not the question here."""

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        return ()


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[MatcherFactory]:
    """What managers were made with."""
    factories: list[MatcherFactory] = []
    original = FaqManager.from_base.__func__  # type: ignore[attr-defined]

    def remembering(kind: type[FaqManager], *args: Any, matcher: MatcherFactory, **others: Any) -> FaqManager:
        factories.append(matcher)
        manager: FaqManager = original(kind, *args, matcher=lambda *_: Silent(), **others)
        return manager

    monkeypatch.setattr(FaqManager, "from_base", classmethod(remembering))
    return factories


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        (("faq", "why", "доставка"), "configured"),
        (("faq", "why", "доставка", "--path", "knowledge"), "core"),
        (("faq", "why", "доставка", "--path", "knowledge", "--config", "config.yaml"), "configured"),
        (("faq", "eval", "questions.yaml"), "configured"),
        (("faq", "eval", "questions.yaml", "--path", "knowledge"), "core"),
        (("faq", "diff", "knowledge", "knowledge"), "core"),
        (("faq", "diff", "knowledge", "knowledge", "--config", "config.yaml"), "configured"),
        (("faq", "mine", "--from", "questions.yaml"), "configured"),
        (("faq", "mine", "--from", "questions.yaml", "--path", "knowledge"), "core"),
        (("chat",), "configured"),
    ],
)
def test_a_command_asks_with_the_matcher_of_the_configuration_it_reads(
    cli: Cli,
    semantic: Path,
    given: list[MatcherFactory],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    made: str,
) -> None:
    def configured(*_: object) -> Any:
        raise AssertionError

    for module in ("optfm_bot.cli.chat", "optfm_bot.cli.faq.knowledge"):
        monkeypatch.setattr(f"{module}.matcher_factory", lambda *_, **__: configured)
    result = cli(*arguments)

    assert result.exit_code == 0, result.output
    assert set(given) == {configured if made == "configured" else default_matcher}
