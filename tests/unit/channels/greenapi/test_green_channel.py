"""The GREEN-API channel against a strict local gateway: receiving, sending, states, and what goes wrong."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from channels.contract import Batch, Cursor, HealthState, WebhookRequest
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
from channels.greenapi.channel import GreenApiChannel
from channels.greenapi.operations import Nothing
from channels.model import ChatRef, EditedIn, Media, MediaKind, OwnerIn, Rendered, TextIn, UndeliveredIn
from channels.testing.green_server import GreenServer

CHAT = ChatRef(channel="green", chat_id="10000010")
PHONE = ChatRef(channel="green", chat_id="79001112233@c.us")
SECRET = "canary-webhook-secret"
Connect = Callable[..., GreenApiChannel]


def message(text: str = "с 9 до 18", **changes: Any) -> Rendered:
    return Rendered(**{"chat": CHAT, "text": text, "plain": text, "key": "1", **changes})


def file(kind: MediaKind, **about: Any) -> tuple[Media, ...]:
    return (Media(kind=kind, **about),)


async def refused(call: Awaitable[Any], kind: type[ChannelError]) -> Any:
    with pytest.raises(kind) as caught:
        await call
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def received(channel: GreenApiChannel) -> list[Any]:
    """Fetch, read and confirm until nothing is left."""
    events: list[Any] = []
    cursor: Cursor | None = None
    while True:
        batch = await channel.fetch(cursor)
        if not batch.updates:
            return events
        for update in batch.updates:
            events += channel.parse(update)
        await channel.confirm(batch)
        cursor = batch.cursor


# -- polling ---------------------------------------------------------------------------------------------


async def test_a_notification_stays_until_it_is_confirmed(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    server.instance.push.text("первый", chat=CHAT.chat_id)
    server.instance.push.text("второй", chat=CHAT.chat_id)

    first = await channel.fetch(None)
    again = await channel.fetch(None)
    assert again == first
    assert server.pending == 2

    await channel.confirm(first)
    assert server.pending == 1
    second = await channel.fetch(first.cursor)
    assert second.updates[0].key != first.updates[0].key
    assert [event.text for event in channel.parse(second.updates[0])] == ["второй"]


async def test_a_receipt_that_was_not_deleted_brings_the_same_key_again(
    connect: Connect, server: GreenServer
) -> None:
    channel = connect(server)
    server.instance.push.text("вопрос", chat=CHAT.chat_id)
    batch = await channel.fetch(None)
    server.fail("hang", "deleteNotification")

    confirming = asyncio.create_task(channel.confirm(batch))
    await server.wait(lambda: bool(server.calls("deleteNotification")))
    confirming.cancel()
    await asyncio.gather(confirming, return_exceptions=True)

    again = await channel.fetch(batch.cursor)
    assert [one.key for one in again.updates] == [one.key for one in batch.updates]
    await channel.confirm(again)
    assert server.pending == 0


@pytest.mark.parametrize("how", ["null", "empty", "408", "504"])
async def test_an_empty_queue_is_nothing_however_it_is_told(
    connect: Connect, server: GreenServer, how: str
) -> None:
    server.instance.queues.empty_answer = how
    assert await connect(server).fetch(Cursor("7")) == Batch(updates=(), cursor=Cursor("7"))


async def test_answers_that_come_at_once_are_followed_by_a_breath(
    connect: Connect, server: GreenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect(server)
    channel._breath = 2.0
    slept: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        slept.append(seconds)
        await sleep(0)

    monkeypatch.setattr("channels.greenapi.channel.asyncio.sleep", note)
    await channel.fetch(None)
    assert slept == [2.0]


async def test_a_notification_that_is_gone_already_counts_as_confirmed(
    connect: Connect, server: GreenServer
) -> None:
    channel = connect(server)
    server.instance.push.text("вопрос", chat=CHAT.chat_id)
    batch = await channel.fetch(None)
    server.fail("unacked", "deleteNotification")
    await channel.confirm(batch)
    await channel.confirm(batch)
    assert server.pending == 0


async def test_an_empty_batch_confirms_nothing(connect: Connect, server: GreenServer) -> None:
    await connect(server).confirm(Batch(updates=(), cursor=Cursor("7")))
    assert server.calls("deleteNotification") == []


async def test_a_webhook_that_somebody_set_is_a_conflict_and_is_left_alone(
    connect: Connect, server: GreenServer
) -> None:
    channel = connect(server)
    server.instance.configure(webhookUrl="http://127.0.0.1:9/canary")
    await channel.open()
    await refused(channel.fetch(None), Conflict)
    health = await channel.probe()
    assert health.state is HealthState.DEGRADED
    assert "canary" not in str(health)
    assert server.instance.settings["webhookUrl"]


async def test_every_kind_reaches_the_house_and_none_blocks_the_queue(
    connect: Connect, server: GreenServer
) -> None:
    push = server.instance.push
    asked = push.text("Когда?", chat=CHAT.chat_id)
    push.reaction("👍", chat=CHAT.chat_id, message_id=asked.message_id)
    push.edited("Когда вы открыты?", chat=CHAT.chat_id, message_id=asked.message_id)
    push.owner("Сейчас отвечу", chat=CHAT.chat_id)
    push.quota()
    push.unknown()
    push.raw("[1, 2]")
    channel = connect(server)
    events: list[Any] = []
    with pytest.raises(BadPayload):
        events += await received(channel)
    # The house parks what cannot be read and confirms it like everything else.
    server.instance.notifications.clear()
    assert await received(channel) == []


async def test_a_conversation_is_read(connect: Connect, server: GreenServer) -> None:
    push = server.instance.push
    asked = push.text("Когда?", chat=CHAT.chat_id)
    push.edited("Когда вы открыты?", chat=CHAT.chat_id, message_id=asked.message_id)
    push.owner("Сейчас отвечу", chat=CHAT.chat_id)
    events = await received(connect(server))
    assert [type(event) for event in events] == [TextIn, EditedIn, OwnerIn]
    assert events[1].message_id == asked.message_id


async def test_a_message_of_yesterday_is_not_answered(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.push.text("давно", chat=CHAT.chat_id)
    clock.later = timedelta(hours=3)
    assert await received(connect(server, answer_within_hours=2)) == []
    server.instance.push.text("давно", chat=CHAT.chat_id)
    assert len(await received(connect(server, answer_within_hours=4))) == 1


async def test_what_was_missed_comes_from_the_journal_under_the_same_keys(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    channel = connect(server)
    since = clock()
    server.instance.push.text("пропало", chat=CHAT.chat_id, notified=False)
    server.instance.push.text("видно", chat=CHAT.chat_id)
    batch = await channel.fetch(None)
    missed = await channel.missed(since)
    assert [event.text for update in missed for event in channel.parse(update)] == ["пропало", "видно"]
    assert missed[1].key == batch.updates[0].key
    assert missed[1].lane == batch.updates[0].lane


async def test_a_restart_is_noticed_and_what_was_written_meanwhile_is_found(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    """The gateway tells of no message while the instance starts."""
    channel = connect(server)
    before = clock()
    await channel.open()
    returned = asyncio.create_task(channel.returned())
    server.instance.account.become("starting")
    server.instance.push.text("пока перезапускался", chat=CHAT.chat_id)
    server.instance.account.become("authorized")
    while server.instance.notifications.entries:
        batch = await channel.fetch(None)
        await channel.confirm(batch)
        assert [event for update in batch.updates for event in channel.parse(update)] == []
    async with asyncio.timeout(5):
        since = await returned
    assert before <= since <= clock()
    missed = await channel.missed(since)
    assert [event.text for update in missed for event in channel.parse(update)] == ["пока перезапускался"]
    again = asyncio.create_task(channel.returned())
    await asyncio.sleep(0)
    assert not again.done(), "each time is told once"
    again.cancel()


# -- webhook ---------------------------------------------------------------------------------------------


def call(body: Any, authorization: str = f"Bearer {SECRET}") -> WebhookRequest:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return WebhookRequest(headers={"authorization": authorization}, body=content)


@pytest.mark.parametrize("given", [f"Bearer {SECRET}", f"bearer  {SECRET}", f"Basic {SECRET}", SECRET])
async def test_the_secret_is_taken_with_or_without_a_scheme(
    connect: Connect, server: GreenServer, given: str
) -> None:
    connect(server, mode="webhook", webhook_secret=SECRET).authenticate(call({}, given))


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer ", f"Digest {SECRET}", SECRET[:-1], f"{SECRET}x", "ключ"]
)
async def test_a_wrong_secret_is_refused(connect: Connect, server: GreenServer, given: str) -> None:
    channel = connect(server, mode="webhook", webhook_secret=SECRET)
    with pytest.raises(Unauthorized):
        channel.authenticate(call({}, given))


async def test_without_a_secret_nobody_may_push(connect: Connect, server: GreenServer) -> None:
    with pytest.raises(Unauthorized):
        connect(server).authenticate(call({}, ""))


async def test_a_pushed_notification_has_the_key_of_the_polled_one(
    connect: Connect, server: GreenServer
) -> None:
    pushed = server.instance.push.text("вопрос", chat=CHAT.chat_id)
    channel = connect(server)
    [update] = channel.split(call(dict(pushed.body)))
    polled = await channel.fetch(None)
    assert (update.key, update.lane) == (polled.updates[0].key, polled.updates[0].lane)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        [],
        {},
        {"typeWebhook": 1},
        {"typeWebhook": "incomingMessageReceived", "instanceData": {"idInstance": 310012340000}},
    ],
)
async def test_a_call_that_is_not_for_this_instance_is_refused(
    connect: Connect, server: GreenServer, body: Any
) -> None:
    with pytest.raises(BadPayload):
        connect(server).split(call(body))


async def test_subscribing_writes_the_address_once_and_only_on_difference(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    channel = connect(server, mode="webhook", webhook_secret=SECRET)
    await channel.open()
    await channel.subscribe("http://127.0.0.1:9/green/webhook")
    server.instance.configure(webhookUrl="")  # the gateway may show the old settings for some minutes
    await server.wait(lambda: server.instance.account.state.value == "authorized")
    for minutes in (2, 4, 10):
        server.instance.configure(webhookUrl="" if minutes < 10 else "http://127.0.0.1:9/green/webhook")
        clock.later = timedelta(minutes=minutes)
        await channel.subscribe("http://127.0.0.1:9/green/webhook")
    saved = server.calls("setSettings")
    assert len(saved) == 1
    assert saved[0].given == {
        "webhookUrl": "http://127.0.0.1:9/green/webhook",
        "webhookUrlToken": SECRET,
    }
    assert (await channel.probe()).state is HealthState.OK


async def test_a_lost_subscription_is_repaired(connect: Connect, server: GreenServer, clock: Any) -> None:
    channel = connect(server, mode="webhook", webhook_secret=SECRET)
    await channel.subscribe("http://127.0.0.1:9/green/webhook")
    await server.wait(lambda: server.instance.settings["webhookUrl"] != "")
    server.instance.configure(webhookUrl="")
    clock.later = timedelta(minutes=10)
    await channel.subscribe("http://127.0.0.1:9/green/webhook")
    assert len(server.calls("setSettings")) == 2


# -- sending ---------------------------------------------------------------------------------------------


async def test_a_message_arrives_and_its_id_is_given(connect: Connect, server: GreenServer) -> None:
    asked = server.instance.push.text("Когда?", chat=CHAT.chat_id)
    receipt = await connect(server).deliver(message(reply_to=asked.message_id))
    await server.wait_sent(1)
    sent = server.instance.sent[-1]
    assert (sent.plain, sent.reply_to, sent.chat_id) == ("с 9 до 18", asked.message_id, CHAT.chat_id)
    assert receipt.external_ids == (sent.message_id,)


async def test_typing_is_shown_by_the_message_itself(connect: Connect, server: GreenServer) -> None:
    server.instance.book.person(CHAT.chat_id)
    await connect(server, typing_time=2).deliver(message())
    assert server.calls("sendMessage")[-1].given["typingTime"] == 2000


async def test_typing_is_shown_in_whatsapp_and_not_asked_for_in_max(
    connect: Connect, server: GreenServer, phones: GreenServer
) -> None:
    phones.instance.book.person(79001112233)
    await connect(phones).typing(PHONE)
    await connect(server).typing(CHAT)
    assert len(phones.calls("sendTyping")) == 1
    assert not [one for one in server.call_log if one.method == "sendTyping"]


async def test_a_picture_carries_its_words(connect: Connect, server: GreenServer) -> None:
    server.instance.book.person(CHAT.chat_id)
    picture = file(MediaKind.IMAGE, url="https://files.example/%D1%81%D1%85%D0%B5%D0%BC%D0%B0.png")
    await connect(server).deliver(message(media=picture))
    await server.wait_sent(1)
    assert server.calls("sendFileByUrl")[-1].given["fileName"] == "схема.png"
    assert server.instance.sent[-1].text == "с 9 до 18"


async def test_the_words_of_a_document_go_before_it(
    connect: Connect, server: GreenServer, tmp_path: Path
) -> None:
    server.instance.book.person(CHAT.chat_id)
    (tmp_path / "price").write_bytes(b"%PDF")
    document = file(MediaKind.FILE, path=str(tmp_path / "price"), mime="application/pdf")
    receipt = await connect(server).deliver(message(media=document))
    await server.wait_sent(2)
    words, sent = server.instance.sent
    assert (words.text, words.file_name, sent.text, sent.file_name) == ("с 9 до 18", "", "", "price.pdf")
    assert receipt.external_ids == (words.message_id, sent.message_id)


async def test_words_that_have_gone_are_not_repeated_when_their_file_failed(
    connect: Connect, server: GreenServer, tmp_path: Path
) -> None:
    server.instance.book.person(CHAT.chat_id)
    (tmp_path / "price.pdf").write_bytes(b"%PDF")
    whole = message(media=file(MediaKind.FILE, path=str(tmp_path / "price.pdf")))
    channel = connect(server)
    server.fail("429", "sendFileByUpload")
    await refused(channel.deliver(whole), RetryLater)
    receipt = await channel.deliver(whole)
    await server.wait_sent(2)
    assert len(server.calls("sendMessage")) == 1
    assert len(receipt.external_ids) == 2
    await channel.deliver(whole)
    await server.wait_sent(4)
    assert len(server.calls("sendMessage")) == 2


async def test_a_file_that_cannot_be_read_or_is_too_large_is_refused(
    connect: Connect, server: GreenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = connect(server)
    await refused(
        channel.deliver(message("", media=file(MediaKind.FILE, path=str(tmp_path / "none")))), Rejected
    )
    (tmp_path / "big.bin").write_bytes(b"12345")
    monkeypatch.setattr("channels.greenapi.client.FILE_LIMIT", 4)
    await refused(
        channel.deliver(message("", media=file(MediaKind.FILE, path=str(tmp_path / "big.bin")))), TooLarge
    )
    two = file(MediaKind.IMAGE, url="https://x.ru/a.png") * 2
    await refused(channel.deliver(message("", media=two)), Rejected)


async def test_half_a_character_is_refused_in_a_text_and_in_the_name_of_a_file(
    connect: Connect, server: GreenServer, tmp_path: Path
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    document = file(MediaKind.FILE, path=str(tmp_path / "a.pdf"), name="a\ud800.pdf")
    await refused(connect(server).deliver(message("a\ud800b")), Rejected)
    await refused(connect(server).deliver(message("", media=document)), Rejected)


async def test_a_phone_number_is_no_chat_of_max_and_a_number_none_of_whatsapp(
    connect: Connect, server: GreenServer, phones: GreenServer
) -> None:
    await refused(connect(server).deliver(message(chat=PHONE)), Rejected)
    bare = ChatRef(channel="green", chat_id="79001112233")
    await refused(connect(server).deliver(message(chat=bare)), Rejected)
    await refused(connect(phones).deliver(message()), Rejected)
    assert not server.calls("sendMessage")


async def test_a_chat_is_marked_as_read_when_it_has_been_answered(
    connect: Connect, server: GreenServer
) -> None:
    server.instance.push.text("Когда?", chat=CHAT.chat_id)
    await connect(server, mark_read=True).deliver(message())
    assert server.instance.book.reads == [(CHAT.chat_id, "")]
    server.fail("500", "readChat")
    assert (await connect(server, mark_read=True).deliver(message())).external_ids


async def test_a_message_that_did_not_arrive_is_told(connect: Connect, server: GreenServer) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    receipt = await channel.deliver(message())
    await server.wait_sent(1)
    server.instance.push.status("failed", chat=CHAT.chat_id, message_id=receipt.external_ids[0])
    [event] = await received(channel)
    assert isinstance(event, UndeliveredIn)
    assert event.message_id == receipt.external_ids[0]


# -- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("429", RetryLater),
        ("466", Rejected),
        ("466_correspondents", Rejected),
        ("401", Unauthorized),
        ("499", Unreachable),
        ("500", Unreachable),
        ("502", Unreachable),
        ("handled_500", Unreachable),
        ("drop", Unreachable),
        ("drop_after", Unreachable),
        ("cut_body", Unreachable),
    ],
)
async def test_every_trouble_has_its_reaction(
    connect: Connect, server: GreenServer, fault: str, kind: type[ChannelError]
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    await channel.open()
    server.fail(fault, "sendMessage")
    error = await refused(channel.deliver(message()), kind)
    assert getattr(error, "maybe_sent", True)
    assert "1000000" not in str(error)


async def test_a_gateway_that_is_not_there_certainly_got_nothing(
    connect: Connect, server: GreenServer
) -> None:
    channel = connect(server)
    await channel.open()
    await channel.close()  # else a kept connection breaks while it is written to
    await server.stop()
    assert (await refused(channel.deliver(message()), Unreachable)).maybe_sent is False


async def test_wrong_credentials_are_named(connect: Connect, server: GreenServer) -> None:
    token = await refused(connect(server, api_token_instance="canary00000000").open(), Unauthorized)
    assert "apiTokenInstance" in str(token)
    instance = await refused(connect(server, id_instance="310000000000").open(), Unauthorized)
    assert "id_instance" in str(instance)
    assert (await connect(server, id_instance="310000000000").probe()).state is HealthState.BAD_CREDENTIALS


async def test_a_suspended_account_holds_everything_until_it_is_over(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    until = clock().timestamp() + 7200
    server.instance.account.become("suspended", until=until)
    error = await refused(connect(server).deliver(message()), RetryLater)
    assert error.whole_bot
    assert error.after == pytest.approx(timedelta(hours=2), abs=timedelta(minutes=1))


@pytest.mark.parametrize("state", ["notAuthorized", "blocked", "pendingPassword"])
async def test_nothing_is_sent_or_fetched_while_a_person_has_to_act(
    connect: Connect, server: GreenServer, state: str
) -> None:
    server.instance.account.become(state)
    channel = connect(server)
    for asked in (channel.open(), channel.fetch(None), channel.deliver(message())):
        error = await refused(asked, Unauthorized)
        assert state in str(error)
    assert not server.calls("sendMessage")
    health = await channel.probe()
    assert health.state is HealthState.BAD_CREDENTIALS
    if state == "notAuthorized":
        assert "optfm-bot channels login green" in health.hint


async def test_an_instance_that_starts_tells_by_itself_when_it_is_ready(
    connect: Connect, server: GreenServer
) -> None:
    server.instance.book.person(CHAT.chat_id)
    server.instance.account.become("starting")
    channel = connect(server)
    await refused(channel.deliver(message()), RetryLater)
    server.instance.account.become("authorized")
    await received(channel)
    assert (await channel.deliver(message())).external_ids
    assert len(server.calls("getStateInstance")) == 1


async def test_an_instance_that_starts_is_waited_for(connect: Connect, server: GreenServer) -> None:
    server.instance.account.become("starting")
    channel = connect(server)
    for asked in (channel.open(), channel.deliver(message())):
        assert (await refused(asked, RetryLater)).after
    assert (await channel.probe()).state is HealthState.DEGRADED


@pytest.mark.parametrize("state", ["yellowCard", "sleepMode"])
async def test_a_warned_or_sleeping_phone_receives_and_does_not_send(
    connect: Connect, phones: GreenServer, state: str
) -> None:
    phones.instance.push.text("вопрос", chat=PHONE.chat_id)
    phones.instance.account.become(state)
    channel = connect(phones)
    await channel.open()
    await channel.fetch(None)
    assert (await refused(channel.deliver(message(chat=PHONE)), RetryLater)).whole_bot
    health = await channel.probe()
    assert (health.state, bool(health.hint)) == (HealthState.DEGRADED, True)


async def test_the_state_is_asked_for_once_a_minute_at_most(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    await channel.open()
    await asyncio.gather(*(channel.deliver(message(key=str(one))) for one in range(5)))
    assert len(server.calls("getStateInstance")) == 1
    clock.later = timedelta(seconds=61)
    await channel.deliver(message())
    assert len(server.calls("getStateInstance")) == 2


async def test_a_notification_of_a_change_is_believed_at_once(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    await channel.open()
    server.instance.account.become("notAuthorized")
    await channel.fetch(None)
    await refused(channel.deliver(message()), Unauthorized)
    assert len(server.calls("getStateInstance")) == 1
    server.instance.account.become("authorized")
    clock.later = timedelta(seconds=61)
    assert (await channel.deliver(message())).external_ids


def changed(server: GreenServer, state: str, at: float) -> WebhookRequest:
    return call({
        "typeWebhook": "stateInstanceChanged",
        "instanceData": {"idInstance": int(server.instance.id)},
        "timestamp": int(at),
        "stateInstance": state,
    })  # fmt: skip


async def test_two_changes_of_one_second_are_both_believed_however_late_they_come(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    await channel.open()
    now = clock().timestamp()
    clock.later = timedelta(seconds=3)
    channel.split(changed(server, "starting", now))
    channel.split(changed(server, "authorized", now))
    assert (await channel.deliver(message())).external_ids
    assert len(server.calls("getStateInstance")) == 1


async def test_an_answer_that_a_change_has_overtaken_is_not_believed(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    server.instance.account.become("starting")
    channel = connect(server)
    receive = channel._client.get

    async def slowly(method: str, **query: Any) -> Any:
        answer = await receive(method, **query)
        server.instance.account.become("authorized")
        channel.split(changed(server, "authorized", clock().timestamp()))
        return answer

    channel._client.get = slowly  # type: ignore[method-assign]
    assert (await channel.deliver(message())).external_ids


async def test_a_change_of_yesterday_changes_nothing(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    await channel.open()
    old = {
        "typeWebhook": "stateInstanceChanged",
        "instanceData": {"idInstance": int(server.instance.id)},
        "timestamp": 1700000000,
        "stateInstance": "notAuthorized",
    }
    channel.split(call(old))
    server.instance.book.person(CHAT.chat_id)
    assert (await channel.deliver(message())).external_ids


async def test_a_state_that_nobody_tells_does_not_lose_what_is_known(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    server.fail("500", "getStateInstance", times=2)
    assert not hasattr(await refused(channel.deliver(message()), RetryLater), "maybe_sent")
    server.faults.clear()
    await channel.open()
    server.fail("500", "getStateInstance")
    clock.later = timedelta(seconds=61)
    assert (await channel.deliver(message())).external_ids


# -- settings, history, life -----------------------------------------------------------------------------


async def test_notifications_that_are_off_are_switched_on_once(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.configure(incomingWebhook="no", stateWebhook="no")
    channel = connect(server)
    await channel.open()
    await channel.open()
    await server.wait(lambda: server.instance.account.state.value == "authorized")
    assert [one.given for one in server.calls("setSettings")] == [
        {"incomingWebhook": "yes", "stateWebhook": "yes"}
    ]
    await connect(server).open()
    assert len(server.calls("setSettings")) == 1


async def test_settings_are_left_alone_where_the_bot_may_not_touch_them(
    connect: Connect, server: GreenServer
) -> None:
    server.instance.configure(incomingWebhook="no")
    channel = connect(server, manage_settings=False)
    await channel.open()
    assert not server.calls("setSettings")
    assert "incomingWebhook" in (await channel.probe()).hint


async def test_the_delay_is_set_where_it_is_named(connect: Connect, server: GreenServer) -> None:
    await connect(server, send_delay=1.5).open()
    assert server.calls("setSettings")[-1].given == {"delaySendMessagesMilliseconds": 1500}


async def test_our_message_is_found_whether_it_waits_or_has_gone(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    since = clock()
    receipt = await channel.deliver(message())
    await server.wait_sent(1)
    found = await channel.find(message(), since=since)
    assert found is not None
    assert found.external_ids == receipt.external_ids
    clock.later = timedelta(seconds=10)
    assert await channel.find(message("другое"), since=since) is None


async def test_a_lost_answer_is_found_in_the_journal(
    connect: Connect, server: GreenServer, clock: Any
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)
    await channel.open()
    since = clock()
    server.fail("drop_after", "sendMessage")
    await refused(channel.deliver(message()), Unreachable)
    await server.wait_sent(1)
    found = await channel.find(message(), since=since)
    assert found is not None
    assert found.external_ids == (server.instance.sent[0].message_id,)


async def test_the_silence_of_a_journal_that_lags_proves_nothing(
    connect: Connect, phones: GreenServer, clock: Any
) -> None:
    phones.instance.book.person(79001112233)
    channel = connect(phones)
    await channel.open()
    since = clock()
    phones.fail("502", "sendMessage")
    await refused(channel.deliver(message(chat=PHONE)), Unreachable)
    await refused(channel.find(message(chat=PHONE), since=since), RetryLater)
    clock.later = timedelta(minutes=3)
    assert await channel.find(message(chat=PHONE), since=since) is None


async def test_max_is_given_the_seconds_that_its_journal_needs(
    connect: Connect, server: GreenServer, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server)

    async def skip(seconds: float) -> None:
        clock.later += timedelta(seconds=seconds)

    monkeypatch.setattr("channels.greenapi.channel.asyncio.sleep", skip)
    assert await channel.find(message(), since=clock()) is None
    assert len(server.calls("getChatHistory")) == 2


async def test_in_groups_the_account_knows_itself(connect: Connect, server: GreenServer) -> None:
    server.instance.book.person(CHAT.chat_id)
    channel = connect(server, react_to_groups=True)
    await channel.open()
    group = ChatRef(channel="green", chat_id="-10000000000000")
    server.instance.push.text("всем привет", chat=group.chat_id)
    ours = await channel.deliver(message(chat=group))
    await server.wait_sent(1)
    server.instance.push.text("а когда?", chat=group.chat_id, reply_to=ours.external_ids[0])
    first, second = await received(channel)
    assert (first.addressed, second.addressed) == (False, True)


async def test_the_chat_of_a_phone_is_found_and_nobody_is_gone(connect: Connect, server: GreenServer) -> None:
    server.instance.book.person(CHAT.chat_id, phone=79001112233)
    channel = connect(server)
    assert await channel.address("79001112233") == CHAT.chat_id
    await refused(channel.address("79005556677"), Gone)
    await refused(channel.address("491701234567"), Rejected)


async def test_opening_and_closing_twice_is_harmless(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    await channel.open()
    await channel.open()
    await channel.close()
    await channel.close()
    assert (await channel.probe()).state is HealthState.OK


async def test_a_long_poll_can_be_cancelled(connect: Connect, server: GreenServer) -> None:
    server.instance.queues.poll_scale = 1.0
    polling = asyncio.create_task(connect(server).fetch(None))
    await server.wait(lambda: server.instance.notifications.polling)
    polling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await polling


async def test_probing_changes_nothing(connect: Connect, server: GreenServer) -> None:
    server.instance.configure(incomingWebhook="no")
    health = await connect(server).probe()
    assert health.state is HealthState.DEGRADED
    assert not server.calls("setSettings")
    assert "79990000000" not in str(health)


async def test_operating_works_without_opening(connect: Connect, server: GreenServer) -> None:
    assert await connect(server).operate("state", Nothing()) == {"stateInstance": "authorized"}


async def test_no_secret_in_what_a_channel_shows(connect: Connect, server: GreenServer) -> None:
    channel = connect(server, mode="webhook", webhook_secret=SECRET)
    assert "canary" not in repr(channel)
    assert "canary" not in repr(channel.settings)
    assert "canary" not in repr(channel.parse)


# -- files that people sent ------------------------------------------------------------------------------


async def received_file(channel: GreenApiChannel) -> Media:
    (event,) = await received(channel)
    return Media(kind=MediaKind.FILE, file_id=event.file_id, url=event.url, name=event.name)


async def test_a_file_is_fetched_from_its_address(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    server.instance.push.file("счёт.pdf", chat=CHAT.chat_id, content=b"%PDF-1")
    found = await received_file(channel)
    assert found.name == "счёт.pdf"
    assert await channel.download(found, limit=6) == b"%PDF-1"
    assert not server.calls("downloadFile")
    await refused(channel.download(found, limit=5), TooLarge)


async def test_a_file_whose_address_is_over_is_asked_for(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    server.instance.push.file(chat=CHAT.chat_id, content=b"%PDF-1")
    found = await received_file(channel)
    over = f"{server.media_url}/files/over/x.pdf"
    for file_again in (Media(**{**about(found), "url": over}), Media(**{**about(found), "url": None})):
        assert await channel.download(file_again, limit=6) == b"%PDF-1"
    assert len(server.calls("downloadFile")) == 2
    await refused(channel.download(Media(kind=MediaKind.FILE, url=over), limit=6), Gone)


async def test_a_file_that_is_no_more_is_gone(connect: Connect, server: GreenServer) -> None:
    channel = connect(server)
    server.instance.push.file(chat=CHAT.chat_id)
    found = await received_file(channel)
    server.instance.book.files.clear()
    await refused(channel.download(found, limit=6), Gone)
    unknown = Media(kind=MediaKind.FILE, file_id=f"{CHAT.chat_id}/1")
    await refused(channel.download(unknown, limit=6), Gone)
    await refused(channel.download(Media(kind=MediaKind.FILE), limit=6), Rejected)


def about(found: Media) -> dict[str, Any]:
    return {"kind": found.kind, "file_id": found.file_id, "url": found.url}
