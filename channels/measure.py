"""How long a text is for a platform, and a memory of what was written and measured lately."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from channels.capabilities import Capabilities, TextUnit
from channels.dialects import PLAIN, Dialect, dialect_named
from channels.links import shown_address
from channels.model import Block, Body, Bold, Break, Code, Inline, Italic, Link, ListBlock, Text

_REMEMBERED = 512
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A body as a dialect writes it, with its lengths in the platform's unit.

    `length` is what the platform counts of `text`; `widest` is the same, or the length of `plain` if that is
    more, so that a part of this width still fits when markup is refused and the plain words are sent. `blank`
    says that there are no words to see (a bullet is none), `marked` that plain text loses formatting.
    """

    text: str
    plain: str
    length: int
    widest: int
    blank: bool
    marked: bool


def text_length(text: str, unit: TextUnit) -> int:
    """The length of `text` in `unit`."""
    if unit is TextUnit.UTF16 and not text.isascii():
        return len(text.encode("utf-16-le", "surrogatepass")) // 2
    return len(text)


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen: white space, control and formatting characters only."""
    return all(char.isspace() or unicodedata.category(char) in _INVISIBLE for char in text)


def written(body: Body, capabilities: Capabilities) -> Written:
    """`body` as the platform's dialect writes it. Remembered for the bodies of the last messages."""
    dialect = dialect_named(capabilities.dialect)
    return _remembered(body, dialect, capabilities.text_unit, capabilities.counts_markup)


def measured(body: Body, capabilities: Capabilities) -> Written:
    """The same as `written`, for a body that is only tried and not worth remembering."""
    dialect = dialect_named(capabilities.dialect)
    return _write(body, dialect, capabilities.text_unit, capabilities.counts_markup)


def _write(body: Body, dialect: Dialect, unit: TextUnit, counts_markup: bool) -> Written:  # noqa: FBT001 - key of a cache
    text, plain = dialect.write(body), PLAIN.write(body)
    length = text_length(text if counts_markup else dialect.visible(body), unit)
    runs = [run for block in body.blocks for run in _runs(block)]
    return Written(
        text=text,
        plain=plain,
        length=length,
        widest=max(length, text_length(plain, unit)),
        blank=all(_says_nothing(run) for run in runs),
        marked=any(_is_marked(child) for run in runs for child in run),
    )


_remembered = lru_cache(maxsize=_REMEMBERED)(_write)


def _runs(block: Block) -> tuple[tuple[Inline, ...], ...]:
    return block.items if isinstance(block, ListBlock) else (block.children,)


def _says_nothing(run: tuple[Inline, ...]) -> bool:
    return not any(_says_something(child) for child in run)


def _says_something(child: Inline) -> bool:
    match child:
        case Text(value) | Code(value):
            return not is_blank(value)
        case Bold(children) | Italic(children):
            return not _says_nothing(children)
        case Break():
            return False
        case Link():
            return True


def _is_marked(child: Inline) -> bool:
    match child:
        case Text() | Break():
            return False
        case Bold() | Italic() | Code():
            return True
        case Link(url, children):
            return children not in {(Text(url),), (Text(shown_address(url)),)}
