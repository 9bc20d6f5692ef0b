"""Recorded updates: nothing personal survives, the shapes do, and what was one value stays one value."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from channels.model import ChatRef, ContactIn, SenderRef, TextIn
from channels.testing.conformance.payloads import load_recorded
from channels.testing.recording import Scrubber, described, recording

TELEGRAM: dict[str, Any] = {
    "update_id": 918273645,
    "message": {
        "message_id": 519,
        "from": {
            "id": 5550123,
            "is_bot": False,
            "first_name": "Анна",
            "username": "anna_k",
            "language_code": "ru",
        },
        "chat": {"id": -1001987654321, "type": "supergroup", "title": "Соседи"},
        "date": 1790000508,
        "text": "/start Мой номер +7 (916) 555-44-33, почта anna.k@mail.ru 📦",
        "entities": [{"offset": 0, "length": 6, "type": "bot_command"}],
        "photo": [{"file_id": "AgACAgIAAxkBAAIB", "width": 90, "height": 51, "file_size": 104857}],
        "location": {"latitude": 55.7887, "longitude": 37.6173},
    },
}


def scrub(*updates: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    return Scrubber(**options).scrub(*updates)


# -- an update read aloud --------------------------------------------------------------------------------------------


def test_a_telegram_update_keeps_its_shape_and_tells_of_nobody() -> None:
    (update,) = scrub(TELEGRAM)

    assert update == {
        "update_id": 900000001,
        "message": {
            "message_id": 501,
            "from": {
                "id": 5000001,
                "is_bot": False,
                "first_name": "Аааб",
                "username": "aaab_b",
                "language_code": "ru",
            },
            "chat": {"id": -1000000000001, "type": "supergroup", "title": "Аааааб"},
            "date": 1790000508,
            "text": "/start Ааб ааааб +7 (000) 000-00-01, аааав aaab.b@aaac.ab 📦",
            "entities": [{"offset": 0, "length": 6, "type": "bot_command"}],
            "photo": [{"file_id": "AaAAAaAAAaaAAAAB", "width": 90, "height": 51, "file_size": 104857}],
            "location": {"latitude": 50.0, "longitude": 30.0},
        },
    }


def test_one_number_stays_one_number_however_it_is_written() -> None:
    (update,) = scrub(
        {
            "phone": 79165554433,
            "chatId": "79165554433@c.us",
            "vcard": "TEL:+7 916 555-44-33",
            "text": "id79165554433",
            "79165554433": 1,
        }
    )

    assert update == {
        "phone": 70000000001,
        "chatId": "70000000001@c.us",
        "vcard": "AAB:+7 000 000-00-01",
        "text": "ab70000000001",
        "70000000001": 1,
    }


def test_addresses_lose_everything_but_their_kind() -> None:
    (update,) = scrub(
        {
            "url": "https://cdn.example.net/u/5550123/passport.jpg?sig=abc",
            "thumb": "https://cdn.example.net/u/5550123/small.jpg",
            "again": "https://cdn.example.net/u/5550123/small.jpg",
            "deep": "tg://user?id=5550123",
        }
    )

    assert update["url"] == "https://example.org/001"
    assert update["thumb"] == update["again"] == "https://example.org/001.jpg"
    assert update["deep"] == "tg://example.org/001"


def test_what_somebody_is_called_stays_nowhere() -> None:
    """Not among the platform's own words, and not as the name of a field."""
    (update,) = scrub({"sender": {"first_name": "Anna"}, "status": "Anna", "reactions": {"Anna": 1}})

    assert "anna" not in json.dumps(update).lower()
    assert update["status"] == update["sender"]["first_name"]


def test_the_bots_own_name_may_be_let_through() -> None:
    (update,) = scrub({"text": "@our_bot и @our_bot2, 4711", "id": 4711}, public=["our_bot", "4711"])

    assert update == {"text": "@our_bot б @aab_aaa1, 4711", "id": 4711}


def test_a_field_may_be_kept_but_never_with_a_secret_in_it() -> None:
    (update,) = scrub(
        {"source": "button", "origin": "token-canary"}, keep=["source", "origin"], secrets=["canary"]
    )

    assert update["source"] == "button"
    assert "canary" not in update["origin"]


def test_updates_scrubbed_together_share_their_stand_ins() -> None:
    first, second = scrub({"id": 5550123, "user": 5550999}, {"id": 5550999})

    assert second["id"] == first["user"] != first["id"]


def test_times_and_measures_stay_and_birthdays_do_not() -> None:
    (update,) = scrub(
        {"timestamp": 1790000508.5, "sent_at": "2026-11-21T12:00:00Z", "birth_date": "1985-03-12"}
    )

    assert update["timestamp"] == 1790000508.5
    assert update["sent_at"] == "2026-11-21T12:00:00Z"
    assert update["birth_date"] != "1985-03-12"


# -- for whatever there may be ---------------------------------------------------------------------------------------

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
FIELDS = (
    st.sampled_from(["id", "chat_id", "name", "text", "type", "date", "phone", "url", "size", "x"])
    | st.text()
)
UPDATES = st.dictionaries(
    FIELDS,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELDS, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=6,
)


