"""Small talk: phrases are found as people write them, and a question is never taken for one."""

from __future__ import annotations

import pytest

from optfm_bot.i18n.catalogue import LANGUAGES
from optfm_bot.i18n.smalltalk import Phrases, fold, load_smalltalk


@pytest.fixture
def russian() -> Phrases:
    return load_smalltalk()["ru"]


def test_every_language_of_the_catalogue_has_phrases() -> None:
    assert set(LANGUAGES) == set(load_smalltalk())


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Привет!!!", "greetings"),
        ("Добрый день", "greetings"),
        ("Спасибо, всё понятно 🙏", "thanks"),
        ("До свидания.", "goodbyes"),
        ("Как дела?", "how_are_you"),
        ("ОПЕРАТОР", "operator"),
        ("позовите человека", "operator"),
        ("да", "yes"),
        ("Нет, спасибо", "no"),
        ("сколько стоит доставка", None),
        ("спасибо, а сколько стоит доставка", None),
        ("", None),
        ("🙂", None),
    ],
)
def test_a_phrase_has_its_kind(russian: Phrases, text: str, kind: str | None) -> None:
    assert kind == russian.kind(text)


def test_english_phrases_survive_yaml() -> None:
    """A bare `yes` or `no` in YAML would be a truth value."""
    english = load_smalltalk()["en"]
    assert (
        english.kind("Yes"),
        english.kind("no"),
        english.kind("Talk to a human!"),
    ) == ("yes", "no", "operator")


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_means_two_things(language: str) -> None:
    phrases = load_smalltalk()[language]
    everything = [phrase for name in Phrases.__dataclass_fields__ for phrase in getattr(phrases, name)]
    assert len(set(everything)) == len(everything)


@pytest.mark.parametrize("text", ["Ёлка", "what's up?", "a_b  c", "ＦＵＬＬ"])
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(text) == fold(fold(text))
