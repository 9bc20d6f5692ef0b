"""The MAX channel against a scripted platform: what is asked, and what becomes of the answers."""

from __future__ import annotations

import asyncio
import shutil
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import structlog

from channels.contract import BotCommand, ChannelContext, Cursor, HealthState, WebhookRequest
from channels.errors import (
    BadPayload,
    ChannelError,
    Conflict,
    Gone,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.max.channel import SECRET_HEADER, MaxChannel
from channels.max.pace import Pace
from channels.max.requests import UPDATE_TYPES
from channels.max.spec import MaxSettings
from channels.model import Action, ActionIn, ChatRef, Media, MediaKind, Rendered, SenderRef

if TYPE_CHECKING:
    from conftest import Script

TOKEN = "canary-TOKEN-of-a-MAX-bot"
SECRET = "canary-secret_1"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CHAT = ChatRef(channel="max", chat_id="182000037")
BUTTONS = ((Action(label="Сроки", token="a1b2c3d4"), Action(label="Сайт", url="https://x.ru")),)
URL = "https://bot.example/max/webhook"
SENT = {"message": {"recipient": {}, "timestamp": 1, "body": {"mid": "mid.new", "seq": 1, "text": "x"}}}
YES = {"success": True}
NO = {"success": False, "message": "error.edit.time"}


def message(text: str = "<b>300 ₽</b>", **changes: Any) -> Rendered:
    return Rendered(**{"chat": CHAT, "text": text, "plain": "300 ₽", **changes})


def press(callback_id: str) -> ActionIn:
    sender = SenderRef(external_id="5001")
    return ActionIn(event_id="1", chat=CHAT, sender=sender, at=NOW, token="a1b2c3d4", callback_id=callback_id)


def said(script: Script, call: str) -> Any:
    return script.calls(call)[-1].json


@asynccontextmanager
async def connected(base: str, **settings: Any) -> AsyncIterator[MaxChannel]:
    made = MaxChannel(
        MaxSettings.model_validate({"token": TOKEN, "api_base": base, "poll_timeout": 0, **settings}),
        ChannelContext(instance="max", clock=lambda: NOW),
    )
    made._pace = Pace(0.0)  # tests do not wait
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def channel(script: Script) -> AsyncIterator[MaxChannel]:
    async with connected(script.base) as made:
        yield made


@pytest.fixture
async def hooked(script: Script) -> AsyncIterator[MaxChannel]:
    async with connected(script.base, mode="webhook", webhook_secret=SECRET) as made:
        yield made


async def refused(call: Awaitable[Any], kind: type[ChannelError]) -> Any:
    with pytest.raises(ChannelError) as caught:
        await call
    assert kind is type(caught.value)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    return caught.value


# -- out -------------------------------------------------------------------------------------------------


async def test_a_message_goes_to_its_chat_with_markup_and_buttons(
    channel: MaxChannel, script: Script
) -> None:
    script.says("POST /messages", SENT)

    receipt = await channel.deliver(message(actions=BUTTONS, reply_to="mid.a0"))

    (asked,) = script.calls("POST /messages")
    assert asked.query == {"chat_id": "182000037", "disable_link_preview": "true"}
    assert asked.headers["Authorization"] == TOKEN
    assert asked.json == {
        "text": "<b>300 ₽</b>",
        "format": "html",
        "attachments": [
            {
                "type": "inline_keyboard",
                "payload": {
                    "buttons": [
                        [
                            {"type": "callback", "text": "Сроки", "payload": "a1b2c3d4"},
                            {"type": "link", "text": "Сайт", "url": "https://x.ru"},
                        ]
                    ]
                },
            }
        ],
        "link": {"type": "reply", "mid": "mid.a0"},
    }
    assert (receipt.external_ids, receipt.sent_at, receipt.degraded) == (("mid.new",), NOW, ())


async def test_plain_words_go_without_a_format(channel: MaxChannel, script: Script) -> None:
    script.says("POST /messages", SENT)

    await channel.deliver(message("a < b", plain="a < b", markup=False))

    assert said(script, "POST /messages") == {"text": "a < b"}


async def test_the_settings_choose_the_markup(script: Script) -> None:
    script.says("POST /messages", SENT)
    async with connected(script.base, format="markdown") as channel:
        await channel.deliver(message("**300**"))

    assert channel.capabilities.dialect == "max-markdown"
    assert said(script, "POST /messages")["format"] == "markdown"


async def test_a_press_under_a_deleted_message_is_answered_to_its_person(
    channel: MaxChannel, script: Script
) -> None:
    script.says("POST /messages", SENT)

    await channel.deliver(message(chat=ChatRef(channel="max", chat_id="user:5001")))

    assert script.calls("POST /messages")[0].query["user_id"] == "5001"
    assert "chat_id" not in script.calls("POST /messages")[0].query


@pytest.mark.parametrize("chat_id", ["", "x", "user:", "user:x", "1.5", "+5", "5 ", "٥"])
async def test_a_chat_that_is_none_of_max_is_refused(channel: MaxChannel, chat_id: str) -> None:
    await refused(channel.deliver(message(chat=ChatRef(channel="max", chat_id=chat_id))), Rejected)


@pytest.mark.parametrize("plain", ["", "  ", "\u200b\u2060"])
async def test_a_message_without_visible_words_is_never_sent(
    channel: MaxChannel, script: Script, plain: str
) -> None:
    await refused(channel.deliver(message("<b></b>", plain=plain)), Rejected)

    assert script.asked == []


async def test_an_answer_may_take_the_place_of_an_older_one(channel: MaxChannel, script: Script) -> None:
    script.says("PUT /messages", YES)

    receipt = await channel.deliver(message("<b>350 ₽</b>", replaces="mid.b0"))

    (asked,) = script.calls("PUT /messages")
    assert asked.query == {"message_id": "mid.b0"}
    assert asked.json == {"text": "<b>350 ₽</b>", "format": "html", "attachments": []}
    assert receipt.external_ids == ("mid.b0",)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, NO),
        (404, {"code": "not.found", "message": "message not found"}),
        (403, {"code": "chat.denied", "message": "x"}),
        (400, {"code": "proto.payload", "message": "x"}),
    ],
)
async def test_what_cannot_be_edited_is_sent_anew(
    channel: MaxChannel, script: Script, status: int, content: Any
) -> None:
    script.says("PUT /messages", content, status=status)
    script.says("POST /messages", SENT)

    receipt = await channel.deliver(message(replaces="mid.b0"))

    assert (receipt.external_ids, receipt.degraded) == (("mid.new",), ("sent-instead-of-edited",))