def shape(value: Any) -> Any:
    """What must stay: the tree, the types, the lengths, the signs, the number of digits."""
    if isinstance(value, dict):
        return [shape(inner) for inner in value.values()]
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str):
        return "address" if re.match(r"[a-z][a-z0-9+.-]*://\S+$", value) else [shape_of(c) for c in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return value < 0, len(str(abs(value)))
    return type(value)


def shape_of(character: str) -> str:
    return "0" if character in "0123456789" else "letter" if character.isalnum() else character


@given(UPDATES)
def test_scrubbing_keeps_the_shape(update: dict[str, Any]) -> None:
    assert shape(scrub(update)[0]) == shape(update)


@given(UPDATES)
@example({"a": "😀" + "𝒜" * 3, "b": "²³١٢٣٤٥٦", "c": "12.34.56.78.90.12.34.56", "d": 0.6})
@example({"0²": 0, "0³": 1})
def test_scrubbing_again_changes_nothing(update: dict[str, Any]) -> None:
    once = scrub(update)

    assert scrub(*once) == once


@given(UPDATES)
def test_the_same_update_gives_the_same_result_and_is_left_as_it_was(update: dict[str, Any]) -> None:
    before = json.dumps(update)

    assert scrub(update) == scrub(update)
    assert json.dumps(update) == before


WORDS = st.text(
    st.sampled_from("ghjklmnopqrstuvwxyzGHJKLMжзиклмнопрстуфхцчшщэюяЖЗИК"), min_size=4, max_size=12
)
"""Letters that no stand-in has: what is found afterwards has survived."""
PHONES = st.integers(10**9, 10**15 - 1).map(str).filter(lambda digits: "000" not in digits)


@st.composite
def people(draw: st.DrawFn) -> tuple[list[str], dict[str, Any]]:
    """Personal values, and an update that has each of them in many places."""
    first, last, nick = draw(WORDS), draw(WORDS), draw(WORDS)
    phone, number, token = draw(PHONES), draw(PHONES), f"{draw(WORDS)}:{draw(WORDS)}-{draw(PHONES)}"
    spaced = f"+{phone[0]} ({phone[1:4]}) {phone[4:7]}-{phone[7:]}"
    extra = draw(st.sampled_from(["data", "value", "extra", "note", "ref", "source"]))
    odd = st.sampled_from(
        [first, f"{first} {last}", f"id{number}", phone, f"{nick}@{last}.ru", f"x/{token}?{phone}"]
    )
    update = {
        "type": "message",
        "from": {"id": int(number), "first_name": first, "last_name": last, "username": nick},
        "contact": {"phone": phone, "vcard": f"FN:{first} {last};TEL:{spaced}"},
        "text": f"{draw(st.text())} {first}, {spaced} {nick}@{last}.ru https://{nick}.ru/{number}",
        "url": f"https://{last}.ru/{number}/{nick}.jpg?token={token}",
        extra: draw(odd),
        "list": draw(st.lists(odd, max_size=3)),
        "status": first,
        "by": {draw(odd): 1, f"{first} {last}": 2, number: 3, nick: 4},
        "token": token,
    }
    return [first, last, nick, phone, number, *token.split(":")], update


@given(people())
def test_no_personal_value_survives_anywhere(planted: tuple[list[str], dict[str, Any]]) -> None:
    values, update = planted
    shown = json.dumps(scrub(update, secrets=[update["token"]]), ensure_ascii=False).casefold()
    digits = re.sub(r"[ ().+-]", "", shown)

    assert [value for value in values if value.casefold() in shown or value in digits] == []


@given(st.lists(st.integers(10**6, 10**7 - 1), unique=True, min_size=2, max_size=40), st.data())
def test_different_ids_stay_different_and_the_same_ones_the_same(ids: list[int], data: st.DataObject) -> None:
    order = data.draw(st.permutations([*ids, *ids]))

    (update,) = scrub({"ids": order})

    given_out = dict(zip(order, update["ids"], strict=True))
    assert [given_out[one] for one in order] == update["ids"]
    assert len(set(given_out.values())) == len(ids)


@given(st.text(min_size=6), UPDATES)
@example("0.jSON", {})
def test_a_secret_never_survives(secret: str, update: dict[str, Any]) -> None:
    assume(len(set(re.findall(r"[^\W_]", secret)) & set("ghijklmnopqrstuvwxyz")) > 0)
    update = {
        **update,
        "type": f"a{secret}",
        "x": f"https://a.b/{secret}.pdf",
        f"k{secret}": secret,
        "keep": secret,
    }

    found = json.dumps(scrub(update, secrets=[secret], keep=["keep"]), ensure_ascii=False)

    assert json.dumps(secret, ensure_ascii=False)[1:-1] not in found


# -- the file --------------------------------------------------------------------------------------------------------

EVENT = TextIn(
    event_id="5",
    raw_ref="5",
    chat=ChatRef(channel="vk", chat_id="7"),
    sender=SenderRef(external_id="7", display_name="Anna"),
    at=datetime(2026, 1, 1, tzinfo=UTC),
    text="hello",
    message_id="5",
)


def test_an_event_is_told_by_the_fields_that_say_something() -> None:
    assert described(EVENT) == {
        "type": "TextIn",
        "chat": "vk:7",
        "sender": "7",
        "at": "2026-01-01T00:00:00+00:00",
        "text": "hello",
        "message_id": "5",
    }


@pytest.mark.parametrize("events", [[EVENT], [], None], ids=["one", "none", "unreadable"])
def test_the_kit_reads_what_is_written(events: list[TextIn] | None, tmp_path: Any) -> None:
    content = recording({"id": 5}, events, key="5", lane="vk:7", about="by hand")
    (tmp_path / "one.json").write_text(json.dumps(content), "utf-8")

    (recorded,) = load_recorded(tmp_path)

    assert (recorded.update, recorded.key, len(recorded.events)) == ({"id": 5}, "5", len(events or []))
    assert recorded.unreadable is (events is None)


def test_a_phone_that_was_shared_is_told() -> None:
    contact = ContactIn(
        event_id="5", chat=EVENT.chat, sender=EVENT.sender, at=EVENT.at, phone="+7000", own=True
    )

    assert described(contact)["phone"] == "+7000"
