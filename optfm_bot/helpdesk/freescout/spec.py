"""What FreeScout can do as a helpdesk and what has to be set up for it, readable without the client."""

from __future__ import annotations

import re
from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.phrase import phrase
from config.secret import Secret
from optfm_bot.helpdesk.contract import HelpdeskSettings, HelpdeskSpec

FILE_LIMIT = 20_000_000
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_KEY = re.compile(r"[!-~]{8,}", re.ASCII)
_TAG_LENGTH = 50


class DeskMode(StrEnum):
    """What goes to the helpdesk: what a person has to answer, or everything that is said."""

    HANDOFF = "handoff"
    MIRROR = "mirror"


class ConversationType(StrEnum):
    """What FreeScout takes a ticket for."""

    CHAT = "chat"
    PHONE = "phone"
    EMAIL = "email"


class FreeScoutSettings(HelpdeskSettings):
    """Settings of one FreeScout installation, as far as one mailbox of it is ours."""

    url: str = Field(description="Address of FreeScout, as people open it: https://desk.example.ru.")
    api_key: Secret = Field(description="The key under Manage → API & Webhooks.")
    mailbox_id: int = Field(ge=1, description="The number of the mailbox in which tickets are opened.")
    webhook_secret: Secret | None = Field(
        default=None,
        description="The Secret Key under Manage → API & Webhooks → Webhooks: it proves that a webhook call comes"
        " from FreeScout. Without it FreeScout is only asked for changes.",
    )
    user_id: int | None = Field(
        default=None,
        ge=1,
        description="The number of the user who writes the bot's notes and closes tickets; the first active one"
        " if not set.",
    )
    mode: DeskMode = Field(
        default=DeskMode.HANDOFF,
        description="What is passed on: `handoff`, what people have to answer; `mirror`, everything that is said.",
    )
    conversation_type: ConversationType = Field(
        default=ConversationType.CHAT,
        description="The type of tickets: `chat` sends no mail; `phone` looks like a call; `email` sends the agents'"
        " replies by mail too.",
    )
    agent_name: bool = Field(default=True, description="Whether the customer sees the agent's first name.")
    tags: list[str] = Field(
        default_factory=list, description="Tags for new tickets; needs the Tags module of FreeScout."
    )
    poll_seconds: float = Field(
        default=30.0, ge=1, le=3600, description="Seconds between two questions for changes."
    )
    undo_seconds: float = Field(
        default=15.0,
        ge=0,
        le=300,
        description="Seconds in which FreeScout lets agents take a reply back; it is passed on after them.",
    )
    request_timeout: float = Field(
        default=30.0, ge=1, le=120, description="Seconds to wait for the answer to a call."
    )
    file_limit: int = Field(
        default=FILE_LIMIT,
        ge=0,
        description="The largest file in bytes that goes to FreeScout; its PHP and the server in front have limits"
        " of their own.",
    )
    file_hosts: list[str] = Field(
        default_factory=list,
        description="Other addresses at which FreeScout's files lie, like https://files.example.ru.",
    )
    ca_file: str | None = Field(
        default=None, description="PEM file of certificate authorities to trust besides the system's."
    )
    proxy: Secret | None = Field(
        default=None,
        description="Proxy for calls to FreeScout, with its password if it has one: http://… or socks5://….",
    )

    @field_validator("url")
    @classmethod
    def _url_is_an_address(cls, address: str) -> str:
        found = _address(address)
        return found.removesuffix("/api").rstrip("/")

    @field_validator("file_hosts")
    @classmethod
    def _hosts_are_addresses(cls, addresses: list[str]) -> list[str]:
        return [_address(one) for one in addresses]

    @field_validator("api_key")
    @classmethod
    def _key_looks_right(cls, key: Secret) -> Secret:
        if not _KEY.fullmatch(key.reveal()):
            raise ValueError(
                phrase(
                    "freescout.key_shape",
                    "this is no API key: it is one long word without spaces; copy it from Manage → API & Webhooks",
                )
            )
        return key

    @field_validator("webhook_secret")
    @classmethod
    def _empty_is_none(cls, secret: Secret | None) -> Secret | None:
        return secret or None

    @field_validator("ca_file")
    @classmethod
    def _no_file_is_none(cls, path: str | None) -> str | None:
        return path or None

    @field_validator("tags")
    @classmethod
    def _tags_are_words(cls, tags: list[str]) -> list[str]:
        tags = [tag.strip() for tag in tags]
        if any(not tag or len(tag) > _TAG_LENGTH or "," in tag for tag in tags):
            raise ValueError(
                phrase(
                    "freescout.tag_shape", "a tag has 1 to {limit} characters and no comma", limit=_TAG_LENGTH
                )
            )
        return tags

    @field_validator("proxy")
    @classmethod
    def _proxy_is_an_address(cls, proxy: Secret | None) -> Secret | None:
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


def _address(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            phrase("freescout.address_shape", "this must be an address like https://desk.example.ru")
        )
    if "@" in parts.netloc:
        raise ValueError(
            phrase("settings.user_in_address", "an address here must not contain a user name or password")
        )
    return text.strip().rstrip("/")


SPEC = HelpdeskSpec(
    kind="freescout",
    title="FreeScout",
    settings=FreeScoutSettings,
    factory="optfm_bot.helpdesk.freescout.helpdesk:FreeScout",
    docs="https://api-docs.freescout.net",
    file_limit=FILE_LIMIT,
)
