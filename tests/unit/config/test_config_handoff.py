"""Settings of the way to a person, of the helpdesk, and of texts that the owner changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config import LoadedConfig, Problem, check_settings, json_schema
from config.handoff import HandoffSection
from config.schema import Settings
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]

FREESCOUT = {
    "FREESCOUT_URL": "https://desk.example.ru",
    "FREESCOUT_API_KEY": "0123456789abcdef",
    "FREESCOUT_MAILBOX_ID": "3",
    "FREESCOUT_WEBHOOK_SECRET": "s3cret",
}


@pytest.fixture
def checked(load: Load) -> Callable[[str], list[Problem]]:
    """Check YAML settings."""

    def run(text: str) -> list[Problem]:
        loaded = load(text)
        return check_settings(
            loaded.settings,
            locate=loaded.locate,
            reads_history=lambda _: True,
            directory_exists=lambda _: True,
            semantic_installed=lambda: True,
        )

    return run


# -- the way to a person ---------------------------------------------------------------------------------


def test_a_file_that_says_nothing_of_people_has_the_defaults_and_no_helpdesk(load: Load) -> None:
    settings = load("handoff:\nhelpdesk:\ntexts:\n").settings

    assert settings.handoff == HandoffSection()
    assert (settings.handoff.offer_after, settings.handoff.answer_within, settings.handoff.silence) == (
        2,
        30,
        4,
    )
    assert (dict(settings.helpdesk), dict(settings.texts)) == ({}, {})


def test_what_may_be_switched_off_is_so_by_zero(load: Load) -> None:
    handoff = load("handoff: {offer_after: 0, answer_within: 0, silence: 0, reopen_days: 0}").settings.handoff

    assert not any((handoff.offer_after, handoff.answer_within, handoff.silence, handoff.reopen_days))


@pytest.mark.parametrize("key", ["human_hours", "queue_days", "wrapped_hours", "form_hours"])
def test_a_talk_cannot_be_over_before_it_begins(refuse: Refuse, key: str) -> None:
    (problem,) = refuse(f"handoff:\n  {key}: 0")

    assert (problem.where, problem.key) == ("config.yaml:2", f"handoff.{key}")
    assert "must be more than 0" in problem.message


# -- the helpdesk ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "kind", "options"),
    [
        ("helpdesk: {mail: {to: a@b.ru}}", "mail", "mail", {"to": "a@b.ru"}),
        (
            "helpdesk: {desk: {type: telegram, chat: -100, note: null}}",
            "desk",
            "telegram",
            {"chat": -100, "note": None},
        ),
        ("helpdesk: {freescout: }", "freescout", "freescout", {}),
        ("helpdesk: {freescout: {type: , url: u}}", "freescout", "freescout", {"url": "u"}),
    ],
    ids=["by its kind", "by a name of its own", "with nothing said", "with an empty type"],
)
def test_a_helpdesk_is_read_flat(
    load: Load, text: str, name: str, kind: str, options: dict[str, object]
) -> None:
    (found,) = load(text).settings.helpdesk.items()

    assert (found[0], found[1].type, dict(found[1].options)) == (name, kind, options)


def test_two_helpdesks_are_one_too_many(refuse: Refuse) -> None:
    (problem,) = refuse("agent: {}\nhelpdesk:\n  freescout: {}\n  mail: {}\n")

    assert (problem.where, problem.key) == ("config.yaml:2", "helpdesk")
    assert "freescout, mail" in problem.message
    assert "freescout, mail" in problem.describe("ru")


def test_a_helpdesk_is_a_section(refuse: Refuse) -> None:
    (problem,) = refuse("helpdesk: {mail: 5}")

    assert (problem.where, problem.key) == ("config.yaml:1", "helpdesk.mail")
    assert problem.message == "must be a section of keys and values"
    assert "freescout: {url:" in problem.hint


def test_settings_of_a_helpdesk_without_a_name_are_one_mistake(refuse: Refuse) -> None:
    (problem,) = refuse("helpdesk:\n  type: freescout\n  url: https://desk.example.ru\n  mailbox_id: 1\n")

    assert (problem.key, problem.message) == (
        "helpdesk",
        "a name comes first, and these settings stand under it",
    )


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("helpdesk: {Desk: {type: mail}}", "helpdesk.Desk", "a helpdesk name is"),
        ("helpdesk: {admin: {type: mail}}", "helpdesk.admin", "belongs to an address"),
        (
            "channels: {telegram: {token: 1:x}}\nhelpdesk: {telegram: {chat: -100}}",
            "helpdesk.telegram",
            "`desk: {type: telegram, …}`",
        ),
    ],
)
def test_a_name_that_means_something_else_is_a_problem(
    checked: Callable[[str], list[Problem]], text: str, key: str, words: str
) -> None:
    (problem,) = checked(text)

    assert (problem.key, problem.where) == (key, f"config.yaml:{len(text.splitlines())}")
    assert words in str(problem)
    assert problem.describe("ru") != str(problem)


def test_the_address_of_freescout_is_there_for_the_helpdesk_and_for_no_channel(
    checked: Callable[[str], list[Problem]],
) -> None:
    assert checked("helpdesk: {freescout: {}}") == []
    assert [one.key for one in checked("channels: {freescout: {type: webchat}}")] == ["channels.freescout"]


def test_secrets_of_a_helpdesk_are_not_shown_and_in_the_file_they_are_a_warning(load: Load) -> None:
    loaded = load(
        "helpdesk:\n  freescout:\n    api_key: hunter2\n    smtp: {password: hunter2}\n    webhook_secret: ${S}\n",
        {"S": "hunter2"},
    )

    assert "hunter2" not in repr(loaded)
    assert [(one.where, one.key) for one in loaded.warnings] == [
        ("config.yaml:3", "helpdesk.freescout.api_key"),
        ("config.yaml:4", "helpdesk.freescout.smtp.password"),
    ]


def test_where_options_of_a_helpdesk_come_from_is_known(load: Load) -> None:
    sources = load(
        "helpdesk:\n  desk:\n    type: mail\n    to: a@b.ru\n", {"OPTFM__HELPDESK__DESK__NAME": "Shop"}
    ).sources

    assert {key: place for key, place in sources.items() if key.startswith("helpdesk")} == {
        "helpdesk.desk.type": "config.yaml:3",
        "helpdesk.desk.to": "config.yaml:4",
        "helpdesk.desk.name": "environment OPTFM__HELPDESK__DESK__NAME",
    }


def test_plain_variables_alone_make_freescout_the_helpdesk(load: Load) -> None:
    loaded = load(env=FREESCOUT)

    (entry,) = loaded.settings.helpdesk.values()
    assert (list(loaded.settings.helpdesk), entry.type) == (["freescout"], "freescout")
    assert entry.options == {
        "url": "https://desk.example.ru",
        "api_key": "0123456789abcdef",
        "mailbox_id": "3",
        "webhook_secret": "s3cret",
    }
    assert FreeScoutSettings.model_validate(dict(entry.options)).mailbox_id == 3
    assert loaded.sources["helpdesk.freescout.api_key"] == "environment FREESCOUT_API_KEY"
    assert loaded.warnings == ()


def test_plain_variables_do_not_count_where_the_file_speaks_of_a_helpdesk(load: Load) -> None:
    loaded = load("helpdesk: {mail: {to: a@b.ru}}", {"FREESCOUT_URL": "https://desk.example.ru"})

    assert list(loaded.settings.helpdesk) == ["mail"]
    assert [one.where for one in loaded.warnings] == ["environment FREESCOUT_URL"]
    assert load("helpdesk: {}", FREESCOUT).settings.helpdesk == {}


def test_a_file_that_refers_to_the_variables_gets_no_warning(load: Load) -> None:
    loaded = load("helpdesk: {freescout: {api_key: '${FREESCOUT_API_KEY}'}}", {"FREESCOUT_API_KEY": "k" * 16})

    assert loaded.warnings == ()


# -- texts -----------------------------------------------------------------------------------------------


def test_texts_are_read_by_language_and_key(load: Load) -> None:
    texts = load(
        "texts:\n"
        "  ru:\n"
        "    handoff.joined: Вас слушает человек.\n"
        "    count.questions: {one: '{n} а', few: '{n} б', many: '{n} в'}\n"
        "    handoff.late: |\n"
        "      Две\n"
        "      строки.\n"
        "    handoff.down:\n"
        "  en:\n"
    ).settings.texts

    assert texts == {
        "ru": {
            "handoff.joined": "Вас слушает человек.",
            "count.questions": {"one": "{n} а", "few": "{n} б", "many": "{n} в"},
            "handoff.late": "Две\nстроки.",
            "handoff.down": "",
        },
        "en": {},
    }


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("texts: привет", "texts", "inside of their language"),
        ("texts: {ru: привет}", "texts.ru", "inside of their language"),
        ("texts: {handoff.late: привет}", "texts.handoff.late", "inside of their language"),
        ("texts: {ru: {handoff.late: 5}}", "texts.ru.handoff.late", "must be a text, or plural forms"),
        ("texts: {ru: {handoff.late: [a]}}", "texts.ru.handoff.late", "must be a text, or plural forms"),
        ("texts: {ru: {handoff: {late: 5}}}", "texts.ru.handoff", "must be a text, or plural forms"),
    ],
)
def test_what_is_no_text_is_a_problem(refuse: Refuse, text: str, key: str, words: str) -> None:
    (problem,) = refuse(text)

    assert (problem.where, problem.key) == ("config.yaml:1", key)
    assert words in problem.message


# -- the schema for editors ------------------------------------------------------------------------------


def test_the_schema_for_editors_knows_the_kinds_of_helpdesks() -> None:
    schema = json_schema(helpdesk_settings={"freescout": FreeScoutSettings})

    helpdesk = schema["properties"]["helpdesk"]
    assert helpdesk["maxProperties"] == 1
    assert "mailbox_id" in helpdesk["properties"]["freescout"]["then"]["properties"]
    entry = schema["$defs"]["HelpdeskEntry"]
    assert set(entry["properties"]) == {"type"}
    assert entry["allOf"][0]["if"]["properties"]["type"] == {"const": "freescout"}
    assert {"HandoffSection", "ChannelEntry"} <= schema["$defs"].keys()


def test_the_owner_of_a_bot_is_told_what_each_number_does() -> None:
    for name, field in HandoffSection.model_fields.items():
        assert (field.description or "").endswith("."), name
        assert len((field.description or "").split()) > 8, name
    assert {"handoff", "helpdesk", "texts"} <= Settings.model_fields.keys()
