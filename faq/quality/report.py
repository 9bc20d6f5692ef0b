"""An evaluation as one HTML page: no scripts, nothing from outside, light and dark, wide and narrow. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from faq.quality.evaluate import Evaluation
from faq.quality.metrics import Metrics, coverage_curve
from faq.quality.plots import Bar, coverage_plot, reliability_diagram, score_histogram, tag_bars
from faq.quality.row import Row
from faq.quality.shares import Share
from faq.quality.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page is opened from a disk and mailed around; this keeps it from ever asking the network."""

SHOWN = 50
"""How many rows a table of single questions has, at most."""

MEASURES = (
    "correct", "wrong", "offered", "misoffered", "silent", "precision", "false_answers", "foreign_offered",
    "at_false_answers", "top1", "recall3", "mrr5", "auroc", "calibration_error", "brier",
)  # fmt: skip
TILES = ("correct", "precision", "false_answers", "at_false_answers")
PARTS = ("top1", "correct", "wrong", "false_answers")
"""The measures that are told of each tag."""
OWN_PARTS = ("correct", "offered", "misoffered", "silent", "wrong")
FOREIGN_PARTS = ("foreign_silent", "foreign_offered", "false_answers")
HEADINGS = (
    "summary", "tags", "foreign_tags", "reliability", "coverage", "histogram", "numbers", "confusions", "worst",
    "foreign_answered",
)  # fmt: skip
WORDS = frozenset(
    (
        "lang", "decimal", "title", "made", "questions", "in_scope", "foreign", "base", "latency", "ms",
        "measure", "value", "interval", "counts", "foreign_silent", "no_tag", "confidence", "certainty", "right",
        "share", "answered_share", "shipped", "tag", "number", "asked", "got", "times", "answered_times",
        "examples", "question", "expected", "answer", "nothing", "more", "clean", "derived",
        *MEASURES, *HEADINGS,
        *(f"about_{name}" for name in (*MEASURES, *HEADINGS)),
    )
)  # fmt: skip
"""The keys of all words that a page needs. `about_*` explain a measure or a section in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the page is about: names of the files, when it was made, and the questions of entries by id."""

    questions: str
    base: str = ""
    made: str = ""
    entries: Mapping[str, str] = field(default_factory=dict)


def html_report(evaluation: Evaluation, subject: Subject, words: Mapping[str, str]) -> str:
    """Make the page. `words` has a text for each of `WORDS`; a missing one is a `KeyError`."""
    page = _Page(evaluation, subject, words)
    return page.whole()


def measured(metrics: Metrics, name: str) -> Share | float | None:
    """The measure of that name: a share, a number, or None."""
    if name == "at_false_answers":
        return metrics.at_false_answers.correct if metrics.at_false_answers else None
    value: Share | float | None = getattr(metrics, name)
    return value


