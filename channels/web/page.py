"""The files that browsers get: the page, the widget's loader and its modules, and the headers that lock them down."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from channels.contract import BotCommand
from channels.web.spec import WebChatSettings

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_LOADER = "widget.js"
_SLOT = re.compile(r"\{\{(\w+)\}\}")
_STARTERS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file as it is sent: what it is, its bytes plain and packed, and a short name of its very content."""

    content: bytes
    packed: bytes
    content_type: str
    version: str

    @classmethod
    def of(cls, content: bytes, name: str) -> Asset:
        """Pack a file."""
        return cls(
            content=content,
            packed=gzip.compress(content, 9, mtime=0),
            content_type=_KINDS[name[name.rindex(".") :]],
            version=sha256(content).hexdigest()[:12],
        )


@cache
def assets() -> Mapping[str, Asset]:
    """Give the modules, styles and pictures by name, read once per process."""
    found = {}
    for file in sorted((files("channels.web") / "static").iterdir(), key=lambda entry: entry.name):
        if file.name != _LOADER and "." in file.name and file.name[file.name.rindex(".") :] in _KINDS:
            found[file.name] = Asset.of(file.read_bytes(), file.name)
    return MappingProxyType(found)


@cache
def version() -> str:
    """Name all the files together: modules load each other from one folder, which is called this."""
    return sha256("".join(asset.version for asset in assets().values()).encode()).hexdigest()[:12]


@cache
def loader() -> Asset:
    """Give the script that a site embeds; it knows where the rest of this version is."""
    text = (files("channels.web") / "static" / _LOADER).read_text("utf-8")
    return Asset.of(_SLOT.sub(lambda _: version(), text).encode(), _LOADER)


def chat_config(
    *,
    instance: str,
    title: str,
    starters: Sequence[str],
    commands: Mapping[str, Sequence[BotCommand]],
    settings: WebChatSettings,
) -> dict[str, Any]:
    """Give what a page has to know about the chat; nothing in it is secret."""
    return {
        "instance": instance,
        "title": title,
        "starters": list(starters[:_STARTERS]),
        "commands": sorted({command.name for listed in commands.values() for command in listed}),
        "maxLength": settings.max_message_length,
        "files": {"types": list(settings.upload_types), "bytes": int(settings.upload_max_mb * 1_000_000)}
        if settings.uploads
        else None,
    }


def render_page(config: Mapping[str, Any]) -> str:
    """Give the HTML of the chat. Everything passed in is data: it is escaped and nothing in it runs."""
    slots = {
        "title": str(config["title"]),
        "config": json.dumps(config, ensure_ascii=False),
        "version": version(),
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
        "require-trusted-types-for 'script'",
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
