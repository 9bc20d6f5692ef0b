"""Reads fields of JSON from outside: a value of the promised type, None if absent, else `BadPayload`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from channels.errors import BadPayload

Json: TypeAlias = Mapping[str, Any]

_INT64 = 2**63
_LONGEST_ID = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND = 253_402_300_799_999  # the end of the year 9999


def child(parent: Json, name: str) -> Json | None:
    """Give the object under `name`."""
    value = parent.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise BadPayload(f"{name} is not an object")


def required_child(parent: Json, name: str) -> Json:
    """Give the object under `name`, which must be there."""
    value = child(parent, name)
    if value is None:
        raise BadPayload(f"{name} is missing")
    return value


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


def required_text(parent: Json, name: str) -> str:
    """Give the string under `name`, which must be there and not be empty."""
    value = text(parent, name)
    if not value:
        raise BadPayload(f"{name} is missing")
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


def identifier(parent: Json, name: str) -> str | None:
    """Give the id under `name` as text, whether it came as a text or as a whole number; None if empty."""
    value = parent.get(name)
    if value is None or value == "":
        return None
    if type(value) is int and abs(value) < 10**_LONGEST_ID:
        return str(value)
    if isinstance(value, str) and len(value) <= _LONGEST_ID:
        return text(parent, name)
    raise BadPayload(f"{name} is no id")


def required_id(parent: Json, name: str) -> str:
    """Give the id under `name`, which must be there."""
    value = identifier(parent, name)
    if value is None:
        raise BadPayload(f"{name} is missing")
    return value


def moment(parent: Json, name: str) -> datetime | None:
    """Give the Unix time in seconds under `name` as an aware moment in UTC."""
    return _moment(parent, name, 1000)


def moment_ms(parent: Json, name: str) -> datetime | None:
    """Give the Unix time in milliseconds under `name` as an aware moment in UTC."""
    return _moment(parent, name, 1)


def required_moment(parent: Json, name: str) -> datetime:
    """Give the Unix time in seconds under `name`, which must be there."""
    value = moment(parent, name)
    if value is None:
        raise BadPayload(f"{name} is missing")
    return value


def _moment(parent: Json, name: str, unit: int) -> datetime | None:
    count = number(parent, name)
    if count is None:
        return None
    if not 0 <= count * unit <= _LAST_MILLISECOND:
        raise BadPayload(f"{name} is no moment in time")
    return _EPOCH + timedelta(milliseconds=count * unit)
