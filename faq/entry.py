"""What the owner of a FAQ writes: entries, their categories, and where in a file each of them stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class Status(StrEnum):
    """Where an entry is in its life; only `live` ones answer."""

    DRAFT = "draft"
    REVIEW = "review"
    LIVE = "live"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where something is written: a file and a line that counts from one."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryButton:
    """A button under an answer: exactly one of `faq` (the id of another entry) or `url`."""

    text: str
    faq: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("a button needs a text")
        if (self.faq is None) == (self.url is None):
            raise ValueError(f"a button leads to exactly one place, `faq` or `url`: {self.text!r}")


class AttachmentType(StrEnum):
    """What an attached file is to the person who receives it."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with an answer: exactly one of `path` (relative to the knowledge folder) or `url`."""

    type: AttachmentType = AttachmentType.FILE
    path: str | None = None
    url: str | None = None
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", AttachmentType(self.type))
        if (self.path is None) == (self.url is None):
            raise ValueError("an attachment comes from exactly one place, `path` or `url`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What else happens when the entry answers. Kept as data: the house gives it its meaning."""

    search_type: str
    integration_id: str | None = None
    integration_config: Mapping[str, Any] = field(default_factory=lambda: _EMPTY, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "integration_config", MappingProxyType(dict(self.integration_config)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A shelf of entries. `titles` holds the title in other languages, by language code."""

    id: str
    title: str
    titles: Mapping[str, str] = field(default_factory=lambda: _EMPTY, hash=False)
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "titles", MappingProxyType(dict(self.titles)))

    def title_for(self, language: str) -> str:
        """The title in `language` (`en-GB` falls back to `en`), else the default one."""
        return self.titles.get(language) or self.titles.get(base_language(language)) or self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class FaqEntry:
    """One question with its answer.

    Only `id`, `question` and `answer` are needed by hand; lists are taken as any sequence and kept as tuples.
    Keys of `answers` are a channel (instance or kind), a language, or both as `channel.language`. Raises
    `ValueError` for an empty id or question and for a bare string where a list is meant. `origin` is not part
    of equality.
    """

    id: str
    question: str
    answer: str = ""
    category: str | None = None
    aliases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=lambda: _EMPTY, hash=False)
    buttons: tuple[EntryButton, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    connections: tuple[Connection, ...] = ()
    status: Status = Status.LIVE
    valid_from: date | None = None
    valid_to: date | None = None
    language: str = "ru"
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not self.id or not self.question.strip():
            raise ValueError(f"an entry needs an id and a question: {self.id!r}")
        for name in ("aliases", "keywords", "buttons", "attachments", "connections"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ValueError(f"entry {self.id!r}: {name} is a list, not a text")  # noqa: TRY004  # one kind of error for a bad entry
            object.__setattr__(self, name, tuple(value))
        object.__setattr__(self, "answers", MappingProxyType(dict(self.answers)))
        object.__setattr__(self, "status", Status(self.status))

    @property
    def version(self) -> str:
        """A short hash of what the customer sees; the same on every machine while that stays the same."""
        import hashlib  # noqa: PLC0415  # with json 5 ms that a program without versions does not owe
        import json  # noqa: PLC0415  # the same

        seen = {
            "question": self.question,
            "answer": self.answer,
            "answers": dict(self.answers),
            "buttons": [[button.text, button.faq, button.url] for button in self.buttons],
            "attachments": [[file.type, file.path, file.url, file.name] for file in self.attachments],
        }
        text = json.dumps(seen, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()

    @property
    def phrasings(self) -> tuple[str, ...]:
        """The question and its aliases."""
        return (self.question, *self.aliases)

    def answer_for(self, channels: Sequence[str], language: str) -> str:
        """The most specific answer: by channel, then by language, then the default one.

        `channels` goes from the most specific name to the least, an instance before its kind. An entry
        without a default answer gives its first one rather than nothing.
        """
        languages = dict.fromkeys((language, base_language(language)))
        for channel in channels:
            for key in (*(f"{channel}.{code}" for code in languages), channel):
                if self.answers.get(key):
                    return self.answers[key]
        for code in languages:
            if self.answers.get(code):
                return self.answers[code]
        return self.answer or next(iter(self.answers.values()), "")

    def is_live(self, on: date) -> bool:
        """Whether the entry answers on that day; the first and the last day of its validity belong to it."""
        return (
            self.status is Status.LIVE
            and (self.valid_from is None or self.valid_from <= on)
            and (self.valid_to is None or on <= self.valid_to)
        )


def base_language(code: str) -> str:
    """The language of a code such as `en-GB` or `en_US`: `en`."""
    return code.replace("_", "-").partition("-")[0].lower()
