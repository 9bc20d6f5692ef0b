"""Questions whose answers name them: for platforms where nothing in an answer quotes its question.

A base of codes, a load of private questions with the ledger of their answers, single visitors, and the power cuts that
a bot has to survive under such a load.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.e2e.processes import Bot, Fake, GreenPlatform, eventually

CHATS = 40
SENDING, SENT, UNCERTAIN, DROPPED, FAILED = 1, 2, 3, 4, 9
CODES = 200
BLOCK = 11
"""Texts of one push; it has no common divisor with the number of chats, so no chat gets one of them twice."""

Asked = tuple[str, int]
"""A question: its chat, and the code that it asks for."""

_CODE = re.compile(r"номер (\d+) из")
_ASKED = re.compile(r"Артикул (\d+) ")


def write_codes(path: Path) -> None:
    """Write a base whose every answer tells which question it belongs to."""
    entries = [
        {
            "id": f"code-{number}",
            "question": f"Артикул {number:03d} — что это?",
            "answer": f"Это номер {number:03d} из каталога.",
        }
        for number in range(CODES)
    ]
    document = {"version": 1, "language": "ru", "entries": entries}
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")


class CodeLoad:
    """Private questions in many chats, no two alike in one chat, and the ledger of their answers.

    What was asked is known without the bot, and an answer names its question by its words: so losses, doubles and order
    can be read from what people saw, on platforms whose answers quote nothing.
    """

    def __init__(self, platform: Fake, bot: Bot, seed: int, first_chat: int) -> None:
        self.platform = platform
        self.bot = bot
        self.seed = seed
        self.first_chat = first_chat
        self.dice = random.Random(seed)  # noqa: S311 - the same moments for the same seed
        self.asked: dict[str, list[int]] = defaultdict(list)
        self._block = 0

    # -- load --------------------------------------------------------------------------------------

    @property
    def offered(self) -> int:
        """How many questions were pushed, or will have been."""
        return sum(map(len, self.asked.values()))

    def begin(self, per_second: float, seconds: float) -> int:
        """Begin to push, at most as many as there are pairs of a chat and a text; gives how many there will be."""
        codes = range(self._block, self._block + BLOCK)
        self._block += BLOCK
        total = round(per_second * seconds)
        assert total <= CHATS * BLOCK
        assert codes[-1] < CODES
        texts = [f"Артикул {code:03d} — что это?" for code in codes]
        given = {"chats": CHATS, "texts": texts, "first_chat": self.first_chat}
        pushed = self.platform.control("rate", per_second=per_second, seconds=seconds, **given)["to_push"]
        assert pushed == total
        for index in range(total):
            self.asked[self.chat(index % CHATS)].append(codes[index % BLOCK])
        return total

    def ended(self) -> bool:
        """Whether everything has been pushed."""
        return not self.platform.state()["load_running"]

    def chat(self, number: int) -> str:
        """The id of one of the chats."""
        ident = str(self.first_chat + number)
        whatsapp = isinstance(self.platform, GreenPlatform) and self.platform.network == "whatsapp"
        return f"{ident}@c.us" if whatsapp else ident

    # -- what the bot has written down -------------------------------------------------------------

    def has_tables(self) -> bool:
        """Whether the bot has lived long enough to make its database."""
        return self.bot.database.exists() and bool(self.bot.count("sqlite_master", "name = 'outbox'"))

    def stored(self) -> dict[int, Asked]:
        """The question of each stored update that is one, by its number in the inbox."""
        rows = self.bot.rows("SELECT id, payload FROM inbox")
        found = {number: _asked(orjson.loads(payload)) for number, payload in rows}
        return {number: asked for number, asked in found.items() if asked is not None}

    def questions_in(self, *states: int) -> set[Asked]:
        """The questions whose answers are in one of these states of the outbox."""
        if not self.has_tables():
            return set()
        marks = ", ".join("?" * len(states))
        rows = self.bot.rows(f"SELECT inbox_id FROM outbox WHERE state IN ({marks})", *states)  # noqa: S608 - question marks
        questions = self.stored()
        return {questions[number] for (number,) in rows}

    def troubled(self, *but: int) -> int:
        """How many messages ended in a way that nobody wished for; leave out these states."""
        return sum(
            self.bot.count("outbox", "state = ?", state) for state in {UNCERTAIN, DROPPED, FAILED} - {*but}
        )

    # -- what people have seen ---------------------------------------------------------------------

    def answers(self) -> Counter[Asked]:
        """How often each question was answered, as people saw it."""
        found: Counter[Asked] = Counter()
        for one in self.platform.sent():
            code = _CODE.search(one["plain"])
            assert code is not None, f"nobody asked for this: {one['plain']!r}"
            found[str(one["chat_id"]), int(code.group(1))] += 1
        return found

    def everything(self) -> set[Asked]:
        """Every question that was pushed."""
        return {(chat, code) for chat, codes in self.asked.items() for code in codes}

    def disorder(self, *, as_pushed: bool) -> list[Any]:
        """Chats in which an answer overtook an earlier one: what was asked, and the first answers as they came.

        Where the platform itself keeps no order (not `as_pushed`), the order of a chat is the one in which its
        questions were stored.
        """
        order: dict[str, list[int]] = defaultdict(list)
        for _, (chat, code) in sorted(self.stored().items()):
            order[chat].append(code)
        if as_pushed:
            order = self.asked
        seen: dict[str, list[int]] = defaultdict(list)
        for chat, code in self.answers():  # in the order of the first answers
            seen[chat].append(code)
        return [
            (chat, order[chat], codes)
            for chat, codes in seen.items()
            if codes != [code for code in order[chat] if code in codes]
        ]

    def settle(self, *, seconds: float = 60.0) -> None:
        """Wait until nothing is left to do anywhere."""
        self.until(self.ended, "everything is pushed", seconds)
        self.until(lambda: not self.platform.state()["pending"], "everything is fetched", seconds)
        self.until(lambda: len(self.stored()) >= self.offered, f"{self.offered} questions stored", seconds)
        self.until(lambda: not self.bot.count("inbox", "state = 0"), "all of them handled", seconds)
        self.until(lambda: not self.bot.count("outbox", "state < 2"), "nothing left to send", seconds)

    def until(self, check: Callable[[], Any], what: str, seconds: float = 60.0) -> None:
        """Wait; a failure names the seed."""
        try:
            eventually(check, f"{what} (seed {self.seed})", seconds=seconds, alive=self.bot.alive)
        except AssertionError as error:
            error.add_note(f"the platform: {self.platform.state()}; the bot: {self.bot.output()[-4000:]}")
            raise


def _asked(payload: dict[str, Any]) -> Asked | None:
    """The question in an update of MAX or of GREEN-API."""
    if "message" in payload:
        chat, words = payload["message"]["recipient"]["chat_id"], payload["message"]["body"]["text"]
    elif payload.get("typeWebhook") == "incomingMessageReceived":
        chat = payload["senderData"]["chatId"]
        words = payload["messageData"].get("textMessageData", {}).get("textMessage", "")
    else:
        return None
    code = _ASKED.search(words or "")
    return None if code is None else (str(chat), int(code.group(1)))


TOLD = dict.fromkeys(
    (
        "incomingWebhook",
        "outgoingMessageWebhook",
        "stateWebhook",
        "editedMessageWebhook",
        "deletedMessageWebhook",
    ),
    "yes",
)
"""What a channel switches on itself; it is on from the start, so that no message comes before."""

CHATTY = {**TOLD, "outgoingWebhook": "yes", "outgoingAPIMessageWebhook": "yes"}
"""With an echo and a status of every answer besides."""


KILLS = 8
PER_SECOND = 25.0
SLOW = 0.06
"""Seconds until a send is answered: long enough for a kill to meet some on their way."""
AT_ONCE = 32
"""How many calls the bot has under way at most; while it catches up it has so many."""


def survives_kills(
    make: Callable[[int], CodeLoad],
    default: int,
    *,
    as_pushed: bool = True,
    away: Callable[[CodeLoad], object] = id,
) -> None:
    """Kill the bot of this load at random moments, let it finish, and count what people saw: once each, in order.

    The delivery policy is `at_most_once`: a message that was on its way at a kill may be missing, and is then marked as
    uncertain; none is repeated. `away` may meddle while the bot is dead.
    """
    load = make(int(os.environ.get("OPTFM_TEST_SEED", default)))
    what = f"seed {load.seed}"
    sending: list[set[Asked]] = []
    for number in range(KILLS):
        if load.ended():
            load.begin(PER_SECOND, 3)
        sent = load.platform.state()["sent"]
        process = load.bot.launch()
        if number % 3:  # at work, or (every third time) anywhere in its start
            load.until(lambda: load.platform.state()["sent"] > sent, "it is at work")  # noqa: B023 - used at once
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(load.dice.uniform(0.0, 0.6) if number % 3 else load.dice.uniform(0.3, 1.9))
        if number == KILLS - 1 and not any(sending):  # chance has spared every message so far
            if load.ended():
                load.begin(PER_SECOND, 3)
            load.until(lambda: load.platform.state()["in_flight"] > 0, "a message is on its way")
        load.bot.kill()
        load.platform.wait(in_flight=0)
        sending.append(load.questions_in(SENDING))
        away(load)
    load.bot.start()
    load.settle()

    everything, stored = load.everything(), Counter(load.stored().values())
    answers, uncertain = load.answers(), load.questions_in(UNCERTAIN)
    in_flight = set[Asked]().union(*sending)
    assert everything - stored.keys() == set(), what
    assert [asked for asked, times in stored.items() if times > 1] == [], what
    assert [asked for asked, times in answers.items() if times > 1] == [], what
    assert everything - answers.keys() - uncertain == set(), what
    assert uncertain <= in_flight, what
    assert max(map(len, sending)) <= AT_ONCE, what
    assert load.disorder(as_pushed=as_pushed) == [], what
    assert load.troubled(UNCERTAIN) == 0, what
    assert load.bot.count("outbox") == load.offered, what
    assert in_flight, f"{what}: no kill met a message on its way, so this run proves nothing"


class Visitor:
    """Somebody who asks for codes in a private chat of their own."""

    def __init__(self, bot: Bot, chat: int | str) -> None:
        self.bot = bot
        self.platform = bot.platform
        self.chat = chat

    def asks(self, code: int) -> None:
        """Ask for a code."""
        self.platform.push("text", f"Артикул {code:03d} — что это?", chat=self.chat)

    @property
    def answers(self) -> list[int]:
        """The codes of the answers that were seen, in order."""
        found = [_CODE.search(one["plain"]) for one in self.platform.sent(self.chat)]
        assert None not in found, self.platform.sent(self.chat)
        return [int(one.group(1)) for one in found if one is not None]

    @property
    def outcomes(self) -> list[int]:
        """The states of the messages promised to them, in order."""
        lane = f"{self.platform.name}:{self.chat}"
        rows = self.bot.rows("SELECT state FROM outbox WHERE lane = ? ORDER BY id", lane)
        return [state for (state,) in rows]

    def calls(self, method: str) -> list[int]:
        """The statuses of the sends to them; 0 where no answer was heard."""
        found = self.platform.control("calls", method=method)["calls"]
        place = str(self.chat)
        return [
            one["status"]
            for one in found
            if place in {str(one.get("chat_id")), str(one["given"].get("chatId"))}
        ]

    def sees(self, *codes: int) -> None:
        """Wait until exactly these answers were seen, and are written down as sent."""
        self.wait(lambda: self.answers == [*codes], f"the answers {codes}")
        self.wait(lambda: set(self.outcomes) <= {SENT}, "they are written down as sent")

    def wait(self, check: Callable[[], Any], what: str) -> None:
        """Wait; a failure tells what was seen."""
        try:
            eventually(check, what, alive=self.bot.alive)
        except AssertionError as error:
            error.add_note(f"seen: {self.answers}, outbox: {self.outcomes}, {self.platform.state()}")
            raise


def coded_bot(stack: ExitStack, folder: Path, platform: Fake, mode: str) -> Bot:
    """Start a bot whose base is the codes; it may say that it parked something."""
    write_codes(folder / "knowledge.yaml")
    bot = stack.enter_context(Bot(folder, stack.enter_context(platform), mode=mode))
    bot.expected.add("dispatch.parked")
    return bot.start()
