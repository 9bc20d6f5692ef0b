"""Drawings of measures as inline SVG. Pure: numbers and words in, markup out, everything escaped.

Colours are classes; the page that holds a drawing gives them their meaning, light or dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil

from faq.quality.calibration import Bin, bin_of
from faq.quality.metrics import Point

WIDTH, HEIGHT = 360, 260
"""The size of a plot in its own units: that of a phone, so that letters keep their size there."""
LEFT, RIGHT, TOP, BOTTOM = 54, 16, 10, 42
COLUMNS = 20
"""Into how many columns confidences are counted."""
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)
_ROW, _BAR, _INDENT = 34, 12, 4
_SMALLEST = 0.001
_LABEL = 40

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of parts: the class of each part and how many it stands for."""

    label: str
    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How many the whole bar stands for."""
        return sum(count for _, count in self.parts)


def reliability_diagram(bins: Sequence[Bin], words: Words) -> str:
    """How sure answers were against how many were right, with 95 % intervals; the diagonal is honesty."""
    marks = [_line(_x(0), _y(0), _x(1), _y(1), "ideal")]
    for one in bins:
        if one.certainty is None or one.right.value is None or one.right.interval is None:
            continue
        low, high = one.right.interval
        x = _x(_unit(one.certainty))
        title = (
            f"{words['certainty']} {_percent(one.certainty)}, {words['right']} {_percent(one.right.value)}"
            f" ({one.right.hits} / {one.right.total})"
        )
        marks += [
            _line(x, _y(low), x, _y(high), "whisker"),
            f'<circle cx="{x:.1f}" cy="{_y(one.right.value):.1f}" r="5" class="dot">{_title(title)}</circle>',
        ]
    return _plot(words["reliability"], words["certainty"], words["right"], marks)


def coverage_plot(points: Sequence[Point], shipped: tuple[float, float] | None, words: Words) -> str:
    """Which share of messages is answered against how much of it is right; the ring is what is shipped."""
    marks = []
    if points:
        path = " ".join(f"{_x(point.answered):.1f},{_y(point.precision):.1f}" for point in points)
        marks.append(f'<polyline points="{path}" class="curve"/>')
    if shipped is not None:
        answered, precision = shipped
        title = f"{words['shipped']}: {_percent(answered)}, {words['precision']} {_percent(precision)}"
        x, y = _x(answered), _y(precision)
        marks.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="ring">{_title(title)}</circle>')
    return _plot(words["coverage"], words["answered_share"], words["precision"], marks)


def score_histogram(own: Sequence[float], foreign: Sequence[float], words: Words) -> str:
    """Confidences of questions in scope upwards, of foreign ones downwards, each as a share of its kind."""
    counts = [_shares(own), _shares(foreign)]
    top = max((*counts[0], *counts[1], _SMALLEST))
    middle, half = (_y(1) + _y(0)) / 2, (_y(0) - _y(1)) / 2
    step = (_x(1) - _x(0)) / COLUMNS
    marks = []
    for shares, kind in zip(counts, ("in_scope", "foreign"), strict=True):
        for column, share in enumerate(shares):
            if share:
                size = max(share / top * half, 1.0)
                y = middle - size if kind == "in_scope" else middle
                low = column / COLUMNS
                title = f"{words[kind]}, {_percent(low)}–{_percent(low + 1 / COLUMNS)}: {_percent(share)}"
                marks.append(
                    f'<rect x="{_x(0) + column * step + 1:.1f}" y="{y:.1f}" width="{step - 2:.1f}"'
                    f' height="{size:.1f}" class="{kind}">{_title(title)}</rect>'
                )
    marks.append(_line(_x(0), middle, _x(1), middle, "axis"))
    ticks = [(_y(1), _percent(top)), (middle, "0%"), (_y(0), _percent(top))]
    return _plot(words["histogram"], words["confidence"], words["share"], marks, ticks)


def tag_bars(bars: Sequence[Bar], name: str, words: Words) -> str:
    """A bar for each tag, parted by what became of its questions; the first part has its share written out."""
    width, marks = WIDTH - 2 * _INDENT, []
    for number, bar in enumerate(bars):
        y, x = number * _ROW, float(_INDENT)
        label = bar.label if len(bar.label) <= _LABEL else f"{bar.label[: _LABEL - 1]}…"
        marks.append(_text(_INDENT, y + 12, label, "start"))
        if not bar.total:
            continue
        first = bar.parts[0][1]
        marks.append(_text(WIDTH - _INDENT, y + 12, f"{_percent(first / bar.total)} · {bar.total}", "end"))
        for kind, count in bar.parts:
            if count:
                size = count / bar.total * width
                title = f"{bar.label}: {words[kind]} — {count}"
                marks.append(
                    f'<rect x="{x:.1f}" y="{y + 18}" width="{max(size - 1, 0.5):.1f}" height="{_BAR}"'
                    f' class="{kind}">{_title(title)}</rect>'
                )
                x += size
    return _svg(name, marks, max(len(bars) * _ROW, 1))


def _plot(
    name: str, x_name: str, y_name: str, marks: Sequence[str], y_ticks: Sequence[tuple[float, str]] = ()
) -> str:
    """Axes from 0 to 100 % with the marks on them."""
    frame = []
    for y, label in y_ticks or [(_y(tick), _percent(tick)) for tick in _TICKS]:
        frame += [_line(_x(0), y, _x(1), y, "grid"), _text(LEFT - 6, y + 4, label, "end")]
    for tick in _TICKS:
        frame.append(_text(_x(tick), _y(0) + 16, _percent(tick), "middle"))
    frame += [
        _line(_x(0), _y(0), _x(1), _y(0), "axis"),
        _text((_x(0) + _x(1)) / 2, HEIGHT - 6, x_name, "middle"),
        _upright((_y(0) + _y(1)) / 2, y_name),
    ]
    return _svg(name, [*frame, *marks], HEIGHT)


def _svg(name: str, marks: Sequence[str], height: int) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(name)}">{"".join(marks)}</svg>'
    )


def _shares(scores: Sequence[float]) -> list[float]:
    counts = [0] * COLUMNS
    for score in scores:
        counts[bin_of(score, COLUMNS)] += 1
    return [count / len(scores) for count in counts] if scores else [0.0] * COLUMNS


def _x(value: float) -> float:
    return LEFT + value * (WIDTH - LEFT - RIGHT)


def _y(value: float) -> float:
    return HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM)


def _unit(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _upright(y: float, text: str) -> str:
    turn = f'text-anchor="middle" transform="rotate(-90 9 {y:.1f})"'
    return f'<text x="9" y="{y:.1f}" {turn}>{escape(text)}</text>'


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _percent(share: float) -> str:
    whole = round(share * 100)
    return f"{whole}%" if whole or not share else f"<{ceil(share * 100)}%"
