"""Fitting: known weights are found again, a prior pulls, and nothing to learn is said."""

from __future__ import annotations

import numpy as np
import pytest

from faq.matching.fitting import Group, Logistic, fit_logistic, fit_ranking

TRUE = np.array([2.0, -1.0, 0.5])


def groups(seed: int, count: int = 1_500) -> list[Group]:
    """Questions whose right candidate is drawn by the softmax of known weights."""
    dice = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        values = dice.normal(size=(int(dice.integers(2, 9)), 3))
        odds = np.exp(values @ TRUE)
        right = np.zeros(len(values))
        right[dice.choice(len(values), p=odds / odds.sum())] = 1.0
        made.append(Group(values, right))
    return made


def test_ranking_weights_are_found_again() -> None:
    assert fit_ranking(groups(1), l2=1e-6) == pytest.approx(TRUE, abs=0.25)


def test_groups_of_one_and_without_a_right_candidate_change_nothing() -> None:
    known = groups(2, 200)
    lost = Group(np.ones((3, 3)), np.zeros(3))
    assert fit_ranking([lost, *known]) == pytest.approx(fit_ranking(known))
    single = Group(np.ones((1, 3)), np.ones(1), weight=0.0)
    assert fit_ranking([single, *known]) == pytest.approx(fit_ranking(known), abs=1e-6)


def test_several_right_candidates_share() -> None:
    """Either is right: weights need not tell them apart."""
    values = np.array([[1.0, 0.0], [1.0, 5.0], [0.0, 1.0]])
    weights = fit_ranking([Group(values, np.array([1.0, 1.0, 0.0]))] * 5)
    scores = values @ weights
    assert scores[:2].max() > scores[2]


def test_a_group_counts_by_its_weight() -> None:
    one = Group(np.array([[1.0], [0.0]]), np.array([1.0, 0.0]), weight=3.0)
    other = Group(np.array([[1.0], [0.0]]), np.array([0.0, 1.0]), weight=1.0)
    assert fit_ranking([one, other], l2=1e-6)[0] == pytest.approx(np.log(3.0), abs=0.01)


def test_the_ranking_is_pulled_towards_a_prior() -> None:
    known, prior = groups(3, 50), np.array([-4.0, 4.0, 0.0])
    near = fit_ranking(known, l2=100.0, towards=prior)
    far = fit_ranking(known, l2=1e-4, towards=prior)
    assert near == pytest.approx(prior, abs=0.1)
    assert np.abs(far - TRUE).max() < np.abs(near - TRUE).max()
    assert prior.tolist() == [-4.0, 4.0, 0.0]


def test_a_feature_that_never_differs_gets_no_weight() -> None:
    known = [
        Group(np.hstack([one.values, np.ones((len(one.values), 1))]), one.right) for one in groups(4, 100)
    ]
    assert fit_ranking(known)[3] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("known", [[], [Group(np.ones((2, 3)), np.zeros(2))]])
def test_nothing_to_learn_is_said(known: list[Group]) -> None:
    with pytest.raises(ValueError, match="right entry"):
        fit_ranking(known)


def logistic_data(seed: int, count: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(seed)
    values = dice.normal(size=(count, 3)) * np.array([1.0, 10.0, 0.1]) + np.array([0.0, 5.0, 0.0])
    odds = values @ np.array([1.5, -0.2, 4.0]) + 0.7
    return values, (dice.random(count) < 1 / (1 + np.exp(-odds))).astype(float)


def test_a_logistic_regression_finds_weights_in_any_unit() -> None:
    values, right = logistic_data(5)
    fitted = fit_logistic(values, right, np.ones(len(right)), l2=1e-6)
    assert fitted.weights[:2] == pytest.approx([1.5, -0.2], rel=0.2)
    assert fitted.weights[2] == pytest.approx(4.0, abs=1.5)
    assert fitted.bias == pytest.approx(0.7, abs=0.4)


def test_its_mean_chance_is_the_share_of_what_is_right() -> None:
    values, right = logistic_data(6)
    fitted = fit_logistic(values, right, np.ones(len(right)))
    chances = 1 / (1 + np.exp(-(values @ fitted.weights + fitted.bias)))
    assert chances.mean() == pytest.approx(right.mean(), abs=1e-3)


def test_rows_count_by_their_shares() -> None:
    values, right = np.zeros((2, 1)), np.array([1.0, 0.0])
    fitted = fit_logistic(values, right, np.array([3.0, 1.0]))
    assert fitted.bias == pytest.approx(np.log(3.0), abs=1e-3)


def test_what_is_told_apart_perfectly_stays_finite() -> None:
    values = np.linspace(-1, 1, 20)[:, None]
    fitted = fit_logistic(values, (values[:, 0] > 0).astype(float), np.ones(20))
    assert np.all(np.isfinite([*fitted.weights, fitted.bias]))
    assert fitted.weights[0] > 0


def test_the_judge_is_pulled_towards_a_prior() -> None:
    values, right = logistic_data(7, 60)
    prior = Logistic(np.array([-1.0, 0.5, 2.0]), -3.0)
    near = fit_logistic(values, right, np.ones(60), l2=1e4, towards=prior)
    assert near.weights == pytest.approx(prior.weights, abs=0.05)
    free = fit_logistic(values, right, np.ones(60), l2=1e-4, towards=prior)
    assert free.weights[0] > 0.5
