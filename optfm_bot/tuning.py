"""What `faq tune` has fitted, put to use: the weights of the matcher and the thresholds of the policy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.schema import Settings
from faq import Thresholds
from faq.manager import MatcherFactory
from faq.tuning import TuningError, read_tuning, shipped_model


@dataclass(frozen=True, slots=True)
class Tuned:
    """With what a manager is made. `refused` says why a tuning is not used; then everything is as it is shipped."""

    matcher: MatcherFactory
    thresholds: Thresholds | None = None
    refused: TuningError | None = None


def tuned(matcher: MatcherFactory, settings: Settings, *, cwd: Path) -> Tuned:
    """Give the matcher that the settings ask for the weights and thresholds of `faq.tuning`, if there is one.

    A tuning that cannot be used is no reason to be silent: the shipped weights answer, and `refused` is to be told.
    """
    if settings.faq.tuning is None:
        return Tuned(matcher)
    try:
        tuning = read_tuning(cwd / Path(settings.faq.tuning).expanduser(), shipped_model(matcher))
    except TuningError as error:
        return Tuned(matcher, refused=error)
    return Tuned(tuning.matcher(matcher), tuning.thresholds)
