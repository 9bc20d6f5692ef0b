"""What the fields of a body must be. Each reader returns the value or raises the 400 that names the field.

Unknown fields are refused: the real gateway's validation does so too, and a misspelt field would otherwise go
unnoticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from channels.testing.green_server.refusal import invalid

MAX: Final = "max"
WHATSAPP: Final = "whatsapp"
NETWORKS: Final = (MAX, WHATSAPP)

TEXT_LIMIT: Final = {MAX: 4000, WHATSAPP: 20000}
GROUP_NAME_LIMIT: Final = 100
_MAX_CHAT: Final = re.compile(r"-?\d{1,16}")
_MAX_PHONE: Final = re.compile(r"(?:7\d{10}|375\d{9})@c\.us")
_WHATSAPP_CHAT: Final = re.compile(r"\d{5,20}@c\.us|\d+@lid|[\d-]+@g\.us")

Reader = Callable[[str, Any, str], Any]
"""Reads one value: its name, the value, the network."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body."""

    read: Reader
    required: bool = False
    networks: Sequence[str] = NETWORKS


def text(name: str, value: Any, _network: str) -> str:
    """Any string."""
    if not isinstance(value, str):
        raise invalid(f"'{name}' must be a string")
    return value


def filled(name: str, value: Any, network: str) -> str:
    """A string that is not empty."""
    if not text(name, value, network):
        raise invalid(f"'{name}' is not allowed to be empty")
    return str(value)


def message(name: str, value: Any, network: str) -> str:
    """The text of a message within the network's limit."""
    limit = TEXT_LIMIT[network]
    if len(filled(name, value, network)) > limit:
        raise invalid(f"'{name}' length must be less than or equal to {limit} characters long")
    return str(value)


def group_name(name: str, value: Any, network: str) -> str:
    """The name of a group."""
    if len(filled(name, value, network)) > GROUP_NAME_LIMIT:
        raise invalid(f"'{name}' length must be less than or equal to {GROUP_NAME_LIMIT} characters long")
    return str(value)


def chat(name: str, value: Any, network: str) -> str:
    """A chat id: always a string, of the network's form."""
    found = filled(name, value, network)
    if network == MAX:
        known = _MAX_CHAT.fullmatch(found) or _MAX_PHONE.fullmatch(found)
    else:
        known = _WHATSAPP_CHAT.fullmatch(found)
    if not known:
        raise invalid(f"'{name}' has an invalid format")
    return found


def chats(name: str, value: Any, network: str) -> list[str]:
    """Chat ids."""
    if not isinstance(value, list) or not value:
        raise invalid(f"'{name}' must be a non-empty array")
    return [chat(f"{name}[{index}]", one, network) for index, one in enumerate(value)]


def texts(name: str, value: Any, network: str) -> list[str]:
    """Strings."""
    if not isinstance(value, list) or not value:
        raise invalid(f"'{name}' must be a non-empty array")
    return [filled(f"{name}[{index}]", one, network) for index, one in enumerate(value)]


def flag(name: str, value: Any, _network: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise invalid(f"'{name}' must be a boolean")
    return value


def number(name: str, value: Any, _network: str) -> float:
    """A number."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise invalid(f"'{name}' must be a number")
    return value


def integer(name: str, value: Any, _network: str) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"'{name}' must be a number")
    return value


def between(low: int, high: int) -> Reader:
    """A whole number within these bounds."""

    def read(name: str, value: Any, network: str) -> int:
        found = integer(name, value, network)
        if not low <= found <= high:
            raise invalid(f"'{name}' must be between {low} and {high}")
        return found

    return read


def one_of(*allowed: str) -> Reader:
    """One of these strings."""

    def read(name: str, value: Any, _network: str) -> str:
        if value not in allowed or not isinstance(value, str):
            raise invalid(f"'{name}' must be one of the following values: {', '.join(allowed)}")
        return value

    return read


def phone(name: str, value: Any, network: str) -> int:
    """A phone as a number; MAX knows Russia and Belarus only."""
    found = integer(name, value, network)
    if network == MAX and not re.fullmatch(r"7\d{10}|375\d{9}", str(found)):
        raise invalid(f"'{name}' must be a number of 11 digits with 7 or of 12 digits with 375")
    return found


def address(name: str, value: Any, network: str) -> str:
    """An address on the web."""
    found = filled(name, value, network)
    if re.fullmatch(r"https?://\S+", found) is None:
        raise invalid(f"'{name}' must be a valid uri")
    return found


def file_name(name: str, value: Any, network: str) -> str:
    """A file name; its extension decides what the file is."""
    found = filled(name, value, network)
    if not re.search(r"\.[A-Za-z0-9]+$", found):
        raise invalid(f"'{name}' must have an extension")
    return found


def contact(name: str, value: Any, network: str) -> dict[str, Any]:
    """The card of a person."""
    if not isinstance(value, dict):
        raise invalid(f"'{name}' must be an object")
    known = {"phoneContact", "firstName", "middleName", "lastName", "company"}
    if unknown := value.keys() - known:
        raise invalid(f"'{name}.{min(unknown)}' is not allowed")
    integer(f"{name}.phoneContact", value.get("phoneContact"), network)
    return value


def read_fields(fields: Mapping[str, Field], given: Mapping[str, Any], network: str) -> dict[str, Any]:
    """The values of a body. Raises a 400 for the first one that is wrong, unknown or missing."""
    known = {name: field for name, field in fields.items() if network in field.networks}
    for name in given:
        if name not in known:
            raise invalid(f"'{name}' is not allowed")
    found: dict[str, Any] = {}
    for name, field in known.items():
        if name in given:
            found[name] = field.read(name, given[name], network)
        elif field.required:
            raise invalid(f"'{name}' is required")
    return found
