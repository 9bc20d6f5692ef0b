"""The REST API of a real process: another program sends messages, and no crash loses or doubles them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.e2e.processes import Bot, Person, Platform, eventually, request

pytestmark = pytest.mark.e2e


def command(bot: Bot, *words: str) -> str:
    """Run a command of ours beside the bot; gives what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPTFM")}
    done = subprocess.run(
        [sys.executable, "-m", "optfm_bot", *words, "--config", "config.yaml"],
        cwd=bot.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ask(
    bot: Bot, token: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Make a request with a token; gives the status and the JSON of the answer."""
    given = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
    status, content = request(bot.port, method, path, json.dumps(body).encode() if body else None, given)
    return status, json.loads(content) if content else None


def send(bot: Bot, token: str, person: Person, text: str, *, key: str | None = None) -> tuple[int, Any]:
    """Send a message to somebody."""
    headers = {"Idempotency-Key": key} if key is not None else {}
    body = {"chat": str(person.chat), "text": text}
    return ask(bot, token, "POST", "/api/channels/telegram/messages", body, headers)


def acquainted(platform: Platform) -> Person:
    """Somebody new who has written to the bot, which may therefore write to them."""
    person = platform.person()
    person.says("/start")
    person.sees()
    return person


def test_a_program_sends_a_message_and_learns_what_became_of_it(bot: Bot, platform: Platform) -> None:
    anna = acquainted(platform)
    token = command(bot, "token", "create", f"shop {anna.chat}", "--scope", "messages")
    status, accepted = send(bot, token, anna, "Счёт **№ 7** готов")
    assert (status, accepted["channel"], accepted["chat"]) == (202, "telegram", str(anna.chat))

    message = anna.sees("Счёт № 7 готов")
    looked = f"/api/messages/{accepted['id']}"
    eventually(lambda: ask(bot, token, "GET", looked)[1]["state"] == "sent", "the message is sent")
    (part,) = ask(bot, token, "GET", looked)[1]["parts"]
    assert part["external_ids"] == [str(message["message_id"])]


def test_a_message_that_the_platform_refuses_is_told_as_failed(bot: Bot, platform: Platform) -> None:
    stranger = platform.person()
    token = command(bot, "token", "create", f"shop {stranger.chat}")
    _, accepted = send(bot, token, stranger, "Вы нас не знаете")
    looked = f"/api/messages/{accepted['id']}"
    eventually(lambda: ask(bot, token, "GET", looked)[1]["state"] not in {"ready", "sending"}, "it has ended")

    found = ask(bot, token, "GET", looked)[1]
    assert found["state"] in {"failed", "dropped"}
    assert found["parts"][0]["why"]


def test_a_token_works_from_when_it_is_made_until_it_is_revoked(bot: Bot, platform: Platform) -> None:
    anna = platform.person()
    name = f"reader {anna.chat}"
    token = command(bot, "token", "create", name, "--scope", "read")
    status, found = ask(bot, token, "GET", "/api/channels")
    assert (status, [one["state"] for one in found["channels"]]) == (200, ["connected"])
    assert send(bot, token, anna, "x")[0] == 403

    command(bot, "token", "revoke", name)
    assert ask(bot, token, "GET", "/api/channels")[0] == 401
    # Nothing that the bot has written has the token; `Bot.close` looks for the secrets of the platform.
    assert token not in bot.output()
    assert token.encode() not in b"".join(one.read_bytes() for one in bot.folder.glob("bot.db*"))


def test_the_description_is_there_for_everybody(bot: Bot) -> None:
    status, content = request(bot.port, "GET", "/api/openapi.json")

    assert (status, json.loads(content)["openapi"]) == (200, "3.1.0")


def test_what_was_accepted_is_sent_once_though_the_bot_was_killed(
    make_bot: Callable[..., Bot], lone_platform: Platform
) -> None:
    """Killed between the answer and the sending; the client, who cannot know, asks for the same again."""
    bot = make_bot(delivery={"per_chat_per_second": 0.2, "per_bot_per_second": 0, "burst": 1}).start()
    token = command(bot, "token", "create", "shop")
    anna = acquainted(lone_platform)
    status, accepted = send(bot, token, anna, "первое", key="k1")  # the pace of the chat keeps it back
    bot.kill()
    assert (status, len(lone_platform.sent(anna.chat))) == (202, 1)
    bot.start()

    assert send(bot, token, anna, "первое", key="k1") == (202, accepted)
    assert send(bot, token, anna, "второе", key="k2")[0] == 202
    anna.sees("первое")
    anna.sees("второе")
    assert len(lone_platform.sent(anna.chat)) == 3
