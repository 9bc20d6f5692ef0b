"""A plan on disk: which files change and how, all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from faq.base import KnowledgeBase, KnowledgeError, ProblemCode
from faq.entry import FaqEntry
from faq.transfer.edit import Additions, edited, file_language
from faq.transfer.notes import Fault, TransferError
from faq.transfer.plan import Plan, Verdict
from faq.transfer.table import MAX_BYTES as LARGEST
from faq.transfer.yaml_writer import write_yaml
from faq.yaml_entries import read_document, resolve
from faq.yaml_source import MAX_BYTES, RawFile, load_knowledge, parse_knowledge, read_files

_MARK = b"\xef\xbb\xbf"
_ROOM = 64 * 1024
"""Kept free in a file: its head, and what is added by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New bytes for a file. `before` is what it held when it was read, `None` if it was not there.

    `backup` says that lines of a person are replaced: the old file is kept beside the new one.
    """

    path: Path
    before: bytes | None
    after: bytes
    backup: bool = False


def read_file(path: Path) -> bytes:
    """The bytes of a file that is to be imported. Raises `TransferError` if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TransferError(Fault.UNREADABLE, name=path, reason=reason) from error
    if len(content) > LARGEST:
        raise TransferError(Fault.TOO_LARGE, limit=LARGEST // 1024 // 1024)
    return content


def load_base(root: Path) -> KnowledgeBase | None:
    """The base at a path, even without an entry yet; `None` if there is no file. Raises `KnowledgeError`."""
    files = {Path(raw.name): raw.content for raw in _files(root)}
    return _parsed(files) if files else None


def changes(plan: Plan, root: Path, target: Path, *, language: str, comment: str) -> list[Change]:
    """What a plan does to the files of the base at `root`: new entries go to `target`, changed ones stay in place.

    A new file that would be too large becomes several. Reads, writes nothing. The result has been read back: it
    holds what was there and what was planned, and nothing else. Raises `TransferError` if that cannot be done, and
    `KnowledgeError` if the base cannot be read.
    """
    files = {Path(raw.name): raw.content for raw in _existing(root, target)}
    base = _parsed(files) if files else None
    found = [
        *_edits(plan, files, target),
        *([] if target in files else _new_files(plan, target, language, comment, alone=root == target)),
    ]
    _check(plan, base, files, found)
    return found


def store(found: Sequence[Change], root: Path) -> list[Path]:
    """Write the changes and load the base; if it does not load, everything is as before. Gives the backups.

    Raises `TransferError` for files that cannot be written or were changed since they were read, `KnowledgeError`
    for a base that does not load.
    """
    for change in found:
        if _content(change.path) != change.before:
            raise TransferError(Fault.CHANGED_MEANWHILE, name=change.path)
    backups = [_back_up(change) for change in found if change.backup and change.before is not None]
    done: list[Change] = []
    try:
        for change in found:
            replace_file(change.path, change.after)
            done.append(change)
        load_knowledge(root)
    except (TransferError, KnowledgeError):
        for change in done:
            if change.before is None:
                change.path.unlink(missing_ok=True)
            else:
                replace_file(change.path, change.before)
        for path in backups:
            path.unlink(missing_ok=True)
        raise
    return backups


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, through a temporary one beside it. Raises `TransferError`."""
    path = path.resolve()  # the file behind a link is meant, not the link
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        raise TransferError(
            Fault.UNWRITABLE, name=path, reason=(error.strerror or type(error).__name__).lower()
        ) from error


# -- what is to be written -------------------------------------------------------------------------------------------


def _files(root: Path) -> list[RawFile]:
    raw = read_files(root) if root.exists() else []
    problems = [one.problem for one in raw if one.problem is not None]
    if problems:
        raise KnowledgeError(problems)
    return raw


def _parsed(files: Mapping[Path, bytes]) -> KnowledgeBase:
    try:
        return parse_knowledge([RawFile(str(path), content) for path, content in files.items()])
    except KnowledgeError as error:
        if any(one.code is not ProblemCode.EMPTY or one.field != "entries" for one in error.problems):
            raise
    # No entry yet, which keeps a bot from serving but not from being taught; categories may be there already.
    contents = [read_document(str(path), content.decode("utf-8-sig"))[0] for path, content in files.items()]
    return resolve(contents)[0]


def _existing(root: Path, target: Path) -> list[RawFile]:
    raw = _files(root)
    if target.exists() and not any(Path(one.name) == target for one in raw):
        raise TransferError(Fault.NO_PLACE)
    return raw


def _edits(plan: Plan, files: Mapping[Path, bytes], target: Path) -> list[Change]:
    """Changes of files that are there."""
    replaced: dict[Path, dict[str, FaqEntry]] = {}
    for step in plan.of(Verdict.CHANGED):
        if step.existing is not None and step.existing.origin is not None:
            replaced.setdefault(Path(step.existing.origin.file), {})[step.entry.id] = step.entry
    found = []
    for path, content in files.items():
        here = path == target
        additions = Additions(
            entries=[step.entry for step in plan.of(Verdict.ADDED)] if here else (),
            replaced=replaced.get(path, {}),
            categories=plan.categories if here else (),
            synonyms=plan.synonyms if here else (),
        )
        if not (additions.entries or additions.replaced or additions.categories or additions.synonyms):
            continue
        text = content.decode("utf-8-sig")
        new = edited(str(path), text, additions, language=file_language(text)).encode("utf-8")
        after = _MARK + new if content.startswith(_MARK) else new
        found.append(Change(path=path, before=content, after=after, backup=bool(additions.replaced)))
    return found


def _new_files(plan: Plan, target: Path, language: str, comment: str, *, alone: bool) -> list[Change]:
    entries = [step.entry for step in plan.of(Verdict.ADDED)]
    if not (entries or plan.categories or plan.synonyms):
        return []
    heads = {"categories": plan.categories, "synonyms": plan.synonyms}
    text = write_yaml(entries, language=language, comment=comment, **heads)  # type: ignore[arg-type] # two fields of one shape
    size = len(text.encode("utf-8"))
    if size <= MAX_BYTES - _ROOM or alone:
        return [Change(path=target, before=None, after=text.encode("utf-8"))]
    parts = size // (MAX_BYTES - _ROOM) + 2
    length = -(-len(entries) // parts)
    found = []
    for number in range(parts):
        part = entries[number * length : (number + 1) * length]
        if part:
            path = target if not number else target.with_stem(f"{target.stem}-{number + 1}")
            if path != target and path.exists():
                raise TransferError(Fault.EXISTS, name=path)
            text = write_yaml(part, language=language, comment=comment, **(heads if not number else {}))  # type: ignore[arg-type] # as above
            found.append(Change(path=path, before=None, after=text.encode("utf-8")))
    return found


def _check(
    plan: Plan, base: KnowledgeBase | None, files: Mapping[Path, bytes], found: Sequence[Change]
) -> None:
    """Read what would be written: it must give exactly the entries that were planned."""
    wanted = {entry.id: entry for entry in base.entries} if base is not None else {}
    for step in (*plan.of(Verdict.CHANGED), *plan.of(Verdict.ADDED)):
        wanted[step.entry.id] = step.entry
    contents = {**files, **{change.path: change.after for change in found}}
    for path, content in contents.items():
        if len(content) > MAX_BYTES:
            raise TransferError(Fault.TOO_LARGE, limit=MAX_BYTES // 1024 // 1024, name=path)
    name = found[0].path if found else ""
    try:
        after = parse_knowledge([RawFile(str(path), content) for path, content in contents.items()])
    except KnowledgeError as error:
        raise TransferError(Fault.NOT_EDITABLE, name=name) from error
    if {entry.id: entry for entry in after.entries} != wanted:
        raise TransferError(Fault.NOT_EDITABLE, name=name)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TransferError(Fault.UNREADABLE, name=path, reason=reason) from error


def _back_up(change: Change) -> Path:
    number, path = 1, change.path.with_name(f"{change.path.name}.bak")
    while path.exists():
        number += 1
        path = change.path.with_name(f"{change.path.name}.bak{number}")
    replace_file(path, change.before or b"")
    return path
