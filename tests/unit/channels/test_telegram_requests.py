"""What we ask of the Bot API; aiogram's method models are the referee of every field name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import aiogram.methods
import pytest
from pydantic import BaseModel

from channels.contract import BotCommand
from channels.errors import Rejected
from channels.model import Action, ChatRef, Media, MediaKind, Purpose, Rendered
from channels.telegram import requests
from channels.telegram.requests import BotRequest

CHAT = ChatRef(channel="tg", chat_id="70001")
TOPIC = ChatRef(channel="tg", chat_id="-1001000000002", thread_id="42")
PHOTO = Media(kind=MediaKind.IMAGE, url="https://example.ru/a.png")


def message(**changes: Any) -> Rendered:
    return Rendered(**{"chat": CHAT, "text": "<b>300 ₽</b>", "plain": "300 ₽", **changes})


def strangers(model: BaseModel) -> Iterator[str]:
    """Names that aiogram does not know; its models keep them instead of refusing them."""
    yield from model.model_extra or {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        for item in value if isinstance(value, list) else [value]:
            for inner in item if isinstance(item, list) else [item]:
                if isinstance(inner, BaseModel):
                    yield from strangers(inner)


def refereed(request: BotRequest) -> dict[str, Any]:
    model = getattr(aiogram.methods, request.method[0].upper() + request.method[1:])
    params = dict(request.params)
    if request.upload is not None:
        params[request.upload.name] = "attached"
    assert list(strangers(model(**params))) == []
    return request.params


BUTTONS = ((Action(label="Сроки", token="a1b2c3d4"), Action(label="Тарифы", url="https://example.ru")),)


@pytest.mark.parametrize(
    "request_",
    [
        requests.send(message()),
        requests.send(message(chat=TOPIC, actions=BUTTONS, reply_to="7")),
        requests.send(message(markup=False)),
        requests.send(message(media=(PHOTO,), actions=BUTTONS)),
        requests.send(message(media=(Media(kind=MediaKind.VIDEO, url="https://example.ru/a.mp4"),))),
        requests.send(message(media=(Media(kind=MediaKind.AUDIO, url="https://example.ru/a.mp3"),))),
        requests.send(message(media=(Media(kind=MediaKind.FILE, path="price.pdf"),))),
        requests.edit(message(replaces="9", actions=BUTTONS)),
        requests.typing(TOPIC),
        requests.acknowledge("4382", "ok"),
        requests.get_updates(5, 25),
        requests.set_webhook("https://example.ru/telegram/webhook", "s3cret", 40),
        *(
            BotRequest("setMyCommands", {**menu, "commands": entries})
            for menu, entries in requests.commands({"ru": [BotCommand(name="help", description="помощь")]})
        ),
        BotRequest("deleteWebhook", {"drop_pending_updates": False}),
    ],
    ids=lambda request: request.method,
)
def test_aiogram_knows_every_parameter(request_: BotRequest | None) -> None:
    assert request_ is not None
    assert refereed(request_)


def test_a_text_goes_out_as_html_without_a_preview() -> None:
    assert requests.send(message()) == BotRequest(
        "sendMessage",
        {
            "chat_id": 70001,
            "text": "<b>300 ₽</b>",
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        },
    )


def test_plain_text_names_no_parse_mode() -> None:
    assert "parse_mode" not in requests.send(message(markup=False)).params


def test_a_topic_and_a_reply_are_kept() -> None:
    params = requests.send(message(chat=TOPIC, reply_to="7")).params

    assert params["message_thread_id"] == 42
    assert params["reply_parameters"] == {"message_id": 7, "allow_sending_without_reply": True}


def test_a_note_makes_no_sound() -> None:
    assert requests.send(message(purpose=Purpose.NOTE)).params["disable_notification"] is True
    assert "disable_notification" not in requests.send(message()).params


def test_a_topic_is_named_within_the_limit_and_never_empty() -> None:
    made = requests.create_topic("-1001000000002", " Анна \n MAX ")
    assert made == BotRequest("createForumTopic", {"chat_id": -1001000000002, "name": "Анна MAX"})
    assert len(requests.create_topic("-1", "я" * 500).params["name"]) == 128
    assert requests.create_topic("-1", " ").params["name"] == "…"


def test_a_topic_is_closed_and_opened_by_its_number() -> None:
    assert requests.close_topic("-1", "42", closed=True) == BotRequest(
        "closeForumTopic", {"chat_id": -1, "message_thread_id": 42}
    )
    assert requests.close_topic("-1", "42", closed=False).method == "reopenForumTopic"
    with pytest.raises(Rejected):
        requests.close_topic("-1", "general", closed=True)


def test_buttons_carry_a_token_or_an_address() -> None:
    assert requests.send(message(actions=BUTTONS)).params["reply_markup"] == {
        "inline_keyboard": [
            [
                {"text": "Сроки", "callback_data": "a1b2c3d4"},
                {"text": "Тарифы", "url": "https://example.ru"},
            ]
        ]
    }


def test_a_button_that_asks_for_the_phone_is_left_out_and_named() -> None:
    asks = message(actions=((Action(label="Телефон", ask_contact=True),),))

    assert "reply_markup" not in requests.send(asks).params
    assert requests.unsupported(asks) == ("contact-button",)
    assert requests.unsupported(message(actions=BUTTONS)) == ()


def test_a_file_takes_the_text_as_its_caption() -> None:
    request = requests.send(message(media=(PHOTO,)))

    assert request.method == "sendPhoto"
    assert request.params["photo"] == "https://example.ru/a.png"
    assert request.params["caption"] == "<b>300 ₽</b>"
    assert "text" not in request.params


def test_a_local_file_becomes_an_upload() -> None:
    media = Media(kind=MediaKind.FILE, path="prices/may.pdf", name="Прайс.pdf")

    request = requests.send(message(text="", media=(media,)))

    assert request.upload == requests.Upload("document", "prices/may.pdf", "Прайс.pdf")
    assert "caption" not in request.params


def test_two_files_in_one_message_are_refused() -> None:
    with pytest.raises(Rejected, match="one by one"):
        requests.send(message(media=(PHOTO, PHOTO)))


def test_an_edit_without_buttons_removes_the_old_ones() -> None:
    request = requests.edit(message(replaces="9"))

    assert request is not None
    assert request.method == "editMessageText"
    assert request.params["message_id"] == 9
    assert "reply_markup" not in request.params


@pytest.mark.parametrize("changes", [{}, {"replaces": "abc"}, {"replaces": "9", "media": (PHOTO,)}])
def test_what_cannot_be_an_edit_is_none(changes: dict[str, Any]) -> None:
    assert requests.edit(message(**changes)) is None


def test_a_public_channel_is_addressed_by_its_name() -> None:
    assert requests.chat_id(replace(CHAT, chat_id="@news")) == "@news"


def test_a_notice_is_cut_to_what_telegram_shows() -> None:
    assert len(requests.acknowledge("1", "я" * 500).params["text"]) == 200


def test_updates_are_asked_for_by_name_in_both_modes() -> None:
    """An omitted list would keep whatever was set before."""
    assert list(requests.ALLOWED_UPDATES) == requests.get_updates(None, 25).params["allowed_updates"]
    assert list(requests.ALLOWED_UPDATES) == requests.set_webhook("u", "s", 40).params["allowed_updates"]
    assert "offset" not in requests.get_updates(None, 25).params


def test_the_first_language_also_serves_everybody_else() -> None:
    menus = requests.commands(
        {
            "ru": [BotCommand(name="help", description="помощь")],
            "en-US": [BotCommand(name="help", description="help")],
        }
    )

    assert [(menu, entries[0]["description"]) for menu, entries in menus] == [
        ({}, "помощь"),
        ({"language_code": "ru"}, "помощь"),
        ({"language_code": "en"}, "help"),
    ]


def test_a_menu_for_everybody_is_kept_as_it_is_given() -> None:
    assert [menu for menu, _ in requests.commands({"": [BotCommand(name="a", description="b")]})] == [{}]


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"url": "https://other.example"}, False),
        ({"max_connections": 1}, False),
        ({"allowed_updates": ["message"]}, False),
        ({"allowed_updates": None}, False),
    ],
)
def test_a_webhook_is_compared_by_all_that_can_be_read_back(changes: dict[str, Any], *, same: bool) -> None:
    info = {
        "url": "u",
        "max_connections": 40,
        "allowed_updates": [*reversed(requests.ALLOWED_UPDATES)],
        **changes,
    }

    assert same is requests.webhook_matches(info, "u", 40)
