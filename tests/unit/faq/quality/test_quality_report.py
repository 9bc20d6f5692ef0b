"""The report: one page that is whole, asks nothing from outside, and trusts no text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq.quality.calibration import reliability
from faq.quality.evaluate import evaluation
from faq.quality.labelled import LabelledQuestion
from faq.quality.metrics import coverage_curve
from faq.quality.plots import Bar, coverage_plot, reliability_diagram, score_histogram, tag_bars
from faq.quality.report import WORDS, Subject, html_report
from faq.quality.row import Ranked, Row

Make = Callable[..., Row]

EVIL = "<script>alert('x')</script>&\"<b>"
NAMES = {name: f"[{name}]" for name in WORDS} | {"decimal": ",", "lang": "ru"}
VOID = {"meta", "br"}


class Balanced(HTMLParser):
    """Fails for a tag that is closed wrongly; collects all tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


def parsed(page: str) -> Balanced:
    reader = Balanced()
    reader.feed(page)
    reader.close()
    assert [] == reader.open
    return reader


@pytest.fixture
def rows(row: Make) -> list[Row]:
    return [
        row("a", [("a", 0.9)], answer="a", tag="real", text="right"),
        row(EVIL, [("b", 0.8)], answer="b", tag=EVIL, text=EVIL),
        row("a", [("b", 0.35), ("a", 0.3)], offered=("b", "a"), text="unsure"),
        row("", [("b", 0.7)], answer="b", tag="far", text=f"foreign {EVIL}"),
        row("", [], tag="far", text="moon"),
    ]


def test_a_page_is_whole_and_asks_nothing_from_outside(rows: list[Row]) -> None:
    page = html_report(evaluation(rows), Subject(questions="q.yaml", base="knowledge/"), NAMES)

    seen = parsed(page).seen
    tags = {tag for tag, _ in seen}
    assert {"h1", "table", "svg", "style", "meta"} <= tags
    assert set() == tags & {"script", "link", "img", "iframe", "object", "form", "a"}
    assert not [attrs for _, attrs in seen if attrs.keys() & {"src", "href", "onload", "style"}]
    assert "@import" not in page
    assert "url(" not in page
    assert "prefers-color-scheme: dark" in page


def test_every_text_from_outside_is_escaped(rows: list[Row]) -> None:
    subject = Subject(questions=EVIL, base=EVIL, made=EVIL, entries={"b": EVIL})
    page = html_report(evaluation(rows), subject, NAMES | {"title": EVIL, "correct": EVIL})

    assert "script" not in {tag for tag, _ in parsed(page).seen}
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10


def test_the_numbers_of_the_page_are_those_of_the_evaluation(rows: list[Row]) -> None:
    page = html_report(evaluation(rows), Subject(questions="q.yaml", entries={"b": "How to b?"}), NAMES)
    text = re.sub(r"<[^>]+>", " ", page)

    assert "33,3%" in text  # one of three is right
    assert "1 / 3" in text
    assert "50,0%" in text  # one of two foreign ones is answered
    assert "How to b?" in text
    assert text.index("0,80") < text.index("0,70")


@pytest.mark.parametrize("kept", [[], [0], [3], [3, 4]])
def test_a_page_of_little_is_a_page(rows: list[Row], kept: list[int]) -> None:
    page = html_report(evaluation([rows[number] for number in kept]), Subject(questions="q"), NAMES)
    parsed(page)
    assert "[nothing]" in page
    assert "nan" not in page.lower()


def test_long_tables_say_what_they_leave_out(row: Make) -> None:
    many = [row("a", [("b", 0.9)], answer="b", text=f"q{n}") for n in range(60)]
    page = html_report(evaluation(many), Subject(questions="q"), NAMES)
    assert "[more]: 10" in page


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(-0.5, 1.5)), max_size=12),
    st.lists(st.tuples(st.text(max_size=60), st.integers(0, 9), st.integers(0, 9)), max_size=5),
)
def test_drawings_are_valid_and_stay_in_their_frame(
    scores: list[tuple[bool, bool, float]], bars: list[tuple[str, int, int]]
) -> None:
    rows = [
        Row(
            question=LabelledQuestion(text="q", ids=frozenset({"a"} if own else ())),
            ranked=(Ranked("a" if right else "b", score),),
            answer="a" if right else "b",
            certainty=score,
        )
        for own, right, score in scores
    ]
    own = [row.confidence for row in rows if not row.question.foreign]
    foreign = [row.confidence for row in rows if row.question.foreign]
    drawn = [
        Bar(
            re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]", "", label),
            (("correct", a), ("wrong", b)),
        )
        for label, a, b in bars
    ]
    for svg in (
        reliability_diagram(reliability(rows), NAMES),
        coverage_plot(coverage_curve(rows), (0.5, 0.5), NAMES),
        score_histogram(own, foreign, NAMES),
        tag_bars(drawn, "tags", NAMES),
    ):
        root = ET.fromstring(svg)  # noqa: S314 - our own drawing
        _, _, width, height = map(float, root.attrib["viewBox"].split())
        for mark in root.iter():
            for x, y in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
                assert 0 <= float(mark.get(x, 0)) <= width
                assert 0 <= float(mark.get(y, 0)) <= height
            assert float(mark.get("y", 0)) + float(mark.get("height", 0)) <= height + 1
