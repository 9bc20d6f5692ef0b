"""What Telegram can do and what has to be set up for it, readable without any client library."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Literal

from pydantic import Field, field_validator, model_validator

from channels.capabilities import Buttons, Capabilities, DialectName, Rate, TextUnit
from channels.connection import Proxy, api_address, demand_secret, fitting_secret
from channels.contract import ChannelSettings, ChannelSpec, Transport
from channels.model import MediaKind
from channels.phrase import phrase
from config.secret import Secret

_TOKEN = re.compile(r"\d+:[A-Za-z0-9_-]{3,}", re.ASCII)
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_MB = 1024 * 1024


class TelegramSettings(ChannelSettings):
    """Settings of one Telegram bot."""

    token: Secret = Field(description="The bot's token, as @BotFather gave it.")
    mode: Transport = Field(
        default=Transport.POLLING,
        description="How updates arrive: `polling` works anywhere; `webhook` needs a public HTTPS address.",
    )
    api_base: str = Field(
        default="https://api.telegram.org",
        description="Address of the Bot API; change it for your own Bot API server or a mirror.",
    )
    proxy: Proxy = Field(
        default=None,
        description="Proxy for calls to Telegram, with its password if it has one: http://… or socks5://….",
    )
    webhook_secret: Secret | None = Field(
        default=None,
        description="Proves that a webhook call comes from Telegram: 1-256 of A-Z a-z 0-9 _ and -.",
    )
    poll_timeout: float = Field(
        default=25.0, ge=0, le=50, description="Seconds that Telegram holds one request for updates open."
    )
    client: Literal["direct", "aiogram"] = Field(
        default="direct",
        description="What makes the calls: `direct` is light; `aiogram` sends each one through that library.",
    )
    max_connections: int = Field(
        default=40,
        ge=1,
        le=100_000,
        description="How many webhook calls Telegram makes at once (1 to 100; more only on your own server).",
    )
    commands: bool = Field(default=True, description="Whether to show the bot's commands in Telegram's menu.")

    @field_validator("token")
    @classmethod
    def _token_looks_right(cls, token: Secret) -> Secret:
        if not _TOKEN.fullmatch(token.reveal()):
            raise ValueError(
                phrase(
                    "telegram.token_shape",
                    "this is not a Telegram token: one looks like 123456789:AAE… (a number, a colon, then"
                    " letters, digits, _ or -); copy it whole from @BotFather",
                )
            )
        return token

    @field_validator("api_base")
    @classmethod
    def _api_base_is_an_address(cls, address: str) -> str:
        return api_address(
            address,
            shape=phrase(
                "telegram.api_base_shape", "api_base must be an address like https://api.telegram.org"
            ),
        )

    @field_validator("webhook_secret")
    @classmethod
    def _secret_fits_telegram(cls, secret: Secret | None) -> Secret | None:
        return fitting_secret(
            secret,
            _WEBHOOK_SECRET,
            shape=phrase(
                "telegram.secret_shape",
                "webhook_secret may have 1 to 256 characters, only A-Z, a-z, 0-9, _ and -:"
                " Telegram accepts no others",
            ),
        )

    @model_validator(mode="after")
    def _webhook_has_a_secret(self) -> TelegramSettings:
        demand_secret(self.mode, self.webhook_secret)
        return self


SPEC = ChannelSpec(
    kind="telegram",
    title="Telegram",
    settings=TelegramSettings,
    factory="channels.telegram.channel:TelegramChannel",
    transports=frozenset({Transport.POLLING, Transport.WEBHOOK}),
    docs="https://core.telegram.org/bots/api",
    capabilities=Capabilities(
        text_limit=4096,
        text_unit=TextUnit.UTF16,
        caption_limit=1024,
        dialect=DialectName.TELEGRAM_HTML,
        buttons=Buttons(max_rows=25, per_row=8, label_length=60, payload_bytes=64, urls=True, contact=False),
        edit=True,
        typing=True,
        media=MappingProxyType(
            {
                MediaKind.IMAGE: 10 * _MB,
                MediaKind.VIDEO: 50 * _MB,
                MediaKind.AUDIO: 50 * _MB,
                MediaKind.FILE: 50 * _MB,
            }
        ),
        deep_links=True,
        threads=True,
        groups=True,
        rate=Rate(per_chat=1.0, per_bot=30.0, burst=3),
    ),
)
