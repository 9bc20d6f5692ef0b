"""A finding of an examination: how something stands, and what is to be done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from optfm_bot.cli.output import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing that was found: how it stands, in a sentence, with what to do if something is to be done."""

    group: str
    mark: Mark
    text: str
    fix: str = ""

    def data(self) -> dict[str, Any]:
        """Give the finding for programs."""
        return {**asdict(self), "mark": self.mark.name.lower()}
