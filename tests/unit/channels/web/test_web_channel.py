"""The web chat as a channel: what the page posts becomes events, what the house sends reaches the stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from channels.body import parse_body
from channels.contract import HealthState, WebhookRequest
from channels.errors import BadPayload, Gone, Rejected, TooLarge, Unauthorized, Unreachable
from channels.model import (
    Action,
    ActionIn,
    ChatRef,
    Media,
    MediaIn,
    MediaKind,
    Outbound,
    Past,
    Purpose,
    RawUpdate,
    Rendered,
    StartIn,
    TextIn,
)
from channels.web.bubbles import SentFile
from channels.web.channel import WebChatChannel
from channels.web.dialect import WEB_HTML
from channels.web.spec import SPEC, WebChatSettings

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SESSION = "s" * 24
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
CHAT = ChatRef(channel="web", chat_id=SESSION)
Maker = Callable[..., WebChatChannel]


class Record(Protocol):
    """The record of the conftest."""

    past: list[Past]
    broken: bool
    asked: list[tuple[str, int]]


def request(payload: object, **headers: str) -> WebhookRequest:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return WebhookRequest(headers={"host": "127.0.0.1:8080", **headers}, body=body)


def message(markdown: str, **changes: Any) -> Rendered:
    return Rendered(
        **{"chat": CHAT, "text": WEB_HTML.write(parse_body(markdown)), "plain": markdown, **changes}
    )


async def shown(channel: WebChatChannel) -> list[dict[str, Any]]:
    stream = channel.stream(SESSION)
    async with asyncio.timeout(5):
        history = await anext(stream)
    await stream.aclose()
    return list(history.data["messages"])


def test_a_text_becomes_an_event_of_its_talk(channel: WebChatChannel) -> None:
    [raw] = channel.split(
        request({"session": SESSION, "id": "m1", "text": " когда привезут ", "lang": "ru-RU"})
    )
    [event] = channel.parse(raw)

    assert (raw.key, raw.lane) == (f"{SESSION}:m1", f"web:{SESSION}")
    assert isinstance(event, TextIn)
    assert (event.text, event.chat, event.at) == ("когда привезут", CHAT, NOW)
    assert (event.event_id, event.message_id, event.sender.locale) == ("m1", "m1", "ru-RU")


def test_a_pressed_button_names_the_message_it_was_under(channel: WebChatChannel) -> None:
    [raw] = channel.split(request({"session": SESSION, "id": "p1", "token": "tok_1-A", "message": "19.7"}))
    [event] = channel.parse(raw)

    assert isinstance(event, ActionIn)
    assert (event.token, event.message_id, event.callback_id) == ("tok_1-A", "19.7", "p1")


@pytest.mark.parametrize(("start", "payload"), [(True, ""), ("delivery-cost", "delivery-cost")])
def test_a_start_carries_the_payload_of_its_link(
    channel: WebChatChannel, start: object, payload: str
) -> None:
    [raw] = channel.split(request({"session": SESSION, "id": "b1", "start": start}))
    [event] = channel.parse(raw)
    assert isinstance(event, StartIn)
    assert event.payload == payload


def test_the_same_update_has_the_same_key_and_another_one_another(channel: WebChatChannel) -> None:
    keys = [
        channel.split(request({"session": SESSION, "id": event_id, "text": "x"}))[0].key
        for event_id in ("a", "a", "b")
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[" * 100_000,
        [],
        "text",
        {},
        {"session": "short", "id": "m1", "text": "x"},
        {"session": SESSION, "text": "x"},
        {"session": SESSION, "id": "a b", "text": "x"},
        {"session": SESSION, "id": 5, "text": "x"},
        {"session": SESSION, "id": "m1"},
        {"session": SESSION, "id": "m1", "text": "x", "token": "t"},
        {"session": SESSION, "id": "m1", "text": "   "},
        {"session": SESSION, "id": "m1", "text": "\x00"},
        {"session": SESSION, "id": "m1", "text": ["x"]},
        {"session": SESSION, "id": "m1", "text": "x" * 2001},
        {"session": SESSION, "id": "m1", "token": "t" * 17},
        {"session": SESSION, "id": "m1", "token": "t", "message": "<b>"},
        {"session": SESSION, "id": "m1", "start": False},
        {"session": SESSION, "id": "m1", "start": "a b"},
        {"session": SESSION, "id": "m1", "text": "x", "surprise": 1},
        {"session": SESSION, "id": "m1", "text": "x", "received_at": 1},
        {"session": f"{SESSION}\n", "id": "m1", "text": "x"},
    ],
)
def test_nonsense_is_a_bad_payload_and_nothing_else(channel: WebChatChannel, payload: object) -> None:
    with pytest.raises(BadPayload):
        channel.split(request(payload))


@pytest.mark.parametrize("received_at", [None, "1", True, 10**30, -(10**30), 1.5])
def test_a_stored_update_without_a_sane_time_is_a_bad_payload(
    channel: WebChatChannel, received_at: object
) -> None:
    payload = {"session": SESSION, "id": "m1", "text": "x", "received_at": received_at}
    with pytest.raises(BadPayload):
        channel.parse(RawUpdate(key="k", lane="l", payload=payload))


def test_half_characters_and_zero_bytes_do_not_get_through(channel: WebChatChannel) -> None:
    body = b'{"session": "%s", "id": "m1", "text": "a\\ud83d\\u0000b"}' % SESSION.encode()
    [raw] = channel.split(request(body))
    [event] = channel.parse(raw)
    assert isinstance(event, TextIn)
    assert event.text == "a\ufffdb"


def test_a_strange_language_is_not_a_locale(channel: WebChatChannel) -> None:
    [raw] = channel.split(request({"session": SESSION, "id": "m1", "text": "x", "lang": "'; drop table"}))
    assert channel.parse(raw)[0].sender.locale is None


def test_the_longest_message_is_a_setting(make: Maker) -> None:
    with pytest.raises(BadPayload, match="longer than 5"):
        make(max_message_length=5).split(request({"session": SESSION, "id": "m1", "text": "шестьь"}))


def test_our_own_page_and_allowed_sites_may_write(make: Maker) -> None:
    channel = make(allowed_origins=("https://optfm.ru",))
    for origin in ("http://127.0.0.1:8080", "https://optfm.ru"):
        channel.authenticate(request({}, origin=origin))
    with pytest.raises(Unauthorized, match="allowed_origins"):
        channel.authenticate(request({}, origin="https://evil.ru"))
    with pytest.raises(Unauthorized):
        channel.authenticate(request({}, host="bot.example.ru"))


async def test_a_delivered_message_reaches_the_page(channel: WebChatChannel) -> None:
    rows = ((Action(label="Да", token="t"), Action(label="Сайт", url="https://example.ru")),)
    receipt = await channel.deliver(message("**раз** <b>", actions=rows, degraded=("media",)))
    [seen] = await shown(channel)

    assert receipt.external_ids == (seen["id"],)
    assert receipt.degraded == ("media",)
    assert seen["html"] == "<p><b>раз</b> &lt;b&gt;</p>"
    assert seen["buttons"] == [
        [{"label": "Да", "token": "t"}, {"label": "Сайт", "url": "https://example.ru"}]
    ]


async def test_a_message_without_markup_is_escaped(channel: WebChatChannel) -> None:
    await channel.deliver(message("x", text="<img src=x>", plain="<img src=x>", markup=False))
    assert (await shown(channel))[0]["html"] == "<p>&lt;img src=x&gt;</p>"


async def test_a_message_goes_by_its_key_and_sent_again_is_the_same_one(channel: WebChatChannel) -> None:
    first = await channel.deliver(message("раз", key="101"))
    again = await channel.deliver(message("раз", key="101"))
    nameless = await channel.deliver(message("два"))

    assert first.external_ids == again.external_ids == ("101",)
    assert [seen["id"] for seen in await shown(channel)] == ["101", *nameless.external_ids]
    assert channel.capabilities.idempotent


async def test_an_edit_takes_the_place_and_the_name_of_the_old_message(channel: WebChatChannel) -> None:
    await channel.deliver(message("раз", key="101"))
    await channel.deliver(message("ещё", key="102"))
    receipt = await channel.deliver(message("два", key="103", replaces="101"))

    assert receipt.external_ids == ("101",)
    assert [(seen["id"], seen["html"], seen["edited"]) for seen in await shown(channel)] == [
        ("101", "<p>два</p>", True),
        ("102", "<p>ещё</p>", False),
    ]


async def test_an_edit_reaches_a_page_that_knows_the_message_from_the_record(channel: WebChatChannel) -> None:
    await channel.deliver(message("раз", key="103", replaces="101"))
    assert [(seen["id"], seen["html"]) for seen in await shown(channel)] == [("101", "<p>раз</p>")]


async def test_what_a_person_of_ours_says_is_not_said_by_the_bot(channel: WebChatChannel) -> None:
    await channel.deliver(message("Здравствуйте, это Анна", purpose=Purpose.AGENT))
    assert [seen["author"] for seen in await shown(channel)] == ["agent"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"plain": "x" * (SPEC.capabilities.text_limit + 1)}, TooLarge),
        ({"media": (Media(kind=MediaKind.IMAGE, url="https://x.ru/a.png"),)}, Rejected),
        ({"actions": ((Action(label="x", url="javascript:alert(1)"),),)}, Rejected),
        ({"actions": ((Action(label="x", ask_contact=True),),)}, Rejected),
    ],
)
async def test_what_the_page_cannot_show_is_rejected(
    channel: WebChatChannel, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await channel.deliver(message("x", **changes))
    assert await shown(channel) == []


async def test_a_closed_channel_sends_nothing_and_opens_again(channel: WebChatChannel) -> None:
    await channel.close()
    await channel.close()
    with pytest.raises(Unreachable) as caught:
        await channel.deliver(message("x"))
    assert caught.value.maybe_sent is False
    await channel.open()
    await channel.open()
    assert await channel.deliver(message("x"))


async def test_typing_and_notices_reach_those_who_look(channel: WebChatChannel) -> None:
    stream = channel.stream(SESSION)
    async with asyncio.timeout(5):
        await anext(stream)
        await channel.typing(CHAT)
        assert (await anext(stream)).kind == "typing"
        [raw] = channel.split(request({"session": SESSION, "id": "p1", "token": "t"}))
        [action] = channel.parse(raw)
        assert isinstance(action, ActionIn)
        await channel.acknowledge_action(action, "Спасибо")
        notice = await anext(stream)
    assert (notice.kind, notice.data) == ("notice", {"text": "Спасибо", "for": "p1"})
    await stream.aclose()


async def test_accepted_texts_are_kept_for_a_reload_and_presses_are_not(channel: WebChatChannel) -> None:
    for payload in ({"id": "m1", "text": "вопрос"}, {"id": "p1", "token": "t"}, {"id": "b1", "start": True}):
        [raw] = channel.split(request({"session": SESSION, **payload}))
        channel.remember(raw)
        channel.remember(raw)
    assert [seen["text"] for seen in await shown(channel)] == ["вопрос"]


# -- the record ----------------------------------------------------------------------------------------------


async def test_a_page_is_shown_the_record_of_the_house(make: Maker, record: Record) -> None:
    rows = ((Action(label="Да", token="t"),),)
    said = Outbound(chat=CHAT, body=parse_body("**ответ**"), actions=rows)
    record.past = [Past(id="m1", at=NOW, text="вопрос"), Past(id="101", at=NOW, message=said)]
    seen = await shown(make(history=7))

    assert [(one["id"], one["author"]) for one in seen] == [("m1", "visitor"), ("101", "bot")]
    assert seen[1]["html"] == "<p><b>ответ</b></p>"
    assert seen[1]["buttons"] == [[{"label": "Да", "token": "t"}]]
    assert record.asked == [(f"web:{SESSION}", 7)]


async def test_what_is_in_the_record_and_in_memory_is_shown_once(
    channel: WebChatChannel, record: Record
) -> None:
    said = Outbound(chat=CHAT, body=parse_body("ответ"))
    record.past = [Past(id="m1", at=NOW, text="вопрос"), Past(id="101", at=NOW, message=said)]
    [raw] = channel.split(request({"session": SESSION, "id": "m1", "text": "вопрос"}))
    channel.remember(raw)
    await channel.deliver(message("ответ", key="101"))

    assert [seen["id"] for seen in await shown(channel)] == ["m1", "101"]


async def test_a_record_that_cannot_be_read_is_asked_again_and_the_talk_goes_on(
    channel: WebChatChannel, record: Record, logged: list[dict[str, Any]]
) -> None:
    record.broken = True
    record.past = [Past(id="m1", at=NOW, text="вопрос")]
    stream = channel.stream(SESSION, heartbeat=5, again=0.01)
    async with asyncio.timeout(5), aclosing(stream):
        first = await anext(stream)
        assert (first.data["messages"], first.data["complete"]) == ([], False)
        await channel.deliver(message("живое", key="102"))
        assert (await anext(stream)).data["id"] == "102"
        record.broken = False
        while (event := await anext(stream)).kind != "history":
            assert event.kind == "ping"
    assert [one["id"] for one in event.data["messages"]] == ["m1", "102"]
    assert event.data["complete"] is True
    assert [line["event"] for line in logged] == ["webchat.record_unreadable"]


async def test_what_is_said_while_the_record_is_read_is_not_missed(make: Maker, record: Record) -> None:
    channel = make()
    reading, read = asyncio.Event(), asyncio.Event()

    async def slow(_chat: ChatRef, _limit: int) -> list[Past]:
        reading.set()
        await read.wait()
        return []

    channel._transcript = slow
    stream = channel.stream(SESSION)
    async with asyncio.timeout(5), aclosing(stream):
        first = asyncio.create_task(anext(stream))
        await reading.wait()
        await channel.deliver(message("вовремя", key="101"))
        read.set()
        assert [one["id"] for one in (await first).data["messages"]] == ["101"]


# -- files ---------------------------------------------------------------------------------------------------


def test_a_file_that_was_not_uploaded_cannot_be_named(channel: WebChatChannel) -> None:
    name = f"{'0' * 32}.png"
    for given in (name, {"name": name, "title": "x", "mime": "image/png", "size": 1}, None, "../x"):
        with pytest.raises(BadPayload):
            channel.split(request({"session": SESSION, "id": "f1", "file": given}))


def test_an_uploaded_file_becomes_media_with_a_place_to_find_it(make: Maker, tmp_path: Path) -> None:
    channel = make(uploads=True, upload_dir=str(tmp_path))
    file = SentFile(name=f"{'0' * 32}.png", title="чек.png", mime="image/png", size=7)
    channel.uploaded(SESSION, "f1", file)
    for wrong in ({"id": "f1", "file": f"{'1' * 32}.png"}, {"id": "f2", "file": file.name}):
        with pytest.raises(BadPayload):
            channel.split(request({"session": SESSION, **wrong}))
    [raw] = channel.split(request({"session": SESSION, "id": "f1", "file": file.name}))
    channel.uploading_ended(SESSION, "f1")
    [event] = channel.parse(raw)

    assert isinstance(event, MediaIn)
    assert (event.kind, event.name, event.mime, event.size) == ("photo", "чек.png", "image/png", 7)
    assert event.url is not None
    assert event.url.startswith(tmp_path.as_uri())
    assert event.url.endswith(file.name)
    with pytest.raises(BadPayload):
        channel.split(request({"session": SESSION, "id": "f1", "file": file.name}))


def test_uploads_need_a_folder_and_types_that_can_be_told() -> None:
    with pytest.raises(ValueError, match="upload_dir"):
        WebChatSettings(uploads=True)
    with pytest.raises(ValueError, match="cannot recognise text/html"):
        WebChatSettings(upload_types=("text/html",))


# -- health --------------------------------------------------------------------------------------------------


async def test_a_probe_counts_talks_and_streams(channel: WebChatChannel) -> None:
    await channel.deliver(message("x"))
    health = await channel.probe()
    assert (health.state, health.details) == (HealthState.OK, {"sessions": "1", "streams": "0"})


def test_a_malformed_session_has_no_stream(channel: WebChatChannel) -> None:
    with pytest.raises(BadPayload):
        channel.stream("short")


async def test_a_visitors_file_can_be_fetched(make: Maker, tmp_path: Path) -> None:
    channel = make(uploads=True, upload_dir=str(tmp_path))
    assert channel.files is not None

    async def chunks() -> AsyncIterator[bytes]:
        yield PNG

    sent = await channel.files.take(SESSION, "f1", "чек.png", chunks(), NOW)
    channel.uploaded(SESSION, "f1", sent)
    [raw] = channel.split(request({"session": SESSION, "id": "f1", "file": sent.name}))
    [event] = channel.parse(raw)
    assert isinstance(event, MediaIn)
    file = Media(kind=MediaKind.IMAGE, url=event.url, file_id=event.file_id)
    assert await channel.download(file, limit=len(PNG)) == PNG
    with pytest.raises(Gone):
        await make().download(file, limit=len(PNG))
