"""Knowledge files: a file or a folder of YAML in, a `KnowledgeBase` or everything that is wrong out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faq.base import KnowledgeBase, KnowledgeError, Problem, ProblemCode

if TYPE_CHECKING:
    from faq.yaml_entries import FileContent

MAX_BYTES = 8 * 1024 * 1024
"""The size of one knowledge file, at most."""
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class RawFile:
    """The bytes of one knowledge file, or the problem that kept them from being read."""

    name: str
    content: bytes = b""
    problem: Problem | None = None


class YamlSource:
    """A `Source` over a knowledge file or a folder of them."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    async def load(self) -> KnowledgeBase:
        """Read everything there is now, in a thread. Raises `KnowledgeError`."""
        import asyncio  # noqa: PLC0415  # 25 ms that a program without a loop does not owe

        return await asyncio.to_thread(load_knowledge, self.path)


def load_knowledge(path: str | os.PathLike[str]) -> KnowledgeBase:
    """Read a knowledge file, or every `*.yaml` and `*.yml` below a folder in the order of their names.

    Raises `KnowledgeError` with all problems of all files; never gives a part of a base.
    """
    return parse_knowledge(read_files(path))


def read_files(path: str | os.PathLike[str]) -> list[RawFile]:
    """The bytes of the knowledge files at a path. Unreadable files carry their problem; raises nothing."""
    root = Path(path)
    try:
        names = knowledge_files(root)
    except OSError as error:
        return [_failed(root, error)]
    return [_read(name) for name in names]


def knowledge_files(root: Path) -> list[Path]:
    """The knowledge files at a path: itself, or those of a folder and its sub-folders but for hidden ones."""
    if not root.is_dir():
        return [root]
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(folder, name)
            for name in sorted(names)
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return found


def parse_knowledge(files: Iterable[RawFile]) -> KnowledgeBase:
    """Make a base out of the bytes of its files. Pure. Raises `KnowledgeError`."""
    from faq.yaml_entries import read_document, resolve  # noqa: PLC0415  # YAML costs 20 ms

    problems: list[Problem] = []
    contents: list[FileContent] = []
    names: list[str] = []
    digest = fingerprint(files := list(files))
    for raw in files:
        names.append(raw.name)
        if raw.problem is not None:
            problems.append(raw.problem)
            continue
        text = _decode(raw, problems)
        if text is not None:
            content, found = read_document(raw.name, text)
            contents.append(content)
            problems += found
    base, found = resolve(contents)
    problems += found
    if not base.entries and not problems:
        file = names[0] if names else "knowledge"
        message = "there is not a single entry" if names else "there is no *.yaml file"
        hint = "write at least one entry under `entries:`"
        problems.append(
            Problem(code=ProblemCode.EMPTY, file=file, field="entries", message=message, hint=hint)
        )
    if problems:
        order = {name: number for number, name in enumerate(names)}
        raise KnowledgeError(sorted(problems, key=lambda problem: (order.get(problem.file, 0), problem.line)))
    return KnowledgeBase(
        entries=base.entries,
        categories=base.categories,
        synonyms=base.synonyms,
        language=base.language,
        files=tuple(names),
        fingerprint=digest,
    )


def fingerprint(files: Iterable[RawFile]) -> str:
    """A hash of names and bytes: equal if and only if nothing has changed."""
    digest = hashlib.blake2b(digest_size=16)
    for raw in files:
        head = f"{raw.name}\0{len(raw.content)}\0{raw.problem.message if raw.problem else ''}\0"
        digest.update(head.encode("utf-8", "surrogateescape"))
        digest.update(raw.content)
    return digest.hexdigest()


def _read(name: Path) -> RawFile:
    try:
        with name.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return _failed(name, error)
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB"
        hint = "split it: a folder of files is read as one base"
        return RawFile(
            str(name), problem=Problem(code=ProblemCode.TOO_LARGE, file=str(name), message=message, hint=hint)
        )
    return RawFile(str(name), content)


def _failed(name: Path, error: OSError) -> RawFile:
    hint = "check `faq.path` in the configuration" if isinstance(error, FileNotFoundError) else ""
    message = f"cannot be read: {(error.strerror or type(error).__name__).lower()}"
    return RawFile(
        str(name), problem=Problem(code=ProblemCode.UNREADABLE, file=str(name), message=message, hint=hint)
    )


def _decode(raw: RawFile, problems: list[Problem]) -> str | None:
    try:
        return raw.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.content.count(b"\n", 0, error.start) + 1
        problems.append(
            Problem(
                code=ProblemCode.ENCODING,
                file=raw.name,
                line=line,
                message="the file is not in UTF-8",
                hint="save it again with the encoding UTF-8",
            )
        )
        return None
