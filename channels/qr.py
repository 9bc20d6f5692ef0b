"""Draws a QR code from a picture into a terminal. Pure.

Two modules stand above each other in one character, by half blocks, so that the code is square. Colours are set in both
directions: a terminal that is light or dark shows the same black on white, which every scanner reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TypeAlias

import png as png_reader  # type: ignore[import-untyped] # the library has no types

Matrix: TypeAlias = Sequence[Sequence[bool]]
"""Rows of modules, true where dark, without a quiet zone."""

QUIET_ZONE = 4
"""Light modules around a code, as ISO/IEC 18004 asks."""

_SMALLEST, _LARGEST, _STEP = 21, 177, 4
_FINDER = 7
_MIDDLE = 128
_MOST_PIXELS = 4096 * 4096
_BLACK_ON_WHITE = "\x1b[38;5;16m\x1b[48;5;231m"
_RESET = "\x1b[0m"
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
_INVERTED = {(False, False): "█", (True, False): "▄", (False, True): "▀", (True, True): " "}


def draw(png: bytes, *, colour: bool = True) -> str:
    """Give the QR code of a PNG picture as lines of text. Raises `ValueError` if the picture holds none.

    Without `colour` the light modules are drawn, which is right in a dark terminal and wrong in a light one.
    """
    return drawing(read_matrix(png), colour=colour)


def drawing(matrix: Matrix, *, colour: bool = True) -> str:
    """Give a matrix as lines of text, two rows of modules in each, with the quiet zone around it."""
    width = len(matrix[0]) + 2 * QUIET_ZONE
    empty = [[False] * width for _ in range(QUIET_ZONE)]
    side = [False] * QUIET_ZONE
    rows = [*empty, *([*side, *row, *side] for row in matrix), *empty]
    if len(rows) % 2:
        rows.append([False] * width)
    halves = _HALVES if colour else _INVERTED
    lines = [
        "".join(halves[upper, lower] for upper, lower in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    ]
    return "\n".join(f"{_BLACK_ON_WHITE}{line}{_RESET}" if colour else line for line in lines)


def read_matrix(png: bytes) -> Matrix:
    """Find the modules of an upright QR code in a PNG picture. Raises `ValueError` if there is none."""
    dark = _dark_pixels(png)
    top, bottom, left, right = _edges(dark)
    width, height = right - left, bottom - top
    # The upper left corner is a finder pattern: its upper edge is seven dark modules in a row.
    edge = next((x for x in range(left, right) if not dark[top][x]), right) - left
    size = round(width * _FINDER / edge) if edge else 0
    if not _is_size(size) or abs(width - height) > max(1, width // size):
        raise ValueError("the picture holds no QR code that can be read")
    matrix = [
        [
            dark[top + (2 * row + 1) * height // (2 * size)][left + (2 * column + 1) * width // (2 * size)]
            for column in range(size)
        ]
        for row in range(size)
    ]
    if not all(_is_finder(matrix, row, column) for row, column in ((0, 0), (0, size - 7), (size - 7, 0))):
        raise ValueError("the picture holds no QR code that can be read")
    return matrix


def _dark_pixels(png: bytes) -> list[list[bool]]:
    try:
        width, height, rows, info = png_reader.Reader(file=BytesIO(png)).asRGBA8()
        if width * height > _MOST_PIXELS:
            raise ValueError("the picture is too large for a QR code")
        del info
        return [
            [
                # What can be seen through shows the paper, which is white.
                row[x + 3] >= _MIDDLE and (row[x] + row[x + 1] + row[x + 2]) < 3 * _MIDDLE
                for x in range(0, 4 * width, 4)
            ]
            for row in rows
        ]
    except (png_reader.Error, EOFError) as error:
        raise ValueError(f"this is no PNG picture: {error}") from error


def _edges(dark: Sequence[Sequence[bool]]) -> tuple[int, int, int, int]:
    rows = [index for index, row in enumerate(dark) if any(row)]
    if not rows:
        raise ValueError("the picture is empty")
    columns = [index for index, column in enumerate(zip(*dark, strict=True)) if any(column)]
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1


def _is_size(size: int) -> bool:
    return _SMALLEST <= size <= _LARGEST and (size - _SMALLEST) % _STEP == 0


def _is_finder(matrix: Matrix, top: int, left: int) -> bool:
    """Tell whether a square of seven modules is a dark ring around a light ring around a dark square."""
    return all(
        matrix[top + row][left + column] == (max(abs(row - 3), abs(column - 3)) != 2)  # noqa: PLR2004 - the light ring
        for row in range(_FINDER)
        for column in range(_FINDER)
    )
