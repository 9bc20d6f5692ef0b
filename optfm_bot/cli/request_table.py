"""Requests as the command line reads them from the database, prints them, and writes them into tables."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from config.schema import Settings
from faq.transfer import TransferError, replace_file
from faq.transfer.csv_format import write_csv
from faq.transfer.notes import Fault
from faq.transfer.xlsx_format import write_xlsx
from optfm_bot.cli.database import bring_up_to_date
from optfm_bot.domain.requests import labelled
from optfm_bot.housekeeping.backups import default_folder
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.office import Office
from optfm_bot.store.contract import Store
from optfm_bot.store.engine import database_url
from optfm_bot.store.request_records import RequestEventRow, RequestRow, RequestStatus
from optfm_bot.store.sql import SqlStore

T = TypeVar("T")

EXPORTS = ("csv", "xlsx")
"""Kinds of tables."""

_PAGE = 500
_ABOUT = ("number", "created", "status", "form", "assignee", "person", "chat")
_WIDTHS = (14, 17, 12, 14, 18, 22, 26)
_WIDTH = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which requests are asked for; `since` in ms."""

    status: str | None = None
    form: str | None = None
    since: int | None = None

    async def read(self, store: Store, *, limit: int, before: int | None = None) -> Sequence[RequestRow]:
        """The newest of them, of those with an id below `before`."""
        return await store.requests(
            status=None if self.status is None else RequestStatus(self.status),
            form=self.form,
            since=self.since,
            before=before,
            limit=limit,
        )


async def in_store(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    """Do something in the database, made or brought up to date before. A bot that runs with it goes on meanwhile.

    Raises what the store raises, and `StartRefused` if a bot runs whose database has to be brought up to date.
    """
    url = database_url(settings.database.url)
    await bring_up_to_date(url, backups=default_folder(url, None, Path()))
    store = SqlStore(url.render_as_string(hide_password=False))
    await store.open()
    try:
        return await work(store)
    finally:
        await store.close()


async def every(store: Store, page: Page) -> list[RequestRow]:
    """All requests that are asked for, newest first."""
    rows: list[RequestRow] = []
    while True:
        found = await page.read(store, limit=_PAGE, before=rows[-1].id if rows else None)
        rows += found
        if len(found) < _PAGE:
            return rows


def as_data(row: RequestRow, events: Sequence[RequestEventRow] | None = None) -> dict[str, Any]:
    """A request for programs."""
    data: dict[str, Any] = {
        "number": row.number,
        "form": row.form,
        "status": row.status.value,
        "assignee": row.assignee,
        "person": row.person,
        "chat": row.lane,
        "created_at": _iso(row.created_at),
        "updated_at": _iso(row.updated_at),
        "fields": dict(row.fields),
    }
    if events is not None:
        data["events"] = [
            {"at": _iso(one.at), "by": one.by, "status": one.status.value, "comment": one.comment}
            for one in events
        ]
    return data


def as_file(
    rows: Sequence[RequestRow], kind: str, file: Path, office: Office, *, language: str, overwrite: bool
) -> None:
    """Write a table that only its owner can read: personal data is in it. Raises `TransferError`.

    No cell becomes a formula, whatever people wrote. Answers of several forms with the same label share a column.
    """
    if file.exists() and not overwrite:
        raise TransferError(Fault.EXISTS, name=file)
    words = Catalogue.load()
    cli = Catalogue.load("cli")
    answers = [
        _by_column(labelled(office.forms.get(row.form), row.fields, words=words, language=language))
        for row in rows
    ]
    labels = list(dict.fromkeys(label for one in answers for label in one))
    table = [[*(cli.label(f"requests.column_{name}", language) for name in _ABOUT), *labels]]
    for row, given in zip(rows, answers, strict=True):
        about = (
            row.number,
            moment(row.created_at, office.zone),
            status_word(row.status, language),
            row.form,
            row.assignee,
            row.person,
            row.lane,
        )
        table.append([*about, *(given.get(label, "") for label in labels)])
    if kind == "csv":
        content = write_csv(table)
    else:
        content = write_xlsx(table, [*_WIDTHS, *([_WIDTH] * len(labels))], title="Requests")
    if not file.exists() and file.parent.is_dir():
        file.touch(mode=0o600)  # the new content keeps the rights of what it replaces
    replace_file(file, content)


def _by_column(answers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Answers of one request by the heading of their column: no two of them share one."""
    found: dict[str, str] = {}
    for label, value in answers:
        names = (label if number == 1 else f"{label} {number}" for number in count(1))
        found[next(name for name in names if name not in found)] = value
    return found


def status_word(status: RequestStatus, language: str) -> str:
    """What people call a status."""
    return Catalogue.load().label(f"request.status_{status.value}", language)


def moment(ms: int, zone: ZoneInfo) -> str:
    """A moment as people read it."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone):%Y-%m-%d %H:%M}"


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).isoformat().replace("+00:00", "Z")
