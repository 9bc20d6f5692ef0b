"""How well each system answers labelled questions. Measures are those of `faq.quality`; nothing here is timed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from rapidfuzz import fuzz

from benchmarks.baselines import System
from benchmarks.noise import HABITS, in_latin, other_layout
from benchmarks.systems import SYSTEMS, House
from faq import FaqEntry
from faq.quality.labelled import LabelledFile, LabelledQuestion, read_labelled
from faq.quality.metrics import Metrics, correct_at_false_answers, measure
from faq.quality.row import Row, row_of

LIMIT = 5
PAIRS = 1_000_000
"""difflib is left out of a file where it would have to compare more pairs of texts: it takes minutes."""
QUICK = 150
DECIDED = (
    "correct",
    "wrong",
    "offered",
    "misoffered",
    "silent",
    "false_answers",
    "foreign_offered",
    "precision",
)
"""Shares that tell what people get, as `faq.quality.metrics.Metrics` names them."""
SAME = 75.0
"""The least likeness (of 100) of a derived question to what it was made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A base with its questions. `fitted` ones were used to fit the shipped weights."""

    name: str
    entries: tuple[FaqEntry, ...]
    questions: tuple[LabelledQuestion, ...]
    fitted: bool = False

    @property
    def phrases(self) -> int:
        """How many questions, aliases and keywords there are."""
        return sum(len(entry.phrasings) + len(entry.keywords) for entry in self.entries)


# -- reading ---------------------------------------------------------------------------------------------------------


def labelled_cases(folder: Path, prefix: str = "") -> Iterator[Case]:
    """The evaluation files of a folder that bring their entries with them, named by file. Raises `LabelledError`."""
    for path in sorted(folder.glob("*.jsonl")):
        found: LabelledFile = read_labelled(path)
        if found.entries:
            yield Case(name=prefix + path.stem, entries=found.entries, questions=found.questions)


class BaseUnreadable(ValueError):
    """A base is not of the expected shape; the message names the file and what is wrong."""


def training_cases(folder: Path) -> Iterator[Case]:
    """The bases that the weights were fitted on. Raises `BaseUnreadable`."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            yield training_case(f"training/{path.stem}", yaml.safe_load(path.read_text("utf-8")))
        except yaml.YAMLError as error:
            raise BaseUnreadable(f"{path.name} is not valid YAML: {error}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise BaseUnreadable(f"{path.name} is not a base with questions: {error!r}") from error


def training_case(name: str, data: Mapping[str, Any]) -> Case:
    """Entries with what was `asked` of each by tag, `foreign` questions by tag, and `also` with several ids."""
    questions = [
        LabelledQuestion(text=text, ids=frozenset({entry["id"]}), tag=tag)
        for entry in data["entries"]
        for tag, texts in entry["asked"].items()
        for text in texts
    ]
    questions += [
        LabelledQuestion(text=text, tag=tag) for tag, texts in data["foreign"].items() for text in texts
    ]
    questions += [
        LabelledQuestion(text=row["q"], ids=frozenset(row["ids"]), tag="several")
        for row in data.get("also", ())
    ]
    entries = (
        FaqEntry(
            id=entry["id"],
            question=entry["question"],
            answer=entry.get("answer", ""),
            aliases=entry.get("aliases", ()),
            keywords=entry.get("keywords", ()),
        )
        for entry in data["entries"]
    )
    return Case(name=name, entries=tuple(entries), questions=tuple(questions), fitted=True)


def thinned(case: Case, most: int = QUICK) -> Case:
    """At most so many questions in their order, always the same ones. Not every nth: kinds of noise take turns."""
    if len(case.questions) <= most:
        return case
    chosen = sorted(random.Random(1).sample(range(len(case.questions)), most))  # noqa: S311 - keeps no secret
    return replace(case, questions=tuple(case.questions[number] for number in chosen))


# -- asking ----------------------------------------------------------------------------------------------------------


def ask(system: System, questions: Sequence[LabelledQuestion]) -> list[Row]:
    """What a system did with each question. Only ours decide; of the others there is the ranking alone."""
    if isinstance(system, House):
        manager = system.manager
        return [row_of(one, manager.decide(one.text), manager.rank(one.text, LIMIT)) for one in questions]
    return [Row(question=one, ranked=tuple(system.rank(one.text, LIMIT))) for one in questions]


def bearable(name: str, case: Case) -> bool:
    """Whether a system can be asked all questions of a case in reasonable time."""
    return name != "difflib" or case.phrases * len(case.questions) <= PAIRS


def measure_case(case: Case, name: str) -> dict[str, Any]:
    """All measures of a system on a case. Raises `LabMissing` where a library is not installed."""
    system = SYSTEMS[name](case.entries)
    rows = ask(system, case.questions)
    decides = isinstance(system, House)
    limit = correct_at_false_answers(rows)
    above = limit.above if limit else None
    found: dict[str, Any] = {
        "decides": decides,
        "all": _data(measure(rows), decides=decides),
        "clean": _data(measure([row for row in rows if not row.question.derived]), decides=decides),
    }
    if any(row.question.derived for row in rows):
        found["derived"] = _data(measure([row for row in rows if row.question.derived]), decides=decides)
        found["against_clean"] = against_clean(rows)
    if decides:
        found["reliability"] = [
            {"certainty": one.certainty, "right": one.right.value, "answers": one.right.total}
            for one in measure(rows).reliability
        ]
    if decides or not case.fitted:
        found["tags"] = {
            tag: _data(measure(members), decides=decides) | (at_limit(members, above) if limit else {})
            for tag in dict.fromkeys(row.question.tag for row in rows)
            if (members := [row for row in rows if row.question.tag == tag])
        }
    return found


def at_limit(rows: Sequence[Row], above: float | None) -> dict[str, float | None]:
    """What these rows would get at the confidence that lets 5 % of all foreign questions of the file through."""
    passing = [row for row in rows if row.ranked and (above is None or row.confidence > above)]
    own = [row for row in rows if not row.question.foreign]
    foreign = len(rows) - len(own)
    return {
        "file_limit_correct": sum(row.first_is_right for row in passing) / len(own) if own else None,
        "file_limit_false": sum(row.question.foreign for row in passing) / foreign if foreign else None,
    }


def _data(metrics: Metrics, *, decides: bool) -> dict[str, float | int | None]:
    """The measures as flat numbers, shares from 0 to 1; those of decisions only where something is decided."""
    limit = metrics.at_false_answers
    data: dict[str, float | int | None] = {
        "in_scope": metrics.in_scope,
        "foreign": metrics.foreign,
        "mrr5": metrics.mrr5,
        "auroc": metrics.auroc,
        "correct_at_5_false": limit.correct.value if limit else None,
    }
    data |= {name: getattr(metrics, name).value for name in ("top1", "recall3")}
    if decides:
        data |= {name: getattr(metrics, name).value for name in DECIDED}
        data |= {"calibration_error": metrics.calibration_error, "brier": metrics.brier}
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in data.items()}


