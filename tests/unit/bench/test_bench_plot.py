"""The plot: valid markup, values where they belong, gaps where there is none."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from optfm_bot.bench.plot import BOTTOM, LEFT, PANEL, RIGHT, TOP, WIDTH, Curve, Panel, draw, nice_step

SVG = "{http://www.w3.org/2000/svg}"


def plotted(*values: float | None, marks: tuple[float, ...] = ()) -> ET.Element:
    panel = Panel(title="Speed <&>", unit="1/s", curves=[Curve(name="answered", values=values, stroke=0)])
    return ET.fromstring(draw("A “title” & more", [panel], time="seconds", marks=marks, mark="kill"))  # noqa: S314 - our own


def lines(root: ET.Element) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, y in (pair.split(",") for pair in one.attrib["points"].split())]
        for one in root.iter(f"{SVG}polyline")
    ]


def test_values_lie_where_their_axis_says() -> None:
    (line,) = lines(plotted(0.0, 50.0, 100.0))
    low = PANEL - BOTTOM
    assert [y for _, y in line] == [low, (low + TOP) / 2, TOP]
    width = (WIDTH - LEFT - RIGHT) / 3
    assert [x for x, _ in line] == pytest.approx([LEFT + width * (n + 0.5) for n in range(3)], abs=0.1)


def test_a_second_without_a_value_is_a_gap_and_a_lone_one_is_seen() -> None:
    first, second = lines(plotted(1.0, 2.0, None, 3.0))
    assert len(first) == 2
    assert len(second) == 2
    assert second[0][1] == second[1][1]


def test_texts_are_escaped_and_named() -> None:
    root = plotted(1.0, marks=(0.5,))
    texts = {one.text for one in root.iter(f"{SVG}text")}
    assert {"Speed <&>", "A “title” & more", "1/s", "answered", "kill", "seconds"} <= texts
    assert root.attrib["aria-label"] == "A “title” & more"


def test_kills_are_upright_lines_within_the_plot() -> None:
    root = plotted(1.0, 1.0, marks=(0.0, 1.0, 7.0))
    upright = [one for one in root.iter(f"{SVG}path") if "V" in one.attrib["d"]]
    places = [float(re.findall(r"M([\d.]+) ", one.attrib["d"])[0]) for one in upright]
    assert places == [LEFT, (LEFT + WIDTH - RIGHT) / 2]


def test_it_has_colours_for_light_and_for_dark() -> None:
    (style,) = plotted(1.0).iter(f"{SVG}style")
    light, dark = (style.text or "").split("prefers-color-scheme:dark")
    names = set(re.findall(r"(--\w+):#", light))
    assert names
    assert names == set(re.findall(r"(--\w+):#", dark))


@pytest.mark.parametrize("values", [(), (None, None)])
def test_nothing_cannot_be_drawn(values: tuple[None, ...]) -> None:
    with pytest.raises(ValueError, match="at least one value"):
        plotted(*values)


@pytest.mark.parametrize(
    ("top", "step"), [(0.0, 1.0), (1.0, 0.2), (5.0, 1.0), (7.0, 2.0), (360.0, 100.0), (0.03, 0.01)]
)
def test_ticks_are_round(top: float, step: float) -> None:
    assert nice_step(top) == pytest.approx(step)
