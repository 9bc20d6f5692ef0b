"""What a file is, told by its first bytes: what its sender calls it proves nothing."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 16
"""How many first bytes `recognise` needs."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file: its media type, the ending we give it, and what `MediaIn` calls it."""

    mime: str
    ending: str
    kind: str


_TYPES = tuple(
    FileType(*row)
    for row in (
        ("image/png", "png", "photo"),
        ("image/jpeg", "jpg", "photo"),
        ("image/gif", "gif", "photo"),
        ("image/webp", "webp", "photo"),
        ("application/pdf", "pdf", "document"),
        ("video/mp4", "mp4", "video"),
        ("video/webm", "webm", "video"),
        ("audio/ogg", "ogg", "audio"),
        ("audio/mpeg", "mp3", "audio"),
    )
)
_BY_MIME = {known.mime: known for known in _TYPES}
KNOWN_TYPES = frozenset(_BY_MIME)
"""Media types that can be recognised. None of them is run by a browser."""

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
)


def recognise(head: bytes) -> FileType | None:
    """Say what a file with these first bytes is; None if it is nothing that we know.

    The signatures are those of the MIME Sniffing Standard (https://mimesniff.spec.whatwg.org/).
    """
    for start, mime in _STARTS:
        if head.startswith(start):
            return _BY_MIME[mime]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _BY_MIME["image/webp"]
    if head[4:8] == b"ftyp" and head[8:10] in {b"mp", b"is", b"av", b"M4", b"MS"}:
        return _BY_MIME["video/mp4"]
    return None


def type_of(mime: str) -> FileType | None:
    """Give the type with this name."""
    return _BY_MIME.get(mime)
