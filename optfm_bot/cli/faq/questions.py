"""Labelled questions of a command: read, held against a base, and every bad row told to the person."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, Any

import click

from faq import Problem
from faq.quality.labelled import LabelledError, LabelledFile, read_labelled, unknown_ids
from optfm_bot.cli.exits import Exit
from optfm_bot.cli.output import clean
from optfm_bot.cli.remarks import short
from optfm_bot.cli.words import Words, current_words

_QUOTED = re.compile(r"`[^`]*`")


class QuestionsRefused(click.ClickException):
    """The questions cannot be used; each bad row is a line on the error output."""

    exit_code = Exit.USAGE

    def __init__(self, problems: Sequence[Problem]) -> None:
        words = current_words()  # when the lines are shown, the command and its language are gone
        name = words("faq_questions.error")
        super().__init__("\n".join(f"{name}: {clean(describe(problem, words))}" for problem in problems))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the lines."""
        click.echo(self.message, file=file, err=True)


def questions_in(path: Path) -> LabelledFile:
    """Read a file of questions. Raises `QuestionsRefused`."""
    try:
        return read_labelled(path)
    except LabelledError as error:
        raise QuestionsRefused(error.problems) from None


def hold_against(questions: LabelledFile, known: Collection[str]) -> None:
    """Refuse questions for entries that the base does not have. Raises `QuestionsRefused`."""
    if problems := unknown_ids(questions.questions, known):
        raise QuestionsRefused(problems)


def describe(problem: Problem, words: Words) -> str:
    """One line for a person: the place, what is wrong and what to do.

    The library speaks English; Russian readers get the sentence that belongs to the code, with the names that
    the message quotes.
    """
    place = ":".join(str(part) for part in (short(problem.file), problem.line) if part)
    if words.language != "ru" or problem.code not in _RUSSIAN:
        named = f"{problem.field}: " if problem.field else ""
        return f"{place}: {named}{problem.message}" + (f" ({problem.hint})" if problem.hint else "")
    sentence, advice = _RUSSIAN[problem.code]
    quoted = ", ".join(dict.fromkeys(_QUOTED.findall(problem.message)))
    if problem.hint.startswith("did you mean "):
        advice = f"может быть, {problem.hint.removeprefix('did you mean ')}"
    named = f": {quoted}" if quoted else f": {problem.field}" if problem.field else ""
    return f"{place}: {sentence}{named} ({advice})"


_RUSSIAN = {
    "unreadable": ("файл не читается", "проверьте имя файла и права на него"),
    "too-large": ("файл слишком велик", "разделите его на части"),
    "encoding": ("файл не в кодировке UTF-8", "сохраните его в UTF-8"),
    "syntax": ("строка не разбирается", "проверьте кавычки, запятые, двоеточия и отступы"),
    "duplicate-key": ("ключ записан дважды", "оставьте один"),
    "duplicate": ("такой id уже есть", "у каждой записи свой id"),
    "unknown-key": ("неизвестный ключ", "есть q, ids, id, tag, derived"),
    "missing": ("не хватает", "у вопроса есть текст и ids; ids: [] — чужой вопрос"),
    "empty": ("пусто", "нужен хотя бы один вопрос с id его записи"),
    "type": ("значение не того вида", "q и tag — текст, ids — список, derived — true или false"),
    "value": ("такое не подходит", "нужен файл вопросов .yaml, .csv или .jsonl; база — ключом --path"),
    "reference": ("такой записи нет", "список записей: optfm-bot faq list"),
}
"""The Russian sentence and advice by code. Codes that are missing here are told in the library's words."""
