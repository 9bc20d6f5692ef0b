"""Weights and thresholds that were fitted on the questions of one owner: a small file, written, read and applied."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from faq.contract import Matcher
from faq.entry import FaqEntry
from faq.manager import MatcherFactory
from faq.matching.matcher import FusionMatcher, core_matcher
from faq.matching.model import Model, read_model
from faq.policy import Thresholds

VERSION = 1
"""The version of the file."""
MAX_BYTES = 1024 * 1024
TUNED = ("answer", "clarify", "margin")
"""The thresholds that are fitted; the others stay as they are shipped."""
_KEYS = {"version", "fitted_for", "model", "thresholds", "made"}
_AGAIN = "run `optfm-bot faq tune` again"


class Unfit(StrEnum):
    """Why a tuning cannot be used, for programs that translate it."""

    UNREADABLE = "unreadable"
    BROKEN = "broken"
    OTHER_VERSION = "other-version"
    """Fitted for other features or other shipped weights, or written in another form."""
    NO_WEIGHTS = "no-weights"
    """The matcher has no weights that could be fitted."""


class TuningError(ValueError):
    """A tuning cannot be used. `str(error)` says what is wrong and what to do; `detail` is the first half of it."""

    def __init__(self, kind: Unfit, path: str, detail: str, advice: str) -> None:
        self.kind, self.path, self.detail = kind, path, detail
        super().__init__(f"{path}: {detail}: {advice}" if path else f"{detail}: {advice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What was fitted. Without a model the shipped weights stay.

    `made` says when, of what and by which settings; nothing depends on it.
    """

    model: Model | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    made: Mapping[str, Any] = field(default_factory=dict)

    def matcher(self, factory: MatcherFactory) -> MatcherFactory:
        """Makes what `factory` makes, with the fitted weights. `factory` is the one that the tuning was read for."""

        def make(entries: Sequence[FaqEntry], synonyms: Sequence[Sequence[str]]) -> Matcher:
            matcher = factory(entries, synonyms)
            if self.model is not None and isinstance(matcher, FusionMatcher):
                matcher.model = self.model
            return matcher

        return make if self.model is not None else factory


def shipped_model(factory: MatcherFactory = core_matcher) -> Model:
    """The weights with which a matcher is shipped. Raises `TuningError` for a matcher that has none."""
    matcher = factory((), ())
    if not isinstance(matcher, FusionMatcher):
        name = type(matcher).__name__
        raise TuningError(Unfit.NO_WEIGHTS, "", f"{name} has no weights to fit", "leave the tuning out")
    return matcher.model


def fingerprint(shipped: Model) -> str:
    """What a tuning belongs to: the features by name and the weights that it starts from."""
    return hashlib.sha256(orjson.dumps(shipped.data())).hexdigest()[:16]


def tuning_bytes(tuning: Tuning, shipped: Model) -> bytes:
    """The content of a file that `read_tuning` takes. `shipped` are the weights that the fitting started from. Pure."""
    content = {
        "version": VERSION,
        "fitted_for": fingerprint(shipped),
        "made": dict(tuning.made),
        "thresholds": {name: getattr(tuning.thresholds, name) for name in TUNED},
        "model": None if tuning.model is None else tuning.model.data(),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def read_tuning(path: Path, shipped: Model | None = None) -> Tuning:
    """Read a tuning for a matcher with these shipped weights (default: those of the core). Raises `TuningError`."""
    name = str(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise TuningError(
            Unfit.UNREADABLE, name, f"cannot be read ({why})", "check the name and the rights"
        ) from error
    return parse_tuning(name, content, shipped or shipped_model())


def parse_tuning(name: str, content: bytes, shipped: Model) -> Tuning:
    """Make a tuning out of the bytes of a file. Pure. Raises `TuningError`."""

    def broken(why: str) -> TuningError:
        return TuningError(Unfit.BROKEN, name, f"is no tuning ({why})", _AGAIN)

    if len(content) > MAX_BYTES:
        raise broken("too large")
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise broken(f"line {error.lineno}: no JSON") from error
    if not isinstance(data, dict):
        raise broken("no object")
    if data.get("version") != VERSION or data.get("fitted_for") != fingerprint(shipped):
        if "version" not in data or "fitted_for" not in data:
            raise broken("no `version` or no `fitted_for`")
        raise TuningError(Unfit.OTHER_VERSION, name, "was fitted for another version", _AGAIN)
    if strange := sorted(data.keys() - _KEYS):
        raise broken(f"unknown key `{strange[0][:40]}`")
    made = data.get("made")
    try:
        model = None if data.get("model") is None else _model(data["model"], shipped)
        thresholds = _thresholds(data.get("thresholds"))
    except ValueError as error:
        raise broken(str(error)) from error
    return Tuning(model=model, thresholds=thresholds, made=made if isinstance(made, dict) else {})


def is_tuning(path: Path) -> bool:
    """Whether the file looks like one that was written for `read_tuning`, whatever it was fitted for."""
    try:
        with path.open("rb") as file:
            data = orjson.loads(file.read(MAX_BYTES))
    except (OSError, orjson.JSONDecodeError):
        return False
    return isinstance(data, dict) and {"version", "fitted_for"} <= data.keys()


def _model(data: object, shipped: Model) -> Model:
    if not isinstance(data, dict):
        raise ValueError("`model` is no object")  # noqa: TRY004 - a mistake in a file, told as all the others
    for part in ("ranking", "judging"):
        weights = data.get(part)
        if not isinstance(weights, dict) or not all(map(_is_weight, weights.values())):
            raise ValueError(f"`model.{part}` are no numbers")
    if not _is_weight(data.get("bias")):
        raise ValueError("`model.bias` is no number")
    return read_model(data, shipped.features)


def _is_weight(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return math.isfinite(value) and abs(value) < float(np.finfo(np.float32).max)


def _thresholds(data: object) -> Thresholds:
    if not isinstance(data, dict) or data.keys() != set(TUNED) or not all(map(_is_weight, data.values())):
        raise ValueError(f"`thresholds` need {', '.join(TUNED)}")
    return replace(Thresholds(), **{name: float(value) for name, value in data.items()})
