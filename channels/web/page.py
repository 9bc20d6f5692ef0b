"""The page of the web chat: its files, their versions, and the headers that lock it down."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from types import MappingProxyType

from channels.contract import BotCommand

_TYPES = {"chat.js": "text/javascript", "chat.css": "text/css", "icon.svg": "image/svg+xml"}
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_STARTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the page: what it is and a short name of its very content."""

    content: bytes
    content_type: str
    version: str


@cache
def assets() -> Mapping[str, Asset]:
    """Give the files of the page by name, read once per process."""
    folder = files("channels.web") / "static"
    return MappingProxyType(
        {
            name: Asset(
                content=(content := (folder / name).read_bytes()),
                content_type=kind,
                version=sha256(content).hexdigest()[:12],
            )
            for name, kind in _TYPES.items()
        }
    )


def render_page(
    *,
    instance: str,
    title: str,
    starters: Sequence[str],
    commands: Mapping[str, Sequence[BotCommand]],
    max_length: int,
) -> str:
    """Give the HTML of the chat. Everything passed in is data: it is escaped and nothing in it runs."""
    config = {
        "instance": instance,
        "title": title,
        "starters": list(starters[:_STARTERS]),
        "commands": sorted({command.name for listed in commands.values() for command in listed}),
        "maxLength": max_length,
    }
    slots = {
        "title": title,
        "config": json.dumps(config, ensure_ascii=False),
        "max_length": str(max_length),
        **{name.replace(".", "_"): asset.version for name, asset in assets().items()},
    }
    return _SLOT.sub(lambda match: escape(slots[match[1]]), _template())


def page_headers(allowed_origins: Sequence[str]) -> dict[str, str]:
    """Give the headers of the page: only our scripts and styles, frames only on our and the allowed sites."""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        " ".join(("frame-ancestors 'self'", *allowed_origins)),
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "Cache-Control": "no-cache",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        **common_headers(),
    }


def common_headers() -> dict[str, str]:
    """Give the headers that every answer of the chat carries."""
    return {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@cache
def _template() -> str:
    return (files("channels.web") / "static" / "index.html").read_text("utf-8")
