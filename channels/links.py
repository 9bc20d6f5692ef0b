"""Addresses that a message may link to, and how they look when they stand in the text."""

from __future__ import annotations

import re

WEB_SCHEMES = frozenset({"http", "https"})
"""Schemes that every platform with links can open."""

LINK_SCHEMES = WEB_SCHEMES | {"mailto", "tel"}
"""Schemes that an author may link to; anything else stays as it was typed."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_ALLOWED = re.compile(
    r"(?:https?://[^\s/?#]\S*|mailto:[^\s@]+@[^\s@]+|tel:\+?[0-9][0-9().;=-]*)", re.IGNORECASE
)


def link_scheme(url: str) -> str:
    """The scheme of `url` in lower case; empty if it has none."""
    match = _SCHEME.match(url)
    return match[1].lower() if match else ""


def is_link(url: str) -> bool:
    """Whether `url` is a whole web address, mail address or phone number that may be linked to."""
    return _ALLOWED.fullmatch(url) is not None


def shown_address(url: str) -> str:
    """`url` as a person reads it: mail addresses and phone numbers without their scheme."""
    if link_scheme(url) in {"mailto", "tel"}:
        return url.partition(":")[2]
    return url
