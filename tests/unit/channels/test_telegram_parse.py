"""Telegram updates become our events; nothing that a platform may send breaks the reading."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiogram.types import Update
from hypothesis import given
from hypothesis import strategies as st

import channels.telegram
from channels.contract import Cursor
from channels.errors import BadPayload
from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    RawUpdate,
    StartIn,
    TextIn,
    TopicIn,
)
from channels.telegram.address import BotIdentity
from channels.telegram.parse import cut, parse_update, read_batch
from tests.unit.channels.nonsense import JSON, WRONG, Spot, spots, unhurried, with_value, without

PAYLOADS = Path(channels.telegram.__file__).parent / "payloads"
SAMPLES = {path.stem: orjson.loads(path.read_bytes()) for path in PAYLOADS.glob("*.json")}
BOT = BotIdentity(123456, "optfm_test_bot")
NAMELESS = BotIdentity(123456)

# What each sample means: the class, and the fields worth telling.
EXPECTED: dict[str, tuple[type, dict[str, Any]] | None] = {
    "private_text": (TextIn, {"text": "Сколько стоит доставка? 📦", "addressed": True, "is_group": False}),
    "private_reply": (TextIn, {"text": "А в Казань?", "reply_to": "501"}),
    "private_command": (TextIn, {"text": "/help"}),
    "start": (StartIn, {"payload": ""}),
    "start_deep_link": (StartIn, {"payload": "src_avito-12"}),
    "start_odd_payload": (StartIn, {"payload": ""}),
    "group_talk": (TextIn, {"addressed": False, "is_group": True}),
    "group_mention": (TextIn, {"text": "👋🏽, сколько стоит доставка?", "addressed": True}),
    "group_text_mention": (TextIn, {"text": "Подскажи, цену", "addressed": True}),
    "group_other_mention": (TextIn, {"text": "@another_bot сколько?", "addressed": False}),
    "group_reply_to_bot": (TextIn, {"text": "а самовывоз?", "addressed": True}),
    "group_reply_to_person": (TextIn, {"addressed": False}),
    "group_command_ours": (TextIn, {"text": "/help доставка", "addressed": True}),
    "group_command_bare": (TextIn, {"text": "/help", "addressed": True}),
    "group_command_other_bot": (TextIn, {"text": "/help@other_bot", "addressed": False}),
    "group_photo_mention": (MediaIn, {"caption": "это что?", "addressed": True, "file_id": "AgAC-large"}),
    "topic_message": (TextIn, {"chat": "tg:-1001000000002:42", "addressed": True, "reply_to": None}),
    "topic_talk": (TextIn, {"chat": "tg:-1001000000002:42", "addressed": False, "reply_to": None}),
    "reply_thread_is_no_topic": (TextIn, {"chat": "tg:-1001000000001"}),
    "topic_closed": (
        TopicIn,
        {"chat": "tg:-1001000000002:42", "closed": True, "addressed": False, "sender": "70001"},
    ),
    "topic_reopened": (TopicIn, {"chat": "tg:-1001000000002:42", "closed": False, "addressed": False}),
    "edited_text": (EditedIn, {"text": "Сколько стоит доставка в Казань?"}),
    "edited_caption": (EditedIn, {"text": "вот такой"}),
    "live_location_moved": None,
    "press": (ActionIn, {"token": "a1b2c3d4", "callback_id": "4382bfdwdsb323b2d9", "chat": "tg:70001"}),
    "press_in_group": (ActionIn, {"chat": "tg:-1001000000002:42", "is_group": True, "addressed": True}),
    "press_inaccessible": (ActionIn, {"chat": "tg:70001", "message_id": "11"}),
    "press_without_message": (ActionIn, {"chat": "tg:70001", "message_id": None}),
    "press_game": None,
    "photo": (MediaIn, {"kind": "photo", "caption": "есть такой?", "file_id": "AgAC-l"}),
    "album_part": (MediaIn, {"kind": "photo", "group_id": "13579"}),
    "voice": (MediaIn, {"kind": "voice", "file_id": "AwAC-v", "mime": "audio/ogg", "size": 5000}),
    "audio": (MediaIn, {"kind": "audio"}),
    "video": (MediaIn, {"kind": "video"}),
    "video_note": (MediaIn, {"kind": "video"}),
    "animation": (MediaIn, {"kind": "video", "file_id": "CgAC-g"}),
    "document": (
        MediaIn,
        {
            "kind": "document",
            "caption": "заявка",
            "name": "заявка.xlsx",
            "mime": "application/vnd.ms-excel",
            "size": None,
        },
    ),
    "sticker": (MediaIn, {"kind": "sticker"}),
    "location": (MediaIn, {"kind": "location", "file_id": None}),
    "venue": (MediaIn, {"kind": "location"}),
    "poll": (MediaIn, {"kind": "other"}),
    "dice": (MediaIn, {"kind": "other"}),
    "contact_own": (ContactIn, {"phone": "+70000000001", "own": True}),
    "contact_of_another": (ContactIn, {"own": False}),
    "contact_without_account": (ContactIn, {"own": False}),
    "blocked": (LeftIn, {"chat": "tg:70001"}),
    "unblocked": None,
    "removed_from_group": (LeftIn, {"chat": "tg:-1001000000001"}),
    "somebody_joined": None,
    "group_upgraded": None,
    "anonymous_admin": (TextIn, {"text": "часы работы?", "addressed": True, "sender": "-1001000000001"}),
    "channel_post": (TextIn, {"addressed": False, "sender": "-1001000000003"}),
    "other_bot": (TextIn, {"sender_is_bot": True}),
    "own_message": (EchoIn, {}),
    "unknown_content": None,
    "unknown_update": None,
    "poison_forward": (TextIn, {"text": "переслано"}),
}


def read(update: Any, bot: BotIdentity = BOT) -> tuple[Inbound, ...]:
    return parse_update(cut(update, instance="tg", bot_id=1), instance="tg", bot=bot)


def shown(event: Any) -> dict[str, Any]:
    facts = {name: getattr(event, name) for name in event.__dataclass_fields__}
    return facts | {
        "chat": str(event.chat),
        "sender": event.sender.external_id,
        "sender_is_bot": event.sender.is_bot,
    }


def test_every_sample_has_an_expectation() -> None:
    assert set(EXPECTED) == set(SAMPLES)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_gives_the_expected_event(name: str) -> None:
    expected = EXPECTED[name]

    events = read(SAMPLES[name])

    if expected is None:
        assert events == ()
        return
    kind, facts = expected
    assert [kind] == [type(event) for event in events]
    assert facts == {fact: value for fact, value in shown(events[0]).items() if fact in facts}


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"poison_forward"}))
def test_aiogram_accepts_the_sample(name: str) -> None:
    """The referee of what Telegram's updates look like is aiogram."""
    assert Update.model_validate(SAMPLES[name]).update_id == SAMPLES[name]["update_id"]


