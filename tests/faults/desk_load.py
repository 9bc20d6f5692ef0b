"""Customers and an agent on both sides of a bot with a helpdesk, and the count of what each of them has read.

Every word names the chat that it belongs to, and its number there: losses, doubles and order can be read from what
tickets and customers have, without asking the bot.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from tests.e2e.processes import PATIENCE, Bot, Fake, Platform, eventually
from tests.faults.load import SENDING, UNCERTAIN
from tests.faults.proxy import Door

KEY = "fs-CANARYcanaryCANARYcanary0123456789"
SECRET = "d41d8cd98f00b204CANARY98ecf8427e"
FIRST_CHAT = 7001
CUSTOMERS = 30
PAUSE = 0.03
"""Seconds between two things that people do, on average."""
MOST = 70
"""Things that people do in one life at most: on a busy machine lives are long, and the last one has to catch up."""
SLOW = 0.05
"""Seconds until an answer is heard: long enough for a kill to meet calls that were carried out already."""
SILENCES = ("drop_after", "hang_after", "500_after", "empty", "reset", "drop")
"""What a call meets of which nobody can know what became; the last two are not carried out."""

ASKED = re.compile(r"Заказ (\d+)-(\d+) ")
REPLIED = re.compile(r"Ответ (\d+)-(\d+)\.")
_never = threading.Event()

Word = tuple[int, int]
"""What somebody said: the chat that it belongs to, and its number there."""


class FreeScout(Fake):
    """The fake FreeScout in a process of its own."""

    def __init__(self) -> None:
        options = ("--key", KEY, "--secret", SECRET, "--undo", "0", "--retry-scale", "0.005")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "optfm_bot.testing.freescout_server", *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.told = json.loads(self.process.stdout.readline())
        self.base, self.port = self.told["base_url"], self.told["port"]


class LongWay(Door):
    """The way to a server whose answers take a moment. It may be shut."""

    def _ends(self, *streams: Any) -> tuple[Coroutine[Any, Any, None], ...]:
        bot_says, to_bot, server_says, to_server = streams
        return super()._ends(bot_says, to_bot, _Late(server_says), to_server)


class _Late:
    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    async def read(self, most: int) -> bytes:
        """Give what was said, a moment later."""
        data = await self._stream.read(most)
        await asyncio.sleep(SLOW)
        return data


class DeskLoad:
    """Customers who call a person and write to them, an agent who answers, and the ledger of what both have read."""

    def __init__(self, platform: Platform, desk: FreeScout, door: LongWay, bot: Bot, seed: int) -> None:
        self.platform = platform
        self.desk = desk
        self.door = door
        self.bot = bot
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - the same moments for the same seed
        self.asked: dict[int, list[Word]] = {}
        self.replied: dict[int, list[Word]] = defaultdict(list)
        self.doings = 0
        self.away = False

    # -- load --------------------------------------------------------------------------------------

    def act(self) -> None:
        """Let somebody do something."""
        what = self.dice.random()
        if len(self.asked) < CUSTOMERS and (what < 0.08 or not self.asked):
            chat = FIRST_CHAT + len(self.asked)
            self.asked[chat] = []
            self.platform.push("text", "/operator", chat=chat)
        elif what < 0.6:
            chat = self.dice.choice([*self.asked])
            word = chat, len(self.asked[chat])
            self.asked[chat].append(word)
            self.platform.push("text", f"Заказ {chat}-{word[1]} не пришёл", chat=chat)
        else:
            self._answer()

    def _answer(self) -> None:
        """Let the agent answer in a ticket that they can see."""
        tickets = [(chat, one["id"]) for one in self.tickets() if (chat := chat_of(one)) is not None]
        if tickets:
            chat, number = self.dice.choice(tickets)
            word = chat, len(self.replied[chat])
            self.replied[chat].append(word)
            self.desk.control("reply", conversation=number, html=f"<p>Ответ {chat}-{word[1]}.</p>")

    def reaches_customers(self, sent: int) -> None:
        """Let people go on until more than so many messages have reached customers."""
        at_work = self.live(PATIENCE, until=lambda: self.platform.state()["sent"] > sent)
        assert at_work, f"seed {self.seed}: nothing reaches customers: {self.bot.output()[-4000:]}"

    def live(self, seconds: float, until: Callable[[], Any] = lambda: False) -> bool:
        """Let people go on for so long, or until something is so; whether it is."""
        ends = time.monotonic() + seconds
        while not (found := until()) and time.monotonic() < ends:
            if self.doings < MOST:
                self.doings += 1
                self.act()
            _never.wait(self.dice.uniform(0.0, 2 * PAUSE))
        return bool(found)

    # -- the helpdesk comes and goes ---------------------------------------------------------------

    def leave(self) -> None:
        """The helpdesk carries out some more calls, and nobody hears of it; then it refuses connections."""
        for fault in self.dice.sample(SILENCES, 3):
            self.desk.control("fail", fault=fault, verb="POST", skip=self.dice.randrange(4))
        self.live(self.dice.uniform(0.0, 1.0))
        self.door.shut()
        self.away = True

    def come_back(self) -> None:
        """The helpdesk can be reached."""
        if self.away:
            self.door.open()
            self.away = False
        self.desk.control("heal")

    # -- what is there -----------------------------------------------------------------------------

    def tickets(self) -> list[dict[str, Any]]:
        """The tickets as agents see them."""
        return list(self.desk.control("dump")["conversations"])

    def has_tables(self) -> bool:
        """Whether the bot has lived long enough to make its database."""
        return self.bot.database.exists() and bool(
            self.bot.count("sqlite_master", "name = 'ticket_messages'")
        )

    def under_way(self) -> tuple[set[int], dict[int, int]]:
        """Messages to customers that are being sent, and those whose outcome is not known with their tickets."""
        if not self.has_tables():
            return set(), {}
        sending = self.bot.rows("SELECT id FROM outbox WHERE channel = 'telegram' AND state = ?", SENDING)
        tried = self.bot.rows("SELECT id, ticket_id FROM ticket_messages WHERE done_at IS NULL")
        return {number for (number,) in sending}, dict(tried)

    def uncertain(self) -> dict[int, str]:
        """The messages that may not have arrived, by their ids."""
        return dict(self.bot.rows("SELECT id, message FROM outbox WHERE state = ?", UNCERTAIN))

    def seen(self) -> dict[int, list[str]]:
        """What each customer has read, in order."""
        found: dict[int, list[str]] = defaultdict(list)
        for one in self.platform.sent():
            found[one["chat_id"]].append(one["plain"])
        return found

    def unheard(self) -> Collection[Word]:
        """What agents said and the bot does not know."""
        threads = {row[0] for row in self.bot.rows("SELECT external_id FROM ticket_messages")}
        return {
            word
            for one in self.tickets()
            for thread in one["threads"]
            if thread["type"] == "message" and str(thread["id"]) not in threads
            for word in words_in(REPLIED, [thread["text"]])
        }

    def untold(self) -> Collection[Word]:
        """What customers said and tickets do not have."""
        told = {word for one in self.tickets() for word in words_in(ASKED, said_in(one, "customer"))}
        return {word for words in self.asked.values() for word in words} - told

    # -- the end -----------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until nothing is left to do anywhere."""
        self.until(lambda: not self.platform.state()["pending"], "everything is fetched", list)
        self.until(lambda: not self.untold(), "tickets have what customers said", self.untold)
        self.desk.control("deliver", everything=True)
        self.until(lambda: not self.unheard(), "the bot has heard what agents said", self.unheard)
        self.until(lambda: not self.bot.count("inbox", "state = 0"), "all of it is handled", list)
        self.until(lambda: not self.bot.count("outbox", "state < 2"), "nothing is left to send", list)

    def until(self, check: Callable[[], Any], what: str, missing: Callable[[], Collection[Word]]) -> None:
        """Wait; a failure names the seed and what is missing."""
        try:
            eventually(check, f"{what} (seed {self.seed})", seconds=45, alive=self.bot.alive)
        except AssertionError as error:
            error.add_note(f"missing: {sorted(missing())}; the bot: {self.bot.output()[-4000:]}")
            raise


def chat_of(ticket: dict[str, Any]) -> int | None:
    """Whose ticket it is, as soon as they have said something of their own."""
    words = words_in(ASKED, said_in(ticket, "customer"))
    return words[0][0] if words else None


def said_in(ticket: dict[str, Any], kind: str) -> list[str]:
    """The texts of a ticket's threads of that kind, oldest first."""
    return [thread["text"] for thread in ticket["threads"] if thread["type"] == kind]


def words_in(pattern: re.Pattern[str], texts: Collection[str]) -> list[Word]:
    """The words that texts are made of, in order: `ASKED` by customers, or `REPLIED` by the agent."""
    found = [match for text in texts for match in pattern.finditer(text)]
    return [(int(one[1]), int(one[2])) for one in found]
