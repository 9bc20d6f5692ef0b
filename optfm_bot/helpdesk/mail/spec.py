"""What the mail helpdesk needs to be told, readable without any mail library."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from channels.phrase import phrase
from config.secret import Secret
from optfm_bot.helpdesk.contract import HelpdeskSettings, HelpdeskSpec

FILE_LIMIT = 15_000_000
"""Bytes of files in one mail: written for the transport they grow by a third, and most servers take 20 to 25 MB."""

PUBLIC_DOMAINS = frozenset(
    {
        "aol.com", "bk.ru", "gmail.com", "gmx.com", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com",
        "inbox.ru", "internet.ru", "list.ru", "live.com", "mail.com", "mail.ru", "me.com", "msn.com",
        "outlook.com", "proton.me", "protonmail.com", "rambler.ru", "vk.com", "ya.ru", "yahoo.com",
        "yandex.by", "yandex.com", "yandex.kz", "yandex.ru", "zoho.com",
    }
)  # fmt: skip
"""Mail services where anybody gets an address: their domain proves nothing about who somebody is."""

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"@?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_SEVERAL = re.compile(r"[\r\n\0]")


class Security(StrEnum):
    """How a connection is encrypted."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class ServerSettings(BaseModel):
    """What every mail server has."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    host: str = Field(description="Name or address of the server.")
    ca_file: str | None = Field(
        default=None,
        description="PEM file of authorities to trust besides the system's, for a server of your own.",
    )
    allow_plain: bool = Field(
        default=False,
        description="Allow `security: none` to another machine: everybody on the way reads all.",
    )
    timeout: float = Field(
        default=30.0, ge=1, le=300, description="Seconds to wait for each answer of the server."
    )

    @field_validator("host")
    @classmethod
    def _host_is_a_name(cls, host: str) -> str:
        if not _HOST.fullmatch(host):
            raise ValueError(
                phrase(
                    "mail.host_shape", "host must be a name like imap.example.com, without a scheme or a port"
                )
            )
        return host

    @field_validator("ca_file")
    @classmethod
    def _no_file_is_none(cls, path: str | None) -> str | None:
        return path or None


class SmtpSettings(ServerSettings):
    """The server that takes our mail."""

    port: int = Field(default=587, ge=1, le=65535, description="587 for `starttls`, 465 for `tls`.")
    security: Security = Field(
        default=Security.STARTTLS, description="`starttls`, `tls`, or `none` (on this machine only)."
    )
    username: str = Field(default="", description="Login; empty for a relay that asks for none.")
    password: Secret = Field(
        default=Secret(""), description="Password, or the password made for this program."
    )

    @model_validator(mode="after")
    def _is_safe(self) -> SmtpSettings:
        _check(self, self.security, self.username, self.password)
        if self.username and not self.password:
            raise ValueError(phrase("mail.no_smtp_password", "smtp has a username and no password"))
        return self


class ImapSettings(ServerSettings):
    """The mailbox where answers arrive."""

    port: int = Field(default=993, ge=1, le=65535, description="993 for `tls`, 143 for `starttls`.")
    security: Security = Field(
        default=Security.TLS, description="`tls`, `starttls`, or `none` (on this machine only)."
    )
    username: str = Field(description="Login, usually the whole address.")
    password: Secret = Field(description="Password, or the password made for this program.")
    folder: str = Field(
        default="INBOX",
        min_length=1,
        description="Folder to read. Rules must not move answers out of it.",
    )

    @field_validator("folder")
    @classmethod
    def _folder_is_ascii(cls, folder: str) -> str:
        if not folder.isascii() or not folder.isprintable():
            raise ValueError(
                phrase(
                    "mail.folder_shape",
                    "write the folder as the server does: letters of other alphabets in modified UTF-7",
                )
            )
        return folder

    @model_validator(mode="after")
    def _is_safe(self) -> ImapSettings:
        _check(self, self.security, self.username, self.password)
        return self


class MailSettings(HelpdeskSettings):
    """Settings of a mail helpdesk: one mailbox of the bot's own, and who answers."""

    address: str = Field(
        description="Address of the bot's mailbox: mail goes out from it, answers arrive in it."
    )
    to: str = Field(description="Address of those who answer: a person, a list, or the same mailbox.")
    name: str = Field(default="", max_length=60, description="Name that stands beside `address`: the shop's.")
    agents: tuple[str, ...] = Field(
        default=(),
        description=(
            "Whose answers reach customers: addresses and domains. Empty: everybody at the domain of `to`, or `to`"
            " alone if that is a public mail service."
        ),
    )
    authserv_id: str = Field(
        default="",
        description=(
            "Name under which your server writes `Authentication-Results`. If set, an answer counts only with"
            " dmarc=pass by this name."
        ),
    )
    language: Literal["ru", "en"] = Field(
        default="ru", description="Language of our words in mails to the staff."
    )
    poll_seconds: float = Field(
        default=30.0, ge=5, le=3600, description="Seconds between looks into the mailbox."
    )
    file_limit: int = Field(
        default=FILE_LIMIT, ge=1000, le=100_000_000, description="Bytes of files that one mail may carry."
    )
    smtp: SmtpSettings = Field(description="The server that takes our mail.")
    imap: ImapSettings = Field(description="The mailbox where answers arrive.")

    @field_validator("address", "to")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if not ADDRESS.fullmatch(address):
            raise ValueError(phrase("mail.address_shape", "must be one address like support@example.com"))
        return address

    @field_validator("name", "authserv_id")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError(phrase("mail.one_line", "must be one line"))
        return text.strip()

    @field_validator("agents")
    @classmethod
    def _are_addresses_or_domains(cls, agents: tuple[str, ...]) -> tuple[str, ...]:
        for entry in agents:
            if not (ADDRESS.fullmatch(entry) or _DOMAIN.fullmatch(entry)):
                raise ValueError(
                    phrase(
                        "mail.agent_shape",
                        "agents must be addresses like olga@example.com or domains like example.com",
                    )
                )
            if entry.lstrip("@").lower() in PUBLIC_DOMAINS:
                raise ValueError(
                    phrase(
                        "mail.public_agent",
                        "agents must not have a public mail service as a domain: anybody could answer",
                    )
                )
        return agents


def _check(server: ServerSettings, security: Security, username: str, password: Secret) -> None:
    if security is Security.NONE and not server.allow_plain and not is_loopback(server.host):
        raise ValueError(
            phrase(
                "mail.plain_password",
                "security: none sends the password readably; use tls or starttls, or set allow_plain",
            )
        )
    if _SEVERAL.search(username) or _SEVERAL.search(password.reveal()):
        raise ValueError(phrase("mail.login_lines", "username and password must be one line"))


def is_loopback(host: str) -> bool:
    """Whether a host is certainly this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


SPEC = HelpdeskSpec(
    kind="mail",
    title="Mail",
    settings=MailSettings,
    factory="optfm_bot.helpdesk.mail.helpdesk:MailHelpdesk",
    docs="https://www.rfc-editor.org/rfc/rfc5322",
    file_limit=FILE_LIMIT,
)
