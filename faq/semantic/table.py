"""The file of vectors: how it is written and read, and which of them are kept. Pure.

Little-endian: a header (magic, dimensions, count), `count` keys, the day of the last use of each, the vectors in half
precision, and a checksum of all that stands before it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Halves: TypeAlias = npt.NDArray[np.float16]
Days: TypeAlias = npt.NDArray[np.uint32]

KEY_BYTES = 16
_HEADER = struct.Struct("<8sII")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"optfmv1\n"
BLOCK = 4096
"""Vectors that are copied at once, so that there is never a second copy of all."""


class DamagedTable(ValueError):
    """What was read is no whole table of vectors; the message says how that was seen."""


@dataclass(frozen=True)
class VectorTable:
    """Vectors by key. `used` is the day of the last use, counted from 1970. The arrays are not to be written to."""

    keys: Sequence[bytes]
    used: Days
    vectors: Halves

    @cached_property
    def rows(self) -> dict[bytes, int]:
        """The row of each key."""
        return {key: row for row, key in enumerate(self.keys)}


def no_vectors(dimensions: int) -> VectorTable:
    """A table without rows."""
    return VectorTable((), np.zeros(0, dtype=np.uint32), np.zeros((0, dimensions), dtype=np.float16))


def vector_key(encoder: str, text: str) -> bytes:
    """The key of a text's vector by the encoder of this name."""
    return blake2b(f"{encoder}\0{text}".encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def row_bytes(dimensions: int) -> int:
    """What one vector takes in a file."""
    return KEY_BYTES + 4 + 2 * dimensions


def parse_table(content: bytes, dimensions: int) -> VectorTable:
    """Read a file; the arrays are views of it. Raises `DamagedTable` unless it is whole and of these dimensions."""
    if len(content) < _HEADER.size + _CHECKSUM.size:
        raise DamagedTable(f"it has only {len(content)} bytes")
    magic, width, count = _HEADER.unpack_from(content)
    if magic != _MAGIC:
        raise DamagedTable("it does not begin as a file of vectors")
    if width != dimensions:
        raise DamagedTable(f"its vectors have {width} dimensions, not {dimensions}")
    expected = _HEADER.size + count * row_bytes(dimensions) + _CHECKSUM.size
    if len(content) != expected:
        raise DamagedTable(f"it has {len(content)} bytes, not {expected}")
    end = expected - _CHECKSUM.size
    (checksum,) = _CHECKSUM.unpack_from(content, end)
    if zlib.crc32(memoryview(content)[:end]) != checksum:
        raise DamagedTable("its checksum is wrong")
    days = _HEADER.size + count * KEY_BYTES
    return VectorTable(
        keys=[content[at : at + KEY_BYTES] for at in range(_HEADER.size, days, KEY_BYTES)],
        used=np.frombuffer(content, "<u4", count, days),
        vectors=np.frombuffer(content, "<f2", count * dimensions, days + 4 * count).reshape(
            count, dimensions
        ),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one table that go into a new file, and the days of their last use."""

    table: VectorTable
    rows: npt.NDArray[np.intp]
    used: Days


def worth_keeping(
    tables: Sequence[VectorTable], needed: frozenset[bytes], *, today: int, keep_days: int, most: int
) -> list[Part]:
    """Choose what the next file has: everything in `needed`, the rest while it is young and there is room.

    `needed` counts as used today. The others were used in the last `keep_days`; when there would be more than `most`
    rows, those that were used longest ago go first. A key that is in several tables is taken from the first.
    """
    taken: set[bytes] = set()
    chosen: list[tuple[int, int, int]] = []
    for number, table in enumerate(tables):
        for row, (key, noted) in enumerate(zip(table.keys, table.used.tolist(), strict=True)):
            # A day to come is the work of a clock that was wrong once.
            day = today if key in needed else min(noted, today)
            if key not in taken and day > today - keep_days:
                taken.add(key)
                chosen.append((number, row, day))
    room = max(most, len(taken & needed))
    if len(chosen) > room:
        chosen.sort(key=lambda one: (tables[one[0]].keys[one[1]] not in needed, -one[2]))
        chosen = sorted(chosen[:room])
    parts = []
    for number, table in enumerate(tables):
        own = [(row, day) for of, row, day in chosen if of == number]
        rows = np.array([row for row, _ in own], dtype=np.intp)
        parts.append(Part(table, rows, np.array([day for _, day in own], dtype=np.uint32)))
    return parts


def file_of(parts: Sequence[Part], dimensions: int) -> Iterator[bytes]:
    """Write a file, piece by piece."""
    count = sum(len(part.rows) for part in parts)
    checksum = 0
    for piece in _pieces(parts, dimensions, count):
        checksum = zlib.crc32(piece, checksum)
        yield piece
    yield _CHECKSUM.pack(checksum)


def _pieces(parts: Sequence[Part], dimensions: int, count: int) -> Iterator[bytes]:
    yield _HEADER.pack(_MAGIC, dimensions, count)
    for part in parts:
        yield b"".join(part.table.keys[row] for row in part.rows.tolist())
    for part in parts:
        yield part.used.astype("<u4").tobytes()
    for part in parts:
        for start in range(0, len(part.rows), BLOCK):
            yield part.table.vectors[part.rows[start : start + BLOCK]].astype("<f2").tobytes()
