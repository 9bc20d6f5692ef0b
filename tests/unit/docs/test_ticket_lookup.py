"""Every question of the page "Look up a ticket" gives what it promises, on a small history of a helpdesk."""

from __future__ import annotations

import re
import sqlite3
import uuid
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import Direction, NewUpdate, OutboxRow, OutboxState, PersonRow, TurnRow
from optfm_bot.store.request_records import AlarmRow
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore
from optfm_bot.store.ticket_records import DeskCustomerRow, DeskMessageRow, TicketRow, TicketStatus

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "look-up-a-ticket.md"
OPERATE = PAGE.with_name("operate.md")
NOON = 1_760_097_600_000  # 2025-10-10 12:00 UTC
HOUR = 3_600_000
LANE = "max:dialog 4217"


def questions() -> dict[str, list[str]]:
    """The page's queries, by the heading that they stand under."""
    found: dict[str, list[str]] = {}
    for section in PAGE.read_text("utf-8").split("\n## ")[1:]:
        title, _, rest = section.partition("\n")
        found[title] = re.findall(r"```sql\n(.*?)```", rest, re.DOTALL)
    return found


def ticket(row_id: int, **facts: Any) -> TicketRow:
    known: dict[str, Any] = {
        "desk": "freescout",
        "lane": LANE,
        "person": "max:4217",
        "subject": "Доставка",
        "opened_at": NOON,
        "updated_at": NOON + HOUR,
    }
    return TicketRow(id=row_id, **{**known, **facts})


def passed(number: int, direction: Direction, kind: str, external_id: str | None, at: int) -> DeskMessageRow:
    return DeskMessageRow(
        id=number,
        ticket_id=11,
        desk="freescout",
        direction=direction,
        kind=kind,
        external_id=external_id,
        at=NOON + at,
        done_at=None if external_id is None else NOON + at,
    )


async def write(store: Store) -> None:
    """Anna's closed and open tickets; two messages of hers, an agent's answer, one more that is on its way."""
    async with store.unit() as unit:
        update = NewUpdate(channel="max", key="mid.1", lane=LANE, payload=b"{}")
        unit.inbox.add(update, received_at=NOON, owner=None, lease_until=0)
    caused = unit.added[0].id
    async with store.unit() as unit:
        unit.history.save_person(
            PersonRow(
                ref="max:4217",
                channel="max",
                external_id="4217",
                display_name="Анна",
                first_seen_at=NOON,
                last_seen_at=NOON,
            )
        )
        over: dict[str, Any] = {"status": TicketStatus.CLOSED, "closed_at": NOON}
        unit.desk.add_ticket(
            ticket(10, external_id="60", number="1030", subject="Оплата", customer_id="5", **over)
        )
        unit.desk.add_ticket(
            ticket(11, external_id="77", number="1042", customer_id="5", assignee="Ольга", url="https://d/77")
        )
        unit.desk.add_ticket(ticket(12, lane="tg:9", person="tg:9", external_id="78", number="1043"))
        for at, person in enumerate(("max:4217", "tg:9")):
            row = DeskCustomerRow(desk="freescout", person=person, customer_id="5", at=NOON + at * HOUR)
            unit.desk.save_customer(row)
        unit.history.add_turn(
            TurnRow(
                id=90,
                lane=LANE,
                direction=Direction.IN,
                kind="text",
                text="Где заказ?",
                at=NOON,
                message_id="mid.1",
                inbox_id=caused,
            )
        )
        unit.outbox.add(promised(100, "freescout", "customer", inbox_id=caused))
        unit.outbox.add(promised(103, "max", "agent", turn_id=102))
        unit.outbox.add(promised(104, "freescout", "customer"))
        for row in (
            passed(100, Direction.OUT, "customer", "981", 0),
            passed(101, Direction.OUT, "note", "982", HOUR),
            passed(102, Direction.IN, "agent", "984", 2 * HOUR),
            passed(104, Direction.OUT, "customer", None, 3 * HOUR),
        ):
            unit.desk.add_message(row)
        unit.alarms.set(AlarmRow(lane=LANE, name="nobody", due_at=NOON + 4 * HOUR))
        unit.alarms.set(AlarmRow(lane="tg:9", name="nobody", due_at=NOON))
    async with store.unit() as unit:
        unit.outbox.sent(100, external_ids='["981"]', degraded=None, at=NOON)
        unit.outbox.sent(103, external_ids='["mid.7"]', degraded=None, at=NOON + 2 * HOUR)
        unit.outbox.sending(104)


