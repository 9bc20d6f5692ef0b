"""`optfm-bot faq`: work on the knowledge base. Each command is loaded only when it is called."""

from __future__ import annotations

from typing import Any

import click

from optfm_bot.cli.lazy import LazyGroup

_HERE = "optfm_bot.cli.faq"
_COMMANDS = {
    "lint": (f"{_HERE}.lint", "Find what is wrong."),
    "why": (f"{_HERE}.why", "Tell what would be answered, and why."),
    "list": (f"{_HERE}.entries:list_command", "List the entries."),
    "show": (f"{_HERE}.entries:show_command", "Show one entry whole."),
    "eval": (f"{_HERE}.evaluate", "Measure how well labelled questions are answered."),
    "tune": (f"{_HERE}.tune", "Fit weights and thresholds on labelled questions."),
    "diff": (f"{_HERE}.diff", "Show what an edit changes for those who ask."),
    "mine": (f"{_HERE}.mine", "Gather the unanswered questions and propose entries."),
    "import": (f"{_HERE}.transfer_in", "Take entries from a spreadsheet, CSV, JSON or YAML."),
    "export": (f"{_HERE}.transfer_out", "Write all entries into one file for other programs."),
}


@click.group(cls=LazyGroup, known=_COMMANDS)
def command(**_: Any) -> None:
    """Work on the knowledge base."""
