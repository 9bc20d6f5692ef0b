"""Malformed updates, made by Hypothesis out of recorded ones: dropped, retyped, nested, huge and foreign fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

from hypothesis import strategies as st

ODD: Final[Sequence[Any]] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308,
    "", " ", "0", "-1", "1.5", "null", "\x00", "\ud800", "\u202e", "х" * 5000, "9" * 400, "𝟘", "²", "²", "٣", "../..",
    [], [None], [[]], [{}], {}, {"": None}, {"id": {}}, [1, "2", None],
)  # fmt: skip
"""Values that no author of a platform would put there, and somebody else will."""

_NUMBERS: Final = 10_000
_SAMPLES: Final[Sequence[Any]] = (None, [], "x", -1)
_SIZE: Final = 60
_DEEPEST: Final = 40

Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> list[Path]:
    """Every place inside a JSON value, the value itself first."""
    found = [here]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*here, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += paths(inner, (*here, number))
    return found


def changed(value: Any, path: Path, new: Any) -> Any:
    """A copy of `value` with `new` at `path`."""
    if not path:
        return new
    copy = deepcopy(value)
    spot = copy
    for step in path[:-1]:
        spot = spot[step]
    spot[path[-1]] = new
    return copy


def without(value: Any, path: Path) -> Any:
    """A copy of `value` that lacks what is at `path`."""
    copy = deepcopy(value)
    spot = copy
    for step in path[:-1]:
        spot = spot[step]
    del spot[path[-1]]
    return copy


def nested(value: Any, depth: int = _DEEPEST) -> Any:
    """The value inside so many lists and objects."""
    for number in range(depth):
        value = [value] if number % 2 else {"x": value}
    return value


def anything(names: Sequence[str]) -> st.SearchStrategy[Any]:
    """Any JSON, with names that the channel may look for."""
    key = st.sampled_from(names) | st.text(max_size=12) if names else st.text(max_size=12)
    leaf: st.SearchStrategy[Any] = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from(ODD),
    )
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(key, inner, max_size=6),
        max_leaves=15,
    )


def malformed(updates: Sequence[Mapping[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """A recorded update with one to four things wrong with it; one in a while, any JSON object."""
    names = sorted({str(step) for update in updates for path in paths(update) for step in path})[:_SIZE]
    key = st.sampled_from(names) if names else st.text(max_size=8)
    whatever: st.SearchStrategy[dict[str, Any]] = st.dictionaries(key, anything(names), max_size=6)
    if not updates:
        return whatever
    number = st.integers(0, _NUMBERS)
    wrongs = st.lists(st.tuples(number, number, number), min_size=1, max_size=4)
    broken = st.builds(lambda which, many: _broken(updates, which, many), number, wrongs)
    return st.one_of(broken, broken, broken, broken, whatever)


def _broken(
    updates: Sequence[Mapping[str, Any]], which: int, wrongs: Sequence[tuple[int, int, int]]
) -> dict[str, Any]:
    """An update with these things wrong: where, how, and with what; numbers stand for choices, so that they shrink."""
    update: Any = dict(updates[which % len(updates)])
    for where, how, value in wrongs:
        places = paths(update)[1:]
        if not places:
            break
        place = places[where % len(places)]
        match how % 6:
            case 0:
                update = without(update, place)
            case 1:
                update = changed(update, place, nested(_at(update, place)))
            case 2:
                other = updates[value % len(updates)]
                sources = paths(other)
                update = changed(update, place, _at(other, sources[where % len(sources)]))
            case _:
                update = changed(update, place, ODD[value % len(ODD)])
    return dict(update)


def samples(update: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A few malformed copies of an update, the same ones every time: each of its first fields gone or odd."""
    found: list[dict[str, Any]] = []
    for name in list(update)[:4]:
        found.append(without(update, (name,)))
        found.extend(changed(update, (name,), odd) for odd in _SAMPLES)
    return [one for one in found if one and one != update]


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return deepcopy(value)
