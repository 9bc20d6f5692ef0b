"""What is wrong with a knowledge base: mistakes of reading and findings alike, in one shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from faq import KnowledgeBase, KnowledgeError, Problem
from faq.lint import Finding, Severity, lint
from faq.source import load_knowledge
from optfm_bot.cli.words import Words

_QUOTED = re.compile(r"«[^»]*»|`[^`]*`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to look at. `code` is stable; `line` is 0 where a file as a whole is meant."""

    file: str
    line: int
    code: str
    severity: str
    entry: str
    field: str
    message: str
    hint: str

    @property
    def place(self) -> str:
        """Where it is written: `knowledge/faq.yaml:12`."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def describe(self, words: Words) -> str:
        """Give one line for a person.

        The base speaks English; Russian readers get the sentence that belongs to the code, with the words
        that the message quotes.
        """
        message, hint = self.message, self.hint
        if words.language == "ru" and self.code in RUSSIAN:
            sentence, advice = RUSSIAN[self.code]
            quoted = ", ".join(dict.fromkeys(_QUOTED.findall(self.message)))
            message = f"{sentence}: {quoted}" if quoted else sentence
            hint = advice or _translated(hint)
        subject = ".".join(part for part in (self.entry, self.field) if part)
        severity = words(f"faq.severity_{self.severity}")
        head = f"{self.place}: {severity} {self.code}"
        text = f"{head}: {subject}: {message}" if subject else f"{head}: {message}"
        return f"{text} ({hint})" if hint else text

    def data(self) -> dict[str, Any]:
        """Give the remark for programs."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A base, if it could be read, with everything that was remarked."""

    base: KnowledgeBase | None
    remarks: Sequence[Remark]

    @property
    def errors(self) -> int:
        """How many of the remarks are errors."""
        return sum(remark.severity == Severity.ERROR for remark in self.remarks)

    @property
    def warnings(self) -> int:
        """How many of the remarks are warnings."""
        return len(self.remarks) - self.errors


def review(path: Path, *, today: date) -> Review:
    """Read the base at a path and look it over. Raises nothing: what cannot be read is remarked."""
    try:
        base = load_knowledge(path)
    except KnowledgeError as error:
        return Review(base=None, remarks=[from_problem(problem) for problem in error.problems])
    return Review(base=base, remarks=[_from_finding(finding) for finding in lint(base, today=today)])


def from_problem(problem: Problem) -> Remark:
    """Give a mistake of reading as a remark."""
    return Remark(
        file=short(problem.file),
        line=problem.line,
        code=problem.code.value,
        severity=Severity.ERROR.value,
        entry="",
        field=problem.field,
        message=problem.message,
        hint=problem.hint,
    )


def _from_finding(finding: Finding) -> Remark:
    return Remark(
        file=short(finding.file),
        line=finding.line,
        code=finding.code,
        severity=finding.severity.value,
        entry=finding.entry_id,
        field=finding.field,
        message=finding.message,
        hint=finding.hint,
    )


def short(file: str) -> str:
    """Write a file's name from the current folder on, if it is below it."""
    path = Path(file)
    return (
        str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else file
    )


def _translated(hint: str) -> str:
    """Turn the beginning of an advice; what follows it is a key or a value, the same in every language."""
    for english, russian in _ADVICE.items():
        if hint.startswith(english):
            return russian + hint.removeprefix(english)
    return hint


_ADVICE = {"did you mean ": "может быть, ", "add ": "добавьте ", "write ": "напишите "}

RUSSIAN = {
    "FAQ001": ("такая же формулировка есть у другой записи", "оставьте её у одной из двух"),
    "FAQ002": ("формулировка почти такая же, как у другой записи", "назовите в каждой, чем она отличается"),
    "FAQ003": (
        "вопрос больше похож на другую запись, чем на свою",
        "переформулируйте его или перенесите сюда формулировку другой записи",
    ),
    "FAQ004": (
        "формулировка больше похожа на другую запись, чем на свою",
        "переформулируйте её или перенесите сюда формулировку другой записи",
    ),
    "FAQ005": ("категория не объявлена", "объявите её в `categories:`"),
    "FAQ006": ("в категории нет ни одной записи", "уберите её или добавьте запись"),
    "FAQ007": ("ответ очень длинный", "сократите его: длинный текст уходит несколькими сообщениями"),
    "FAQ008": ("нет ни одного слова", "уберите или впишите слово"),
    "FAQ009": ("запись больше не отвечает", "уберите или обновите её"),
    "FAQ010": (
        "эту запись не найдёт ни одно сообщение",
        "задайте вопрос словами или добавьте варианты в aliases",
    ),
    "FAQ011": ("в ответе нет слов", "напишите, что должен прочитать покупатель"),
    "FAQ012": (
        "кнопка ведёт к записи, которой нет или которая не отвечает",
        "ведите её к действующей записи",
    ),
    "FAQ013": (
        "ключевое слово есть у половины записей",
        "оно должно отличать записи; сделайте его категорией",
    ),
    "FAQ014": ("нет общего ответа для других каналов и языков", "добавьте `answer:`"),
    "unreadable": ("файл не читается", "проверьте `faq.path` в настройках и права на файл"),
    "too-large": ("слишком большой объём", "разделите файл: каталог файлов читается как одна база"),
    "encoding": ("файл не в кодировке UTF-8", "сохраните его в UTF-8"),
    "syntax": ("ошибка YAML", "проверьте отступы, двоеточия и кавычки в этой строке"),
    "duplicate-key": ("ключ записан дважды", "оставьте один"),
    "unknown-key": ("неизвестный ключ", ""),
    "missing": ("обязательное значение не задано", ""),
    "empty": ("пусто", "заполните или уберите"),
    "type": ("значение не того вида", ""),
    "value": ("такое значение не подходит", ""),
    "duplicate": ("такой id уже есть", "у каждой записи свой id"),
    "reference": ("ссылка на то, чего нет", ""),
}
"""The Russian sentence and advice by code. Codes that are missing here are told in the base's own words."""
