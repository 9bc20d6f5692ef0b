"""What the settings of a connection to a platform are held to: its address, its proxy, the secret of its webhook."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from channels.contract import Transport
from channels.phrase import Phrase, phrase
from config.secret import Secret

_PROXY_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


def web_address(text: str, *, shape: Phrase, user: Phrase) -> str:
    """Give an HTTP address without a slash at its end.

    Raises `ValueError` with `shape` if it is none, and with `user` if it holds a user name or password: an address is
    shown in logs, those must not be.
    """
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(shape)
    if "@" in parts.netloc:
        raise ValueError(user)
    return text.rstrip("/")


def api_address(text: str, *, shape: Phrase) -> str:
    """Give the setting `api_base` without a slash at its end. Raises `ValueError`, with `shape` if it is no address."""
    user = phrase(
        "settings.user_in_api_base",
        "api_base must not contain a user name or password; use `proxy` for those of a proxy",
    )
    return web_address(text, shape=shape, user=user)


def proxy_address(proxy: Secret | None) -> Secret | None:
    """Give the address of a proxy, None if it is empty. Raises `ValueError` if no proxy that we speak to starts so."""
    if not proxy:
        return None
    scheme, found, rest = proxy.reveal().partition("://")
    if not found or not rest or scheme.lower() not in _PROXY_SCHEMES:
        raise ValueError(
            phrase(
                "settings.proxy_scheme",
                "proxy must start with one of: {schemes}",
                schemes=", ".join(f"{name}://" for name in _PROXY_SCHEMES),
            )
        )
    return proxy


Proxy: TypeAlias = Annotated[Secret | None, AfterValidator(proxy_address)]
"""The type of the setting `proxy`."""


def fitting_secret(secret: Secret | None, pattern: re.Pattern[str], *, shape: Phrase) -> Secret | None:
    """Give the secret, None if it is empty. Raises `ValueError` with `shape` if the platform would not take it."""
    if not secret:
        return None
    if not pattern.fullmatch(secret.reveal()):
        raise ValueError(shape)
    return secret


def demand_secret(mode: Transport, secret: Secret | None) -> None:
    """Raise `ValueError` if calls of a webhook would be taken from anybody."""
    if mode is Transport.WEBHOOK and secret is None:
        raise ValueError(
            phrase(
                "settings.webhook_without_secret",
                "webhook mode needs webhook_secret: without it anybody who finds the address could write"
                " in people's names",
            )
        )
