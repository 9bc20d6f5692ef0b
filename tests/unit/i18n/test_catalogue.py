"""The catalogue: complete in both languages, safe with the words of people, right in its plural forms."""

from __future__ import annotations

import pytest

from channels.body import parse_body, plain_text
from optfm_bot.i18n.catalogue import Catalogue, CatalogueError, UnknownMessageError
from optfm_bot.i18n.markdown import escape_markdown

WANTED = [
    "start.greeting", "start.greeting_person", "start.unknown_entry", "help.text", "faq.title",
    "faq.category_title", "faq.empty", "faq.more", "faq.back", "faq.all_topics",
    "faq.other_category", "answer.feedback_up", "answer.feedback_down", "feedback.thanks_up",
    "feedback.thanks_down", "feedback.already", "clarify.ask", "clarify.none", "clarify.none_reply",
    "clarify.also", "admit.text", "admit.repeat", "admit.also", "admit.too_long",
    "smalltalk.greeting", "smalltalk.thanks",
    "smalltalk.bye", "smalltalk.how_are_you", "media.photo", "media.voice", "media.sticker",
    "media.video", "media.document", "media.location", "media.other", "contact.received",
    "edited.answer_prefix", "choice.expired", "choice.unknown_number", "language.changed",
    "language.choose", "language.name.ru", "language.name.en", "command.unknown", "command.start",
    "command.help", "command.faq", "command.language", "flood.notice", "error.temporary",
    "empty.text", "text.too_long_cut", "operator.not_available", "answer.gone", "console.welcome",
    "console.bye",
]  # fmt: skip
VALUES = {
    "name": "OptFM", "person": "Анна", "category": "Доставка", "command": "/x", "url": "http://x", "n": 1,
    "question": "Как оплатить", "number": "261121-4807", "status": "новая", "title": "Заявка",
    "date": "21.11.2026", "weekday": "в понедельник", "day": 23, "month": "ноября", "time": "09:00",
    "fields": "Имя: Анна", "text": "Какой размер?", "limit": 100, "length": 120, "channel": "MAX",
    "assignee": "Олег", "opens": "завтра в 09:00", "phone": "+79001112233", "label": "Позвать человека",
    "reason": "бот заблокирован", "options": "«2», «3»", "ways": "«назад»", "word": "назад", "where": "MAX",
}  # fmt: skip


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.load()


def test_every_key_that_the_house_uses_is_there(catalogue: Catalogue) -> None:
    assert set() == set(WANTED) - catalogue.keys


@pytest.mark.parametrize("language", ["ru", "en"])
def test_texts_keep_the_copy_guide(catalogue: Catalogue, language: str) -> None:
    """No exclamation marks, no capital «Вы», nothing left unfilled."""
    for key in catalogue.keys:
        if key.startswith("count."):
            text = catalogue.plural(key, 3, language)
        else:
            text = catalogue.label(key, language, **VALUES)
        assert "!" not in text, key
        assert "{" not in text, key
        assert " Вы " not in text, key
        assert " Вас " not in text, key


def test_the_catalogue_is_read_once() -> None:
    assert Catalogue.load() is Catalogue.load()


@pytest.mark.parametrize(
    ("code", "expected"),
    [("ru", "ru"), ("en", "en"), ("en-US", "en"), ("EN_gb", "en"), ("fr", "ru"), ("", "ru"), (None, "ru")],
)
def test_a_language_code_of_a_platform_finds_our_language(
    catalogue: Catalogue, code: str | None, expected: str
) -> None:
    assert expected == catalogue.language(code)


def test_an_unknown_language_is_answered_in_russian(catalogue: Catalogue) -> None:
    assert catalogue.text("faq.more", "ru") == catalogue.text("faq.more", "xx")


def test_markup_in_a_name_stays_characters_in_a_body(catalogue: Catalogue) -> None:
    text = catalogue.text("start.greeting_person", "ru", person="**[x](https://evil.ru)**", name="OptFM")

    assert r"\*\*\[x\]\(https\:\/\/evil\.ru\)\*\*" in text


def test_a_label_takes_a_value_as_it_is(catalogue: Catalogue) -> None:
    assert catalogue.label("console.welcome", "ru", name="A_B").startswith("A_B слушает. ")


@pytest.mark.parametrize("value", ["{name}", "{0.__class__}", "%s", "{person!r:>10}"])
def test_a_value_is_never_evaluated(catalogue: Catalogue, value: str) -> None:
    assert value in catalogue.label("start.greeting_person", "ru", person=value, name="OptFM")


def test_a_missing_value_and_an_unknown_key_are_our_mistakes(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownMessageError, match="command"):
        catalogue.text("command.unknown", "ru")
    with pytest.raises(UnknownMessageError, match=r"no\.such"):
        catalogue.text("no.such", "ru")
    with pytest.raises(UnknownMessageError, match="plural"):
        catalogue.text("count.questions", "ru")
    with pytest.raises(UnknownMessageError, match="no plural"):
        catalogue.plural("faq.more", 2, "ru")


@pytest.mark.parametrize(
    ("n", "ru", "en"),
    [
        (0, "0 вопросов", "0 questions"),
        (1, "1 вопрос", "1 question"),
        (2, "2 вопроса", "2 questions"),
        (5, "5 вопросов", "5 questions"),
        (11, "11 вопросов", "11 questions"),
        (14, "14 вопросов", "14 questions"),
        (21, "21 вопрос", "21 questions"),
        (103, "103 вопроса", "103 questions"),
        (111, "111 вопросов", "111 questions"),
    ],
)
def test_numbers_take_the_right_form(catalogue: Catalogue, n: int, ru: str, en: str) -> None:
    assert (ru, en) == (
        catalogue.plural("count.questions", n, "ru"),
        catalogue.plural("count.questions", n, "en"),
    )


@pytest.mark.parametrize(
    ("english", "complaint"),
    [
        ({}, "differ in keys: a"),
        ({"a": "x {name}", "b": "y"}, "differ in keys: b"),
        ({"a": "x {other}"}, "placeholders"),
        ({"a": "x"}, "placeholders"),
        ({"a": " "}, "empty"),
        ({"a": {"one": "{name}", "other": "{name}"}}, "one language only"),
    ],
)
def test_catalogues_that_do_not_fit_are_refused(
    english: dict[str, str | dict[str, str]], complaint: str
) -> None:
    with pytest.raises(CatalogueError, match=complaint):
        Catalogue({"ru": {"a": "икс {name}"}, "en": english})


def test_a_missing_plural_form_is_refused() -> None:
    with pytest.raises(CatalogueError, match="needs the forms few, many, one"):
        Catalogue({"ru": {"a": {"one": "{n} день", "many": "{n} дней"}}})


NAMES = ["*Анна*", "[x](https://evil.ru)", "https://evil.ru", "1. раз", "> я", "- a_b_c", "\\`"]


@pytest.mark.parametrize("name", NAMES)
def test_an_escaped_value_is_read_back_as_these_very_characters(name: str) -> None:
    assert plain_text(parse_body(escape_markdown(name))) == name
    assert "Link" not in repr(parse_body(escape_markdown(name)))
