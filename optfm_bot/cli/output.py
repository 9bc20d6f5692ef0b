"""What commands print: results on the standard output, progress on the error output.

On a terminal there are colours, tables and a spinner; into a pipe or with NO_COLOR there are plain lines.
With `--quiet` there are results and what is wrong, without a spinner, confirmations and advice.
The library for colours is loaded only where it shows.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any, TextIO

import click

from optfm_bot.cli.manner import is_quiet

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_GAP = "  "


class Mark(Enum):
    """How something stands; the sign is never the colour alone."""

    OK = "✓"
    WARNING = "!"
    ERROR = "✗"


_COLOURS = {Mark.OK: "green", Mark.WARNING: "yellow", Mark.ERROR: "red"}
_ASCII = {Mark.OK: "+", Mark.WARNING: "!", Mark.ERROR: "x"}


def clean(text: str) -> str:
    """Give a text without characters that could steer a terminal: names and errors come from outside."""
    return _CONTROL.sub("", text)


class Output:
    """One command's voice. `plain` means lines without colours, boxes and movement, `quiet` what `--quiet` asks for."""

    def __init__(self, *, plain: bool | None = None, quiet: bool | None = None) -> None:
        self.quiet = is_quiet() if quiet is None else quiet
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show a letter gets a question mark, not a crash.
                stream.reconfigure(errors="replace")
        self.plain = _is_plain(sys.stdout) if plain is None else plain
        self._signs = {mark: mark.value for mark in Mark} if _can_print(sys.stdout, "✓✗") else _ASCII

    def line(
        self, text: str = "", *, mark: Mark | None = None, indent: int = 0, result: bool = False
    ) -> None:
        """Print a line, with a sign in front of it if it is a verdict.

        That something is well is not said quietly, unless it is the `result` that was asked for.
        """
        if self.quiet and mark is Mark.OK and not result:
            return
        text = clean(text)
        space = " " * indent
        if mark is None:
            click.echo(f"{space}{text}")
            return
        sign = self._signs[mark]
        click.echo(f"{space}{sign if self.plain else click.style(sign, fg=_COLOURS[mark], bold=True)} {text}")

    def advice(self, text: str = "", *, indent: int = 0) -> None:
        """Print a line of what to do next. Not said quietly."""
        if not self.quiet:
            self.line(text, indent=indent)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows under headers: a table on a terminal, aligned columns elsewhere."""
        cells = [[clean(cell) for cell in row] for row in rows]
        if not self.plain:
            self._rich_table(headers, cells)
            return
        flat = [[" ".join(cell.split()) for cell in row] for row in [list(headers), *cells]]
        widths = [max(len(row[column]) for row in flat) for column in range(len(headers))]
        for row in flat:
            padded = _GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            click.echo(padded.rstrip())

    def data(self, value: Any) -> None:
        """Print JSON, readable for people too."""
        click.echo(json.dumps(value, ensure_ascii=False, indent=2))

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show on the error output that something takes its time, if a person is looking."""
        if self.quiet or self.plain or _is_plain(sys.stderr):
            yield
            return
        from rich.console import Console  # noqa: PLC0415 - a tenth of a second that only terminals owe

        with Console(stderr=True).status(clean(text)):
            yield

    def _rich_table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        from rich import box  # noqa: PLC0415 - as above
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))  # texts, because brackets in them are no markup
        Console().print(table)


def _is_plain(stream: TextIO) -> bool:
    return not stream.isatty() or bool(os.environ.get("NO_COLOR"))


def _can_print(stream: TextIO, signs: str) -> bool:
    try:
        signs.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
