"""Additions to a knowledge file that people keep: their lines and comments stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from faq.entry import Category, FaqEntry
from faq.transfer.notes import Fault, TransferError
from faq.transfer.yaml_writer import (
    INDENT,
    category_data,
    category_lines,
    entry_lines,
    flow_text,
    synonym_lines,
)

_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What a file is to hold more: new entries, entries that take the place of those with their id, and the rest."""

    entries: Sequence[FaqEntry] = ()
    replaced: Mapping[str, FaqEntry] = field(default_factory=dict)
    categories: Sequence[Category] = ()
    synonyms: Sequence[Sequence[str]] = ()


def edited(name: str, text: str, additions: Additions, *, language: str) -> str:
    """The text of a valid knowledge file with the additions. Pure; `language` is that of the file.

    Raises `TransferError` for a file whose lists are written between brackets where lines would have to be added.
    Whoever writes the result checks it by reading: the layout of YAML has more corners than this function knows.
    """
    return _Editor(name, text, language).apply(additions)


def file_language(text: str) -> str:
    """The language that a valid knowledge file gives to its entries."""
    root = yaml.compose(text, Loader=_loader())
    for key, value in root.value if isinstance(root, MappingNode) else ():
        if key.value == "language" and isinstance(value, ScalarNode):
            return str(value.value).strip() or "ru"
    return "ru"


def _loader() -> Any:
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Editor:
    def __init__(self, name: str, text: str, language: str) -> None:
        self.name = name
        self.language = language
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.text = text = text if not text or _BREAK.match(text[-1]) else text + self.newline
        self.starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        root = yaml.compose(text, Loader=_loader())
        if root is not None and not (isinstance(root, MappingNode) and not root.flow_style):
            empty = isinstance(root, ScalarNode) and not root.value
            if not empty:
                raise TransferError(Fault.NOT_EDITABLE, name=name)
            root = None
        pairs = root.value if root is not None else ()
        self.fields: dict[str, tuple[Node, Node]] = {str(key.value): (key, value) for key, value in pairs}
        self.edits: list[tuple[int, int, str]] = []

    def apply(self, additions: Additions) -> str:
        for start, end, lines in self._replaced(additions.replaced):
            self.edits.append((start, end, self._lines(lines)))
        categories = [line for one in additions.categories for line in category_lines(one, 0)]
        braces = ", ".join(flow_text({one.id: category_data(one)})[1:-1] for one in additions.categories)
        self._grow("categories", categories, braces)
        synonyms = [line for group in additions.synonyms for line in synonym_lines(group, 0)]
        self._grow("synonyms", synonyms, ", ".join(flow_text(list(group)) for group in additions.synonyms))
        entries = [
            line for entry in additions.entries for line in ("", *entry_lines(entry, 0, self.language))
        ]
        self._grow("entries", entries[1:], "")
        text = self.text
        # From the end to the beginning, so that places stay true; of two at one place the later goes below.
        order = sorted(enumerate(self.edits), key=lambda item: (item[1][0], item[0]), reverse=True)
        for _, (start, end, new) in order:
            text = text[:start] + new + text[end:]
        return text

    def _replaced(self, entries: Mapping[str, FaqEntry]) -> Iterator[tuple[int, int, list[str]]]:
        """Where the lines of each of these entries begin and end, and the new ones."""
        listed = self.fields["entries"][1].value if entries else ()
        waiting = dict(entries)
        for item in listed:
            identity = next((str(value.value).strip() for key, value in item.value if key.value == "id"), "")
            if identity not in waiting:
                continue
            mark = item.start_mark
            line_start = self.starts[mark.line]
            before = self.text[line_start : line_start + mark.column]
            if before.strip() != "-":
                raise TransferError(Fault.NOT_EDITABLE, name=self.name)
            lines = entry_lines(waiting.pop(identity), before.index("-"), self.language)
            yield line_start, self._end(item), lines
        if waiting:
            raise TransferError(Fault.NOT_EDITABLE, name=self.name)

    def _grow(self, key: str, lines: Sequence[str], braces: str) -> None:
        """Add items to a top-level field, which is made if it is missing. `braces` is for a list between brackets."""
        if not lines:
            return
        if key not in self.fields:
            self._insert(self._place_for(key), [f"{key}:", *self._shifted(lines, INDENT)])
            return
        key_node, value = self.fields[key]
        empty = isinstance(value, ScalarNode) or not value.value
        if isinstance(value, ScalarNode) or (empty and key == "entries"):
            self._fill(key_node, value, lines)
        elif isinstance(value, CollectionNode) and value.flow_style:
            if not braces:
                raise TransferError(Fault.NOT_EDITABLE, name=self.name)
            end = self._offset(value.end_mark) - 1
            written = self.text[self._offset(value.start_mark) + 1 : end].rstrip()
            comma = "" if empty or written.endswith(",") else ", "
            self.edits.append((end, end, comma + braces))
        else:
            column = value.start_mark.column
            gap = [""] if key == "entries" else []
            self._insert(self._end(value), [*gap, *self._shifted(lines, column)])

    def _fill(self, key_node: Node, value: Node, lines: Sequence[str]) -> None:
        """Give items to a field that is there but empty: `entries:` or `entries: []`."""
        line_end = self._line_end(key_node.start_mark.line)
        if not isinstance(value, ScalarNode):
            self.edits.append((self._offset(value.start_mark), self._offset(value.end_mark), ""))
        elif value.value:
            raise TransferError(Fault.NOT_EDITABLE, name=self.name)
        self._insert(line_end, self._shifted(lines, INDENT))

    def _place_for(self, key: str) -> int:
        """Where a new field goes: the entries last, everything else before them."""
        if key != "entries" and "entries" in self.fields:
            return self.starts[self.fields["entries"][0].start_mark.line]
        return len(self.text)

    def _insert(self, place: int, lines: Sequence[str]) -> None:
        self.edits.append((place, place, self._lines(lines)))

    def _lines(self, lines: Sequence[str]) -> str:
        return "".join(line + self.newline for line in lines)

    @staticmethod
    def _shifted(lines: Sequence[str], indent: int) -> list[str]:
        return [" " * indent + line if line else line for line in lines]

    def _offset(self, mark: Any) -> int:
        return int(self.starts[mark.line] + mark.column)

    def _line_end(self, line: int) -> int:
        return self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)

    def _end(self, node: Node) -> int:
        """The end of the last line that belongs to a node; comments and empty lines after it do not."""
        last = max(self._last_line(leaf) for leaf in _leaves(node))
        return self._line_end(last)

    def _last_line(self, leaf: Node) -> int:
        mark = leaf.end_mark
        line = mark.line if mark.column or mark.line == leaf.start_mark.line else mark.line - 1
        while line > leaf.start_mark.line and not self.text[self.starts[line] : self._line_end(line)].strip():
            line -= 1
        return int(line)


def _leaves(node: Node) -> Iterator[Node]:
    """The nodes that end on a line of their own: texts, and lists between brackets."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, CollectionNode) or one.flow_style or not one.value:
            yield one
            continue
        for child in one.value:
            waiting += child if isinstance(child, tuple) else (child,)