async def test_an_edit_may_be_repeated_after_a_breakdown_and_a_send_may_not(
    channel: MaxChannel, script: Script
) -> None:
    for call in ("PUT /messages", "POST /messages"):
        script.says(call, {"code": "internal.error", "message": "x"}, status=500)

    await refused(channel.deliver(message(replaces="mid.b0")), RetryLater)
    error = await refused(channel.deliver(message()), Unreachable)

    assert error.maybe_sent
    assert script.calls("PUT /messages")
    assert len(script.calls("POST /messages")) == 1


@pytest.mark.parametrize("content", [b"<html>", b"", [], {"ok": 1}, {"message": None}, b'{"message": {"bo'])
async def test_a_yes_that_cannot_be_read_may_mean_sent(
    channel: MaxChannel, script: Script, content: Any
) -> None:
    script.says("POST /messages", content)

    assert (await refused(channel.deliver(message()), Unreachable)).maybe_sent


async def test_half_a_character_is_refused_by_reaction(channel: MaxChannel, script: Script) -> None:
    await refused(channel.deliver(message("a\ud800b", plain="a\ud800b")), Rejected)

    assert script.asked == []


async def test_nobody_there_was_certainly_not_sent() -> None:
    async with connected("http://127.0.0.1:9") as channel:
        error = await refused(channel.deliver(message()), Unreachable)

    assert not error.maybe_sent


async def test_too_many_requests_say_how_long_to_wait(channel: MaxChannel, script: Script) -> None:
    script.says("POST /messages", {"code": "too.many.requests"}, status=429, headers={"Retry-After": "3"})

    assert (await refused(channel.deliver(message()), RetryLater)).after == timedelta(seconds=3)


async def test_wide_buttons_get_rows_of_three_and_it_is_noted(channel: MaxChannel, script: Script) -> None:
    script.says("POST /messages", SENT)
    row = tuple(Action(label=str(n), url="https://x.ru") for n in range(5))

    receipt = await channel.deliver(message(actions=(row,)))

    (keyboard,) = said(script, "POST /messages")["attachments"]
    assert [len(row) for row in keyboard["payload"]["buttons"]] == [3, 2]
    assert receipt.degraded == ("buttons_rewrapped",)


# -- files -----------------------------------------------------------------------------------------------


def storing(
    script: Script, kind: str, *answers: Any, token: str | None = None, statuses: Any = (200,)
) -> None:
    """The platform names a place on another host name of this machine, which answers so."""
    place = script.base.replace("127.0.0.1", "localhost") + "/storage"
    script.says("POST /uploads", {"url": place, "token": token} if token else {"url": place})
    script.says("POST /storage", answers[0], status=statuses[0])
    for answer, status in zip(answers[1:], statuses[1:], strict=True):
        script.then("POST /storage", answer, status)
    script.says("POST /messages", SENT)


@pytest.fixture
def price(tmp_path: Path) -> Path:
    path = tmp_path / "may.pdf"
    path.write_bytes(b"%PDF canary of a file")
    return path


@pytest.mark.parametrize(
    ("kind", "answer", "token"),
    [
        (MediaKind.IMAGE, {"photos": {"17": {"token": "stored"}}}, None),
        (MediaKind.FILE, {"fileId": 5, "token": "stored"}, None),
        (MediaKind.VIDEO, b"<retval>1</retval>", "stored"),
        (MediaKind.AUDIO, b"<retval>1</retval>", "stored"),
        (MediaKind.VIDEO, {"token": "stored"}, None),
    ],
)
async def test_a_local_file_is_uploaded_and_sent_by_its_token(
    channel: MaxChannel, script: Script, price: Path, kind: MediaKind, answer: Any, token: str | None
) -> None:
    storing(script, kind.value, answer, token=token)

    await channel.deliver(message(media=(Media(kind=kind, path=str(price), name="Прайс.pdf"),)))

    assert script.calls("POST /uploads")[0].query == {"type": kind.value}
    (put,) = script.calls("POST /storage")
    assert b"%PDF canary of a file" in put.raw
    assert b'name="data"' in put.raw
    assert "Прайс.pdf".encode() in put.raw
    assert said(script, "POST /messages")["attachments"] == [
        {"type": kind.value, "payload": {"token": "stored"}}
    ]


