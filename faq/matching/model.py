"""The fitted model: weights that rank the candidates, and weights that say how sure the best one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import orjson

from faq.language.lexicon import Floats
from faq.matching.judgement import judged_names

CORE = "core"


@dataclass(frozen=True, slots=True)
class Model:
    """Two linear models over named features; their contributions add up, so every decision can be explained.

    `ranking` orders candidates, `judging` with `bias` gives the log odds that the best one is right.
    """

    features: tuple[str, ...]
    ranking: Floats
    judging: Floats
    bias: float

    @property
    def judged(self) -> tuple[str, ...]:
        """The names of what is judged."""
        return judged_names(self.features)

    def rank(self, values: Floats) -> Floats:
        """The score of each candidate."""
        scores: Floats = values @ self.ranking
        return scores

    def confidence(self, row: Floats) -> float:
        """The chance, 0 to 1, that the best candidate is right."""
        return float(1.0 / (1.0 + np.exp(-np.clip(row @ self.judging + self.bias, -30.0, 30.0))))

    def contributions(self, row: Floats) -> Mapping[str, float]:
        """What each judged feature adds to the log odds, the largest first."""
        parts = dict(zip(self.judged, (row * self.judging).tolist(), strict=True))
        return dict(sorted(parts.items(), key=lambda item: -abs(item[1])))

    def data(self) -> dict[str, object]:
        """The model as data that `read_model` takes."""
        return {
            "ranking": {
                name: round(float(weight), 6)
                for name, weight in zip(self.features, self.ranking, strict=True)
            },
            "judging": {
                name: round(float(weight), 6) for name, weight in zip(self.judged, self.judging, strict=True)
            },
            "bias": round(self.bias, 6),
        }


def read_model(data: Mapping[str, object], features: tuple[str, ...]) -> Model:
    """A model out of data. Raises `ValueError` if it was fitted for other features."""
    ranking, judging, bias = data.get("ranking"), data.get("judging"), data.get("bias")
    if not isinstance(ranking, dict) or not isinstance(judging, dict) or not isinstance(bias, (int, float)):
        raise ValueError("a model needs ranking, judging and bias")  # noqa: TRY004 - one kind of error for a bad model
    if ranking.keys() != set(features) or judging.keys() != set(judged_names(features)):
        raise ValueError("the model was fitted for other features: fit it again")
    return Model(
        features,
        np.array([ranking[name] for name in features], np.float32),
        np.array([judging[name] for name in judged_names(features)], np.float32),
        float(bias),
    )


@cache
def load_model(name: str, features: tuple[str, ...]) -> Model:
    """A model of this package by name, read once a process."""
    loaded = orjson.loads(files("faq").joinpath("data", "models", f"{name}.json").read_bytes())
    return read_model(loaded, features)
