"""Questions whose answers name them: so what people saw can be judged without asking the bot.

No platform says which question an answer belongs to. Here each question asks for a code and its answer repeats it; the
next messages of a chat ask for other codes until all of them were asked for, and then they come again.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import yaml

from faq import FaqManager, Outcome
from faq.source import load_knowledge
from optfm_bot.errors import OptfmError

PERIODS = (211, 223)
"""How many codes there may be: two primes. In a chat all of them are asked for before one comes again."""

_WORDINGS = (
    "Проверочный код {code:03d} — что это?",
    "проверочный код {code:03d} что это",
    "ПРОВЕРОЧНЫЙ КОД {code:03d} - ЧТО ЭТО?",
)
"""Ways to ask for one thing: together more texts than the bot remembers decisions for, so each is really looked up."""

_CODE = re.compile(r"проверочный код (\d{3})", re.IGNORECASE)
_FILE = "optfm-bench-codes.yaml"


class BaseUnfit(OptfmError):
    """The knowledge base cannot be measured with."""


def period_for(chats: int) -> int:
    """How many codes go with so many chats, which ask in turn: no divisor in common, so no chat misses a code."""
    return next(period for period in PERIODS if chats % period)


def texts(period: int) -> list[str]:
    """What is asked, message by message: the i-th text asks for the code `i % period`."""
    return [wording.format(code=code) for wording in _WORDINGS for code in range(period)]


def code_in(words: str) -> int | None:
    """The code that a question or an answer is about; None for anything else that was said."""
    found = _CODE.search(words)
    return int(found[1]) if found else None


def write_base(folder: Path, period: int, own: Path | None = None) -> None:
    """Write a base with the codes into a folder that is not there yet, beside a copy of `own` (a file or a folder).

    Raises `KnowledgeError` for a base with mistakes, `BaseUnfit` if the whole does not answer every code with it, and
    `OSError`.
    """
    folder.mkdir(parents=True)
    if own is not None:
        if own.is_dir():
            shutil.copytree(own, folder / "own")
        else:
            load_knowledge(own)  # says what is wrong under the name that the owner knows
            (folder / "own").mkdir()
            shutil.copy(own, folder / "own" / own.name)
    entries = [
        {
            "id": f"optfm-bench-{code:03d}",
            "question": _WORDINGS[0].format(code=code),
            "answer": f"Проверочный код {code:03d} получен.",
        }
        for code in range(period)
    ]
    document = {"version": 1, "language": "ru", "entries": entries}
    (folder / _FILE).write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    _prove(folder, period)


def _prove(folder: Path, period: int) -> None:
    manager = FaqManager.from_base(load_knowledge(folder))
    for number, text in enumerate(texts(period)):
        decision = manager.decide(text)
        if (
            decision.outcome is not Outcome.ANSWER
            or decision.entry_id != f"optfm-bench-{number % period:03d}"
        ):
            raise BaseUnfit(
                f"With this knowledge base “{text}” would not be answered with its own code but by"
                f" {decision.entry_id or decision.outcome.value}. Measure with another base"
            )
