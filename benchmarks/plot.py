"""A plot with logarithmic axes as SVG, on a light ground of its own. Pure: numbers in, markup out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

COLOURS = ("#1f5fbf", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d", "#0f766e")
"""Dark enough on white."""
COMPARISON = "#94a3b8"
WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 32, 34, 46
LEGEND = 22
_FONT = "font-family='system-ui,sans-serif' font-size='12' fill='#1f2933'"


@dataclass(frozen=True, slots=True)
class Line:
    """A named line through points that are all above zero.

    `colour` counts into `COLOURS`, without one it is there for comparison. A faint line belongs to another one
    of its colour.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    colour: int | None = None
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One pair of axes with its lines."""

    title: str
    x_name: str
    y_name: str
    lines: tuple[Line, ...]


def linear_growth(line: Line, name: str) -> Line:
    """What a line would be if it grew as fast as the size from its first point on."""
    (x0, y0), *_ = line.points
    last = line.points[-1][0]
    return Line(name, ((x0, y0), (last, y0 * last / x0)))


def draw(panels: Sequence[Panel], title: str) -> str:
    """Panels side by side, a legend under each. Raises `ValueError` for a panel with nothing to draw."""
    legend = max(len(panel.lines) for panel in panels) * LEGEND // 2 + LEGEND
    width, height = WIDTH * len(panels), HEIGHT + legend
    inner = "".join(
        f"<g transform='translate({number * WIDTH} 0)'>{''.join(_panel(panel))}</g>"
        for number, panel in enumerate(panels)
    )
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}' height='{height}'"
        f" role='img' aria-label='{escape(title, quote=True)}' {_FONT}>"
        f"<rect width='{width}' height='{height}' fill='#ffffff'/>{inner}</svg>\n"
    )


class _Axis:
    """A logarithmic axis over whole powers of ten, laid between two coordinates."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low, high = floor(log10(min(values))), ceil(log10(max(values)))
        self.low, self.high = low, max(high, low + 1)
        self._start, self._step = start, (end - start) / (self.high - self.low)

    def at(self, value: float) -> float:
        """Where a value lies."""
        return self._start + (log10(value) - self.low) * self._step

    def ticks(self) -> Iterator[tuple[float, str]]:
        """The coordinate and the name of each power of ten."""
        for power in range(self.low, self.high + 1):
            yield self.at(10**power), f"{10**power:,}" if power >= 0 else f"{10**power:g}"


def _panel(panel: Panel) -> Iterator[str]:
    points = [point for line in panel.lines for point in line.points]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError(f"{panel.title}: a logarithmic plot needs points above zero")
    x = _Axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    y = _Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    yield f"<text x='{LEFT}' y='20' font-weight='600'>{escape(panel.title)}</text>"
    for place, name in y.ticks():
        yield f"<path d='M{LEFT} {place:.1f}H{right}' stroke='#e2e8f0'/>"
        yield f"<text x='{LEFT - 6}' y='{place + 4:.1f}' text-anchor='end'>{name}</text>"
    for place, name in x.ticks():
        yield f"<path d='M{place:.1f} {TOP}V{bottom}' stroke='#e2e8f0'/>"
        yield f"<text x='{place:.1f}' y='{bottom + 16}' text-anchor='middle'>{name}</text>"
    middle = (LEFT + right) / 2
    yield f"<text x='{middle:.0f}' y='{bottom + 36}' text-anchor='middle'>{escape(panel.x_name)}</text>"
    upright = (TOP + bottom) / 2
    yield (
        f"<text x='14' y='{upright:.0f}' text-anchor='middle' transform='rotate(-90 14 {upright:.0f})'>"
        f"{escape(panel.y_name)}</text>"
    )
    for number, line in enumerate(panel.lines):
        style = _style(line)
        path = " ".join(f"{x.at(one):.1f},{y.at(other):.1f}" for one, other in line.points)
        yield f"<polyline points='{path}' {style}/>"
        if line.colour is not None:
            for one, other in line.points:
                told = f"<title>{escape(line.name)}: {one:,.0f} → {other:.3g}</title>"
                yield f"<circle cx='{x.at(one):.1f}' cy='{y.at(other):.1f}' r='2' {style}>{told}</circle>"
        column, row = LEFT + number % 2 * (WIDTH - LEFT) / 2, HEIGHT + number // 2 * LEGEND + 6
        yield f"<path d='M{column:.0f} {row}h22' {style}/>"
        yield f"<text x='{column + 28:.0f}' y='{row + 4}'>{escape(line.name)}</text>"


def _style(line: Line) -> str:
    if line.colour is None:
        return f"fill='none' stroke='{COMPARISON}' stroke-width='1.5' stroke-dasharray='5 4'"
    colour = COLOURS[line.colour % len(COLOURS)]
    faint = " stroke-opacity='.45'" if line.faint else ""
    return f"fill='none' stroke='{colour}' stroke-width='2'{faint}"
