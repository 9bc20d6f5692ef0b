"""Readings of a message: the one that makes sense wins, and none makes a clean question worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.noise import HABITS, in_latin, other_layout
from faq import FaqEntry
from faq.matching.index import Index, phrasings
from faq.matching.reading import MAX_WORDS, Reader, ReadingName, distinct
from faq.normalize import Normalizer, stem

TYPED, LAYOUT, TRANSLIT = ReadingName.TYPED, ReadingName.LAYOUT, ReadingName.TRANSLIT
BASES = sorted((Path(__file__).parents[4] / "training" / "bases").glob("*.yaml"))
NOISY = {"translit", "layout"}


def contents(path: Path) -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data: dict[str, Any] = yaml.load(path.read_text("utf-8"), loader)  # noqa: S506 - a safe one either way
    return data


def base_of(data: dict[str, Any]) -> Index:
    entries = [
        FaqEntry(
            id=str(row["id"]),
            question=str(row["question"]),
            answer=str(row.get("answer") or ""),
            aliases=tuple(map(str, row.get("aliases") or ())),
            keywords=tuple(map(str, row.get("keywords") or ())),
        )
        for row in data["entries"]
    ]
    return Index(entries, Normalizer())


def clean_texts(data: dict[str, Any], index: Index) -> Iterator[str]:
    """The phrasings of the base, and what people ask of it in their own words and letters."""
    for entry in index.entries:
        for _, text in phrasings(entry):
            yield text
    asked = [row.get("asked") or {} for row in data["entries"]]
    for groups in (*asked, data["foreign"]):
        for tag, texts in groups.items():
            if tag not in NOISY:
                yield from map(str, texts)


@pytest.mark.parametrize(
    ("text", "name", "read"),
    [
        ("как оплатить заказ", TYPED, "как оплатить заказ"),
        ("rfr jgkfnbnm", LAYOUT, "как оплатить"),
        ("Rfr Jnvtybnm Pfrfp?", LAYOUT, "как отменить заказ"),
        ("ghbdtn? rfr jnvtybnm pfrfp&", LAYOUT, "как отменить заказ"),
        ("gjxtve yt ghj[jlbn jgkfnf", LAYOUT, "почему не проходит оплата"),
        ("ljcnfdrf, jgkfnf", LAYOUT, "доставка оплата"),
        ('"rfr jgkfnbnm"', LAYOUT, "как оплатить"),
        ("'nj ntcn", LAYOUT, "это тест"),
        ("руддщ", LAYOUT, "hello"),
        ("ьн щквук", LAYOUT, "my order"),
        ("kak oplatit", TRANSLIT, "как оплатить"),
        ("KAK OTMENIT' ZAKAZ", TRANSLIT, "как отменить заказ"),
        ("po4emu ne prohodit oplata", TRANSLIT, "почему не проходит оплата"),
        ("skolko stoit dostavka v Kazan'", TRANSLIT, "сколько стоит доставка в казань"),
        ("kogda nachnetsya rasprodazha", TRANSLIT, "когда начнется распродажа"),
        ("kakie novye sposoby oplaty", TRANSLIT, "какие новые способы оплаты"),
    ],
)
def test_the_reading_that_makes_sense_wins(reader: Reader, text: str, name: ReadingName, read: str) -> None:
    best = reader.readings(text)[0]
    assert best.name is name
    assert [stem(word) for word in best.text.split()] == [stem(word) for word in read.split()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dostavka сколько стоит", "доставка сколько стоит"),
        ("как оплатить rfhnjq", "как оплатить картой"),
        ("как отменитьзаказ", "как отменить заказ"),
        ("сколько стоит до ставка", "сколько стоит доставка"),
        ("скока стоит", "сколько стоит"),
    ],
)
def test_words_are_mended_where_they_stand(reader: Reader, text: str, words: str) -> None:
    """Words in another script, glued ones, torn ones and spoken ones are read so in the midst of others."""
    best = reader.readings(text)[0]
    assert best.name is ReadingName.TYPED
    assert [word.stem for word in best.words] == [stem(word) for word in words.split()]


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "how can I pay?",
        "return policy",
        "refund",
        "OK google",
        "app не открывается",
        "как вернуть iphone 15 pro",
        "оплата через apple pay",
        "samsung galaxy",
        "playstation",
        "wi-fi",
        "есть ли wi-fi?",
        "e-mail",
        "visa mastercard",
        "wildberries",
        "яндекс плюс",
        "вацап",
        "ОГРН и ИНН",
    ],
)
def test_english_and_brands_and_strange_words_stay_as_they_are(reader: Reader, text: str) -> None:
    assert reader.readings(text)[0].name is TYPED


@pytest.mark.parametrize(
    "text",
    [
        "https://example.ru/kak/oplatit",
        "www.shop.ru/oplata-kartoy",
        "dostavka.ru",
        "oplata@example.com",
        "https://localhost/zakaz",
    ],
)
def test_an_address_is_no_question_in_any_reading(reader: Reader, text: str) -> None:
    assert [reading.words for reading in reader.readings(text)] == [()]


def test_other_readings_are_kept_behind_the_best(reader: Reader) -> None:
    readings = reader.readings("kak oplatit")
    assert {reading.name for reading in readings} == {TYPED, LAYOUT, TRANSLIT}
    assert readings[0].sense > 0.8 > readings[1].sense
    assert [reading.name for reading in reader.readings("как оплатить")] == [TYPED]


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_no_reading_makes_a_clean_question_worse(path: Path) -> None:
    """The rare abbreviation that is a word on the other keys is forgiven."""
    data = contents(path)
    index = base_of(data)
    reader = Reader(index.vocabulary, index.normalizer)
    texts = list(clean_texts(data, index))
    changed = [text for text in texts if reader.readings(text)[0].name is not TYPED]
    assert len(texts) > 100
    assert len(changed) <= 1, changed


@pytest.mark.parametrize("path", BASES[::9], ids=lambda path: path.stem)
def test_noise_is_undone(path: Path) -> None:
    data = contents(path)
    index = base_of(data)
    reader = Reader(index.vocabulary, index.normalizer)
    texts = [text.lower() for text in clean_texts(data, index) if text.lower().islower() and len(text) > 8]
    texts = [text for text in texts[::3] if not any(letter.isascii() for letter in text if letter.isalnum())]
    noises: list[tuple[ReadingName, Callable[[str], str]]] = [
        (LAYOUT, other_layout),
        *((TRANSLIT, lambda text, habit=habit: in_latin(text, habit)) for habit in range(len(HABITS))),
    ]
    for name, spoil in noises:
        lost = [text for text in texts if reader.readings(spoil(text))[0].name is not name]
        assert len(lost) <= 0.02 * len(texts), (name, lost)


def test_spoken_words_become_ordinary_ones(reader: Reader) -> None:
    (reading,) = reader.readings("скока стоит")
    assert [word.text for word in reading.words] == ["сколько", "стоит"]


def test_a_word_counts_once_and_a_long_message_is_bounded(reader: Reader) -> None:
    text = "доставка доставки " + " ".join(f"слово{number}е" for number in range(200))
    words = distinct(reader.readings(text)[0].words)
    assert len(words) == MAX_WORDS
    assert len({word.stem for word in words}) == len(words)


@given(st.text(max_size=80))
def test_any_text_has_a_reading_and_the_best_is_first(text: str) -> None:
    index = Index([FaqEntry(id="a", question="Как оплатить заказ?")], Normalizer())
    readings = Reader(index.vocabulary, index.normalizer).readings(text)
    assert TYPED in {reading.name for reading in readings}
    assert all(0.0 <= reading.sense <= 1.36 for reading in readings)
    typed = next(reading for reading in readings if reading.name is TYPED)
    assert readings[0].sense >= typed.sense


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("как оплатить заказ", "ru"),
        ("where is my order", "en"),
        ("rfr jgkfnbnm", "ru"),
        ("kak oplatit", "ru"),
        ("руддщ", "en"),
        ("app не открывается", "ru"),
        ("12345 ???", ""),
    ],
)
def test_the_language_is_that_of_the_reading(reader: Reader, text: str, language: str) -> None:
    assert reader.readings(text)[0].language == language
