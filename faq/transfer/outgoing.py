"""A base as one file for other programs and for people with spreadsheets: entries in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from faq.base import KnowledgeBase
from faq.entry import FaqEntry
from faq.transfer.cells import has_markup, is_broken, join_commas, join_lines
from faq.transfer.csv_format import write_csv
from faq.transfer.json_format import write_json
from faq.transfer.notes import Fault, TransferError
from faq.transfer.table import MAX_CELL, units
from faq.transfer.xlsx_format import escape, write_xlsx
from faq.transfer.yaml_writer import (
    attachment_data,
    button_data,
    category_data,
    connection_data,
    entry_data,
    write_yaml,
)

SIMPLE = ("id", "question", "keywords", "answer")
_BEFORE = ("id", "question", "aliases", "keywords", "category", "answer")
_AFTER = ("buttons", "attachments", "connections", "status", "valid_from", "valid_to", "language")
_WIDTHS = {"id": 22, "question": 40, "aliases": 40, "keywords": 20, "category": 16, "answer": 70}
_WIDTH = 18


class Format(StrEnum):
    """What an export can be."""

    YAML = "yaml"
    JSON = "json"
    CSV = "csv"
    XLSX = "xlsx"


SUFFIXES: Mapping[str, Format] = {
    ".yaml": Format.YAML,
    ".yml": Format.YAML,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".xlsx": Format.XLSX,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """The bytes of a file, and what of the base is not in them.

    `lost` names fields of entries, `categories` (their titles), `synonyms`, and `markup`: HTML that is meant as
    text would be taken for markup when the file is imported.
    """

    content: bytes
    format: Format
    lost: tuple[str, ...] = ()


def format_of(name: str) -> Format:
    """The format by the ending of a file's name. Raises `TransferError` for another one."""
    found = SUFFIXES.get(PurePath(name).suffix.lower())
    if found is None:
        raise TransferError(Fault.SUFFIX, name=name, known=", ".join(SUFFIXES))
    return found


def export(base: KnowledgeBase, format: Format, *, simple: bool = False) -> Export:  # noqa: A002 - the field's name
    """Write a base. Pure. `simple` is the list of id, question, keywords and answer.

    Raises `TransferError` for a text that the format cannot hold, or if the library for workbooks is missing.
    """
    if simple and format is Format.YAML:
        raise TransferError(Fault.SIMPLE_YAML)
    for entry in base.entries:
        if any(map(is_broken, _texts(entry_data(entry, None)))):
            _refuse(entry.id, "text", format, "half a character", "another text")
    if format is Format.YAML:
        text = write_yaml(
            base.entries, language=base.language, categories=base.categories, synonyms=base.synonyms
        )
        return Export(content=text.encode("utf-8"), format=format)
    if format is Format.JSON:
        content = write_json([_simple(entry) for entry in base.entries] if simple else _document(base))
        return Export(content=content, format=format, lost=_lost(base, simple=simple, table=False))
    names = SIMPLE if simple else _names(base.entries)
    rows = [names, *(_cells(entry, names, format, simple=simple) for entry in base.entries)]
    if format is Format.CSV:
        content = write_csv(rows)
    else:
        content = write_xlsx(rows, [_WIDTHS.get(name.partition(".")[0], _WIDTH) for name in names])
    return Export(content=content, format=format, lost=_lost(base, simple=simple, table=True))


def _document(base: KnowledgeBase) -> dict[str, Any]:
    found: dict[str, Any] = {"version": 1, "language": base.language}
    if base.categories:
        found["categories"] = {one.id: category_data(one) for one in base.categories}
    if base.synonyms:
        found["synonyms"] = [list(group) for group in base.synonyms]
    return found | {"entries": [entry_data(entry, base.language) for entry in base.entries]}


def _simple(entry: FaqEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "question": entry.question,
        "keywords": list(entry.keywords),
        "answer": entry.answer_for((), entry.language),
    }


def _names(entries: Sequence[FaqEntry]) -> tuple[str, ...]:
    keys = dict.fromkeys(f"answer.{key}" for entry in entries for key in entry.answers)
    return (*_BEFORE, *sorted(keys), *_AFTER)


def _cells(entry: FaqEntry, names: Sequence[str], format: Format, *, simple: bool) -> list[str]:  # noqa: A002 - as above
    answer = entry.answer_for((), entry.language) if simple else entry.answer
    values: dict[str, str] = {
        "id": entry.id,
        "question": entry.question,
        "aliases": join_lines(entry.aliases),
        "keywords": join_commas(entry.keywords),
        "category": entry.category or "",
        "answer": answer,
        "buttons": _json([button_data(one) for one in entry.buttons]),
        "attachments": _json([attachment_data(one) for one in entry.attachments]),
        "connections": _json([connection_data(one) for one in entry.connections]),
        "status": entry.status.value,
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else "",
        "valid_to": entry.valid_to.isoformat() if entry.valid_to else "",
        "language": entry.language,
    }
    values |= {f"answer.{key}": text for key, text in entry.answers.items()}
    cells = [values.get(name, "") for name in names]
    for name, cell in zip(names, cells, strict=True):
        if units(escape(cell) if format is Format.XLSX else cell) > MAX_CELL - 1:
            _refuse(entry.id, name, format, f"more than {MAX_CELL - 1} characters", "YAML or JSON")
        if format is Format.CSV and "\0" in cell:
            _refuse(entry.id, name, format, "a zero character", "YAML or JSON")
    return cells


def _json(value: Sequence[Any]) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _refuse(identity: str, field: str, format: Format, reason: str, instead: str) -> None:  # noqa: A002 - as above
    raise TransferError(
        Fault.CANNOT_HOLD, id=identity, field=field, format=format.value, reason=reason, instead=instead
    )


def _lost(base: KnowledgeBase, *, simple: bool, table: bool) -> tuple[str, ...]:
    """What is in the base and not in the file."""
    found: dict[str, None] = {}
    if simple:
        for entry in base.entries:
            held = entry_data(entry, base.language)
            found |= dict.fromkeys(name for name in held if name not in SIMPLE)
            if any(has_markup(text) for text in (entry.question, entry.answer, *entry.keywords)):
                found["markup"] = None
    titles = any(one.title != one.id or one.titles for one in base.categories)
    if (simple or table) and titles:
        found["categories"] = None
    if (simple or table) and base.synonyms:
        found["synonyms"] = None
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
