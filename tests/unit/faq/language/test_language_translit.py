"""Russian in Latin letters: every habit of writing a word meets in its skeleton, different words stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.noise import HABITS, in_latin
from faq.language.lexicon import UNKNOWN, Lexicon, load_lexicon
from faq.language.translit import could_be, skeleton, skeletons, spelled
from faq.normalize import stem

FREQUENT = 5.0
"""On the Zipf scale of stems: some fifteen thousand words."""


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_lexicon()


@pytest.fixture(scope="module")
def frequent(lexicon: Lexicon) -> list[str]:
    words = (
        lexicon.spelling(row)
        for row in range(len(lexicon._words))
        if lexicon.zipf(lexicon.stem_of(row)) >= FREQUENT
    )
    return [word for word in words if "а" <= word[0] <= "я"]


@pytest.mark.parametrize(
    ("word", "habits"),
    [
        ("шапка", "shapka wapka 6apka"),
        ("щетка", "schetka shchetka shhetka wetka"),
        ("счет", "schet schyot s4et"),
        ("чек", "chek 4ek"),
        ("получить", "poluchit polu4it poluchit' polu4itj"),
        ("яблоко", "yabloko jabloko iabloko"),
        ("заявка", "zayavka zajavka zaiavka"),
        ("юбка", "yubka jubka"),
        ("новый", "novyy novyj noviy novyi novij novy"),
        ("новые", "novye novyye novie"),
        ("который", "kotoryy kotoryj kotoriy"),
        ("район", "rayon rajon raion"),
        ("еще", "eshche yeshche esche ewe jeshhe"),
        ("жалоба", "zhaloba jaloba"),
        ("ждать", "zhdat zhdat' jdat' jdat zhdatj"),
        ("нужен", "nuzhen nujen"),
        ("этаж", "etazh etaj"),
        ("хлеб", "khleb hleb xleb"),
        ("находится", "nahoditsya nakhoditsja naxoditsya nahoditsja"),
        ("цена", "cena tsena tzena"),
        ("немецкий", "nemeckiy nemetskiy nemetskij"),
        ("отзывы", "otzyvy otzivi otzyvi"),
        ("соответствует", "sootvetstvuet sootvetstvuyet sootvetstvujet"),
        ("миллион", "million milion"),
        ("библиотека", "biblioteka"),
        ("выучить", "vyuchit viuchit vyu4it'"),
        ("происходящее", "proiskhodyashchee proishodyaschee proishodiawee"),
        ("жкх", "zhkh zhkx"),
        ("объем", "obem ob'em obyem objem obyom"),
        ("семья", "semya sem'ya semja"),
        ("ёлка", "yolka jolka elka"),
        ("коллега", "kollega kolega"),
        ("телефон", "telefon telephon"),
        ("алексей", "aleksey alexey alexei"),
    ],
)
def test_every_habit_of_writing_a_word_meets_it(word: str, habits: str) -> None:
    assert [spelling for spelling in habits.split() if skeleton(word) not in skeletons(spelling)] == []


def test_frequent_words_meet_their_spellings_in_every_habit(frequent: list[str]) -> None:
    assert len(frequent) > 10_000
    for habit in range(len(HABITS)):
        apart = [word for word in frequent if skeleton(word) not in skeletons(in_latin(word, habit))]
        assert len(apart) <= len(frequent) / 1_000, apart


def test_the_commonest_word_behind_a_skeleton_is_mostly_the_word_itself(
    frequent: list[str], lexicon: Lexicon
) -> None:
    for habit in range(len(HABITS)):
        lost = []
        for word in frequent[::10]:
            rows = {lexicon.word_by_skeleton(bones) for bones in skeletons(in_latin(word, habit))} - {UNKNOWN}
            if stem(word) not in {stem(lexicon.spelling(row)) for row in rows}:
                lost.append(word)
        assert len(lost) <= 0.02 * len(frequent[::10]), lost


@pytest.mark.parametrize(
    ("one", "other"),
    [("дом", "том"), ("шар", "жар"), ("чек", "шек"), ("цена", "сена"), ("бак", "бык"), ("перед", "период")],
)
def test_different_words_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@pytest.mark.parametrize("word", ["dostavka", "4ek", "oplatit'", "oplat`a", "6apka", "k"])
def test_latin_words_may_be_russian(word: str) -> None:
    assert could_be(word)


@pytest.mark.parametrize(
    "word", ["", "46", "'", "доставка", "dоstavka", "a1", "2024", "naïve", "a b", "\ud800"]
)
def test_what_has_other_signs_is_not_russian_in_latin_letters(word: str) -> None:
    assert not could_be(word)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("kak", "как"),
        ("dostavka", "доставка"),
        ("4ek", "чек"),
        ("kartoy", "картой"),
        ("moyey", "моей"),
        ("registriruetsya", "регистрируется"),
        ("novye", "новые"),
        ("moye", "мое"),
        ("pishchashchiy", "пищащий"),
        ("vesch'", "вещь"),
    ],
)
def test_an_unknown_word_is_spelled_letter_by_letter(typed: str, meant: str) -> None:
    assert meant == spelled(typed)


@given(st.from_regex(r"[a-z'`’46]{1,40}", fullmatch=True))
def test_any_latin_word_has_a_few_skeletons_and_a_spelling(word: str) -> None:
    found = skeletons(word)
    assert 1 <= len(found) <= 48
    assert len(set(found)) == len(found)
    assert found == skeletons(word)
    assert not any("а" > letter and letter.isalpha() for letter in spelled(word))


@given(st.text(max_size=40))
def test_no_text_breaks_a_skeleton(text: str) -> None:
    assert skeleton(text).isascii()
    assert skeletons(text)
    assert spelled(text) == spelled(text)
