"""Tokens and small pure parts of the API."""

from __future__ import annotations

import random
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.api.language import accepted_language
from optfm_bot.api.models import phone_digits
from optfm_bot.api.tokens import (
    FailureLimit,
    Scope,
    digest,
    is_live,
    new_token,
    read_scopes,
    scopes_of,
)
from optfm_bot.store.records import TokenRow

NOW = 1_760_000_000_000


def row(**fields: object) -> TokenRow:
    values = {"id": 1, "name": "x", "digest": "0" * 64, "scopes": "read messages", "created_at": NOW}
    return TokenRow(**{**values, **fields})  # type: ignore[arg-type]


def test_a_token_has_256_random_bits_and_begins_with_a_name_to_search_for() -> None:
    asked: list[int] = []

    def random_bytes(number: int) -> bytes:
        asked.append(number)
        return b"\xff" * number

    assert new_token(random_bytes) == "ofb_" + "_" * 42 + "8"
    assert asked == [32]
    assert new_token(secrets.token_bytes) != new_token(secrets.token_bytes)


def test_what_is_kept_of_a_token_is_not_the_token() -> None:
    token = new_token(random.Random(1).randbytes)  # noqa: S311 - a test repeats itself

    assert digest(token) == digest(token)
    assert token not in digest(token)
    assert "0" * 64 not in repr(row())


@pytest.mark.parametrize(
    ("fields", "live"),
    [
        ({}, True),
        ({"revoked_at": NOW}, False),
        ({"expires_at": NOW}, False),
        ({"expires_at": NOW + 1}, True),
    ],
)
def test_a_token_lives_until_it_is_revoked_or_expires(fields: dict[str, int], live: bool) -> None:  # noqa: FBT001 - expected
    assert is_live(row(**fields), NOW) is live


def test_scopes_are_written_in_one_order_and_read_back() -> None:
    assert read_scopes(["read", "messages", "read"]) == "messages read"
    assert scopes_of(row()) == {Scope.READ, Scope.MESSAGES}
    with pytest.raises(ValueError, match="admin"):
        read_scopes(["admin"])


def test_failures_are_counted_by_address_and_forgotten_after_a_minute() -> None:
    limit = FailureLimit(most=2)
    limit.failed("a", 0.0)
    assert limit.wait("a", 1.0) == 0
    limit.failed("a", 30.0)

    assert (limit.wait("a", 30.0), limit.wait("b", 30.0), limit.wait("a", 60.0)) == (30.0, 0.0, 0.0)
    limit.failed("a", 61.0)
    assert limit.wait("a", 61.0) == 0


def test_failures_of_any_number_of_addresses_take_bounded_room() -> None:
    limit = FailureLimit()
    for number in range(20_000):
        limit.failed(str(number), 0.0)

    assert len(limit._failures) == 10_000


@given(st.text(max_size=200))
def test_any_wish_for_a_language_gives_one_of_ours(header: str) -> None:
    assert accepted_language(header, "ru") in {"ru", "en"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en;q=0", "ru"),
        ("en;q=x, ru;q=0.1", "ru"),
        ("en;q=2", "ru"),
        ("*", "ru"),
        ("EN-us ; q=0.5", "en"),
        ("ru;q=0.5,en;q=0.5", "ru"),
    ],
)
def test_weights_decide_and_nonsense_says_nothing(header: str, language: str) -> None:
    assert accepted_language(header, "ru") == language


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+7 900 123-45-67", "79001234567"),
        ("8 (900) 123-45-67", "79001234567"),
        ("375291234567", "375291234567"),
        ("+86 138 0013 8000", "8613800138000"),
    ],
)
def test_a_phone_is_its_digits_with_the_country_first(text: str, digits: str) -> None:
    assert phone_digits(text) == digits


@pytest.mark.parametrize(
    "text", ["", "123", "+8 900 123 45 67 89 01 2", "phone", "07900123456", "7٩٠٠١٢٣٤٥٦٧"]
)
def test_what_is_no_phone_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="field"):
        phone_digits(text)
