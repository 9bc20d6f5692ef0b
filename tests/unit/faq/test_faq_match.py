from __future__ import annotations

import random
import string
from collections.abc import Sequence

import pytest

from faq import Category, FaqEntry, FaqManager, Outcome, Query, Scope
from faq.contract import How, Via
from faq.index import Index, sound
from faq.match import CoverMatcher
from faq.normalize import Normalizer


def entry(name: str, question: str, **more: object) -> FaqEntry:
    return FaqEntry(id=name, question=question, answer="Ответ", **more)  # type: ignore[arg-type]


def matcher(*entries: FaqEntry, synonyms: Sequence[Sequence[str]] = ()) -> CoverMatcher:
    return CoverMatcher(Index(entries, Normalizer(), synonyms))


COST = entry("cost", "Сколько стоит доставка?")
TIME = entry("time", "Когда привезут посылку?")
CANCEL = entry("cancel", "Как отменить заказ?")
RETURN = entry("return", "Как вернуть товар?", aliases=("возврат денег",), keywords=("возврат",))
BASE = (COST, TIME, CANCEL, RETURN)


def scores(text: str, *entries: FaqEntry, synonyms: Sequence[Sequence[str]] = ()) -> dict[str, float]:
    found = matcher(*entries, synonyms=synonyms).rank(Query(text=text), limit=50)
    return {candidate.entry_id: candidate.score for candidate in found}


@pytest.mark.parametrize("text", ["Сколько стоит доставка?", "привет, СКОЛЬКО стоит доставка!!"])
def test_a_phrasing_word_for_word_scores_one(text: str) -> None:
    best = matcher(*BASE).rank(Query(text=text))[0]
    assert (best.entry_id, best.score, best.evidence.exact) == ("cost", 1.0, True)


def test_a_whole_keyword_is_nearly_a_phrasing() -> None:
    best = matcher(*BASE).rank(Query(text="возврат"))[0]
    assert (best.entry_id, best.score, best.evidence.via) == ("return", 0.95, Via.KEYWORD)


@pytest.mark.parametrize(
    ("text", "expected", "how"),
    [
        ("отмена заказа", "cancel", How.EXACT),
        ("стоимость доставки", "cost", How.EXACT),
        ("атменить заказ", "cancel", How.TYPO),
        ("отмнеить", "cancel", How.TYPO),
        ("сколько стоит достафка", "cost", How.TYPO),
        ("сколько стоит доставить", "cost", How.RELATED),
    ],
)
def test_words_are_found_by_stem_root_and_sound(text: str, expected: str, how: How) -> None:
    best = matcher(*BASE).rank(Query(text=text))[0]
    assert expected == best.entry_id
    assert how in {match.how for match in best.evidence.matched}


def test_a_word_of_the_base_is_never_taken_for_a_typing_error() -> None:
    base = (entry("a", "Поставка мебели"), entry("b", "Доставка мебели"))
    evidence = matcher(*base).rank(Query(text="доставка в понедельник"))[0].evidence
    assert [(match.word, match.how) for match in evidence.matched] == [("доставка", How.EXACT)]


def test_synonyms_stand_for_each_other_also_when_they_are_several_words() -> None:
    base = (entry("site", "Как зайти на сайт?"), TIME)
    groups = [["сайт", "интернет-магазин", "веб-портал"]]
    assert "site" not in scores("не работает интернет магазин", *base)
    assert "site" in scores("не работает интернет магазин", *base, synonyms=groups)
    shop = (entry("shop", "Как найти интернет-магазин?"), TIME)
    assert scores("как найти сайт", *shop, synonyms=groups)["shop"] > 0.8
    assert scores("как найти сайт", *shop).get("shop", 0.0) < 0.8