async def test_the_token_of_the_bot_goes_to_no_other_host(
    channel: MaxChannel, script: Script, price: Path
) -> None:
    storing(script, "file", {"token": "stored"})
    script.says("GET /may.pdf", b"%PDF")
    public = script.base.replace("127.0.0.1", "localhost") + "/may.pdf"

    await channel.deliver(message(media=(Media(kind=MediaKind.FILE, path=str(price)),)))
    await channel.deliver(message(media=(Media(kind=MediaKind.FILE, url=public),)))

    elsewhere = [asked for asked in script.asked if asked.headers["Host"].startswith("localhost")]
    assert {asked.path for asked in elsewhere} == {"/storage", "/may.pdf"}
    assert all("Authorization" not in asked.headers for asked in elsewhere)


async def test_a_file_is_uploaded_once_however_often_it_is_sent(
    channel: MaxChannel, script: Script, price: Path, tmp_path: Path
) -> None:
    storing(script, "file", {"token": "stored"})
    copy = tmp_path / "copy.pdf"
    await asyncio.to_thread(shutil.copy, price, copy)

    for path in (price, price, copy):
        await channel.deliver(message(media=(Media(kind=MediaKind.FILE, path=str(path)),)))
    await asyncio.to_thread(price.write_bytes, b"%PDF of June")
    await channel.deliver(message(media=(Media(kind=MediaKind.FILE, path=str(price)),)))

    assert len(script.calls("POST /storage")) == 2
    assert len(script.calls("POST /messages")) == 4


async def test_storage_that_wants_the_other_field_gets_it(
    channel: MaxChannel, script: Script, price: Path
) -> None:
    storing(script, "video", b"", b"<retval>1</retval>", token="stored", statuses=(415, 200))

    await channel.deliver(message(media=(Media(kind=MediaKind.VIDEO, path=str(price)),)))

    first, second = script.calls("POST /storage")
    assert b'name="data"' in first.raw
    assert b'name="file"' in second.raw


async def test_a_file_in_work_is_for_later_and_is_not_uploaded_again(
    channel: MaxChannel, script: Script, price: Path
) -> None:
    storing(script, "file", {"token": "stored"})
    not_ready = {
        "code": "attachment.not.ready",
        "message": "Key: errors.process.attachment.file.not.processed",
    }
    script.says("POST /messages", not_ready, status=400)
    script.then("POST /messages", SENT)
    sending = message(media=(Media(kind=MediaKind.FILE, path=str(price)),))

    error = await refused(channel.deliver(sending), RetryLater)
    receipt = await channel.deliver(sending)

    assert error.after is None  # our own plan: 1, 2, 4, 8 seconds
    assert receipt.external_ids == ("mid.new",)
    assert len(script.calls("POST /storage")) == 1


async def test_a_forgotten_token_is_made_anew(channel: MaxChannel, script: Script, price: Path) -> None:
    storing(script, "file", {"token": "old"}, {"token": "new"}, statuses=(200, 200))
    sending = message(media=(Media(kind=MediaKind.FILE, path=str(price)),))
    await channel.deliver(sending)
    script.says("POST /messages", {"code": "proto.payload", "message": "unknown token"}, status=400)
    script.then("POST /messages", SENT)

    assert (await channel.deliver(sending)).external_ids == ("mid.new",)

    assert said(script, "POST /messages")["attachments"][0]["payload"] == {"token": "new"}


async def test_a_refused_message_with_a_new_upload_is_not_tried_twice(
    channel: MaxChannel, script: Script, price: Path
) -> None:
    storing(script, "file", {"token": "stored"})
    script.says("POST /messages", {"code": "proto.payload", "message": "x"}, status=400)

    sending = message(media=(Media(kind=MediaKind.FILE, path=str(price)),))
    with pytest.raises(Rejected):
        await channel.deliver(sending)

    assert len(script.calls("POST /messages")) == 1


async def test_a_picture_goes_by_its_address_and_by_upload_if_max_refuses_that(
    channel: MaxChannel, script: Script
) -> None:
    storing(script, "image", {"photos": {"17": {"token": "stored"}}})
    script.says("GET /pic.png", b"png")
    picture = Media(kind=MediaKind.IMAGE, url=f"{script.base}/pic.png")

    await channel.deliver(message(media=(picture,)))
    by_address = said(script, "POST /messages")["attachments"][0]["payload"]
    script.says("POST /messages", {"code": "proto.payload", "message": "external url"}, status=400)
    script.then("POST /messages", SENT)
    await channel.deliver(message(media=(picture,)))

    assert by_address == {"url": picture.url}
    assert said(script, "POST /messages")["attachments"][0]["payload"] == {"token": "stored"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, RetryLater), (429, RetryLater), (413, TooLarge), (400, Rejected), (415, Rejected)],
)
async def test_trouble_with_storage_is_a_reaction_and_never_a_sent_message(
    channel: MaxChannel, script: Script, price: Path, status: int, kind: type[ChannelError]
) -> None:
    storing(script, "file", b"no", statuses=(status,))

    await refused(channel.deliver(message(media=(Media(kind=MediaKind.FILE, path=str(price)),))), kind)

    assert script.calls("POST /messages") == []


