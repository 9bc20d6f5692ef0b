"""JSON: a document of our full shape, or a list of questions and answers as many programs keep one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from faq.transfer.cells import is_broken
from faq.transfer.csv_format import decode
from faq.transfer.notes import Fault, NoteCode, TransferError
from faq.transfer.table import MAX_COLUMNS, MAX_ROWS, Row, Table


@dataclass(frozen=True, slots=True)
class JsonFile:
    """Either a document of our shape or a table made of a list; the other one is `None`."""

    document: Mapping[str, Any] | None = None
    table: Table | None = None


def read_json(content: bytes) -> JsonFile:
    """Read a JSON file. Raises `TransferError` for what is no JSON or holds no list of questions."""
    text, _ = decode(content)
    if not text.strip():
        raise TransferError(Fault.EMPTY)
    data = parse(text)
    if isinstance(data, Mapping) and "entries" in data:
        if any(map(is_broken, _texts(data))):
            raise TransferError(Fault.BAD_JSON, reason="a text holds half a character (\\ud800 to \\udfff)")
        return JsonFile(document=data)
    items = _items(data)
    if items is None:
        raise TransferError(Fault.JSON_SHAPE)
    if not items:
        raise TransferError(Fault.EMPTY)
    return JsonFile(table=_table(items))


def parse(text: str) -> Any:
    """The data of a JSON text; a name that is written twice in an object is a fault, for one would be lost."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise TransferError(
            Fault.BAD_JSON, reason=f"line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise TransferError(Fault.BAD_JSON, reason="lists are nested too deeply") from None
    except TransferError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise TransferError(Fault.BAD_JSON, reason=str(error).splitlines()[0][:80]) from None


def write_json(data: Any) -> bytes:
    """Data as JSON that people can read."""
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise TransferError(Fault.BAD_JSON, reason=f"`{twice[:40]}` is written twice in one object")
    return found


def _constant(name: str) -> Any:
    raise TransferError(Fault.BAD_JSON, reason=f"{name} is no number")


def _items(data: Any) -> Sequence[Any] | None:
    """The list of questions: the data itself, or the only list of objects in an object."""
    if isinstance(data, list):
        return data if all(isinstance(item, Mapping) for item in data) else None
    if not isinstance(data, Mapping):
        return None
    lists = [
        value
        for value in data.values()
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value)
    ]
    return lists[0] if len(lists) == 1 else None


def _table(items: Sequence[Mapping[str, Any]]) -> Table:
    if len(items) > MAX_ROWS:
        raise TransferError(Fault.TOO_MANY_ROWS, limit=MAX_ROWS)
    names = list(dict.fromkeys(name for item in items for name in item))
    if len(names) > MAX_COLUMNS:
        raise TransferError(Fault.TOO_MANY_COLUMNS, row=1, limit=MAX_COLUMNS)
    rows = [Row(0, tuple(names))]
    for number, item in enumerate(items, start=1):
        cells = tuple(_cell(item.get(name)) for name in names)
        flaws = {column: NoteCode.BAD_TEXT for column, cell in enumerate(cells) if is_broken(cell)}
        rows.append(Row(number, cells, flaws))
    return Table("", tuple(row for row in rows if not row.is_empty), verbatim=True)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def _texts(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += [*value, *value.values()]
        elif isinstance(value, list):
            waiting += value
