"""Messages by REST: stored before they are accepted, sent once however often they are asked for, and accounted for."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from channels.errors import Gone, Rejected, RetryLater, Unauthorized, Unreachable
from channels.model import MediaKind
from optfm_bot.api.messages import summary
from optfm_bot.api.models import MessageStatus
from optfm_bot.api.tokens import Scope
from optfm_bot.dispatch.notice import MOST_WAITING
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.records import Direction, OutboxState

HELLO = {"chat": "42", "text": "Счёт **№ 7** готов"}


def texts(office: Any, channel: str = "plain") -> list[str]:
    platform = office.plain if channel == "plain" else office.account
    return [one.message.text for one in platform.delivered]


async def test_a_message_is_sent_and_its_state_can_be_asked_for(office: Any) -> None:
    accepted = await office.send(HELLO)
    await office.settle()
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.MESSAGES)

    assert accepted.status == 202
    assert accepted.json == {"id": accepted.json["id"], "channel": "plain", "chat": "42", "parts": 1}
    assert texts(office) == ["Счёт № 7 готов"]
    assert looked.json == {
        "id": accepted.json["id"],
        "channel": "plain",
        "chat": "42",
        "state": "sent",
        "parts": [
            {"state": "sent", "external_ids": ["m1"], "at": "2026-01-15T09:00:00Z", "attempts": 0, "why": ""}
        ],
    }


async def test_a_message_is_stored_before_it_is_accepted(office: Any) -> None:
    """The channel takes nothing: what was accepted is in the store all the same."""
    office.plain.refuse = [RetryLater(after=timedelta(minutes=5))] * 10
    accepted = await office.send(HELLO)

    (row,) = await office.store.unsent("plain")
    (turn,) = await office.store.turns("plain:42")
    assert accepted.status == 202
    assert (row.turn_id, row.lane, row.inbox_id, row.state) == (turn.id, "plain:42", None, OutboxState.READY)
    assert (turn.direction, turn.kind, turn.text) == (Direction.OUT, "notice", "Счёт № 7 готов")
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.READ)
    assert (looked.json["state"], looked.json["parts"][0]["at"]) == ("ready", None)


async def test_nothing_is_accepted_that_could_not_be_stored(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.token(Scope.MESSAGES)

    async def down(_: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(office.store, "_commit", down)
    answer = await office.send(HELLO)

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "store_unavailable", "5")
    assert texts(office) == []


async def test_a_long_message_goes_in_parts_under_one_id(office: Any) -> None:
    accepted = await office.send({"chat": "42", "text": "слово " * 1600})
    await office.settle()
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.MESSAGES)

    assert accepted.json["parts"] == 3
    assert [part["external_ids"] for part in looked.json["parts"]] == [["m1"], ["m2"], ["m3"]]


# -- again and again --------------------------------------------------------------------------------------


async def test_the_same_key_gives_the_same_answer_and_sends_nothing_again(office: Any) -> None:
    headers = {"Idempotency-Key": "invoice-7"}
    first = await office.send(HELLO, headers=headers)
    await office.settle()
    second = await office.send(HELLO, headers=headers)
    await office.settle()

    assert (first.status, first.text) == (second.status, second.text)
    assert first.headers["Location"] == second.headers["Location"]
    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")
    assert len(texts(office)) == 1


async def test_of_many_requests_at_once_with_one_key_one_sends(office: Any) -> None:
    """All of them look before any of them has written."""
    await office.token(Scope.MESSAGES)
    headers = {"Idempotency-Key": "invoice-7"}
    answers = await asyncio.gather(*(office.send(HELLO, headers=headers) for _ in range(8)))
    await office.settle()

    assert {(answer.status, answer.json["id"]) for answer in answers} == {(202, answers[0].json["id"])}
    assert len(texts(office)) == 1


async def test_a_race_for_a_key_is_decided_by_the_store(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request looks too early; its unit is refused, and it gives the first one's answer."""
    headers = {"Idempotency-Key": "invoice-7"}
    first = await office.send(HELLO, headers=headers)
    look = office.store.idempotency
    blind = [None]

    async def early(token_id: int, key: str) -> Any:
        return blind.pop() if blind else await look(token_id, key)

    monkeypatch.setattr(office.store, "idempotency", early)
    second = await office.send(HELLO, headers=headers)
    await office.settle()

    assert (blind, second.json) == ([], first.json)
    assert len(texts(office)) == 1


@pytest.mark.parametrize(
    ("body", "channel"),
    [({**HELLO, "text": "другое"}, "plain"), ({**HELLO, "chat": "43"}, "plain"), (HELLO, "acc")],
)
async def test_a_key_stands_for_one_request_only(office: Any, body: Any, channel: str) -> None:
    headers = {"Idempotency-Key": "invoice-7"}
    await office.send(HELLO, headers=headers)
    other = await office.send(body, channel, headers=headers)

    assert (other.status, other.code) == (422, "key_reused")


