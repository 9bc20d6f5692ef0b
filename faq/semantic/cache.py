"""Vectors on disk, by content: a rebuilt base encodes only the texts that are new."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np

from faq.semantic.encoder import Encoder
from faq.semantic.table import (
    BLOCK,
    DamagedTable,
    Halves,
    VectorTable,
    file_of,
    no_vectors,
    parse_table,
    row_bytes,
    vector_key,
    worth_keeping,
)

log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024 * 1024
"""The file of one encoder is held under this size; the base that is being built is kept whole all the same."""
KEEP_DAYS = 30
"""A vector that no base has used for so long is dropped, and so is the file of an encoder that nobody uses."""

_REFRESH_DAYS = 7
"""How old the noted day of use may become before the file is written only to note a newer one."""
_SAVE_EVERY = 8192
"""New vectors after which the file is written: a long first build that is broken off does not begin anew."""
_STEP = 64
"""Texts between two reports of progress."""
_ENDING = ".vectors"
_DAY = 24 * 60 * 60


class VectorCache:
    """Keeps what encoders made of texts in `folder`, one file for each encoder.

    Several processes may share the folder: files are replaced whole, and what another has added is kept. If two write
    in the same moment, the vectors of one may be missing and are encoded again another time. A damaged file is thrown
    away. If the folder cannot be read or written, a warning is logged once and the vectors stay in memory. `now` is
    the time in seconds since 1970.
    """

    def __init__(
        self, folder: Path, *, most_bytes: int = MOST_BYTES, now: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self._most_bytes = most_bytes
        self._now = now
        self._warned = False
        self._unsaved: dict[str, list[VectorTable]] = {}

    def encoded(
        self, texts: Sequence[str], encoder: Encoder, progress: Callable[[int], object] | None = None
    ) -> Halves:
        """The vectors of the texts, in order: those that are known from the disk, the others from the encoder.

        Rows are of half precision whether they are new or not, so a first build and a later one give the same.
        `progress` is told how many texts have their vector. Raises what the encoder raises.
        """
        keys = [vector_key(encoder.name, text) for text in texts]
        needed = frozenset(keys)
        today = int(self._now() // _DAY)
        vectors, unknown, stale = self._known(keys, encoder, today)
        done = len(keys) - len(unknown)
        if progress is not None:
            progress(done)
        first = {keys[place]: place for place in reversed(unknown)}
        places = sorted(first.values())
        for start in range(0, len(places), _SAVE_EVERY):
            portion = places[start : start + _SAVE_EVERY]
            for at in range(0, len(portion), _STEP):
                step = portion[at : at + _STEP]
                vectors[step] = encoder.encode([texts[place] for place in step])
                done += len(step)
                if progress is not None:
                    progress(done)
            used = np.full(len(portion), today, dtype=np.uint32)
            self._add(
                VectorTable([keys[place] for place in portion], used, vectors[portion]),
                encoder,
                needed,
                today,
            )
        repeated = [place for place in unknown if first[keys[place]] != place]
        vectors[repeated] = vectors[[first[keys[place]] for place in repeated]]
        if progress is not None and repeated:
            progress(len(keys))
        if places:
            log.info("%d of %d texts were encoded, the others were known", len(places), len(keys))
        elif stale:
            self._add(no_vectors(encoder.dimensions), encoder, needed, today)
        return vectors

    # -- reading ------------------------------------------------------------------------------------------

    def _known(self, keys: Sequence[bytes], encoder: Encoder, today: int) -> tuple[Halves, list[int], bool]:
        """The array of all vectors, the places in it that are still empty, and whether days of use are old."""
        vectors: Halves = np.zeros((len(keys), encoder.dimensions), dtype=np.float16)
        unknown = list(range(len(keys)))
        stale = False
        for table in self._tables(encoder):
            hits = [place for place in unknown if keys[place] in table.rows]
            rows = [table.rows[keys[place]] for place in hits]
            for at in range(0, len(hits), BLOCK):
                vectors[hits[at : at + BLOCK]] = table.vectors[rows[at : at + BLOCK]]
            unknown = [place for place in unknown if keys[place] not in table.rows]
            stale = stale or bool(np.any(table.used[rows] + np.uint32(_REFRESH_DAYS) <= today))
        return vectors, unknown, stale

    def _tables(self, encoder: Encoder) -> list[VectorTable]:
        """What is on disk, and what could not be written there."""
        return [self._read(encoder), *self._unsaved.get(encoder.name, ())]

    def _read(self, encoder: Encoder) -> VectorTable:
        path = self._path(encoder)
        try:
            return parse_table(path.read_bytes(), encoder.dimensions)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._warn(error)
        except DamagedTable as error:
            log.warning("%s is thrown away, its vectors are encoded anew: %s", path, error)
            with suppress(OSError):
                path.unlink()
        return no_vectors(encoder.dimensions)

    def _path(self, encoder: Encoder) -> Path:
        digest = blake2b(encoder.name.encode(), digest_size=6).hexdigest()
        readable = re.sub(r"[^a-z0-9.]+", "-", encoder.name.lower())[:40].strip("-.")
        return self.folder / f"{readable}-{digest}{_ENDING}"

    # -- writing ------------------------------------------------------------------------------------------

    def _add(self, table: VectorTable, encoder: Encoder, needed: frozenset[bytes], today: int) -> None:
        """Write the file anew with these vectors and with what is there by now."""
        parts = worth_keeping(
            [*self._tables(encoder), table],
            needed,
            today=today,
            keep_days=KEEP_DAYS,
            most=self._most_bytes // row_bytes(encoder.dimensions),
        )
        try:
            self._make_folder()
            _replace(self._path(encoder), file_of(parts, encoder.dimensions))
        except OSError as error:
            self._warn(error)
            if len(table.keys):
                self._unsaved.setdefault(encoder.name, []).append(table)
            return
        self._unsaved.pop(encoder.name, None)
        self._sweep()

    def _make_folder(self) -> None:
        if self.folder.is_dir():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ".gitignore").write_text("*\n", "utf-8")

    def _sweep(self) -> None:
        """Remove files of encoders that nobody uses, and what a process that was killed has left."""
        with suppress(OSError):
            for path in self.folder.iterdir():
                age = {_ENDING: KEEP_DAYS * _DAY, ".tmp": _DAY}.get(path.suffix)
                if age is not None and path.stat().st_mtime < self._now() - age:
                    path.unlink(missing_ok=True)

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            self._warned = True
            why = error.strerror or type(error).__name__
            log.warning("%s cannot be used, vectors are kept in memory only: %s", self.folder, why)


def _replace(path: Path, content: Iterable[bytes]) -> None:
    """Write a file whole or not at all, through a temporary one beside it. Raises `OSError`."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(content)
        # No fsync: a file that a power cut has torn is found by its checksum.
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
