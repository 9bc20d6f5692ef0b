"""How far a long run is, for a person who is looking."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from optfm_bot.cli.manner import is_quiet
from optfm_bot.cli.output import clean


@contextmanager
def progress_bar(text: str, total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar on the error output; what is given takes the number of steps that are done.

    Into a pipe, with NO_COLOR or `--quiet` nothing is shown.
    """
    if is_quiet() or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second that only terminals owe
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - as above
    from rich.progress import TimeRemainingColumn as Remaining  # noqa: PLC0415 - as above

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(clean(text), total=total)
        yield lambda done: bar.update(task, completed=done)
