"""The knowledge format, version 1: documents in, entries and categories out, with every problem in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from yaml.nodes import Node, ScalarNode, SequenceNode

from faq.base import KnowledgeBase, Problem, ProblemCode
from faq.entry import Attachment, AttachmentType, Category, Connection, EntryButton, FaqEntry, Origin, Status
from faq.yaml_nodes import NodeReader, is_null

Item = TypeVar("Item")

VERSION = "1"
TOP_KEYS = ("version", "language", "categories", "synonyms", "entries")
CATEGORY_KEYS = ("title", "titles")
ENTRY_KEYS = (
    "id", "question", "category", "aliases", "keywords", "answer", "answers", "buttons", "attachments",
    "connections", "status", "valid_from", "valid_to", "language",
)  # fmt: skip
BUTTON_KEYS = ("text", "faq", "url")
ATTACHMENT_KEYS = ("type", "path", "url", "name")
CONNECTION_KEYS = ("search_type", "integration_id", "integration_config")

_ID = re.compile(r"[\w][\w.-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})?")
_LONG_CODES = frozenset({"rus", "eng"})
"""Codes of our languages that nobody looks under: entries and answers of theirs would never be found."""
_ANSWER_KEY = re.compile(r"[a-z][a-z0-9_-]{0,31}(\.[a-z]{2,3}([-_][A-Za-z0-9]{2,8})?)?")
_URL = re.compile(r"(https?://|mailto:|tel:|tg://)\S+")


@dataclass(slots=True)
class FileContent:
    """What one file holds, before references between entries are checked."""

    file: str
    language: str = "ru"
    entries: list[FaqEntry] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    synonyms: list[tuple[str, ...]] = field(default_factory=list)
    references: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Kind (`category` or `entry`), field, name and line of every reference."""
    claimed: dict[str, Origin] = field(default_factory=dict)
    """Ids of all entries that are written: a reference to a broken one is no problem of its own."""
    claimed_categories: set[str] = field(default_factory=set)


def read_document(file: str, text: str) -> tuple[FileContent, list[Problem]]:
    """Read one file. Gives what could be read and everything that is wrong with it."""
    reader = _DocumentReader(file)
    root = reader.compose(text)
    if root is not None and not is_null(root):
        reader.document(root)
    return reader.content, reader.problems


def read_root(file: str, root: Node) -> tuple[FileContent, list[Problem]]:
    """The same for a document that consists of nodes already, as other formats make them."""
    reader = _DocumentReader(file)
    reader.document(root)
    return reader.content, reader.problems


def resolve(contents: Sequence[FileContent]) -> tuple[KnowledgeBase, list[Problem]]:
    """Join the files and check what they say of each other: double ids, unknown categories and entries."""
    problems: list[Problem] = []
    entries: dict[str, FaqEntry] = {}
    categories: dict[str, Category] = {}
    for content in contents:
        for category in content.categories:
            first = categories.setdefault(category.id, category)
            if first != category:
                problems.append(
                    _twice(content.file, f"categories.{category.id}", category.origin, first.origin)
                )
        for entry in content.entries:
            earlier = entries.setdefault(entry.id, entry)
            if earlier is not entry:
                problems.append(_twice(content.file, f"entries[{entry.id}].id", entry.origin, earlier.origin))
    known = {
        "category": [*categories, *(name for content in contents for name in content.claimed_categories)],
        "entry": [*entries, *(name for content in contents for name in content.claimed)],
    }
    sets = {kind: set(names) for kind, names in known.items()}
    for content in contents:
        reader = NodeReader(content.file)
        for kind, place, name, line in content.references:
            if name not in sets[kind]:
                reader.unknown_at(ProblemCode.REFERENCE, line, place, kind, name, known[kind])
        problems += reader.problems
    base = KnowledgeBase(
        entries=tuple(entries.values()),
        categories=tuple(categories.values()),
        synonyms=tuple(group for content in contents for group in content.synonyms),
        language=contents[0].language if contents else "ru",
    )
    return base, problems


def _twice(file: str, place: str, second: Origin | None, first: Origin | None) -> Problem:
    name = place.partition("[")[2].partition("]")[0] or place.partition(".")[2]
    return Problem(
        code=ProblemCode.DUPLICATE,
        file=file,
        line=second.line if second else 0,
        field=place,
        message=f"the id `{name}` is used twice: here and at {first}",
        hint="give one of them another id",
    )


