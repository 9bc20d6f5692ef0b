"""QR codes in a terminal: what is drawn is the code of the picture, in every kind of PNG."""

from __future__ import annotations

import re
from io import BytesIO

import png
import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.qr import QUIET_ZONE, draw, drawing, read_matrix

_COLOURS = re.compile("\x1b\\[[0-9;]*m")


def picture(code: segno.QRCode, **options: object) -> bytes:
    out = BytesIO()
    code.save(out, kind="png", **options)
    return out.getvalue()


def modules(code: segno.QRCode) -> list[list[bool]]:
    return [[bool(module) for module in row] for row in code.matrix]


def seen(lines: str, *, inverted: bool = False) -> list[list[bool]]:
    """Read a drawing back: true where the terminal shows dark."""
    rows: list[list[bool]] = []
    for line in _COLOURS.sub("", lines).splitlines():
        rows.append([(char in "█▀") is not inverted for char in line])
        rows.append([(char in "█▄") is not inverted for char in line])
    return rows


@settings(deadline=None, max_examples=30)
@given(
    st.text(min_size=1, max_size=120),
    st.sampled_from(["l", "m", "q", "h"]),
    st.integers(1, 5),
    st.integers(0, 5),
)
def test_a_drawing_is_the_code_with_its_quiet_zone(text: str, error: str, scale: int, border: int) -> None:
    code = segno.make_qr(text, error=error)
    image = picture(code, scale=scale, border=border)
    rows = seen(draw(image))
    size = len(modules(code))
    inside = [row[QUIET_ZONE : QUIET_ZONE + size] for row in rows[QUIET_ZONE : QUIET_ZONE + size]]
    assert inside == modules(code)
    around = sum(map(sum, rows)) - sum(map(sum, inside))
    assert around == 0
    assert len(rows) >= size + 2 * QUIET_ZONE
    assert {len(row) for row in rows} == {size + 2 * QUIET_ZONE}


def test_colours_are_set_in_both_directions_on_every_line() -> None:
    lines = draw(picture(segno.make_qr("x"))).splitlines()
    assert all(line.startswith("\x1b[38;5;16m\x1b[48;5;231m") for line in lines)
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_without_colours_the_light_modules_are_drawn() -> None:
    code = segno.make_qr("x")
    plain = draw(picture(code), colour=False)
    assert "\x1b" not in plain
    assert plain.splitlines()[0] == "█" * (len(modules(code)) + 2 * QUIET_ZONE)
    rows = seen(plain, inverted=True)
    assert [row[4:-4] for row in rows[4 : 4 + len(modules(code))]] == modules(code)


@pytest.mark.parametrize(
    "options",
    [
        {"dark": "darkblue", "light": "lightyellow"},
        {"dark": "black", "light": None},
        {"dark": "#333333ff", "light": "#eeeeeeff"},
        {"dark": "green", "light": "white", "finder_dark": "black"},
    ],
)
def test_every_kind_of_picture_is_read(options: dict[str, object]) -> None:
    code = segno.make_qr("https://x.example/login?token=1", version=5)
    assert read_matrix(picture(code, scale=3, **options)) == modules(code)


def test_a_picture_whose_modules_are_no_whole_pixels_is_read() -> None:
    code = segno.make_qr("https://x.example", version=3)
    size, pixels = len(modules(code)), 200
    rows = [
        [0 if modules(code)[y * size // pixels][x * size // pixels] else 255 for x in range(pixels)]
        for y in range(pixels)
    ]
    out = BytesIO()
    png.from_array(rows, "L;8").write(out)
    assert read_matrix(out.getvalue()) == modules(code)


def grey(rows: list[list[int]]) -> bytes:
    out = BytesIO()
    png.from_array(rows, "L;8").write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        picture(segno.make_qr("x"))[:60],
        grey([[255] * 30] * 30),
        grey([[0] * 30] * 30),
        grey([[0, 255] * 20] * 40),
        grey([[0] * 7 + [255] * 60] + [[255] * 66 + [0]] * 66),
    ],
)
def test_a_picture_without_a_code_is_refused(image: bytes) -> None:
    with pytest.raises(ValueError, match="picture"):
        draw(image)


def test_a_matrix_of_even_height_has_no_extra_line() -> None:
    assert len(drawing([[True] * 22] * 22).splitlines()) == 15
