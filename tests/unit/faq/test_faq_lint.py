from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from faq import Category, EntryButton, FaqEntry, KnowledgeBase, Status
from faq.lint import Finding, Severity, lint

A = FaqEntry(id="a", question="Сколько стоит доставка?", answer="300 ₽")
B = FaqEntry(id="b", question="Как вернуть товар?", answer="За 14 дней")

NEAR = (
    FaqEntry(id="a", question="Можно вернуть бракованный товар в другой магазин", answer="x"),
    FaqEntry(id="b", question="Можно вернуть бракованный товар в другой магазин города", answer="x"),
)


def findings(*entries: FaqEntry, today: date | None = None, limit: int = 4096) -> list[Finding]:
    return list(lint(KnowledgeBase(entries=entries), today=today, answer_limit=limit))


def test_a_good_base_has_no_findings(shop: KnowledgeBase) -> None:
    assert [finding.code for finding in lint(shop)] == ["FAQ009"]
    assert findings(A, B) == []


@pytest.mark.parametrize(
    ("code", "entry_id", "field", "severity", "entries"),
    [
        ("FAQ001", "b", "aliases", Severity.ERROR, (A, replace(B, aliases=("сколько СТОИТ доставка",)))),
        ("FAQ002", "a", "question", Severity.WARNING, NEAR),
        ("FAQ005", "a", "category", Severity.ERROR, (replace(A, category="x"), B)),
        ("FAQ007", "a", "answer", Severity.WARNING, (replace(A, answer="а" * 4097), B)),
        ("FAQ007", "a", "answers.en", Severity.WARNING, (replace(A, answers={"en": "а" * 4097}), B)),
        ("FAQ008", "a", "keywords", Severity.WARNING, (replace(A, keywords=("?!",)), B)),
        ("FAQ009", "a", "status", Severity.WARNING, (replace(A, status=Status.RETIRED), B)),
        ("FAQ010", "a", "question", Severity.ERROR, (replace(A, question="?"), B)),
        ("FAQ011", "a", "answer", Severity.ERROR, (replace(A, answer="**"), B)),
        (
            "FAQ012",
            "a",
            "buttons",
            Severity.ERROR,
            (replace(A, buttons=(EntryButton(text="t", faq="z"),)), B),
        ),
        ("FAQ014", "a", "answer", Severity.WARNING, (replace(A, answer="", answers={"en": "x"}), B)),
    ],
)
def test_each_fault_has_its_finding(
    code: str, entry_id: str, field: str, severity: Severity, entries: tuple[FaqEntry, ...]
) -> None:
    found = [(item.entry_id, item.field, item.severity) for item in findings(*entries) if item.code == code]
    assert (entry_id, field, severity) in found


def test_a_question_with_the_words_of_another_is_an_error_and_an_alias_a_warning() -> None:
    same = replace(B, question="Доставка: сколько стоит?", aliases=("стоит доставка сколько",))
    found = {(item.code, item.entry_id, item.severity) for item in findings(A, same)}
    assert {
        ("FAQ003", "a", Severity.ERROR),
        ("FAQ003", "b", Severity.ERROR),
        ("FAQ004", "b", Severity.WARNING),
    } == found


def test_an_unused_category_is_named() -> None:
    base = KnowledgeBase(entries=(A,), categories=(Category(id="empty", title="Пусто"),))
    assert [(item.code, item.entry_id) for item in lint(base)] == [("FAQ006", "empty")]


def test_an_expired_entry_is_found_only_when_the_day_is_known() -> None:
    old = replace(A, valid_to=date(2025, 1, 1))
    assert findings(old, B) == []
    assert [item.code for item in findings(old, B, today=date(2025, 1, 2))] == ["FAQ009"]


def test_a_button_to_a_retired_entry_is_a_warning() -> None:
    found = findings(replace(A, buttons=(EntryButton(text="t", faq="b"),)), replace(B, status=Status.RETIRED))
    assert [item.severity for item in found if item.code == "FAQ012"] == [Severity.WARNING]


def test_a_keyword_of_half_of_the_entries_is_named() -> None:
    base = [
        FaqEntry(id=f"e{n}", question=q, answer="x", keywords=("помощь",))
        for n, q in enumerate(("шкаф", "стол"))
    ]
    assert "FAQ013" in {item.code for item in findings(A, B, *base)}


def test_the_limit_of_answers_is_the_callers() -> None:
    assert [item.code for item in findings(A, replace(B, answer="a" * 11), limit=10)] == ["FAQ007"]


def test_a_finding_says_where_it_is(shop: KnowledgeBase) -> None:
    (finding,) = lint(shop)
    assert finding.file.endswith("shop.yaml")
    assert f"shop.yaml:{finding.line}: FAQ009 warning: old-club.status" in str(finding)
