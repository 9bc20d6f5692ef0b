"""The knowledge as it was in an earlier revision of git."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from faq import KnowledgeBase
from faq.yaml_source import SUFFIXES, RawFile, parse_knowledge
from optfm_bot.cli.words import current_words
from optfm_bot.errors import OptfmError

SECONDS = 30.0
"""How long git may take."""
_OTHERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What a hook of git sets: it names the repository from the hook's folder on, not from ours."""


class RevisionError(OptfmError):
    """Git cannot give the revision; the text is a sentence for a person."""


def knowledge_at(path: Path, revision: str, *, timeout: float = SECONDS) -> KnowledgeBase:
    """Read the knowledge file or folder at `path` as it was in `revision`.

    Raises `RevisionError` if git is missing, late or knows no such revision or path there, and
    `KnowledgeError` if the base was broken then.
    """
    words = current_words()
    folder, names = (path, ()) if path.is_dir() else (path.parent, ("--", f":(literal){path.name}"))

    def refusal(key: str, why: bytes) -> RevisionError:
        first = next(iter(why.decode("utf-8", "replace").strip().splitlines()), "—")
        return RevisionError(words(key, path=str(path), revision=revision, why=first))

    # A name that begins with a dash is never an option: only the hash that it stands for goes on.
    wanted = ["rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"]
    found = _git(folder, wanted, timeout)
    if found.returncode:
        raise refusal("faq_diff.no_revision", found.stderr)
    commit = found.stdout.decode("ascii", "replace").strip()
    archive = _git(folder, ["archive", "--format=tar", commit, *names], timeout)
    if archive.returncode:
        raise refusal("faq_diff.git_failed", archive.stderr)
    return parse_knowledge(_files(archive.stdout, f"{path} @ {revision}"))


def _git(folder: Path, arguments: Sequence[str], timeout: float) -> subprocess.CompletedProcess[bytes]:
    words = current_words()
    program = shutil.which("git")
    if program is None:
        raise RevisionError(words("faq_diff.no_git"))
    try:
        # No shell, and nothing of the arguments can be read as an option of git.
        return subprocess.run(  # noqa: S603
            [program, "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            env=_environment(os.environ),
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise RevisionError(words("faq_diff.git_late", seconds=f"{timeout:g}")) from None


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if name not in _OTHERS}
    return {**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def _files(archive: bytes, shown: str) -> list[RawFile]:
    """The knowledge files of an archive in the order in which a folder of them would be read."""
    files = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            hidden = any(part.startswith(".") for part in name.parts)
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and not hidden and name.suffix.lower() in SUFFIXES:
                files.append((name, RawFile(f"{shown}: {name}", content.read())))
    return [raw for name, raw in sorted(files, key=lambda item: (item[0].parent.parts, item[0].name))]
