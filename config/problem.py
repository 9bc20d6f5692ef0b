"""What is wrong with the settings: a problem with its place and a way out, the error that carries all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value lives in the tree of settings: `("channels", "telegram", "token")`."""


def dotted(path: KeyPath) -> str:
    """Write a path the way people do: `channels.telegram.token`; of a list, `steps[1]` is the first."""
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(
        "."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to fix: where it was written, which key, what is wrong, what to do.

    `where` is `config.yaml:14`, `.env:3`, `environment OPTFM__SERVER__PORT`, `command line` or `default`.
    The Russian words may be missing; English then stands in for them. No text ever contains a secret's value.
    """

    where: str
    key: str
    message: str
    hint: str = ""
    message_ru: str = ""
    hint_ru: str = ""

    def describe(self, language: str = "ru") -> str:
        """Give one line for a person, in Russian or in English."""
        message, hint = self.message, self.hint
        if language == "ru":
            message, hint = self.message_ru or message, self.hint_ru or hint
        head = ": ".join(part for part in (self.where, self.key, message) if part)
        return f"{head} ({hint})" if hint else head

    def __str__(self) -> str:
        return self.describe("en")


class ConfigError(Exception):
    """The settings cannot be used; `problems` holds everything that is wrong, not only the first thing."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.describe("en"))

    def describe(self, language: str = "ru") -> str:
        """Give all problems, one per line."""
        return "\n".join(problem.describe(language) for problem in self.problems)
