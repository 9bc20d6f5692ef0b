"""Exit codes: each kind of trouble has its own, and a sentence on the error output."""

from __future__ import annotations

import asyncio

import click
import pytest

from channels.errors import Unauthorized, Unreachable
from config.problem import ConfigError, Problem
from faq import KnowledgeError
from faq import Problem as KnowledgeProblem
from faq.base import ProblemCode
from optfm_bot.cli.exits import guarded
from optfm_bot.errors import OptfmError, SchemaMismatch, StartRefused, StoreUnavailable

CONFIG = ConfigError([Problem(where="config.yaml:3", key="a.b", message="is wrong", message_ru="неверно")])
KNOWLEDGE = KnowledgeError(
    [KnowledgeProblem(code=ProblemCode.SYNTAX, file="faq.yaml", line=7, message="this is not valid YAML")]
)


def outcome(error: BaseException | None, code: int | None = None) -> int | str | None:
    def command() -> int | None:
        if error is not None:
            raise error
        return code

    with pytest.raises(SystemExit) as ended:
        guarded(command)()
    return ended.value.code


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (CONFIG, 3, "настройки: config.yaml:3: a.b: неверно"),
        (KNOWLEDGE, 3, "база знаний: faq.yaml:7: ошибка syntax: ошибка YAML"),
        (Unreachable("gone", maybe_sent=False), 4, "канал: gone"),
        (Unauthorized("wrong token"), 5, "канал: wrong token"),
        (SchemaMismatch("old"), 6, "база данных: old"),
        (StoreUnavailable("locked"), 6, "база данных: locked"),
        (StartRefused("twice"), 3, "запуск: twice"),
        (OptfmError("other"), 1, "ошибка: other"),
    ],
)
def test_trouble_becomes_a_code_and_a_sentence(
    error: Exception, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code == outcome(error)

    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "" == printed.out


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), click.Abort()])
def test_an_interrupted_command_ends_with_130(error: BaseException) -> None:
    assert 130 == outcome(error)


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_command_decides_its_own_code(given: int | None, code: int) -> None:
    assert code == outcome(None, given)


def test_a_bug_keeps_its_trace() -> None:
    def command() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(command)()
