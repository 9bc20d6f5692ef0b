"""The model: data that go round, contributions that add up, and a file of another make is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.matching.features import FEATURES
from faq.matching.judgement import LED, SEEN, judged_names
from faq.matching.model import CORE, Model, load_model, read_model

NAMES = ("soft_cover", "meaning")
JUDGED = judged_names(NAMES)
NUMBERS = st.floats(-20, 20)


def model(weights: list[float], bias: float = 0.0) -> Model:
    return Model(NAMES, np.array(weights[:2], np.float32), np.array(weights[: len(JUDGED)], np.float32), bias)


MODELS = st.builds(model, st.lists(NUMBERS, min_size=len(JUDGED), max_size=len(JUDGED)), NUMBERS)
ROWS = st.lists(st.floats(-2, 2), min_size=len(JUDGED), max_size=len(JUDGED))


@given(MODELS)
def test_data_go_round(one: Model) -> None:
    again = read_model(orjson.loads(orjson.dumps(one.data())), NAMES)
    assert again.data() == one.data()
    assert again.ranking == pytest.approx(one.ranking, abs=1e-5)
    assert again.judging == pytest.approx(one.judging, abs=1e-5)


@given(MODELS, ROWS)
def test_contributions_add_up_to_the_log_odds_of_the_confidence(one: Model, row: list[float]) -> None:
    values = np.array(row, np.float32)
    parts = one.contributions(values)
    assert set(parts) == set(JUDGED)
    sizes = [abs(part) for part in parts.values()]
    assert sizes == sorted(sizes, reverse=True)
    odds = sum(parts.values()) + one.bias
    assert one.confidence(values) == pytest.approx(1 / (1 + math.exp(-max(min(odds, 30), -30))), abs=1e-4)
    assert 0.0 <= one.confidence(values) <= 1.0


def test_candidates_are_scored_by_the_ranking() -> None:
    one = model([2.0, -1.0, *[0.0] * (len(JUDGED) - 2)])
    assert one.rank(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], np.float32)).tolist() == [2.0, -1.0, 1.0]


def broken(**changes: Any) -> dict[str, Any]:
    return model([1.0] * len(JUDGED)).data() | changes


@pytest.mark.parametrize(
    "data",
    [
        {},
        broken(bias=None),
        broken(bias="1"),
        broken(ranking=[1.0, 2.0]),
        broken(judging=None),
        broken(ranking={"soft_cover": 1.0}),
        broken(ranking={"soft_cover": 1.0, "meaning": 1.0, "more": 1.0}),
        broken(judging={"rank": 1.0}),
    ],
)
def test_a_model_of_another_make_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="model"):
        read_model(data, NAMES)


def test_a_model_for_other_features_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="fit it again"):
        read_model(broken(), ("soft_cover", "meaning", "spelling"))


def test_names_are_in_the_order_of_the_columns_and_told_once() -> None:
    assert judged_names(FEATURES) == (*LED, *FEATURES, *SEEN)
    assert len(set(judged_names(FEATURES))) == len(judged_names(FEATURES))


def test_the_shipped_model_fits_the_features_and_is_read_once() -> None:
    shipped = load_model(CORE, FEATURES)
    assert shipped is load_model(CORE, FEATURES)
    assert shipped.judged == judged_names(FEATURES)
    assert np.all(np.isfinite([*shipped.ranking, *shipped.judging, shipped.bias]))
