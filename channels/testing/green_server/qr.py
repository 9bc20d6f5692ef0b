"""A QR code as a PNG, so that what shows it can be tested with what reads it.

Byte mode, error correction L, versions 1 to 5 (one block, up to 106 bytes), always mask 0: ISO/IEC 18004 lets a
reader take any mask. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Final

Put = Callable[[int, int, bool], None]
Matrix = list[list[bool]]
"""Rows of modules, true for dark, without the quiet zone."""

_DATA: Final = (19, 34, 55, 80, 108)
_CORRECTION: Final = (7, 10, 15, 20, 26)
_HEADER_BITS: Final = 12
_PAD: Final = (0xEC, 0x11)
_FINDER: Final = 7
_TIMING: Final = 6
_FORMAT: Final = 0b111011111000100
"""Level L, mask 0, with its own error correction and its own mask already in it."""
_FIELD: Final = 0x11D
_BYTE: Final = 0x100


def matrix(text: str) -> Matrix:
    """The modules of the smallest code for this text. Raises `ValueError` when it is too long."""
    content = text.encode()
    for index, capacity in enumerate(_DATA):
        if len(content) * 8 + _HEADER_BITS <= capacity * 8:
            data = _codewords(content, capacity)
            return _draw(index + 1, data + _remainder(data, _CORRECTION[index]))
    raise ValueError(f"{len(content)} bytes do not fit into a small QR code")


def _codewords(content: bytes, capacity: int) -> bytes:
    bits = f"0100{len(content):08b}" + "".join(f"{byte:08b}" for byte in content)
    bits += "0" * min(4, capacity * 8 - len(bits))
    bits += "0" * (-len(bits) % 8)
    found = bytearray(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    while len(found) < capacity:
        found.append(_PAD[(len(found) - len(bits) // 8) % 2])
    return bytes(found)


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & _BYTE:
            left ^= _FIELD
        right >>= 1
    return product


def _remainder(data: bytes, count: int) -> bytes:
    """The error correction of Reed and Solomon: the remainder by the generator polynomial of this degree."""
    generator = [1]
    root = 1
    for _ in range(count):
        generator = [
            (generator[at] if at < len(generator) else 0) ^ (_times(generator[at - 1], root) if at else 0)
            for at in range(len(generator) + 1)
        ]
        root = _times(root, 2)
    rest = [0] * count
    for byte in data:
        factor = byte ^ rest[0]
        rest = [*rest[1:], 0]
        rest = [old ^ _times(part, factor) for old, part in zip(rest, generator[1:], strict=True)]
    return bytes(rest)


def _draw(version: int, codewords: bytes) -> Matrix:
    size = 17 + 4 * version
    dark: Matrix = [[False] * size for _ in range(size)]
    taken: Matrix = [[False] * size for _ in range(size)]

    def put(row: int, column: int, value: bool) -> None:  # noqa: FBT001 - a module is dark or light
        if 0 <= row < size and 0 <= column < size:
            dark[row][column] = value
            taken[row][column] = True

    for at in range(size):
        put(_TIMING, at, at % 2 == 0)
        put(at, _TIMING, at % 2 == 0)
    for row, column in ((3, 3), (3, size - 4), (size - 4, 3)):
        _square(put, row, column, radius=4, light=(2, 4))
    if version > 1:
        _square(put, size - _FINDER, size - _FINDER, radius=2, light=(1,))
    _format(put, size)
    bits = (bool(byte >> shift & 1) for byte in codewords for shift in range(7, -1, -1))
    for row, column in _path(size):
        if not taken[row][column]:
            dark[row][column] = next(bits, False) ^ ((row + column) % 2 == 0)
    return dark


def _square(put: Put, row: int, column: int, *, radius: int, light: tuple[int, ...]) -> None:
    for down in range(-radius, radius + 1):
        for right in range(-radius, radius + 1):
            put(row + down, column + right, max(abs(down), abs(right)) not in light)


def _format(put: Put, size: int) -> None:
    bits = [bool(_FORMAT >> at & 1) for at in range(15)]
    for at in range(6):
        put(at, 8, bits[at])
        put(8, at, bits[14 - at])
    put(7, 8, bits[6])
    put(8, 8, bits[7])
    put(8, 7, bits[8])
    for at in range(8):
        put(8, size - 1 - at, bits[at])
    for at in range(7):
        put(size - 7 + at, 8, bits[8 + at])
    put(size - 8, 8, True)  # noqa: FBT003 - the one module that is always dark


def _path(size: int) -> Iterator[tuple[int, int]]:
    """The modules in the order of the data: pairs of columns from the right, up and down by turns."""
    upward = True
    for right in [*range(size - 1, _TIMING, -2), *range(_TIMING - 1, 0, -2)]:
        for step in range(size):
            row = size - 1 - step if upward else step
            yield row, right
            yield row, right - 1
        upward = not upward


# -- PNG -------------------------------------------------------------------------------------------

PNG_KINDS: Final = ("gray", "bits", "rgb", "rgba", "palette")
_COLOURS: Final = {"gray": (8, 0), "bits": (1, 0), "rgb": (8, 2), "rgba": (8, 6), "palette": (8, 3)}
_UP: Final = 2


def png(text: str, *, scale: int = 6, quiet: int = 4, kind: str = "rgba") -> bytes:
    """The code of this text as a PNG with its quiet zone; `kind` is how the pixels are stored (`PNG_KINDS`)."""
    modules = matrix(text)
    empty = [[False] * (len(modules) + 2 * quiet)] * quiet
    rows = [*empty, *([False] * quiet + row + [False] * quiet for row in modules), *empty]
    size = len(rows) * scale
    depth, colour = _COLOURS[kind]
    lines = [_pixels([one for one in row for _ in range(scale)], kind) for row in rows for _ in range(scale)]
    raw = bytearray()
    before = bytes(len(lines[0]))
    for number, line in enumerate(lines):
        # Every second line is stored as the difference to the one above it, as real encoders like to do.
        if number % 2:
            raw += bytes([_UP]) + bytes((new - old) % 256 for new, old in zip(line, before, strict=True))
        else:
            raw += b"\0" + line
        before = line
    header = struct.pack(">IIBBBBB", size, size, depth, colour, 0, 0, 0)
    palette = _chunk(b"PLTE", b"\xff\xff\xff\0\0\0") if kind == "palette" else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + palette
        + _chunk(b"IDAT", zlib.compress(bytes(raw)))
        + _chunk(b"IEND", b"")
    )


def _pixels(row: list[bool], kind: str) -> bytes:
    match kind:
        case "bits":
            bits = "".join("0" if one else "1" for one in row).ljust(-(-len(row) // 8) * 8, "1")
            return int(bits, 2).to_bytes(len(bits) // 8, "big")
        case "rgb":
            return b"".join(b"\0\0\0" if one else b"\xff\xff\xff" for one in row)
        case "rgba":
            return b"".join(b"\0\0\0\xff" if one else b"\xff\xff\xff\xff" for one in row)
        case "palette":
            return bytes(row)
        case _:
            return bytes(0 if one else 255 for one in row)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
