"""The load that real processes are broken under, and the count of what became of every message of it.

Every question is asked in a group and addressed to the bot, so that each answer names the question it belongs to: what
reached people can be counted without asking the bot. Message ids are unique in the platform.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import orjson

from tests.e2e.processes import USERNAME, Bot, Platform, eventually

CHATS = 40
FIRST_CHAT = -4_000
LATENCY = 0.015
TEXTS = [
    f"@{USERNAME} {question}"
    for question in (
        "сколько стоит доставка?",
        "как оплатить заказ?",
        "как вернуть товар?",
        "какие сроки доставки?",
        "сколько весит бегемот?",
    )
]
READY, SENDING, SENT, UNCERTAIN, DROPPED, FAILED = 0, 1, 2, 3, 4, 9


class Load:
    """Messages from many chats, and the ledger of their answers."""

    def __init__(self, platform: Platform, bot: Bot, seed: int) -> None:
        self.platform = platform
        self.bot = bot
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - the same moments for the same seed

    # -- load --------------------------------------------------------------------------------------

    def begin(self, per_second: float, seconds: float) -> int:
        """Begin to push; gives how many messages there will be."""
        given = {"chats": CHATS, "texts": TEXTS, "first_chat": FIRST_CHAT}
        return int(self.platform.control("rate", per_second=per_second, seconds=seconds, **given)["to_push"])

    def ended(self) -> bool:
        """Whether everything has been pushed."""
        return not self.platform.state()["load_running"]

    # -- what the bot has written down -------------------------------------------------------------

    def has_tables(self) -> bool:
        """Whether the bot has lived long enough to make its database."""
        return self.bot.database.exists() and bool(self.bot.count("sqlite_master", "name = 'outbox'"))

    def question_of(self) -> dict[int, int]:
        """The message id of each stored update, by its number in the inbox."""
        rows = self.bot.rows("SELECT id, payload FROM inbox")
        return {number: int(orjson.loads(payload)["message"]["message_id"]) for number, payload in rows}

    def questions_in(self, *states: int) -> set[int]:
        """The questions whose answers are in one of these states of the outbox."""
        if not self.has_tables():
            return set()
        marks = ", ".join("?" * len(states))
        rows = self.bot.rows(f"SELECT inbox_id FROM outbox WHERE state IN ({marks})", *states)  # noqa: S608 - question marks
        questions = self.question_of()
        return {questions[number] for (number,) in rows}

    def troubled(self, *but: int) -> int:
        """How many messages ended in a way that nobody wished for; leave out these states."""
        return sum(
            self.bot.count("outbox", "state = ?", state) for state in {UNCERTAIN, DROPPED, FAILED} - {*but}
        )

    # -- what people have seen ---------------------------------------------------------------------

    def answers(self) -> Counter[int]:
        """How often each question was answered, as people saw it."""
        return Counter(int(one["reply_to"]) for one in self.platform.sent())

    def disorder(self) -> list[Any]:
        """Chats in which an answer overtook an earlier one: the questions in the order of their first answers."""
        seen: dict[int, list[int]] = defaultdict(list)
        for one in self.platform.sent():
            if one["reply_to"] not in seen[one["chat_id"]]:
                seen[one["chat_id"]].append(one["reply_to"])
        return [(chat, ids) for chat, ids in seen.items() if ids != sorted(ids)]

    def settle(self, offered: int, *, seconds: float = 90.0) -> None:
        """Wait until nothing is left to do anywhere."""
        self.platform.wait(idle=1, pending=0, timeout=seconds)
        self.until(
            lambda: self.bot.count("inbox", "state = 1") == offered, f"{offered} updates handled", seconds
        )
        self.until(lambda: not self.bot.count("outbox", "state < 2"), "nothing left to send", seconds)

    def until(self, check: Callable[[], Any], what: str, seconds: float = 30.0) -> None:
        """Wait; a failure names the seed."""
        eventually(
            check,
            f"{what} (seed {self.seed}, {self.platform.state()})",
            seconds=seconds,
            alive=self.bot.alive,
        )
