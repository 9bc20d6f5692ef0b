from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import (
    Candidate,
    Category,
    EntryButton,
    Evidence,
    FaqEntry,
    FaqManager,
    KnowledgeBase,
    Query,
    Scope,
    Status,
)
from faq.contract import EVERYTHING, Via
from faq.lint import Finding, Limit, Severity, lint
from faq.linting.likeness import COMPARED, Likeness
from faq.linting.phrasings import phrasings
from faq.manager import MatcherFactory
from faq.normalize import Normalizer

A = FaqEntry(id="a", question="Сколько стоит доставка?", answer="300 ₽")
B = FaqEntry(id="b", question="Как вернуть товар?", answer="За 14 дней")

NEAR = (
    FaqEntry(id="a", question="Можно вернуть бракованный товар в другой магазин", answer="x"),
    FaqEntry(id="b", question="Можно вернуть бракованный товар в другой магазин города", answer="x"),
)


def findings(*entries: FaqEntry, today: date | None = None) -> list[Finding]:
    return list(lint(KnowledgeBase(entries=entries), today=today))


def codes(found: Sequence[Finding]) -> list[str]:
    return [str(item.code) for item in found]


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


def test_an_entry_that_ends_before_it_begins_is_over() -> None:
    never = replace(A, valid_from=date(2025, 2, 1), valid_to=date(2025, 1, 1))
    assert [(item.code, item.field) for item in findings(never, B)] == [("FAQ009", "valid_to")]


def test_a_finding_says_where_it_is(shop: KnowledgeBase) -> None:
    (finding,) = lint(shop)
    assert finding.file.endswith("shop.yaml")
    assert f"shop.yaml:{finding.line}: FAQ009 warning: old-club.status" in str(finding)


# -- phrasings that are alike ----------------------------------------------------------------------------


OTHERS = tuple(
    FaqEntry(id=f"o{number}", question=question, answer="x")
    for number, question in enumerate(
        ("Где находится ваш склад?", "Какая гарантия на наушники?", "Есть ли скидки студентам?")
    )
)


@pytest.mark.parametrize(
    ("one", "two", "code"),
    [
        ("Как вернуть бракованный товар?", "возврат бракованных товаров как", None),
        ("Как оплатить заказ картой?", "Картами как оплатить заказы?", "FAQ003"),
        ("Как оплатить заказ картой?", "А как мне оплатить заказ картой", "FAQ002"),
        ("Стоимость доставки курьером", "Стоимость дотсавки курьером", "FAQ002"),
        ("Стоимость доставки курьером", "Стоимость доставки курером", "FAQ002"),
        ("Какой аккумулятор у iPhone 14?", "Какой аккумулятор у iPhone 15?", None),
        ("Как поменять масло в двигателе?", "Когда поменять масло в двигателе?", None),
        ("Что делать, если пришёл код подтверждения?", "Что делать, если не пришёл код подтверждения?", None),
        ("Как оформить заказ на сайте?", "Как отменить заказ на сайте?", None),
        ("How do I cancel my subscription?", "How can I cancel subscriptions?", "FAQ002"),
    ],
)
def test_near_duplicates_are_told_from_different_questions(one: str, two: str, code: str | None) -> None:
    first, second = (FaqEntry(id=name, question=text, answer="x") for name, text in (("a", one), ("b", two)))
    found = {(item.code, item.entry_id, item.facts["other"]) for item in findings(first, second, *OTHERS)}
    assert found == ({(code, "a", "b"), (code, "b", "a")} if code else set())


def test_a_phrasing_that_an_entry_repeats_is_no_fault() -> None:
    assert findings(replace(A, aliases=("сколько стоит доставка", "доставка сколько стоит")), B) == []


@given(st.permutations(["вернуть", "бракованный", "товар", "в", "магазин", "после", "праздников"]))
def test_any_order_of_the_same_words_is_found(words: list[str]) -> None:
    one = FaqEntry(id="a", question="вернуть бракованный товар в магазин после праздников", answer="x")
    found = findings(one, FaqEntry(id="b", question=" ".join(words), answer="x"))
    assert set(codes(found)) in ({"FAQ001"}, {"FAQ003"})


