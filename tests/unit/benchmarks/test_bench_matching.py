"""What the benchmark of the matcher reads, measures, keeps and draws."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import matching
from benchmarks.matching import merged
from benchmarks.matching_quality import (
    BaseUnreadable,
    against_clean,
    bearable,
    labelled_cases,
    measure_case,
    parent_of,
    thinned,
    training_case,
    training_cases,
)
from benchmarks.matching_speed import ENOUGH, SpeedFailed, measure, medians, percentile, run_one, write_base
from benchmarks.matching_tables import report, speed_panels
from benchmarks.plot import Line, Panel, draw
from benchmarks.synthetic import Message, SyntheticBase
from faq import FaqEntry
from faq.quality.labelled import LabelledQuestion
from faq.quality.row import Ranked, Row

ROWS = [
    {"type": "entry", "id": "pay", "question": "Как оплатить заказ?", "aliases": ["оплата картой"]},
    {"type": "entry", "id": "ship", "question": "Сколько стоит доставка?", "aliases": ["цена доставки"]},
    {"type": "query", "q": "оплата картой", "ids": ["pay"], "tag": "keyword"},
    {"type": "query", "q": "цена доставки", "ids": ["ship"], "tag": "keyword"},
    {"type": "query", "q": "wtyf ljcnfdrb", "ids": ["ship"], "tag": "D:layout", "derived": True},
    {"type": "query", "q": "oplata kartoj", "ids": ["pay"], "tag": "D:translit", "derived": True},
    {"type": "query", "q": "почём слон", "ids": [], "tag": "oos-far"},
]
BASE = {
    "entries": [
        {
            "id": "pay",
            "question": "Как оплатить?",
            "asked": {"real": ["чем платить", "оплата"], "typo": ["аплата"]},
        },
        {
            "id": "ship",
            "question": "Сколько стоит доставка?",
            "aliases": ["цена"],
            "asked": {"real": ["почём"]},
        },
    ],
    "foreign": {"oos-chat": ["привет"]},
    "also": [{"q": "заплатить за доставку", "ids": ["pay", "ship"]}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
    (tmp_path / "small.jsonl").write_text(text, "utf-8")
    return tmp_path


def row(text: str, ids: str = "", tag: str = "", *, first: str = "") -> Row:
    question = LabelledQuestion(text=text, ids=frozenset(ids.split()), tag=tag, derived=tag.startswith("D:"))
    return Row(question=question, ranked=(Ranked(first, 0.5),) if first else ())


def test_a_base_of_the_training_gives_entries_and_questions_by_tag() -> None:
    case = training_case("small", BASE)

    assert case.fitted
    assert case.phrases == 3
    assert [(one.text, sorted(one.ids), one.tag) for one in case.questions] == [
        ("чем платить", ["pay"], "real"),
        ("оплата", ["pay"], "real"),
        ("аплата", ["pay"], "typo"),
        ("почём", ["ship"], "real"),
        ("привет", [], "oos-chat"),
        ("заплатить за доставку", ["pay", "ship"], "several"),
    ]


@pytest.mark.parametrize("text", ["entries: [1]", "foreign: {}", "- just a list", "a: b: c", ""])
def test_a_base_of_another_shape_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text, "utf-8")

    with pytest.raises(BaseUnreadable, match=r"odd\.yaml is not"):
        list(training_cases(tmp_path))


def test_noise_is_held_against_the_question_it_was_made_of() -> None:
    clean = [
        row("цена доставки", "ship", first="ship"),
        row("сколько стоит доставка", "ship", first="pay"),
        row("цена доставки", "pay", first="pay"),
    ]
    layout = row("crjkmrj cnjbn ljcnfdrf", "ship", "D:layout", first="ship")
    translit = row("cena dostavki", "ship", "D:translit", first="pay")
    stray = row("совсем другое", "ship", "D:typo", first="ship")

    assert parent_of(layout, clean) is clean[1]
    assert parent_of(translit, clean) is clean[0]
    assert parent_of(stray, clean) is None
    drops = against_clean([*clean, layout, translit, stray, row("gjxtv ckjy", tag="D:layout")])
    assert {tag: (drop["pairs"], drop["points"]) for tag, drop in drops.items()} == {
        "D:layout": (1, -100.0),
        "D:translit": (1, 100.0),
    }


def test_every_kind_of_question_is_measured_apart(folder: Path) -> None:
    (case,) = labelled_cases(folder)

    found = measure_case(case, "wratio")

    assert (found["all"]["in_scope"], found["clean"]["in_scope"], found["derived"]["in_scope"]) == (4, 2, 2)
    assert found["clean"]["top1"] == 1.0
    assert list(found["tags"]) == ["keyword", "D:layout", "D:translit", "oos-far"]
    assert found["tags"]["keyword"]["file_limit_correct"] == 1.0
    assert found["tags"]["oos-far"]["file_limit_false"] == 0.0
    assert "correct" not in found["all"], "only what decides has decisions"


def test_the_house_decides_too(folder: Path) -> None:
    (case,) = labelled_cases(folder)

    found = measure_case(case, "house")

    shares = [found["clean"][name] for name in ("correct", "wrong", "offered", "misoffered", "silent")]
    assert found["decides"]
    assert sum(shares) == pytest.approx(1)
    assert found["clean"]["correct"] == 1.0


def test_a_quick_look_takes_the_same_questions_every_time() -> None:
    case = training_case("small", BASE)

    few = thinned(case, 3)

    assert len(few.questions) == 3
    assert few == thinned(case, 3)
    assert [one for one in case.questions if one in few.questions] == list(few.questions)
    assert thinned(case, 6) is case


def test_difflib_is_spared_what_would_take_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    case = training_case("small", BASE)
    monkeypatch.setattr("benchmarks.matching_quality.PAIRS", 17)

    assert not bearable("difflib", case)
    assert bearable("wratio", case)


def test_there_is_no_tail_of_a_few_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile(list(range(1, ENOUGH)), 99) is None
    assert percentile(list(range(1, 1_001)), 99) == 990
    assert percentile([], 50) is None


def test_the_median_of_rounds_is_taken_number_by_number() -> None:
    rounds = [{"a": 1.0, "b": None}, {"a": 9.0, "b": 2.0}, {"a": 2.0, "b": 3.0}]

    assert medians(rounds) == {"a": 2.0, "b": None}


@pytest.mark.parametrize("name", ["house", "wratio"])
def test_a_written_base_is_built_asked_and_timed(tmp_path: Path, name: str) -> None:
    entries = tuple(FaqEntry(id=str(number), question=f"Где товар {number}?") for number in range(3))
    messages = tuple(Message(f"товар {number} где он", "clean", str(number % 3)) for number in range(300))
    write_base(SyntheticBase(entries, messages), tmp_path)

    found = measure(name, tmp_path, budget=60)

    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert found["rss_mb"] <= found["peak_mb"]
    assert found["queries"] > ENOUGH
    assert (found["decide_p50_ms"] is not None) == (name == "house")


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(SpeedFailed, match=r"house: (?s:.*)entries\.jsonl"):
        run_one("house", tmp_path, 1)


# -- what is kept ----------------------------------------------------------------------------------------------------


def speed(system: str, entries: int, p50: float) -> dict[str, object]:
    numbers = dict.fromkeys(
        (
            "p99_ms",
            "cpu_p50_ms",
            "cpu_p99_ms",
            "decide_p50_ms",
            "decide_p99_ms",
            "build_s",
            "growth_mb",
            "rss_mb",
            "peak_mb",
            "top1",
            "queries",
        ),
        p50,
    )
    return {
        "entries": entries,
        "each": 3,
        "phrases": 3 * entries,
        "system": system,
        "medians": numbers | {"p50_ms": p50},
    }


def test_a_part_that_was_not_measured_again_is_kept() -> None:
    before = {
        "systems": ["house", "wratio"],
        "quality": {
            "cases": {"shop": {"fitted": False, "systems": {"house": 1, "wratio": 2}}},
            "left_out": {"difflib": "slow", "house": "gone"},
        },
        "speed": {"rounds": 3, "measures": [speed("house", 100, 1.0), speed("wratio", 25, 2.0)]},
    }
    now = {
        "systems": ["house"],
        "quality": {
            "cases": {
                "shop": {"fitted": False, "systems": {"house": 5}},
                "new": {"fitted": True, "systems": {}},
            },
            "left_out": {},
        },
    }

    result = merged(before, now)

    assert result["quality"]["cases"]["shop"]["systems"] == {"house": 5, "wratio": 2}
    assert list(result["quality"]["cases"]) == ["shop", "new"]
    assert result["quality"]["left_out"] == {"difflib": "slow"}
    assert result["speed"] == before["speed"]
    again = merged(result, {"systems": [], "speed": {"rounds": 1, "measures": [speed("house", 100, 9.0)]}})
    assert [(one["system"], one["medians"]["p50_ms"]) for one in again["speed"]["measures"]] == [
        ("wratio", 2.0),
        ("house", 9.0),
    ]


def test_the_command_measures_writes_and_says_that_some_bases_were_fitted_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bases = folder / "bases"
    bases.mkdir()
    (bases / "small.yaml").write_text(json.dumps(BASE), "utf-8")  # JSON is YAML
    output = folder / "out.json"
    words = ["--part", "quality", "--only", "house", "--only", "bm25", "--data", str(folder)]
    monkeypatch.setattr(sys, "argv", ["matching", *words, "--bases", str(bases), "--output", str(output)])

    matching.main()

    page = output.with_suffix(".md").read_text("utf-8")
    assert page in capsys.readouterr().out
    assert "fitted on the questions of these bases" in page
    assert "| small | clean | BM25 on stems | 100.0 |" in page
    cases = json.loads(output.read_text("utf-8"))["quality"]["cases"]
    assert cases["small"]["systems"].keys() == {"house", "bm25"}
    assert str(folder) not in output.read_text("utf-8")


@pytest.mark.parametrize("word", ["nowhere", "small.jsonl"])
def test_a_folder_that_is_none_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setattr(sys, "argv", ["matching", "--data", str(folder / word)])

    with pytest.raises(SystemExit, match="is not a folder"):
        matching.main()


# -- the plot --------------------------------------------------------------------------------------------------------


def test_the_plot_is_a_picture_with_every_line_in_its_legend() -> None:
    measures = [speed(name, size, size / 50) for name in ("house", "wratio") for size in (1_000, 100)]

    panels = speed_panels(measures)
    root = ET.fromstring(draw(panels, "speed <of> it"))  # noqa: S314 - our own

    texts = [node.text for node in root.iter() if node.tag.endswith("text")]
    for panel in panels:
        assert panel.title in texts
        assert {line.name for line in panel.lines} <= set(texts)
        assert all(list(line.points) == sorted(line.points) for line in panel.lines)
    assert {"100", "1,000", "10,000"} <= set(texts)


def test_memory_below_a_megabyte_is_not_drawn() -> None:
    latency, memory = speed_panels(
        [speed(name, 100, size) for name, size in (("house", 9.0), ("difflib", 0.3))]
    )

    assert any("difflib" in line.name for line in latency.lines)
    assert not any("difflib" in line.name for line in memory.lines)


def test_a_plot_of_powers_of_ten_has_no_place_for_nothing() -> None:
    with pytest.raises(ValueError, match="above zero"):
        draw([Panel("Latency", "size", "ms", (Line("flat", ((1.0, 0.0),)),))], "x")


def test_the_page_tells_the_speed() -> None:
    page = report({"speed": {"rounds": 3, "mix": {"clean": 1.0}, "measures": [speed("house", 1_000, 0.5)]}})

    assert "| 1,000 × 3 | this matcher | 0.50 |" in page
    assert "100% clean" in page
