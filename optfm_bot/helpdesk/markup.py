"""HTML of agents' editors and mail programs as a body of ours, and our words as HTML. Pure; never raises."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser

from channels.links import is_link
from channels.model import Block, Body, Break, ListBlock, Paragraph, Quote, Text
from optfm_bot.helpdesk.lines import Lines, Run, Style, inlines

_MOST = 300_000
"""Characters of HTML that are read. An agent's reply is never near; a mail with pictures inside may be."""
_DEEPEST = 100
_PARAGRAPHS = frozenset({"p", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table", "hr", "dl"})
_LINES = frozenset(
    {"div", "tr", "section", "article", "header", "footer", "center", "address", "dt", "dd", "form", "main"}
)
_STYLES = {
    "b": Style("b"), "strong": Style("b"), "th": Style("b"), "i": Style("i"), "em": Style("i"),
    "code": Style("c"), "pre": Style("c"), "kbd": Style("c"), "samp": Style("c"), "tt": Style("c"),
    **{f"h{level}": Style("b") for level in range(1, 7)},
}  # fmt: skip
_UNSEEN = frozenset(
    {"script", "style", "head", "title", "template", "svg", "object", "iframe", "select", "textarea"}
)
_VOID = frozenset(
    {"br", "img", "hr", "input", "meta", "link", "col", "wbr", "area", "base", "embed", "source"}
)
_HISTORY_CLASSES = frozenset(
    {"gmail_quote", "gmail_extra", "gmail_attr", "yahoo_quoted", "protonmail_quote", "moz-cite-prefix"}
)
_HISTORY_FOLLOWS = frozenset(
    {"divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container", "x_divrplyfwdmsg"}
)
_SECTION = re.compile(r"<!\[[^>]*>?")  # the parser of Python fails on unknown ones
_LONE = re.compile(r"<(?![A-Za-z/!?])")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_WROTE = re.compile(
    r"(?:wrote|написал(?:\(а\)|а|и)?|пишет|schrieb|a écrit)[^:\n]{0,80}:\s*$|\d[^\n]*@[^\n]*:\s*$",
    re.IGNORECASE,
)
_DATE_LINE = re.compile(r"(?:on|am|le|el|в|пн|вт|ср|чт|пт|сб|вс|\d)\b", re.IGNORECASE)
_SEPARATOR = re.compile(
    r"[-–—_\s]*(?:-{2,}\s*(?:original message|forwarded message|исходное сообщение|пересылаемое сообщение)\s*-{2,}"
    r"|please reply above this line|пишите ответ выше этой (?:линии|строки)).*",
    re.IGNORECASE,
)
_FROM = re.compile(r"(?:from|от|von|de)\s*:.+", re.IGNORECASE)
_SENT = re.compile(r"(?:sent|date|отправлено|дата|gesendet|envoyé)\s*:.+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class InlineImage:
    """A picture inside of a text: its address (perhaps `data:`), and what it is called."""

    src: str = field(repr=False)
    alt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AgentText:
    """What an agent wrote: words, which may be none, and the pictures that stood among them, in order."""

    body: Body = field(repr=False)
    images: tuple[InlineImage, ...] = ()


def read_html(source: str, *, history: bool = False) -> AgentText:
    """Read HTML; with `history` true the mails that a mail program quotes are left out."""
    reader = _Reader(cut=history)
    reader.feed(_tame(source[:_MOST]))
    reader.close()
    return AgentText(Body(reader.blocks()), tuple(reader.images))


def read_plain(text: str) -> Body:
    """Give plain text as a body: an empty line divides paragraphs, other lines stay lines."""
    paragraphs = re.split(r"\n[^\S\n]*\n\s*", text.replace("\r\n", "\n").replace("\r", "\n").strip())
    blocks = []
    for paragraph in paragraphs:
        children: list[Text | Break] = []
        for line in paragraph.split("\n"):
            children += [Break(), Text(line.rstrip())] if children else [Text(line.rstrip())]
        if paragraph:
            blocks.append(Paragraph(tuple(child for child in children if child != Text(""))))
    return Body(tuple(blocks))


def write_html(text: str) -> str:
    """Give plain text as HTML that shows the same: every sign literally, lines as lines, runs of spaces kept."""
    kept = "".join(sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in {"Cc", "Cs"})
    escaped = html.escape(kept, quote=False).replace("\t", "    ")
    spaced = re.sub(r"(?m)^ | (?= )", "&nbsp;", escaped)
    return spaced.replace("\n", "<br>\n")


def fingerprint(source: str) -> str:
    """Give what HTML says without markup, white space and the differences that a helpdesk may make in storing it."""
    words = html.unescape(re.sub(r"<[^<>]*>", "", source))
    return unicodedata.normalize("NFC", "".join(words.split()))


def _tame(source: str) -> str:
    """Take out what the parser of Python fails on, or reads again and again: odd sections, comments, open ends."""
    pieces = []
    place = 0
    while (begin := source.find("<!--", place)) >= 0 and (end := source.find("-->", begin + 4)) >= 0:
        pieces.append(source[place:begin])
        place = end + 3
    rest = "".join([*pieces, source[place:].replace("<!--", "")])
    body, closed, tail = _LONE.sub("&lt;", _SECTION.sub("", rest)).rpartition(">")
    return body + closed + tail.replace("<", "&lt;")


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet."""

    tag: str
    style: Style | None = None
    unseen: bool = False
    kind: str = ""
    """`item`, `quote` or `list`: what becomes a block of its own when it is closed."""
    start: int = 1


class _Reader(HTMLParser):
    """Goes through the HTML once; `blocks` is what was read."""

    def __init__(self, *, cut: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.images: list[InlineImage] = []
        self._cut = cut
        self._over = False
        self._open: list[_Open] = []
        self._hidden = 0
        self._lines = [Lines()]
        """The text being read: the whole one, inside of it a quotation or an item of a list."""
        self._items: list[list[Run]] = []

    def blocks(self) -> tuple[Block, ...]:
        """Give what was read."""
        while self._open:
            self._close_last()
        self._end_line()
        return self._lines[0].blocks()

    # -- what the parser calls ----------------------------------------------------------------------------

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if self._cut and given.get("id", "").lower() in _HISTORY_FOLLOWS:
            self._end_line()
            self._over = True
        if self._over:
            return
        if tag in _VOID:
            self._void(tag, given)
            return
        if tag in {"p", "li"}:
            self._close_like(tag)
        if len(self._open) >= _DEEPEST:
            return
        opened = self._opened(tag, given)
        self._hidden += opened.unseen
        self._open.append(opened)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "p" and not any(one.tag == "p" for one in self._open):
            self._gap()
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place].tag == tag:
                while len(self._open) > place:
                    self._close_last()
                return

    def handle_data(self, data: str) -> None:
        if self._over or self._unseen():
            return
        styles = tuple(dict.fromkeys(one.style for one in self._open if one.style))
        if any(one.tag == "pre" for one in self._open):
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._break()
                self._lines[-1].put(line.replace(" ", "\u00a0"), styles)
        else:
            self._lines[-1].put(re.sub(r"[ \t\r\n\f]+", " ", data), styles)

    # -- opening and closing ------------------------------------------------------------------------------

    def _void(self, tag: str, given: dict[str, str]) -> None:
        if self._unseen():
            return
        if tag == "br":
            self._break()
        elif tag == "hr":
            self._gap()
        elif tag == "img":
            self._image(given)

    def _opened(self, tag: str, given: dict[str, str]) -> _Open:
        classes = {name.lower() for name in given.get("class", "").split()}
        if tag in _UNSEEN or _HIDDEN.search(given.get("style", "")) or self._unseen():
            return _Open(tag, unseen=True)
        if self._cut and classes & _HISTORY_CLASSES:
            self._end_line()
            self._drop_attribution()
            return _Open(tag, unseen=True)
        if tag == "blockquote":
            return self._quote(given)
        if tag in {"ul", "ol"}:
            self._end_line()
            nested = len(self._lines) > 1
            return _Open(tag, kind="" if nested else "list", start=_number(given.get("start", "")))
        if tag == "li":
            return self._item()
        if tag in {"td", "th"} and not self._lines[-1].at_start:
            self._lines[-1].put(" | ", ())
        elif tag in _PARAGRAPHS:
            self._gap()
        elif tag in _LINES:
            self._end_line()
        href = given.get("href", "").strip() if tag == "a" else ""
        return _Open(tag, style=Style("a", href) if is_link(href) else _STYLES.get(tag))

    def _quote(self, given: dict[str, str]) -> _Open:
        self._end_line()
        if self._cut and (given.get("type", "").lower() == "cite" or self._drop_attribution()):
            self._drop_attribution()
            return _Open("blockquote", unseen=True)
        if len(self._lines) > 1:
            return _Open("blockquote")
        self._lines.append(Lines())
        return _Open("blockquote", kind="quote")

    def _item(self) -> _Open:
        self._end_line()
        outer = next((one for one in reversed(self._open) if one.tag in {"ul", "ol"}), None)
        if outer is not None and outer.kind == "list" and len(self._lines) == 1:
            self._lines.append(Lines())
            return _Open("li", kind="item")
        self._lines[-1].put("– " if len(self._lines) > 1 else "• ", ())
        return _Open("li")

    def _close_like(self, tag: str) -> None:
        """A paragraph ends where the next one begins, an item of a list too, whether or not that was said."""
        for one in reversed(self._open):
            if one.tag == tag:
                self.handle_endtag(tag)
                return
            if one.tag in {"ul", "ol", "td", "blockquote"}:
                return

    def _close_last(self) -> None:
        closed = self._open.pop()
        if closed.unseen:
            self._hidden -= 1
            return
        if closed.tag in _PARAGRAPHS:
            self._gap()
        elif closed.tag in _LINES or closed.tag in {"li", "ul", "ol", "blockquote"}:
            self._end_line()
        match closed.kind:
            case "item":
                self._items.append(self._lines.pop().joined())
            case "quote":
                children = inlines(self._lines.pop().joined())
                if children:
                    self._lines[-1].add(Quote(children))
            case "list":
                items = tuple(found for item in self._items if (found := inlines(item)))
                self._items.clear()
                if items:
                    self._lines[-1].add(ListBlock(items, ordered=closed.tag == "ol", start=closed.start))

    # -- lines --------------------------------------------------------------------------------------------

    def _break(self) -> None:
        if not (self._over or self._unseen()):
            self._lines[-1].break_line()
            self._look_back()

    def _end_line(self) -> None:
        if not (self._over or self._unseen()):
            self._lines[-1].end_line()
            self._look_back()

    def _gap(self) -> None:
        self._end_line()
        if not (self._over or self._unseen()):
            self._lines[-1].gap()

    def _look_back(self) -> None:
        """See whether the last line begins the mails that a mail program puts under a reply."""
        if not self._cut or self._over:
            return
        lines = self._lines[-1]
        last = lines.last(1)
        if _SEPARATOR.fullmatch(last):
            lines.drop(1)
            self._over = True
        elif _SENT.fullmatch(last) and _FROM.fullmatch(lines.last(2)):
            lines.drop(2)
            self._over = True

    def _drop_attribution(self) -> bool:
        """Take away the line that says who wrote what is quoted next; false if there is none."""
        lines = self._lines[-1]
        last = lines.last(1)
        if not _WROTE.search(last):
            return False
        lines.drop(1)
        if not any(sign.isdigit() for sign in last) and _DATE_LINE.match(lines.last(1)):
            lines.drop(1)
        return True

    def _image(self, given: dict[str, str]) -> None:
        src, alt = given.get("src", "").strip(), given.get("alt", "").strip()
        if alt and not any(sign.isalnum() for sign in alt):
            self._lines[-1].put(alt, ())  # an emoji of a mail program
            return
        if src and not (given.get("width") in {"0", "1"} and given.get("height") in {"0", "1"}):
            self.images.append(InlineImage(src, alt))

    def _unseen(self) -> bool:
        return self._hidden > 0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004 - a list is not longer
