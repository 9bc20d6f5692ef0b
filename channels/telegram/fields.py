"""Reads fields of JSON from outside: a value of the promised type, None if absent, else `BadPayload`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from channels.errors import BadPayload

Json: TypeAlias = Mapping[str, Any]

_INT64 = 2**63
_LAST_SECOND = 253_402_300_799  # the end of the year 9999


def child(parent: Json, name: str) -> Json | None:
    """Give the object under `name`."""
    value = parent.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise BadPayload(f"{name} is not an object")


def children(parent: Json, name: str) -> Sequence[Json]:
    """Give the objects in the list under `name`, leaving out what is no object; empty if absent."""
    value = parent.get(name)
    if value is None:
        return ()
    if isinstance(value, list):
        return [item for item in value if isinstance(item, dict)]
    raise BadPayload(f"{name} is not a list")


def text(parent: Json, name: str) -> str | None:
    """Give the string under `name`; half characters (lone surrogates) are replaced, nobody can store them."""
    value = parent.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadPayload(f"{name} is not a text")
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return value


def number(parent: Json, name: str) -> int | None:
    """Give the whole number under `name`, within 64 bits."""
    value = parent.get(name)
    if value is None:
        return None
    if type(value) is int and -_INT64 <= value < _INT64:
        return value
    raise BadPayload(f"{name} is not a whole number")


def required_number(parent: Json, name: str) -> int:
    """Give the whole number under `name`, which must be there."""
    value = number(parent, name)
    if value is None:
        raise BadPayload(f"{name} is missing")
    return value


def required_child(parent: Json, name: str) -> Json:
    """Give the object under `name`, which must be there."""
    value = child(parent, name)
    if value is None:
        raise BadPayload(f"{name} is missing")
    return value


def moment(parent: Json, name: str) -> datetime | None:
    """Give the Unix time under `name` as an aware moment in UTC."""
    seconds = number(parent, name)
    if seconds is None:
        return None
    if not 0 <= seconds <= _LAST_SECOND:
        raise BadPayload(f"{name} is no moment in time")
    return datetime.fromtimestamp(seconds, UTC)
