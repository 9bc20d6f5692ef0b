"""What MAX can do and what has to be set up for it, readable without the channel itself."""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field, field_validator, model_validator

from channels.capabilities import Buttons, Capabilities, DialectName, Rate, TextUnit
from channels.connection import Proxy, api_address, demand_secret, fitting_secret
from channels.contract import ChannelSettings, ChannelSpec, Transport
from channels.model import MediaKind
from channels.phrase import phrase
from config.secret import Secret

_TOKEN = re.compile(r"[!-~]{8,}", re.ASCII)
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{5,256}", re.ASCII)
_MB = 1024 * 1024


class TextFormat(StrEnum):
    """The markup in which we write: MAX reads both."""

    HTML = "html"
    MARKDOWN = "markdown"


class MaxSettings(ChannelSettings):
    """Settings of one MAX bot."""

    token: Secret = Field(
        description="The bot's token, from the integration page of the bot at business.max.ru."
    )
    mode: Transport = Field(
        default=Transport.POLLING,
        description="How updates arrive: `polling` is for trying out; `webhook` needs a public HTTPS address.",
    )
    api_base: str = Field(
        default="https://platform-api2.max.ru",
        description="Address of the Bot API; MAX has changed it before.",
    )
    ca_file: str | None = Field(
        default=None,
        description=(
            "PEM file of certificate authorities to trust besides the system's: MAX's certificate goes back to the"
            " Russian Trusted Root CA."
        ),
    )
    proxy: Proxy = Field(
        default=None,
        description="Proxy for calls to MAX, with its password if it has one: http://… or socks5://….",
    )
    webhook_secret: Secret | None = Field(
        default=None,
        description="Proves that a webhook call comes from MAX: 5-256 of A-Z a-z 0-9 _ and -.",
    )
    poll_timeout: float = Field(
        default=25.0, ge=0, le=30, description="Seconds that MAX holds one request for updates open."
    )
    format: TextFormat = Field(
        default=TextFormat.HTML, description="The markup that we write; what a reader sees is the same."
    )
    commands: bool = Field(default=True, description="Whether to show the bot's commands in MAX's menu.")

    @field_validator("token")
    @classmethod
    def _token_looks_right(cls, token: Secret) -> Secret:
        if token.reveal().lower().startswith("bearer "):
            raise ValueError(
                phrase("max.bearer", "the token goes without the word Bearer: MAX refuses it otherwise")
            )
        if not _TOKEN.fullmatch(token.reveal()):
            raise ValueError(
                phrase(
                    "max.token_shape",
                    "this is not a MAX token: one is a long run of letters, digits and signs without spaces;"
                    " copy it whole from the integration page of the bot at business.max.ru",
                )
            )
        return token

    @field_validator("api_base")
    @classmethod
    def _api_base_is_an_address(cls, address: str) -> str:
        return api_address(
            address,
            shape=phrase(
                "max.api_base_shape", "api_base must be an address like https://platform-api2.max.ru"
            ),
        )

    @field_validator("ca_file")
    @classmethod
    def _no_file_is_none(cls, path: str | None) -> str | None:
        return path or None

    @field_validator("webhook_secret")
    @classmethod
    def _secret_fits_max(cls, secret: Secret | None) -> Secret | None:
        return fitting_secret(
            secret,
            _WEBHOOK_SECRET,
            shape=phrase(
                "max.secret_shape",
                "webhook_secret must have 5 to 256 characters, only A-Z, a-z, 0-9, _ and -: MAX accepts no others",
            ),
        )

    @model_validator(mode="after")
    def _webhook_has_a_secret(self) -> MaxSettings:
        demand_secret(self.mode, self.webhook_secret)
        return self


SPEC = ChannelSpec(
    kind="max",
    title="MAX",
    settings=MaxSettings,
    factory="channels.max.channel:MaxChannel",
    transports=frozenset({Transport.POLLING, Transport.WEBHOOK}),
    docs="https://dev.max.ru/docs-api",
    capabilities=Capabilities(
        text_limit=4000,
        # How MAX counts an emoji is written nowhere; the larger of the two counts is safe.
        text_unit=TextUnit.UTF16,
        # The schema limits the field as it is sent, tags and all.
        counts_markup=True,
        caption_limit=4000,
        dialect=DialectName.MAX_HTML,
        # A row with a button that opens something or asks for something holds three: `channels.max.keyboard`.
        buttons=Buttons(
            max_rows=30, per_row=7, label_length=128, payload_bytes=1024, urls=True, contact=True
        ),
        edit=True,
        typing=True,
        media=MappingProxyType(
            {
                MediaKind.IMAGE: 50 * _MB,
                MediaKind.VIDEO: 250 * _MB,
                MediaKind.AUDIO: 256 * _MB,
                MediaKind.FILE: 4096 * _MB,
            }
        ),
        deep_links=True,
        groups=True,
        # Allowed are 2 a second in a chat and 30 in all; clients that stay a little below are never refused.
        rate=Rate(per_chat=1.8, per_bot=25.0),
        reads_history=True,
    ),
)
