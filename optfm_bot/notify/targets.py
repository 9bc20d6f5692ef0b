"""Who hears of a request: names for the addresses of the settings, and which of them a request goes to. Pure.

The outbox keeps names, never addresses: those hold passwords and tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.people import NotifySection
from config.problem import KeyPath
from config.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One address: the name that the outbox knows it by, where the settings have it, and the address itself."""

    name: str
    path: KeyPath
    url: Secret


def targets(notify: NotifySection) -> Mapping[str, Target]:
    """Every address of the settings by its name: `#1` for the first of all, `Анна#1` for the first of a manager."""
    found = [
        Target(name=_name("", index), path=("notify", "urls", index), url=url)
        for index, url in enumerate(notify.urls)
    ]
    found += [
        Target(name=_name(manager.name, index), path=("notify", "managers", number, "urls", index), url=url)
        for number, manager in enumerate(notify.managers)
        for index, url in enumerate(manager.urls)
    ]
    return {target.name: target for target in found}


def hearers(notify: NotifySection, assignee: str) -> Sequence[str]:
    """The names of the targets that hear of a request: those of its manager, else those of all."""
    own = next((len(one.urls) for one in notify.managers if assignee and one.name == assignee), 0)
    owner, count = (assignee, own) if own else ("", len(notify.urls))
    return tuple(_name(owner, index) for index in range(count))


def _name(owner: str, index: int) -> str:
    return f"{owner}#{index + 1}"
