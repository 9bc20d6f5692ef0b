"""The words of an outgoing message: markdown or HTML to plain text and `markup`, as MAX stores them.

Unknown HTML tags are dropped without a word, as there; positions count UTF-16 units.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any, Final

Markup = dict[str, Any]

TEXT_LIMIT: Final = 4000
FORMATS: Final = ("markdown", "html")

_TAGS: Final = {
    "b": "strong",
    "strong": "strong",
    "i": "emphasized",
    "em": "emphasized",
    "s": "strikethrough",
    "del": "strikethrough",
    "u": "underline",
    "ins": "underline",
    "a": "link",
    "pre": "monospaced",
    "code": "monospaced",
    "mark": "highlighted",
    "blockquote": "quote",
    "h1": "heading",
}
_MENTION: Final = "max://user/"
_MARKDOWN: Final = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|```(?P<block>.+?)```|`(?P<code>[^`\n]+)`"
    r"|\[(?P<label>[^\]\n]+)\]\((?P<url>[^)\s]+)\)"
    r"|\*\*(?P<strong1>.+?)\*\*|__(?P<strong2>.+?)__"
    r"|~~(?P<strikethrough>.+?)~~|\+\+(?P<underline>.+?)\+\+|\^\^(?P<highlighted>.+?)\^\^"
    r"|\*(?P<emphasized1>[^\s*](?:[^*\n]*[^\s*])?)\*|\b_(?P<emphasized2>[^\s_](?:[^_\n]*[^\s_])?)_\b"
    r"|(?P<heading>(?<![^\n])#{1,6} [^\n]+)|(?P<quote>(?<![^\n])> ?[^\n]*)",
    re.DOTALL,
)


def utf16_length(text: str) -> int:
    """The length in UTF-16 units: the stricter reading of a limit whose unit is not documented."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_visible(text: str) -> bool:
    """Whether there is anything to see: spaces, controls and zero-width characters are not."""
    return any(unicodedata.category(one)[0] not in "ZC" for one in text)


def read_text(text: str, style: str | None) -> tuple[str, list[Markup]]:
    """What people will see, and its markup."""
    if style == "html":
        return _HtmlReader().read(text) if "<" in text or "&" in text else (text, [])
    if style == "markdown":
        spans: list[Markup] = []
        plain = _markdown(text, 0, spans)
        return plain, _ordered(spans)
    return text, []


def _element(kind: str, begin: int, length: int, url: str | None) -> Markup:
    found: Markup = {"type": kind, "from": begin, "length": length}
    if kind == "link" and url is not None:
        number = url.removeprefix(_MENTION)
        if url.startswith(_MENTION) and number.isdecimal():
            return {"type": "user_mention", "from": begin, "length": length, "user_id": int(number)}
        found["url"] = url
    return found


def _ordered(spans: Sequence[Markup]) -> list[Markup]:
    return sorted((one for one in spans if one["length"]), key=lambda one: (one["from"], -one["length"]))


class _HtmlReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._length = 0
        self._open: list[tuple[str, int, str | None]] = []
        self._spans: list[Markup] = []

    def read(self, text: str) -> tuple[str, list[Markup]]:
        self.feed(text)
        self.close()
        for tag, _, _ in reversed(self._open.copy()):
            self.handle_endtag(tag)
        return "".join(self._pieces), _ordered(self._spans)

    def handle_data(self, data: str) -> None:
        self._pieces.append(data)
        self._length += utf16_length(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _TAGS:
            self._open.append((tag, self._length, dict(attrs).get("href")))

    def handle_endtag(self, tag: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            name, begin, url = self._open[index]
            if name == tag:
                del self._open[index]
                self._spans.append(_element(_TAGS[name], begin, self._length - begin, url))
                return


def _markdown(text: str, begin: int, spans: list[Markup]) -> str:
    plain: list[str] = []
    length = begin
    at = 0
    for found in _MARKDOWN.finditer(text):
        before = text[at : found.start()]
        plain.append(before)
        length += utf16_length(before)
        piece = _markdown_piece(found, length, spans)
        plain.append(piece)
        length += utf16_length(piece)
        at = found.end()
    plain.append(text[at:])
    return "".join(plain)


def _markdown_piece(found: re.Match[str], begin: int, spans: list[Markup]) -> str:
    kind = found.lastgroup or ""
    inner = found[kind]
    url: str | None = None
    if kind == "escaped":
        return inner
    if kind in {"block", "code"}:
        kind = "monospaced"
    else:
        if kind == "url":
            kind, url, inner = "link", found["url"], found["label"]
        elif kind == "heading":
            inner = inner.lstrip("#")[1:]
        elif kind == "quote":
            inner = inner[1:].removeprefix(" ")
        kind = kind.rstrip("12")
        inner = _markdown(inner, begin, spans)
    spans.append(_element(kind, begin, utf16_length(inner), url))
    return inner
