"""What the web chat is and what it can do."""

from __future__ import annotations

from pydantic import Field, field_validator

from channels.capabilities import Buttons, Capabilities, TextUnit
from channels.contract import ChannelSettings, ChannelSpec, Transport
from channels.web.dialect import DIALECT
from channels.web.origin import normalize_origin


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
        default=50, ge=1, le=500, description="How many messages of a talk are kept in memory for a reload"
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

    @field_validator("allowed_origins")
    @classmethod
    def _read_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(normalize_origin(origin) for origin in value)


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
    ),
    factory="channels.web.channel:WebChatChannel",
    transports=frozenset({Transport.WEBHOOK}),
    docs="docs/reference/channels/web.md",
)