async def test_keys_of_two_clients_are_two_keys(office: Any) -> None:
    headers = {"Idempotency-Key": "7"}
    for name in ("shop", "stock"):
        token = await office.token(Scope.MESSAGES, name=name)
        assert (await office.send(HELLO, token=token, headers=headers)).status == 202
    await office.settle()

    assert len(texts(office)) == 2


async def test_a_quoted_key_is_the_same_key(office: Any) -> None:
    first = await office.send(HELLO, headers={"Idempotency-Key": "7"})
    second = await office.send(HELLO, headers={"Idempotency-Key": '"7"'})

    assert first.json["id"] == second.json["id"]


async def test_a_phone_is_not_looked_up_again_for_a_repeated_request(office: Any) -> None:
    office.account.phones["79001234567"] = "17"
    for _ in range(2):
        await office.send({"phone": "89001234567", "text": "x"}, "acc", headers={"Idempotency-Key": "k"})

    assert office.account.asked == ["79001234567"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "ключ", "a b"])
async def test_a_key_that_does_not_fit_is_refused(office: Any, key: str) -> None:
    answer = await office.send(HELLO, headers={"Idempotency-Key": key})

    assert (answer.status, answer.code) == (400, "bad_key")


async def test_without_a_key_every_request_is_a_message(office: Any) -> None:
    await office.send(HELLO)
    await office.send(HELLO)
    await office.settle()

    assert len(texts(office)) == 2


# -- to whom and what -------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", ["+7 (900) 123-45-67", "8 900 123 45 67", "79001234567"])
async def test_a_phone_becomes_the_chat_that_the_channel_knows(office: Any, phone: str) -> None:
    office.account.phones["79001234567"] = "17"
    accepted = await office.send({"phone": phone, "text": "x"}, "acc")
    await office.settle()

    assert accepted.json["chat"] == "17"
    assert [one.message.chat.chat_id for one in office.account.delivered] == ["17"]


async def test_a_channel_that_knows_no_phones_says_so(office: Any) -> None:
    answer = await office.send({"phone": "+79001234567", "text": "x"}, headers={"Accept-Language": "en"})

    assert (answer.status, answer.code) == (400, "no_phone")
    assert "cannot find a chat by a phone number" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Gone("nobody has this number"), 404, "nobody_there"),
        (Rejected("7 and 375 only"), 422, "platform_refused"),
        (Unauthorized("revoked"), 502, "platform_unauthorized"),
        (RetryLater("slow down", after=timedelta(seconds=30)), 503, "platform_busy"),
        (Unreachable("dark", maybe_sent=False), 504, "platform_unreachable"),
    ],
)
async def test_a_phone_that_cannot_be_looked_up_is_explained(
    office: Any, error: Exception, status: int, code: str
) -> None:
    office.account.fails = error
    answer = await office.send({"phone": "+79001234567", "text": "x"}, "acc")

    assert (answer.status, answer.code, answer.json["error"]["hint"]) == (status, code, str(error))
    assert answer.headers.get("Retry-After") == ("30" if code == "platform_busy" else None)


async def test_a_look_up_that_hangs_is_given_up(office: Any) -> None:
    office.account.hangs = True
    asking = asyncio.create_task(office.send({"phone": "+79001234567", "text": "x"}, "acc"))
    while not asking.done():
        await office.clock.advance(10)
        await asyncio.sleep(0.01)

    assert (await asking).code == "platform_unreachable"


async def test_a_group_is_a_chat_of_a_channel_with_groups(office: Any) -> None:
    accepted = await office.send({"group": "-100", "text": "x"})

    assert accepted.json["chat"] == "-100"


@pytest.mark.parametrize(
    ("url", "name", "kind", "mime"),
    [
        ("https://e.ru/a/b.jpg?x=1", "b.jpg", MediaKind.IMAGE, "image/jpeg"),
        ("https://e.ru/v.mp4", "v.mp4", MediaKind.VIDEO, "video/mp4"),
        ("https://e.ru/%D1%87.pdf", "ч.pdf", MediaKind.FILE, "application/pdf"),
        ("https://e.ru/", "", MediaKind.FILE, ""),
    ],
)
async def test_a_file_goes_along_by_its_address(
    office: Any, url: str, name: str, kind: MediaKind, mime: str
) -> None:
    office.plain.refuse = [RetryLater(after=timedelta(hours=1))]
    await office.send({"chat": "1", "file_url": url})

    from channels.codec import decode_outbound  # noqa: PLC0415 - used once

    (row,) = await office.store.unsent("plain")
    (media,) = decode_outbound(row.message).media
    assert (media.url, media.name, media.kind, media.mime) == (url, name, kind, mime)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"text": "x"}, "chat"),
        ({"chat": "1", "phone": "+79001234567", "text": "x"}, "chat"),
        ({"chat": "1"}, "text"),
        ({"chat": "1", "text": " \n"}, "text"),
        ({"chat": "", "text": "x"}, "chat"),
        ({"chat": "с пробелом", "text": "x"}, "chat"),
        ({"chat": 1, "text": "x"}, "chat"),
        ({"chat": "1", "text": "x" * 10_001}, "text"),
        ({"chat": "1", "text": "x", "txt": "x"}, "txt"),
        ({"phone": "123", "text": "x"}, "phone"),
        ({"chat": "1", "file_url": "file:///etc/passwd"}, "file_url"),
        ({"chat": "1", "file_url": "https://u:p@e.ru/x"}, "file_url"),
        ({"chat": "1", "file_url": "https://[::1"}, "file_url"),
    ],
)
async def test_a_request_with_mistakes_names_them(office: Any, body: Any, place: str) -> None:
    answer = await office.send(body)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert place in answer.json["error"]["hint"]
    assert await office.store.unsent("plain") == []


