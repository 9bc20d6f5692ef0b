"""From the schema of the first version to today's with nothing lost: who waited then is answered now.

The database is what the first version left when it was stopped in the middle of its work, row by row.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from optfm_bot.store.schema import HEAD, migrate_sync
from tests.e2e.processes import Bot, Person, Platform, eventually

pytestmark = pytest.mark.e2e

THEN = 1_760_000_000_000
ANSWER = 249_966_185_502_273_538
BUTTONS = [["Сроки", "entry", "delivery-time"], ["👍 Помогло", "rate", 1, "delivery-cost", "2b27a4b10173"]]


def update(number: int, person: Person, text: str) -> tuple[Any, ...]:
    """An update as the first version stored it: lane, key and payload."""
    payload = {
        "update_id": 90_000_000 + number,
        "message": {
            "message_id": 700 + number,
            "from": {"id": person.chat, "is_bot": False, "first_name": "Анна", "language_code": "ru"},
            "chat": {"id": person.chat, "first_name": "Анна", "type": "private"},
            "date": THEN // 1000,
            "text": text,
        },
    }
    key = f"777000777:{payload['update_id']}"
    return number, key, f"telegram:{person.chat}", json.dumps(payload, ensure_ascii=False).encode()


def message(person: Person, text: str) -> str:
    """An outgoing message as the first version encoded it."""
    return json.dumps({"v": 1, "c": ["telegram", str(person.chat)], "b": [["p", text]], "g": "reachable"})


def were_here(platform: Platform, *people: Person) -> None:
    """They wrote to the first version, so the platform knows their chats."""
    for person in people:
        person.says("Здравствуйте")
    newest = max(int(one["update_id"]) for one in platform.call("getUpdates")["result"])
    platform.call("getUpdates", offset=newest + 1)


def leave_work(path: Path, anna: Person, boris: Person) -> None:
    """Two people, three questions that nobody has answered, two answers that have not left."""
    migrate_sync(f"sqlite:///{path}", "0001")
    here, there = f"telegram:{anna.chat}", f"telegram:{boris.chat}"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executemany(
            "INSERT INTO inbox (id, channel, key, lane, payload, received_at, state, attempts, owner, lease_until,"
            " error, done_at) VALUES (?, 'telegram', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (*update(1, anna, "Сколько стоит доставка?"), THEN, 1, 0, None, 0, None, THEN),
                # In the hands of the process that is no more.
                (*update(2, anna, "Как оплатить заказ?"), THEN, 0, 0, "dead", THEN + 60_000, None, None),
                (*update(3, anna, "Как вернуть товар?"), THEN, 0, 0, "dead", THEN + 60_000, None, None),
                # Waited for its third try.
                (*update(4, boris, "Какие сроки доставки?"), THEN, 0, 2, None, 0, "a bug of then", None),
                (*update(5, boris, "забыто"), THEN, 9, 4, None, 0, "a worse bug of then", THEN),
            ],
        )
        connection.executemany(
            "INSERT INTO outbox (id, inbox_id, channel, lane, turn_id, purpose, message, state, attempts, created_at,"
            " external_ids, sent_at) VALUES (?, ?, 'telegram', ?, ?, 'answer', ?, ?, 0, ?, ?, ?)",
            [
                (ANSWER, 1, here, ANSWER - 1, message(anna, "отправлено тогда"), 2, THEN, '["2"]', THEN),
                (ANSWER + 8, 91, here, None, message(anna, "обещано тогда"), 0, THEN, None, None),
                (ANSWER + 9, 92, there, None, message(boris, "отправлялось тогда"), 1, THEN, None, None),
            ],
        )  # fmt: skip
        connection.execute(
            "INSERT INTO turns (id, lane, direction, kind, text, at, inbox_id, entry_id, entry_version, score, choices)"
            " VALUES (?, ?, 1, 'answer', 'отправлено тогда', ?, 1, 'delivery-cost', '2b27a4b10173', 1.0, ?)",
            (ANSWER - 1, here, THEN, json.dumps(BUTTONS, ensure_ascii=False)),
        )
        connection.execute(
            "INSERT INTO conversations (lane, channel, state, updated_at) VALUES (?, 'telegram', ?, ?)",
            (
                here,
                json.dumps({"person": here, "offered": 0, "topic": "delivery-cost", "topic_at": THEN}),
                THEN,
            ),
        )
        connection.executemany(
            "INSERT INTO people (ref, channel, external_id, display_name, locale, language, first_seen_at,"
            " last_seen_at) VALUES (?, 'telegram', ?, ?, 'ru', ?, ?, ?)",
            [
                (here, str(anna.chat), "Анна", None, THEN, THEN),
                (there, str(boris.chat), "Борис", "ru", THEN, THEN),
            ],
        )
        connection.execute(
            "INSERT INTO misses (id, lane, text, kind, at) VALUES (1, ?, 'вы продаёте слонов?', 'admitted', ?)",
            (here, THEN),
        )


def command(bot: Bot, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "optfm_bot", *words, "--lang", "en"],
        cwd=bot.folder,
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("by", ["db upgrade", "run"])
def test_what_the_first_version_left_undone_is_done_by_today_s(tmp_path: Path, by: str) -> None:
    with (
        Platform() as platform,
        Bot(
            tmp_path / "bot",
            platform,
            delivery={"policy": "at_least_once"},
            # Months have passed, and what was kept then is to be seen here.
            retention={"updates": 0, "parked": 0, "messages": 0, "misses": 0},
        ) as bot,
    ):
        anna, boris = platform.person(first_name="Анна"), platform.person(first_name="Борис")
        were_here(platform, anna, boris)
        leave_work(bot.database, anna, boris)
        before = bot.rows("SELECT id, key, payload FROM inbox ORDER BY id")
        if by == "db upgrade":
            assert f"0001 → {HEAD}" in command(bot, "db", "upgrade")
            (copy,) = (bot.folder / "backups").glob("before-*.db")
            assert bot.rows("SELECT version_num FROM alembic_version") == [(HEAD,)]
            with closing(sqlite3.connect(copy)) as old:
                assert old.execute("SELECT id, key, payload FROM inbox ORDER BY id").fetchall() == before
        bot.start()

        anna.sees("обещано тогда")
        anna.sees("По счёту или картой.")
        anna.sees("14 дней")
        eventually(lambda: len(platform.sent(boris.chat)) == 2, "both messages for Boris", alive=bot.alive)
        assert {one["plain"] for one in platform.sent(boris.chat)} == {
            "отправлялось тогда",
            "Обычно 2–7 дней.",
        }
        eventually(lambda: not bot.count("outbox", "state < 2"), "all is sent", alive=bot.alive)
        eventually(lambda: not bot.count("inbox", "state = 0"), "all is handled", alive=bot.alive)

        # What was finished stays as it was, and nothing of it is done again.
        assert bot.rows("SELECT id, key, payload FROM inbox WHERE id <= 5 ORDER BY id") == before
        assert bot.rows("SELECT state, error FROM inbox WHERE id = 5") == [(9, "a worse bug of then")]
        assert bot.rows("SELECT state, sent_at FROM outbox WHERE id = ?", ANSWER) == [(2, THEN)]
        assert bot.count("turns", "id = ?", ANSWER - 1) == 1
        assert bot.count("misses", "text = 'вы продаёте слонов?'") == 1
        assert bot.rows("SELECT first_seen_at FROM people ORDER BY ref") == [(THEN,), (THEN,)]
        anna.sees_nothing_else()

        # And the operator gives the parked one its chance.
        bot.terminate()
        assert "updates 1" in command(bot, "db", "revive", "--all-updates")
        bot.start()
        eventually(
            lambda: bot.count("inbox", "id = 5 AND state = 1"), "the parked one is handled", alive=bot.alive
        )