async def test_a_refused_address_is_not_offered_again_while_its_upload_is_in_work(
    channel: MaxChannel, script: Script
) -> None:
    storing(script, "image", {"photos": {"17": {"token": "stored"}}})
    script.says("GET /pic.png", b"png")
    script.says("POST /messages", {"code": "proto.payload", "message": "external url"}, status=400)
    script.then("POST /messages", {"code": "attachment.not.ready", "message": ""}, 400)
    script.then("POST /messages", SENT)
    picture = message(media=(Media(kind=MediaKind.IMAGE, url=f"{script.base}/pic.png"),))

    with pytest.raises(RetryLater):
        await channel.deliver(picture)
    await channel.deliver(picture)

    assert len(script.calls("POST /storage")) == 1
    assert len(script.calls("POST /messages")) == 3


async def test_a_broken_upload_is_no_sent_message(channel: MaxChannel, script: Script, price: Path) -> None:
    script.says("POST /uploads", b"<html>")  # said yes, and nobody knows to what

    sending = message(media=(Media(kind=MediaKind.FILE, path=str(price)),))
    error = await refused(channel.deliver(sending), Unreachable)

    assert not error.maybe_sent


@pytest.mark.parametrize("url", ["ftp://x/y", "/relative", "", 5, None])
async def test_an_odd_place_for_a_file_is_for_later(
    channel: MaxChannel, script: Script, price: Path, url: Any
) -> None:
    script.says("POST /uploads", {"url": url})

    sending = message(media=(Media(kind=MediaKind.FILE, path=str(price)),))
    await refused(channel.deliver(sending), RetryLater)


async def test_a_missing_file_is_refused_by_name(channel: MaxChannel, script: Script) -> None:
    media = Media(kind=MediaKind.FILE, path="/nowhere/price.pdf")

    assert "price.pdf" in str(await refused(channel.deliver(message(media=(media,))), Rejected))
    assert script.asked == []


async def test_a_file_over_the_limit_is_refused_before_it_is_read(
    channel: MaxChannel, script: Script, tmp_path: Path
) -> None:
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(50 * 1024**2 + 1)  # a hole: takes no room

    media = Media(kind=MediaKind.IMAGE, path=str(path))
    assert "50 MB" in str(await refused(channel.deliver(message(media=(media,))), TooLarge))
    assert script.asked == []


async def test_files_that_must_be_alone_are_not_mixed(channel: MaxChannel, price: Path) -> None:
    media = (
        Media(kind=MediaKind.IMAGE, path=str(price)),
        Media(kind=MediaKind.FILE, path=str(price)),
    )

    await refused(channel.deliver(message(media=media)), Rejected)


# -- signs, presses, commands ----------------------------------------------------------------------------


async def test_a_press_is_answered_and_never_with_nothing(channel: MaxChannel, script: Script) -> None:
    script.says("POST /answers", YES)

    await channel.acknowledge_action(press("cb-1"))
    await channel.acknowledge_action(press("cb-1"), "принято")
    await channel.acknowledge_action(press(""))

    quiet, loud = script.calls("POST /answers")
    assert quiet.query == {"callback_id": "cb-1"}
    assert [quiet.json, loud.json] == [{"notification": "✓"}, {"notification": "принято"}]


@pytest.mark.parametrize(
    ("status", "content"),
    [(404, {"code": "not.found"}), (400, {"code": "proto.payload"}), (200, NO), (405, {"code": "x"})],
)
async def test_a_stale_press_is_harmless(
    channel: MaxChannel, script: Script, status: int, content: Any
) -> None:
    script.says("POST /answers", content, status=status)

    await channel.acknowledge_action(press("cb-1"))


async def test_a_press_that_a_wrong_token_cannot_answer_is_no_secret(
    channel: MaxChannel, script: Script
) -> None:
    script.says("POST /answers", {"code": "verify.token", "message": "Invalid access_token"}, status=401)

    await refused(channel.acknowledge_action(press("cb-1")), Unauthorized)


