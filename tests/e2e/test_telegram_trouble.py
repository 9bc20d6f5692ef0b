"""What the platform may do to a message on its way, and what the bot makes of it: the policy, seen from outside.

Any answer over HTTP means that the message was not taken: it is sent again. No answer means that nobody can know: with
`at_most_once` it is marked uncertain, counted, and never repeated; with `at_least_once` it is repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.processes import USERNAME, Bot, Person, Platform, eventually, texts

pytestmark = pytest.mark.e2e

UNCERTAIN = 3
SENT = 2
DROPPED = 4


def outcomes(bot: Bot, person: Person) -> list[int]:
    """The states of the messages promised to a person, in order."""
    return [
        state for (state,) in bot.rows("SELECT state FROM outbox WHERE lane = ? ORDER BY id", lane(person))
    ]


def lane(person: Person) -> str:
    return f"telegram:{person.chat}"


def messages_sent(bot: Bot, result: str) -> float:
    return bot.metric("optfm_messages_sent_total", result=result)


# -- refusals --------------------------------------------------------------------------------------


def test_a_limited_chat_waits_and_others_do_not(person: Person, platform: Platform, bot: Bot) -> None:
    other = platform.person()
    platform.control("fail", fault="429", method="sendMessage", chat_id=person.chat, retry_after=2)
    person.says("Сколько стоит доставка?")
    other.says("Как оплатить заказ?")
    other.sees("По счёту")
    person.says("Как вернуть товар?")

    person.sees("300 ₽")
    person.sees("14 дней")
    first, *later = platform.calls("sendMessage", person.chat)
    (free,) = platform.calls("sendMessage", other.chat)
    assert first["status"] == 429
    assert [call["status"] for call in later] == [200, 200]
    assert later[0]["received_at"] - first["received_at"] >= 2.0
    assert free["received_at"] - first["received_at"] < 1.5
    person.sees_nothing_else()


@pytest.mark.parametrize("fault", ["500", "502"])
def test_a_message_that_was_refused_is_sent_again(
    person: Person, platform: Platform, bot: Bot, fault: str
) -> None:
    platform.control("fail", fault=fault, method="sendMessage", chat_id=person.chat)
    person.says("Сколько стоит доставка?")

    person.sees("300 ₽")
    person.sees_nothing_else()
    assert [call["status"] for call in platform.calls("sendMessage", person.chat)][1:] == [200, 200]
    eventually(lambda: outcomes(bot, person) == [SENT, SENT], "both are written down as sent")


def test_a_slow_platform_is_waited_for(person: Person, platform: Platform, bot: Bot) -> None:
    platform.control("fail", fault="slow", method="sendMessage", chat_id=person.chat, seconds=1.2)
    other = platform.person()
    person.says("Сколько стоит доставка?")
    other.says("Как оплатить заказ?")
    other.sees("По счёту", seconds=1.0)

    person.sees("300 ₽")
    person.sees_nothing_else()
    assert len(platform.calls("sendMessage", person.chat)) == 2


# -- silence ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "arrives"), [("drop", 0), ("drop_after", 1), ("cut_body", 1)])
def test_at_most_once_never_repeats_what_may_have_arrived(
    person: Person, platform: Platform, bot: Bot, fault: str, arrives: int
) -> None:
    before = messages_sent(bot, "uncertain")
    platform.control("fail", fault=fault, method="sendMessage", chat_id=person.chat)
    person.says("Сколько стоит доставка?")
    eventually(lambda: outcomes(bot, person) == [UNCERTAIN], "the message is marked uncertain")

    person.says("Как вернуть товар?")
    eventually(lambda: outcomes(bot, person) == [UNCERTAIN, SENT], "the next one is sent")
    assert len(platform.calls("sendMessage", person.chat)) == 2
    assert texts(platform.sent(person.chat)) == ["Доставка по России — от 300 ₽."] * arrives + [
        "В течение 14 дней."
    ]
    assert messages_sent(bot, "uncertain") == before + 1
    assert bot.logs("outbox.unresolved", state="UNCERTAIN")["channel"] == "telegram"


@pytest.mark.parametrize(("fault", "copies"), [("drop", 1), ("drop_after", 2), ("cut_body", 2)])
def test_at_least_once_repeats_what_may_not_have_arrived(
    lone_platform: Platform, make_bot: Callable[..., Bot], fault: str, copies: int
) -> None:
    bot = make_bot(channel={"delivery": {"policy": "at_least_once"}}).start()
    person = lone_platform.person()
    lone_platform.control("fail", fault=fault, method="sendMessage", chat_id=person.chat)
    person.says("Сколько стоит доставка?")

    for _ in range(copies):
        person.sees("300 ₽")
    person.sees_nothing_else()
    assert messages_sent(bot, "uncertain") == 0


def test_a_platform_that_cannot_be_reached_is_tried_again(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """A connection that failed before anything was written is certain: the message is not there."""
    bot = make_bot(mode="webhook").start()
    person = lone_platform.person()
    update: dict[str, Any] = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1_760_000_000,
            "chat": {"id": person.chat, "type": "private", "first_name": "Anna"},
            "from": {"id": person.chat, "is_bot": False, "first_name": "Anna"},
            "text": "Сколько стоит доставка?",
        },
    }
    lone_platform.control("person", id=person.chat)
    lone_platform.push("membership", "unblocked", chat=person.chat)
    lone_platform.wait(pending=0)
    port = lone_platform.port
    lone_platform.stop()
    assert bot.webhook_update(update) == 200
    eventually(lambda: bot.metric("optfm_send_retries_total", reason="unreachable") >= 1, "it was tried")
    with Platform("--port", str(port)) as again:
        again.push("membership", "unblocked", chat=person.chat)
        eventually(lambda: again.sent(person.chat), "the answer came when the platform was back")
        assert texts(again.sent(person.chat)) == ["Доставка по России — от 300 ₽."]


# -- people who leave ------------------------------------------------------------------------------


def gone(bot: Bot, person: Person) -> bool:
    (row,) = bot.rows("SELECT gone_at FROM people WHERE external_id = ?", str(person.chat))
    return row[0] is not None


def test_somebody_who_has_blocked_the_bot_is_left_alone_until_they_return(
    person: Person, platform: Platform, bot: Bot
) -> None:
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    platform.control("standing", chat=person.chat, standing="blocked")
    person.says("Сколько стоит доставка?")
    eventually(lambda: outcomes(bot, person) == [SENT, DROPPED], "the message is given up")
    eventually(lambda: gone(bot, person), "the person is marked as gone")
    assert [call["status"] for call in platform.calls("sendMessage", person.chat)] == [200, 403]

    person.does("membership", "unblocked")
    person.says("Какие сроки доставки?")
    person.sees("2–7 дней")
    assert not gone(bot, person)
    person.sees_nothing_else()


def test_somebody_who_says_that_they_leave_is_marked_and_comes_back(
    person: Person, platform: Platform, bot: Bot
) -> None:
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    person.does("membership", "blocked")
    eventually(lambda: gone(bot, person), "the person is marked as gone")
    person.does("membership", "unblocked")
    person.says("/start")
    person.sees("Здравствуйте")
    assert not gone(bot, person)


def test_a_group_that_threw_the_bot_out_takes_nobody_with_it(bot: Bot, platform: Platform) -> None:
    group, alone = platform.group(), platform.person()
    group.says(f"@{USERNAME} как оплатить заказ?")
    group.sees("По счёту")
    alone.says("как оплатить заказ?")
    alone.sees("По счёту")
    platform.control("standing", chat=group.chat, standing="kicked")
    group.says(f"@{USERNAME} сколько стоит доставка?")
    eventually(lambda: outcomes(bot, group) == [SENT, DROPPED], "the message to the group is given up")
    alone.sees_nothing_else()
    assert bot.count("people", "gone_at IS NOT NULL AND external_id = ?", str(alone.chat)) == 0


def test_a_closed_topic_costs_its_own_answer_only(bot: Bot, platform: Platform) -> None:
    group = platform.group(supergroup=True)
    platform.control("topic", chat=group.chat, topic=7, closed=True)
    group.says(f"@{USERNAME} сколько стоит доставка?", topic=7)
    group.says(f"@{USERNAME} как вернуть товар?", topic=8)
    group.sees("14 дней")
