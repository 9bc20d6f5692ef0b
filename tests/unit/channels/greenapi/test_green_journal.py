"""Journals: rows as the notifications they would have been, and our own messages found among them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload, RetryLater
from channels.greenapi.journal import minutes_since, missed_updates, queued_ids, rows_of, sent_ids
from channels.greenapi.notifications import cut
from channels.greenapi.parse import Reader, parse_notification
from channels.model import ChatRef, Media, MediaIn, MediaKind, RawUpdate, Rendered, TextIn

AT = 1795000000
SINCE = datetime.fromtimestamp(AT, UTC)
CHAT = ChatRef(channel="green", chat_id="10000010")
READER = Reader("green")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "type": "incoming",
        "idMessage": "1795000000123",
        "timestamp": AT,
        "typeMessage": "textMessage",
        "chatId": "10000010",
        "textMessage": "Когда?",
        "senderId": "10000010",
        "senderName": "Мария",
        **changes,
    }


def ours(**changes: Any) -> dict[str, Any]:
    return row(type="outgoing", textMessage="с 9 до 18", sendByApi=True, statusMessage="sent", **changes)


def missed(*rows: dict[str, Any], oldest: datetime = SINCE - timedelta(days=1)) -> tuple[RawUpdate, ...]:
    return missed_updates(rows, since=SINCE, instance="green", id_instance="31", oldest=oldest)


def message(**changes: Any) -> Rendered:
    return Rendered(**{"chat": CHAT, "text": "с 9 до 18", "plain": "с 9 до 18", **changes})


def test_a_row_has_the_key_of_its_notification_and_says_the_same() -> None:
    notified = cut(
        {
            "typeWebhook": "incomingMessageReceived",
            "instanceData": {"idInstance": 31},
            "timestamp": AT,
            "idMessage": "1795000000123",
            "senderData": {"chatId": "10000010", "sender": "10000010", "senderName": "Мария"},
            "messageData": {"typeMessage": "textMessage", "textMessageData": {"textMessage": "Когда?"}},
        },
        instance="green",
        id_instance="31",
    )
    [found] = missed(row())
    assert (found.key, found.lane) == (notified.key, notified.lane)
    assert parse_notification(found, READER) == parse_notification(notified, READER)


def test_rows_come_oldest_first_and_only_from_the_moment_on() -> None:
    rows = [
        row(idMessage="4", timestamp=AT + 2),
        row(idMessage="3", timestamp=AT + 1),
        row(idMessage="2", timestamp=AT + 1),
        row(idMessage="1", timestamp=AT),
        row(idMessage="0", timestamp=AT - 1),
    ]
    assert [one.payload["idMessage"] for one in missed(*rows)] == ["1", "2", "3", "4"]


def test_what_we_sent_what_was_taken_back_and_what_has_no_time_is_left_out() -> None:
    assert missed(ours(), row(isDeleted=True), row(timestamp=None), row(timestamp="x")) == ()


def test_a_message_that_is_too_old_to_be_answered_is_kept_and_noted() -> None:
    [found] = missed(row(), oldest=SINCE + timedelta(seconds=1))
    assert parse_notification(found, READER) == ()


def test_a_file_and_a_link_keep_what_they_carry() -> None:
    file, link = missed(
        row(
            idMessage="2",
            timestamp=AT + 1,
            typeMessage="extendedTextMessage",
            textMessage=None,
            extendedTextMessage={"text": "https://x.ru"},
        ),
        row(
            typeMessage="documentMessage",
            textMessage=None,
            downloadUrl="https://files/x",
            fileName="x.pdf",
            caption="счёт",
        ),
    )
    [document] = parse_notification(file, READER)
    [text] = parse_notification(link, READER)
    assert isinstance(document, MediaIn)
    assert (document.url, document.name, document.caption) == ("https://files/x", "x.pdf", "счёт")
    assert isinstance(text, TextIn)
    assert text.text == "https://x.ru"


def test_an_answer_that_is_no_journal_is_asked_for_again() -> None:
    with pytest.raises(RetryLater):
        rows_of({"message": "no"})
    assert rows_of([row(), None, "x"]) == [row()]


def test_the_journal_is_asked_for_whole_minutes_and_a_week_at_most() -> None:
    assert minutes_since(SINCE, SINCE) == 1
    assert minutes_since(SINCE, SINCE + timedelta(seconds=61)) == 2
    assert minutes_since(SINCE, SINCE + timedelta(days=90)) == 7 * 24 * 60


def test_our_message_is_known_by_its_chat_and_words() -> None:
    assert sent_ids([ours()], message(), since=SINCE) == ("1795000000123",)
    echoed = ours(typeMessage="extendedTextMessage", extendedTextMessage={"text": "с 9 до 18"})
    assert sent_ids([{**echoed, "textMessage": None}], message(), since=SINCE)
    assert sent_ids([ours()], message(text="с 9\nдо 18 "), since=SINCE)


@pytest.mark.parametrize(
    "other",
    [
        {"chatId": "10000011"},
        {"textMessage": "с 9 до 19"},
        {"timestamp": AT - 1},
        {"type": "incoming"},
        {"statusMessage": "failed"},
        {"idMessage": None},
    ],
)
def test_another_message_is_not_ours(other: dict[str, Any]) -> None:
    assert sent_ids([{**ours(), **other}], message(), since=SINCE) == ()


def test_a_file_is_known_by_its_name_else_by_its_caption() -> None:
    picture = message(media=(Media(kind=MediaKind.IMAGE, url="https://x.ru/a.jpg"),))
    assert sent_ids([ours(typeMessage="imageMessage", fileName="a.jpg")], picture, since=SINCE)
    assert not sent_ids([ours(typeMessage="imageMessage", fileName="b.jpg")], picture, since=SINCE)
    assert sent_ids([ours(typeMessage="imageMessage", caption="с 9 до 18")], picture, since=SINCE)
    assert not sent_ids([ours()], picture, since=SINCE)


@pytest.mark.parametrize("name", ["idMessage", "messageID"])
def test_a_message_that_waits_to_be_sent_is_found(name: str) -> None:
    queued = {name: "7", "type": "sendMessage", "body": {"chatId": "10000010", "message": "с 9 до 18"}}
    assert queued_ids([queued], message()) == ("7",)
    assert queued_ids([queued], message(text="x")) == ()
    assert queued_ids([{**queued, "body": None}], message()) == ()


@settings(deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*row(), "extendedTextMessage", "quotedMessage", "isDeleted", "contact"]),
            st.one_of(
                st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just({}), st.just([]),
                st.sampled_from(["editedMessage", "deletedMessage", "imageMessage", AT]),
            ),
        ),
        max_size=4,
    )
)  # fmt: skip
def test_whatever_a_row_is_it_is_read_or_a_bad_payload(rows: list[dict[str, Any]]) -> None:
    for found in missed(*rows):
        with suppress(BadPayload):
            parse_notification(found, READER)
    sent_ids(rows, message(), since=SINCE)
    queued_ids(rows, message())
