"""Updates as no platform sends them: any JSON at all, and samples in which one value is wrong or missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WRONG = JSON | st.just(2**70) | st.just("\ud83d@\udc00") | st.just(10**5000) | st.just(float("inf"))
"""A value that may stand anywhere."""

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no bug

Spot: TypeAlias = tuple[str, tuple[Any, ...]]
"""A place in a sample: the name of the sample, and the way to the value."""


def spots(samples: Mapping[str, Any]) -> list[Spot]:
    """Every place of every sample."""
    return [(name, path) for name in sorted(samples) for path in _paths(samples[name])]


def with_value(samples: Mapping[str, Any], spot: Spot, value: Any) -> Any:
    """A copy of the sample with another value there."""
    copy, place, last = _opened(samples, spot)
    place[last] = value
    return copy


def without(samples: Mapping[str, Any], spot: Spot) -> Any:
    """A copy of the sample with nothing there."""
    copy, place, last = _opened(samples, spot)
    del place[last]
    return copy


def _paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        found += _paths(inner, (*at, name))
    return found


def _opened(samples: Mapping[str, Any], spot: Spot) -> tuple[Any, Any, Any]:
    name, path = spot
    copy = place = orjson.loads(orjson.dumps(samples[name]))
    for step in path[:-1]:
        place = place[step]
    return copy, place, path[-1]
