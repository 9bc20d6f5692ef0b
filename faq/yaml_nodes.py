"""YAML read as nodes that know their lines: plain data only, every problem named, none raised."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from typing import Any

import yaml
from yaml.events import CollectionEndEvent, CollectionStartEvent, Event
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from faq.base import Problem, ProblemCode
from faq.yaml_slips import HINTS, cut_short, find_slip

MAX_DEPTH = 12
MAX_NODES = 2_000
"""Limits of free-form data, so that a file whose anchors refer to each other stays small."""
MAX_NESTING = 100

_LINE_END = re.compile(r"\r\n|\r|\n")
_TAG = "tag:yaml.org,2002:"
_KINDS: dict[type[Node], str] = {ScalarNode: "a text", SequenceNode: "a list", MappingNode: "a mapping"}
_SHAPES = {
    "a list": "write each item in a line of its own that begins with `- `",
    "a mapping": "write `key: value`, each in a line of its own",
    "a text": "put the text in quotes if it has a colon or begins with a bracket",
}
_SCALARS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp"))
_PLAIN = _SCALARS | {_TAG + "seq", _TAG + "map"}


class NodeReader:
    """Reads the nodes of one file and collects what is wrong with them in `problems`.

    Every method takes the name of the field for the message, and gives `None` (or leaves the item out) where
    it found a problem.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._lines: list[str] = []

    def problem(self, code: ProblemCode, node: Node | None, field: str, message: str, hint: str = "") -> None:
        """Note a problem at a node."""
        line = self.line(node) if node is not None else 0
        self.problems.append(
            Problem(code=code, file=self.file, line=line, field=field, message=message, hint=hint)
        )

    @staticmethod
    def line(node: Node | Event) -> int:
        """The line of a node, counted from one."""
        mark = node.start_mark
        return int(mark.line) + 1 if mark is not None else 0

    # -- documents ----------------------------------------------------------------------------------------

    def compose(self, text: str) -> Node | None:
        """The root node of the only document of a text; `None` for an empty one or a broken one."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self._lines = _LINE_END.split(text)
        try:
            # Composing recurses in C, where too deep a nesting kills the process; reading events does not.
            if not self._is_shallow(yaml.parse(text, Loader=loader)):
                return None
            root: Node | None = yaml.compose(text, Loader=loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = " ".join(part for part in (error.context, error.problem) if part)
            slip = find_slip(text, error)
            column = mark.column + 1 if mark and slip.line == mark.line + 1 else None
            self._syntax(slip.line, column, what, slip.kind)
        except ReaderError as error:
            place = error.position if isinstance(error.position, int) else 0
            what = f"a character that YAML forbids: {error.reason}"
            self._syntax(text.count("\n", 0, place) + 1, None, what, "character")
        else:
            return root
        return None

    def _is_shallow(self, events: Iterable[Event]) -> bool:
        depth = 0
        for event in events:
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > MAX_NESTING:
                    line = self.line(event)
                    self._syntax(line, None, "lists and mappings are nested too deeply")
                    return False
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
        return True

    def _syntax(self, line: int, column: int | None, what: str, slip: str = "") -> None:
        self.problems.append(
            Problem(
                code=ProblemCode.SYNTAX,
                file=self.file,
                line=line,
                column=column,
                message=f"this is not valid YAML: {what}",
                hint=HINTS[slip],
                slip=slip,
            )
        )

    # -- shapes -------------------------------------------------------------------------------------------

    def is_mapping(self, node: Node, field: str) -> bool:
        """Whether a node is a plain mapping; a problem if it is not."""
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return True
        self._wrong_type(node, field, "a mapping")
        return False

    def pairs(self, node: Node, field: str) -> Iterator[tuple[str, Node, Node]]:
        """Key, key node and value node of a mapping, each key once; nothing if it is not a mapping."""
        if not self.is_mapping(node, field):
            return
        seen: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.problem(ProblemCode.TYPE, key, field, "a key is not a text")
            elif key.value in seen:
                message = f"the key `{key.value}` is written twice, first in line {seen[key.value]}"
                self.problem(
                    ProblemCode.DUPLICATE_KEY, key, _join(field, key.value), message, "keep one of them"
                )
            else:
                seen[key.value] = self.line(key)
                yield key.value, key, value

    def fields(self, node: Node, field: str, known: Collection[str]) -> dict[str, Node]:
        """The known keys of a mapping that have a value; for an unknown one the nearest known is named."""
        found: dict[str, Node] = {}
        for key, key_node, value in self.pairs(node, field):
            if key not in known:
                self.unknown(ProblemCode.UNKNOWN_KEY, key_node, _join(field, key), "key", key, known)
            elif not is_null(value):
                found[key] = value
        return found

    def unknown(
        self, code: ProblemCode, node: Node, field: str, kind: str, name: str, known: Collection[str]
    ) -> None:
        """Note a name that is not among the known ones, and the nearest of those."""
        self.unknown_at(code, self.line(node), field, kind, name, known)

    def unknown_at(
        self, code: ProblemCode, line: int, field: str, kind: str, name: str, known: Collection[str]
    ) -> None:
        """The same for a line that was noted earlier."""
        near = difflib.get_close_matches(name[:80], known, n=1)
        if near:
            hint = f"did you mean `{near[0]}`?"
            if near[0].isascii() and any(sign.isalpha() and not sign.isascii() for sign in name):
                hint += " write it in Latin letters"
        else:
            hint = f"known: {', '.join(list(known)[:20])}" if known else ""
        message = f"unknown {kind} `{name[:80]}`"
        self.problems.append(
            Problem(code=code, file=self.file, line=line, field=field, message=message, hint=hint)
        )

    def items(self, node: Node, field: str) -> list[Node]:
        """The items of a list."""
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return list(node.value)
        self._wrong_type(node, field, "a list")
        return []

    def text(self, node: Node, field: str) -> str | None:
        """A text that is not empty. Numbers and dates count as what is written."""
        if not isinstance(node, ScalarNode) or node.tag not in _SCALARS:
            self._wrong_type(node, field, "a text")
            return None
        value = str(node.value).strip()
        if not value or is_null(node):
            self.problem(ProblemCode.EMPTY, node, field, "is empty", "write a text or remove the field")
            return None
        if self._is_cut_short(node, value):
            self.problems.append(
                Problem(
                    code=ProblemCode.SYNTAX,
                    file=self.file,
                    line=self.line(node),
                    field=field,
                    message=f"only `{value[-40:]}` is left of the text",
                    hint=HINTS["hash"],
                    slip="hash",
                )
            )
            return None
        return value

    def _is_cut_short(self, node: ScalarNode, value: str) -> bool:
        """Whether a plain text, not an id or a number, lost its end to a remark that is none."""
        if node.style or node.end_mark is None or not 0 <= node.end_mark.line < len(self._lines):
            return False
        is_prose = " " in value or not value.isascii()
        return is_prose and cut_short(self._lines[node.end_mark.line], node.end_mark.column)

    def texts(self, node: Node, field: str) -> tuple[str, ...]:
        """A list of texts."""
        found = (
            self.text(item, f"{field}[{number}]")
            for number, item in enumerate(self.items(node, field), start=1)
        )
        return tuple(text for text in found if text is not None)

    def choice(self, node: Node, field: str, known: Collection[str]) -> str | None:
        """One of the known words."""
        value = self.text(node, field)
        if value is not None and value not in known:
            self.unknown(ProblemCode.VALUE, node, field, "value", value, known)
            return None
        return value

    def day(self, node: Node, field: str) -> date | None:
        """A date as `YYYY-MM-DD`."""
        value = self.text(node, field)
        if value is None:
            return None
        try:
            if len(value) == len("2026-01-31"):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.problem(
            ProblemCode.VALUE, node, field, f"`{value[:40]}` is not a date", "write it as 2026-01-31"
        )
        return None

    def data(self, node: Node, field: str) -> Any:
        """Free-form data (texts, numbers, booleans, lists, mappings with text keys) within limits of size."""
        budget = [MAX_NODES]
        value = self._data(node, field, 0, budget)
        if budget[0] < 0:
            self.problem(ProblemCode.TOO_LARGE, node, field, "is too large or refers to itself")
            return None
        return value

    def _data(self, node: Node, field: str, depth: int, budget: list[int]) -> Any:
        budget[0] -= 1
        if depth > MAX_DEPTH:
            budget[0] = -1
        if budget[0] < 0:
            return None
        if node.tag not in _PLAIN:
            self._wrong_type(node, field, "plain data")
            return None
        if isinstance(node, SequenceNode):
            return [self._data(item, field, depth + 1, budget) for item in node.value]
        if isinstance(node, MappingNode):
            return {
                key: self._data(value, _join(field, key), depth + 1, budget)
                for key, _, value in self.pairs(node, field)
            }
        return self._scalar(node, field)

    def _scalar(self, node: Node, field: str) -> Any:
        kind, value = node.tag.removeprefix(_TAG), str(node.value)
        try:
            if kind == "int":
                return int(value.replace("_", ""), 10)
            if kind == "float":
                return float(value.replace("_", ""))
        except ValueError:
            message = f"`{value[:40]}` is a number in an unusual form"
            self.problem(ProblemCode.VALUE, node, field, message, "put it in quotes to keep it a text")
            return None
        if kind == "bool":
            return value.lower() in {"true", "yes", "on"}
        return None if kind == "null" else value

    def _wrong_type(self, node: Node, field: str, wanted: str) -> None:
        if not node.tag.startswith(_TAG) or (node.tag not in _PLAIN):
            shown = node.tag.replace(_TAG, "!!")
            self.problem(
                ProblemCode.TYPE, node, field, f"the tag `{shown[:60]}` is not allowed here", "remove the tag"
            )
            return
        hint = _SHAPES.get(wanted, "")
        self.problem(ProblemCode.TYPE, node, field, f"must be {wanted}, not {_KINDS[type(node)]}", hint)


def is_null(node: Node) -> bool:
    """Whether nothing is written there."""
    return bool(node.tag == _TAG + "null")


def _join(field: str, key: str) -> str:
    return f"{field}.{key[:80]}" if field else key[:80]