class _Page:
    """Puts one page together."""

    def __init__(self, evaluation: Evaluation, subject: Subject, words: Mapping[str, str]) -> None:
        self.evaluation = evaluation
        self.subject = subject
        self.words = words

    def whole(self) -> str:
        title = escape(self.words["title"])
        parts = [
            f'<!doctype html>\n<html lang="{escape(self.words["lang"])}">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>",
            f"<h1>{title}</h1>",
            self._about(),
            self._tiles(),
            self._section("summary", self._summary()),
            '<div class="plots">',
            *self._plots(),
            "</div>",
            self._section("worst", self._wrong(self.evaluation.worst, foreign=False)),
            self._section("foreign_answered", self._wrong(self.evaluation.foreign_answered, foreign=True)),
            self._section("confusions", self._confusions()),
            self._section("numbers", self._numbers()),
            "</main>\n</body>\n</html>\n",
        ]
        return "\n".join(parts)

    # -- the top ------------------------------------------------------------------------------------------

    def _about(self) -> str:
        metrics, latency = self.evaluation.metrics, self.evaluation.latency
        facts = [
            (self.words["questions"], self.subject.questions),
            (self.words["base"], self.subject.base),
            (self.words["made"], self.subject.made),
            (self.words["in_scope"], str(metrics.in_scope)),
            (self.words["foreign"], str(metrics.foreign)),
        ]
        if latency is not None:
            times = " / ".join(self._number(one * 1000, 2) for one in (latency.p50, latency.p99))
            facts.append((self.words["latency"], f"{times} {self.words['ms']}"))
        rows = (
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts if value
        )
        return f"<dl>{''.join(rows)}</dl>"

    def _tiles(self) -> str:
        tiles = []
        for name in TILES:
            value, interval, _ = self._cells(name)
            tiles.append(
                f'<div class="tile"><b>{value}</b><span>{escape(self.words[name])}</span>'
                f"<small>{interval}</small></div>"
            )
        return f'<div class="tiles">{"".join(tiles)}</div>'

    def _summary(self) -> str:
        rows = []
        for name in MEASURES:
            about = f"{escape(self.words[name])}<small>{escape(self.words[f'about_{name}'])}</small>"
            rows.append([about, *self._cells(name)])
        return self._table(("measure", "value", "interval", "counts"), rows)

    def _cells(self, name: str) -> list[str]:
        """Value, interval and counts of a measure."""
        value = measured(self.evaluation.metrics, name)
        if isinstance(value, Share):
            return self._share(value)
        return ["—" if value is None else self._number(value, 3), "", ""]

    def _share(self, share: Share) -> list[str]:
        if share.value is None or share.interval is None:
            return ["—", "", ""]
        low, high = share.interval
        interval = f"{self._number(low * 100, 1)}–{self._number(high * 100, 1)}%"
        return [f"{self._number(share.value * 100, 1)}%", interval, f"{share.hits} / {share.total}"]

    # -- plots --------------------------------------------------------------------------------------------

    def _plots(self) -> list[str]:
        rows, metrics, words = self.evaluation.rows, self.evaluation.metrics, self.words
        own = [row.confidence for row in rows if not row.question.foreign]
        foreign = [row.confidence for row in rows if row.question.foreign]
        shipped = None
        if metrics.precision.value is not None:
            shipped = (metrics.precision.total / len(rows), metrics.precision.value)
        return [
            self._section("tags", self._bars("tags", foreign=False) + self._legend(OWN_PARTS)),
            self._section(
                "foreign_tags", self._bars("foreign_tags", foreign=True) + self._legend(FOREIGN_PARTS)
            ),
            self._section("reliability", reliability_diagram(metrics.reliability, words)),
            self._section("coverage", coverage_plot(coverage_curve(rows), shipped, words)),
            self._section(
                "histogram",
                score_histogram(own, foreign, words) + self._legend(("in_scope", "foreign")),
            ),
        ]

    def _bars(self, name: str, *, foreign: bool) -> str:
        bars = []
        for tag, metrics in self.evaluation.by_tag.items():
            if not (metrics.foreign if foreign else metrics.in_scope):
                continue
            answered, offered = metrics.false_answers.hits, metrics.foreign_offered.hits
            counts = (
                (metrics.foreign - answered - offered, offered, answered)
                if foreign
                else [getattr(metrics, part).hits for part in OWN_PARTS]
            )
            parts = FOREIGN_PARTS if foreign else OWN_PARTS
            bars.append(Bar(tag or self.words["no_tag"], tuple(zip(parts, counts, strict=True))))
        if not bars:
            return self._nothing()
        return tag_bars(bars, self.words[name], self.words)

    def _legend(self, parts: Sequence[str]) -> str:
        items = (f'<li><i class="{part}"></i>{escape(self.words[part])}</li>' for part in parts)
        return f'<ul class="legend">{"".join(items)}</ul>'

    # -- tables -------------------------------------------------------------------------------------------

    def _numbers(self) -> str:
        groups = [
            *((self.words[name], found) for name, found in self.evaluation.by_making.items()),
            *((tag or self.words["no_tag"], found) for tag, found in self.evaluation.by_tag.items()),
        ]
        rows = [
            [
                escape(name),
                str(found.in_scope + found.foreign),
                *(self._share(getattr(found, measure))[0] for measure in PARTS),
            ]
            for name, found in groups
        ]
        return self._table(("tag", "number", *PARTS), rows)

    def _confusions(self) -> str:
        pairs = self.evaluation.confusions
        rows = [
            [
                "<br>".join(self._entry(name) for name in pair.asked),
                self._entry(pair.got),
                str(pair.times),
                str(pair.answered),
                "".join(f"<q>{escape(text)}</q>" for text in pair.examples),
            ]
            for pair in pairs[:SHOWN]
        ]
        return self._table(("asked", "got", "times", "answered_times", "examples"), rows, len(pairs))

    def _wrong(self, found: Sequence[Row], *, foreign: bool) -> str:
        rows = []
        for row in found[:SHOWN]:
            expected = [] if foreign else ["<br>".join(map(self._entry, sorted(row.question.ids)))]
            place = f"<small>{escape(str(row.question.origin))}</small>" if row.question.origin else ""
            rows.append(
                [
                    f"{escape(row.question.text)}{place}",
                    *expected,
                    self._entry(row.answer or ""),
                    self._number(row.certainty, 2),
                ]
            )
        heads = (
            ("question", "answer", "certainty")
            if foreign
            else ("question", "expected", "answer", "certainty")
        )
        return self._table(heads, rows, len(found))

    def _entry(self, name: str) -> str:
        question = self.subject.entries.get(name, "")
        return f"<code>{escape(name)}</code>" + (f"<small>{escape(question)}</small>" if question else "")

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], total: int = 0) -> str:
        """Cells are markup already; on a phone each of them carries the name of its column."""
        if not rows:
            return self._nothing()
        names = [escape(self.words[head]) for head in heads]
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(
            f"<tr>{''.join(_cell(name, cell) for name, cell in zip(names, row, strict=True))}</tr>"
            for row in rows
        )
        more = f"<p>{escape(self.words['more'])}: {total - len(rows)}</p>" if total > len(rows) else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def _section(self, name: str, content: str) -> str:
        about = escape(self.words[f"about_{name}"])
        return f"<section><h2>{escape(self.words[name])}</h2><p>{about}</p>{content}</section>"

    def _nothing(self) -> str:
        return f'<p class="nothing">{escape(self.words["nothing"])}</p>'

    def _number(self, value: float, digits: int) -> str:
        return f"{value:.{digits}f}".replace(".", self.words["decimal"])


def _cell(name: str, content: str) -> str:
    return f'<td data-name="{name}"><div>{content}</div></td>' if content else "<td></td>"