async def test_words_that_cannot_be_seen_are_no_message(office: Any) -> None:
    answer = await office.send({"chat": "1", "text": "\u200b"})

    assert (answer.status, answer.code) == (400, "nothing_to_show")


async def test_a_channel_that_is_not_there_is_said(office: Any) -> None:
    answer = await office.send(HELLO, "nowhere")

    assert (answer.status, answer.code) == (404, "no_channel")


# -- ends -------------------------------------------------------------------------------------------------


async def test_a_message_that_was_refused_says_why_without_a_secret(office: Any) -> None:
    office.account.refuse = [Rejected("bad chat, key CANARY-account-key")]
    accepted = await office.send(HELLO, "acc")
    await office.settle()
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.READ)

    assert (looked.json["state"], looked.json["parts"][0]["why"]) == ("failed", "bad chat, key ••••")
    assert looked.json["parts"][0]["at"] == "2026-01-15T09:00:00Z"


async def test_a_message_nobody_knows_of_is_uncertain(office: Any) -> None:
    office.plain.refuse = [Unreachable(maybe_sent=True)]
    accepted = await office.send(HELLO)
    await office.settle()
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.READ)

    assert looked.json["state"] == "uncertain"


async def test_the_trouble_of_earlier_attempts_is_not_told_of_a_message_that_arrived(office: Any) -> None:
    office.plain.refuse = [RetryLater("later", after=timedelta(seconds=2))]
    accepted = await office.send(HELLO)
    while texts(office) == []:
        await office.clock.advance(1)
    await office.settle()
    looked = await office.ask("GET", accepted.headers["Location"], scope=Scope.READ)

    assert (looked.json["state"], looked.json["parts"][0]["why"]) == ("sent", "")


@pytest.mark.parametrize("name", ["zzzz", "!", "x" * 12, "0"])
async def test_a_message_that_never_was_is_said(office: Any, name: str) -> None:
    answer = await office.ask("GET", f"/api/messages/{name}", scope=Scope.MESSAGES)

    assert (answer.status, answer.code) == (404, "no_message")


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        (["ready", "ready"], "ready"),
        (["sent", "ready"], "sending"),
        (["failed", "sending"], "sending"),
        (["sent", "sent"], "sent"),
        (["sent", "uncertain"], "uncertain"),
        (["dropped", "uncertain", "failed"], "failed"),
        (["dropped", "sent"], "dropped"),
    ],
)
def test_a_message_is_as_far_as_its_parts(parts: list[str], whole: str) -> None:
    assert MessageStatus(whole) is summary([MessageStatus(part) for part in parts])


# -- when not ---------------------------------------------------------------------------------------------


async def test_a_house_that_starts_or_stops_takes_no_messages(office: Any) -> None:
    office.house.notices.close()
    answer = await office.send(HELLO)

    assert (answer.status, answer.code) == (503, "not_now")
    assert int(answer.headers["Retry-After"]) > 0
    assert await office.store.unsent("plain") == []


async def test_a_channel_that_is_behind_takes_no_more(office: Any) -> None:
    office.plain.refuse = [Unauthorized()] * 10_000
    await office.token(Scope.MESSAGES)
    for number in range(MOST_WAITING):
        assert (await office.send({"chat": str(number), "text": "x"})).status == 202
    answer = await office.send(HELLO)

    assert (answer.status, answer.code) == (503, "not_now")


async def test_a_message_is_sent_also_while_one_of_our_people_talks_there(office: Any) -> None:
    """It answers nobody, so nothing of the talk keeps it back: it has no guard."""
    office.plain.refuse = [RetryLater(after=timedelta(hours=1))]
    await office.send(HELLO)
    (row,) = await office.store.unsent("plain")

    from channels.codec import decode_outbound  # noqa: PLC0415 - used once

    assert decode_outbound(row.message).guard is None
