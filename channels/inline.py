"""Inline Markdown: emphasis, code, links and escapes inside one paragraph, read in a single pass.

Delimiters open frames on a stack. A closing delimiter turns its frame into a node; frames that were opened
above it and never closed become the characters they were typed as. Every character is looked at a bounded
number of times, so hostile input (a wall of `*[`) costs no more than ordinary text of the same length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from channels.links import is_link
from channels.model import Bold, Break, Code, Inline, Italic, Link, Text

_TOKEN = re.compile(
    r"""
      \\(?P<escape>[!-/:-@\[-`{-~])
    | `(?P<code>[^`\n]++)`
    | (?P<run>\*++|_++)
    | (?P<open>\[)
    | \](?P<target>\([ ]*+(?P<url>(?:[^\s()<>\\]++|\([^\s()<>\\]*+\))++)[ ]*+\))?+
    | (?P<bare>(?<![^\W_])https?://[^\s<>"«»\[\]`\\]++)
    | (?P<newline>\n)
    | (?:[^\\`*_\[\]\nhH]++|.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_TRAILING = frozenset(".,;:!?'*_~)")  # ends of sentences and of emphasis, not of addresses
_BOLD_ITALIC = 3


def parse_inline(text: str) -> tuple[Inline, ...]:
    """Read one paragraph; a newline becomes a `Break`. Never raises: what is malformed stays as typed."""
    return _Reader(text).read()


@dataclass(slots=True)
class _Frame:
    """An opened delimiter and what has been read since; `str` children are characters not yet merged."""

    mark: str
    children: list[Inline | str] = field(default_factory=list)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.frames = [_Frame("")]
        # Where each kind of emphasis was opened: never twice, so trees stay shallow.
        self.emphases: dict[str, int] = {}
        # Open brackets that may still become links; the others are only characters by now.
        self.brackets: list[int] = []

    def read(self) -> tuple[Inline, ...]:
        text, position = self.text, 0
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:  # pragma: no cover - the last alternative matches any character
                break
            position = self._take(token)
        self._collapse(0)
        return _merged(self.frames[0].children)

    def _take(self, token: re.Match[str]) -> int:
        """Read one token and return where the next one begins."""
        match token.lastgroup:
            case "escape":
                self._add(token["escape"])
            case "code":
                self._add(Code(token["code"]))
            case "run":
                self._run(token[0], token.start(), token.end())
            case "open":
                self._open("[")
            case "newline":
                self._add(Break())
            case "bare":
                return self._bare(token)
            case "target":
                if self._close_link(token["url"]):
                    return token.end()
                self._add("]")
                return token.start() + 1
            case _ if token[0] == "]":
                self._give_up_bracket()
                self._add("]")
            case _:
                self._add(token[0])
        return token.end()

    def _add(self, child: Inline | str) -> None:
        self.frames[-1].children.append(child)

    def _open(self, mark: str) -> None:
        if mark == "[":
            self.brackets.append(len(self.frames))
        else:
            self.emphases[mark] = len(self.frames)
        self.frames.append(_Frame(mark))

    def _forget(self, index: int) -> None:
        """Take the frames from `index` on off the stack."""
        del self.frames[index:]
        while self.brackets and self.brackets[-1] >= index:
            self.brackets.pop()
        self.emphases = {mark: at for mark, at in self.emphases.items() if at < index}

    def _collapse(self, index: int) -> None:
        """Turn the frames above `index` back into the characters they were typed as."""
        children = self.frames[index].children
        for frame in self.frames[index + 1 :]:
            children.append(frame.mark)
            children.extend(frame.children)
        self._forget(index + 1)

    def _finish(self, index: int) -> tuple[Inline, ...]:
        """Close the frame at `index` and return its children."""
        self._collapse(index)
        children = _merged(self.frames[index].children)
        self._forget(index)
        return children

    # -- emphasis -----------------------------------------------------------------------------------------

    def _run(self, run: str, start: int, end: int) -> None:
        before = self.text[start - 1] if start else " "
        after = self.text[end] if end < len(self.text) else " "
        opens, closes = not after.isspace(), not before.isspace()
        if len(run) == 1:
            # Inside a word these are characters: snake_case, 10*20*30.
            opens = opens and not before.isalnum()
            closes = closes and not after.isalnum()
        if run in {"*", "_", "**"}:
            self._delimiter(run, opens=opens, closes=closes)
        elif len(run) == _BOLD_ITALIC and run[0] == "*":
            self._bold_italic(opens=opens, closes=closes)
        else:
            self._add(run)

    def _delimiter(self, mark: str, *, opens: bool, closes: bool) -> None:
        if mark in self.emphases:
            if closes:
                self._close_emphasis(mark)
            else:
                self._add(mark)
        elif opens:
            self._open(mark)
        else:
            self._add(mark)

    def _close_emphasis(self, mark: str) -> None:
        children = self._finish(self.emphases[mark])
        self._add(Bold(children) if mark == "**" else Italic(children))

    def _bold_italic(self, *, opens: bool, closes: bool) -> None:
        bold, italic = self.emphases.get("**"), self.emphases.get("*")
        if closes and bold is not None and italic is not None:
            for mark in ("*", "**") if italic > bold else ("**", "*"):
                self._close_emphasis(mark)
        elif opens and bold is None and italic is None:
            self._open("**")
            self._open("*")
        else:
            self._add("***")

    # -- links --------------------------------------------------------------------------------------------

    def _give_up_bracket(self) -> None:
        """A `]` that closes no link: the last open bracket was just a bracket."""
        if self.brackets:
            self.brackets.pop()

    def _close_link(self, url: str) -> bool:
        if not self.brackets:
            return False
        index = self.brackets[-1]
        labelled = any(_has_words(child) for frame in self.frames[index:] for child in frame.children)
        if not labelled or not is_link(url):
            self._give_up_bracket()
            return False
        self._add(Link(url, self._finish(index)))
        self.brackets.clear()  # links do not nest: what is open around this one is no link
        return True

    def _bare(self, token: re.Match[str]) -> int:
        """A web address in the running text becomes a link, without the punctuation that follows it."""
        address = token[0]
        end = len(address)
        unmatched = address.count(")") - address.count("(")
        while end and address[end - 1] in _TRAILING:
            if address[end - 1] == ")":
                if unmatched <= 0:
                    break
                unmatched -= 1
            end -= 1
        address = address[:end]
        if not is_link(address):
            self._add(token[0][:4])
            return token.start() + 4
        # Inside an open bracket it may turn out to be a label, and links do not nest.
        self._add(address if self.brackets else Link(address, (Text(address),)))
        return token.start() + end


def _merged(children: list[Inline | str]) -> tuple[Inline, ...]:
    merged: list[Inline] = []
    letters: list[str] = []
    for child in children:
        if isinstance(child, str):
            letters.append(child)
            continue
        if letters:
            merged.append(Text("".join(letters)))
            letters.clear()
        merged.append(child)
    if letters:
        merged.append(Text("".join(letters)))
    return tuple(merged)


def _has_words(child: Inline | str) -> bool:
    match child:
        case str():
            return not child.isspace()
        case Text(value) | Code(value):
            return not value.isspace()
        case Bold(children) | Italic(children) | Link(_, children):
            return any(_has_words(inner) for inner in children)
        case Break():
            return False
