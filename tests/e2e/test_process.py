"""The program as an operator meets it: start, addresses, refusals, reload, secrets, restart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e import knowledge
from tests.e2e.processes import (
    CANARIES,
    TOKEN,
    USERNAME,
    Bot,
    Platform,
    eventually,
    labels,
    request,
)

pytestmark = pytest.mark.e2e

Make = Callable[..., Bot]


# -- addresses -------------------------------------------------------------------------------------


def test_the_addresses_for_programs_answer(bot: Bot, mode: str) -> None:
    status, body = bot.get("/")
    assert status == 200
    bot.is_state("connected")
    shown = json.loads(bot.get("/")[1])
    since = shown["channels"]["telegram"].pop("since")
    assert datetime.now(UTC) - datetime.fromisoformat(since) < timedelta(minutes=5)
    assert shown == {
        "service": "OptFM",
        "status": "running",
        "version": json.loads(body)["version"],
        "channels": {"telegram": {"state": "connected"}},
    }
    assert bot.get("/healthz") == (200, '{"status":"ok"}')
    ready, text = bot.get("/readyz")
    assert (ready, json.loads(text)["problems"]) == (200, [])
    assert json.loads(text)["channels"]["telegram"]["state"] == "connected"
    metrics, text = bot.get("/metrics")
    assert metrics == 200
    assert 'optfm_channel_up{channel="telegram"} 1.0' in text
    assert bot.get("/telegram/webhook")[0] == 200
    assert bot.get("/no/such/page")[0] == 404


def test_the_commands_are_shown_in_the_menu_in_both_languages(bot: Bot, platform: Platform) -> None:
    eventually(lambda: platform.call("getMyCommands", language_code="en")["result"], "the menu is set")
    menus = {code: platform.call("getMyCommands", language_code=code)["result"] for code in ("ru", "en")}
    shown = ["start", "faq", "operator", "request", "my_requests", "cancel", "help", "language"]
    assert [one["command"] for one in menus["ru"]] == shown
    assert [one["command"] for one in menus["en"]] == shown
    assert menus["ru"][1]["description"] == "Все темы и вопросы"
    assert menus["ru"][1]["description"] != menus["en"][1]["description"]
    assert platform.call("getMyCommands")["result"] == menus["ru"]


# -- refusals --------------------------------------------------------------------------------------


def test_a_second_process_on_the_same_database_is_refused_with_a_sentence(
    lone_platform: Platform, make_bot: Make, tmp_path: Path
) -> None:
    first = make_bot("first").start()
    url = f"sqlite+aiosqlite:///{first.database}"
    second = make_bot("second", database={"url": url})
    assert second.launch().wait(30) == 3

    assert f"{first.database} уже работает другой optfm-bot" in second.output("stderr")
    assert "Traceback" not in second.output()
    person = lone_platform.person()
    person.says("Сколько стоит доставка?")
    person.sees("300 ₽")
    assert first.terminate() == 0
    second.start()  # the place is free now
    person.sees_nothing_else()


def test_a_port_that_is_taken_is_refused_with_a_sentence(make_bot: Make) -> None:
    first = make_bot("first").start()
    second = make_bot("second", server={"port": first.port})
    assert second.launch().wait(30) == 3

    assert f"Не удаётся слушать 127.0.0.1:{first.port}" in second.output("stderr")
    assert "Traceback" not in second.output()


def test_a_database_file_that_is_none_is_refused_with_a_sentence(make_bot: Make) -> None:
    bot = make_bot()
    bot.database.write_bytes(b"this is no database, but somebody's letter\n" * 100)
    assert bot.launch().wait(30) == 6

    assert "database" in bot.output("stderr")
    assert "Traceback" not in bot.output()
    assert bot.database.read_bytes().startswith(b"this is no database")


# -- credentials -----------------------------------------------------------------------------------


def test_a_token_that_is_refused_is_told_and_taken_again_when_it_works(tmp_path: Path) -> None:
    """Both ways at once, because the bot waits a quarter of a minute before it shows a refused token again."""
    with pairs(tmp_path) as both:
        for platform, bot in both:
            platform.control("revoke")
            bot.launch()
        for platform, bot in both:
            eventually(lambda: "Ctrl+C" in bot.output("stderr"), "it starts all the same", alive=bot.alive)  # noqa: B023 - used at once
            bot.is_state("bad_credentials")
            assert bot.status()["status"] == "degraded"
            assert bot.get("/readyz")[0] == 200
            assert (
                "Telegram does not know this token"
                in bot.logs("channel.state", state="bad_credentials")["why"]
            )
            platform.control("heal")
        for platform, bot in both:
            bot.is_state("connected")
            person = platform.person()
            person.says("Сколько стоит доставка?")
            person.sees("300 ₽")


def test_a_token_that_is_revoked_meanwhile_keeps_every_message_until_it_works_again(tmp_path: Path) -> None:
    with pairs(tmp_path) as both:
        people = []
        for platform, bot in both:
            bot.start()
            person = platform.person()
            people.append(person)
            person.says("Как оплатить заказ?")
            person.sees("По счёту")
            platform.control("revoke")
            person.says("Сколько стоит доставка?")
            bot.is_state("bad_credentials")
            person.says("Как вернуть товар?")
            platform.control("heal")
        for (_, bot), person in zip(both, people, strict=True):
            person.sees("300 ₽")
            person.sees("14 дней")
            bot.is_state("connected")
            person.sees_nothing_else()


@contextmanager
def pairs(folder: Path) -> Iterator[list[tuple[Platform, Bot]]]:
    """A platform and a bot for each mode."""
    with ExitStack() as stack:
        found = []
        for mode in ("polling", "webhook"):
            platform = stack.enter_context(Platform())
            found.append((platform, stack.enter_context(Bot(folder / mode, platform, mode=mode))))
        yield found


# -- knowledge -------------------------------------------------------------------------------------


def test_an_edited_base_serves_at_once_and_a_broken_one_leaves_the_old_one_in_place(
    lone_platform: Platform, make_bot: Make
) -> None:
    bot = make_bot().start()
    bot.expected.add("knowledge.refused")
    person = lone_platform.person()
    person.says("где ваш склад")
    person.sees("Пока не знаю")
    knowledge.write(
        bot.knowledge,
        {"id": "warehouse", "question": "Где ваш склад?", "answer": "Склад на улице Новой, 5."},
    )
    bot.logs("knowledge.reloaded")
    person.says("где ваш склад")
    person.sees("улице Новой")

    good = bot.knowledge.read_text(encoding="utf-8")
    bot.knowledge.write_text(good + "- id: broken\n  qeustion: Опечатка в ключе?\n", encoding="utf-8")
    told = bot.logs("knowledge.refused")
    assert any(re.search(r"knowledge\.yaml:\d+", problem) for problem in told["problems"]), told
    person.says("Где ваш склад?")
    person.sees("улице Новой")
    assert bot.get("/readyz")[0] == 200
    bot.knowledge.write_text(good.replace("Новой, 5", "Старой, 7"), encoding="utf-8")
    eventually(lambda: len(bot.log("knowledge.reloaded")) == 2, "the mended base is taken", alive=bot.alive)
    person.says("где ваш склад")
    person.sees("улице Старой")


def test_a_base_that_is_broken_at_the_start_is_refused_by_file_and_line(make_bot: Make) -> None:
    bot = make_bot()
    bot.knowledge.write_text("version: 1\nentries:\n  - id: a\n    answer: nobody asked\n", encoding="utf-8")
    assert bot.launch().wait(30) == 3

    assert re.search(r"knowledge\.yaml:\d+", bot.output("stderr"))
    assert "Traceback" not in bot.output()


# -- secrets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_no_secret_is_written_anywhere_whatever_goes_wrong(
    lone_platform: Platform, make_bot: Make, mode: str
) -> None:
    """At the level where everything is logged, with every kind of failure, in every answer of the server."""
    bot = make_bot(mode=mode, log={"level": "debug", "format": "json"}).start()
    bot.expected.add("dispatch.parked")
    person = lone_platform.person()
    person.says("Как оплатить заказ?")
    person.sees("По счёту")
    for fault in ("500", "502", "drop", "drop_after", "cut_body", "429"):
        lone_platform.control("fail", fault=fault, method="*", times=2)
        person.says(f"Сколько стоит доставка? {TOKEN}")
    lone_platform.push("raw", {"message": {"message_id": 5, "text": TOKEN}}, lane="x")
    bot.logs("outbox.refused")
    if mode == "polling":
        bot.logs("channel.state", state="waiting")
    answers = [bot.get(path)[1] for path in ("/", "/healthz", "/readyz", "/metrics", "/telegram/webhook")]
    answers += [
        request(bot.port, "POST", path, b"{}")[1].decode() for path in ("/telegram/webhook", f"/{TOKEN}")
    ]
    lone_platform.control("heal")
    lone_platform.stop()
    assert bot.terminate() == 0

    for canary in CANARIES:
        assert canary not in "".join(answers)
        assert canary not in bot.output()
    assert bot.log(), "something was logged at all"


def test_a_wrong_configuration_is_told_without_its_secrets(make_bot: Make) -> None:
    bot = make_bot(channel={"tokn": TOKEN, "mode": "poling"})
    assert bot.launch().wait(30) == 3

    told = bot.output("stderr")
    assert "tokn" in told
    assert "token" in told.replace("tokn", "")
    assert re.search(r"config\.yaml:\d+", told)


# -- restart ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_after_a_restart_300_waiting_messages_are_answered_in_order(
    lone_platform: Platform, make_bot: Make, mode: str
) -> None:
    bot = make_bot(mode=mode).start()
    assert bot.terminate() == 0
    texts = [f"@{USERNAME} сколько стоит доставка?", f"@{USERNAME} как вернуть товар?"]
    lone_platform.control("burst", messages=300, chats=10, texts=texts, first_chat=-900)
    bot.start()
    lone_platform.wait(sent=300, pending=0)

    for chat in range(-900, -890):
        questions = [one["reply_to"] for one in lone_platform.sent(chat)]
        assert len(questions) == 30
        assert questions == sorted(set(questions))
    assert bot.count("inbox", "state = 1") == 300
    assert lone_platform.state()["sent"] == 300


def test_with_its_normal_settings_it_joins_quick_messages_and_keeps_the_pace(
    lone_platform: Platform, make_bot: Make
) -> None:
    bot = make_bot(conversation={}, limits={}, delivery={}).start()
    person = lone_platform.person()
    person.says("здравствуйте")
    person.says("скажите мне")
    person.says("сколько стоит доставка?")
    answer = person.sees("300 ₽")
    assert "Сроки" in labels(answer)
    person.does("album", count=3)
    person.sees("Фото получил")
    flood = lone_platform.person()
    lone_platform.control("limits", per_chat=1.0, per_bot=30.0, burst=3)
    for number in range(6):
        flood.says(f"Как оплатить заказ? {number}")
    flood.sees("По счёту")
    person.sees_nothing_else()
    refused = [call for call in lone_platform.calls("sendMessage") if call["status"] == 429]
    assert refused == []
    assert bot.count("outbox", "state > 2") == 0
