"""What is lost, doubled and out of order after a kill -9 in the middle of a burst.

Every question has a number, no chat asks for one twice, and the answer carries it: so each answer names the message
that it belongs to, and what people saw can be counted without asking the bot. The fake keeps what was not
acknowledged and delivers it again to the bot that was started anew, as Telegram does.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.suite import HERE, Command, Fake, Suite

MESSAGES = 300
CHATS = 30
CODES = 11
"""Questions of the base; it has no common divisor with the number of chats, so no chat asks for one twice."""

FIRST_CHAT = 100
KILL_AFTER = (150, 70, 230, 110, 190)
"""How many answers people have seen when the bot is killed, round by round: updates come in batches of up to 100."""

LATENCY = 0.04
"""Seconds until the platform answers a send (it has reached the person before that), unless the command line says more.
A platform that answers at once would hide what a bot has on its way."""

PATIENCE = 90.0
QUIET = 2.0
"""Seconds without a further answer after which no more is expected."""

UNCERTAIN = 3
"""State of a message in the outbox of this project whose fate is unknown, and said to be."""

Asked = tuple[int, int]
"""A question: its chat, and the number that it asks for."""

_NUMBER = re.compile(r"(\d{3})")


def question(code: int) -> str:
    return f"Артикул {code:03d} — что это?"


BASE: Mapping[str, str] = {question(code): f"Это номер {code:03d} из каталога." for code in range(CODES)}
ASKED: Sequence[Asked] = [(FIRST_CHAT + index % CHATS, index % CODES) for index in range(MESSAGES)]
"""What the fake's `burst` asks, in its order."""


class Kills:
    """One kill of a bot for each round; every variant is killed at the same points."""

    def __init__(self, command: Command) -> None:
        """Take the command lines of bots that know `BASE`."""
        self.command = command
        self._rounds: Counter[str] = Counter()

    def measure(self, suite: Suite, variant: str, options: argparse.Namespace) -> dict[str, float]:
        """Kill the bot of this variant, start it again, and count what became of the messages.

        Raises:
            RuntimeError: An answer belongs to no question: the bot does not know its base, and the count means nothing.
            TimeoutError: The bot did not come to rest after its second start.
        """
        after = KILL_AFTER[self._rounds[variant] % len(KILL_AFTER)]
        self._rounds[variant] += 1
        fake = Fake(suite, max(LATENCY, options.latency))
        try:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                words = self.command(variant, fake.base, folder)
                _until_killed(fake, words, after)
                _until_done(fake, words)
                return count(_answers(fake), _written_down(folder / "bench.db"))
        finally:
            fake.close()


def _start(words: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=HERE.parent)


def _until_killed(fake: Fake, words: Sequence[str], after: int) -> None:
    fake.control("push", kind="text", args=[question(0)], chat=1)
    process = _start(words)
    try:
        fake.control("wait", sent=1, timeout=PATIENCE)
        fake.control("burst", messages=MESSAGES, chats=CHATS, texts=list(BASE), first_chat=FIRST_CHAT)
        fake.control("wait", sent=1 + after, timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    fake.control("wait", in_flight=0, timeout=PATIENCE)


def _until_done(fake: Fake, words: Sequence[str]) -> None:
    """Start again, and wait until what came after the burst is answered too, and then for silence."""
    fake.control("push", kind="text", args=[question(0)], chat=2)
    process = _start(words)
    try:
        deadline = time.monotonic() + PATIENCE
        state: dict[str, Any] = {}
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            before, state = state, fake.control("state")
            unchanged = state["sent"] == before.get("sent")
            if not (unchanged and _greeted(fake) and not state["in_flight"] and not _owed(state)):
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > QUIET:
                return
            time.sleep(0.1)
        raise TimeoutError(f"not settled {PATIENCE:.0f} s after the second start; the fake says {state}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _owed(state: Mapping[str, Any]) -> bool:
    """Whether a webhook still has to bring something; a poller may confirm its last batch only with its next call."""
    return bool(state["webhook"] and state["pending"])


def _greeted(fake: Fake) -> bool:
    return bool(fake.control("sent", chat_id=2)["messages"])


def _answers(fake: Fake) -> list[Asked]:
    """What people in the chats of the burst saw, in order, each answer as the question that it belongs to."""
    found = []
    for one in fake.control("sent")["messages"]:
        number = _NUMBER.search(one["plain"])
        asked = (one["chat_id"], int(number.group(1)) if number else -1)
        if one["chat_id"] < FIRST_CHAT:
            continue
        if asked not in ASKED:
            raise RuntimeError(f"an answer to no question in chat {one['chat_id']}: {one['plain']!r}")
        found.append(asked)
    return found


def _written_down(database: Path) -> set[Asked]:
    """The questions whose answers this project's bot has marked as uncertain; other bots keep nothing."""
    if not database.exists():
        return set()
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT inbox.payload FROM outbox JOIN inbox ON inbox.id = outbox.inbox_id WHERE outbox.state = ?",
            (UNCERTAIN,),
        ).fetchall()
    messages = [json.loads(payload)["message"] for (payload,) in rows]
    return {(one["chat"]["id"], int(_NUMBER.findall(one["text"])[0])) for one in messages}


def count(answers: Sequence[Asked], known: Iterable[Asked]) -> dict[str, float]:
    """What became of the messages.

    `kill_lost` were never answered, `kill_lost_known` of those are marked in the bot's own books, `kill_twice` were
    answered more than once, `kill_overtaken` got their first answer after that of a later message of the same chat.
    """
    lost = set(ASKED) - set(answers)
    twice = sum(times > 1 for times in Counter(answers).values())
    place = {asked: index for index, asked in enumerate(ASKED)}
    newest: dict[int, int] = defaultdict(lambda: -1)
    overtaken = 0
    for asked in dict.fromkeys(answers):  # first answers, in their order
        chat = asked[0]
        overtaken += place[asked] < newest[chat]
        newest[chat] = max(newest[chat], place[asked])
    return {
        "kill_lost": len(lost),
        "kill_lost_known": len(lost & set(known)),
        "kill_twice": twice,
        "kill_overtaken": overtaken,
    }
