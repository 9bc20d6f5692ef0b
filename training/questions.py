"""The labelled questions that weights are fitted on: the bases of this folder, and evaluation files if there are."""

from __future__ import annotations

import json
import random
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from benchmarks.noise import HABITS, in_latin, other_layout, with_slips
from faq import FaqEntry

BASES = Path(__file__).parent / "bases"
_NOISY = {"typo", "translit"}
_EACH = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """A labelled question; no ids for a foreign one. `derived` ones are made of another row by a program."""

    text: str
    ids: frozenset[str]
    tag: str
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Labelled:
    """A base with its labelled questions."""

    name: str
    entries: tuple[FaqEntry, ...]
    questions: tuple[Asked, ...]


def read_base(path: Path) -> Labelled:
    """A base of this folder; a fifth of its clean questions stands there again in each kind of noise."""
    data = yaml.safe_load(path.read_text("utf-8"))
    asked = [
        Asked(str(text), frozenset({entry["id"]}), tag)
        for entry in data["entries"]
        for tag, texts in (entry.get("asked") or {}).items()
        for text in texts
    ]
    asked += [Asked(str(text), frozenset(), tag) for tag, texts in data["foreign"].items() for text in texts]
    asked += [Asked(str(one["q"]), frozenset(one["ids"]), "also") for one in data.get("also") or ()]
    dice = random.Random(zlib.crc32(path.name.encode()))  # noqa: S311 - the same noise every time
    questions: list[Asked] = []
    for one in asked:
        questions.append(one)
        made = _noise(one.text.lower(), int(dice.random() / _EACH), dice)
        if made is not None and one.tag not in _NOISY:
            text, tag = made
            questions.append(Asked(text, one.ids, tag, derived=True))
    return Labelled(path.stem, tuple(_entry(row) for row in data["entries"]), tuple(questions))


def _noise(text: str, kind: int, dice: random.Random) -> tuple[str, str] | None:
    match kind:
        case 0:
            return other_layout(text), "D:layout"
        case 1:
            return in_latin(text, dice.randrange(len(HABITS))), "D:translit"
        case 2:
            return with_slips(text, dice), "D:typo"
        case _:
            return None


def read_evaluation(path: Path) -> Labelled:
    """An evaluation file: rows of entries and of queries."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return Labelled(
        path.stem,
        tuple(_entry(row) for row in rows if row["type"] == "entry"),
        tuple(
            Asked(row["q"], frozenset(row["ids"]), row["tag"], derived=bool(row["derived"]))
            for row in rows
            if row["type"] == "query"
        ),
    )


def variants(base: Labelled) -> list[Labelled]:
    """The base whole; without a seventh of its entries; and a dozen of its entries.

    Questions of the entries that are left out become foreign ones, the hardest there are: they are about this very
    subject. At most half as many as there are others.
    """
    return [base, *(_part(base, name, share) for name, share in (("most", 6 / 7), ("few", 0.3)))]


def _part(base: Labelled, name: str, share: float) -> Labelled:
    dice = random.Random(zlib.crc32(f"{base.name} {name}".encode()))  # noqa: S311 - the same part every time
    kept = set(dice.sample([entry.id for entry in base.entries], max(round(share * len(base.entries)), 8)))
    own = [one for one in base.questions if not one.ids or one.ids & kept]
    lost = [
        replace(one, ids=frozenset(), tag="held out")
        for one in base.questions
        if one.ids and not one.ids & kept
    ]
    lost = dice.sample(lost, min(len(lost), len(own) // 2))
    return Labelled(
        f"{base.name}:{name}", tuple(entry for entry in base.entries if entry.id in kept), (*own, *lost)
    )


def _entry(row: dict[str, object]) -> FaqEntry:
    return FaqEntry(
        id=str(row["id"]),
        question=str(row["question"]),
        answer=str(row.get("answer") or ""),
        aliases=tuple(map(str, row.get("aliases") or ())),  # type: ignore[call-overload]
        keywords=tuple(map(str, row.get("keywords") or ())),  # type: ignore[call-overload]
        language=str(row.get("lang") or "ru"),
    )
