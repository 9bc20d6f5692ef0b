"""Plain data in the shape of the knowledge format, read by the rules of the knowledge format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yaml.error import Mark
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from faq.base import Problem
from faq.transfer.notes import Fault, TransferError
from faq.yaml_entries import FileContent, read_root

MAX_DEPTH = 50
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Placed:
    """The data of one entry and the row (or the item of a list) that it comes from; 0 for none."""

    data: Mapping[str, Any]
    row: int = 0


def read_data(file: str, data: Mapping[str, Any]) -> tuple[FileContent, list[Problem]]:
    """Read a whole document. Problems have no line, their field says where they are. Raises `TransferError`."""
    return read_root(file, node(data, 0))


def read_entries(file: str, entries: Iterable[Placed], *, language: str) -> tuple[FileContent, list[Problem]]:
    """Read single entries. The line of a problem is the row of its entry."""
    mark = _mark(0)
    listed = SequenceNode(_TAG + "seq", [node(entry.data, entry.row) for entry in entries], mark, mark)
    root = MappingNode(
        _TAG + "map", [(_text("language", 0), _text(language, 0)), (_text("entries", 0), listed)], mark, mark
    )
    return read_root(file, root)


def node(value: Any, row: int = 0, depth: int = 0) -> Node:
    """Plain data as a node of YAML that stands in a row. Raises `TransferError` for what is nested too deeply."""
    if depth > MAX_DEPTH:
        raise TransferError(Fault.BAD_JSON, reason="lists are nested too deeply")
    mark = _mark(row)
    if isinstance(value, Mapping):
        pairs = [(_text(str(key), row), node(item, row, depth + 1)) for key, item in value.items()]
        return MappingNode(_TAG + "map", pairs, mark, mark)
    if isinstance(value, list | tuple):
        return SequenceNode(_TAG + "seq", [node(item, row, depth + 1) for item in value], mark, mark)
    if isinstance(value, str):
        return _text(value, row)
    kind = "null" if value is None else type(value).__name__
    written = "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, float) and "e" in written and "." not in written:
        written = written.replace("e", ".0e")  # YAML 1.1 knows no other form
    return ScalarNode(_TAG + kind, written, mark, mark)


def _text(value: str, row: int) -> ScalarNode:
    mark = _mark(row)
    return ScalarNode(_TAG + "str", value, mark, mark)


def _mark(row: int) -> Mark:
    return Mark("", 0, row - 1, 0, None, 0)
