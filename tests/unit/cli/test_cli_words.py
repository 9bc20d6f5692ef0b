"""The words of the command line: complete, in the language of the terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import optfm_bot.cli
from channels.contract import HealthState
from optfm_bot.cli.checkup import GROUPS
from optfm_bot.cli.words import Words, locale_language
from optfm_bot.i18n.catalogue import Catalogue

_USED = re.compile(r"""(?:words|_words|_words\.count|words\.count)\(\s*"([a-z_.]+)"(?!\.)""")


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({}, "ru"),
        ({"LANG": "C.UTF-8"}, "ru"),
        ({"LANG": "POSIX"}, "ru"),
        ({"LANG": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "ru_RU.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "ru_RU.UTF-8"}, "ru"),
        ({"LANG": "Russian_Russia.1251"}, "ru"),
    ],
)
def test_the_locale_chooses_the_language(
    env: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("optfm_bot.cli.words._system_locale", lambda: "")

    assert language == locale_language(env)


def test_every_word_that_the_commands_use_is_in_the_catalogue() -> None:
    folder = Path(optfm_bot.cli.__file__).parent
    used = {key for path in folder.glob("*.py") for key in _USED.findall(path.read_text("utf-8"))}

    assert len(used) > 50, "the search has lost its object"
    assert set() == used - Catalogue.load("cli").keys


def test_words_made_of_names_are_in_the_catalogue() -> None:
    wanted = {
        *(f"doctor.group_{group}" for group in GROUPS),
        *(f"probe.{state.value}" for state in HealthState),
        *(f"doctor.{kind}" for kind in ("parked", "uncertain", "failed")),
        *(f"db.check_{name}" for name in ("schema", "writable", "whole")),
        *(f"error.{what}" for what in ("config", "knowledge", "database", "channel", "start", "error")),
    }

    assert set() == wanted - Catalogue.load("cli").keys


def test_the_bot_does_not_carry_the_words_of_the_command_line() -> None:
    assert "init.next" in Catalogue.load("cli").keys
    assert "init.next" not in Catalogue.load().keys


def test_numbers_are_written_as_the_language_does() -> None:
    assert ("1,8", "1.8") == (Words("ru").number(1.84), Words("en").number(1.84))