async def test_typing_is_shown_and_the_question_marked_as_seen(channel: MaxChannel, script: Script) -> None:
    call = "POST /chats/182000037/actions"
    script.says(call, YES)

    await channel.typing(CHAT)

    assert [asked.json["action"] for asked in script.calls(call)] == ["typing_on", "mark_seen"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_a_failed_sign_stops_nothing(channel: MaxChannel, script: Script, status: int) -> None:
    script.says("POST /chats/182000037/actions", {"code": "chat.denied"}, status=status)

    await channel.typing(CHAT)


async def test_where_only_the_person_is_known_nothing_is_shown(channel: MaxChannel, script: Script) -> None:
    await channel.typing(replace(CHAT, chat_id="user:5001"))

    assert script.asked == []


MENU = {
    "ru": [BotCommand(name="help", description="помощь"), BotCommand(name="start", description="")],
    "en": [BotCommand(name="help", description="help")],
}


async def test_commands_are_published_in_the_first_language_and_once(
    channel: MaxChannel, script: Script
) -> None:
    shown = [{"name": "help", "description": "помощь"}, {"name": "start"}]
    script.says("PATCH /me/commands", {})

    await channel.publish_commands(MENU)
    script.says("GET /me", {"user_id": 1, "commands": [shown[0], {"name": "start", "description": None}]})
    await channel.publish_commands(MENU)

    (asked,) = script.calls("PATCH /me/commands")
    assert asked.json == {"commands": shown}


async def test_no_more_commands_are_published_than_max_takes(channel: MaxChannel, script: Script) -> None:
    script.says("PATCH /me/commands", {})

    await channel.publish_commands(
        {"ru": [BotCommand(name=f"c{n}", description="x" * 200) for n in range(40)]}
    )

    commands = said(script, "PATCH /me/commands")["commands"]
    assert len(commands) == 32
    assert len(commands[0]["description"]) == 128


async def test_commands_stay_as_they_are_when_the_settings_say_so(script: Script) -> None:
    async with connected(script.base, commands=False) as channel:
        await channel.publish_commands(MENU)

    assert script.asked == []


# -- history ---------------------------------------------------------------------------------------------


def past(mid: str, text: str, *, sender: int = 700000001, token: str | None = None, at: int = 5) -> Any:
    body: dict[str, Any] = {"mid": mid, "seq": 1, "text": text}
    if token:
        keyboard = {"buttons": [[{"type": "callback", "text": "Сроки", "payload": token}]]}
        body["attachments"] = [{"type": "inline_keyboard", "payload": keyboard}]
    return {"sender": {"user_id": sender}, "recipient": {}, "timestamp": at, "body": body}


SINCE = datetime(2026, 11, 21, 8, 59, tzinfo=UTC)


async def test_a_message_of_ours_is_found_in_the_history(channel: MaxChannel, script: Script) -> None:
    script.says(
        "GET /messages",
        {"messages": [{"odd": 1}, past("mid.1", "300 ₽", sender=5001), past("mid.2", "300 ₽")]},
    )

    receipt = await channel.find(message(), since=SINCE)

    assert receipt is not None
    assert receipt.external_ids == ("mid.2",)
    query = script.calls("GET /messages")[0].query
    assert query == {"chat_id": "182000037", "after": str(int(SINCE.timestamp()) * 1000), "count": "100"}


async def test_other_words_are_not_taken_for_ours(channel: MaxChannel, script: Script) -> None:
    script.says("GET /messages", {"messages": [past("mid.1", "350 ₽"), past("mid.2", "300 ₽ и более")]})

    assert await channel.find(message(), since=SINCE) is None


async def test_the_same_answer_given_before_is_not_taken_for_this_one(
    channel: MaxChannel, script: Script
) -> None:
    script.says("POST /messages", SENT)
    await channel.deliver(message(key="41"))
    script.says("GET /messages", {"messages": [past("mid.new", "300 ₽")]})

    assert await channel.find(message(key="42"), since=SINCE) is None
    assert await channel.find(message(key="41"), since=SINCE) is not None


async def test_buttons_tell_two_alike_messages_apart(channel: MaxChannel, script: Script) -> None:
    script.says(
        "GET /messages",
        {"messages": [past("mid.2", "300 ₽", token="zzzz"), past("mid.1", "300 ₽", token="a1b2c3d4")]},
    )

    receipt = await channel.find(message(actions=((BUTTONS[0][0],),)), since=SINCE)

    assert receipt is not None
    assert receipt.external_ids == ("mid.1",)


async def test_an_edit_is_looked_for_where_it_was_made(channel: MaxChannel, script: Script) -> None:
    script.says("GET /messages", {"messages": [past("mid.b0", "300 ₽")]})

    receipt = await channel.find(message(replaces="mid.b0"), since=SINCE)

    assert receipt is not None
    assert receipt.external_ids == ("mid.b0",)
    assert script.calls("GET /messages")[0].query == {"message_ids": "mid.b0"}


async def test_a_busy_chat_is_searched_page_by_page(channel: MaxChannel, script: Script) -> None:
    first = [past(f"mid.{n}", "другое", at=1000 - n) for n in range(100)]
    script.says("GET /messages", {"messages": first}, {"messages": [past("mid.old", "300 ₽")]})

    receipt = await channel.find(message(), since=SINCE)

    assert receipt is not None
    assert receipt.external_ids == ("mid.old",)
    assert script.calls("GET /messages")[1].query["before"] == "901"


async def test_absence_is_not_claimed_where_it_cannot_be_known(channel: MaxChannel, script: Script) -> None:
    page = [past(f"mid.{n}", "другое") for n in range(100)]
    script.says("GET /messages", {"messages": page})

    await refused(channel.find(message(), since=SINCE), Rejected)
    await refused(channel.find(message(chat=replace(CHAT, chat_id="user:5001")), since=SINCE), Rejected)


# -- in, by polling --------------------------------------------------------------------------------------

UPDATE = {
    "update_type": "message_created",
    "timestamp": 2,
    "message": {
        "sender": {"user_id": 5001, "is_bot": False},
        "recipient": {"chat_id": 182000037, "chat_type": "dialog"},
        "timestamp": 1,
        "body": {"mid": "mid.1", "seq": 1, "text": "раз"},
    },
}


async def test_a_batch_is_confirmed_only_by_asking_on(channel: MaxChannel, script: Script) -> None:
    script.says("GET /updates", {"updates": [UPDATE], "marker": 2**53 + 5}, {"updates": [], "marker": None})

    first = await channel.fetch(None)
    await channel.confirm(first)
    assert "marker" not in script.calls("GET /updates")[0].query
    second = await channel.fetch(first.cursor)

    assert first.cursor == str(2**53 + 5)
    assert second.cursor == first.cursor  # no marker keeps the old one
    assert script.calls("GET /updates")[1].query == {
        "limit": "100",
        "timeout": "0",
        "types": ",".join(UPDATE_TYPES),
        "marker": str(2**53 + 5),
    }
    assert [raw.lane for raw in first.updates] == ["max:182000037"]


@pytest.mark.parametrize("cursor", [Cursor("nonsense"), Cursor(""), Cursor("--5"), Cursor("٥")])
async def test_a_damaged_cursor_starts_from_the_oldest(
    channel: MaxChannel, script: Script, cursor: Cursor
) -> None:
    script.says("GET /updates", {"updates": [UPDATE], "marker": 8})

    await channel.fetch(cursor)

    assert "marker" not in script.calls("GET /updates")[0].query


async def test_an_odd_update_does_not_stop_the_others(channel: MaxChannel, script: Script) -> None:
    script.says("GET /updates", {"updates": ["poison", {"update_type": 5}, UPDATE], "marker": 8})

    assert len((await channel.fetch(None)).updates) == 3


@pytest.mark.parametrize("content", [{}, {"updates": None}, {"updates": {}}])
async def test_an_answer_without_updates_is_for_later(
    channel: MaxChannel, script: Script, content: Any
) -> None:
    script.says("GET /updates", content)

    await refused(channel.fetch(None), RetryLater)


async def test_polls_keep_their_distance() -> None:
    now, slept = 100.0, []

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    pace = Pace(0.5, now=lambda: now, sleep=sleep)

    assert await pace.turn() == 100.0
    now = 100.2
    assert await pace.turn() == 100.5
    now = 130.0
    assert await pace.turn() == 130.0
    assert slept == [pytest.approx(0.3)]


async def test_polling_asks_twice_a_second_at_most(script: Script) -> None:
    channel = MaxChannel(
        MaxSettings.model_validate({"token": TOKEN, "api_base": script.base}),
        ChannelContext(instance="max", clock=lambda: NOW),
    )

    assert channel._pace._interval == 0.5
    await channel.close()


async def test_polling_removes_webhooks_and_says_so(channel: MaxChannel, script: Script) -> None:
    script.says(
        "GET /subscriptions",
        {"subscriptions": [{"url": "https://old.example/canary", "time": 1}, {"url": "https://b.example/x"}]},
    )
    script.says("DELETE /subscriptions", YES)

    with structlog.testing.capture_logs() as logs:
        await channel.open()
        await channel.open()
    script.says("GET /subscriptions", {"subscriptions": []})
    health = await channel.probe()

    removed = [asked.query["url"] for asked in script.calls("DELETE /subscriptions")]
    assert removed == ["https://old.example/canary", "https://b.example/x"]
    assert [entry["host"] for entry in logs] == ["old.example", "b.example"]
    assert "canary" not in f"{logs} {health}"
    assert (health.state, health.identity) == (HealthState.OK, "@optfm_bot")
    assert health.details["removed_webhook_hosts"] == "old.example, b.example"


async def test_a_webhook_set_by_somebody_later_is_a_conflict_and_is_left_alone(
    channel: MaxChannel, script: Script
) -> None:
    """MAX does not say why a poller gets nothing."""
    script.says("GET /updates", {"updates": [], "marker": 5})
    now = 0.0
    channel._pace = Pace(0.0, now=lambda: now)
    await channel.fetch(None)
    script.says("GET /subscriptions", {"subscriptions": [{"url": "https://other.example/canary", "time": 1}]})
    await channel.fetch(None)
    now = 301.0

    error = await refused(channel.fetch(None), Conflict)

    assert "other.example" in str(error)
    assert script.calls("DELETE /subscriptions") == []
    assert (await channel.probe()).hint == str(error)
    await refused(channel.fetch(None), Conflict)

    script.says("GET /subscriptions", {"subscriptions": []})
    await channel.fetch(None)
    assert (await channel.probe()).state is HealthState.OK


async def test_a_poll_that_max_does_not_allow_is_a_conflict(channel: MaxChannel, script: Script) -> None:
    script.says("GET /updates", {"code": "method.not.allowed", "message": "webhook"}, status=405)

    error = await refused(channel.fetch(None), Conflict)

    assert (await channel.probe()).hint == str(error)


async def test_a_long_poll_can_be_cancelled(script: Script) -> None:
    script.says("GET /updates", {"updates": [UPDATE], "marker": 8})
    script.held = "GET /updates"
    async with connected(script.base, poll_timeout=30) as channel:
        await channel.open()
        waiting = asyncio.create_task(channel.fetch(None))
        await asyncio.wait_for(script.reached.wait(), 5)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        script.release.set()

        assert len((await channel.fetch(None)).updates) == 1
    assert [asked.query["timeout"] for asked in script.calls("GET /updates")] == ["30", "0"]


async def test_a_channel_works_again_after_a_refused_opening_and_after_closing(
    channel: MaxChannel, script: Script
) -> None:
    me = script.answers["GET /me"]
    script.says("GET /me", {"code": "verify.token", "message": "Invalid access_token"}, status=401)
    await refused(channel.open(), Unauthorized)
    script.answers["GET /me"] = me
    script.says("GET /updates", {"updates": [UPDATE], "marker": 8})
    await channel.open()
    await channel.close()
    await channel.close()

    assert len((await channel.fetch(None)).updates) == 1


# -- in, by webhook --------------------------------------------------------------------------------------


def call(body: bytes = b"{}", secret: str | None = SECRET) -> WebhookRequest:
    return WebhookRequest(headers={} if secret is None else {SECRET_HEADER: secret}, body=body)


def test_the_right_secret_is_let_in(hooked: MaxChannel) -> None:
    hooked.authenticate(call())


@pytest.mark.parametrize("secret", [None, "", "wrong", f"{SECRET} ", "секрет", "s3cre\udcff", "\ud800"])
def test_any_other_secret_is_refused(hooked: MaxChannel, secret: str | None) -> None:
    with pytest.raises(Unauthorized):
        hooked.authenticate(call(secret=secret))


@pytest.mark.parametrize("secret", [None, "", SECRET])
def test_a_polling_bot_lets_nobody_in(channel: MaxChannel, secret: str | None) -> None:
    with pytest.raises(Unauthorized):
        channel.authenticate(call(secret=secret))


def test_a_call_is_split_into_its_update(hooked: MaxChannel) -> None:
    (raw,) = hooked.split(call(orjson.dumps(UPDATE)))

    assert (raw.key, raw.lane) == ("mid.1", "max:182000037")


def test_an_update_of_an_unknown_kind_is_accepted_and_means_nothing(hooked: MaxChannel) -> None:
    """Refusing it would have it repeated for hours."""
    (raw,) = hooked.split(call(b'{"update_type":"story_published","timestamp":1}'))

    assert hooked.parse(raw) == ()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"update_type":5}', b'"x"', b"\xff"])
