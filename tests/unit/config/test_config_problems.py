"""What is said when settings are wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from config import ConfigError, LoadedConfig, Problem, Secret, load_config, secrets_in, validate_section

Load = Callable[..., LoadedConfig]
Refuse = Callable[..., list[Problem]]


@pytest.mark.parametrize(
    ("text", "where", "key", "words"),
    [
        ("servr: {port: 1}", "config.yaml:1", "servr", "did you mean `server`?"),
        ("server:\n  prt: 1", "config.yaml:2", "server.prt", "did you mean `port`?"),
        ("\nport: 1", "config.yaml:2", "port", "did you mean `server.port`?"),
        ("zzz: 1", "config.yaml:1", "zzz", "known keys: agent, server"),
        ("admin: {port: 1}", "config.yaml:1", "admin", "not supported by this version"),
        ("privacy: {days: 1}", "config.yaml:1", "privacy", "not supported by this version"),
        ("server:\n  port: abc", "config.yaml:2", "server.port", "must be a whole number, given 'abc'"),
        ("server: {port: 70000}", "config.yaml:1", "server.port", "must be at most 65535, given '70000'"),
        ("server: []", "config.yaml:1", "server", "must be a section"),
        ("server: {public_url: bot.example.ru}", "config.yaml:1", "server.public_url", "such as https://"),
        ("agent: {timezone: Mars/Base}", "config.yaml:1", "agent.timezone", "for example Europe/Moscow"),
        ("agent: {language: fr}", "config.yaml:1", "agent.language", "must be one of: ru, en, given 'fr'"),
        ("agent: {name: ''}", "config.yaml:1", "agent.name", "must not be empty"),
        ("database: {url: mysql://h/x}", "config.yaml:1", "database.url", "unknown database driver `mysql`"),
        ("database: {url: optfm.db}", "config.yaml:1", "database.url", "must be an address"),
        ("conversation: {join_window: 11}", "config.yaml:1", "conversation.join_window", "at most 10"),
        ("conversation: {feedback: perhaps}", "config.yaml:1", "conversation.feedback", "true or false"),
        ("log: {level: loud}", "config.yaml:1", "log.level", "debug, info, warning, error"),
        ("faq: {source: database}", "config.yaml:1", "faq.source", "must be one of: files"),
        (
            "delivery: {policy: maybe}",
            "config.yaml:1",
            "delivery.policy",
            "at_most_once, at_least_once, verify",
        ),
        (
            "channels:\n  tg:\n    delivery: {brst: 1}",
            "config.yaml:3",
            "channels.tg.delivery.brst",
            "did you mean `burst`?",
        ),
        ("channels: {tg: 5}", "config.yaml:1", "channels.tg", "must be a section"),
        ("a: 1\nserver: {}\nserver: {}", "config.yaml:3", "server", "written twice, first on line 2"),
        ("agent: {name: !!python/name:os.system x}", "config.yaml:1", "agent.name", "is not allowed"),
        ("? [a, b]\n: 1", "config.yaml:1", "", "a key must be plain text"),
        ("- a\n- b", "config.yaml:1", "", "must hold keys and values"),
        ("agent:\n\tname: x", "config.yaml:2", "", "indent with spaces"),
        ("agent: {name: x\nserver: [", "config.yaml:1", "", "close the quote or the bracket"),
        ('agent:\n  name: "Shop\n  language: en\n', "config.yaml:2", "", "close the quote or the bracket"),
        ("agent:\n  name:Shop\n  language: en\n", "config.yaml:2", "", "put a space after the key"),
        ("agent:\n  name: Shop\n   language: en\n", "config.yaml:3", "", "not indented as those beside it"),
        ("agent:\n  name: Shop\n language: en\n", "config.yaml:3", "", "not indented as those beside it"),
        ("agent:\n  name: My: shop\n", "config.yaml:2", "", "in quotes"),
        ("agent: {name: '\x07'}", "config.yaml:1", "", "not valid YAML"),
        ("agent: {name: '${NOPE}'}", "config.yaml:1", "agent.name", "variable NOPE is not set"),
        ("agent: {name: '${a b}'}", "config.yaml:1", "agent.name", "is not a reference"),
        ("agent: {name: 'x ${OPEN'}", "config.yaml:1", "agent.name", "`${OPEN` is not a reference"),
        ("agent: {name: '${file:none}'}", "config.yaml:1", "agent.name", "cannot read none: No such file"),
    ],
)
def test_a_problem_names_its_place_its_key_and_the_way_out(
    refuse: Refuse, text: str, where: str, key: str, words: str
) -> None:
    found = [problem for problem in refuse(text) if (problem.where, problem.key) == (where, key)]

    assert found, refuse(text)
    assert words in str(found[0])
    assert found[0].describe("ru") != str(found[0]), "every problem of the catalogue speaks Russian too"


def test_all_problems_come_at_once_in_reading_order(refuse: Refuse) -> None:
    problems = refuse(
        "zzz: 1\nserver: {port: x}\nagent: {name: '${NOPE}', id: '!'}\n",
        {"OPTFM__LIMITS__PERSON_PER_MINUTE": "many", "OPTFM__SERVRE__PORT": "1"},
    )

    assert [(problem.where, problem.key) for problem in problems] == [
        ("config.yaml:1", "zzz"),
        ("config.yaml:2", "server.port"),
        ("config.yaml:3", "agent.name"),
        ("config.yaml:3", "agent.id"),
        ("environment OPTFM__LIMITS__PERSON_PER_MINUTE", "limits.person_per_minute"),
        ("environment OPTFM__SERVRE__PORT", "servre"),
    ]


def test_an_unset_variable_is_one_problem_not_two(refuse: Refuse) -> None:
    assert [p.message for p in refuse("server: {port: ${PORT}}")] == [
        "the environment variable PORT is not set"
    ]


def test_a_wrong_line_of_dotenv_is_a_problem(refuse: Refuse) -> None:
    assert [p.where for p in refuse(dotenv="A=1\nnonsense\nB='open\n")] == [".env:2", ".env:3"]


def test_a_broken_list_in_a_variable_is_a_problem(refuse: Refuse) -> None:
    (problem,) = refuse(env={"OPTFM__SERVER__TRUSTED_PROXIES": "[a"})

    assert problem.where == "environment OPTFM__SERVER__TRUSTED_PROXIES"


def test_a_missing_file_that_was_named_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: the file does not exist"):
        load_config(Path("absent.yaml"), env={}, cwd=tmp_path)


def test_a_file_in_another_encoding_is_a_problem_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes("agent:\n  name: Бот".encode("cp1251"))

    with pytest.raises(ConfigError, match=r"config\.yaml:2: the file is not UTF-8"):
        load_config(None, env={}, cwd=tmp_path)


def test_a_bomb_of_aliases_is_refused_quickly(refuse: Refuse) -> None:
    levels = "\n".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))

    assert any("nested or repeated too much" in str(problem) for problem in refuse(f"k0: &a0 [x]\n{levels}"))


def test_deep_nesting_is_refused(refuse: Refuse) -> None:
    assert any("too much" in str(problem) for problem in refuse("a: " + "[" * 200 + "]" * 200))


class _ChannelLike(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    token: Secret
    key_phrase: Secret | None = None
    attempts: int = Field(3, ge=1)


def _locate(path: tuple[str | int, ...]) -> str:
    return f"config.yaml:{len(path)}"


def test_a_section_of_the_house_gets_the_same_quality_of_messages() -> None:
    result = validate_section(
        _ChannelLike, {"tokn": "hunter2", "attempts": 0}, locate=_locate, prefix=("channels", "telegram")
    )

    assert [str(problem) for problem in result] == [
        "config.yaml:3: channels.telegram.token: is required",
        "config.yaml:3: channels.telegram.attempts: must be at least 1, given '0'",
        "config.yaml:3: channels.telegram.tokn: unknown key (did you mean `token`?)",
    ]


def test_a_valid_section_is_given_back() -> None:
    result = validate_section(_ChannelLike, {"token": "t"}, locate=_locate)

    assert isinstance(result, _ChannelLike)
    assert [Secret("t")] == list(secrets_in({"a": [result]}))


def test_a_secret_is_never_quoted_in_a_problem(refuse: Refuse) -> None:
    result = validate_section(_ChannelLike, {"token": ["hunter2"], "key_phrase": ["hunter2"]}, locate=_locate)

    assert len(result) == 2
    assert "hunter2" not in "".join(problem.describe() for problem in result)
    assert "hunter2" not in str(refuse("database: {url: 'mysql://u:hunter2@h/x'}"))


def test_a_problem_without_russian_words_speaks_english() -> None:
    assert (
        Problem(where="a.yaml:1", key="k", message="wrong", hint="fix it").describe("ru")
        == "a.yaml:1: k: wrong (fix it)"
    )


FORM = "forms:\n  a:\n    title: Звонок\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "texts:\n  handoff.queued: Передал",
            "config.yaml:2: texts.handoff.queued: тексты пишутся внутри своего языка, ru или en (например: texts: {ru:",
        ),
        ("hours: 9-18", "config.yaml:1: hours: нужен раздел из ключей и значений (например: hours: {days: {mon-fri:"),
        ("hours:\n  пн-пт: 9:00-18:00", "config.yaml:2: hours.пн-пт: неизвестный ключ (например: hours: {days:"),
        ("hours:\n  days: {sun: false}", "hours.days.sun: нужны часы вида 09:00-18:00 или их список (выходной день"),
        ("hours:\n  days_off: 2026-12-31", "hours.days_off: нужен список (запишите в скобках: days_off: [a, b])"),
        (f"{FORM}    steps: [phone]", "forms.a.steps[1]: нужен раздел из ключей и значений (например: {name"),
        (f"{FORM}    steps: {{name: phone}}", "forms.a.steps: нужен список (например: steps: [{name: phone"),
        (f"{FORM}    steps: [{{name: a, label: 5}}]", "steps[1].label: нужен текст или тексты по языкам: ru, en (н"),
        (f"{FORM}    steps: [{{name: a}}]\n    thanks: Ваш {{номер}}", "есть {номер}, а подставить сюда боту нечего ("),
        ("notify: {urls: [a], managers: [Анна]}", "managers[1]: нужен раздел из ключей и значений (например: {name:"),
        ("notify: {urls: ['${file:/nowhere}']}", "notify.urls[1]: не читается /nowhere: такого файла нет"),
        ("database: {url: 'sqlite://optfm.db'}", "перед файлом SQLite нужны три косые черты"),
        ("database: {backup: {at: '3:10'}}", "database.backup.at: нужно время суток вида 03:10, указано '3:10'"),
        ("database: {url: 'postgresql://a:b@host:port/x'}", "database.url: порт после имени сервера должен быть"),
        ("database: {url: 'postgresql://a:b:c/d@[::1]:x/y'}", "database.url: порт после имени сервера"),
        ("server: {host: 'http://0.0.0.0'}", "server.host: нужен адрес вида 0.0.0.0, без http:// и порта"),
        ("server: {host: '0.0.0.0:8080'}", "server.host: нужен адрес вида 0.0.0.0, без http:// и порта"),
        ("agent: {id: Бот}", "agent.id: нужно 1–32 символа: строчная латинская буква"),
        ("agent: {region: ru}", "agent.region: нужны две заглавные латинские буквы, например RU, указано 'ru'"),
        ("agent: {name: 2024}", "agent.name: нужно текстовое значение (возьмите значение в кавычки)"),
        ("faq: {path: [a, b]}", "faq.path: нужно текстовое значение (одно значение, без скобок"),
        ("conversation: {join_window: 20}", "conversation.join_window: должно быть не больше 10, указано '20'"),
        ("server:\n  port:80", "server: нужен раздел из ключей и значений (после ключа с двоеточием"),
        ("channels:\n  type: telegram\n  token: x", "channels: сначала имя, а эти настройки — под ним (например: ch"),
        ("channels: {telegram: 12345:abc}", "нужен раздел из ключей и значений (например: channels: {telegram: {"),
        ("keep_daily: 3", "config.yaml:1: keep_daily: неизвестный ключ (может быть, `database.backup.keep_daily`?)"),
        ("per_bot_per_second: 3", "per_bot_per_second: неизвестный ключ (может быть, `delivery.per_bot_per_second`?)"),
    ],
)  # fmt: skip
def test_a_stranger_reads_in_russian_what_is_wrong_where_and_what_to_write(
    refuse: Refuse, text: str, told: str
) -> None:
    assert told in "\n".join(problem.describe("ru") for problem in refuse(text))


@pytest.mark.parametrize(
    "text",
    [
        "server: {host: '::'}",
        "server: {host: '::1'}",
        "server: {host: 'fe80::1:2'}",
        "server: {host: localhost}",
        "database: {url: 'postgresql://a:b@host/x'}",
        "database: {url: 'postgresql://a:b:c@host:5432/x'}",
        "database: {url: 'postgresql://a@[::1]/x'}",
        "database: {url: 'postgresql://a@[::1]:5432/x?ssl=require'}",
        "database: {url: 'postgresql:///x?host=/run/postgresql'}",
        "database: {url: 'sqlite://'}",
        "database: {url: 'sqlite:////tmp/x.db'}",
    ],
)
def test_what_is_right_is_taken(load: Load, text: str) -> None:
    assert load(text).settings


def test_a_category_that_no_manager_has_is_warned_of(load: Load) -> None:
    managers = "  managers: [{name: Анна, categories: [sales]}]\n"
    forms = f"{FORM}    category: sale\n    steps: [{{name: a}}]\n"
    faq = "faq: {path: x}\n"
    (warning,) = load(f"{faq}{forms}notify:\n  assign: category\n{managers}").warnings

    assert (warning.where, warning.key) == ("config.yaml:5", "forms.a.category")
    assert "`sale`" in warning.message_ru
    everybody = managers.replace("}]", "}, {name: Олег}]")
    for other in (f"notify:\n{managers}", f"notify:\n  assign: category\n{everybody}"):
        assert load(f"{faq}{forms}{other}").warnings == ()
