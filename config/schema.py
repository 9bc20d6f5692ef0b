"""Typed settings: every field has a default, limits and a sentence. Unknown keys are errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from config.handoff import HandoffSection, Helpdesks, MessageTexts
from config.people import Forms, HoursSection, NotifySection
from config.secret import Secret
from config.section import Section, TypedEntry, named

DRIVERS: Mapping[str, str] = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
"""Accepted schemes of database addresses and the driver that each one gets."""


def _timezone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - the default zone needs no look-up at start

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PydanticCustomError("timezone", "no such time zone") from None
    return name


def _public_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port != 0
    except ValueError:  # a port that is no number
        port_is_fine = False
    if (
        not port_is_fine
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
        or any(character.isspace() for character in text)
    ):
        raise PydanticCustomError("public_url", "not a public address")
    return text.rstrip("/")


def _host(text: str) -> str:
    """Take a name or an address; a colon is for IPv6 only, as a port stands in a key of its own."""
    if re.search(r"[\s/@]", text) or (":" in text and re.fullmatch(r"[^:]*:\d*|.*\]:\d+", text)):
        raise PydanticCustomError("host", "not a host")
    return text


def _database_url(text: str) -> str:
    scheme, separator, rest = text.strip().partition("://")
    if not separator or (not rest and not scheme.lower().startswith("sqlite")):
        raise PydanticCustomError("database_url", "not a database address")
    try:
        driver = DRIVERS[scheme.lower()]
    except KeyError:
        raise PydanticCustomError(
            "database_driver", "unknown driver {driver}", {"driver": scheme[:40]}
        ) from None
    if driver.startswith("sqlite") and rest and rest[0] not in "/?":
        raise PydanticCustomError("sqlite_slashes", "not enough slashes")
    port = re.fullmatch(r"[^:\[\]]*:(.*)|\[.*\]:(.*)", rest.rpartition("@")[2].partition("/")[0])
    if not driver.startswith("sqlite") and port and not (port[1] or port[2] or "").isdecimal():
        raise PydanticCustomError("database_port", "not a port")
    return f"{driver}://{rest}"


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


class Agent(Section):
    """Who the bot is."""

    id: str = Field(
        "default", pattern=r"^[a-z][a-z0-9_-]{0,31}$", description="Name of this bot in addresses."
    )
    name: str = Field("OptFM", min_length=1, max_length=64, description="Name that people see.")
    language: Literal["ru", "en"] = Field(
        "ru", description="Language of a person who has not chosen another."
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        "Europe/Moscow", description="Time zone of hours and dates, as in the IANA list."
    )
    region: str = Field(
        "RU", pattern=r"^[A-Z]{2}$", description="Country of phone numbers that are written without one."
    )


class Server(Section):
    """The one HTTP server: webhooks, web chat, health and metrics."""

    host: Annotated[str, AfterValidator(_host)] = Field(
        "127.0.0.1", min_length=1, description="Address to listen on; 0.0.0.0 for all."
    )
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: Annotated[str, AfterValidator(_public_url)] | None = Field(
        None, description="Address under which the internet reaches this server; webhooks need it with https."
    )
    body_limit: int = Field(
        1_048_576, ge=1_024, le=67_108_864, description="Largest request body that is read, in bytes."
    )


class Backup(Section):
    """A copy of the database every day, made while the bot runs."""

    path: str | None = Field(
        None, min_length=1, description="Folder for a backup a day; empty makes none by itself."
    )
    at: str = Field(
        "03:10",
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="Time of day in `agent.timezone`; a backup that was missed is made at the next start.",
    )
    keep_daily: int = Field(7, ge=1, le=366, description="Days of which the last backup is kept.")
    keep_weekly: int = Field(4, ge=0, le=520, description="Weeks of which the last backup is kept.")
    keep_monthly: int = Field(6, ge=0, le=240, description="Months of which the last backup is kept.")


class Database(Section):
    """Where everything is kept."""

    url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite+aiosqlite:///optfm.db", repr=False, description="SQLite file or PostgreSQL database."
    )
    backup: Backup = Backup()

    @property
    def password(self) -> Secret | None:
        """The password inside the address, as it is and not as it is written there."""
        account, found, _ = self.url.partition("://")[2].rpartition("@")
        password = account.partition(":")[2]
        return Secret(unquote(password)) if found and password else None


class Faq(Section):
    """Where the answers come from."""

    source: Literal["files"] = Field(
        "files", description="Kind of source: files that are watched and reloaded."
    )
    path: str | None = Field(
        None, min_length=1, description="Knowledge file or folder; empty is the built-in demo."
    )
    matcher: Literal["core", "semantic"] = Field(
        "core",
        description="How questions are matched: `core` compares words, `semantic` compares meanings too and needs"
        ' `pip install "optfm-bot[semantic]"`.',
    )
    cache: str | None = Field(
        None,
        min_length=1,
        description="Folder in which `semantic` keeps what it made of the base; empty is `.cache/optfm-bot` beside"
        " the SQLite file, or where the bot is started.",
    )
    tuning: str | None = Field(
        None,
        min_length=1,
        description="File that `optfm-bot faq tune` wrote: weights and thresholds for this base; empty are the"
        " shipped ones.",
    )


class Conversation(Section):
    """How the bot talks."""

    join_window: float = Field(
        1.2, ge=0, le=10, description="Seconds in which quick messages of one person are joined; 0 is off."
    )
    owner_pause: float = Field(
        60,
        ge=0,
        le=10_080,
        description="Minutes for which the bot is silent after one of your own people wrote to a customer from the"
        " phone; 0 is off.",
    )
    feedback: bool = Field(default=True, description="Ask under an answer whether it helped.")
    page_size: int = Field(10, ge=1, le=50, description="Questions on one page of the menu.")
    max_text: int = Field(
        65_536, ge=256, le=1_000_000, description="Characters of one message that are kept."
    )
    max_query: int = Field(
        1_000, ge=50, le=10_000, description="Characters of one question that are matched."
    )


class Limits(Section):
    """Guards against floods."""

    person_per_minute: int = Field(
        30, ge=0, le=10_000, description="Messages of one person per minute; 0 is off."
    )


class DeliveryPolicy(StrEnum):
    """What to do when nobody can know whether the platform accepted a message."""

    AT_MOST_ONCE = "at_most_once"
    AT_LEAST_ONCE = "at_least_once"
    VERIFY = "verify"


class Delivery(Section):
    """How messages are sent, for all channels; a channel may carry its own."""

    policy: DeliveryPolicy = Field(
        DeliveryPolicy.AT_MOST_ONCE,
        description="After an unclear failure: never repeat, repeat, or look into the chat's history first.",
    )
    per_chat_per_second: float | None = Field(
        None,
        ge=0,
        le=1_000,
        description="Messages per second to one chat; 0 is off. Empty: the platform's own pace.",
    )
    per_bot_per_second: float | None = Field(
        None,
        ge=0,
        le=10_000,
        description="Messages per second of one bot; 0 is off. Empty: the platform's own pace.",
    )
    burst: int | None = Field(
        None,
        ge=1,
        le=100,
        description="Messages that may pass at once before the pace begins. Empty: what the platform allows.",
    )
    max_attempts: int = Field(8, ge=1, le=100, description="Failures of one message before it is given up.")
    concurrency: int = Field(32, ge=1, le=1_000, description="Messages in flight at once per bot.")


class DeliveryOverride(Section):
    """What a channel sets differently from `delivery`; a missing key takes the common value."""

    policy: DeliveryPolicy | None = Field(None, description="As in `delivery`.")
    per_chat_per_second: float | None = Field(None, ge=0, le=1_000, description="As in `delivery`.")
    per_bot_per_second: float | None = Field(None, ge=0, le=10_000, description="As in `delivery`.")
    burst: int | None = Field(None, ge=1, le=100, description="As in `delivery`.")
    max_attempts: int | None = Field(None, ge=1, le=100, description="As in `delivery`.")
    concurrency: int | None = Field(None, ge=1, le=1_000, description="As in `delivery`.")


class ChannelEntry(TypedEntry):
    """One channel instance as configured: its kind, its delivery, and options that its kind will validate."""

    own: ClassVar[tuple[str, ...]] = ("type", "delivery")

    type: str = Field(
        min_length=1, max_length=64, description="Kind of channel; the instance name if missing."
    )
    delivery: DeliveryOverride = Field(
        DeliveryOverride(), description="What differs from the common `delivery`."
    )


class Readiness(Section):
    """From where on `/readyz` says that this process should get no more work; 0 switches a limit off."""

    queue_age: float = Field(
        60,
        ge=0,
        le=86_400,
        description="Seconds that an update may wait; over it, and not being caught up with, is unavailable.",
    )
    queue_depth: int = Field(
        20_000,
        ge=0,
        le=100_000_000,
        description="Updates of a channel that may wait; over it, and not being caught up with, is unavailable.",
    )
    outbox_depth: int = Field(
        20_000,
        ge=0,
        le=100_000_000,
        description="Messages of a channel that may wait to be sent; over it is degraded, never unavailable.",
    )
    disk_free_mb: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="Megabytes that must be free beside the SQLite file; below is unavailable, below five times as much"
        " degraded.",
    )
    wal_mb: int = Field(
        256,
        ge=0,
        le=1_000_000,
        description="Megabytes of SQLite's write-ahead file; over it is degraded, never unavailable.",
    )
    loop_lag: float = Field(
        2,
        ge=0,
        le=60,
        description="Seconds that everything may be late again and again; over it is unavailable, over an eighth of it"
        " degraded.",
    )


class Retention(Section):
    """How many days finished things are kept. What is not finished is never removed."""

    updates: int = Field(
        7,
        ge=0,
        le=3_650,
        description="Days for updates as they came; a platform that repeats an older one is answered again. 0 is for"
        " ever.",
    )
    parked: int = Field(
        180, ge=0, le=3_650, description="Days for updates that could not be handled; 0 is for ever."
    )
    messages: int = Field(
        180,
        ge=0,
        le=3_650,
        description="Days for the history: messages in both directions, their buttons, opinions on answers; 0 is for"
        " ever.",
    )
    misses: int = Field(
        180,
        ge=0,
        le=3_650,
        description="Days for unanswered questions, and for answers that your people proposed; 0 is for ever.",
    )
    idempotency: int = Field(
        30, ge=0, le=3_650, description="Days for the `Idempotency-Key` of REST requests; 0 is for ever."
    )
    tickets: int = Field(
        365,
        ge=0,
        le=3_650,
        description="Days for closed tickets and the record of what went through them; 0 is for ever.",
    )
    requests: int = Field(
        0, ge=0, le=3_650, description="Days for requests that are done or cancelled; 0 is for ever."
    )


class Log(Section):
    """What is logged and how."""

    format: Literal["auto", "console", "json"] = Field(
        "auto", description="Lines for people, JSON for programs, or whichever fits the terminal."
    )
    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", description="Least important level that is written; texts of messages appear in debug only."
    )


def _demo_channels() -> dict[str, ChannelEntry]:
    return {"web": ChannelEntry.model_validate({"type": "webchat"})}


class Settings(Section):
    """All settings. A missing section has its defaults; without any channel the web-chat demo is served."""

    agent: Agent = Agent()
    server: Server = Server()
    database: Database = Database()
    faq: Faq = Faq()
    channels: Annotated[dict[str, ChannelEntry], BeforeValidator(named)] = Field(
        default_factory=_demo_channels, description="Channel instances by name."
    )
    conversation: Conversation = Conversation()
    hours: HoursSection = HoursSection()
    forms: Forms = Field(default_factory=dict, description="Forms of requests by name.")
    notify: NotifySection = NotifySection()
    handoff: HandoffSection = HandoffSection()
    helpdesk: Helpdesks = Field(
        default_factory=dict,
        description="Where your people answer: one entry, `freescout`, `mail` or `telegram`.",
    )
    texts: MessageTexts = Field(
        default_factory=dict, description="What the bot says instead of its own words, by language and key."
    )
    limits: Limits = Limits()
    delivery: Delivery = Delivery()
    readiness: Readiness = Readiness()
    retention: Retention = Retention()
    log: Log = Log()

    def delivery_for(self, instance: str) -> Delivery:
        """The delivery settings of one channel: the common ones with what the channel sets differently."""
        own = self.channels[instance].delivery
        changed = {
            name: value for name in type(own).model_fields if (value := getattr(own, name)) is not None
        }
        return self.delivery.model_copy(update=changed)


SECTIONS_TO_COME: frozenset[str] = frozenset({"integrations", "admin", "privacy"})
"""Sections that are planned. They are refused, not ignored, and the message says so."""

SECRET_WORDS: tuple[str, ...] = ("token", "secret", "password", "passwd", "api_key", "apikey", "private_key")
"""A key with one of these words in its name holds a secret."""


def is_secret_key(name: str) -> bool:
    """Whether a key's name says that its value is a secret."""
    lowered = name.lower().replace("-", "_")
    return any(word in lowered for word in SECRET_WORDS)


def leaf_keys(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of every setting below a model, sections opened; a mapping of named things is one setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaf_keys(field.annotation, (*prefix, name))
        else:
            yield (*prefix, name)
