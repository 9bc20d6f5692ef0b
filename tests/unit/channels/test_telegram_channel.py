"""The Telegram channel against a strict local Bot API, through both of its clients."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from aiohttp import web

from channels.contract import BotCommand, ChannelContext, Cursor, HealthState, WebhookRequest
from channels.errors import (
    BadPayload,
    ChannelError,
    Conflict,
    Gone,
    MarkupRejected,
    Moved,
    Rejected,
    RetryLater,
    TooLarge,
    TopicGone,
    Unauthorized,
    Unreachable,
)
from channels.model import Action, ActionIn, ChatRef, Media, MediaIn, MediaKind, Rendered, SenderRef, TextIn
from channels.telegram.channel import SECRET_HEADER, TelegramChannel
from channels.telegram.spec import TelegramSettings
from channels.testing.telegram_server import TelegramServer

TOKEN = "123456:canary-TOKEN"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CHAT = ChatRef(channel="tg", chat_id="70001")
BUTTONS = ((Action(label="Сроки", token="a1b2c3d4"),),)
SECRET = "s3cret"
CONTEXT = ChannelContext(instance="tg", clock=lambda: NOW)


def message(text: str = "<b>300 ₽</b>", **changes: Any) -> Rendered:
    return Rendered(**{"chat": CHAT, "text": text, "plain": "300 ₽", **changes})


def press(callback_id: str) -> ActionIn:
    sender = SenderRef(external_id="70001")
    return ActionIn(event_id="1", chat=CHAT, sender=sender, at=NOW, token="a1b2c3d4", callback_id=callback_id)


@asynccontextmanager
async def connected(base: str, **settings: Any) -> AsyncIterator[TelegramChannel]:
    made = TelegramChannel(
        TelegramSettings.model_validate({"token": TOKEN, "api_base": base, "poll_timeout": 0, **settings}),
        CONTEXT,
    )
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(token=TOKEN) as running:
        yield running


@pytest.fixture(params=["direct", "aiogram"])
async def channel(request: pytest.FixtureRequest, server: TelegramServer) -> AsyncIterator[TelegramChannel]:
    async with connected(server.base_url, client=request.param) as made:
        yield made


@pytest.fixture
async def hooked(server: TelegramServer) -> AsyncIterator[TelegramChannel]:
    async with connected(server.base_url, mode="webhook", webhook_secret="s3cret") as made:
        yield made


async def refused(call: Awaitable[Any], kind: type[ChannelError]) -> Any:
    with pytest.raises(ChannelError) as caught:
        await call
    assert kind is type(caught.value)
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None
    return caught.value


# -- out -------------------------------------------------------------------------------------------------


async def test_a_message_arrives_with_its_markup_and_buttons(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.push.text("сколько?", chat=70001)

    receipt = await channel.deliver(message(actions=BUTTONS))

    sent = server.sent[-1]
    assert sent.plain == "300 ₽"
    assert receipt.external_ids == (str(sent.message_id),)
    assert receipt.sent_at == NOW
    assert server.push.press("Сроки", chat=70001).query_id


async def test_an_answer_may_take_the_place_of_an_older_one(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.push.text("сколько?", chat=70001)
    first = await channel.deliver(message(actions=BUTTONS))

    again = await channel.deliver(message("<b>350 ₽</b>", replaces=first.external_ids[0]))

    assert again.external_ids == first.external_ids
    assert server.edits[-1].plain == "350 ₽"
    assert len(server.sent) == 1


async def test_an_edit_that_changes_nothing_is_a_success(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    """A button was pressed twice."""
    server.push.text("сколько?", chat=70001)
    first = await channel.deliver(message())

    again = await channel.deliver(message(replaces=first.external_ids[0]))

    assert again.external_ids == first.external_ids
    assert again.degraded == ()


async def test_what_cannot_be_edited_is_sent_anew(channel: TelegramChannel, server: TelegramServer) -> None:
    server.push.text("сколько?", chat=70001)

    receipt = await channel.deliver(message(replaces="99999"))

    assert receipt.external_ids == (str(server.sent[-1].message_id),)
    assert receipt.degraded == ("sent-instead-of-edited",)


async def test_a_local_file_is_uploaded(
    channel: TelegramChannel, server: TelegramServer, tmp_path: Path
) -> None:
    server.push.text("прайс?", chat=70001)
    path = tmp_path / "may.pdf"
    path.write_bytes(b"%PDF")

    receipt = await channel.deliver(
        message(media=(Media(kind=MediaKind.FILE, path=str(path), name="Прайс.pdf"),), actions=BUTTONS)
    )

    assert receipt.external_ids == (str(server.sent[-1].message_id),)
    assert [call.method for call in server.call_log][-1] == "sendDocument"
    assert server.push.press("Сроки", chat=70001).query_id


async def test_a_missing_file_is_refused_by_name(channel: TelegramChannel) -> None:
    media = Media(kind=MediaKind.FILE, path="/nowhere/price.pdf")

    assert "price.pdf" in str(await refused(channel.deliver(message(media=(media,))), Rejected))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", RetryLater),
        ("500", RetryLater),
        ("502", RetryLater),
        ("401", Unauthorized),
        ("403", Gone),
        ("drop", Unreachable),
        ("drop_after", Unreachable),
        ("cut_body", Unreachable),
    ],
)
async def test_trouble_becomes_a_reaction(
    channel: TelegramChannel, server: TelegramServer, fault: str, kind: type[ChannelError]
) -> None:
    server.push.text("сколько?", chat=70001)
    server.fail(fault, "sendMessage", retry_after=7)

    error = await refused(channel.deliver(message()), kind)

    if isinstance(error, Unreachable):
        assert error.maybe_sent
    if fault == "429":
        assert error.after == timedelta(seconds=7)


async def test_what_telegram_refuses_is_told_apart(channel: TelegramChannel, server: TelegramServer) -> None:
    server.push.text("сколько?", chat=70001)

    await refused(channel.deliver(message("<b>300")), MarkupRejected)
    await refused(channel.deliver(message("   ")), Rejected)


async def test_an_upgraded_group_says_where_it_went(channel: TelegramChannel, server: TelegramServer) -> None:
    server.push.text("/help", chat=-5001, user=70001)
    server.push.migrated(chat=-5001, to=-1001000000001)

    error = await refused(channel.deliver(message(chat=replace(CHAT, chat_id="-5001"))), Moved)

    assert error.chat_id == "-1001000000001"


async def test_nobody_there_was_certainly_not_sent() -> None:
    async with connected("http://127.0.0.1:9") as channel:
        error = await refused(channel.deliver(message()), Unreachable)

    assert not error.maybe_sent


async def test_a_press_is_acknowledged_and_a_stale_one_is_harmless(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.push.text("сколько?", chat=70001)
    await channel.deliver(message(actions=BUTTONS))
    pushed = server.push.press("Сроки", chat=70001)
    assert pushed.query_id

    await channel.acknowledge_action(press(pushed.query_id), "принято")
    await channel.acknowledge_action(press("0"))
    await channel.acknowledge_action(press(""))

    assert [call.status for call in server.calls("answerCallbackQuery")] == [200, 400]


async def test_typing_is_shown(channel: TelegramChannel, server: TelegramServer) -> None:
    server.push.text("сколько?", chat=70001)

    await channel.typing(CHAT)

    assert [call.status for call in server.calls("sendChatAction")] == [200]


async def test_commands_are_published_once(channel: TelegramChannel, server: TelegramServer) -> None:
    menu = {
        "ru": [BotCommand(name="help", description="помощь")],
        "en": [BotCommand(name="help", description="help")],
    }

    await channel.publish_commands(menu)
    await channel.publish_commands(menu)

    assert len(server.calls("setMyCommands")) == 3  # ru, en, and the one for everybody else


async def test_commands_stay_as_they_are_when_the_settings_say_so(server: TelegramServer) -> None:
    async with connected(server.base_url, commands=False) as channel:
        await channel.publish_commands({"ru": [BotCommand(name="help", description="помощь")]})

    assert server.call_count == 0


# -- in, by polling --------------------------------------------------------------------------------------


async def test_updates_come_again_until_the_cursor_moves(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.push.text("раз", chat=70001)
    server.push.text("два", chat=70001)

    first = await channel.fetch(None)
    again = await channel.fetch(None)

    assert first == again
    assert [raw.lane for raw in first.updates] == ["tg:70001"] * 2
    assert server.pending == 2

    assert (await channel.fetch(first.cursor)).updates == ()
    assert server.pending == 0


async def test_an_update_that_strict_models_refuse_does_not_stop_the_others(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.push.poison(chat=70001)
    server.push.text("нормальное", chat=70001)

    batch = await channel.fetch(None)

    events = [event for raw in batch.updates for event in channel.parse(raw)]
    assert [event.text for event in events if isinstance(event, TextIn)][-1] == "нормальное"
    assert len(batch.updates) == 2


async def test_our_name_is_known_after_opening(channel: TelegramChannel, server: TelegramServer) -> None:
    await channel.open()
    server.push.text("@OptFM_test_bot сколько?", chat=-1001, user=70001)

    (raw,) = (await channel.fetch(None)).updates
    (event,) = channel.parse(raw)

    assert isinstance(event, TextIn)
    assert (event.text, event.addressed) == ("сколько?", True)


async def test_polling_removes_a_webhook_keeps_the_updates_and_says_so(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    async with connected(server.base_url, mode="webhook", webhook_secret="s3cret") as other:
        await other.subscribe("https://127.0.0.1:8443/canary-path")
    server.push.text("раз", chat=70001)

    with structlog.testing.capture_logs() as logs:
        batch = await channel.fetch(None)

    assert len(batch.updates) == 1
    (entry,) = logs
    assert (entry["event"], entry["host"]) == ("telegram.webhook_removed", "127.0.0.1")
    assert "canary" not in repr(logs)
    assert (await channel.probe()).details["removed_webhook_host"] == "127.0.0.1"


async def test_another_poller_is_a_conflict_and_shows_in_the_health(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    await channel.open()
    server.fail("409", "getUpdates")

    await refused(channel.fetch(None), Conflict)

    health = await channel.probe()
    assert health.state is HealthState.DEGRADED
    assert "Another copy" in health.hint

    await channel.fetch(None)
    assert (await channel.probe()).state is HealthState.OK


async def test_a_webhook_set_by_somebody_later_is_a_conflict_and_is_left_alone(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    await channel.open()
    async with connected(server.base_url, mode="webhook", webhook_secret="s3cret") as other:
        await other.subscribe("https://127.0.0.1:8443/telegram/webhook")

    error = await refused(channel.fetch(None), Conflict)

    assert "webhook" in str(error)
    assert server.calls("deleteWebhook") == []


async def test_a_wrong_token_is_for_a_person_to_correct(server: TelegramServer) -> None:
    async with connected(server.base_url, token="123456:canary-WRONG") as channel:
        await refused(channel.open(), Unauthorized)
        health = await channel.probe()

    assert health.state is HealthState.BAD_CREDENTIALS
    assert "@BotFather" in health.hint


async def test_a_channel_works_again_after_a_refused_opening_and_after_closing(
    channel: TelegramChannel, server: TelegramServer
) -> None:
    server.fail("401", "getMe")
    await refused(channel.open(), Unauthorized)
    await channel.open()
    await channel.close()
    await channel.close()
    server.push.text("раз", chat=70001)

    assert len((await channel.fetch(None)).updates) == 1


async def test_a_long_poll_can_be_cancelled(server: TelegramServer) -> None:
    async with connected(server.base_url, poll_timeout=50) as channel:
        await channel.open()
        waiting = asyncio.create_task(channel.fetch(None))
        await server.wait(lambda: server.subscription.polling)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        server.push.text("раз", chat=70001)

        assert len((await channel.fetch(None)).updates) == 1


@pytest.mark.parametrize("cursor", [Cursor("nonsense"), Cursor("")])
async def test_a_damaged_cursor_starts_from_the_oldest(server: TelegramServer, cursor: Cursor) -> None:
    server.push.text("раз", chat=70001)
    async with connected(server.base_url) as channel:
        assert len((await channel.fetch(cursor)).updates) == 1


# -- in, by webhook --------------------------------------------------------------------------------------


def call(body: bytes = b"{}", secret: str | None = SECRET) -> WebhookRequest:
    return WebhookRequest(headers={} if secret is None else {SECRET_HEADER: secret}, body=body)


def test_the_right_secret_is_let_in(hooked: TelegramChannel) -> None:
    hooked.authenticate(call())


@pytest.mark.parametrize("secret", [None, "", "wrong", "s3cret ", "секрет", "s3cre\udcff", "\ud800"])
def test_any_other_secret_is_refused(hooked: TelegramChannel, secret: str | None) -> None:
    with pytest.raises(Unauthorized):
        hooked.authenticate(call(secret=secret))


@pytest.mark.parametrize("secret", [None, "", "s3cret"])
async def test_a_polling_bot_lets_nobody_in(server: TelegramServer, secret: str | None) -> None:
    async with connected(server.base_url) as channel:
        with pytest.raises(Unauthorized):
            channel.authenticate(call(secret=secret))


def test_a_call_is_split_into_its_update(hooked: TelegramChannel) -> None:
    (raw,) = hooked.split(call(orjson.dumps({"update_id": 5, "message": {"chat": {"id": 7}}})))

    assert (raw.key, raw.lane) == ("123456:5", "tg:7")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"update_id":"5"}', b'{"update_id":true}', b"\xff"]
)
def test_a_call_without_an_update_is_refused(hooked: TelegramChannel, body: bytes) -> None:
    with pytest.raises(BadPayload):
        hooked.split(call(body))


async def test_the_webhook_is_set_once_per_start_and_again_only_when_it_changed(
    hooked: TelegramChannel, server: TelegramServer
) -> None:
    url = "https://127.0.0.1:8443/telegram/webhook"

    await hooked.subscribe(url)
    await hooked.subscribe(url)
    assert len(server.calls("setWebhook")) == 1

    server.subscription.clear()
    await hooked.subscribe(url)
    assert len(server.calls("setWebhook")) == 2


async def test_setting_the_webhook_too_often_is_for_later(
    hooked: TelegramChannel, server: TelegramServer
) -> None:
    server.fail("429", "setWebhook", retry_after=1)

    error = await refused(hooked.subscribe("https://127.0.0.1:8443/telegram/webhook"), RetryLater)

    assert error.after == timedelta(seconds=1)


# -- health ----------------------------------------------------------------------------------------------

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def scripted(**results: Any) -> AsyncIterator[str]:
    async def reply(request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "result": results[request.path.rpartition("/")[2]]})

    application = web.Application()
    application.router.add_post("/{path:.*}", reply)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


ME = {"id": 123456, "is_bot": True, "first_name": "OptFM", "username": "optfm_test_bot"}
LATELY, LONG_AGO = int(NOW.timestamp()) - 30, int(NOW.timestamp()) - 86_400


@pytest.mark.parametrize(
    ("mode", "info", "state", "hint"),
    [
        ("polling", {"url": ""}, HealthState.OK, ""),
        ("polling", {"url": "https://old.example/123456:canary"}, HealthState.DEGRADED, "old.example"),
        ("webhook", {"url": ""}, HealthState.DEGRADED, "server.public_url"),
        ("webhook", {"url": "https://bot.example/telegram/webhook"}, HealthState.OK, ""),
        (
            "webhook",
            {"url": "https://bot.example/t", "last_error_message": "SSL error", "last_error_date": LATELY},
            HealthState.DEGRADED,
            "SSL error",
        ),
        (
            "webhook",
            {"url": "https://bot.example/t", "last_error_message": "SSL error", "last_error_date": LONG_AGO},
            HealthState.OK,
            "",
        ),
    ],
)
async def test_a_probe_says_how_the_bot_is_doing(
    mode: str, info: dict[str, Any], state: HealthState, hint: str
) -> None:
    async with (
        scripted(getMe=ME, getWebhookInfo={"pending_update_count": 4, **info}) as base,
        connected(base, mode=mode, webhook_secret="s3cret") as channel,
    ):
        health = await channel.probe()

    assert health.state is state
    assert health.identity == "@optfm_test_bot"
    assert health.details["pending_update_count"] == "4"
    assert (hint in health.hint) if hint else not health.hint
    assert "canary" not in repr(health)


@pytest.mark.parametrize("result", [None, [], "yes", 5])
async def test_results_of_the_wrong_shape_are_reactions_too(result: Any) -> None:
    async with (
        scripted(getMe=result, getWebhookInfo=result, getUpdates=None, sendMessage=result) as base,
        connected(base) as channel,
    ):
        assert (await channel.probe()).state is not HealthState.OK
        with pytest.raises(RetryLater):
            await channel.fetch(None)
        assert (await channel.deliver(message())).external_ids == ()


# -- weight ----------------------------------------------------------------------------------------------


async def test_texts_are_answered_without_importing_aiogram(
    server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "channels.telegram.aiogram_api", None)
    server.push.text("сколько?", chat=70001)
    async with connected(server.base_url) as channel:
        await channel.fetch(None)
        await channel.deliver(message())

    assert len(server.sent) == 1


async def test_the_channel_keeps_its_token_to_itself(channel: TelegramChannel) -> None:
    shown = f"{channel!r} {channel._http!r} {channel._direct!r} {channel.settings!r}"

    assert "canary" not in shown


# -- files and topics ------------------------------------------------------------------------------------

FORUM = -1001234567890


def file_of(channel: TelegramChannel, body: Any) -> Media:
    update = {"update_id": 1, "message": body}
    raw = channel.split(WebhookRequest(headers={}, body=orjson.dumps(update)))[0]
    (event,) = channel.parse(raw)
    assert isinstance(event, MediaIn)
    return Media(kind=MediaKind.FILE, file_id=event.file_id, name=event.name, size=event.size)


async def test_a_file_is_fetched(server: TelegramServer, channel: TelegramChannel) -> None:
    content = bytes(range(256))
    document = file_of(channel, server.push.document(chat=1, name="счёт.pdf", content=content).body)
    photo = file_of(channel, server.push.photo(chat=1, content=content).body)
    assert (document.name, document.size) == ("счёт.pdf", 256)
    for file in (document, photo):
        assert await channel.download(file, limit=256) == content


async def test_a_file_over_the_limit_is_not_even_asked_for(
    server: TelegramServer, channel: TelegramChannel
) -> None:
    file = file_of(channel, server.push.document(chat=1, content=b"x" * 10).body)
    await refused(channel.download(file, limit=9), TooLarge)
    assert not server.calls("getFile")
    await refused(channel.download(replace(file, size=None), limit=9), TooLarge)


async def test_a_file_that_telegram_does_not_give_to_bots_is_too_large(
    server: TelegramServer, channel: TelegramChannel
) -> None:
    file = file_of(channel, server.push.document(chat=1, size=21_000_000).body)
    await refused(channel.download(file, limit=50_000_000), TooLarge)


async def test_a_file_that_is_no_more_is_gone(server: TelegramServer, channel: TelegramChannel) -> None:
    file = file_of(channel, server.push.document(chat=1).body)
    path = await channel._call("getFile", {"file_id": file.file_id})
    server.world.files.clear()
    await refused(channel.download(file, limit=100), Gone)
    await refused(channel._direct.file(path["file_path"], limit=100), Gone)
    await refused(channel.download(replace(file, file_id=None), limit=100), Rejected)


@pytest.mark.parametrize("fault", ["drop", "502", "hang"])
async def test_a_file_that_does_not_come_is_told_without_the_token(
    server: TelegramServer, channel: TelegramChannel, fault: str
) -> None:
    channel._http.timeout = 0.2
    file = file_of(channel, server.push.document(chat=1).body)
    server.fail(fault, "file", times=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("channels.telegram.client.DOWNLOAD_TIMEOUT", 0.2)
        with pytest.raises((Unreachable, RetryLater)) as raised:
            await channel.download(file, limit=100)
    assert "canary" not in "".join(traceback.format_exception(raised.value))


async def test_a_server_that_keeps_files_to_itself_is_named(server: TelegramServer) -> None:
    async with connected(server.base_url) as made:
        file = file_of(made, server.push.document(chat=1).body)
        stored = server.world.files[str(file.file_id)]
        server.world.files[stored.file_id] = replace(stored, path="/var/lib/telegram-bot-api/1")
        await refused(made.download(file, limit=100), Rejected)


async def test_a_topic_is_opened_closed_and_opened_again(
    server: TelegramServer, channel: TelegramChannel
) -> None:
    server.set_forum(FORUM)
    thread = await channel.open_topic(str(FORUM), "Анна · MAX")
    chat = server.world.chat(FORUM)
    assert chat.topic_names == {int(thread): "Анна · MAX"}
    topic = ChatRef(channel="tg", chat_id=str(FORUM), thread_id=thread)
    await channel.deliver(message(chat=topic))
    assert [one.thread_id for one in server.sent_to(FORUM)] == [int(thread)]
    for _ in range(2):
        await channel.close_topic(str(FORUM), thread)
        assert chat.closed_topics == {int(thread)}
    for _ in range(2):
        await channel.close_topic(str(FORUM), thread, closed=False)
        assert chat.closed_topics == set()


async def test_a_topic_that_was_deleted_is_gone(server: TelegramServer, channel: TelegramChannel) -> None:
    server.set_forum(FORUM)
    thread = await channel.open_topic(str(FORUM), "Анна")
    server.push.topic_changed("deleted", chat=FORUM, topic=int(thread))
    topic = ChatRef(channel="tg", chat_id=str(FORUM), thread_id=thread)
    await refused(channel.deliver(message(chat=topic)), TopicGone)
    await refused(channel.close_topic(str(FORUM), thread), TopicGone)


async def test_a_group_without_topics_or_rights_is_refused(
    server: TelegramServer, channel: TelegramChannel
) -> None:
    server.world.chat(FORUM)
    await refused(channel.open_topic(str(FORUM), "Анна"), Rejected)
    server.set_forum(FORUM, manages=False)
    await refused(channel.open_topic(str(FORUM), "Анна"), Rejected)
