"""What agents write in a topic goes to the customer, and what is for colleagues does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.body import plain_text
from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    RemovedIn,
    SenderRef,
    StartIn,
    TextIn,
    TopicIn,
)
from optfm_bot.helpdesk.contract import AgentReplied, Closed, HelpdeskEvent, Reopened
from optfm_bot.helpdesk.topics.understanding import file_id, understood

GROUP = "-1001234567890"
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FACTS: dict[str, Any] = {
    "event_id": "1:1",
    "chat": ChatRef(channel="staff", chat_id=GROUP, thread_id="7"),
    "sender": SenderRef(external_id="501", display_name="Ольга"),
    "at": AT,
    "message_id": "12",
    "is_group": True,
    "addressed": False,
}


def text(words: str, **changes: Any) -> TextIn:
    return TextIn(**{**FACTS, **changes}, text=words)


def media(kind: str = "document", **changes: Any) -> MediaIn:
    return MediaIn(**{**FACTS, "file_id": "BQAC", "name": "счёт.pdf", "size": 5, **changes}, kind=kind)


def heard(event: Inbound) -> tuple[HelpdeskEvent, ...]:
    return understood(event, channel="staff", group=GROUP)


def test_words_of_an_agent_are_a_reply() -> None:
    [reply] = heard(text("Заказ *в пути*\n\nЖдите"))
    assert isinstance(reply, AgentReplied)
    assert (reply.key, reply.ticket, reply.thread_id, reply.agent) == ("said-12", "7", "12", "Ольга")
    assert (reply.at, plain_text(reply.body), reply.files) == (AT, "Заказ *в пути*\n\nЖдите", ())


@pytest.mark.parametrize("kind", ["photo", "voice", "audio", "video", "document"])
def test_a_file_of_an_agent_can_be_fetched(kind: str) -> None:
    [reply] = heard(media(kind, caption="вот"))
    assert isinstance(reply, AgentReplied)
    [file] = reply.files
    assert (file.id, file_id(file), file.name, file.size) == (f"{kind}:BQAC", "BQAC", "счёт.pdf", 5)
    assert plain_text(reply.body) == "вот"


def test_a_file_without_a_name_gets_one() -> None:
    [reply] = heard(media("photo", name="", mime="image/jpeg"))
    assert isinstance(reply, AgentReplied)
    assert reply.files[0].name == "photo.jpg"
    assert reply.body.blocks == ()


@pytest.mark.parametrize(
    ("event", "kind", "key"),
    [
        (text("/close"), Closed, "closed-12"),
        (text("/Close спасибо"), Closed, "closed-12"),
        (text("/reopen"), Reopened, "reopened-12"),
        (TopicIn(**FACTS, closed=True), Closed, "closed-12"),
        (TopicIn(**{**FACTS, "message_id": None}, closed=False), Reopened, "reopened-1:1"),
    ],
)
def test_a_topic_is_closed_and_opened_by_word_and_by_hand(
    event: Inbound, kind: type[HelpdeskEvent], key: str
) -> None:
    [found] = heard(event)
    assert type(found) is kind
    assert (found.key, found.ticket) == (key, "7")


@pytest.mark.parametrize(
    "event",
    [
        text("// кто возьмёт?"),
        text("//кто возьмёт?"),
        text("/note позвонить"),
        text("/note"),
        text("/cloze"),
        text(" "),
        media(caption="// для своих"),
        media("sticker"),
        media("location", file_id=None),
        media(file_id=None),
        text("я бот", sender=SenderRef(external_id="9", is_bot=True)),
        TopicIn(**{**FACTS, "sender": SenderRef(external_id="9", is_bot=True)}, closed=True),
        text("в общем", chat=ChatRef(channel="staff", chat_id=GROUP)),
        text("не та группа", chat=ChatRef(channel="staff", chat_id="-1009", thread_id="7")),
        text("не тот бот", chat=ChatRef(channel="other", chat_id=GROUP, thread_id="7")),
        text("без номера", message_id=None),
        EchoIn(**FACTS),
        EditedIn(**FACTS, text="иначе"),
        RemovedIn(**FACTS),
        StartIn(**FACTS),
        LeftIn(**FACTS),
        ActionIn(**FACTS, token="x"),
        ContactIn(**FACTS, phone="+7"),
    ],
    ids=lambda event: f"{type(event).__name__}-{getattr(event, 'text', '')}",
)
def test_everything_else_is_for_nobody(event: Inbound) -> None:
    assert heard(event) == ()


@pytest.mark.parametrize("words", ["/ 2 дня", "1/2", "/123", "https://x.ru", "/путь/к/файлу"])
def test_what_only_looks_like_a_command_is_a_reply(words: str) -> None:
    assert [type(event) for event in heard(text(words))] == [AgentReplied]


def test_the_same_message_has_the_same_key_and_another_one_another() -> None:
    one = text("да")
    assert heard(one) == heard(replace(one, event_id="1:2"))
    assert heard(one)[0].key != heard(replace(one, message_id="13"))[0].key