def test_the_poison_sample_is_one_that_strict_models_refuse() -> None:
    with pytest.raises(ValueError, match="sender_user_name"):
        Update.model_validate(SAMPLES["poison_forward"])


def test_an_event_tells_who_where_and_when() -> None:
    (event,) = read(SAMPLES["private_text"])

    assert event.event_id == event.raw_ref == f"1:{SAMPLES['private_text']['update_id']}"
    assert event.chat == ChatRef(channel="tg", chat_id="70001")
    assert event.sender.display_name == "Анна Образцова"
    assert event.sender.locale == "ru"
    assert event.at == datetime.fromtimestamp(1790000500, UTC)
    assert event.message_id == "500"


def test_an_edit_carries_the_time_of_the_edit_and_the_id_of_the_message() -> None:
    (event,) = read(SAMPLES["edited_text"])

    assert event.at == datetime.fromtimestamp(1790009000, UTC)
    assert event.message_id == str(SAMPLES["edited_text"]["edited_message"]["message_id"])


def test_an_edit_has_another_key_than_the_message_it_changes() -> None:
    update = SAMPLES["private_text"]
    edited = {"update_id": update["update_id"] + 1, "edited_message": update["message"]}

    assert cut(update, instance="tg", bot_id=1).key != cut(edited, instance="tg", bot_id=1).key


@pytest.mark.parametrize(
    ("name", "addressed"),
    [
        ("group_mention", False),
        ("group_text_mention", True),
        ("group_reply_to_bot", True),
        ("group_command_bare", True),
        ("group_command_ours", False),
        ("private_command", True),
    ],
)
def test_before_our_name_is_known_only_what_needs_no_name_is_for_us(name: str, *, addressed: bool) -> None:
    (event,) = read(SAMPLES[name], NAMELESS)

    assert event.addressed is addressed


def mention(text: str, at: str) -> dict[str, Any]:
    start = text.index(at)
    units = len(text[:start].encode("utf-16-le")) // 2
    message = {
        **SAMPLES["group_talk"]["message"],
        "text": text,
        "entities": [{"type": "mention", "offset": units, "length": len(at)}],
    }
    return {"update_id": 1, "message": message}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@optfm_test_bot сколько?", "сколько?"),
        ("@optfm_test_bot: сколько?", "сколько?"),
        ("сколько, @optfm_test_bot?", "сколько?"),
        ("скажи @optfm_test_bot сколько", "скажи сколько"),
        ("👨‍👩‍👧 @optfm_test_bot цена", "👨‍👩‍👧 цена"),
        ("@OPTFM_TEST_BOT", ""),
    ],
)
def test_our_name_is_taken_out_of_the_words(text: str, words: str) -> None:
    at = next(word.strip(",:?") for word in text.split() if word.startswith("@"))

    (event,) = read(mention(text, at))

    assert isinstance(event, TextIn)
    assert (words, True) == (event.text, event.addressed)


