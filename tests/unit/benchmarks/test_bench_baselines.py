"""The systems that the matcher is held against do what their names say."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import Any

import pytest

from benchmarks import baselines
from benchmarks.baselines import (
    Bm25System,
    DifflibSystem,
    LabMissing,
    SvmSystem,
    System,
    TfidfSystem,
    WRatioSystem,
)
from benchmarks.systems import NAMES, SYSTEMS
from faq import FaqEntry

ENTRIES = (
    FaqEntry(
        id="pay",
        question="Как оплатить заказ?",
        aliases=["оплата картой", "чем платить"],
        keywords=["оплата"],
    ),
    FaqEntry(id="ship", question="Сколько стоит доставка?", aliases=["цена доставки"]),
    FaqEntry(id="back", question="Как вернуть деньги?", aliases=["возврат денег"], keywords=["возврат"]),
    FaqEntry(id="en", question="How do I reset my password?"),
)
CORE = (WRatioSystem, DifflibSystem, Bm25System)
LAB = (TfidfSystem, SvmSystem)

Make = Callable[[Sequence[FaqEntry]], System]


def made(make: Make, entries: Sequence[FaqEntry] = ENTRIES) -> System:
    try:
        return make(entries)
    except LabMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("make", [*CORE, *LAB])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ЦЕНА ДОСТАВКИ!", "ship"),
        ("возврат", "back"),
        ("оплата картой", "pay"),
        ("reset my password", "en"),
    ],
)
def test_a_phrasing_finds_its_entry_in_any_case_and_with_any_commas(
    make: Make, text: str, expected: str
) -> None:
    found = made(make).rank(text, 3)

    assert found[0].entry_id == expected
    assert len({one.entry_id for one in found}) == len(found) <= 3
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


@pytest.mark.parametrize("make", [*CORE, *LAB])
def test_the_limit_holds_and_nothing_is_asked_twice(make: Make) -> None:
    system = made(make)

    assert [system.rank("оплата заказа", limit) for limit in (1, 2)] == [
        system.rank("оплата заказа", 2)[:limit] for limit in (1, 2)
    ]


@pytest.mark.parametrize("make", [*CORE, *LAB])
@pytest.mark.parametrize("text", ["", "🙂", "???", "ъ"])
def test_a_message_of_nothing_is_no_accident(make: Make, text: str) -> None:
    made(make).rank(text, 5)


@pytest.mark.parametrize("make", CORE)
def test_ties_go_in_the_order_of_the_entries(make: Make) -> None:
    twins = [FaqEntry(id=name, question="Где мой заказ?") for name in ("z", "a", "m")]

    assert [one.entry_id for one in make(twins).rank("где мой заказ", 3)] == ["z", "a", "m"]


def test_difflib_gives_the_ratios_that_a_plain_comparison_gives() -> None:
    text = "сколько стоит вернуть заказ"
    plain = {
        entry.id: max(
            SequenceMatcher(None, baselines.folded(phrase), text).ratio()
            for phrase in (*entry.phrasings, *entry.keywords)
        )
        for entry in ENTRIES
    }
    best = sorted(plain.items(), key=lambda pair: -pair[1])[:2]

    found = DifflibSystem(ENTRIES).rank(text, 2)

    assert [(one.entry_id, one.score) for one in found] == best


def test_bm25_weighs_rare_stems_more_than_frequent_ones() -> None:
    entries = [FaqEntry(id=str(number), question=f"Где заказ {word}") for number, word in enumerate("абвгд")]
    entries.append(FaqEntry(id="rare", question="Где лежит сертификат"))

    (first, *_) = Bm25System(entries).rank("где заказ сертификаты", 2)

    assert first.entry_id == "rare"


def test_two_entries_are_enough_for_a_linear_machine_and_one_is_not() -> None:
    system = made(SvmSystem, ENTRIES[:2])

    assert [one.entry_id for one in system.rank("цена доставки", 2)] == ["ship", "pay"]
    assert [one.entry_id for one in system.rank("оплата картой", 2)] == ["pay", "ship"]
    with pytest.raises(ValueError, match="two entries"):
        SvmSystem(ENTRIES[:1])


@pytest.mark.parametrize("make", LAB)
def test_a_missing_library_is_said_with_what_to_do(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> Any:
        raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")

    monkeypatch.setattr(importlib, "import_module", gone)

    with pytest.raises(LabMissing, match=r"sklearn is not installed.*`lab`.*pip install"):
        make(ENTRIES)


def test_every_registered_system_has_a_name() -> None:
    assert set(SYSTEMS) <= set(NAMES)