def test_a_call_without_an_update_is_refused(hooked: MaxChannel, body: bytes) -> None:
    with pytest.raises(BadPayload):
        hooked.split(call(body))


def subscribed(*urls: str, types: Any = UPDATE_TYPES) -> Any:
    return {"subscriptions": [{"url": url, "time": 1, "update_types": types} for url in urls]}


async def test_the_webhook_is_set_once_with_its_secret(hooked: MaxChannel, script: Script) -> None:
    script.says("GET /subscriptions", subscribed())
    script.says("POST /subscriptions", YES)
    await hooked.subscribe(URL)
    script.says("GET /subscriptions", subscribed(URL))
    await hooked.subscribe(URL)

    (asked,) = script.calls("POST /subscriptions")
    assert asked.json == {"url": URL, "secret": SECRET, "update_types": list(UPDATE_TYPES)}
    assert script.calls("DELETE /subscriptions") == []


async def test_what_an_earlier_process_has_set_is_left_alone_until_a_push_comes_without_the_secret(
    hooked: MaxChannel, script: Script
) -> None:
    """Setting it again may cost the updates that wait to be pushed; but the secret may have been changed meanwhile."""
    script.says("GET /subscriptions", subscribed(URL))
    script.says("POST /subscriptions", YES)
    await hooked.subscribe(URL)
    assert script.calls("POST /subscriptions") == []

    with pytest.raises(Unauthorized):
        hooked.authenticate(WebhookRequest(headers={"x-max-bot-api-secret": "the-one-before"}, body=b"{}"))
    await hooked.subscribe(URL)
    await hooked.subscribe(URL)
    assert len(script.calls("POST /subscriptions")) == 1


