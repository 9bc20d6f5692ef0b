"""What the redactor takes out, and what it leaves."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.secret import Secret
from optfm_bot.observe.redact import Redactor, phone_mask

TOKEN = "123456789:AAExampleExampleExampleExample_-0"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"https://api.telegram.org/bot{TOKEN}/getMe", "https://api.telegram.org/bot123456789:***/getMe"),
        (f"token {TOKEN.replace(':', '%3A')}", "token 123456789%3A***"),
        ("/waInstance1101000001/sendMessage/d75b3a66374942c5b3c0", "/waInstance1101000001/sendMessage/***"),
        ("Authorization: Bearer abcdef123456", "Authorization: ***"),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "{'authorization': '***'}"),
        ("Set-Cookie: a=b; session=abcdef; Path=/", "Set-Cookie: ***"),
        (r'"{\"bot_token\": \"abcdef\"}"', r'"{\"bot_token\": ***}"'),
        ("X-Telegram-Bot-Api-Secret-Token: abcdef", "X-Telegram-Bot-Api-Secret-Token: ***"),
        ("sent with Bearer abcdef123456.", "sent with Bearer ***"),
        ("GET /x?access_token=abc123&v=1", "GET /x?access_token=***&v=1"),
        ('{"api_key": "abc 123", "n": 1}', '{"api_key": ***, "n": 1}'),
        ("password=hunter2;", "password=***;"),
        ("postgresql+asyncpg://bot:hunter2@db/optfm", "postgresql+asyncpg://bot:***@db/optfm"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "jwt ***!"),
        ("card 4111 1111 1111 1111.", "card ***1111."),
        ("card 2200700012345673", "card ***5673"),
        ("call +7 (916) 123-45-67", "call +7***4567"),
        ("call 89161234567, please", "call +7***4567, please"),
        ("call 8-916-123-45-67", "call +7***4567"),
        ("звоните (495) 123-45-67", "звоните ***4567"),
        ("+49 30 1234567890", "+4***7890"),
        ("write to anna.petrova@example.com!", "write to a***@example.com!"),
        ("79161234567@c.us", "7***@c.us"),
        ("one\r\ntwo\x1b[31m\u202e", "one\\r\\ntwo\\x1b[31m\\u202e"),
        ("half a pair \ud83d", "half a pair \\ud83d"),
    ],
)
def test_secrets_and_personal_data_are_masked(text: str, clean: str) -> None:
    assert Redactor().text(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "outbox.retry",
        "2026-11-21T09:38:57.301Z",
        "took 0.78912345678 s",
        "order 1234567890123456",
        "update 252342342342342342",
        "sqlite+aiosqlite:///optfm.db",
        "http://127.0.0.1:8080/telegram/webhook",
        "1763717937301",
        "Сколько стоит доставка?",
    ],
)
def test_ordinary_texts_are_left_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_known_secrets_are_masked_in_every_spelling() -> None:
    redactor = Redactor([Secret('p@ss "word"/1'), "кириллица"])

    text = redactor.text('p@ss "word"/1 p%40ss%20%22word%22%2F1 p@ss \\"word\\"/1 кириллица %D0%BA')

    assert text == "*** *** *** *** %D0%BA"


def test_a_short_secret_is_masked_as_a_whole_word_only() -> None:
    assert Redactor(["test"]).text("test latest test1 (test)") == "*** latest test1 (***)"


def test_a_redactor_shows_no_secrets_itself() -> None:
    assert "hunter2hunter2" not in repr(Redactor(["hunter2hunter2"]))


@pytest.mark.parametrize(
    ("fields", "clean"),
    [
        ({"bot_token": "short", "api-key": 5}, {"bot_token": "***", "api-key": "***"}),
        ({"Authorization": ["x"], "Set-Cookie": "y"}, {"Authorization": "***", "Set-Cookie": "***"}),
        ({"token": None, "has_token": True}, {"token": None, "has_token": True}),
        ({"phone": 79161234567, "phone_number": "12"}, {"phone": "+7***4567", "phone_number": "***12"}),
        ({"display_name": "Анна", "username": "anna"}, {"display_name": "***", "username": "***"}),
        ({"text": "Где мой заказ?", "caption": ""}, {"text": "<14>", "caption": "<0>"}),
        ({"a": [{"secret": "x"}, ("+79161234567",)]}, {"a": [{"secret": "***"}, ["+7***4567"]]}),
        ({"anna@example.com": 1, 5: 2}, {"a***@example.com": 1, "5": 2}),
        ({"n": 79161234567, "id": 252342342342342342}, {"n": "+7***4567", "id": 252342342342342342}),
        ({"s": Secret("x"), "b": b"hunter2", "p": Path("x/y")}, {"s": "***", "b": "<7 bytes>", "p": "x/y"}),
        ({"e": ValueError(f"bad {TOKEN}")}, {"e": "ValueError: bad 123456789:***"}),
        ({"at": datetime(2026, 1, 2, tzinfo=UTC)}, {"at": "2026-01-02T00:00:00+00:00"}),
        ({"big": 2**300}, {"big": "<big integer>"}),
    ],
)  # fmt: skip
def test_fields_are_cleaned_by_name_and_by_value(fields: dict[Any, Any], clean: dict[str, Any]) -> None:
    assert Redactor().fields(fields) == clean


def test_texts_of_messages_are_shown_only_when_verbose_and_even_then_without_personal_data() -> None:
    assert Redactor().fields({"text": "пишите a@b.ru"}, verbose=True) == {"text": "пишите a***@b.ru"}


def test_deep_wide_and_cyclic_values_end() -> None:
    cycle: dict[str, Any] = {"wide": list(range(1_000))}
    cycle["self"] = cycle

    cleaned = Redactor().fields(cycle)

    assert len(cleaned["wide"]) == 101
    assert "…" in str(cleaned["self"])


def test_a_secret_across_the_cut_of_a_long_text_does_not_show() -> None:
    secret = "S" * 100
    redactor = Redactor([secret])

    for at in (8_100, 8_150, 8_191):
        assert "SSS" not in redactor.text("." * at + secret + "." * 9_000)
        assert "SSS" not in redactor.text("." * 9_000 + secret + "." * at, multiline=True)


@pytest.mark.parametrize(
    "unit", ["a", "eyJ", "7", "a@", "token", "+7 ", "http://", "/waInstance1/", "'", "4-", "(9", "= "]
)
def test_hostile_texts_take_no_time(unit: str) -> None:
    text = (unit * 10_000)[:10_000]
    start = time.perf_counter()
    Redactor().text(text)

    assert time.perf_counter() - start < 0.5


@given(st.text())
def test_a_cleaned_text_is_one_line_and_cleaning_it_again_changes_nothing_secret(text: str) -> None:
    cleaned = Redactor().text(text)

    assert len(cleaned.splitlines()) <= 1
    cleaned.encode("utf-8")


@pytest.mark.parametrize(
    ("phone", "mask"),
    [
        ("+79161234567", "+7***4567"),
        ("89161234567", "+7***4567"),
        ("9161234567", "***4567"),
        ("", "***"),
        ("1" * 20, "***"),
    ],
)
def test_a_phone_keeps_its_country_and_its_last_digits(phone: str, mask: str) -> None:
    assert phone_mask(phone) == mask
