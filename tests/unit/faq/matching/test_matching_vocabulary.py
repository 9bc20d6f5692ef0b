"""Which words of a base a word of a message may stand for: forms, slips, synonyms, and never a slip that is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faq.contract import How
from faq.language.lexicon import UNKNOWN, load_lexicon
from faq.language.spelling import sound
from faq.matching.index import Index
from faq.matching.message import look_at
from faq.matching.reading import Reader
from faq.matching.vocabulary import LOOSELY_RELATED, RELATED, Relative, rarity, weigh
from faq.normalize import stem

MakeIndex = Callable[..., Index]
SURE = 0.8
"""A relative this near is a support like the word itself."""


def related(index: Index, text: str) -> dict[str, dict[str, Relative]]:
    """By word of the message, by stem of the base."""
    reader = Reader(index.vocabulary, index.normalizer)
    found = {}
    for word in reader.readings(text)[0].words:
        _, relatives = reader.relatives(word)
        found[word.text] = {index.vocabulary.stems[one.number]: one for one in relatives}
    return found


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("даставка", "доставка"),
        ("даствка", "доставка"),
        ("достафка", "доставка"),
        ("оттменить", "отменить"),
        ("отмнеить", "отменить"),
        ("пасылку", "посылка"),
        ("заааказ", "заказ"),
        ("прахадит", "проходит"),
        ("вирнуть", "вернуть"),
        ("тавар", "товар"),
        ("аплата", "оплата"),
    ],
)
def test_a_slip_is_taken_for_the_word_that_is_near(shop_index: Index, typed: str, meant: str) -> None:
    (relatives,) = related(shop_index, typed).values()
    assert next(iter(relatives)) == stem(meant)


@pytest.mark.parametrize(
    "word", ["абракадабра", "qqqqqq", "перпендикуляр", "ъъъ", "дстп", "закваска", "аборт"]
)
def test_a_word_that_is_far_from_all_stands_for_nothing(shop_index: Index, word: str) -> None:
    assert [one.how for one in related(shop_index, word).get(word, {}).values()] == []


@pytest.mark.parametrize(
    ("asked", "present"),
    [
        ("липа", "Лупа для чтения"),
        ("липу", "Лупа для чтения"),
        ("лапу", "Лупа для чтения"),
        ("луг", "Лук репчатый"),
        ("шариф", "Тариф на полис"),
        ("разврат", "Возврат товара"),
        ("порок", "Порог входа"),
        ("воплотите", "Оплатите заказ"),
        ("корочке", "Карточка товара"),
        ("роллов", "Сколько разов"),
        ("приведете", "Когда привезете"),
        ("стрижка", "Стружка в мешках"),
        ("поставка", "Доставка"),
        ("order", "Odder things"),
    ],
)
def test_a_word_of_the_language_is_not_taken_for_another_one(
    index: MakeIndex, asked: str, present: str
) -> None:
    relatives = related(index(present, "Что-нибудь другое"), asked)[asked]
    assert [stem for stem, one in relatives.items() if one.similarity >= 0.7] == []


def test_common_words_are_hardly_ever_taken_for_words_of_the_base(shop_index: Index) -> None:
    """Those that sound alike to the letter may be, but never as a sure support."""
    lexicon, vocabulary = load_lexicon(), shop_index.vocabulary
    rows = range(0, len(lexicon._words), 37)
    words = [lexicon.spelling(row) for row in rows if lexicon.zipf(lexicon.stem_of(row)) > 4.0]
    words = [word for word in words if len(word) > 2 and stem(word) not in vocabulary.numbers]
    taken = {
        word: [
            one.similarity
            for one in vocabulary.relatives(word, stem(word), known=True)
            if one.how is How.TYPO
        ]
        for word in words
    }
    taken = {word: similar for word, similar in taken.items() if similar}
    assert len(words) > 1_000
    assert len(taken) <= 0.01 * len(words), taken
    assert all(max(similar) < SURE for similar in taken.values()), taken


def test_a_word_of_the_base_is_never_a_slip(index: MakeIndex) -> None:
    relatives = related(index("Поставка мебели", "Доставка мебели"), "доставка")["доставка"]
    assert How.TYPO not in {one.how for one in relatives.values()}
    assert relatives[stem("доставка")].how is How.EXACT


@pytest.mark.parametrize(("asked", "present"), [("доставить", "Доставка"), ("подписаться", "Подписка")])
def test_words_of_one_root_are_related(index: MakeIndex, asked: str, present: str) -> None:
    (relative,) = related(index(present), asked)[asked].values()
    assert relative.how is How.RELATED
    assert LOOSELY_RELATED <= relative.similarity <= RELATED


def test_a_misspelled_word_of_the_language_is_mended_before_it_is_looked_for(index: MakeIndex) -> None:
    """«перевезти» is not in the base, but of its root."""
    made = index("Перевозка мебели", "Сборка шкафа")
    reader = Reader(made.vocabulary, made.normalizer)
    mended = reader.repair("собирааете")
    assert mended is None or mended.text == "собираете"
    assert reader.repair("мебелль") is not None
    assert reader.repair("ъщшгх") is None
    assert reader.repair("кот") is None


SYNONYMS = [["сайт", "интернет-магазин", "веб-портал"], ["почём", "стоимость"]]


def test_one_word_stands_for_its_synonym(index: MakeIndex) -> None:
    made = index("Стоимость ремонта", "Как зайти на сайт?", synonyms=SYNONYMS)
    relative = related(made, "почем")["почем"][stem("стоимость")]
    assert relative.how is How.SYNONYM
    assert relative.similarity > SURE
    assert stem("сайт") not in related(made, "почем")["почем"]


def test_several_words_stand_for_one_and_one_for_several(index: MakeIndex) -> None:
    for present, asked in (
        ("Как зайти на сайт?", "не работает интернет магазин"),
        ("Интернет-магазин открыт", "сайт"),
    ):
        made = index(present, "Другое", synonyms=SYNONYMS)
        reader = Reader(made.vocabulary, made.normalizer)
        message = look_at(reader.readings(asked)[0], reader)
        assert message is not None
        hows = [{one.how for one in relatives} for relatives in message.relatives]
        assert How.SYNONYM in hows[-1]
        assert hows[0] == ({How.SYNONYM} if len(hows) == 1 else set())


def test_half_of_a_synonym_is_none(index: MakeIndex) -> None:
    made = index("Как зайти на сайт?", synonyms=SYNONYMS)
    reader = Reader(made.vocabulary, made.normalizer)
    message = look_at(reader.readings("новый магазин")[0], reader)
    assert message is not None
    assert message.relatives == ((), ())


def test_a_word_without_neighbours_costs_no_comparison(index: MakeIndex) -> None:
    words = [
        f"{head}{middle}{tail}н" for head in "бвгджз" for middle in ("аро", "ило", "уте") for tail in "абвгд"
    ]
    vocabulary = index(*(" ".join(words[start : start + 3]) for start in range(0, len(words), 3))).vocabulary
    assert vocabulary._neighbours("щщщщщщщщ") == ()
    assert all(len(vocabulary._neighbours(word)) < 0.2 * len(words) for word in words)


def test_what_is_rare_weighs_more() -> None:
    assert rarity(7.5) < rarity(5.0) < rarity(3.0) <= 1.0
    assert rarity(5.0, stop=True) < rarity(5.0)
    assert weigh(1.0, 1.0) == pytest.approx(1.0)
    assert weigh(1.0, 0.2) < weigh(1.0, 0.9)
    assert rarity(20.0) > 0.0


def test_weights_follow_the_base(index: MakeIndex) -> None:
    """A word that every entry has says less than one that a single entry has."""
    vocabulary = index("Ремонт шкафа", "Ремонт дивана", "Ремонт комода").vocabulary
    weight = {root: float(vocabulary.weights[number]) for root, number in vocabulary.numbers.items()}
    assert weight[stem("ремонт")] < weight[stem("комода")]
    assert all(0.0 < value <= 1.0 for value in weight.values())


def test_the_message_knows_its_strangers(index: MakeIndex) -> None:
    made = index("Как оплатить заказ?")
    reader = Reader(made.vocabulary, made.normalizer)
    message = look_at(reader.readings("оплатить жбрдыщ")[0], reader)
    assert message is not None
    assert message.strangers == 0.5
    assert message.words[1].row == UNKNOWN
    assert message.total == pytest.approx(float(message.weights.sum()))
    assert look_at(reader.readings("🙂")[0], reader) is None


def test_sounds_alike_to_the_letter_is_what_is_forgiven() -> None:
    assert sound("кампания") == sound("компания")