class _DocumentReader(NodeReader):
    """Reads the nodes of one file into a `FileContent`."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.content = FileContent(file)

    def document(self, root: Node) -> None:
        found = self.fields(root, "", TOP_KEYS)
        if "version" in found and self.text(found["version"], "version") not in {VERSION, None}:
            message = f"version `{found['version'].value}` of the format is not known"
            self.problem(ProblemCode.VALUE, found["version"], "version", message, "write `version: 1`")
        self.content.language = self._language(found.get("language"), "language") or "ru"
        if "categories" in found:
            for key, key_node, value in self.pairs(found["categories"], "categories"):
                self._category(key, key_node, value)
        if "synonyms" in found:
            for number, group in enumerate(self.items(found["synonyms"], "synonyms"), start=1):
                self._synonyms(group, f"synonyms[{number}]")
        if "entries" in found:
            for number, node in enumerate(self.items(found["entries"], "entries"), start=1):
                self._entry(node, number)

    def _language(self, node: Node | None, place: str) -> str | None:
        value = self.text(node, place) if node is not None else None
        if (
            node is not None
            and value is not None
            and (not _LANGUAGE.fullmatch(value) or value[:3] in _LONG_CODES)
        ):
            message = f"`{value[:40]}` is not a language code"
            self.problem(ProblemCode.VALUE, node, place, message, "write `ru` or `en`")
            return None
        return value

    def _category(self, key: str, key_node: Node, value: Node) -> None:
        place = f"categories.{key}"
        self.content.claimed_categories.add(key)
        titles: dict[str, str] = {}
        if isinstance(value, ScalarNode):
            title = self.text(value, place)
        else:
            found = self.fields(value, place, CATEGORY_KEYS)
            title = self._required(found, "title", key_node, place)
            if "titles" in found:
                for code, code_node, text_node in self.pairs(found["titles"], f"{place}.titles"):
                    self._language(code_node, f"{place}.titles.{code}")
                    titles[code] = self.text(text_node, f"{place}.titles.{code}") or ""
        if title is not None:
            origin = Origin(self.file, self.line(key_node))
            self.content.categories.append(Category(id=key, title=title, titles=titles, origin=origin))

    def _synonyms(self, node: Node, place: str) -> None:
        group = self.texts(node, place)
        if isinstance(node, SequenceNode) and len(node.value) == 1:
            self.problem(ProblemCode.VALUE, node, place, "a group of synonyms needs two words or more")
        elif group:
            self.content.synonyms.append(group)

    def _required(self, found: Mapping[str, Node], key: str, node: Node, place: str) -> str | None:
        if key not in found:
            self.problem(
                ProblemCode.MISSING, node, f"{place}.{key}", f"`{key}` is missing", f"add `{key}: …`"
            )
            return None
        return self.text(found[key], f"{place}.{key}")

    # -- entries ------------------------------------------------------------------------------------------

    def _entry(self, node: Node, number: int) -> None:
        before = len(self.problems)
        place = f"entries[{number}]"
        if not self.is_mapping(node, place):
            return
        place = self._entry_place(node, place)
        found = self.fields(node, place, ENTRY_KEYS)
        identity = self._entry_id(found, node, place)
        question = self._required(found, "question", node, place)
        answers = self._answers(found.get("answers"), f"{place}.answers")
        answer = self.text(found["answer"], f"{place}.answer") if "answer" in found else None
        if "answer" not in found and not found.keys() & {"answers"}:
            self._required({}, "answer", node, place)
        category = self.text(found["category"], f"{place}.category") if "category" in found else None
        if category is not None:
            line = self.line(found["category"])
            self.content.references.append(("category", f"{place}.category", category, line))
        status = self.choice(found["status"], f"{place}.status", tuple(Status)) if "status" in found else None
        days = {
            key: self.day(found[key], f"{place}.{key}") for key in ("valid_from", "valid_to") if key in found
        }
        first, last = days.get("valid_from"), days.get("valid_to")
        if first and last and last < first:
            message = f"the entry ends ({last}) before it begins ({first})"
            self.problem(ProblemCode.VALUE, found["valid_to"], f"{place}.valid_to", message)
        aliases = self._texts(found.get("aliases"), f"{place}.aliases")
        keywords = self._texts(found.get("keywords"), f"{place}.keywords")
        buttons = self._each(found.get("buttons"), f"{place}.buttons", self._button)
        attachments = self._each(found.get("attachments"), f"{place}.attachments", self._attachment)
        connections = self._each(found.get("connections"), f"{place}.connections", self._connection)
        language = self._language(found.get("language"), f"{place}.language") or self.content.language
        origin = Origin(self.file, self.line(node))
        if identity is not None:
            self.content.claimed[identity] = origin
        if len(self.problems) > before or identity is None or question is None:
            return
        self.content.entries.append(
            FaqEntry(
                id=identity,
                question=question,
                answer=answer or "",
                answers=answers,
                category=category,
                status=Status(status or Status.LIVE),
                valid_from=first,
                valid_to=last,
                language=language,
                origin=origin,
                aliases=aliases,
                keywords=keywords,
                buttons=buttons,
                attachments=attachments,
                connections=connections,
            )
        )

    @staticmethod
    def _entry_place(node: Node, place: str) -> str:
        """The path of an entry for messages: by id where it has one, by number otherwise."""
        for key, value in node.value:
            if key.value == "id" and isinstance(value, ScalarNode) and _ID.fullmatch(str(value.value)):
                return f"entries[{value.value}]"
        return place

    def _entry_id(self, found: Mapping[str, Node], node: Node, place: str) -> str | None:
        identity = self._required(found, "id", node, place)
        if identity is not None and not _ID.fullmatch(identity):
            message = f"`{identity[:40]}` is not an id"
            hint = "use letters, digits, `-`, `_` and `.`, at most 64"
            self.problem(ProblemCode.VALUE, found["id"], f"{place}.id", message, hint)
            return None
        return identity

    def _answers(self, node: Node | None, place: str) -> dict[str, str]:
        answers: dict[str, str] = {}
        if node is None or not self.is_mapping(node, place):
            return answers
        for key, key_node, value in self.pairs(node, place):
            if not _ANSWER_KEY.fullmatch(key):
                message = f"`{key[:40]}` is neither a channel nor a language"
                hint = "write a channel, a language or both: `telegram`, `en`, `telegram.en`"
                self.problem(ProblemCode.VALUE, key_node, f"{place}.{key[:40]}", message, hint)
            answers[key] = self.text(value, f"{place}.{key}") or ""
        if not node.value:
            self.problem(ProblemCode.EMPTY, node, place, "is empty", "write a text or remove the field")
        return answers

    def _texts(self, node: Node | None, place: str) -> tuple[str, ...]:
        return self.texts(node, place) if node is not None else ()

    def _each(
        self, node: Node | None, place: str, read: Callable[[Node, str], Item | None]
    ) -> tuple[Item, ...]:
        if node is None:
            return ()
        found = (
            read(item, f"{place}[{number}]") for number, item in enumerate(self.items(node, place), start=1)
        )
        return tuple(item for item in found if item is not None)

    def _exactly_one(self, found: Mapping[str, Node], node: Node, place: str, one: str, other: str) -> bool:
        if (one in found) != (other in found):
            return True
        message = f"needs exactly one of `{one}` and `{other}`"
        code = ProblemCode.VALUE if one in found else ProblemCode.MISSING
        self.problem(code, node, place, message)
        return False

    def _link(self, found: Mapping[str, Node], place: str) -> str | None:
        url = self.text(found["url"], f"{place}.url") if "url" in found else None
        if url is not None and not _URL.fullmatch(url):
            hint = "begin it with https://, mailto: or tel:"
            self.problem(
                ProblemCode.VALUE, found["url"], f"{place}.url", f"`{url[:60]}` is not an address", hint
            )
            return None
        return url

    def _button(self, node: Node, place: str) -> EntryButton | None:
        if not self.is_mapping(node, place):
            return None
        found = self.fields(node, place, BUTTON_KEYS)
        text = self._required(found, "text", node, place)
        one = self._exactly_one(found, node, place, "faq", "url")
        target = self.text(found["faq"], f"{place}.faq") if "faq" in found else None
        url = self._link(found, place)
        if target is not None:
            self.content.references.append(("entry", f"{place}.faq", target, self.line(found["faq"])))
        if text is None or not one or (target is None and url is None):
            return None
        return EntryButton(text=text, faq=target, url=url)

    def _attachment(self, node: Node, place: str) -> Attachment | None:
        if not self.is_mapping(node, place):
            return None
        found = self.fields(node, place, ATTACHMENT_KEYS)
        kind = (
            self.choice(found["type"], f"{place}.type", tuple(AttachmentType)) if "type" in found else "file"
        )
        one = self._exactly_one(found, node, place, "path", "url")
        path = self.text(found["path"], f"{place}.path") if "path" in found else None
        if path is not None and (
            path.startswith(("/", "\\", "~")) or ":" in path or ".." in re.split(r"[/\\]", path)
        ):
            hint = "write a path inside the knowledge folder"
            self.problem(
                ProblemCode.VALUE, found["path"], f"{place}.path", "leads out of the knowledge folder", hint
            )
            return None
        url = self._link(found, place)
        name = self.text(found["name"], f"{place}.name") if "name" in found else None
        if kind is None or not one or (path is None and url is None):
            return None
        return Attachment(type=AttachmentType(kind), path=path, url=url, name=name or "")

    def _connection(self, node: Node, place: str) -> Connection | None:
        if not self.is_mapping(node, place):
            return None
        found = self.fields(node, place, CONNECTION_KEYS)
        kind = self._required(found, "search_type", node, place)
        target = (
            self.text(found["integration_id"], f"{place}.integration_id")
            if "integration_id" in found
            else None
        )
        config: Any = {}
        if "integration_config" in found:
            config_node, config_place = found["integration_config"], f"{place}.integration_config"
            is_mapping = self.is_mapping(config_node, config_place)
            config = self.data(config_node, config_place) if is_mapping else None
        if kind is None or config is None:
            return None
        return Connection(search_type=kind, integration_id=target, integration_config=config)
