"""What only a bot that polls can meet: trouble with fetching, other pollers, webhooks that are in the way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.processes import Bot, Person, Platform, eventually

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def mode() -> str:
    return "polling"


@pytest.mark.parametrize("fault", ["500", "502", "429", "drop", "cut_body"])
def test_trouble_with_fetching_loses_nothing_and_repeats_nothing(
    person: Person, platform: Platform, bot: Bot, fault: str
) -> None:
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    platform.control("fail", fault=fault, method="getUpdates", times=2)
    person.says("Сколько стоит доставка?")  # ends the poll that is waiting; the next two go wrong
    person.says("Как вернуть товар?")

    person.sees("300 ₽")
    person.sees("14 дней")
    person.sees_nothing_else()
    bot.is_state("connected")


def test_another_poller_is_shown_as_a_conflict_that_ends_with_it(
    person: Person, platform: Platform, bot: Bot
) -> None:
    bot.is_state("connected")
    platform.control("fail", fault="409", method="getUpdates", times=2)
    person.says("Сколько стоит доставка?")
    person.sees("300 ₽")
    bot.is_state("conflict")

    assert bot.status()["status"] == "degraded"
    told = bot.logs("channel.state", state="conflict")
    assert told["level"] == "warning"
    assert "Another copy of this bot" in told["why"]
    person.says("Как вернуть товар?")
    person.sees("14 дней")
    bot.is_state("connected")
    person.sees_nothing_else()


def test_two_copies_with_databases_of_their_own_are_told_of_each_other_and_answer_once(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    first, second = (make_bot(name, channel={"poll_timeout": 2}).start() for name in ("first", "second"))
    eventually(
        lambda: "conflict" in {bot.status()["channels"]["telegram"]["state"] for bot in (first, second)},
        "one of the two shows the conflict",
    )
    person = lone_platform.person()
    person.says("Сколько стоит доставка?")
    person.sees("300 ₽")
    assert second.terminate() == 0
    first.is_state("connected")
    person.says("Как вернуть товар?")
    person.sees("14 дней")
    person.sees_nothing_else()


def test_a_webhook_that_was_set_before_is_removed_and_its_updates_are_kept(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    person = lone_platform.person()
    assert lone_platform.call("setWebhook", url="https://127.0.0.1:9/secret-path/hook")["ok"]
    person.says("Сколько стоит доставка?")
    bot = make_bot().start()

    person.sees("300 ₽")
    assert lone_platform.state()["webhook"] == ""
    told = bot.logs("telegram.webhook_removed")
    assert (told["host"], told["pending"]) == ("127.0.0.1", 1)
    assert "secret-path" not in bot.output()


def test_a_webhook_that_is_set_meanwhile_is_a_conflict_until_it_is_taken_away(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    """It is left alone, because it may belong to a copy that works: two copies that mend it for ever would be worse."""
    bot = make_bot().start()
    person = lone_platform.person()
    lone_platform.call("setWebhook", url="https://127.0.0.1:9/hook")
    bot.is_state("conflict")
    person.says("Сколько стоит доставка?")
    assert lone_platform.state()["webhook"] == "https://127.0.0.1:9/hook"
    assert "webhook" in bot.logs("channel.state", state="conflict")["why"]

    lone_platform.call("deleteWebhook")
    person.sees("300 ₽")
    bot.is_state("connected")


def test_a_bot_that_changes_from_webhook_to_polling_and_back_answers_everything(
    lone_platform: Platform, make_bot: Callable[..., Bot]
) -> None:
    person = lone_platform.person()
    for mode, question, words in (
        ("webhook", "Сколько стоит доставка?", "300 ₽"),
        ("polling", "Как вернуть товар?", "14 дней"),
        ("webhook", "Как вернуть деньги?", "10 дней"),
    ):
        person.says(question)  # while nobody is there
        bot = make_bot(mode=mode).start()
        person.sees(words)
        person.sees_nothing_else()
        assert bot.terminate() == 0
