"""MAX updates become our events; nothing that a platform may send breaks the reading."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import channels.max
from channels.contract import Cursor
from channels.errors import BadPayload
from channels.max.address import BotIdentity
from channels.max.attachments import ContactSeal
from channels.max.parse import Reader
from channels.max.updates import cut, read_batch
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
    RemovedIn,
    StartIn,
    TextIn,
)
from config.secret import Secret
from tests.unit.channels.nonsense import JSON, WRONG, Spot, spots, unhurried, with_value, without

PAYLOADS = Path(channels.max.__file__).parent / "payloads"
SAMPLES = {path.stem: orjson.loads(path.read_bytes()) for path in PAYLOADS.glob("*.json")}
TOKEN = Secret("canary-TOKEN-of-a-MAX-bot")
BOT = BotIdentity(700000001, "optfm_bot")
DIALOG, GROUP = "max:182000037", "max:-61400000000012"

# What each sample means: the class, and the fields worth telling. A list is a message of several events.
EXPECTED: dict[str, Any] = {
    "dialog_text": (TextIn, {"text": "Сколько стоит доставка? 📦", "addressed": True, "is_group": False}),
    "dialog_reply": (TextIn, {"text": "А в Казань?", "reply_to": "mid.a0", "forwarded": False}),
    "dialog_command": (TextIn, {"text": "/help"}),
    "dialog_negative_id": (TextIn, {"chat": "max:-182000037", "is_group": False, "addressed": True}),
    "start_typed": (StartIn, {"payload": ""}),
    "start_typed_payload": (StartIn, {"payload": "src_avito-12"}),
    "start_odd_payload": (StartIn, {"payload": ""}),
    "bot_started": (StartIn, {"payload": "", "chat": DIALOG, "sender": "5001"}),
    "bot_started_payload": (StartIn, {"payload": "from-site"}),
    "bot_stopped": (LeftIn, {"chat": DIALOG, "sender": "5001"}),
    "dialog_removed": (LeftIn, {"chat": DIALOG}),
    "dialog_cleared": None,
    "dialog_muted": None,
    "dialog_unmuted": None,
    "group_talk": (TextIn, {"addressed": False, "is_group": True, "chat": GROUP}),
    "group_mention": (TextIn, {"text": "👋🏽, сколько стоит доставка?", "addressed": True}),
    "group_mention_by_id": (TextIn, {"text": "подскажи цену", "addressed": True}),
    "group_mention_unmarked": (TextIn, {"text": "сколько?", "addressed": True}),
    "group_other_mention": (TextIn, {"text": "@another_bot сколько?", "addressed": False}),
    "group_reply_to_bot": (TextIn, {"addressed": True, "reply_to": "mid.a0"}),
    "group_reply_to_person": (TextIn, {"addressed": False, "reply_to": "mid.a0"}),
    "group_command_ours": (TextIn, {"text": "/help доставка", "addressed": True}),
    "group_command_bare": (TextIn, {"text": "/help", "addressed": True}),
    "group_command_other_bot": (TextIn, {"text": "/help@other_bot", "addressed": False}),
    "group_photo_mention": (MediaIn, {"caption": "это что?", "addressed": True, "file_id": "img-tkn"}),
    "channel_post": (TextIn, {"addressed": False, "sender": "-61400000000099", "is_group": True}),
    "edited_text": (EditedIn, {"text": "Сколько стоит доставка в Казань?"}),
    "edited_file": None,
    "removed": (RemovedIn, {"message_id": "mid.a1", "chat": DIALOG, "sender": "5001"}),
    "removed_by_bot": (EchoIn, {"message_id": "mid.b7"}),
    "press": (ActionIn, {"token": "a1b2c3d4", "callback_id": "cb-Qm7zT2", "chat": DIALOG, "sender": "5001"}),
    "press_in_group": (ActionIn, {"chat": GROUP, "is_group": True, "addressed": True, "sender": "5002"}),
    "press_under_deleted": (ActionIn, {"chat": "max:user%3A5001", "message_id": None}),
    "press_without_payload": None,
    "image": (MediaIn, {"kind": "photo", "caption": "есть такой?", "file_id": "img-tkn", "group_id": None}),
    "images": [
        (MediaIn, {"kind": "photo", "caption": "какой лучше?", "file_id": "img-tkn", "message_id": "album"}),
        (MediaIn, {"kind": "photo", "caption": "", "file_id": "img-tkn2", "group_id": "album"}),
    ],
    "video": (MediaIn, {"kind": "video", "url": "https://media.example/v"}),
    "voice": (MediaIn, {"kind": "voice", "file_id": "aud-tkn"}),
    "file": (
        MediaIn,
        {
            "kind": "document",
            "caption": "вот чек",
            "name": "check.pdf",
            "size": 48211,
            "url": "https://media.example/f",
        },
    ),
    "sticker": (MediaIn, {"kind": "sticker", "file_id": "9f3a"}),
    "location": (MediaIn, {"kind": "location", "name": "55.751244, 37.618423", "file_id": None}),
    "share": (MediaIn, {"kind": "other", "name": "Чайник", "url": "https://shop.example/item/5"}),
    "share_of_address_in_text": (TextIn, {"text": "https://shop.example/item/5 есть в наличии?"}),
    "new_attachment": (MediaIn, {"kind": "other", "url": "https://media.example/h"}),
    "contact_own": (ContactIn, {"phone": "+70000000001", "own": True}),
    "contact_own_base64": (ContactIn, {"own": True}),
    "contact_without_seal": (ContactIn, {"phone": "+70000000001", "own": False}),
    "contact_wrong_seal": (ContactIn, {"own": False}),
    "contact_of_another": (ContactIn, {"own": False}),
    "contact_forwarded": (ContactIn, {"own": False}),
    "contact_without_phone": (MediaIn, {"kind": "other", "name": "Пётр"}),
    "contact_with_words": [(TextIn, {"text": "мой номер"}), (ContactIn, {"own": True})],
    "forward": (TextIn, {"text": "Когда доставят?", "forwarded": True, "sender": "5001"}),
    "forward_without_body": (TextIn, {"text": "Когда доставят?", "forwarded": True, "message_id": None}),
    "forward_of_file": (MediaIn, {"caption": "вот счёт", "name": "check.pdf"}),
    "forward_with_words": (TextIn, {"text": "что это значит?\n\nЗаказ 5 отменён", "forwarded": False}),
    "forward_of_start": (TextIn, {"text": "/start abc", "forwarded": True}),
    "nothing_to_read": None,
    "own_message": (EchoIn, {}),
    "own_edit": (EchoIn, {}),
    "other_bot": (TextIn, {"sender_is_bot": True}),
    "bot_added": None,
    "bot_removed": (LeftIn, {"chat": GROUP, "is_group": True}),
    "user_added": None,
    "user_removed": None,
    "chat_title_changed": None,
    "permissions_changed": None,
    "comment_created": None,
    "comment_removed": None,
    "unknown_update": None,
}


def read(update: Any, bot: BotIdentity = BOT) -> tuple[Inbound, ...]:
    return reader(bot).read(cut(update, instance="max"))


def reader(bot: BotIdentity = BOT) -> Reader:
    return Reader(instance="max", bot=bot, seal=ContactSeal(TOKEN))


def shown(event: Any, album: str | None) -> dict[str, Any]:
    facts = {name: getattr(event, name) for name in event.__dataclass_fields__}
    facts |= {
        "chat": str(event.chat),
        "sender": event.sender.external_id,
        "sender_is_bot": event.sender.is_bot,
    }
    return {name: "album" if album and value == album else value for name, value in facts.items()}


def test_every_sample_has_an_expectation() -> None:
    assert set(EXPECTED) == set(SAMPLES)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_sample_gives_the_expected_events(name: str) -> None:
    expected = EXPECTED[name]
    expected = [] if expected is None else expected if isinstance(expected, list) else [expected]

    events = read(SAMPLES[name])

    assert [kind for kind, _ in expected] == [type(event) for event in events]
    album = events[0].message_id if len(events) > 1 else None
    for (_, facts), event in zip(expected, events, strict=True):
        assert facts == {fact: value for fact, value in shown(event, album).items() if fact in facts}


def test_an_event_tells_who_where_and_when() -> None:
    (event,) = read(SAMPLES["dialog_text"])

    assert event.event_id == event.raw_ref == SAMPLES["dialog_text"]["message"]["body"]["mid"]
    assert event.chat == ChatRef(channel="max", chat_id="182000037")
    assert event.sender.external_id == "5001"
    assert event.sender.display_name == "Анна Образцова"
    assert event.sender.locale == "ru"
    milliseconds = SAMPLES["dialog_text"]["message"]["timestamp"]
    assert event.at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def test_an_edit_and_a_press_carry_their_own_time() -> None:
    (edit,), (press,) = read(SAMPLES["edited_text"]), read(SAMPLES["press"])

    assert edit.at.timestamp() * 1000 == SAMPLES["edited_text"]["timestamp"]
    assert press.at.timestamp() * 1000 == SAMPLES["press"]["callback"]["timestamp"]


def test_a_dialog_is_not_its_person() -> None:
    """Answering to the person's id as if it were the chat's gives 404."""
    (event,) = read(SAMPLES["dialog_text"])

    assert event.chat.chat_id != event.sender.external_id


def test_before_we_know_who_we_are_only_what_needs_no_name_is_for_us() -> None:
    nobody = BotIdentity()

    def addressed(name: str) -> bool:
        return read(SAMPLES[name], nobody)[0].addressed

    assert addressed("dialog_text")
    assert addressed("group_command_bare")
    assert not addressed("group_mention")
    assert not addressed("group_reply_to_bot")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@optfm_bot сколько?", "сколько?"),
        ("сколько, @optfm_bot?", "сколько?"),
        ("скажи @optfm_bot сколько", "скажи сколько"),
        ("@OPTFM_BOT", ""),
        ("@optfm_bot @optfm_bot цена", "цена"),
        ("почта a@optfm_bots.ru", "почта a@optfm_bots.ru"),
    ],
)
def test_our_name_is_taken_out_of_the_words(text: str, words: str) -> None:
    update = orjson.loads(orjson.dumps(SAMPLES["group_talk"]))
    update["message"]["body"]["text"] = text

    (event,) = read(update)

    assert isinstance(event, TextIn)
    assert (words, words != text) == (event.text, event.addressed)


@pytest.mark.parametrize(
    "card", ["TEL:+71", "item1.TEL;type=CELL:+71", "tel;value=uri:tel:+71", "FN:a\nTEL;TYPE=cell: +71 \nN:b"]
)
def test_a_phone_is_found_on_any_card(card: str) -> None:
    update = orjson.loads(orjson.dumps(SAMPLES["contact_without_seal"]))
    update["message"]["body"]["attachments"][0]["payload"]["vcf_info"] = card

    (event,) = read(update)

    assert isinstance(event, ContactIn)
    assert event.phone == "+71"


@pytest.mark.parametrize("written", ["hex", "HEX", "base64", "urlsafe", "unpadded"])
def test_a_seal_is_known_however_it_is_written(written: str) -> None:
    digest = hmac.new(TOKEN.reveal().encode(), "карта".encode(), hashlib.sha256).digest()
    plain = base64.b64encode(digest).decode()
    seal = {
        "hex": digest.hex(),
        "HEX": digest.hex().upper(),
        "base64": plain,
        "urlsafe": base64.urlsafe_b64encode(digest).decode(),
        "unpadded": plain.rstrip("="),
    }[written]

    assert ContactSeal(TOKEN).is_on("карта", seal)
    assert not ContactSeal(TOKEN).is_on("карта.", seal)
    assert not ContactSeal(Secret("another-token")).is_on("карта", seal)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_other_text_is_a_seal(seal: str) -> None:
    assert not ContactSeal(TOKEN).is_on("карта", seal)


def test_a_seal_keeps_the_token_to_itself() -> None:
    assert "canary" not in f"{ContactSeal(TOKEN)!r} {reader()!r}"


# -- keys and lanes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("dialog_text", "{message[body][mid]}"),
        ("edited_text", "{message[body][mid]}:{timestamp}"),
        ("press", "cb-Qm7zT2:{callback[timestamp]}"),
        ("bot_started", "bot_started:182000037:5001:{timestamp}"),
        ("removed", "message_removed:mid.a1:{timestamp}"),
        ("permissions_changed", "bot_admin_permissions_changed:-61400000000012:5001:{timestamp}"),
        ("comment_created", "comment_created:{message[body][mid]}:{timestamp}"),
    ],
)
def test_a_key_is_derived_from_what_the_update_says(name: str, key: str) -> None:
    assert key.format(**SAMPLES[name]) == cut(SAMPLES[name], instance="max").key


def test_no_two_samples_share_a_key() -> None:
    keys = {cut(sample, instance="max").key for sample in SAMPLES.values()}

    assert len(keys) == len(SAMPLES)


def test_two_presses_on_one_keyboard_are_two() -> None:
    update = SAMPLES["press"]
    later = {**update, "callback": {**update["callback"], "timestamp": update["callback"]["timestamp"] + 1}}

    assert cut(update, instance="max").key != cut(later, instance="max").key


def test_two_messages_removed_at_once_are_two() -> None:
    other = {**SAMPLES["removed"], "message_id": "mid.a2"}

    assert cut(SAMPLES["removed"], instance="max").key != cut(other, instance="max").key


def test_polled_and_pushed_are_the_same_update() -> None:
    pushed = cut(SAMPLES["dialog_text"], instance="max")
    (polled,) = read_batch([SAMPLES["dialog_text"]], instance="max", cursor=None).updates

    assert pushed == polled


def test_one_odd_update_does_not_hold_up_the_others() -> None:
    batch = read_batch(
        ["nonsense", {"message": 5}, SAMPLES["dialog_text"], None], instance="max", cursor=Cursor("7")
    )

    assert [RawUpdate] * 4 == [type(raw) for raw in batch.updates]
    assert len({raw.key for raw in batch.updates}) == 4
    assert Cursor("7") == batch.cursor


def test_an_update_without_identity_has_the_same_key_each_time_and_is_refused_by_parse() -> None:
    first, again = cut({"b": 1, "a": 2}, instance="max"), cut({"a": 2, "b": 1}, instance="max")

    assert first.key == again.key
    with pytest.raises(BadPayload):
        reader().read(first)


@pytest.mark.parametrize("name", sorted(name for name, expected in EXPECTED.items() if expected))
def test_the_lane_of_an_update_is_the_chat_of_its_events(name: str) -> None:
    raw = cut(SAMPLES[name], instance="max")

    assert {raw.lane} == {str(event.chat) for event in reader().read(raw)}


def test_what_belongs_to_no_conversation_has_a_lane_of_its_own() -> None:
    assert cut(SAMPLES["unknown_update"], instance="max").lane == "max/other"


# -- nonsense --------------------------------------------------------------------------------------------


def check_reads_or_refuses(update: Any) -> None:
    raw = cut(update, instance="max")
    assert raw == cut(update, instance="max")
    try:
        events = reader().read(raw)
    except BadPayload:
        return
    for event in events:
        repr(event)
        str(event.chat).encode()
        assert event.at.tzinfo is UTC


@unhurried
@given(st.dictionaries(st.sampled_from(["update_type", "message", "callback", "user", "chat_id"]), JSON))
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
