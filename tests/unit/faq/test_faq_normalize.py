from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faq.normalize import ALL_STEPS, MAX_WORDS, Normalizer, NormalText, Step, stem

FULL = Normalizer()


def words(text: str, normalizer: Normalizer = FULL) -> list[str]:
    return [term.word for term in normalizer.normalize(text).terms]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ГДЕ ПОСЫЛКА!!!", "где посылка"),
        ("Ещё   раз\u00a0—\tёлка", "еще раз елка"),
        ("и\u0306од", "йод"),
        ("за\u0301мок за\u00adмок за\u200bмок", "замок замок замок"),
        ("ﬁlе № ①", "file no 1"),
        ("стoит дoставка", "стоит доставка"),
        ("iPhоne", "iphone"),
        ("оченььььь дооолго", "очень долго"),
        ("ООО ромашка", "ооо ромашка"),
        ("a\x00b\x07c", "a b c"),
        ("смотри https://example.ru/a?b=c тут", "смотри тут"),
        ("пишите на help@example.ru или example.com/faq сюда", "пишите на или сюда"),
        ("конец.Начало", "конец начало"),
        ("Здравствуйте! Подскажите, пожалуйста, где посылка? Спасибо", "где посылка"),
        ("Hi there, could you please tell me the price, thanks", "the price"),
        ("Добрый день!", "добрый день"),
        ("спасибо", "спасибо"),
        ("приветливый курьер", "приветливый курьер"),
    ],
)
def test_a_text_is_folded_and_stripped(text: str, plain: str) -> None:
    assert plain == FULL.normalize(text).plain


def test_a_text_of_courtesies_alone_is_kept_and_marked() -> None:
    assert FULL.normalize("Добрый день, спасибо").courtesy_only
    assert not FULL.normalize("Добрый день, доставка").courtesy_only


@pytest.mark.parametrize(
    "text", ["", " ", "а", "🙂👍🏽", "12345", "1 2 3", "https://example.ru/a", "?!", "\x00"]
)
def test_a_text_without_a_word_has_no_terms(text: str) -> None:
    assert FULL.normalize(text).terms == ()


def test_function_words_go_unless_nothing_would_be_left() -> None:
    assert words("а есть ли у вас доставка в Москву") == ["доставка", "москву"]
    assert words("это вы") == ["это", "вы"]


def test_asking_words_weigh_less_than_subjects() -> None:
    how, cancel = FULL.normalize("как отменить").terms
    assert 0 < how.weight < cancel.weight == 1.0


def test_stems_follow_the_script() -> None:
    assert stem("доставки") == stem("доставка")
    assert stem("deliveries") == stem("delivery")
    assert stem("1с") == "1с"


@pytest.mark.parametrize(
    ("step", "text", "left"),
    [
        (Step.UNICODE, "ｄｏｍ", ["ｄｏｍ"]),
        (Step.CASE, "Дом", ["Дом"]),
        (Step.YO, "ёлка", ["ёлка"]),
        (Step.LINKS, "example.ru", ["example", "ru"]),
        (Step.PUNCTUATION, "дом!", ["дом!"]),
        (Step.COURTESY, "спасибо дом", ["спасибо", "дом"]),
        (Step.STOP_WORDS, "в дом", ["в", "дом"]),
    ],
)
def test_each_step_can_be_switched_off(step: Step, text: str, left: list[str]) -> None:
    assert left == words(text, Normalizer(ALL_STEPS - {step}))
    assert left != words(text)


def test_stems_can_be_switched_off() -> None:
    (term,) = Normalizer(ALL_STEPS - {Step.STEMS}).normalize("доставка").terms
    assert term.stem == "доставка"


def test_a_long_text_is_read_at_both_ends_and_bounded() -> None:
    normal = FULL.normalize("начало " + "слово " * 20_000 + " вопрос")
    assert {"начало", "вопрос"} <= {term.word for term in normal.terms}
    assert len(normal.canonical) < 3_000
    many = FULL.normalize(" ".join(f"слово{number}а" for number in range(500)))
    assert len(many.terms) == MAX_WORDS


def test_threads_do_not_disturb_each_others_stems() -> None:
    texts = [
        f"{word}ами{tail}"
        for word in ("посылк", "заказ", "магазин")
        for tail in ("", "ы", "у")
        for _ in range(5)
    ]
    expected = [stem.__wrapped__(text) for text in texts]
    found: list[list[str]] = []

    def work() -> None:
        found.append([stem.__wrapped__(text) for _ in range(20) for text in texts][: len(texts)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert [expected] * 4 == found


@given(st.text(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_text_is_normalised_and_a_second_time_changes_nothing(text: str) -> None:
    normal = FULL.normalize(text)
    assert isinstance(normal, NormalText)
    assert normal.plain == FULL.normalize(normal.plain).plain
