"""The results of `benchmarks.matching` in Markdown. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any

from benchmarks.plot import Line, Panel, linear_growth
from benchmarks.systems import NAMES

Data = Mapping[str, Any]
X_NAME = "questions and aliases in the base"

FITTED = (
    "The shipped weights were fitted on the questions of these bases. They show that the fit holds together, "
    "not what an unknown base would give."
)
_RANKING = ("top-1", "recall@3", "MRR@5", "AUROC", "correct at 5 % false")
_DECIDED = (
    ("correct", "correct"),
    ("wrong", "wrong"),
    ("offered", "asked back, right entry offered"),
    ("misoffered", "asked back without it"),
    ("silent", "silent"),
    ("false_answers", "foreign answered"),
    ("precision", "right of all answers"),
)
_RANKING_KEYS = ("top1", "recall3", "mrr5", "auroc", "correct_at_5_false")


def report(data: Data) -> str:
    """All of it as one page."""
    parts = ["# The matcher, measured\n\n`python -m benchmarks.matching` writes this page."]
    if quality := data.get("quality"):
        parts += quality_parts(quality)
    if speed := data.get("speed"):
        parts += speed_parts(speed)
    return "\n\n".join(parts) + "\n"


# -- quality ---------------------------------------------------------------------------------------------------------


def quality_parts(quality: Data) -> Iterator[str]:
    """The tables of quality: rankings, decisions, noise, kinds of questions."""
    unseen = {name: case for name, case in quality["cases"].items() if not case["fitted"]}
    fitted = {name: case for name, case in quality["cases"].items() if case["fitted"]}
    yield "## Quality"
    if thin := quality.get("thinned_to"):
        yield f"A quick look: at most {thin} questions of each file."
    for name, why in quality.get("left_out", {}).items():
        yield f"Left out, {_name(name)}: {why}."
    if unseen:
        yield "### Rankings, in percent"
        yield "Top-1, recall and MRR over questions in scope; the last two against foreign questions."
        yield _ranking_table(unseen)
        yield "### What people get from the shipped matcher, in percent"
        yield _decision_table(unseen)
    if any("against_clean" in found for case in unseen.values() for found in case["systems"].values()):
        yield "### Noise against the same questions without it, top-1"
        yield _noise_table(unseen)
    if unseen:
        yield "### By kind of question, the shipped matcher"
        yield "“At 5 %” is at the confidence that lets 5 % of all foreign questions of the file through."
        yield _tag_table(unseen)
    if fitted:
        yield f"### The bases of the training, mean of {len(fitted)}"
        yield FITTED
        mean = _mean_cases(fitted)
        yield _ranking_table({"training": mean})
        yield _decision_table({"training": mean})


def _ranking_table(cases: Data) -> str:
    rows = []
    for case_name, case in cases.items():
        for part in ("all", "clean", "derived"):
            if part == "clean" and not any("derived" in found for found in case["systems"].values()):
                continue  # the same as all
            for system, found in case["systems"].items():
                if part in found:
                    measures = [_percent(found[part][key]) for key in _RANKING_KEYS]
                    rows.append([case_name, part, _name(system), *measures])
    return table(["", "rows", "system", *_RANKING], rows)


def _decision_table(cases: Data) -> str:
    rows = [
        [
            case_name,
            part,
            _name(system),
            *(_percent(found[part][key]) for key, _ in _DECIDED),
            _number(found[part]["calibration_error"]),
        ]
        for case_name, case in cases.items()
        for system, found in case["systems"].items()
        if found["decides"]
        for part in ("all", "clean", "derived")
        if part in found and (part != "clean" or "derived" in found)
    ]
    return table(["", "rows", "system", *(name for _, name in _DECIDED), "calibration error"], rows)


def _noise_table(cases: Data) -> str:
    rows = [
        [
            case_name,
            _name(system),
            tag,
            str(drop["pairs"]),
            _percent(drop["clean"]),
            _percent(drop["derived"]),
            f"{drop['points']:+.1f}",
        ]
        for case_name, case in cases.items()
        for system, found in case["systems"].items()
        for tag, drop in found.get("against_clean", {}).items()
    ]
    return table(["", "system", "noise", "pairs", "clean", "noisy", "points lost"], rows)


def _tag_table(cases: Data) -> str:
    rows = []
    for case_name, case in cases.items():
        for system, found in case["systems"].items():
            if not found["decides"]:
                continue
            for tag, measures in found["tags"].items():
                asked = f"{measures['in_scope']} / {measures['foreign']}"
                keys = (
                    "top1", "recall3", "file_limit_correct", "file_limit_false", "correct", "wrong", "offered",
                    "silent", "false_answers",
                )  # fmt: skip
                rows.append(
                    [case_name, _name(system), tag, asked, *(_percent(measures.get(key)) for key in keys)]
                )
    names = ["correct", "wrong", "right one offered", "silent", "foreign answered"]
    asked_names = ["in scope / foreign", "top-1", "recall@3", "correct at 5 %", "foreign at 5 %"]
    return table(["", "system", "kind", *asked_names, *names], rows)


def _mean_cases(cases: Data) -> dict[str, Any]:
    """One case whose measures are the means over those that have them."""
    systems = dict.fromkeys(system for case in cases.values() for system in case["systems"])
    return {
        "systems": {
            system: {
                "decides": held[0]["decides"],
                "all": _mean([one["all"] for one in held]),
            }
            for system in systems
            if (held := [case["systems"][system] for case in cases.values() if system in case["systems"]])
        }
    }


def _mean(held: Sequence[Data]) -> Data:
    """The mean of each measure over those that have it; None where nobody has."""
    known = {key: [one[key] for one in held if one[key] is not None] for key in held[0]}
    return {key: fmean(values) if values else None for key, values in known.items()}


# -- speed -----------------------------------------------------------------------------------------------------------


def speed_parts(speed: Data) -> Iterator[str]:
    """The tables of speed."""
    yield "## Speed"
    mix = ", ".join(f"{share:.0%} {kind}" for kind, share in speed["mix"].items())
    yield (
        f"One core, a fresh process for each measure, medians (rounds: {speed['rounds']}), warm, every message "
        f"another: {mix}. Milliseconds of `rank`, wall and processor; growth is since the entries were read. "
        "“Found” is the share of messages whose entry came first: the synthetic base is for speed, not for quality."
    )
    header = [
        "entries × phrases", "system", "p50", "p99", "CPU p50", "CPU p99", "decide p50", "decide p99", "build, s",
        "growth, MB", "process, MB", "peak, MB", "found", "messages",
    ]  # fmt: skip
    names = (
        "p50_ms",
        "p99_ms",
        "cpu_p50_ms",
        "cpu_p99_ms",
        "decide_p50_ms",
        "decide_p99_ms",
        "build_s",
    )
    rows = [
        [
            f"{one['entries']:,} × {one['each']}",
            _name(one["system"]),
            *(_number(one["medians"][name]) for name in names),
            *(_number(one["medians"][name], places=0) for name in ("growth_mb", "rss_mb", "peak_mb")),
            _percent(one["medians"]["top1"]),
            _number(one["medians"]["queries"], places=0),
        ]
        for one in speed["measures"]
    ]
    yield table(header, rows)


def speed_panels(measures: Iterable[Data]) -> list[Panel]:
    """Latency and memory against the number of phrasings, a line a system; growth as fast as the size, dashed."""
    by_system: dict[str, list[Data]] = {}
    for one in sorted(measures, key=lambda one: int(one["phrases"])):
        by_system.setdefault(one["system"], []).append(one)
    latency: list[Line] = []
    memory: list[Line] = []
    for colour, (system, held) in enumerate(by_system.items()):
        name = _name(system)
        latency += _lines(f"{name}, p50", "p50_ms", held, colour)
        if held[0]["medians"]["decide_p50_ms"] is not None:  # ours; the tails of the others say nothing more
            latency += _lines(f"{name}, p99", "p99_ms", held, colour, faint=True)
        memory += _lines(name, "growth_mb", held, colour, least=1.0)
    panels = [
        Panel("Latency of a message, one core", X_NAME, "milliseconds", _with_comparison(latency)),
        Panel("Growth of memory", X_NAME, "megabytes", _with_comparison(memory)),
    ]
    return [panel for panel in panels if panel.lines]


def _lines(
    name: str, key: str, held: Sequence[Data], colour: int, *, least: float = 0.0, faint: bool = False
) -> list[Line]:
    """One line, or none: without a point, or where something is not above `least` and so lost in noise."""
    points = tuple(
        (float(one["phrases"]), float(value)) for one in held if (value := one["medians"][key]) is not None
    )
    return [Line(name, points, colour, faint)] if points and min(y for _, y in points) > least else []


def _with_comparison(lines: Sequence[Line]) -> tuple[Line, ...]:
    return (*lines, linear_growth(lines[0], "as fast as the size")) if lines else ()


# -- cells -----------------------------------------------------------------------------------------------------------


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _number(value: float | None, places: int = 2) -> str:
    return "–" if value is None else f"{value:.{places}f}"


def _name(system: str) -> str:
    return NAMES.get(system, system)
