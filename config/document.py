"""A YAML document as plain data plus the line of every key, so that problems can say where they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from config.messages import problem
from config.problem import KeyPath, Problem, dotted

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(
    _TAG + name for name in ("str", "null", "bool", "int", "float", "timestamp", "value", "merge")
)
_REFERENCE = re.compile(r"(?<!\$)\$\{(?:[^{}\n'\"]|\$\{[^{}\n'\"]*\})+\}")
_FIRST, _LAST = 0xE100, 0xF8FF
_HELD = re.compile("\ue000([\ue100-\uf8ff])\ue001*")
_KEY = r"\s*(?:- +)?[\w.-]+\s*:\s+"
_TAB = re.compile(r" *\t\s*\S")
_GLUED = re.compile(r"\s*(?:- +)?\w[\w-]*(?::(?=[^\s/])|\uff1a)|\s*-\w")
_OPEN_QUOTE = re.compile(_KEY + r"""(?:"[^"]*|'[^']*)$""")
_TWO_COLONS = re.compile(_KEY + r"\S.*:(?:\s|$)")
_BEGINS_WITH_SIGN = re.compile(_KEY + r"""["'\[{]""")
_MAX_NODES = 20_000
_MAX_DEPTH = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file said: `data`, the line of each key and list item, and what could not be read.

    Scalars follow YAML 1.2: only true, false, null and plain decimal numbers are special. `yes`, `12:30`,
    `0123` and dates stay the text that was written, so a secret or an id is never changed by being read.
    References such as `${NAME}` need no quotes, though bare YAML would not allow them inside `{…}` and `[…]`.
    """

    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    problems: tuple[Problem, ...]


def read_document(text: str, *, name: str) -> Document:
    """Read YAML text. Never raises for what is in it: everything that is wrong is in `problems`."""
    held = _HeldReferences()
    text = held.hold(text)
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        return Document(data={}, lines={}, problems=(_syntax(error, name, text),))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = problem("yaml", where=f"{name}:{line}", key="", column="?", reason=str(error.reason))
        return Document(data={}, lines={}, problems=(found,))
    except RecursionError:
        return Document(data={}, lines={}, problems=(problem("yaml_heavy", where=name, key=""),))
    if root is None:
        return Document(data={}, lines={}, problems=())
    if not isinstance(root, yaml.MappingNode):
        found = problem("not_mapping", where=f"{name}:{root.start_mark.line + 1}", key="")
        return Document(data={}, lines={}, problems=(found,))
    walk = _Walk(name, held)
    data = walk.mapping(root, ())
    return Document(data=data, lines=walk.lines, problems=tuple(walk.problems))


class _HeldReferences:
    """Stand-ins for references while YAML is parsed: as long as the original, so that columns stay true."""

    def __init__(self) -> None:
        self._originals: list[str] = []

    def hold(self, text: str) -> str:
        """Replace references by stand-ins of private-use characters; a text that has those stays as it is."""
        return text if _HELD.search(text) else _REFERENCE.sub(self._stand_in, text)

    def release(self, text: str) -> str:
        """Put the references back."""
        return (
            _HELD.sub(lambda found: self._originals[ord(found[1]) - _FIRST], text)
            if self._originals
            else text
        )

    def _stand_in(self, found: re.Match[str]) -> str:
        if len(self._originals) > _LAST - _FIRST:
            return found[0]
        self._originals.append(found[0])
        return f"\ue000{chr(_FIRST + len(self._originals) - 1)}".ljust(len(found[0]), "\ue001")


def _syntax(error: yaml.MarkedYAMLError, name: str, text: str) -> Problem:
    """Name the line that is most likely wrong, which may be one above the place where the parser stopped."""
    mark, began = error.problem_mark or error.context_mark, error.context_mark
    reason = " ".join(part for part in (error.context, error.problem) if part)
    lines = re.split(r"\r\n|\r|\n", text)
    at = min(mark.line, len(lines) - 1) if mark else 0
    above = next((number for number in range(at - 1, -1, -1) if lines[number].strip()), at)
    hint = "yaml_quote"
    if began and re.search("flow|quoted", error.context or ""):
        at, hint = began.line, "yaml_open"
    elif slips := [(number, slip) for number in (at, above) if (slip := _slip(lines[number]))]:
        at, hint = slips[0]
    elif _is_moved(lines[at], reason):
        hint = "yaml_indent"
    column = next((place.column + 1 for place in (mark, began) if place and place.line == at), 1)
    where = f"{name}:{at + 1}" if mark else name
    return problem("yaml", where=where, key="", hint=hint, column=column, reason=reason)


def _is_moved(line: str, reason: str) -> bool:
    """Whether the parser most likely complains of the indentation of a line and not of what is in it."""
    if "mapping values" in reason:
        return _TWO_COLONS.match(line) is None
    return re.search("expected key|expected '-'", reason) is not None and not _BEGINS_WITH_SIGN.match(line)


def _slip(line: str) -> str:
    """The hint for what a line itself shows to be wrong; empty if it shows nothing."""
    signs = {"yaml_tab": _TAB, "yaml_glued": _GLUED, "yaml_open": _OPEN_QUOTE}
    return next((hint for hint, sign in signs.items() if sign.match(line)), "")


class _Walk:
    """One pass over the node tree. Aliases are followed within limits on the number and depth of values."""

    def __init__(self, name: str, held: _HeldReferences) -> None:
        self.name = name
        self.held = held
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._nodes = 0

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._report("yaml_key", path, line)
                continue
            key = self.held.release(str(key_node.value))
            here = (*path, key)
            if key in data:
                self._report("duplicate", here, line, line=self.lines[here])
                continue
            self.lines[here] = line
            data[key] = self._value(value_node, here, line)
        return data

    def _value(self, node: yaml.Node, path: KeyPath, line: int) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES or len(path) > _MAX_DEPTH:
            if not any(found.key == "" for found in self.problems):
                self._report("yaml_heavy", (), line)
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items = []
            for index, item in enumerate(node.value):
                here = (*path, index)
                self.lines[here] = item.start_mark.line + 1
                items.append(self._value(item, here, self.lines[here]))
            return items
        if node.tag not in _PLAIN_TAGS:
            self._report("yaml_tag", path, line, tag=node.tag.replace(_TAG, "!!"))
            return None
        return plain_value(self.held.release(str(node.value)), node.tag)

    def _report(self, code: str, path: KeyPath, at: int, **params: Any) -> None:
        self.problems.append(problem(code, where=f"{self.name}:{at}", key=dotted(path), **params))


def plain_value(text: str, tag: str) -> str | int | float | bool | None:
    """Read a scalar whose YAML 1.1 tag is known, by the narrower rules of YAML 1.2."""
    kind = tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind == "int":
        digits = text.lstrip("+-")
        if digits == "0" or (digits.isdecimal() and not digits.startswith("0")):
            return int(text)
    if kind == "float":
        try:
            return float(text)
        except ValueError:  # 1_0.5 and 1:30.5 are numbers in YAML 1.1 only
            return text
    return text
