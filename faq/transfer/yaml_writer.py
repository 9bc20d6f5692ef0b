"""Entries as YAML that somebody who never saw YAML can read and edit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from faq.entry import Attachment, Category, Connection, EntryButton, FaqEntry, Status
from faq.transfer.document import node

INDENT = 2
_TAG = "tag:yaml.org,2002:"
_NOT_LITERAL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]| (?=\n|$)"
)
_WIDE = 1 << 30


def write_yaml(
    entries: Iterable[FaqEntry],
    *,
    language: str,
    categories: Sequence[Category] = (),
    synonyms: Sequence[Sequence[str]] = (),
    comment: str = "",
) -> str:
    """A whole knowledge file. `comment` is for people and stands first."""
    lines = [f"# {line}" for line in comment.splitlines()]
    lines += ["version: 1", *_dump({"language": language})]
    if categories:
        lines += ["categories:", *(line for one in categories for line in category_lines(one, INDENT))]
    if synonyms:
        lines += ["synonyms:", *(line for group in synonyms for line in synonym_lines(group, INDENT))]
    lines.append("entries:")
    for number, entry in enumerate(entries):
        lines += [*([""] if number else []), *entry_lines(entry, INDENT, language)]
    return "\n".join(lines) + "\n"


def entry_data(entry: FaqEntry, language: str | None) -> dict[str, Any]:
    """An entry as plain data in the order of the format, without what is at its default.

    `language` is that of the file, in which an entry need not repeat it.
    """
    found: dict[str, Any] = {"id": entry.id, "question": entry.question}
    lists = {
        "category": entry.category,
        "aliases": list(entry.aliases),
        "keywords": list(entry.keywords),
        "answer": entry.answer,
        "answers": dict(entry.answers),
        "buttons": list(map(button_data, entry.buttons)),
        "attachments": list(map(attachment_data, entry.attachments)),
        "connections": list(map(connection_data, entry.connections)),
        "status": entry.status.value if entry.status is not Status.LIVE else None,
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else None,
        "valid_to": entry.valid_to.isoformat() if entry.valid_to else None,
        "language": entry.language if entry.language != language else None,
    }
    return found | {name: value for name, value in lists.items() if value}


def button_data(button: EntryButton) -> dict[str, Any]:
    """A button as plain data."""
    return {"text": button.text} | ({"faq": button.faq} if button.faq is not None else {"url": button.url})


def attachment_data(file: Attachment) -> dict[str, Any]:
    """An attachment as plain data."""
    place = {"path": file.path} if file.path is not None else {"url": file.url}
    return {"type": file.type.value, **place} | ({"name": file.name} if file.name else {})


def connection_data(one: Connection) -> dict[str, Any]:
    """A connection as plain data."""
    found: dict[str, Any] = {"search_type": one.search_type}
    if one.integration_id is not None:
        found["integration_id"] = one.integration_id
    if one.integration_config:
        found["integration_config"] = dict(one.integration_config)
    return found


def category_data(category: Category) -> dict[str, Any]:
    """A category as plain data, without its id."""
    return {"title": category.title} | ({"titles": dict(category.titles)} if category.titles else {})


def entry_lines(entry: FaqEntry, indent: int, language: str | None) -> list[str]:
    """An entry as an item of a list whose dash stands `indent` spaces from the edge."""
    pairs: list[tuple[Node, Node]] = []
    for name, value in entry_data(entry, language).items():
        pairs.append((node(name), _field(name, value)))
    return _indented(_serialize(_sequence([_mapping(pairs)])), indent)


def category_lines(category: Category, indent: int) -> list[str]:
    """A category as a pair of a mapping whose keys stand `indent` spaces from the edge."""
    return _indented(_serialize(_mapping([(node(category.id), _flow(category_data(category)))])), indent)


def synonym_lines(group: Sequence[str], indent: int) -> list[str]:
    """A group of synonyms as an item of a list."""
    return _indented(_serialize(_sequence([_flow(list(group))])), indent)


def flow_text(value: Any) -> str:
    """Data on one line, as it may stand between braces."""
    return "\n".join(_serialize(_flow(value)))


def _field(name: str, value: Any) -> Node:
    if name == "answer":
        return _long(value)
    if name == "answers":
        return _mapping([(node(key), _long(text)) for key, text in value.items()])
    if name in {"buttons", "attachments"}:
        return _sequence([_flow(item) for item in value])
    return _block(node(value))


def _long(text: str) -> Node:
    """A text as lines of their own, as long as it holds nothing that could get lost on the way."""
    if _NOT_LITERAL.search(text):
        return _block(node(text))
    return ScalarNode(_TAG + "str", text + "\n", style="|")


def _block(one: Node) -> Node:
    if isinstance(one, SequenceNode | MappingNode):
        one.flow_style = False
        for child in one.value:
            for part in child if isinstance(child, tuple) else (child,):
                _block(part)
    elif isinstance(one, ScalarNode) and re.search(r"[\r\n\x85\u2028\u2029]", one.value):
        one.style = '"'
    return one


def _flow(value: Any) -> Node:
    one = _block(node(value))
    waiting = [one]
    while waiting:
        part = waiting.pop()
        if isinstance(part, SequenceNode | MappingNode):
            part.flow_style = True
            for child in part.value:
                waiting += child if isinstance(child, tuple) else (child,)
    return one


def _mapping(pairs: list[tuple[Node, Node]]) -> MappingNode:
    return MappingNode(_TAG + "map", pairs, flow_style=False)


def _sequence(items: list[Node]) -> SequenceNode:
    return SequenceNode(_TAG + "seq", items, flow_style=False)


def _dump(data: Mapping[str, Any]) -> list[str]:
    return _serialize(_block(node(data)))


def _serialize(one: Node) -> list[str]:
    text: str = yaml.serialize(one, Dumper=yaml.SafeDumper, allow_unicode=True, width=_WIDE)
    return text.removesuffix("\n").removesuffix("\n...").split("\n")


def _indented(lines: Iterable[str], indent: int) -> list[str]:
    return [" " * indent + line if line else line for line in lines]