def promised(number: int, channel: str, purpose: str, **facts: Any) -> OutboxRow:
    return OutboxRow(
        id=number,
        channel=channel,
        lane=LANE,
        message="{}",
        purpose=purpose,
        created_at=NOON,
        state=OutboxState.READY,
        **facts,
    )


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    path = tmp_path / "optfm.db"
    await upgrade(database_url(f"sqlite:///{path}"))
    store = SqlStore(f"sqlite+aiosqlite:///{path}")
    await store.open()
    await write(store)
    await store.close()
    return path


THE_ANSWERS: dict[str, list[list[tuple[Any, ...]]]] = {
    "Whose ticket is this": [
        [("max:4217", "Анна", "open", "Ольга", "77", "https://d/77", "2025-10-10 12:00:00", None)]
    ],
    "Which tickets a person has": [
        [
            ("freescout", "1042", "open", "Доставка", "Ольга", "2025-10-10 12:00:00"),
            ("freescout", "1030", "closed", "Оплата", "", "2025-10-10 12:00:00"),
        ],
        [("5", "max:4217", "2025-10-10 12:00:00"), ("5", "tg:9", "2025-10-10 13:00:00")],
    ],
    "What went through, in which direction, when": [
        [
            ("to helpdesk", "customer", "mid.1", "981", "2025-10-10 12:00:00", "2025-10-10 12:00:00"),
            ("to helpdesk", "note", None, "982", "2025-10-10 13:00:00", "2025-10-10 13:00:00"),
            ("from helpdesk", "agent", '["mid.7"]', "984", "2025-10-10 14:00:00", "2025-10-10 14:00:00"),
            ("to helpdesk", "customer", None, None, "2025-10-10 15:00:00", None),
        ],
        [("2025-10-10", "freescout", 3, 1)],
    ],
    "Who waits for an agent": [[("freescout", "1042", "max:4217", "Ольга", "2025-10-10 15:00:00", 1)]],
    "Who waits for the helpdesk": [[(104, "freescout", LANE, "customer", 1, 0, None, "2025-10-10 12:00:00")]],
    "What happens next in a conversation": [[("nobody", "2025-10-10 16:00:00")]],
    "Coming from the MAX–FreeScout bridge": [
        [("4217", "77", "5", "2025-10-10 12:00:00", "2025-10-10 13:00:00")],
        [
            (102, "984", "freescout_to_max", "2025-10-10 14:00:00"),
            (101, "982", "max_to_freescout", "2025-10-10 13:00:00"),
            (100, "981", "max_to_freescout", "2025-10-10 12:00:00"),
        ],
    ],
}


def test_every_question_of_the_page_is_asked_here() -> None:
    asked = {title: len(found) for title, found in questions().items() if found}
    assert asked == {title: len(answers) for title, answers in THE_ANSWERS.items()}


@pytest.mark.parametrize("title", THE_ANSWERS)
async def test_a_question_is_answered_as_the_page_says(database: Path, title: str) -> None:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        found = [connection.execute(question).fetchall() for question in questions()[title]]

    assert found == THE_ANSWERS[title]


def in_postgresql(question: str) -> str:
    """A question with the words changed as the page says."""
    times = re.sub(r"datetime\((\w[\w.()]*) / 1000, 'unixepoch'\)", r"to_timestamp(\1 / 1000)", question)
    joined = re.sub(r"group_concat\(([\w.]+)\)", r"string_agg(\1, ',')", times)
    return re.sub(r"sum\((\w+ [=<>]+ \d)\)", r"count(*) FILTER (WHERE \1)", joined)


def plain(value: object) -> object:
    """A value of PostgreSQL as SQLite gives it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return value.isoformat() if isinstance(value, date) else value


async def test_postgresql_answers_the_same_with_the_words_that_the_page_says(postgresql_address: str) -> None:
    name = f"optfm_{uuid.uuid4().hex[:12]}"
    url = make_url(postgresql_address).set(database=name).render_as_string(hide_password=False)
    admin = create_async_engine(postgresql_address, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        await upgrade(database_url(url))
        store = SqlStore(url)
        await store.open()
        await write(store)
        await store.close()
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            await connection.exec_driver_sql("SET TIME ZONE 'UTC'")
            for title, answers in THE_ANSWERS.items():
                for question, answer in zip(questions()[title], answers, strict=True):
                    rows = await connection.exec_driver_sql(in_postgresql(question))
                    assert [tuple(map(plain, row)) for row in rows] == answer, title
            for question in re.findall(r"```sql\n(.*?)```", OPERATE.read_text("utf-8"), re.DOTALL):
                await connection.exec_driver_sql(in_postgresql(question))
        await engine.dispose()
    finally:
        async with admin.connect() as connection:
            await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await admin.dispose()
