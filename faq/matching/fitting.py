"""Fits the weights of the model: a conditional logit that ranks, a logistic regression that judges. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Doubles: TypeAlias = npt.NDArray[np.float64]

STEPS = 60
_ENOUGH = 1e-7
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Group:
    """The candidates of one question: features by candidate, which of them are right, and how much it counts."""

    values: npt.NDArray[np.floating]
    right: npt.NDArray[np.floating]
    weight: float = 1.0


def fit_ranking(groups: Sequence[Group], *, l2: float = 1e-3, towards: Doubles | None = None) -> Doubles:
    """Weights that make the right candidates likely under a softmax over the group.

    Groups without a right candidate are left out; `towards` are the weights that `l2` pulls to (zeros if missing).
    Raises `ValueError` if no group is left.
    """
    groups = [group for group in groups if group.right.any()]
    if not groups:
        raise ValueError("no question has its right entry among the candidates")
    width = groups[0].values.shape[1]
    most = max(len(group.values) for group in groups)
    values = np.zeros((len(groups), most, width))
    right = np.zeros((len(groups), most))
    absent = np.full((len(groups), most), -np.inf)
    for place, group in enumerate(groups):
        size = len(group.values)
        values[place, :size] = group.values
        right[place, :size] = group.right
        absent[place, :size] = 0.0
    share = np.array([group.weight for group in groups])
    share /= share.sum()
    prior = np.zeros(width) if towards is None else towards
    weights = prior.copy()

    def state(at: Doubles) -> tuple[float, Doubles, Doubles]:
        scores = values @ at + absent
        odds = np.exp(scores - scores.max(1, keepdims=True))
        chances = odds / odds.sum(1, keepdims=True)
        hit = (odds * right).sum(1)
        loss = float(
            -(share * np.log(np.maximum(hit / odds.sum(1), _TINY))).sum() + l2 * ((at - prior) ** 2).sum()
        )
        return loss, chances, odds * right / np.maximum(hit, _TINY)[:, None]

    loss, chances, wanted = state(weights)
    for _ in range(STEPS):
        slope = np.einsum("g,gk,gkf->f", share, chances - wanted, values) + 2 * l2 * (weights - prior)
        mean = np.einsum("gk,gkf->gf", chances, values)
        curve = np.einsum("g,gk,gkf,gkh->fh", share, chances, values, values, optimize=True)
        curve -= np.einsum("g,gf,gh->fh", share, mean, mean)
        step = np.linalg.solve(curve + 2 * l2 * np.eye(width), slope)
        scale = 1.0
        while scale > _TINY:
            new = state(weights - scale * step)
            if new[0] <= loss:
                break
            scale /= 2
        gain = loss - new[0]
        weights = weights - scale * step
        loss, chances, wanted = new
        if gain < _ENOUGH:
            break
    return weights


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression over plain features."""

    weights: Doubles
    bias: float


def fit_logistic(
    values: npt.NDArray[np.floating],
    right: npt.NDArray[np.floating],
    shares: Doubles,
    *,
    l2: float = 1e-3,
    towards: Logistic | None = None,
) -> Logistic:
    """A logistic regression whose penalty counts features in their own spread. `shares` weigh the rows.

    `towards` is the regression that `l2` pulls to, bias and all; without it the weights are pulled to zero.
    """
    data = np.asarray(values, np.float64)
    middle, spread = data.mean(0), data.std(0) + 1e-6
    design = np.hstack([(data - middle) / spread, np.ones((len(data), 1))])
    share = shares / shares.sum()
    penalty = np.full(design.shape[1], 2 * l2)
    prior = np.zeros(design.shape[1])
    if towards is None:
        penalty[-1] = 0.0
    else:
        prior = np.append(towards.weights * spread, towards.bias + towards.weights @ middle)
    at = prior.copy()
    for _ in range(STEPS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ at, -30, 30)))
        slope = design.T @ (share * (chance - right)) + penalty * (at - prior)
        curve = (design * (share * np.maximum(chance * (1 - chance), 1e-4))[:, None]).T @ design
        step = np.linalg.solve(curve + np.diag(penalty + 1e-9), slope)
        at = at - step
        if float(np.abs(step).max()) < _ENOUGH:
            break
    weights = at[:-1] / spread
    return Logistic(weights, float(at[-1] - (weights * middle).sum()))
