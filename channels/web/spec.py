"""What the web chat is and what it can do."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from channels.capabilities import Buttons, Capabilities, TextUnit
from channels.contract import ChannelSettings, ChannelSpec, Transport
from channels.phrase import phrase
from channels.web.dialect import DIALECT
from channels.web.origin import normalize_origin
from channels.web.signatures import KNOWN_TYPES


class WebChatSettings(ChannelSettings):
    """Settings of a web chat."""

    allowed_origins: tuple[str, ...] = Field(
        default=(),
        description="Sites that may show this chat or write to it, besides our own; like https://optfm.ru",
    )
    max_message_length: int = Field(
        default=2000,
        ge=1,
        le=20_000,
        description="The longest message that a visitor may send, in characters",
    )
    history: int = Field(
        default=50, ge=1, le=500, description="How many messages of a talk are shown when a page connects"
    )
    max_sessions: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="How many talks are kept in memory; the longest idle one goes first",
    )
    idle_hours: float = Field(
        default=24.0, gt=0, le=720, description="After how many hours of silence a talk leaves the memory"
    )
    messages_per_minute: int = Field(
        default=30,
        ge=0,
        le=6000,
        description="How many messages a visitor may send in a minute; 0 is no limit",
    )
    burst: int = Field(default=10, ge=1, le=1000, description="How many of them at once")
    address_per_minute: int = Field(
        default=240,
        ge=0,
        le=60_000,
        description="How many messages, and how many connections, one network address may make in a minute;"
        " 0 is no limit",
    )
    max_streams: int = Field(
        default=1000, ge=1, le=100_000, description="How many pages may be connected at once"
    )
    streams_per_session: int = Field(
        default=12, ge=1, le=100, description="How many of them may be tabs of one visitor"
    )
    streams_per_address: int = Field(
        default=100, ge=1, le=100_000, description="How many of them may come from one network address"
    )
    idle_minutes: float = Field(
        default=30.0,
        gt=0,
        le=1440,
        description="After how many minutes without a word a page is asked to disconnect until somebody looks at it",
    )
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=5,
        description="How many proxies of yours stand before the bot, so that it reads a visitor's address from"
        " X-Forwarded-For; 0 ignores the header",
    )
    uploads: bool = Field(default=False, description="Whether visitors may send files")
    upload_dir: str | None = Field(
        default=None, description="The folder for their files; needed with uploads: true"
    )
    upload_max_mb: float = Field(
        default=10.0, gt=0, le=200, description="The largest file that is taken, in megabytes"
    )
    upload_types: tuple[str, ...] = Field(
        default=("image/png", "image/jpeg", "image/webp", "image/gif", "application/pdf"),
        description="Types of files that are taken, told by their content: " + ", ".join(sorted(KNOWN_TYPES)),
    )
    uploads_per_talk: int = Field(default=20, ge=1, le=1000, description="How many files one talk may hold")

    @field_validator("allowed_origins")
    @classmethod
    def _read_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normalize_origin(origin) for origin in value)

    @field_validator("upload_types")
    @classmethod
    def _know_types(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - KNOWN_TYPES)
        if unknown:
            raise ValueError(
                phrase(
                    "web.unknown_types",
                    "cannot recognise {types}; known are {known}",
                    types=", ".join(unknown),
                    known=", ".join(sorted(KNOWN_TYPES)),
                )
            )
        return value

    @model_validator(mode="after")
    def _have_a_folder(self) -> Self:
        if self.uploads and not self.upload_dir:
            raise ValueError(
                phrase(
                    "web.uploads_without_folder",
                    "uploads need upload_dir, the folder that files are put into",
                )
            )
        return self


SPEC = ChannelSpec(
    kind="webchat",
    title="Веб-чат",
    settings=WebChatSettings,
    capabilities=Capabilities(
        text_limit=8000,
        text_unit=TextUnit.CHARACTERS,
        dialect=DIALECT,
        buttons=Buttons(max_rows=12, per_row=3, label_length=64),
        edit=True,
        typing=True,
        deep_links=True,
        idempotent=True,
    ),
    factory="channels.web.channel:WebChatChannel",
    transports=frozenset({Transport.WEBHOOK}),
    docs="docs/reference/channels/web.md",
)
