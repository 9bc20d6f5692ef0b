"""What a platform can do, as data: the renderer, the outbox and the documentation read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from channels.model import MediaKind


class TextUnit(StrEnum):
    """How a platform counts the length of a text."""

    CHARACTERS = "characters"
    UTF16 = "utf16"


class DialectName(StrEnum):
    """The writers that ship with the house; a channel may bring its own under another name."""

    PLAIN = "plain"
    TELEGRAM_HTML = "telegram-html"
    MAX_HTML = "max-html"
    MAX_MARKDOWN = "max-markdown"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Buttons:
    """Limits of inline buttons: rows, buttons in a row, shown characters of a label, bytes of a payload."""

    max_rows: int
    per_row: int
    label_length: int
    payload_bytes: int = 64
    urls: bool = True
    contact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast we may send, per second; 0 means that the platform sets no limit. `burst` may pass at once in a chat."""

    per_chat: float = 0.0
    per_bot: float = 0.0
    burst: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The written limits of one platform.

    `text_limit` and `caption_limit` are in `text_unit`; `counts_markup` says whether tags count too. `media` maps a
    kind to the largest size in bytes; a missing kind cannot be sent and becomes a link. `write_first` is how long after
    the person's last message we may still write (None: always). `reads_history` allows the delivery policy `verify`.
    `idempotent`: a message sent again under the same `Rendered.key` is still one message, so sending again is safe.
    """

    text_limit: int
    text_unit: TextUnit = TextUnit.CHARACTERS
    counts_markup: bool = False
    caption_limit: int = 0
    dialect: str = DialectName.PLAIN
    buttons: Buttons | None = None
    edit: bool = False
    typing: bool = False
    media: Mapping[MediaKind, int] = field(default_factory=lambda: MappingProxyType({}))
    deep_links: bool = False
    threads: bool = False
    groups: bool = False
    write_first: timedelta | None = None
    rate: Rate = Rate()
    reads_history: bool = False
    idempotent: bool = False
