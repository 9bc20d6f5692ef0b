"""The course of a run as SVG: answers per second, and how long people waited. Pure: numbers in, markup out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

WIDTH, PANEL, LEFT, RIGHT, TOP, BOTTOM = 760, 230, 64, 20, 38, 30
_HEAD, _LEGEND = 34, 24

_STYLE = """
svg{--ground:#fff;--ink:#1f2933;--faint:#52606d;--grid:#e4e7eb;--a:#1f5fbf;--b:#c2410c;--c:#7b8794;--kill:#be185d}
@media (prefers-color-scheme:dark){svg{--ground:#14191f;--ink:#e4e7eb;--faint:#9aa5b1;--grid:#2b343e;--a:#7cb0ff;
--b:#fb9a5c;--c:#8b97a4;--kill:#f472b6}}
text{font:12px system-ui,sans-serif;fill:var(--ink)}
.head{font-weight:600}.title{font-weight:600;font-size:14px}
.faint{fill:var(--faint)}.grid{stroke:var(--grid)}.kill{stroke:var(--kill);stroke-dasharray:2 4}
.a,.b,.c{fill:none;stroke-width:2;stroke-linejoin:round}.a{stroke:var(--a)}.b{stroke:var(--b)}
.c{stroke:var(--c);stroke-dasharray:6 4;stroke-width:1.5}
""".replace("\n", "")
"""Colours of their own for either ground: 4.5 to 1 for texts, 3 to 1 for lines."""

_STROKES = ("a", "b", "c")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A named line: a value for each second, None where there is none. `stroke` is 0, 1, or 2 for a dashed one."""

    name: str
    values: Sequence[float | None]
    stroke: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes: `unit` is written at the upright one."""

    title: str
    unit: str
    curves: Sequence[Curve]


def draw(
    title: str, panels: Sequence[Panel], *, time: str, marks: Sequence[float] = (), mark: str = ""
) -> str:
    """Panels above each other over the same seconds, `marks` as upright lines that `mark` names.

    `time` names the axis. Raises `ValueError` if there is not a single value to draw.
    """
    length = max((len(curve.values) for panel in panels for curve in panel.curves), default=0)
    if not any(value is not None for panel in panels for curve in panel.curves for value in curve.values):
        raise ValueError("a plot needs at least one value")
    height = _HEAD + len(panels) * (PANEL + _LEGEND) + 20
    inner = "".join(
        f"<g transform='translate(0 {_HEAD + number * (PANEL + _LEGEND)})'>"
        f"{''.join(_panel(panel, length, marks, mark))}</g>"
        for number, panel in enumerate(panels)
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}'"
        f" role='img' aria-label='{escape(title, quote=True)}'><style>{_STYLE}</style>"
        f"<rect width='{WIDTH}' height='{height}' style='fill:var(--ground)'/>"
        f"<text x='{LEFT}' y='24' class='title'>{escape(title)}</text>{inner}"
        f"<text class='faint' x='{(LEFT + WIDTH - RIGHT) / 2:.0f}' y='{height - 10}' text-anchor='middle'>"
        f"{escape(time)}</text></svg>\n"
    )


def nice_step(top: float, most: int = 5) -> float:
    """A round distance (1, 2 or 5 times a power of ten) between at most `most` ticks up to `top`."""
    if top <= 0:
        return 1.0
    rough = top / most
    power = 10.0 ** floor(log10(rough))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= rough * (1 - 1e-9))


def _panel(panel: Panel, length: int, marks: Sequence[float], mark: str) -> Iterator[str]:
    top = max((value for curve in panel.curves for value in curve.values if value is not None), default=0.0)
    step = nice_step(top)
    ticks = max(1, ceil(top / step - 1e-9))
    low, right = PANEL - BOTTOM, WIDTH - RIGHT
    across = max(1, length)

    def x(second: float) -> float:
        return LEFT + second / across * (right - LEFT)

    def y(value: float) -> float:
        return low - value / (ticks * step) * (low - TOP)

    yield f"<text x='{LEFT}' y='22' class='head'>{escape(panel.title)}</text>"
    yield f"<text class='faint' x='{right}' y='22' text-anchor='end'>{escape(panel.unit)}</text>"
    for number in range(ticks + 1):
        value = number * step
        yield f"<path class='grid' d='M{LEFT} {y(value):.1f}H{right}'/>"
        yield f"<text x='{LEFT - 8}' y='{y(value) + 4:.1f}' text-anchor='end'>{_written(value)}</text>"
    for number in range(0, across + 1, max(1, int(nice_step(across, 10)))):
        yield f"<text x='{x(number):.1f}' y='{low + 18}' text-anchor='middle'>{number}</text>"
    for moment in marks:
        if 0 <= moment <= across:
            yield f"<path class='kill' d='M{x(moment):.1f} {TOP}V{low}'><title>{escape(mark)}</title></path>"
    for curve in panel.curves:
        yield from _line([(x(number + 0.5), y(value)) if value is not None else None
                          for number, value in enumerate(curve.values)], _STROKES[curve.stroke])  # fmt: skip
    legend = [(_STROKES[curve.stroke], curve.name) for curve in panel.curves]
    if marks:
        legend.append(("kill", mark))
    for number, (stroke, name) in enumerate(legend):
        place = LEFT + number * 170
        yield f"<path class='{stroke}' d='M{place} {PANEL + 10}h24'/>"
        yield f"<text x='{place + 32}' y='{PANEL + 14}'>{escape(name)}</text>"


def _line(points: Sequence[tuple[float, float] | None], stroke: str) -> Iterator[str]:
    """Lines through neighbours; a gap where a value is missing, a short stroke where one stands alone."""
    part: list[tuple[float, float]] = []
    for point in (*points, None):
        if point is not None:
            part.append(point)
            continue
        if len(part) == 1:
            ((x, y),) = part
            part = [(x - 3, y), (x + 3, y)]
        if part:
            yield f"<polyline class='{stroke}' points='{' '.join(f'{x:.1f},{y:.1f}' for x, y in part)}'/>"
        part = []


def _written(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\u202f") if value >= 1 or not value else f"{value:g}"
