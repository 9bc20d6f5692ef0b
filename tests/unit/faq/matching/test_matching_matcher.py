"""The matcher as a whole: whole phrasings, ranks, scopes, evidence; the same for every thread, order and time."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faq import Candidate, Category, FaqEntry, FaqManager, KnowledgeBase, Outcome, Query, Scope
from faq.contract import How, Via
from faq.matching.matcher import ALMOST, FusionMatcher, core_matcher

MakeEntry = Callable[..., FaqEntry]

BASE = (
    FaqEntry(id="cost", question="Сколько стоит доставка?", answer="300 ₽"),
    FaqEntry(id="time", question="Когда привезут посылку?", answer="Через два дня"),
    FaqEntry(id="cancel", question="Как отменить заказ?", answer="В личном кабинете"),
    FaqEntry(
        id="return",
        question="Как вернуть товар?",
        aliases=("возврат денег",),
        keywords=("возврат",),
        answer="За 14 дней",
    ),
)
ASKED = [
    "сколько за доставить",
    "не прохадит оплата картой",
    "срок доставки в другой город",
    "атменить заказ",
    "kak zabrat zakaz",
    "где мой заказ",
    "вернуть деньги за товар",
    "как приготовить борщ",
    "ljcnfdrf",
    "платёж отклонён банком",
]


def matcher(*entries: FaqEntry, synonyms: Sequence[Sequence[str]] = ()) -> FusionMatcher:
    return core_matcher(entries, synonyms)


def scores(made: FusionMatcher, text: str) -> dict[str, float]:
    return {one.entry_id: one.score for one in made.rank(Query(text=text), limit=50)}


def best(made: FusionMatcher, text: str) -> Candidate:
    return made.rank(Query(text=text))[0]


@pytest.fixture(scope="module")
def small() -> FusionMatcher:
    return matcher(*BASE)


@pytest.fixture(scope="module")
def shop(shop_base: KnowledgeBase) -> FusionMatcher:
    return core_matcher(shop_base.entries, shop_base.synonyms)


# -- whole phrasings ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Сколько стоит доставка?",
        "привет, СКОЛЬКО стоит доставка!!",
        "\u00a0сколько\u200b стоит   доставка…",
        "crjkmrj cnjbn ljcnfdrf",
        "skolko stoit dostavka",
    ],
)
def test_a_phrasing_word_for_word_scores_one(small: FusionMatcher, text: str) -> None:
    found = best(small, text)
    assert (found.entry_id, found.score, found.evidence.exact) == ("cost", 1.0, True)


@pytest.mark.parametrize("text", ["возврат", "ВОЗВРАТ!", "djpdhfn", "vozvrat"])
def test_a_whole_keyword_is_nearly_a_phrasing(small: FusionMatcher, text: str) -> None:
    found = best(small, text)
    assert (found.entry_id, found.score, found.evidence.via) == ("return", 0.95, Via.KEYWORD)


def test_every_phrasing_of_a_base_is_found_whole(shop: FusionMatcher, shop_base: KnowledgeBase) -> None:
    for one in shop_base.entries:
        for phrasing in one.phrasings:
            assert [found.entry_id for found in shop.exact(phrasing)] == [one.id], phrasing
    assert shop.exact("как приготовить борщ") == ()


def test_all_owners_of_a_phrasing_come_first_in_their_order(entry: MakeEntry) -> None:
    made = matcher(*(entry(f"Вопрос {name}", id=name, aliases=("общее",)) for name in "abc"), *BASE)
    found = made.rank(Query(text="общее"))
    assert [one.entry_id for one in found[:3]] == ["a", "b", "c"]
    assert [one.evidence.exact for one in found] == [True] * 3 + [False] * (len(found) - 3)
    assert [one.entry_id for one in made.rank(Query(text="общее"), limit=2)] == ["a", "b"]


# -- ranks ----------------------------------------------------------------------------------------------------


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
def test_words_are_found_by_stem_root_and_sound(
    small: FusionMatcher, text: str, expected: str, how: How
) -> None:
    found = best(small, text)
    assert expected == found.entry_id
    assert how in {match.how for match in found.evidence.matched}


def test_ranks_are_sorted_bounded_and_limited(shop: FusionMatcher) -> None:
    for text in ASKED:
        found = shop.rank(Query(text=text), limit=3)
        values = [one.score for one in found]
        assert len(values) <= 3
        assert sorted(values, reverse=True) == values
        assert all(0.0 <= value <= 1.0 for value in values)
        assert len({one.entry_id for one in found}) == len(found)
        assert found == shop.rank(Query(text=text), limit=50)[:3]
    assert shop.rank(Query(text="доставка заказа"), limit=0) == ()


def test_only_a_phrasing_word_for_word_is_certain(small: FusionMatcher) -> None:
    assert best(small, "доставка сколько стоит").score <= ALMOST
    assert not best(small, "доставка сколько стоит").evidence.exact


def test_the_chance_of_a_good_match_is_well_above_that_of_a_foreign_one(small: FusionMatcher) -> None:
    good = best(small, "как мне отменить мой заказ").score
    assert good > 0.6
    for text in ("как приготовить борщ", "сколько километров до луны", "кто написал войну и мир"):
        assert best(small, text).score < good / 2


def test_ties_go_to_the_earlier_entry(entry: MakeEntry) -> None:
    same = [entry("Срок хранения посылки", id=f"e{number}") for number in range(5)]
    found = matcher(*same).rank(Query(text="хранение посылок"), limit=3)
    assert [one.entry_id for one in found] == ["e0", "e1", "e2"]


def test_a_word_that_the_answer_has_is_evidence(entry: MakeEntry) -> None:
    told = entry("Как вернуть товар?", answer="Сохраните чек", id="told")
    other = entry("Как вернуть деньги?", answer="Через кассу", id="other")
    assert best(matcher(other, told), "вернуть чек").entry_id == "told"


def test_synonyms_stand_for_each_other_also_when_they_are_several_words(entry: MakeEntry) -> None:
    groups = [["сайт", "интернет-магазин", "веб-портал"]]
    site, shop_entry = entry("Как зайти на сайт?", id="site"), entry("Как найти интернет-магазин?", id="site")
    for one, text in (
        (site, "не работает интернет магазин"),
        (site, "где веб-портал"),
        (shop_entry, "где сайт"),
    ):
        without, having = matcher(one, *BASE), matcher(one, *BASE, synonyms=groups)
        assert scores(having, text)["site"] > scores(without, text).get("site", 0.0) + 0.1
        assert best(having, text).entry_id == "site"
        assert How.SYNONYM in {match.how for match in best(having, text).evidence.matched}


def test_every_question_finds_its_own_entry_in_a_large_base(entry: MakeEntry) -> None:
    rand = random.Random(3)  # noqa: S311 - words, not secrets
    words = ["".join(rand.choices("абвгдежзиклмнопрст", k=7)) for _ in range(900)]
    base = [entry(" ".join(rand.sample(words, 4)), id=f"e{number}") for number in range(400)]
    made = matcher(*base)
    for item in base[::20]:
        shuffled = " ".join(reversed(item.question.split()))
        assert item.id == best(made, shuffled).entry_id


# -- what must not matter -------------------------------------------------------------------------------------


def test_the_order_of_entries_does_not_change_scores(shop_base: KnowledgeBase, shop: FusionMatcher) -> None:
    for seed in range(3):
        entries = list(shop_base.entries)
        random.Random(seed).shuffle(entries)  # noqa: S311 - an order, not a secret
        shuffled = core_matcher(entries, shop_base.synonyms)
        for text in ASKED:
            assert scores(shuffled, text) == pytest.approx(scores(shop, text), abs=1e-4), text


@pytest.mark.parametrize("count", [5, 30])
def test_aliases_of_another_entry_change_little(
    shop_base: KnowledgeBase, shop: FusionMatcher, count: int
) -> None:
    more = tuple(f"{word} {word}ние" for word in ("шкаф", "стол", "лампа", "ковёр", "диван", "утюг") * 5)
    entries = [
        dataclasses.replace(one, aliases=(*one.aliases, *more[:count])) if one.id == "old-club" else one
        for one in shop_base.entries
    ]
    grown = core_matcher(entries, shop_base.synonyms)
    for text in ASKED:
        before, after = best(shop, text), best(grown, text)
        assert after.score == pytest.approx(before.score, abs=0.2), text
        assert after.entry_id == before.entry_id or before.score < 0.3, text


def test_the_same_phrasing_again_and_again_changes_nothing_much(
    entry: MakeEntry, small: FusionMatcher
) -> None:
    again = dataclasses.replace(BASE[0], aliases=(f"{BASE[0].question} ",) * 2)
    made = matcher(again, *BASE[1:])
    for text in ("сколько стоит привезти", "доставка почём", "вернуть деньги"):
        assert scores(made, text) == pytest.approx(scores(small, text), abs=0.1), text


def test_another_matcher_over_the_same_base_says_the_same(
    shop_base: KnowledgeBase, shop: FusionMatcher
) -> None:
    again = core_matcher(shop_base.entries, shop_base.synonyms)
    for text in ASKED:
        assert again.rank(Query(text=text)) == shop.rank(Query(text=text)) == shop.rank(Query(text=text))


def test_eight_threads_say_what_one_says(shop_base: KnowledgeBase) -> None:
    asked = [f"{text} {word}" for text in ASKED for word in ("", "пожалуйста", "срочно", "в казани")] * 3
    alone = core_matcher(shop_base.entries, shop_base.synonyms)
    expected = [alone.rank(Query(text=text)) for text in asked]
    shared = core_matcher(shop_base.entries, shop_base.synonyms)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: shared.rank(Query(text=text)), asked))
    assert found == expected


# -- scopes, evidence, readings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope", [Scope(categories=frozenset({"payment"})), Scope(languages=frozenset({"en-GB"}))]
)
def test_a_scope_limits_who_may_answer(entry: MakeEntry, scope: Scope) -> None:
    made = matcher(*BASE, entry("Как отменить оплату?", id="pay", category="payment", language="en"))
    found = made.rank(Query(text="как отменить заказ"), scope=scope)
    assert [one.entry_id for one in found] == ["pay"]
    assert made.exact("Как отменить заказ?", scope=scope) == ()
    assert made.rank(Query(text="как отменить"), scope=Scope(categories=frozenset({"nobody"}))) == ()


def test_evidence_names_what_supports_and_what_does_not(small: FusionMatcher) -> None:
    evidence = best(small, "отменить абонемент").evidence
    assert [match.word for match in evidence.matched] == ["отменить"]
    assert evidence.missing == ("абонемент",)
    assert evidence.gap > 0.5
    assert (evidence.phrase, evidence.via) == ("Как отменить заказ?", Via.QUESTION)
    assert 0 < evidence.message_coverage < 1
    assert set(evidence.features) == set(small.model.features)


def test_readings_are_told_best_first(small: FusionMatcher) -> None:
    first, *others = small.readings("rfr jnvtybnm pfrfp")
    assert first.words == ("как", "отменить", "заказ")
    assert others
    assert all(first.sense >= other.sense for other in others)


def test_a_judgement_adds_up_to_the_confidence(small: FusionMatcher) -> None:
    judged = small.judge("как отменить мой заказ")
    assert judged is not None
    assert judged.confidence == pytest.approx(best(small, "как отменить мой заказ").score, abs=1e-4)
    assert set(judged.contributions) == set(small.model.judged)
    assert small.judge("🙂") is None


def test_a_replaced_matcher_is_used() -> None:
    manager = FaqManager(
        BASE, matcher=lambda entries, _: matcher(*entries[:1]), categories=[Category(id="c", title="C")]
    )
    assert [one.entry_id for one in manager.rank("как отменить заказ")] == ["cost"]
    assert manager.decide("Как отменить заказ?").outcome is not Outcome.ANSWER


# -- anything at all --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("questions", [[], ["???"], ["🙂"], ["https://example.ru"], ["1"], ["а"]])
def test_a_base_with_nothing_to_find_finds_nothing_good(entry: MakeEntry, questions: list[str]) -> None:
    made = matcher(*map(entry, questions))
    for text in ("как оплатить", "доставка", "12345", ""):
        assert all(one.score < 0.5 for one in made.rank(Query(text=text)))


@pytest.mark.parametrize("place", range(len(BASE) + 1))
def test_an_entry_without_words_harms_nobody(entry: MakeEntry, small: FusionMatcher, place: int) -> None:
    made = matcher(*BASE[:place], entry("???", id="mute"), *BASE[place:])
    for text in ASKED:
        found = made.rank(Query(text=text))
        assert "mute" not in {one.entry_id for one in found}
        assert [one.entry_id for one in found[:1]] == [
            one.entry_id for one in small.rank(Query(text=text), limit=1)
        ]


@pytest.mark.parametrize(
    "text",
    [
        "доставка " * 7_300,
        "dostavka, " * 6_500,
        " ".join(f"слово{number}" for number in range(7_000)),
        "а" * 65_536,
        "w" * 65_536,
        "." * 65_536,
        "a." * 32_768,
        "a-b" * 21_000,
        "'" * 65_536,
        "[t]" * 21_000,
        "jy" * 32_768,
        "\u0301" * 65_536,
        "ﷺ" * 65_536,
        "\ud800" * 65_536,
    ],
    ids=lambda text: repr(text[:10]),
)
def test_a_text_of_64_kib_is_ranked_at_once(shop: FusionMatcher, text: str) -> None:
    shop.rank(Query(text="прогрев"))
    start = time.thread_time()
    shop.rank(Query(text=text))
    assert time.thread_time() - start < 0.25


LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
STRANGE = "\ud800\udfff\x00\x1b\u200b\u0301\u202e\ufeff🙂👍🏽🇷🇺ﷺẞßĳ①½٣ꙮ аa1"
WORDS = [
    *("как", "оплатить", "заказ", "доставка", "rfr", "jgkfnbnm", "kak", "oplatit", "the", "order", "спасибо"),
    *("привет", "https://a.ru/b", "@", "+7 912 345-67-89", "🙂", "оооооо", "4to", "забудь", "\n", "…"),
]
ANYTHING = st.one_of(
    st.text(max_size=40),
    st.text(
        alphabet=LETTERS + LETTERS.upper() + "abcdefghijklmnopqrstuvwxyz .,;'[]`-!?0123456789", max_size=40
    ),
    st.text(alphabet=STRANGE, max_size=30),
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
)


@cache
def tiny() -> FusionMatcher:
    """Made once for all the examples."""
    return matcher(
        FaqEntry(id="pay", question="Как оплатить заказ?", aliases=("чем платить",), keywords=("оплата",)),
        FaqEntry(id="ship", question="Сколько стоит доставка в Казань?", answer="300 ₽"),
        FaqEntry(id="mute", question="???", answer="🙂"),
    )


@given(st.lists(ANYTHING, min_size=20, max_size=20))
@settings(
    max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_ten_thousand_texts_of_any_kind_never_raise_and_never_block(texts: list[str]) -> None:
    """Twenty texts an example."""
    made = tiny()
    start = time.thread_time()
    for text in texts:
        found = made.rank(Query(text=text), limit=2)
        assert len({one.entry_id for one in found}) == len(found) <= 2
        assert all(0.0 <= one.score <= 1.0 for one in found)
    assert time.thread_time() - start < 1.0