@given(st.lists(st.text(max_size=30).filter(str.strip), max_size=6))
def test_whatever_the_texts_lint_gives_findings_and_always_the_same(texts: list[str]) -> None:
    base = KnowledgeBase(
        entries=tuple(
            FaqEntry(id=f"e{number}", question=text, answer=text, aliases=texts[number:])
            for number, text in enumerate(texts)
        )
    )
    assert lint(base, manager=asking(by_words), thorough=True) == lint(
        base, manager=asking(by_words), thorough=True
    )


def test_a_large_base_is_not_compared_each_with_each(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(1)  # noqa: S311 - reproducible, keeps no secret
    words = [f"слово{letter}{other}" for letter in "абвгдежзик" for other in "лмнопрстуф"]
    entries = [
        FaqEntry(id=f"e{n}", question=f"как заказ {' '.join(dice.sample(words, 4))}", answer="x")
        for n in range(500)
    ]
    compared = 0
    closeness = Likeness.closeness

    def counted(self: Likeness, one: int, two: int) -> float:
        nonlocal compared
        compared += 1
        return closeness(self, one, two)

    monkeypatch.setattr(Likeness, "closeness", counted)
    texts = list(phrasings(entries, Normalizer()))
    likeness = Likeness(texts)
    assert any(likeness.nearest(place) is not None for place in range(len(texts)))
    assert 0 < compared <= COMPARED * len(texts)


# -- lengths ---------------------------------------------------------------------------------------------


LONG = replace(A, answer="а" * 50, answers={"max": "б" * 30, "telegram.en": "в" * 90, "web": "г" * 50})


def lengths(entry: FaqEntry, **limits: Limit) -> list[tuple[str, str]]:
    found = lint(KnowledgeBase(entries=(entry, B)), limits=limits)
    return [
        (item.field, str(item.facts["channels"]))
        for item in found
        if item.code == "FAQ007" and item.entry_id == "a"
    ]


def test_a_long_answer_names_the_channels_that_show_it_and_says_that_it_is_split() -> None:
    assert lengths(LONG, telegram=Limit(40)) == [
        ("answer", "telegram: 50 > 40"),
        ("answers.telegram.en", "telegram: 90 > 40"),
    ]
    assert lengths(LONG, max=Limit(29), web=Limit(49)) == [
        ("answers.max", "max: 30 > 29"),
        ("answers.web", "web: 50 > 49"),
    ]
    both = lengths(LONG, one=Limit(40), two=Limit(20, kind="max"), three=Limit(45))
    assert both == [("answer", "one: 50 > 40, three: 50 > 45"), ("answers.max", "two: 30 > 20")]
    (finding, *_) = lint(KnowledgeBase(entries=(LONG, B)), limits={"telegram": Limit(40)})
    assert "several" in finding.message


def test_a_channel_counts_as_it_will() -> None:
    assert lengths(A, telegram=Limit(10, length=lambda _: 11)) == [("answer", "telegram: 11 > 10")]
    assert lengths(replace(A, answer="а" * 50), telegram=Limit(10, length=lambda _: 10)) == []
    assert lengths(LONG) == []


# -- links -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "severity", "words"),
    [
        (replace(B, status=Status.DRAFT), Severity.WARNING, "it is draft"),
        (replace(B, valid_from=date(2026, 1, 2)), Severity.WARNING, "before 2026-01-02"),
        (replace(B, valid_to=date(2025, 12, 31)), Severity.WARNING, "since 2025-12-31"),
        (replace(B, id="c"), Severity.ERROR, "does not exist"),
        (replace(B, buttons=(EntryButton(text="t", faq="a"), EntryButton(text="t", faq="b"))), None, ""),
    ],
)
def test_a_button_says_why_it_leads_nowhere_and_loops_are_fine(
    target: FaqEntry, severity: Severity | None, words: str
) -> None:
    found = findings(replace(A, buttons=(EntryButton(text="t", faq="b"),)), target, today=date(2026, 1, 1))
    links = [item for item in found if item.code == "FAQ012"]
    assert [item.severity for item in links] == ([severity] if severity else [])
    assert all(words in item.message for item in links)


