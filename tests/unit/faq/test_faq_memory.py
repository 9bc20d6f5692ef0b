"""What a manager remembers: bounded, by everything that changes the result, gone with the entries that it was about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import pytest

from faq import FaqEntry, FaqManager, followup, parts
from faq.contract import EVERYTHING, Candidate, Decision, Evidence, Outcome, Query, Scope, Via
from faq.manager import REMEMBERED, REMEMBERED_LENGTH, REMEMBERED_RANKS

PAY = FaqEntry(id="pay", question="Как оплатить заказ?", category="money")
SALE = FaqEntry(id="sale", question="Какие скидки?", valid_from=date(2026, 5, 2))
MONEY = Scope(categories=frozenset({"money"}))


class Counting:
    """A matcher that finds its first entry for everything and counts what it was asked."""

    asked: Counter[tuple[str, Scope, int]]

    def __init__(self, entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> None:
        del synonyms
        self._entries = entries

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> Sequence[Candidate]:
        self.asked[query.text, scope, limit] += 1
        evidence = Evidence(phrase="", via=Via.QUESTION, message_coverage=1.0, subjects=1)
        return [Candidate(entry_id=entry.id, score=0.9, evidence=evidence) for entry in self._entries[-1:]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, Scope, int]]:
    counted: Counter[tuple[str, Scope, int]] = Counter()
    monkeypatch.setattr(Counting, "asked", counted, raising=False)
    return counted


def test_a_text_is_decided_and_ranked_once(asked: Counter[tuple[str, Scope, int]]) -> None:
    manager = FaqManager([PAY], matcher=Counting)

    assert manager.decide("как") == manager.decide("как")
    assert manager.rank("как", 4) == manager.rank("как", 4)

    assert set(asked.values()) == {1}


def test_scope_and_limit_are_no_less_than_the_text(asked: Counter[tuple[str, Scope, int]]) -> None:
    manager = FaqManager([PAY], matcher=Counting)

    for text, scope, limit in (
        ("а", EVERYTHING, 5),
        ("а", MONEY, 5),
        ("а", EVERYTHING, 6),
        ("б", EVERYTHING, 5),
    ):
        manager.rank(text, limit, scope=scope)
    manager.decide("в")
    manager.decide("в", scope=MONEY)

    assert len(asked) == 6
    assert set(asked.values()) == {1}


@pytest.mark.parametrize(("most", "ask"), [(REMEMBERED, "decide"), (REMEMBERED_RANKS, "rank")])
def test_the_oldest_is_forgotten(asked: Counter[tuple[str, Scope, int]], most: int, ask: str) -> None:
    call = getattr(FaqManager([PAY], matcher=Counting), ask)
    for number in range(most + 1):
        call(f"текст {number}")

    call(f"текст {most}")
    call("текст 0")

    times = {text: count for (text, _, _), count in asked.items()}
    assert (times["текст 0"], times[f"текст {most}"]) == (2, 1)


@pytest.mark.parametrize("ask", ["decide", "rank"])
def test_a_long_text_is_not_kept(asked: Counter[tuple[str, Scope, int]], ask: str) -> None:
    call = getattr(FaqManager([PAY], matcher=Counting), ask)
    for length in (REMEMBERED_LENGTH, REMEMBERED_LENGTH + 1):
        call("я" * length)
        call("я" * length)

    assert sorted((len(text), count) for (text, _, _), count in asked.items()) == [
        (REMEMBERED_LENGTH, 1),
        (REMEMBERED_LENGTH + 1, 2),
    ]


def test_another_day_with_other_entries_decides_anew(asked: Counter[tuple[str, Scope, int]]) -> None:
    day = [date(2026, 5, 1)]
    manager = FaqManager([PAY, SALE], today=lambda: day[0], matcher=Counting)
    before = manager.edition, manager.decide("что").entry_id, manager.rank("что")[0].entry_id
    day[0] = date(2026, 5, 2)
    after = manager.edition, manager.decide("что").entry_id, manager.rank("что")[0].entry_id
    day[0] = date(2026, 5, 3)

    assert (before[1:], after[1:]) == (("pay", "pay"), ("sale", "sale"))
    assert before[0] != after[0] == manager.edition


def test_editions_of_two_managers_differ_even_over_the_same_entries() -> None:
    assert FaqManager([PAY]).edition != FaqManager([PAY]).edition


def test_a_policy_of_somebody_else_sees_five_candidates(asked: Counter[tuple[str, Scope, int]]) -> None:
    class Silent:
        def decide(self, candidates: Sequence[Candidate]) -> Decision:
            del candidates
            return Decision(outcome=Outcome.ADMIT)

    FaqManager([PAY], matcher=Counting, policy=Silent()).decide("а")
    FaqManager([PAY], matcher=Counting).decide("б")

    assert {(text, limit) for text, _, limit in asked} == {("а", 5), ("б", 3)}


@pytest.mark.parametrize(
    ("remembered", "ask"),
    [(parts._remembered_split, parts.split), (followup._read_short, followup.is_follow_up)],
    ids=["parts", "follow-up"],
)
def test_how_a_text_is_cut_and_read_is_remembered_within_bounds(remembered: object, ask: object) -> None:
    remembered.cache_clear()  # type: ignore[attr-defined]  # of `lru_cache`
    most = remembered.cache_info().maxsize  # type: ignore[attr-defined]  # the same
    for number in range(most + 10):
        ask(f"а в город {number}?")  # type: ignore[operator]  # one of two functions of a text
    ask("а " * 101)  # type: ignore[operator]  # the same

    info = remembered.cache_info()  # type: ignore[attr-defined]  # the same
    assert (info.currsize, info.misses) == (most, most + 10)