def test_the_score_does_not_depend_on_the_number_of_aliases() -> None:
    many = tuple(f"{word} {word}ние" for word in ("шкаф", "стол", "лампа", "ковёр", "диван") * 10)
    text = "сколько стоит привезти"
    few = scores(text, *BASE)
    assert few == scores(text, entry("cost", COST.question, aliases=many), *BASE[1:])
    again = entry("cost", COST.question, aliases=(COST.question + " ",) * 20)
    assert few == scores(text, again, *BASE[1:])


def test_rare_words_weigh_more_than_common_ones() -> None:
    base = tuple(
        entry(f"e{number}", f"Заказ {word}") for number, word in enumerate(("мебели", "посуды", "обуви"))
    )
    found = scores("обувь для заказа", *base)
    assert max(found, key=lambda name: found[name]) == "e2"
    assert found["e2"] > 2 * found["e0"]


def test_ties_go_to_the_earlier_entry_and_ranks_repeat() -> None:
    base = tuple(entry(f"e{number}", "Срок хранения посылки") for number in range(5))
    first = matcher(*base).rank(Query(text="хранение посылок"), limit=3)
    assert [candidate.entry_id for candidate in first] == ["e0", "e1", "e2"]
    assert first == matcher(*base).rank(Query(text="хранение посылок"), limit=3)


def test_the_answer_supports_but_does_not_find() -> None:
    told = FaqEntry(id="told", question="Как вернуть товар?", answer="Сохраните чек")
    base = (told, FaqEntry(id="other", question="Как вернуть деньги?", answer="Через кассу"))
    assert scores("где чек", *base) == {}
    assert next(iter(scores("вернуть чек", *base))) == "told"


def test_missing_words_and_the_gap_are_evidence() -> None:
    evidence = matcher(*BASE).rank(Query(text="отменить абонемент"))[0].evidence
    assert (evidence.missing, evidence.gap, evidence.subjects) == (("абонемент",), 1.0, 1)


def test_a_scope_limits_who_may_answer() -> None:
    ranker = matcher(*BASE, entry("pay", "Как отменить оплату?", category="payment", language="en"))
    for scope in (Scope(categories=frozenset({"payment"})), Scope(languages=frozenset({"en"}))):
        found = ranker.rank(Query(text="как отменить заказ"), scope=scope)
        assert [candidate.entry_id for candidate in found] == ["pay"]
        assert ranker.exact("Как отменить заказ?", scope=scope) == ()


def test_sound_unites_what_is_confused_in_writing() -> None:
    assert sound("расрочка") == sound("россрочка")


def test_a_long_vocabulary_is_not_scanned_for_a_typing_error() -> None:
    """Only neighbours of the word are compared: a word with no neighbour costs no comparison at all."""
    rand = random.Random(7)  # noqa: S311  # words, not secrets
    base = [
        entry(
            f"e{number}", " ".join("".join(rand.choices(string.ascii_lowercase[:12], k=9)) for _ in range(4))
        )
        for number in range(300)
    ]
    index = Index(base, Normalizer())
    assert index.relatives("zzzzzyyyyy") == ()
    assert max(len(stems) for stems in index._by_sound.values()) < 20


def test_every_question_finds_its_own_entry_in_a_large_base() -> None:
    rand = random.Random(3)  # noqa: S311  # words, not secrets
    words = ["".join(rand.choices("абвгдежзиклмнопрст", k=7)) for _ in range(600)]
    base = [entry(f"e{number}", " ".join(rand.sample(words, 4))) for number in range(400)]
    ranker = matcher(*base)
    for item in base[::20]:
        shuffled = " ".join(reversed(item.question.split()))
        assert item.id == ranker.rank(Query(text=shuffled))[0].entry_id


def test_a_replaced_matcher_and_policy_are_used() -> None:
    manager = FaqManager(
        BASE, matcher=lambda entries, _: matcher(*entries[:1]), categories=[Category(id="c", title="C")]
    )
    assert Outcome.ADMIT is manager.decide("как отменить заказ").outcome
