"""Which web pages may talk to the chat: origins, compared the way browsers write them."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from channels.phrase import phrase

_DEFAULT_PORTS = {"http": 80, "https": 443}


def normalize_origin(text: str) -> str:
    """Give `scheme://host[:port]` as a browser sends it: lower case, punycode, no default port.

    Raises `ValueError` for anything that is not the bare address of a site.
    """
    parts = urlsplit(text.strip())
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(
            phrase(
                "web.origin_shape",
                "not an origin, expected something like https://example.ru: {given}",
                given=repr(text[:80]),
            )
        )
    if parts.path not in {"", "/"} or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(
            phrase(
                "web.origin_more", "an origin has neither a path nor a user: {given}", given=repr(text[:80])
            )
        )
    return f"{parts.scheme}://{_authority(parts, parts.scheme)}"


def origin_allowed(origin: str | None, host: str, allowed: Collection[str], *, remote: str = "") -> bool:
    """Say whether a page of `origin` may write to us at `host`; `allowed` holds normalised origins.

    A page that we served ourselves (its origin is our own host) always may. Browsers send an origin with
    every POST, so a request without one comes from a program: only somebody on this very machine may do that,
    as its `Host` header says and, where it is known, the address that it comes from.
    """
    if origin is None:
        return is_loopback(host) and (not remote or is_loopback(f"[{remote}]" if ":" in remote else remote))
    try:
        normal = normalize_origin(origin)
        own = f"{urlsplit(normal).scheme}://{host}"
        return normal in allowed or normal == normalize_origin(own)
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Say whether a `Host` header names this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


def _authority(parts: SplitResult, scheme: str) -> str:
    name = (parts.hostname or "").rstrip(".")
    if not name.isascii():
        name = name.encode("idna").decode("ascii")
    if ":" in name:
        name = f"[{name}]"
    port = parts.port
    return name if port in {None, _DEFAULT_PORTS[scheme]} else f"{name}:{port}"