async def test_a_lost_webhook_is_set_again_and_the_probe_says_so(hooked: MaxChannel, script: Script) -> None:
    script.says("GET /subscriptions", subscribed(), subscribed())
    script.says("POST /subscriptions", YES)
    await hooked.subscribe(URL)
    assert "subscription_lost" not in (await hooked.probe()).details

    await hooked.subscribe(URL)
    script.says("GET /subscriptions", subscribed(URL))
    health = await hooked.probe()

    assert len(script.calls("POST /subscriptions")) == 2
    assert health.details["subscription_lost"] == "1×, last at 2026-11-21 09:00 UTC; set again"
    assert health.state is HealthState.OK


async def test_a_second_address_is_removed_and_if_it_comes_back_a_person_decides(
    hooked: MaxChannel, script: Script
) -> None:
    other = "https://other.example/canary"
    script.says("GET /subscriptions", subscribed(other))
    script.says("POST /subscriptions", YES)
    script.says("DELETE /subscriptions", YES)
    await hooked.subscribe(URL)
    script.says("GET /subscriptions", subscribed(URL, other))

    error = await refused(hooked.subscribe(URL), Conflict)

    assert [asked.query["url"] for asked in script.calls("DELETE /subscriptions")] == [other]
    assert "other.example" in str(error)
    health = await hooked.probe()
    assert (health.state, health.hint) == (HealthState.DEGRADED, str(error))
    assert health.details["removed_webhook_hosts"] == "other.example"

    script.says("GET /subscriptions", subscribed(URL))
    await hooked.subscribe(URL)
    assert (await hooked.probe()).state is HealthState.OK


