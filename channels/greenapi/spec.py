"""What a GREEN-API instance can do and what has to be set up for it, readable without any client library."""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from channels.capabilities import Capabilities, DialectName, Rate
from channels.connection import Proxy, demand_secret, fitting_secret, web_address
from channels.contract import ChannelSettings, ChannelSpec, Transport
from channels.model import MediaKind
from channels.phrase import phrase
from config.secret import Secret

FILE_LIMIT = 100 * 1024 * 1024
"""The largest file that the gateway takes, in bytes."""

_INSTANCE = re.compile(r"\d{4,20}", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{8,256}", re.ASCII)
_WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9._~+/=-]{8,256}", re.ASCII)
_VERSION = re.compile(r"/v3$", re.ASCII)


class Network(StrEnum):
    """The messenger behind an instance."""

    MAX = "max"
    WHATSAPP = "whatsapp"


class GreenApiSettings(ChannelSettings):
    """Settings of one GREEN-API instance: one account of MAX or WhatsApp."""

    network: Network = Field(
        default=Network.MAX, description="The messenger that the instance was made for: `max` or `whatsapp`."
    )
    api_url: str = Field(
        description="`apiUrl` of the instance, as the console shows it; with or without /v3 at its end."
    )
    media_url: str = Field(
        default="", description="`mediaUrl` of the instance, where files are uploaded; `api_url` if not set."
    )
    id_instance: str = Field(description="`idInstance`: the number of the instance.")
    api_token_instance: Secret = Field(description="`apiTokenInstance`: the password of the instance.")
    mode: Transport = Field(
        default=Transport.POLLING,
        description="How messages arrive: `polling` works anywhere; `webhook` needs a public HTTPS address.",
    )
    webhook_secret: Secret | None = Field(
        default=None,
        description="Proves that a webhook call comes from GREEN-API (`webhookUrlToken`): 8-256 characters.",
    )
    poll_timeout: int = Field(
        default=20, ge=5, le=60, description="Seconds that GREEN-API holds one request for a message open."
    )
    request_timeout: float = Field(
        default=30.0, ge=1, le=80, description="Seconds to wait for the answer to any other call."
    )
    proxy: Proxy = Field(
        default=None,
        description="Proxy for calls to GREEN-API, with its password if it has one: http://… or socks5://….",
    )
    react_to_groups: bool = Field(
        default=False,
        description="Whether to answer in groups, to messages that mention this account or reply to it.",
    )
    answer_within_hours: float = Field(
        default=24.0,
        gt=0,
        le=24 * 30,
        description="Messages that were older than this when they reached us are not answered.",
    )
    mark_read: bool = Field(
        default=False, description="Whether a chat is marked as read when it has been answered."
    )
    manage_settings: bool = Field(
        default=True,
        description="Whether the bot may switch on the notifications that it needs when they are off."
        " GREEN-API then restarts the instance, which takes up to 5 minutes.",
    )
    send_delay: float | None = Field(
        default=None,
        ge=0.5,
        le=300,
        description="Seconds between two messages that leave the instance (`delaySendMessagesMilliseconds`);"
        " 0.5 for MAX and 3 for WhatsApp if not set.",
    )
    typing_time: float = Field(
        default=0.0,
        ge=0,
        le=20,
        description="Seconds (1 to 20) that an answer shows “typing…” before it appears; 0 for none.",
    )
    partner_api_url: str = Field(
        default="", description="Address of the partner API, only for making and deleting instances."
    )
    partner_token: Secret | None = Field(default=None, description="Token of the partner API.")

    @field_validator("id_instance", mode="before")
    @classmethod
    def _instance_is_text(cls, value: object) -> object:
        # YAML reads an all-digit id as a number.
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("id_instance")
    @classmethod
    def _instance_is_digits(cls, value: str) -> str:
        value = value.strip()
        if not _INSTANCE.fullmatch(value):
            raise ValueError(
                phrase(
                    "green_api.id_shape",
                    "id_instance is a number such as 3100123456; copy it from the console",
                )
            )
        return value

    @field_validator("api_token_instance")
    @classmethod
    def _token_looks_right(cls, token: Secret) -> Secret:
        if not _TOKEN.fullmatch(token.reveal()):
            raise ValueError(
                phrase(
                    "green_api.token_shape",
                    "this is not an apiTokenInstance: it is one word of letters and digits; copy it whole from"
                    " the console",
                )
            )
        return token

    @field_validator("api_url", "media_url", "partner_api_url")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not address.strip():
            return ""
        found = web_address(
            address.strip(),
            shape=phrase(
                "green_api.address_shape", "this must be an address like https://3100.api.green-api.com"
            ),
            user=phrase(
                "settings.user_in_address", "an address here must not contain a user name or password"
            ),
        )
        if "waInstance" in urlsplit(found).path:
            raise ValueError(
                phrase(
                    "green_api.address_only",
                    "give the address only, without /waInstance… and what follows it",
                )
            )
        return found

    @field_validator("webhook_secret")
    @classmethod
    def _secret_fits_a_header(cls, secret: Secret | None) -> Secret | None:
        return fitting_secret(
            secret,
            _WEBHOOK_SECRET,
            shape=phrase(
                "green_api.secret_shape",
                "webhook_secret may have 8 to 256 characters, only letters, digits and . _ ~ + / = -",
            ),
        )

    @field_validator("typing_time")
    @classmethod
    def _typing_fits_the_gateway(cls, seconds: float) -> float:
        if 0 < seconds < 1:
            raise ValueError(
                phrase(
                    "green_api.typing_time",
                    "typing_time is 0, or 1 to 20 seconds: GREEN-API takes nothing between",
                )
            )
        return seconds

    @model_validator(mode="after")
    def _is_complete(self) -> GreenApiSettings:
        if not self.api_url:
            raise ValueError(
                phrase("green_api.no_api_url", "api_url is missing; the console shows it as apiUrl")
            )
        demand_secret(self.mode, self.webhook_secret)
        if bool(self.partner_token) != bool(self.partner_api_url):
            raise ValueError(
                phrase(
                    "green_api.partner_halves",
                    "partner_api_url and partner_token are set together or not at all",
                )
            )
        return self

    @property
    def delay(self) -> float:
        """Seconds between two messages that leave the instance."""
        if self.send_delay is not None:
            return self.send_delay
        return 3.0 if self.network is Network.WHATSAPP else 0.5

    @property
    def api_base(self) -> str:
        """The address that methods are called at, in the one form that the network of this instance takes.

        `/v3` is optional for MAX and unknown to WhatsApp, so what was pasted decides for MAX only.
        """
        return _base(self.api_url, self.network)

    @property
    def media_base(self) -> str:
        """The address that files are uploaded to."""
        return _base(self.media_url or self.api_url, self.network)