# -- noise against the clean question --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drop:
    """Derived questions in scope against the clean ones they were made of: shares of both, and the difference."""

    pairs: int
    unpaired: int
    clean: float
    derived: float

    @property
    def points(self) -> float:
        """How many of a hundred are lost; below zero where noise helps."""
        return 100 * (self.clean - self.derived)


def against_clean(rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Top-1 of each kind of derived questions beside that of their own clean ones."""
    clean = [row for row in rows if not row.question.derived and not row.question.foreign]
    found = {}
    for tag in dict.fromkeys(row.question.tag for row in rows if row.question.derived):
        members = [
            row
            for row in rows
            if row.question.derived and row.question.tag == tag and not row.question.foreign
        ]
        pairs = [(parent, row) for row in members if (parent := parent_of(row, clean)) is not None]
        if pairs:
            drop = Drop(
                pairs=len(pairs),
                unpaired=len(members) - len(pairs),
                clean=sum(parent.first_is_right for parent, _ in pairs) / len(pairs),
                derived=sum(row.first_is_right for _, row in pairs) / len(pairs),
            )
            found[tag] = asdict(drop) | {"points": drop.points}
    return found


def parent_of(derived: Row, clean: Sequence[Row]) -> Row | None:
    """The clean question of the same entries that a derived one was made of; None if none is like it."""
    ids, text = derived.question.ids, derived.question.text.lower()
    best, parent = SAME, None
    for row in clean:
        if row.question.ids == ids:
            told = row.question.text.lower()
            forms = (told, other_layout(told), *(in_latin(told, habit) for habit in range(len(HABITS))))
            likeness = max(fuzz.ratio(text, form) for form in forms)
            if likeness > best:
                best, parent = likeness, row
    return parent
