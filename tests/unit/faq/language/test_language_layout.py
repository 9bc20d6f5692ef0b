"""The keyboard in the wrong language, both ways; some keys are a letter in one layout and a sign in the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.noise import other_layout
from faq.language.layout import to_cyrillic, to_latin

RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ghbdtn", "привет"),
        ("rfr jgkfnbnm", "как оплатить"),
        ("CRJKMRJ CNJBN", "СКОЛЬКО СТОИТ"),
        ("jgkfnbnm rfhnjq 2500", "оплатить картой 2500"),
        (",snm", "быть"),
        (".kbz", "юлия"),
        ("j;blfnm", "ожидать"),
        ("'nj", "это"),
        ("ghj[jlbn", "проходит"),
        ("j,]tv", "объем"),
        ("`krf", "ёлка"),
        ('<jhobr "nj {jhjij', "Борщик Это Хорошо"),
    ],
)
def test_russian_comes_back_from_latin_keys(typed: str, meant: str) -> None:
    assert meant == to_cyrillic(typed)


@pytest.mark.parametrize(
    ("typed", "meant"), [("руддщ", "hello"), ("щквук ыефегы", "order status"), ("РЩЦ ЬГСР", "HOW MUCH")]
)
def test_english_comes_back_from_russian_keys(typed: str, meant: str) -> None:
    assert meant == to_latin(typed)


@given(st.text(alphabet=RUSSIAN + RUSSIAN.upper() + " 0123456789"))
def test_every_russian_text_survives_the_wrong_layout(text: str) -> None:
    assert text == to_cyrillic(other_layout(text))
    assert other_layout(text) == to_latin(text)


@given(st.text())
def test_what_no_key_writes_stays_as_it_is(text: str) -> None:
    assert len(text) == len(to_cyrillic(text)) == len(to_latin(text))
    for before, after in zip(text, to_cyrillic(text), strict=True):
        assert before == after or before.isascii()
