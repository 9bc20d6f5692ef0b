"""How far a channel is: `quality.yaml` beside it, read and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml


class Tier(StrEnum):
    """How far a channel is; each tier has the rules of those before it too."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


RULES: Final[Mapping[Tier, Mapping[str, str]]] = MappingProxyType(
    {
        Tier.BRONZE: {"conformance": "The conformance suite passes in every mode of the spec."},
        Tier.SILVER: {
            "probe": "`probe` asks the platform and says who we are, or what to do.",
            "watchdog": "Receiving that died silently is noticed: polls end in time, a lost subscription is repaired.",
            "rate_declared": "`Capabilities.rate` has the platform's limits, or says that there are none.",
            "reauthentication": "After a token was refused and replaced on the platform, the channel works again.",
        },
        Tier.GOLD: {
            "media": "Files go out and come in, with their limits declared.",
            "editing": "Our messages are edited, and people's edits are read.",
            "threads": "Topics inside of chats are told apart.",
            "docs_limits": "The documentation has the platform's limits.",
            "docs_troubleshooting": "The documentation says what to do about the usual troubles.",
        },
    }
)
"""The rules of each tier, and what they mean."""

_SHORTEST_REASON: Final = 10


class BadQuality(ValueError):
    """A `quality.yaml` is not as it should be; every mistake is a sentence of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What a `quality.yaml` says. `exempt` maps a rule that cannot apply to the reason."""

    tier: Tier
    done: frozenset[str]
    exempt: Mapping[str, str]

    @property
    def earned(self) -> Tier | None:
        """The highest tier whose rules, and those of the tiers before it, are done or exempt; None without bronze."""
        reached = None
        for tier, rules in RULES.items():
            if rules.keys() - self.done - self.exempt.keys():
                break
            reached = tier
        return reached


def load_quality(path: Path) -> Quality:
    """Read a `quality.yaml`. Raises `BadQuality` with everything that is wrong, also when it claims too much."""
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise BadQuality(f"{path} cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadQuality(f"{path} is not YAML: {error}") from error
    mistakes = list(_mistakes(data))
    if mistakes:
        raise BadQuality(f"{path}: " + "; ".join(mistakes))
    rules = data["rules"]
    quality = Quality(
        tier=Tier(data["tier"]),
        done=frozenset(name for name, state in rules.items() if state == "done"),
        exempt={name: state["exempt"] for name, state in rules.items() if isinstance(state, dict)},
    )
    tiers = list(Tier)
    if quality.earned is None or tiers.index(quality.earned) < tiers.index(quality.tier):
        open_rules = _needed(quality.tier) - quality.done - quality.exempt.keys()
        raise BadQuality(
            f"{path} claims {quality.tier}, and these rules are not done: {', '.join(sorted(open_rules))}"
        )
    return quality


def _needed(tier: Tier) -> set[str]:
    tiers = list(Tier)
    return {name for one in tiers[: tiers.index(tier) + 1] for name in RULES[one]}


def _mistakes(data: Any) -> Iterator[str]:
    if not isinstance(data, dict) or not isinstance(data.get("rules"), dict):
        yield "it has a `tier` and `rules`, each rule with `done`, `todo` or `exempt: why`"
        return
    if unknown := sorted(str(name) for name in data.keys() - {"tier", "rules"}):
        yield f"unknown keys: {', '.join(unknown)}"
    if data.get("tier") not in list(Tier):
        yield f"`tier` is one of {', '.join(Tier)}"
    known = _needed(Tier.GOLD)
    if strange := sorted(str(name) for name in data["rules"].keys() - known):
        yield f"unknown rules: {', '.join(strange)}; known are {', '.join(sorted(known))}"
    if missing := sorted(known - data["rules"].keys()):
        yield f"nothing is said about: {', '.join(missing)}"
    for name, state in data["rules"].items():
        if state in ("done", "todo"):
            continue
        if not isinstance(state, dict) or state.keys() != {"exempt"}:
            yield f"{name} is `done`, `todo`, or `exempt: why`"
        elif not isinstance(state["exempt"], str) or len(state["exempt"].strip()) < _SHORTEST_REASON:
            yield f"{name} is exempt without a reason"