async def test_a_doubled_or_changed_webhook_is_cleared_and_set_again_once(
    hooked: MaxChannel, script: Script
) -> None:
    script.says("POST /subscriptions", YES)
    script.says("DELETE /subscriptions", YES)
    await hooked.subscribe(URL)
    script.says("GET /subscriptions", subscribed(URL, types=["message_created"]))

    await hooked.subscribe(URL)
    await hooked.subscribe(URL)  # MAX insists: that is accepted

    order = [
        asked.method for asked in script.asked if asked.path == "/subscriptions" and asked.method != "GET"
    ]
    assert order == ["POST", "DELETE", "POST"]


async def test_an_address_that_max_does_not_take_is_explained(hooked: MaxChannel, script: Script) -> None:
    script.says("POST /subscriptions", {"success": False, "message": "bad url"})

    error = await refused(hooked.subscribe("https://bot.example:8443/max/webhook"), Rejected)

    assert "bad url" in str(error)
    assert "443" in str(error)


async def test_another_address_is_kept_until_ours_is_set(hooked: MaxChannel, script: Script) -> None:
    script.says("GET /subscriptions", subscribed("https://old.example/x"))
    script.says("POST /subscriptions", {"success": False})

    await refused(hooked.subscribe(URL), Rejected)

    assert script.calls("DELETE /subscriptions") == []


# -- health ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "urls", "state", "hint"),
    [
        ("polling", (), HealthState.OK, ""),
        ("polling", ("https://old.example/canary",), HealthState.DEGRADED, "old.example"),
        ("webhook", (), HealthState.DEGRADED, "server.public_url"),
        ("webhook", (URL,), HealthState.OK, ""),
        ("webhook", (URL, "https://old.example/canary"), HealthState.DEGRADED, "more than once"),
    ],
)
async def test_a_probe_says_how_the_bot_is_doing_and_changes_nothing(
    script: Script, mode: str, urls: tuple[str, ...], state: HealthState, hint: str
) -> None:
    script.says("GET /subscriptions", subscribed(*urls))
    async with connected(script.base, mode=mode, webhook_secret=SECRET) as channel:
        health = await channel.probe()

    assert (health.state, health.identity) == (state, "@optfm_bot")
    assert health.details["subscriptions"] == str(len(urls))
    assert (hint in health.hint) if hint else not health.hint
    assert "canary" not in repr(health)
    assert {asked.method for asked in script.asked} == {"GET"}


async def test_a_wrong_token_is_for_a_person_to_correct(channel: MaxChannel, script: Script) -> None:
    script.says("GET /me", {"code": "verify.token", "message": f"Invalid access_token {TOKEN}"}, status=401)

    health = await channel.probe()

    assert health.state is HealthState.BAD_CREDENTIALS
    assert "business.max.ru" in health.hint
    assert "canary" not in health.hint


@pytest.mark.parametrize("content", [{}, {"user_id": "5"}, {"user_id": 5, "username": 7}, b"[]", b"<html>"])
async def test_results_of_the_wrong_shape_are_reactions_too(
    channel: MaxChannel, script: Script, content: Any
) -> None:
    script.says("GET /me", content)
    script.says("GET /subscriptions", content)

    assert (await channel.probe()).state is not HealthState.OK


async def test_the_channel_keeps_its_secrets_to_itself(hooked: MaxChannel) -> None:
    shown = f"{hooked!r} {hooked._api!r} {hooked._api.http!r} {hooked._keeper!r} {hooked.settings!r}"

    assert "canary" not in shown


# -- files that people sent ------------------------------------------------------------------------------


async def test_a_file_is_fetched_without_telling_its_host_who_we_are(
    channel: MaxChannel, script: Script
) -> None:
    script.says("GET /f/1", b"%PDF")
    file = Media(kind=MediaKind.FILE, url=f"{script.base}/f/1", file_id="tkn", size=4)
    assert await channel.download(file, limit=4) == b"%PDF"
    assert "Authorization" not in script.calls("GET /f/1")[0].headers


async def test_a_file_over_the_limit_or_gone_or_near_us_is_not_fetched(
    channel: MaxChannel, script: Script
) -> None:
    script.says("GET /f/1", b"%PDF")
    file = Media(kind=MediaKind.FILE, url=f"{script.base}/f/1", size=4)
    with pytest.raises(TooLarge):
        await channel.download(file, limit=3)
    assert not script.calls("GET /f/1")
    with pytest.raises(TooLarge):
        await channel.download(replace(file, size=None), limit=3)
    script.says("GET /f/1", b"", status=404)
    with pytest.raises(Gone):
        await channel.download(file, limit=9)
    for url in (None, "http://10.0.0.1/f", "https://localhost/f", "http://cdn.example/f"):
        with pytest.raises(Rejected):
            await channel.download(replace(file, url=url), limit=9)