# -- asking ----------------------------------------------------------------------------------------------


class ByWords:
    """Sure of the entry with a phrasing that shares most words with the message, if it shares a third of them."""

    def __init__(self, entries: Sequence[FaqEntry]) -> None:
        self.entries = entries

    def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> list[Candidate]:
        asked = _words(query.text)
        shares = {}
        for entry in self.entries:
            shared = [(len(asked & _words(text)), len(asked | _words(text))) for text in entry.phrasings]
            shares[entry.id] = max(same / (both or 1) for same, both in shared)
        best = sorted((name for name in shares if shares[name] > 1 / 3), key=lambda name: -shares[name])
        return [
            candidate(name, (1.0 if shares[name] == 1 else 0.97) if not place else 0.02)
            for place, name in enumerate(best[:limit])
        ]


def _words(text: str) -> set[str]:
    return set(Normalizer().fold(text).split())


def candidate(entry_id: str, score: float, phrase: str = "x") -> Candidate:
    evidence = Evidence(
        phrase=phrase,
        via=Via.ALIAS,
        exact=score == 1,
        message_coverage=1.0,
        phrase_coverage=1.0,
        subjects=2,
        support=1.0,
    )
    return Candidate(entry_id=entry_id, score=score, evidence=evidence)


def by_words(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> ByWords:
    return ByWords(entries)


def asking(matcher: MatcherFactory) -> Callable[..., FaqManager]:
    return partial(FaqManager, matcher=matcher)


def asked(*entries: FaqEntry) -> list[Finding]:
    return list(lint(KnowledgeBase(entries=entries), thorough=True, manager=asking(by_words)))


PAY = FaqEntry(
    id="pay",
    question="можно оплатить заказ картой",
    aliases=("можно оплатить заказ мобильным телефоном", "покажите каталог зимних моделей обуви"),
    answer="x",
)
CATALOGUE = FaqEntry(
    id="catalogue",
    question="каталог летних моделей обуви",
    aliases=("каталог летних моделей обуви онлайн",),
    answer="x",
)


def test_an_alias_that_another_entry_answers_better_names_it_and_the_scores() -> None:
    (finding,) = asked(PAY, CATALOGUE)
    assert (finding.code, finding.severity) == ("FAQ004", Severity.WARNING)
    assert (finding.entry_id, finding.field) == ("pay", "aliases")
    assert finding.facts["text"] == "покажите каталог зимних моделей обуви"
    assert finding.facts["other"] == "catalogue"
    closeness, own = finding.facts["closeness"], finding.facts["own"]
    assert isinstance(closeness, float)
    assert isinstance(own, float)
    assert closeness > own


def test_nothing_is_asked_unless_it_is_wanted() -> None:
    def refuse(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> ByWords:
        raise AssertionError("a quick look makes no manager")

    assert lint(KnowledgeBase(entries=(PAY, CATALOGUE)), manager=asking(refuse)) == ()


def test_two_entries_that_take_from_each_other_are_told_once() -> None:
    taken = replace(CATALOGUE, aliases=(*CATALOGUE.aliases, "срочно оплатить заказ"))
    found = [item for item in asked(PAY, taken) if item.code == "FAQ017"]
    assert [(item.entry_id, dict(item.facts)) for item in found] == [
        ("pay", {"other": "catalogue", "lost": 1, "won": 1})
    ]


def test_the_only_wording_of_an_entry_is_asked_too_and_the_hint_is_another() -> None:
    one = FaqEntry(id="one", question="картой можно оплатить заказ", answer="x")
    found = [item for item in asked(one, PAY) if item.entry_id == "one"]
    assert [(item.code, item.severity, item.facts["other"]) for item in found] == [
        ("FAQ003", Severity.ERROR, "pay")
    ]
    other = replace(one, question="оплатить заказ старой подарочной картой")
    (finding,) = [item for item in asked(other, PAY) if item.entry_id == "one" and item.field == "question"]
    assert (finding.code, finding.severity, finding.facts["other"]) == ("FAQ003", Severity.WARNING, "pay")
    assert "own" not in finding.facts
    assert "aliases" in finding.hint


def test_what_is_told_as_a_duplicate_is_not_told_again() -> None:
    alone = replace(CATALOGUE, aliases=())
    assert codes(asked(alone, replace(alone, id="copy"))) == ["FAQ001", "FAQ016"]


@pytest.mark.parametrize(
    ("ranking", "buttons", "expected"),
    [
        ((("a", 0.9),), (), [("FAQ016", Severity.ERROR, "a")]),
        ((("a", 0.9),), (EntryButton(text="t", faq="b"),), [("FAQ015", Severity.WARNING, "a")]),
        ((("a", 0.7), ("b", 0.69)), (), [("FAQ015", Severity.WARNING, "a")]),
        ((("b", 0.9), ("a", 0.1)), (), []),
    ],
)
def test_an_entry_that_never_comes_first_is_dead_and_without_a_way_unreachable(
    ranking: tuple[tuple[str, float], ...],
    buttons: tuple[EntryButton, ...],
    expected: list[tuple[str, Severity, str]],
) -> None:
    class Partial(ByWords):
        def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> list[Candidate]:
            if query.text == A.question:
                return [candidate("a", 1.0)]
            return [candidate(name, score) for name, score in ranking]

    found = lint(
        KnowledgeBase(entries=(replace(A, buttons=buttons), B)),
        thorough=True,
        manager=asking(lambda entries, _: Partial(entries)),
    )
    reached = [item for item in found if item.code in {"FAQ015", "FAQ016"}]
    assert [(item.code, item.severity, item.facts["other"]) for item in reached] == expected
    assert all(item.entry_id == "b" for item in reached)


def test_a_button_of_an_unreachable_entry_makes_nothing_reachable() -> None:
    class OnlyA(ByWords):
        def rank(self, query: Query, *, scope: Scope = EVERYTHING, limit: int = 5) -> list[Candidate]:
            return [candidate("a", 0.9)]

    ring = (
        A,
        replace(B, buttons=(EntryButton(text="t", faq="c"),)),
        replace(B, id="c", question="Где склад?", buttons=(EntryButton(text="t", faq="b"),)),
    )
    found = lint(
        KnowledgeBase(entries=ring), thorough=True, manager=asking(lambda entries, _: OnlyA(entries))
    )
    assert [item.entry_id for item in found if item.code == "FAQ016"] == ["b", "c"]


def many(count: int) -> KnowledgeBase:
    dice = random.Random(2)  # noqa: S311 - reproducible, keeps no secret
    words = [one + two for one in ("бак", "вол", "гур", "дом", "жал") for two in ("ина", "орт", "есь", "уха")]
    return KnowledgeBase(
        entries=tuple(
            FaqEntry(
                id=f"e{n}",
                question=" ".join(dice.sample(words, 5)),
                aliases=(" ".join(dice.sample(words, 5)),),
                answer="x",
            )
            for n in range(count)
        )
    )


def test_few_bases_are_made_for_many_phrasings_and_progress_only_grows() -> None:
    sizes: list[int] = []
    shares: list[float] = []

    def counted(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> ByWords:
        sizes.append(len(entries))
        return ByWords(entries)

    lint(many(80), thorough=True, manager=asking(counted), watch=shares.append)
    assert len(sizes) < 40
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] == 1.0


@pytest.mark.parametrize("today", [None, date(2026, 1, 1)])
def test_the_matcher_of_the_house_finds_a_stolen_alias(today: date | None) -> None:
    stolen = replace(A, aliases=("цена доставки", "как вернуть бракованный товар обратно"))
    owner = replace(B, aliases=("вернуть бракованный товар", "хочу вернуть бракованный товар"))
    dated = replace(owner, valid_from=date(2025, 1, 1))
    found = lint(KnowledgeBase(entries=(stolen, dated, *OTHERS)), today=today, thorough=True)
    assert ("a", "b") in {(item.entry_id, item.facts.get("other")) for item in found}
    assert "FAQ015" not in codes(found)
    assert "FAQ016" not in codes(found)
