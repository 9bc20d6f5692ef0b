"""Texts as Telegram reads them: UTF-16 lengths, strict HTML, and the entities of incoming texts.

The HTML reader knows exactly the supported tags and refuses everything else with the server's own words, so
that a forgotten escape fails here as it would fail there.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from channels.testing.telegram_server.refusal import bad_request

Entity = dict[str, Any]

_KINDS: Final = {
    "a": "text_link",
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_NAMED_REFERENCES: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_SPECIAL: Final = re.compile(r"[<&]")
_REFERENCE: Final = re.compile(r"&(?:#(\d{1,8})|#[xX]([0-9a-fA-F]{1,6})|([a-z]+));?")
_TAG_NAME: Final = re.compile(r"[^\s>]*")
_ATTRIBUTE_NAME: Final = re.compile(r"[^\s=>/\"']*")
_NAME_TOKEN: Final = re.compile(r"[A-Za-z0-9.\-]*")
_SPACES: Final = re.compile(r"\s*")
_INCOMING: Final = re.compile(
    r"(?P<bot_command>(?<![\w/@])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?)"
    r"|(?P<mention>(?<![\w@])@[A-Za-z0-9_]{3,32})"
    r"|(?P<url>https?://[^\s<>]+)"
)


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, the unit of entity offsets."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def incoming_entities(text: str) -> list[Entity]:
    """The entities Telegram finds by itself in a text that a person typed: commands, mentions, addresses."""
    return [
        {
            "type": found.lastgroup,
            "offset": utf16_length(text[: found.start()]),
            "length": utf16_length(found.group()),
        }
        for found in _INCOMING.finditer(text)
    ]


def parse_html(text: str) -> tuple[str, list[Entity]]:
    """The visible text and its entities. Raises a 400 "can't parse entities" where Telegram would."""
    if "<" not in text and "&" not in text:
        return text, []
    return _HtmlReader(text).read()


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """The text without whitespace at both ends, with the entities moved and cut accordingly."""
    bare = text.strip()
    if not entities or len(bare) == len(text):
        return bare, entities
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    end = utf16_length(bare)
    kept: list[Entity] = []
    for entity in entities:
        first = max(0, entity["offset"] - lead)
        last = min(end, entity["offset"] + entity["length"] - lead)
        if last > first:
            kept.append({**entity, "offset": first, "length": last - first})
    return bare, kept


@dataclass(slots=True)
class _OpenTag:
    name: str
    offset: int
    begin: int
    attributes: dict[str, str] = field(default_factory=dict)


class _HtmlReader:
    """One pass over one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.pieces: list[str] = []
        self.length = 0
        self.open: list[_OpenTag] = []
        self.entities: list[Entity] = []

    def read(self) -> tuple[str, list[Entity]]:
        while found := _SPECIAL.search(self.text, self.at):
            self._append(self.text[self.at : found.start()])
            self.at = found.start()
            if found.group() == "&":
                self._append(self._reference())
            elif self.text.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        self._append(self.text[self.at :])
        if self.open:
            raise bad_request(
                "can't parse entities: Can't find end tag corresponding to start tag"
                f' "{self.open[-1].name}"'
            )
        self.entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self.pieces), self.entities

    def _append(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += utf16_length(piece)

    def _fail(self, what: str, begin: int, rest: str = "") -> NoReturn:
        offset = len(self.text[:begin].encode())
        raise bad_request(f"can't parse entities: {what} at byte offset {offset}{rest}")

    def _reference(self) -> str:
        """One character reference; an unknown one stays as it was written."""
        found = _REFERENCE.match(self.text, self.at)
        if found is not None:
            decimal, hexadecimal, name = found.groups()
            character = _NAMED_REFERENCES.get(name or "", "")
            if not name:
                code = int(decimal) if decimal else int(hexadecimal, 16)
                character = chr(code) if 0 < code < sys.maxunicode else ""
            if character:
                self.at = found.end()
                return character
        self.at += 1
        return "&"

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        piece = found.group() if found else ""
        self.at += len(piece)
        return piece

    def _here(self) -> str:
        return self.text[self.at : self.at + 1]

    def _start_tag(self) -> None:
        begin = self.at
        self.at += 1
        name = self._skip(_TAG_NAME).lower()
        if not self._here():
            self._fail("Unclosed start tag", begin)
        if name not in _KINDS:
            self._fail(f'Unsupported start tag "{name}"', begin)
        tag = _OpenTag(name=name, offset=self.length, begin=begin)
        while True:
            self._skip(_SPACES)
            if self._here() == ">":
                break
            if not self._here():
                self._fail(f'Unclosed start tag "{name}"', begin)
            self._attribute(tag)
        self.at += 1
        if name == "span" and tag.attributes.get("class") != "tg-spoiler":
            self._fail('Tag "span" must have class "tg-spoiler"', begin)
        self.open.append(tag)

    def _attribute(self, tag: _OpenTag) -> None:
        name = self._skip(_ATTRIBUTE_NAME).lower()
        if not name:
            self._fail(f'Empty attribute name in the tag "{tag.name}"', tag.begin)
        self._skip(_SPACES)
        if self._here() != "=":
            if tag.name == "blockquote" and name == "expandable":
                tag.attributes[name] = ""
                return
            self._fail(
                f'Expected equal sign in declaration of an attribute of the tag "{tag.name}"', tag.begin
            )
        self.at += 1
        self._skip(_SPACES)
        tag.attributes[name] = self._attribute_value(tag)

    def _attribute_value(self, tag: _OpenTag) -> str:
        quote = self._here()
        if quote not in {'"', "'"}:
            begin = self.at
            token = self._skip(_NAME_TOKEN).lower()
            if self._here() and self._here() != ">" and not self._here().isspace():
                self._fail("Unexpected end of name token", begin)
            return token
        self.at += 1
        value: list[str] = []
        while self._here() != quote:
            if not self._here():
                self._fail("Unclosed start tag", tag.begin)
            if self._here() == "&":
                value.append(self._reference())
            else:
                value.append(self._here())
                self.at += 1
        self.at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self.at
        if not self.open:
            self._fail("Unexpected end tag", begin)
        self.at += 2
        name = self._skip(_TAG_NAME).lower()
        self._skip(_SPACES)
        if self._here() != ">":
            self._fail("Unclosed end tag", begin)
        self.at += 1
        tag = self.open.pop()
        if name and name != tag.name:
            self._fail("Unmatched end tag", begin, f', expected "</{tag.name}>", found "</{name}>"')
        self._close(tag)

    def _close(self, tag: _OpenTag) -> None:
        length = self.length - tag.offset
        language = tag.attributes.get("class", "").removeprefix("language-")
        if tag.name == "code" and self.open and self.open[-1].name == "pre":
            self.open[-1].attributes["class"] = tag.attributes.get("class", "")
            return
        entity: Entity = {"type": _KINDS[tag.name], "offset": tag.offset, "length": length}
        match tag.name:
            case "a":
                entity["url"] = tag.attributes.get("href", "")
            case "tg-emoji":
                entity["custom_emoji_id"] = tag.attributes.get("emoji-id", "")
            case "tg-time":
                entity["unix_time"] = int(tag.attributes.get("unix", "0") or 0)
            case "blockquote" if "expandable" in tag.attributes:
                entity["type"] = "expandable_blockquote"
            case "pre" if language:
                entity["language"] = language
        # A link without an address is shown as its words, without a word of complaint.
        if length and entity.get("url", "-"):
            self.entities.append(entity)