@pytest.mark.parametrize("text", ["/usr/bin", "/start_now", "/ start", "//start"])
def test_a_slash_alone_is_no_start(text: str) -> None:
    (event,) = read({"update_id": 1, "message": {**SAMPLES["start"]["message"], "text": text}})

    assert isinstance(event, TextIn)
    assert text == event.text


# -- cutting ---------------------------------------------------------------------------------------------


def test_one_odd_update_does_not_hold_up_the_others() -> None:
    batch = read_batch(
        ["nonsense", {"message": 5}, SAMPLES["private_text"], None],
        instance="tg",
        bot_id=1,
        cursor=Cursor("1"),
    )

    assert [RawUpdate] * 4 == [type(raw) for raw in batch.updates]
    assert Cursor(str(SAMPLES["private_text"]["update_id"] + 1)) == batch.cursor
    assert len({raw.key for raw in batch.updates}) == 4
    assert SAMPLES["private_text"] == batch.updates[2].payload


def test_two_bots_that_count_alike_do_not_take_each_others_updates() -> None:
    update = SAMPLES["private_text"]

    assert cut(update, instance="tg", bot_id=1).key != cut(update, instance="tg", bot_id=2).key


def test_an_update_without_id_has_the_same_key_each_time_and_is_refused_by_parse() -> None:
    first, again = (
        cut({"b": 1, "a": 2}, instance="tg", bot_id=1),
        cut({"a": 2, "b": 1}, instance="tg", bot_id=1),
    )

    assert first.key == again.key
    with pytest.raises(BadPayload):
        parse_update(first, instance="tg", bot=BOT)


def test_an_empty_batch_leaves_the_cursor_alone() -> None:
    assert Cursor("77") == read_batch([], instance="tg", bot_id=1, cursor=Cursor("77")).cursor


def test_the_cursor_follows_telegram_when_it_counts_anew() -> None:
    assert Cursor("6") == read_batch([{"update_id": 5}], instance="tg", bot_id=1, cursor=Cursor("900")).cursor


@pytest.mark.parametrize(
    ("name", "lane"),
    [
        ("private_text", "tg:70001"),
        ("topic_message", "tg:-1001000000002:42"),
        ("press", "tg:70001"),
        ("press_without_message", "tg:70001"),
        ("edited_text", "tg:70001"),
        ("blocked", "tg:70001"),
        ("unknown_update", "tg/other"),
    ],
)
def test_a_lane_is_the_conversation(name: str, lane: str) -> None:
    assert lane == cut(SAMPLES[name], instance="tg", bot_id=1).lane


@pytest.mark.parametrize("name", sorted(name for name, expected in EXPECTED.items() if expected))
def test_the_lane_of_an_update_is_the_chat_of_its_event(name: str) -> None:
    raw = cut(SAMPLES[name], instance="tg", bot_id=1)

    assert {raw.lane} == {str(event.chat) for event in parse_update(raw, instance="tg", bot=BOT)}


# -- nonsense --------------------------------------------------------------------------------------------


def check_reads_or_refuses(update: Any) -> None:
    raw = cut(update, instance="tg", bot_id=1)
    assert raw == cut(update, instance="tg", bot_id=1)
    try:
        events = parse_update(raw, instance="tg", bot=BOT)
    except BadPayload:
        return
    for event in events:
        repr(event)
        str(event.chat).encode()
        assert event.at.tzinfo is UTC


@unhurried
@given(st.dictionaries(st.sampled_from(["update_id", "message", "callback_query", "my_chat_member"]), JSON))
def test_random_json_is_read_or_refused(update: Any) -> None:
    check_reads_or_refuses(update)


@unhurried
@given(JSON)
def test_anything_at_all_can_be_cut(item: Any) -> None:
    check_reads_or_refuses(item)


@unhurried
@given(st.sampled_from(spots(SAMPLES)), WRONG)
def test_a_sample_with_one_wrong_value_is_read_or_refused(spot: Spot, value: Any) -> None:
    check_reads_or_refuses(with_value(SAMPLES, spot, value))


@unhurried
@given(st.sampled_from(spots(SAMPLES)))
def test_a_sample_with_one_missing_value_is_read_or_refused(spot: Spot) -> None:
    check_reads_or_refuses(without(SAMPLES, spot))


def test_a_topic_that_our_bot_has_closed_is_our_own_doing() -> None:
    update = deepcopy(SAMPLES["topic_closed"])
    update["message"]["from"] = {"id": BOT.id, "is_bot": True, "first_name": "OptFM"}

    assert [EchoIn] == [type(event) for event in read(update)]


def test_the_general_topic_is_no_topic() -> None:
    update = deepcopy(SAMPLES["topic_closed"])
    del update["message"]["is_topic_message"]

    assert read(update) == ()
