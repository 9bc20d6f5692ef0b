"""The voice of the bot: its languages, its commands, the base of the moment."""

from __future__ import annotations

import pytest

from faq import FaqEntry, FaqManager
from optfm_bot.domain.talk import TalkSettings
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.voice import COMMANDS, Voice


@pytest.fixture(scope="module")
def voice() -> Voice:
    return Voice(FaqManager([]), Catalogue.load(), TalkSettings(), language="ru")


@pytest.mark.parametrize(
    ("locale", "language"),
    [("ru", "ru"), ("RU", "ru"), ("en-US", "en"), ("en_GB", "en"), ("de", "ru"), ("", "ru"), (None, "ru")],
)
def test_the_language_of_a_platform_becomes_one_of_ours(
    voice: Voice, locale: str | None, language: str
) -> None:
    assert voice.language_of(locale) == language


def test_every_command_is_described_in_every_language(voice: Voice) -> None:
    shown = voice.commands()

    assert {code: tuple(one.name for one in found) for code, found in shown.items()} == {
        "ru": COMMANDS,
        "en": COMMANDS,
    }
    assert all(one.description for found in shown.values() for one in found)


def test_a_new_base_takes_the_place_of_the_old_one(voice: Voice) -> None:
    before = voice.talk
    voice.serve(FaqManager([FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой.")]))

    assert voice.talk is not before
    assert [entry.id for entry in voice.talk.faq.entries] == ["pay"]