def _base(address: str, network: Network) -> str:
    return _VERSION.sub("", address) if network is Network.WHATSAPP else address


def capabilities_of(settings: GreenApiSettings) -> Capabilities:
    """Give the limits of the instance's network, at the pace of its settings."""
    rate = Rate(per_chat=min(1.0, 1 / settings.delay), per_bot=1 / settings.delay)
    if settings.network is Network.WHATSAPP:
        return Capabilities(
            text_limit=20_000,
            caption_limit=20_000,
            counts_markup=True,
            dialect=DialectName.WHATSAPP,
            typing=True,
            media=_MEDIA,
            groups=True,
            reads_history=True,
            rate=rate,
        )
    return Capabilities(
        text_limit=4000,
        # The pages for MAX name no limit for captions: this is one that no messenger goes below.
        caption_limit=1000,
        dialect=DialectName.PLAIN,
        media=_MEDIA,
        groups=True,
        reads_history=True,
        rate=rate,
    )


_MEDIA = MappingProxyType(dict.fromkeys(MediaKind, FILE_LIMIT))

SPEC = ChannelSpec(
    kind="green_api",
    title="GREEN-API (MAX, WhatsApp)",
    settings=GreenApiSettings,
    factory="channels.greenapi.channel:GreenApiChannel",
    transports=frozenset({Transport.POLLING, Transport.WEBHOOK}),
    docs="https://green-api.com/v3/docs/",
    capabilities=Capabilities(
        text_limit=4000,
        caption_limit=1000,
        dialect=DialectName.PLAIN,
        media=_MEDIA,
        groups=True,
        reads_history=True,
        rate=Rate(per_chat=1.0, per_bot=2.0),
    ),
)
