"""What is wrong with a knowledge base: mistakes of reading and findings alike, in one shape."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from faq import FaqManager, KnowledgeBase, KnowledgeError, Problem
from faq.lint import Finding, Limit, Severity, lint
from faq.source import load_knowledge
from optfm_bot.cli.advice import of_slip, sentence, translated
from optfm_bot.cli.words import Words

Progress = Callable[[int], AbstractContextManager[Callable[[int], object]]]
"""Shows how far a long look is: given how many steps there are, it takes how many are done."""

_QUOTED = re.compile(r"«[^»]*»|`[^`]*`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing to look at. `code` is stable; `line` is 0 where a file as a whole is meant.

    `facts` are the parts of the message by name, such as `other`, the entry that takes a question.
    """

    file: str
    line: int
    code: str
    severity: str
    entry: str
    field: str
    message: str
    hint: str
    facts: Mapping[str, str | int | float] = dataclasses.field(default_factory=dict)

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
            said, advice = RUSSIAN[self.code]
            quoted = ", ".join(dict.fromkeys(_QUOTED.findall(self.message)))
            message = sentence(message) or (f"{said}: {quoted}" if quoted else said)
            message += _measure(self.code, self.facts)
            hint = of_slip(self.facts) or translated(hint) or advice
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


def review(
    path: Path,
    *,
    today: date,
    limits: Mapping[str, Limit] | None = None,
    thorough: bool = False,
    manager: Callable[..., FaqManager] = FaqManager,
    progress: Progress | None = None,
) -> Review:
    """Read the base at a path and look it over. Raises nothing: what cannot be read is remarked.

    `limits`, `thorough` and `manager` are those of `faq.lint.lint`.
    """
    try:
        base = load_knowledge(path)
    except KnowledgeError as error:
        return Review(base=None, remarks=[from_problem(problem) for problem in error.problems])
    steps = len(base.entries)
    with progress(steps) if progress is not None else nullcontext(lambda _: None) as shown:
        found = lint(
            base,
            today=today,
            limits=limits,
            thorough=thorough,
            manager=manager,
            watch=lambda share: shown(int(share * steps)),
        )
    return Review(base=base, remarks=[_from_finding(finding) for finding in found])


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
        facts={"slip": problem.slip} if problem.slip else {},
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
        facts=dict(finding.facts),
    )


def short(file: str) -> str:
    """Write a file's name from the current folder on, if it is below it."""
    path = Path(file)
    return (
        str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else file
    )


def _measure(code: str, facts: Mapping[str, str | int | float]) -> str:
    """How near or how much, in brackets; empty if the remark says nothing of it."""
    for names, text in _MEASURES.get(code, {}).items():
        if all(name in facts for name in names):
            return f" ({text.format_map(facts)})"
    return ""


_MEASURES: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "FAQ002": {("closeness",): "совпадает на {closeness:.0%}"},
    "FAQ003": {
        ("closeness", "own"): "{closeness:.2f} против {own:.2f}",
        ("closeness", "phrase"): "слова те же",
        ("closeness",): "без неё ответила бы та запись, {closeness:.2f}",
    },
    "FAQ004": {
        ("closeness", "own"): "{closeness:.2f} против {own:.2f}",
        ("closeness", "phrase"): "слова те же",
        ("closeness",): "без неё ответила бы та запись, {closeness:.2f}",
    },
    "FAQ007": {("channels",): "{channels}", ("length", "limit"): "{length} > {limit}"},
    "FAQ013": {("owners", "entries"): "{owners} из {entries}"},
    "FAQ017": {("lost", "won"): "{lost} туда, {won} обратно"},
}
"""What is told in numbers, by code: the first of the texts of which all facts are there."""

RUSSIAN = {
    "FAQ001": ("такая же формулировка есть у другой записи", "оставьте её у одной из двух"),
    "FAQ002": ("формулировка почти такая же, как у другой записи", "назовите в каждой, чем она отличается"),
    "FAQ003": (
        "вопрос похож на другую запись не меньше, чем на свою",
        "назовите в каждой, чем она отличается, или добавьте своей записи похожие варианты",
    ),
    "FAQ004": (
        "формулировка похожа на другую запись не меньше, чем на свою",
        "добавьте своей записи похожие варианты или перенесите эту в другую",
    ),
    "FAQ005": ("категория не объявлена", "объявите её в `categories:`"),
    "FAQ006": ("в категории нет ни одной записи", "уберите её или добавьте запись"),
    "FAQ007": (
        "ответ не помещается в одно сообщение и уйдёт несколькими",
        "сократите его или напишите короче для этого канала в `answers:`",
    ),
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
    "FAQ015": (
        "запись не бывает первой даже по своим формулировкам",
        "сформулируйте её иначе, чем другую",
    ),
    "FAQ016": (
        "никто, кто пишет, не попадёт к этой записи: ни словами, ни кнопкой",
        "сформулируйте её иначе или ведите к ней кнопку",
    ),
    "FAQ017": (
        "две записи отбирают вопросы друг у друга",
        "назовите в каждой, чем она отличается, или сделайте из двух одну",
    ),
    "unreadable": ("файл не читается", "проверьте `faq.path` в настройках и права на файл"),
    "too-large": ("слишком большой объём", "разделите файл: каталог файлов читается как одна база"),
    "encoding": ("файл не в кодировке UTF-8", "сохраните его в UTF-8"),
    "syntax": ("ошибка YAML", "проверьте отступы, двоеточия и кавычки в этой и предыдущей строке"),
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
