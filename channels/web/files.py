"""Visitors' files: taken in within limits, kept apart by talk, given back only to the talk that sent them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from channels.errors import Gone, Rejected, TooLarge, Unreachable
from channels.phrase import phrase
from channels.web.bubbles import ChatMessage, SentFile
from channels.web.signatures import HEAD, FileType, recognise, type_of

FILE_NAME = re.compile(r"[0-9a-f]{32}\.[a-z0-9]{2,4}")
"""What we call a file: nobody can guess it who does not know the talk."""

_FOLDER_NAME = re.compile(r"[0-9a-f]{32}")
_TITLE = 120
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069/\\]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """What may be sent: bytes of one file, media types, files of one talk."""

    max_bytes: int
    types: frozenset[str]
    per_talk: int


class FileFolder:
    """The files of all talks, each talk in a folder of its own, with a note of what is known about each.

    The names of the folder and the file are made from the talk's and the message's secret names: the same file sent
    again lands in the same place, and nobody finds it who does not know both.
    """

    def __init__(self, root: Path, rules: FileRules) -> None:
        self.root = root
        self.rules = rules

    async def take(
        self, session: str, event_id: str, title: str, chunks: AsyncIterator[bytes], at: datetime
    ) -> SentFile:
        """Store a file. Raises `TooLarge`, or `Rejected` with why it is not taken; then nothing is left behind."""
        folder = self.root / _digest(session)
        stem = _digest(f"{session}:{event_id}")
        part = folder / f"{stem}.part"
        await asyncio.to_thread(_make_room, folder, stem, self.rules.per_talk)
        try:
            with await asyncio.to_thread(part.open, "wb") as file:
                head, size = await self._copy(chunks, file)
            known = self._taken_type(head)
            sent = SentFile(
                name=f"{stem}.{known.ending}", title=shown_title(title), mime=known.mime, size=size
            )
            await asyncio.to_thread(_settle, part, folder / sent.name, sent, event_id, at)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        return sent

    async def recalled(self, session: str) -> Sequence[ChatMessage]:
        """The files of a talk as bubbles, oldest first."""
        return await asyncio.to_thread(_notes, self.root / _digest(session))

    def find(self, session: str, name: str) -> Path | None:
        """Where a file of this talk is; None if this talk has none of that name."""
        if not FILE_NAME.fullmatch(name):
            return None
        path = self.path(session, name)
        return path if path.is_file() else None

    async def read(self, url: str, *, limit: int) -> bytes:
        """Give a file by the address that `MediaIn` had. Raises `Gone` if it is not here, `TooLarge` beyond `limit`.

        Only the names of its folder and of itself count: the root may have moved since.
        """
        *_, folder, name = ("", "", *PurePosixPath(unquote(urlsplit(url).path)).parts)
        if not _FOLDER_NAME.fullmatch(folder) or not FILE_NAME.fullmatch(name):
            raise Gone(phrase("web.unknown_file", "no visitor has sent such a file"))
        return await asyncio.to_thread(_content, self.root / folder / name, limit)

    def path(self, session: str, name: str) -> Path:
        """Where a file of this talk would be."""
        return self.root / _digest(session) / name

    def _taken_type(self, head: bytes) -> FileType:
        known = recognise(head)
        if known is None or known.mime not in self.rules.types:
            raise Rejected(phrase("web.file_type", "files of this type are not taken here"))
        return known

    async def _copy(self, chunks: AsyncIterator[bytes], file: BinaryIO) -> tuple[bytes, int]:
        head, size = b"", 0
        async for chunk in chunks:
            size += len(chunk)
            if size > self.rules.max_bytes:
                raise TooLarge(phrase("web.file_too_large", "the file is larger than is taken here"))
            head = (head + chunk)[:HEAD] if len(head) < HEAD else head
            await asyncio.to_thread(file.write, chunk)
        return head, size


def shown_title(title: str) -> str:
    """A file's name as it may be shown: one line, no path, nothing that turns the direction of writing."""
    clean = " ".join(_UNSHOWN.sub(" ", title).split())
    return clean if len(clean) <= _TITLE else f"{clean[: _TITLE - 13]}…{clean[-12:]}"


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise Gone(phrase("web.file_gone", "the visitor's file is not kept any more")) from None
    except OSError as error:
        raise Unreachable(
            phrase(
                "web.file_unreadable",
                "the visitor's file cannot be read: {why}",
                why=error.strerror or "no reason given",
            ),
            maybe_sent=False,
        ) from None
    if len(content) > limit:
        raise TooLarge(
            phrase("web.file_over_limit", "the visitor's file has more than {limit} bytes", limit=limit)
        )
    return content


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


def _make_room(folder: Path, stem: str, most: int) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    others = sum(1 for note in folder.glob("*.json") if note.stem != stem)
    if others >= most:
        raise Rejected(phrase("web.talk_full", "this talk has as many files as it may have"))


def _settle(part: Path, final: Path, sent: SentFile, event_id: str, at: datetime) -> None:
    part.chmod(0o600)
    part.replace(final)
    note = {"id": event_id, "at": int(at.timestamp() * 1000), **sent.as_json()}
    final.with_suffix(".json").write_text(json.dumps(note), "utf-8")


def _notes(folder: Path) -> list[ChatMessage]:
    found = []
    for path in folder.glob("*.json"):
        note = json.loads(path.read_text("utf-8"))
        if type_of(note["mime"]) is None:
            continue
        found.append(
            ChatMessage(
                message_id=note["id"],
                author="visitor",
                at=datetime.fromtimestamp(note["at"] / 1000, UTC),
                file=SentFile(name=note["name"], title=note["title"], mime=note["mime"], size=note["size"]),
            )
        )
    return sorted(found, key=lambda message: message.at)
