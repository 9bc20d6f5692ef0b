"""Settings from the environment: `OPTFM__SECTION__KEY`, and the plain names that work with no file at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from config.document import read_document
from config.messages import problem
from config.problem import KeyPath, Problem, dotted

PREFIX = "OPTFM__"
_ALMOST = re.compile(r"OPTFM_([A-Z0-9]+__[A-Z0-9_]+)")

PLAIN_NAMES: Mapping[str, KeyPath] = {
    "TELEGRAM_BOT_TOKEN": ("channels", "telegram", "token"),
    "MAX_BOT_TOKEN": ("channels", "max", "token"),
    "DATABASE_URL": ("database", "url"),
    "FREESCOUT_URL": ("helpdesk", "freescout", "url"),
    "FREESCOUT_API_KEY": ("helpdesk", "freescout", "api_key"),
    "FREESCOUT_MAILBOX_ID": ("helpdesk", "freescout", "mailbox_id"),
    "FREESCOUT_WEBHOOK_SECRET": ("helpdesk", "freescout", "webhook_secret"),
}
"""Variables that are settings by themselves where the file does not speak of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value from outside the file, where it goes and where it came from."""

    path: KeyPath
    value: Any = field(repr=False)
    where: str


def prefixed_settings(
    names: Mapping[str, str], where: Mapping[str, str]
) -> tuple[list[Setting], list[Problem]]:
    """Read `OPTFM__…` variables: empty ones count as not set, `[…]` and `{…}` are YAML lists and sections."""
    settings: list[Setting] = []
    problems: list[Problem] = []
    for name in sorted(names):
        value = names[name].strip()
        if not name.startswith(PREFIX) or not value:
            continue
        path: KeyPath = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
        if not all(path):
            problems.append(problem("unknown_key", where=where[name], key=dotted(path)))
        elif value[0] in "[{":
            document = read_document(f"value: {value}", name=name)
            if document.problems:
                problems.append(problem("bad_value", where=where[name], key=dotted(path), hint="yaml_quote"))
            else:
                settings.append(Setting(path=path, value=document.data["value"], where=where[name]))
        else:
            settings.append(Setting(path=path, value=value, where=where[name]))
    return settings, problems


def almost_prefixed(names: Iterable[str], where: Mapping[str, str]) -> list[Problem]:
    """Warn of variables that look like settings but begin with one underscore too few."""
    return [
        problem("env_prefix", where=where[name], key="", hint="rename_variable", name=PREFIX + match[1])
        for name in sorted(names)
        if not name.startswith(PREFIX) and (match := _ALMOST.fullmatch(name))
    ]
