"""Reading GREEN-API's notifications: every kind, its key, its lane, and what is nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload
from channels.greenapi.notifications import cut
from channels.greenapi.parse import Reader, parse_notification
from channels.model import (
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    MediaIn,
    OwnerIn,
    RawUpdate,
    RemovedIn,
    TextIn,
    UndeliveredIn,
)

AT = 1795000000
READER = Reader("green")
GROUPS = Reader("green", groups=True, own=frozenset({"10000001", "79990000000"}))
VCARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Мария\r\nTEL;type=CELL;waid=79001112233:+7 900 111-22-33\r\nEND:VCARD"
)


def body(
    message: dict[str, Any] | None = None, *, kind: str = "incomingMessageReceived", **sender: Any
) -> dict[str, Any]:
    return {
        "typeWebhook": kind,
        "instanceData": {"idInstance": 310012345678, "wid": "79990000000@c.us", "typeInstance": "v3"},
        "timestamp": AT,
        "idMessage": "1795000000123",
        "senderData": {
            "chatId": "10000010",
            "chatType": "user",
            "sender": "10000010",
            "senderName": "Мария",
            "senderPhoneNumber": 79001112233,
            **sender,
        },
        "messageData": message or text("Когда вы открыты?"),
    }


def text(words: str, **data: Any) -> dict[str, Any]:
    return {"typeMessage": "textMessage", "textMessageData": {"textMessage": words}, **data}


def media(kind: str, **data: Any) -> dict[str, Any]:
    return {"typeMessage": kind, "fileMessageData": data}


def status(value: str, **more: Any) -> dict[str, Any]:
    return {
        "typeWebhook": "outgoingMessageStatus",
        "chatId": "10000010",
        "idMessage": "1795000000124",
        "timestamp": AT,
        "status": value,
        **more,
    }


def raw(content: Any, **options: Any) -> RawUpdate:
    return cut(content, instance="green", id_instance="310012345678", **options)


def read(content: Any, reader: Reader = READER) -> Any:
    events = parse_notification(raw(content), reader)
    assert len(events) <= 1
    return events[0] if events else None


# -- messages --------------------------------------------------------------------------------------------


def test_a_text_is_a_question_of_its_sender() -> None:
    event = read(body())
    assert isinstance(event, TextIn)
    assert (event.text, event.reply_to, event.forwarded) == ("Когда вы открыты?", None, False)
    assert event.chat == ChatRef(channel="green", chat_id="10000010")
    assert event.at == datetime.fromtimestamp(AT, UTC)
    assert (event.sender.external_id, event.sender.display_name) == ("10000010", "Мария")
    assert event.sender.phone == "+79001112233"
    assert (event.message_id, event.is_group, event.addressed) == ("1795000000123", False, True)


@pytest.mark.parametrize("kind", ["textMessage", "extendedTextMessage", "quotedMessage", "somethingNew"])
def test_the_words_are_read_from_either_place_whatever_the_type(kind: str) -> None:
    event = read(body({"typeMessage": kind, "extendedTextMessageData": {"text": "https://x.ru"}}))
    assert isinstance(event, TextIn)
    assert event.text == "https://x.ru"


def test_a_hidden_phone_is_none() -> None:
    assert read(body(senderPhoneNumber=0)).sender.phone is None


def test_a_whatsapp_id_shows_the_phone() -> None:
    event = read(body(chatId="79001112233@c.us", sender="79001112233@c.us", senderPhoneNumber=None))
    assert event.sender.phone == "+79001112233"


def test_a_reply_names_what_it_answers_and_a_forward_is_known() -> None:
    replied = read(body(text("да", quotedMessage={"stanzaId": "1795", "participant": "10000001"})))
    assert replied.reply_to == "1795"
    passed_on = {"typeMessage": "textMessage", "textMessageData": {"textMessage": "x", "isForwarded": True}}
    assert read(body(passed_on)).forwarded


@pytest.mark.parametrize(
    ("kind", "mime", "expected"),
    [
        ("imageMessage", "image/jpeg", "photo"),
        ("videoMessage", "video/mp4", "video"),
        ("documentMessage", "application/pdf", "document"),
        ("audioMessage", "audio/mpeg", "audio"),
        ("audioMessage", "audio/ogg; codecs=opus", "voice"),
        ("stickerMessage", "image/webp", "sticker"),
        ("hologramMessage", "", "other"),
    ],
)
def test_a_file_arrives_with_its_name_and_address(kind: str, mime: str, expected: str) -> None:
    event = read(
        body(media(kind, downloadUrl="https://files/x", caption="счёт", fileName="x.pdf", mimeType=mime))
    )
    assert isinstance(event, MediaIn)
    assert (event.kind, event.caption, event.url) == (expected, "счёт", "https://files/x")
    assert (event.name, event.mime) == ("x.pdf", mime)
    assert event.file_id == f"{event.chat.chat_id}/1795000000123"


def test_a_link_that_is_over_is_none() -> None:
    assert read(body(media("documentMessage", downloadUrl="", fileName="x.pdf"))).url is None


def test_a_place_and_a_kind_that_is_newer_than_we_are_are_placeholders() -> None:
    place = {"typeMessage": "locationMessage", "locationMessageData": {"latitude": 55.7, "longitude": 37.6}}
    assert read(body(place)).kind == "location"
    assert read(body({"typeMessage": "hologramMessage"})).kind == "other"


def test_a_card_is_the_senders_own_only_if_the_platform_shows_the_same_number() -> None:
    card = {
        "typeMessage": "contactMessage",
        "contactMessageData": {"displayName": "Мария", "vcard": VCARD},
    }
    own, other = read(body(card)), read(body(card, senderPhoneNumber=79005556677))
    assert isinstance(own, ContactIn)
    assert (own.phone, own.own) == ("+79001112233", True)
    assert (other.phone, other.own) == ("+79001112233", False)
    assert not read(body(card, senderPhoneNumber=0)).own


def test_an_emoji_on_a_message_and_a_poll_are_no_questions() -> None:
    reaction = {
        "typeMessage": "reactionMessage",
        "extendedTextMessageData": {"text": "👍"},
        "quotedMessage": {"stanzaId": "1795"},
    }
    assert read(body(reaction)) is None
    assert read(body({"typeMessage": "pollMessage", "pollMessageData": {"name": "?"}})) is None


def test_an_edit_and_a_removal_name_the_message_they_are_about() -> None:
    edit = {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "новое", "stanzaId": "17"}}
    removal = {"typeMessage": "deletedMessage", "deletedMessageData": {"stanzaId": "17"}}
    edited, removed = read(body(edit)), read(body(removal))
    assert isinstance(edited, EditedIn)
    assert (edited.message_id, edited.text) == ("17", "новое")
    assert isinstance(removed, RemovedIn)
    assert removed.message_id == "17"


@pytest.mark.parametrize(
    "sender",
    [
        {"chatType": "channel"},
        {"chatType": "bot"},
        {"senderType": "bot"},
        {"chatId": "120363@newsletter", "chatType": None},
        {"chatId": "status@broadcast", "chatType": None},
    ],
)
def test_channels_and_bots_are_passed_over(sender: dict[str, Any]) -> None:
    assert read(body(**sender), GROUPS) is None


# -- groups ----------------------------------------------------------------------------------------------

IN_MAX = {"chatId": "-10000000000000", "chatType": "group", "senderPhoneNumber": 0}
IN_WHATSAPP = {"chatId": "1203630@g.us", "chatType": None, "sender": "79001112233@c.us"}


@pytest.mark.parametrize("group", [IN_MAX, IN_WHATSAPP])
def test_groups_are_passed_over_unless_they_are_wanted(group: dict[str, Any]) -> None:
    assert read(body(**group)) is None
    event = read(body(**group), GROUPS)
    assert event.is_group
    assert not event.addressed
    assert event.chat.chat_id == group["chatId"]
    assert event.sender.external_id == group.get("sender", "10000010")


def test_in_a_group_a_reply_to_us_and_a_mention_of_us_are_for_us() -> None:
    reply = text("да", quotedMessage={"stanzaId": "17", "participant": "10000001"})
    assert read(body(reply, **IN_MAX), GROUPS).addressed
    own = text("да", quotedMessage={"stanzaId": "17", "participant": "79990000000@c.us"})
    assert read(body(own, **IN_WHATSAPP), GROUPS).addressed
    stranger = text("да", quotedMessage={"stanzaId": "17", "participant": "79001112233@c.us"})
    assert not read(body(stranger, **IN_WHATSAPP), GROUPS).addressed
    mention = read(body(text("@79990000000, когда?"), **IN_WHATSAPP), GROUPS)
    assert (mention.addressed, mention.text) == (True, "когда?")
    assert not read(body(text("@799900000001 когда?"), **IN_WHATSAPP), GROUPS).addressed


def test_the_owner_in_a_group_that_nobody_listens_to_says_nothing() -> None:
    assert read(body(kind="outgoingMessageReceived", **IN_MAX)) is None


# -- what we and the owner send --------------------------------------------------------------------------


def test_a_message_from_the_phone_is_the_owners() -> None:
    event = read(body(kind="outgoingMessageReceived", sender="10000001"))
    assert isinstance(event, OwnerIn)
    assert (event.text, event.chat.chat_id) == ("Когда вы открыты?", "10000010")
    picture = read(body(media("imageMessage", caption="вот"), kind="outgoingMessageReceived"))
    assert picture.text == "вот"


def test_an_emoji_and_a_correction_of_the_owner_begin_no_talk() -> None:
    for message in (
        {"typeMessage": "reactionMessage", "extendedTextMessageData": {"text": "👍"}},
        {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "x", "stanzaId": "1"}},
        {"typeMessage": "deletedMessage", "deletedMessageData": {"stanzaId": "1"}},
    ):
        assert read(body(message, kind="outgoingMessageReceived")) is None


def test_the_echo_of_our_own_message_is_an_echo() -> None:
    message = {"typeMessage": "extendedTextMessage", "extendedTextMessageData": {"text": "300 ₽"}}
    assert isinstance(read(body(message, kind="outgoingAPIMessageReceived")), EchoIn)


@pytest.mark.parametrize("value", ["failed", "noAccount", "notInGroup"])
def test_a_message_that_did_not_arrive_is_told(value: str) -> None:
    event = read(status(value))
    assert isinstance(event, UndeliveredIn)
    assert (event.reason, event.message_id) == (value, "1795000000124")
    assert (event.chat.chat_id, event.sender.external_id) == ("10000010", "10000010")
    assert read(status(value, description="no such chat")).reason == f"{value}: no such chat"


@pytest.mark.parametrize("value", ["sent", "delivered", "read", "yellowCard"])
def test_any_other_fate_of_a_message_is_nothing_to_do(value: str) -> None:
    assert read(status(value)) is None


@pytest.mark.parametrize(
    "kind", ["stateInstanceChanged", "quotaExceeded", "statusInstanceChanged", "incomingCall", "brandNew"]
)
def test_other_kinds_are_nothing_to_do(kind: str) -> None:
    assert read({"typeWebhook": kind}) is None


# -- keys and lanes --------------------------------------------------------------------------------------


def test_a_key_names_account_chat_message_and_what_happened() -> None:
    edit = {"typeMessage": "editedMessage", "editedMessageData": {"textMessage": "x", "stanzaId": "1"}}
    later = {**body(edit), "timestamp": AT + 1}
    reaction = {"typeMessage": "reactionMessage", "extendedTextMessageData": {"text": "👍"}}
    every = [
        body(),
        body(chatId="10000011"),
        {**body(), "idMessage": "1795000000124"},
        body(kind="outgoingMessageReceived"),
        body(kind="outgoingAPIMessageReceived"),
        body(edit),
        later,
        body({"typeMessage": "deletedMessage", "deletedMessageData": {}}),
        body(reaction),
        status("sent"),
        status("failed"),
        {"typeWebhook": "stateInstanceChanged", "timestamp": AT, "stateInstance": "authorized"},
        {"typeWebhook": "stateInstanceChanged", "timestamp": AT + 1, "stateInstance": "authorized"},
    ]
    keys = [raw(one).key for one in every]
    assert len(set(keys)) == len(keys)
    assert keys == [raw(dict(reversed(one.items()))).key for one in every]
    assert all(key.startswith("310012345678:") for key in keys)


def test_an_id_is_the_same_as_a_number_and_as_text() -> None:
    assert raw(body(chatId=10000010)).key == raw(body()).key
    assert raw(body(chatId=10000010)).lane == "green:10000010"


def test_a_lane_is_the_conversation() -> None:
    assert raw(body()).lane == raw(status("failed")).lane == "green:10000010"
    assert raw({"typeWebhook": "quotaExceeded"}).lane == "green/other"
    assert raw("garbage").lane == "green/other"
    nameless = status("failed", idMessage=None)
    assert raw(nameless).lane == "green:10000010"


def test_a_message_that_came_too_late_is_kept_and_not_answered() -> None:
    after = datetime.fromtimestamp(AT, UTC) + timedelta(seconds=1)
    late, owner = raw(body(), oldest=after), raw(body(kind="outgoingMessageReceived"), oldest=after)
    assert parse_notification(late, READER) == ()
    assert late.key == raw(body()).key
    assert late.payload["messageData"] == body()["messageData"]
    assert len(parse_notification(owner, READER)) == 1
    assert len(parse_notification(raw(body(), oldest=after - timedelta(seconds=1)), READER)) == 1


# -- nonsense --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        [],
        {},
        {"typeWebhook": 7},
        {**body(), "timestamp": None},
        {**body(), "timestamp": "yesterday"},
        {**body(), "timestamp": 10**30},
        {**body(), "senderData": []},
        {**body(), "senderData": None},
        {**body(), "messageData": "x"},
        body(chatId={}),
        body(chatId=""),
        body({"typeMessage": 1}),
        body({"typeMessage": "textMessage", "textMessageData": {"textMessage": 5}}),
        status("failed", chatId=None),
        status("failed", chatId=True),
    ],
)
def test_nonsense_is_a_bad_payload_and_still_has_a_key(content: Any) -> None:
    made = raw(content, oldest=datetime.fromtimestamp(AT, UTC))
    assert made.key == raw(content).key
    with pytest.raises(BadPayload):
        parse_notification(made, GROUPS)


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.sampled_from(["10000010"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [
        "incomingMessageReceived",
        "outgoingMessageReceived",
        "outgoingAPIMessageReceived",
        "outgoingMessageStatus",
        "stateInstanceChanged",
    ]
)
TYPES = st.sampled_from(
    [
        "textMessage",
        "extendedTextMessage",
        "imageMessage",
        "contactMessage",
        "contactsArrayMessage",
        "editedMessage",
        "deletedMessage",
        "reactionMessage",
        "pollMessage",
    ]
)
DATA = st.one_of(
    JSON,
    st.dictionaries(
        st.sampled_from(
            ["textMessage", "text", "caption", "stanzaId", "participant", "vcard", "isForwarded"]
        ),
        JSON,
    ),
)
MESSAGES = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"typeMessage": TYPES},
        optional=dict.fromkeys(
            [
                "textMessageData",
                "extendedTextMessageData",
                "fileMessageData",
                "quotedMessage",
                "contactMessageData",
                "editedMessageData",
                "deletedMessageData",
                "contacts",
            ],
            DATA,
        ),
    ),
)
SENDERS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"chatId": st.one_of(LEAVES, st.sampled_from(["10000010", "-1", "7900@c.us", "1@g.us"]))},
        optional=dict.fromkeys(
            ["chatType", "sender", "senderType", "senderName", "senderPhoneNumber"], LEAVES
        ),
    ),
)
BODIES = st.fixed_dictionaries(
    {"typeWebhook": KINDS},
    optional={
        "timestamp": st.one_of(LEAVES, st.just(AT)),
        "idMessage": LEAVES,
        "chatId": LEAVES,
        "status": st.one_of(LEAVES, st.sampled_from(["failed", "noAccount"])),
        "instanceData": JSON,
        "senderData": SENDERS,
        "messageData": MESSAGES,
    },
)


@settings(deadline=None)
@given(st.one_of(JSON, BODIES), st.sampled_from([READER, GROUPS]))
def test_whatever_comes_is_cut_and_read_or_a_bad_payload(content: Any, reader: Reader) -> None:
    made = raw(content, oldest=datetime.fromtimestamp(AT + 1, UTC))
    assert made.key == raw(content, oldest=datetime.fromtimestamp(AT + 1, UTC)).key
    made.key.encode()
    made.lane.encode()
    try:
        events = parse_notification(made, reader)
    except BadPayload:
        return
    for event in events:
        assert isinstance(event, Inbound)
        assert event.event_id == made.key
        assert str(event.chat) == made.lane
