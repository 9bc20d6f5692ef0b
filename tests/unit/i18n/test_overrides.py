"""Texts of the owner over ours: what fits is said, what does not is told with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from config import ConfigError, KeyPath, Problem, load_config
from optfm_bot.clock import ManualClock
from optfm_bot.i18n.catalogue import Catalogue, CatalogueError, Message
from optfm_bot.i18n.overrides import check_texts
from optfm_bot.plan import house_settings, plan_channels

Texts = Mapping[str, Mapping[str, Message]]

FORMS = {"one": "{n} раз", "few": "{n} раза", "many": "{n} раз"}


def _locate(path: KeyPath) -> str:
    return f"config.yaml:{len(path)}"


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(
        {
            "ru": {"a.plain": "Да", "a.value": "Вам {name}, {time}", "a.count": {**FORMS}},
            "en": {
                "a.plain": "Yes",
                "a.value": "{name} for you, {time}",
                "a.count": {"one": "{n} time", "other": "{n} times"},
            },
        }
    )


# -- what fits -------------------------------------------------------------------------------------------


def test_a_text_of_the_owner_is_said_and_the_others_stay(catalogue: Catalogue) -> None:
    texts: Texts = {"ru": {"a.value": "{time}: {name}"}}

    assert check_texts(texts, catalogue, locate=_locate) == []
    ours = catalogue.with_texts(texts)
    assert ours.label("a.value", "ru", name="Анна", time="09:00") == "09:00: Анна"
    assert ours.label("a.value", "en", name="Ann", time="9:00") == "Ann for you, 9:00"
    assert ours.label("a.plain", "ru") == "Да"
    assert catalogue.label("a.value", "ru", name="Анна", time="09:00") == "Вам Анна, 09:00"


def test_plural_forms_are_replaced_as_a_whole(catalogue: Catalogue) -> None:
    texts: Texts = {"ru": {"a.count": {"one": "{n} штука", "few": "{n} штуки", "many": "{n} штук"}}}

    assert check_texts(texts, catalogue, locate=_locate) == []
    assert catalogue.with_texts(texts).plural("a.count", 5, "ru") == "5 штук"


@pytest.mark.parametrize("texts", [{}, {"ru": {}}])
def test_without_texts_the_catalogue_is_the_same_one(catalogue: Catalogue, texts: Texts) -> None:
    assert catalogue.with_texts(texts) is catalogue


# -- what does not ---------------------------------------------------------------------------------------

WRONG: list[tuple[Texts, str, str]] = [
    ({"fr": {"a.plain": "Oui"}}, "config.yaml:2: texts.fr", "it speaks: ru, en"),
    ({"ru": {"a.plein": "Да"}}, "config.yaml:3: texts.ru.a.plein", "did you mean `a.plain`?"),
    ({"ru": {"zzzzzz": "Да"}}, "config.yaml:3: texts.ru.zzzzzz", "docs/reference/texts.md"),
    ({"ru": {"a.plain": " "}}, "config.yaml:3: texts.ru.a.plain", "is empty"),
    ({"ru": {"a.value": "Вам {name}"}}, "config.yaml:3: texts.ru.a.value", "must have {time} in it"),
    (
        {"ru": {"a.value": "{name} {time} {date}"}},
        "config.yaml:3: texts.ru.a.value",
        "has {date} in it, and the bot has nothing to put there (there are: {name}, {time})",
    ),
    ({"ru": {"a.plain": "Да, {name}"}}, "config.yaml:3: texts.ru.a.plain", "has {name} in it"),
    ({"ru": {"a.count": "{n}"}}, "config.yaml:3: texts.ru.a.count", "the plural forms one, few, many"),
    (
        {"en": {"a.count": {"one": "{n}", "few": "{n}"}}},
        "config.yaml:3: texts.en.a.count",
        "the plural forms one, other",
    ),
    ({"ru": {"a.plain": {"one": "Да"}}}, "config.yaml:3: texts.ru.a.plain", "has no plural forms"),
    (
        {"ru": {"a.count": {**FORMS, "few": "несколько"}}},
        "config.yaml:4: texts.ru.a.count.few",
        "must have {n} in it",
    ),
]


@pytest.mark.parametrize(("texts", "place", "words"), WRONG)
def test_a_text_that_does_not_fit_is_told_with_its_place(
    catalogue: Catalogue, texts: Texts, place: str, words: str
) -> None:
    (problem,) = check_texts(texts, catalogue, locate=_locate)

    assert str(problem).startswith(f"{place}: ")
    assert words in str(problem)
    assert problem.describe("ru") != str(problem)


@pytest.mark.parametrize("texts", [texts for texts, _, _ in WRONG])
def test_a_catalogue_never_takes_a_text_that_does_not_fit(catalogue: Catalogue, texts: Texts) -> None:
    with pytest.raises(CatalogueError):
        catalogue.with_texts(texts)


def test_a_place_that_both_languages_invent_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match="placeholders"):
        catalogue.with_texts({"ru": {"a.plain": "Да, {name}"}, "en": {"a.plain": "Yes, {name}"}})


def test_a_place_that_is_misspelt_is_not_shown_to_customers(catalogue: Catalogue) -> None:
    """The catalogue itself would take it for plain words."""
    found = check_texts({"ru": {"a.plain": "Да, {Name} { name }"}}, catalogue, locate=_locate)

    assert [one.message for one in found] == [
        "the text has {Name}, { name } in it, and the bot has nothing to put there"
    ]


def test_all_mistakes_are_told_at_once(catalogue: Catalogue) -> None:
    texts: Texts = {"xx": {}, "ru": {"a.value": "{x}", "b": "", "a.plain": "Хорошо"}}

    assert [one.key for one in check_texts(texts, catalogue, locate=_locate)] == [
        "texts.xx",
        "texts.ru.a.value",
        "texts.ru.a.value",
        "texts.ru.b",
    ]


def test_each_text_of_ours_may_be_said_in_its_own_words() -> None:
    ours = Catalogue.load()
    texts = {language: {key: ours.message(key, language) for key in ours.keys} for language in ours.languages}

    assert check_texts(texts, ours, locate=_locate) == []
    ours.with_texts(texts)


# -- from the file to what is said -----------------------------------------------------------------------


def _problems(folder: Path, text: str) -> tuple[Problem, ...]:
    (folder / "config.yaml").write_text(text, "utf-8")
    loaded = load_config(None, env={}, cwd=folder)
    with pytest.raises(ConfigError) as caught:
        plan_channels(loaded, clock=ManualClock(), cwd=folder)
    return caught.value.problems


def test_a_wrong_text_keeps_the_bot_from_starting_and_its_line_is_named(tmp_path: Path) -> None:
    text = (
        "channels: {console: {}}\ntexts:\n  ru:\n    handoff.joind: Да\n    handoff.queued_closed: Ждите.\n"
    )

    unknown, missing = (str(one) for one in _problems(tmp_path, text))
    assert unknown.startswith("config.yaml:4: texts.ru.handoff.joind: the bot has no text of this name")
    assert "`handoff.joined`" in unknown
    assert missing.startswith(
        "config.yaml:5: texts.ru.handoff.queued_closed: the text must have {opens} in it"
    )


def test_the_example_of_the_guide_is_what_the_bot_says(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "change-what-the-bot-says.md"
    example = page.read_text("utf-8").split("```yaml\n", 1)[1].split("```", 1)[0]
    (tmp_path / "config.yaml").write_text(example, "utf-8")
    loaded = load_config(None, env={}, cwd=tmp_path)

    plan_channels(loaded, clock=ManualClock(), cwd=tmp_path)
    words = house_settings(loaded, media_root=None).words
    assert words is not None
    for language, texts in loaded.settings.texts.items():
        assert texts
        for key, text in texts.items():
            assert words.message(key, language) == text != Catalogue.load().message(key, language)
