"""What a ticket hears of what a customer did: nothing that they say to a person is left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from channels.model import (
    ActionIn,
    ChatRef,
    ContactIn,
    EchoIn,
    EditedIn,
    Inbound,
    LeftIn,
    MediaIn,
    MediaKind,
    Purpose,
    RemovedIn,
    SenderRef,
    StartIn,
    TextIn,
)
from optfm_bot.domain.relaying import member_of, pressed, relays_of, wanted
from optfm_bot.domain.say import Relay
from optfm_bot.i18n.catalogue import Catalogue

WORDS = Catalogue.load()
FACTS: dict[str, Any] = {
    "event_id": "1",
    "chat": ChatRef(channel="tg", chat_id="7"),
    "sender": SenderRef(external_id="anna"),
    "at": datetime(2026, 1, 15, tzinfo=UTC),
}


def customer(text: str) -> Relay:
    return Relay(purpose=Purpose.CUSTOMER, text=text)


def media(kind: str, **options: Any) -> MediaIn:
    return MediaIn(kind=kind, **options, **FACTS)


@pytest.mark.parametrize(
    ("event", "relay"),
    [
        (TextIn(text="*как* есть\nвторая", **FACTS), customer("*как* есть\nвторая")),
        (StartIn(payload="promo", **FACTS), customer("/start promo")),
        (StartIn(**FACTS), customer("/start")),
        (ContactIn(phone="+79001234567", **FACTS), customer("Контакт: +79001234567")),
        (EditedIn(text="не 5, а 6", **FACTS), customer("Исправлено: не 5, а 6")),
        (
            RemovedIn(**FACTS),
            Relay(purpose=Purpose.NOTE, text="Клиент удалил одно из своих сообщений."),
        ),
        (media("sticker", file_id="s"), customer("[стикер]")),
        (media("location"), customer("[место на карте]")),
        (media("poll", file_id="p"), customer("[сообщение, которое здесь не показать]")),
        (media("photo", caption="вот"), customer("[фото]\nвот")),
        (media("voice"), customer("[голосовое сообщение]")),
    ],
)
def test_what_has_words_is_told_in_words(event: Inbound, relay: Relay) -> None:
    assert relays_of([event], WORDS, "ru") == (relay,)


@pytest.mark.parametrize(
    ("kind", "as_kind"),
    [
        ("photo", MediaKind.IMAGE),
        ("video", MediaKind.VIDEO),
        ("voice", MediaKind.AUDIO),
        ("audio", MediaKind.AUDIO),
        ("document", MediaKind.FILE),
    ],
)
def test_a_file_is_told_by_where_it_lies(kind: str, as_kind: MediaKind) -> None:
    event = media(kind, caption="чек", file_id="f1", name="a.pdf", mime="application/pdf", size=5)
    (relay,) = relays_of([event], WORDS, "ru")
    (file,) = relay.media

    assert (relay.purpose, relay.text) == (Purpose.CUSTOMER, "чек")
    assert (file.kind, file.origin, file.file_id, file.size) == (as_kind, "tg", "f1", 5)
    assert (file.name, file.mime) == ("a.pdf", "application/pdf")


def test_a_files_address_is_for_us_only() -> None:
    (relay,) = relays_of([media("document", url="https://files.test/secret")], WORDS, "ru")
    (file,) = relay.media

    assert (file.url, file.public) == ("https://files.test/secret", False)
    assert "secret" not in repr(relay)


def test_each_event_is_told_by_itself_in_its_order() -> None:
    album = [media("photo", file_id="a"), media("photo", file_id="b", caption="два")]
    relays = relays_of([TextIn(text="раз", **FACTS), *album, TextIn(text="раз", **FACTS)], WORDS, "ru")

    assert [relay.text for relay in relays] == ["раз", "", "два", "раз"]


@pytest.mark.parametrize("event", [LeftIn(**FACTS), EchoIn(**FACTS), ActionIn(token="t", **FACTS)])
def test_what_says_nothing_is_not_told(event: Inbound) -> None:
    assert relays_of([event], WORDS, "ru") == ()


def test_a_button_is_told_by_its_label_in_the_language_of_our_people() -> None:
    assert pressed("Оплата", WORDS, "ru") == (customer("Нажата кнопка: Оплата"),)
    assert pressed("Оплата", WORDS, "en")[0].text.endswith("Оплата")
    assert pressed("Оплата", WORDS, "en") != pressed("Оплата", WORDS, "ru")


def test_a_command_that_calls_a_person_is_told_as_a_wish() -> None:
    assert wanted(WORDS, "ru") == (customer("Клиент просит позвать человека."),)


def in_group(name: str, event: type[Inbound] = TextIn, **options: Any) -> Any:
    sender = SenderRef(external_id="17", display_name=name)
    return event(**{**FACTS, "sender": sender, "is_group": True, **options})


def test_a_member_of_a_group_stands_before_what_they_said_or_sent() -> None:
    events = [
        in_group("Анна\n К.", text="Где заказ?"),
        in_group("Борис", MediaIn, kind="photo", file_id="f"),
        in_group("", text="и мой"),
        in_group("Анна К.", EditedIn, text="заказ 17"),
    ]
    assert [one.signed for one in relays_of(events, WORDS, "ru")] == [
        "Анна К.: Где заказ?",
        "Борис:",
        "17: и мой",
        "Анна К.: Исправлено: заказ 17",
    ]
    pressing = in_group("Борис", ActionIn, token="t")
    assert (
        pressed("Доставка", WORDS, "ru", by=member_of(pressing))[0].signed == "Борис: Нажата кнопка: Доставка"
    )
    assert wanted(WORDS, "ru", by="Борис")[0].signed == "Борис: Клиент просит позвать человека."


def test_who_writes_alone_needs_no_name() -> None:
    alone = in_group("Анна", text="Где заказ?", is_group=False)
    assert [one.signed for one in relays_of([alone], WORDS, "ru")] == ["Где заказ?"]
