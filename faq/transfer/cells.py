"""The text of one cell: lists, guards against formulas, HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser

GUARD = "'"
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_HALF = re.compile("[\ud800-\udfff]")
_COMMAS = re.compile(r"[,;|/#]|^(?:[-–—•*·▪●]|\(?\d{1,2}[.)])")
"""What would part a keyword, or be taken from its beginning, when lists of other people are read."""

_BREAK = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")

_TAG = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|br|center|code|del|div|em|font|h[1-6]|hr|i|img|ins|li|mark|ol|p|pre|q|s|small"
    r"|span|strike|strong|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|laquo|raquo|mdash|ndash|hellip|#\d{2,6}|#x[0-9a-f]{2,5});")
_LOOSE_AMPERSAND = re.compile(r"&(?!(?:[A-Za-z]\w{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});)")
_BLOCKS = frozenset(
    {"p", "div", "blockquote", "table", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "pre"}
)


def guard(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet program would take it for a formula."""
    return GUARD + text if _DANGEROUS.match(text) else text


def unguard(text: str) -> str:
    """The text that `guard` was given."""
    return text[1:] if _GUARDED.match(text) else text


def join_lines(items: Sequence[str]) -> str:
    """A list as lines of one cell; as JSON where an item would not survive that. `split_list` undoes it."""
    return _join(items, "\n", lambda item: bool(_BREAK.search(item)))


def join_commas(items: Sequence[str]) -> str:
    """A list with commas between its items; as JSON where an item would not survive that."""
    return _join(items, ", ", lambda item: bool(_BREAK.search(item)) or bool(_COMMAS.search(item)))


def split_lines(text: str) -> list[str]:
    """The list that `join_lines` was given."""
    found = read_list(text)
    return found if found is not None else [item for part in text.split("\n") if (item := part.strip())]


def split_commas(text: str) -> list[str]:
    """The list that `join_commas` was given; lines part its items too."""
    found = read_list(text)
    return (
        found
        if found is not None
        else [item for part in re.split(r"[,;|\n]", text) if (item := part.strip())]
    )


def read_list(text: str) -> list[str] | None:
    """A list of texts in JSON; `None` if the text is anything else."""
    if not text.lstrip().startswith("["):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list) or not all(isinstance(item, str | int | float) for item in found):
        return None
    return [item if isinstance(item, str) else str(item) for item in found]


def is_broken(text: str) -> bool:
    """Whether a text holds halves of characters, which no file in UTF-8 can keep."""
    return not text.isascii() and bool(_HALF.search(text))


def _join(items: Sequence[str], mark: str, breaks: Callable[[str], bool]) -> str:
    text = mark.join(items)
    if any(breaks(item) or item != item.strip() or not item for item in items) or text.startswith("["):
        return json.dumps(list(items), ensure_ascii=False)
    return text


# -- HTML ------------------------------------------------------------------------------------------------------------


def has_markup(text: str) -> bool:
    """Whether there is HTML in a text: a known tag, or an entity."""
    return bool(_TAG.search(text) or _ENTITY.search(text))


def plain_text(text: str) -> str:
    """A text without HTML. Paragraphs and list items become lines, a link keeps its address in brackets.

    What is no known tag stays as it is written. A text without HTML comes back unchanged.
    """
    if not has_markup(text):
        return text
    reader = _PlainReader()
    # Angle brackets of anything but a known tag are the author's own, such as `<5 кг`; so is `&copy=1` of an address.
    text = re.sub("<", lambda found: "<" if _TAG.match(text, found.start()) else "&lt;", text)
    reader.feed(_LOOSE_AMPERSAND.sub("&amp;", text))
    reader.close()
    lines = [re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.parts).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _PlainReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag in {"br", "hr"}:
            self.parts.append("\n")
        elif tag in {"li", "tr"}:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag in _BLOCKS:
            self.parts.append("\n\n" if self.parts else "")
        elif tag in {"td", "th"}:
            self.parts.append(" ")
        elif tag == "img":
            self.parts.append(" ".join(part for part in (known.get("alt"), known.get("src")) if part))
        elif tag == "a":
            self._links.append((known.get("href") or "", len(self.parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._links:
            address, start = self._links.pop()
            label = "".join(self.parts[start:]).strip()
            target = address.removeprefix("mailto:").removeprefix("tel:")
            if target and target not in label:
                self.parts.append(f" ({address})" if label else address)
        elif tag in _BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
