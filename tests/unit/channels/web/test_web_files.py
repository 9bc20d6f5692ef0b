"""Visitors' files: told by their content, kept within limits, found only by the talk that sent them."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Gone, Rejected, TooLarge
from channels.web.files import FILE_NAME, FileFolder, FileRules, shown_title
from channels.web.signatures import HEAD, KNOWN_TYPES, recognise, type_of

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ONE, OTHER = "a" * 24, "b" * 24
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100


@pytest.fixture
def folder(tmp_path: Path) -> FileFolder:
    types = frozenset({"image/png", "application/pdf"})
    return FileFolder(tmp_path / "uploads", FileRules(max_bytes=1000, types=types, per_talk=2))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def left(folder: FileFolder) -> list[str]:
    return sorted(path.suffix for path in folder.root.rglob("*") if path.is_file())


async def test_a_file_is_kept_under_a_name_that_its_sender_did_not_choose(folder: FileFolder) -> None:
    sent = await folder.take(ONE, "f1", "../../etc/чек.exe", chunks(PNG[:3], PNG[3:]), NOW)

    assert FILE_NAME.fullmatch(sent.name)
    assert (sent.name[-4:], sent.title, sent.mime, sent.size) == (
        ".png",
        ".. .. etc чек.exe",
        "image/png",
        108,
    )
    path = folder.find(ONE, sent.name)
    assert path is not None
    assert path.read_bytes() == PNG
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_only_the_talk_that_sent_it_finds_it(folder: FileFolder) -> None:
    sent = await folder.take(ONE, "f1", "x.png", chunks(PNG), NOW)
    assert folder.find(OTHER, sent.name) is None
    for name in ("", "..", "x.png", f"../{sent.name}", sent.name.upper(), f"{sent.name}/", sent.name[:-4]):
        assert folder.find(ONE, name) is None


async def test_the_same_file_again_is_the_same_file(folder: FileFolder) -> None:
    first = await folder.take(ONE, "f1", "x.png", chunks(PNG), NOW)
    again = await folder.take(ONE, "f1", "x.png", chunks(PNG), NOW)
    other = await folder.take(ONE, "f2", "x.png", chunks(PNG), NOW)
    assert first == again
    assert other.name != first.name
    assert left(folder) == [".json", ".json", ".png", ".png"]


@pytest.mark.parametrize(
    "content", [b"", b"<html><script>alert(1)</script>", b"GIF89a" + b"\x00" * 20, b"MZ\x90", b"<svg/>"]
)
async def test_what_is_not_of_an_allowed_type_leaves_nothing_behind(
    folder: FileFolder, content: bytes
) -> None:
    with pytest.raises(Rejected):
        await folder.take(ONE, "f1", "x.png", chunks(content), NOW)
    assert left(folder) == []


async def test_what_grows_too_large_leaves_nothing_behind(folder: FileFolder) -> None:
    with pytest.raises(TooLarge):
        await folder.take(ONE, "f1", "x.png", chunks(PNG, b"x" * 1000), NOW)
    assert left(folder) == []


async def test_a_broken_upload_leaves_nothing_behind(folder: FileFolder) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await folder.take(ONE, "f1", "x.png", broken(), NOW)
    assert left(folder) == []


async def test_a_talk_has_so_many_files_and_no_more(folder: FileFolder) -> None:
    for name in ("f1", "f2", "f2"):
        await folder.take(ONE, name, "x.png", chunks(PNG), NOW)
    with pytest.raises(Rejected):
        await folder.take(ONE, "f3", "x.png", chunks(PNG), NOW)
    await folder.take(OTHER, "f3", "x.png", chunks(PNG), NOW)


async def test_the_files_of_a_talk_are_told_again(folder: FileFolder) -> None:
    sent = await folder.take(ONE, "f1", "чек.png", chunks(PNG), NOW)
    [seen] = await folder.recalled(ONE)
    assert (seen.message_id, seen.author, seen.at, seen.file) == ("f1", "visitor", NOW, sent)
    assert await folder.recalled(OTHER) == []


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("чек.pdf", "чек.pdf"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("C:\\папка\\x\n.png", "C: папка x .png"),
        ("x" * 200 + ".pdf", "x" * 107 + "…" + "x" * 8 + ".pdf"),
    ],
)
def test_a_title_is_one_honest_line(title: str, shown: str) -> None:
    assert shown_title(title) == shown


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF87a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"),
        (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b"OggS\x00", "audio/ogg"),
        (b"ID3\x03", "audio/mpeg"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"PK\x03\x04", None),
    ],
)
def test_content_tells_the_type(head: bytes, mime: str | None) -> None:
    known = recognise(head)
    assert (known.mime if known else None) == mime


@given(st.binary(max_size=HEAD + 8))
def test_any_bytes_are_a_known_type_or_none(head: bytes) -> None:
    known = recognise(head)
    assert known is None or type_of(known.mime) is known


def test_no_type_that_a_browser_runs_is_known() -> None:
    assert not {
        mime for mime in KNOWN_TYPES if "html" in mime or "xml" in mime or "svg" in mime or "script" in mime
    }


async def test_a_file_is_read_by_its_address_wherever_the_folder_is_now(folder: FileFolder) -> None:
    sent = await folder.take(ONE, "f1", "x.png", chunks(PNG), NOW)
    url = folder.path(ONE, sent.name).as_uri()
    assert await folder.read(url, limit=len(PNG)) == PNG
    moved = folder.root.with_name("elsewhere")
    folder.root.rename(moved)
    assert await FileFolder(moved, folder.rules).read(url, limit=len(PNG)) == PNG
    with pytest.raises(TooLarge):
        await FileFolder(moved, folder.rules).read(url, limit=len(PNG) - 1)
    with pytest.raises(Gone):
        await folder.read(url, limit=len(PNG))


@pytest.mark.parametrize("tail", ["", "x.png", "../secret.txt", "a/b", "%2e%2e/secret.txt", "../.."])
async def test_nothing_else_is_read(folder: FileFolder, tail: str) -> None:
    await folder.take(ONE, "f1", "x.png", chunks(PNG), NOW)
    (folder.root / "secret.txt").write_text("secret")
    with pytest.raises(Gone):
        await folder.read(f"{folder.root.as_uri()}/{tail}", limit=100)
