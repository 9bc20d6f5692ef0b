"""requests: listed, shown, changed by the rules, exported without formulas and for nobody else's eyes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from openpyxl import load_workbook

from optfm_bot.clock import SystemClock
from optfm_bot.store.contract import Store
from optfm_bot.store.request_records import RequestRow, RequestStatus
from optfm_bot.store.sql import SqlStore

Cli = Callable[..., Result]

DAY = 24 * 60 * 60 * 1000
CONFIG = """\
notify:
  managers: [{name: Анна}, {name: Олег}]
forms:
  callback:
    title: Обратный звонок
    steps:
      - {name: phone, kind: phone}
      - {name: when, label: Описание}
      - {name: why}
"""


def in_store(folder: Path, row: RequestRow) -> None:
    async def work() -> None:
        store: Store = SqlStore(f"sqlite+aiosqlite:///{folder / 'optfm.db'}")
        await store.open()
        async with store.unit() as unit:
            unit.requests.add(row)
        await store.close()

    asyncio.run(work())


def request(number: int, *, form: str = "request", days: int = 0, **fields: str) -> RequestRow:
    at = SystemClock().ms() - days * DAY
    return RequestRow(
        id=number,
        number=f"261121-{number:04}",
        form=form,
        lane=f"tg:{number}",
        person=f"telegram:{number}",
        fields=fields,
        created_at=at,
        updated_at=at,
    )


@pytest.fixture
def folder(cli: Cli, tmp_path: Path) -> Path:
    """A database with two requests."""
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    assert 0 == cli("db", "upgrade").exit_code
    in_store(tmp_path, request(1, days=10, name="Анна", phone="+79001234567", description="=HYPERLINK(1)"))
    in_store(tmp_path, request(2, form="callback", phone="+79007654321", when="@завтра", why="Да"))
    return tmp_path


def test_requests_are_listed_newest_first(cli: Cli, folder: Path) -> None:
    listed = cli("requests", "list").stdout

    assert listed.index("261121-0002") < listed.index("261121-0001")
    assert "новая" in listed
    assert "+7900" not in listed


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (("--form", "callback"), ["261121-0002"]),
        (("--since", "5"), ["261121-0002"]),
        (("--status", "done"), []),
        (("--limit", "1"), ["261121-0002"]),
        ((), ["261121-0002", "261121-0001"]),
    ],
)
def test_the_list_can_be_narrowed(
    cli: Cli, folder: Path, arguments: tuple[str, ...], numbers: list[str]
) -> None:
    found = json.loads(cli("requests", "list", "--json", *arguments).stdout)

    assert numbers == [one["number"] for one in found]


def test_where_there_are_none_that_is_said(cli: Cli, tmp_path: Path) -> None:
    assert (0, "Заявок нет.\n") == ((result := cli("requests", "list")).exit_code, result.stdout)


def test_a_request_is_shown_with_labels_and_its_life(cli: Cli, folder: Path) -> None:
    assert 0 == cli("requests", "take", "261121-0001", "--by", "Анна", "--comment", "звоню").exit_code
    shown = cli("requests", "show", "261121-0001").stdout

    for part in ("Имя: Анна", "Телефон: +79001234567", "Состояние: в работе", "Ответственный: Анна", "звоню"):
        assert part in shown
    found = json.loads(cli("requests", "show", "261121-0001", "--json").stdout)
    assert ("in_work", "Анна") == (found["status"], found["assignee"])
    assert [("in_work", "Анна", "звоню")] == [
        (one["status"], one["by"], one["comment"]) for one in found["events"]
    ]


def test_the_way_of_a_request_and_what_is_refused(cli: Cli, folder: Path) -> None:
    assert "в работе" in cli("requests", "take", "261121-0002").stdout
    again = cli("requests", "take", "261121-0002")
    assert 1 == again.exit_code
    assert "уже в работе" in again.stdout
    assert 0 == cli("requests", "done", "261121-0002", "--by", "Олег").exit_code

    refused = cli("requests", "cancel", "261121-0002")
    assert 1 == refused.exit_code
    assert "Заявка 261121-0002 уже выполнена, изменить её нельзя." in refused.stdout
    assert 1 == cli("requests", "assign", "261121-0002", "Анна").exit_code
    shown = json.loads(cli("requests", "show", "261121-0002", "--json").stdout)
    assert ["in_work", "done"] == [one["status"] for one in shown["events"]]


def test_who_is_overtaken_by_a_running_bot_overwrites_nothing_and_is_told(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = SqlStore.request_numbered

    async def slow(store: SqlStore, number: str) -> RequestRow | None:
        """Between the look and the change, somebody at another process is faster."""
        row = await find(store, number)
        assert row is not None
        other = SqlStore(f"sqlite+aiosqlite:///{folder / 'optfm.db'}")
        await other.open()
        async with other.unit() as unit:
            unit.requests.change(
                row.id, seen=row.updated_at, status=row.status, assignee="Анна", at=row.updated_at
            )
        await other.close()
        return row

    with monkeypatch.context() as patched:
        patched.setattr(SqlStore, "request_numbered", slow)
        overtaken = cli("requests", "assign", "261121-0001", "Олег")

    assert 1 == overtaken.exit_code
    assert "только что изменил кто-то другой. Теперь она новая, ответственный: Анна." in overtaken.stdout
    found = json.loads(cli("requests", "show", "261121-0001", "--json").stdout)
    assert ("Анна", []) == (found["assignee"], found["events"])
    assert 0 == cli("requests", "assign", "261121-0001", "Олег").exit_code


def test_a_request_is_given_to_a_manager_of_the_settings(cli: Cli, folder: Path) -> None:
    assert 0 == cli("requests", "assign", "261121-0001", "Олег").exit_code
    found = json.loads(cli("requests", "show", "261121-0001", "--json").stdout)
    assert ("new", "Олег") == (found["status"], found["assignee"])

    unknown = cli("requests", "assign", "261121-0001", "Никто")
    assert 2 == unknown.exit_code
    assert "Анна, Олег" in unknown.stderr
    assert "Олег" == json.loads(cli("requests", "show", "261121-0001", "--json").stdout)["assignee"]


@pytest.mark.parametrize("call", [("show",), ("take",), ("done",), ("cancel",)])
def test_an_unknown_number_is_said_to_be_unknown(cli: Cli, folder: Path, call: tuple[str, ...]) -> None:
    result = cli("requests", *call, "999999-9999")

    assert 1 == result.exit_code
    assert "999999-9999 нет" in result.stdout


def test_a_table_has_a_column_for_each_answer_and_no_formula(cli: Cli, folder: Path) -> None:
    assert 0 == cli("requests", "export", "--output", "out.csv").exit_code

    content = (folder / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert ["Телефон", "Описание", "Описание 2", "Имя"] == rows[0][7:]
    assert ["'+79007654321", "'@завтра", "Да", ""] == rows[1][7:]
    assert ["'+79001234567", "'=HYPERLINK(1)", "", "Анна"] == rows[2][7:]
    assert 0o600 == (folder / "out.csv").stat().st_mode & 0o777


def test_a_workbook_holds_texts_alone(cli: Cli, folder: Path) -> None:
    assert 0 == cli("requests", "export", "--format", "xlsx", "--output", "out.xlsx").exit_code

    cells = [
        cell for row in load_workbook(folder / "out.xlsx").active.iter_rows() for cell in row if cell.value
    ]
    assert {"=HYPERLINK(1)", "+79001234567"} <= {cell.value for cell in cells}
    assert {"s"} == {cell.data_type for cell in cells}


def test_an_export_can_be_narrowed_and_replaces_nothing_unasked(cli: Cli, folder: Path) -> None:
    (folder / "out.csv").write_text("mine")
    refused = cli("requests", "export", "--output", "out.csv")
    assert refused.exit_code != 0
    assert "mine" == (folder / "out.csv").read_text()

    assert 0 == cli("requests", "export", "--output", "out.csv", "--overwrite", "--since", "5").exit_code
    text = (folder / "out.csv").read_text("utf-8-sig")
    assert "261121-0002" in text
    assert "261121-0001" not in text


def test_without_the_library_for_workbooks_it_is_said_how_to_get_it(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    result = cli("requests", "export", "--format", "xlsx", "--output", "out.xlsx")

    assert 1 == result.exit_code
    assert "optfm-bot[xlsx]" in result.stderr
    assert not (folder / "out.xlsx").exists()


def test_an_export_of_many_is_whole(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optfm_bot.cli.request_table._PAGE", 2)
    for number in range(3, 8):
        in_store(folder, request(number, name="Ира"))
    assert 0 == cli("requests", "export", "--output", "out.csv").exit_code

    assert 8 == len((folder / "out.csv").read_text("utf-8-sig").splitlines())


def test_every_status_has_a_word() -> None:
    from optfm_bot.cli.request_table import status_word  # noqa: PLC0415 - beside its only use

    assert 4 == len({status_word(one, "ru") for one in RequestStatus})
