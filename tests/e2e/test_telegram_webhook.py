"""The webhook's door: who may come in, what is answered, and that nothing is stored for anybody else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.processes import (
    SECRET_HEADER,
    USERNAME,
    WEBHOOK_SECRET,
    Bot,
    Person,
    Platform,
    eventually,
    request,
    texts,
)

pytestmark = pytest.mark.e2e

_ids = itertools.count(1_000)
LIMIT = 1_048_576


@pytest.fixture(scope="module")
def mode() -> str:
    return "webhook"


def update(person: Person, words: str = "Сколько стоит доставка?") -> dict[str, Any]:
    number = next(_ids)
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_760_000_000,
            "chat": {"id": person.chat, "type": "private", "first_name": "Anna"},
            "from": {"id": person.chat, "is_bot": False, "first_name": "Anna"},
            "text": words,
        },
    }


@pytest.fixture
def known(person: Person) -> Person:
    """Somebody whom the platform knows, so that answers may be sent to them."""
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    return person


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SECRET_HEADER: ""},
        {SECRET_HEADER: "wrong"},
        {SECRET_HEADER: WEBHOOK_SECRET[:-1]},
        {SECRET_HEADER: WEBHOOK_SECRET + "x"},
        {SECRET_HEADER: WEBHOOK_SECRET.lower()},
        {SECRET_HEADER: "секрет".encode()},
        {SECRET_HEADER: b"\xff\xfe\x80"},
        {"Authorization": WEBHOOK_SECRET},
    ],
    ids=["missing", "empty", "wrong", "short", "long", "lower", "cyrillic", "no utf-8", "elsewhere"],
)
def test_without_the_secret_nothing_is_taken(known: Person, bot: Bot, headers: dict[str, Any]) -> None:
    before = bot.count("inbox")
    refused = bot.metric("optfm_webhook_rejected_total", reason="bad_secret")

    assert bot.webhook(json.dumps(update(known)).encode(), headers) == 401
    assert bot.count("inbox") == before
    assert bot.metric("optfm_webhook_rejected_total", reason="bad_secret") == refused + 1
    known.sees_nothing_else()


def test_with_the_secret_it_is_stored_before_the_answer(known: Person, bot: Bot) -> None:
    before = bot.count("inbox")
    assert bot.webhook_update(update(known)) == 200
    assert bot.count("inbox") == before + 1
    known.sees("300 ₽")


def test_a_repeated_push_is_accepted_and_answered_once(known: Person, bot: Bot) -> None:
    pushed = update(known)
    assert [bot.webhook_update(pushed) for _ in range(3)] == [200] * 3
    known.sees("300 ₽")
    known.sees_nothing_else()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"update_id":"7"}',
        b'{"update_id":true}',
        b'{"update_id":1.5}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"update_id":1,"message":{"text":"\\ud800"}}',
        b"not json at all",
    ],
    ids=[
        "empty",
        "cut",
        "list",
        "null",
        "object",
        "text id",
        "true",
        "float",
        "bytes",
        "deep",
        "surrogate",
        "words",
    ],
)
def test_what_is_no_update_is_kept_for_an_operator_and_holds_up_nobody(
    known: Person, bot: Bot, body: bytes
) -> None:
    before = bot.count("inbox", "state = 9")
    assert bot.webhook(body) == 200
    assert bot.webhook(body) == 200, "refused, the platform would repeat it for hours"
    eventually(lambda: bot.count("inbox", "state = 9") == before + 1, "it is parked, once")
    assert bot.webhook_update(update(known, "сколько стоит доставка")) == 200
    known.sees("300 ₽")


def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not(known: Person, bot: Bot) -> None:
    before = bot.count("inbox")
    fitting = update(known, "x")
    fitting["padding"] = "x" * (LIMIT - len(json.dumps({**fitting, "padding": ""}).encode()))
    assert len(json.dumps(fitting).encode()) == LIMIT
    assert bot.webhook(json.dumps({**fitting, "padding": fitting["padding"] + "x"}).encode()) == 413
    assert bot.count("inbox") == before
    assert bot.webhook_update(fitting) == 200
    known.sees()


def test_a_get_says_that_the_address_is_alive_and_other_methods_are_refused(bot: Bot) -> None:
    status, words = bot.get("/telegram/webhook")
    assert status == 200
    assert "alive" in words
    assert request(bot.port, "PUT", "/telegram/webhook", b"{}")[0] == 405
    assert request(bot.port, "POST", "/other/webhook", b"{}", {SECRET_HEADER: WEBHOOK_SECRET})[0] == 404


def test_a_bot_that_polls_takes_no_push(lone_platform: Platform, make_bot: Callable[..., Bot]) -> None:
    """No secret is set there, so nobody can prove to be the platform."""
    bot = make_bot(mode="polling").start()
    assert bot.webhook(b'{"update_id":1}', {}) in {401, 404}
    assert bot.webhook(b'{"update_id":1}', {SECRET_HEADER: ""}) in {401, 404}
    assert bot.count("inbox") == 0


def test_the_webhook_is_set_with_everything_that_it_needs(bot: Bot, platform: Platform) -> None:
    (call, *_) = platform.calls("setWebhook")
    assert call["given"]["url"] == f"http://127.0.0.1:{bot.port}/telegram/webhook"
    assert call["given"]["secret_token"] == WEBHOOK_SECRET
    assert call["given"]["drop_pending_updates"] is False
    assert {"message", "edited_message", "callback_query", "my_chat_member"} == set(
        call["given"]["allowed_updates"]
    )


def test_it_stays_set_when_the_bot_ends_and_what_waits_is_taken_by_the_next_start(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(mode="webhook").start()
    person = lone_platform.person()
    assert bot.terminate() == 0
    assert lone_platform.state()["webhook"].endswith("/telegram/webhook")
    person.says("Сколько стоит доставка?")
    person.says("Как вернуть товар?")
    eventually(lambda: lone_platform.state()["webhook_counts"].get("failed", 0) >= 2, "it was pushed in vain")
    bot.start()
    person.sees("300 ₽")
    person.sees("14 дней")
    person.sees_nothing_else()


def test_what_comes_before_the_bot_knows_its_own_name_is_answered(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """In a group the name decides who is meant, so nothing may be judged before the platform has told it."""
    bot = make_bot(mode="webhook").start()
    group = lone_platform.group()
    assert bot.terminate() == 0
    group.says(f"@{USERNAME} сколько стоит доставка?")
    lone_platform.control("fail", fault="slow", method="getMe", seconds=1.5)
    bot.launch()
    eventually(lambda: lone_platform.state()["pending"] == 0, "it is pushed and taken", alive=bot.alive)
    assert lone_platform.sent(group.chat) == []

    group.sees("300 ₽")
    group.sees_nothing_else()


def test_a_webhook_without_a_secret_refuses_to_start(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    bot = make_bot(mode="webhook", channel={"webhook_secret": None})
    assert bot.launch().wait(30) == 3
    assert "webhook_secret" in bot.output("stderr")
    assert "config.yaml" in bot.output("stderr")


def test_other_chats_are_served_while_one_is_pushed_again_and_again(
    known: Person, bot: Bot, platform: Platform
) -> None:
    """A poison update is answered 200: a refusal would make the platform hold back its chat for a day."""
    bot.expected.add("dispatch.parked")
    platform.push("raw", {"message": {"message_id": 5}}, lane=str(known.chat))
    known.says("Как вернуть товар?")
    known.sees("14 дней")
    assert platform.wait(pending=0)["pending"] == 0
    assert texts(platform.sent(known.chat)) == ["По счёту или картой.", "В течение 14 дней."]
