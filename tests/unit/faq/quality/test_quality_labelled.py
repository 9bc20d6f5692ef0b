"""Labelled questions: three ways to write them, and every bad row told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faq import FaqEntry
from faq.quality.labelled import (
    LabelledError,
    LabelledQuestion,
    entries_of,
    parse_labelled,
    read_labelled,
    unknown_ids,
)

JSONL = """\
{"type":"entry","id":"a","question":"Как заказать?","aliases":["заказ"],"keywords":null,"lang":"ru"}
{"type":"entry","id":"b","question":"How?","answer":"So.","lang":"en"}

{"type":"query","q":"хочу заказать","ids":["a","b"],"tag":"typo","derived":true,"split":"dev"}
{"q":"сколько до луны","ids":[]}
"""


def question(text: str, *ids: str, tag: str = "", derived: bool = False) -> LabelledQuestion:
    return LabelledQuestion(text=text, ids=frozenset(ids), tag=tag, derived=derived)


def problems(name: str, text: str | bytes) -> list[tuple[str, int]]:
    with pytest.raises(LabelledError) as caught:
        parse_labelled(name, text if isinstance(text, bytes) else text.encode())
    assert all(problem.file == name for problem in caught.value.problems)
    return [(problem.code.value, problem.line) for problem in caught.value.problems]


def test_jsonl_with_entries_is_a_whole_base(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(JSONL, "utf-8")

    found = read_labelled(path)

    assert (question("хочу заказать", "a", "b", tag="typo", derived=True), question("сколько до луны")) == (
        found.questions
    )
    assert [False, True] == [one.foreign for one in found.questions]
    assert (f"{path}:4", f"{path}:5") == tuple(str(one.origin) for one in found.questions)
    assert (
        FaqEntry(id="a", question="Как заказать?", aliases=("заказ",)),
        FaqEntry(id="b", question="How?", answer="So.", language="en"),
    ) == entries_of(path)
    assert found.base is not None
    assert found.entries == found.base.entries


def test_every_bad_row_of_jsonl_is_told() -> None:
    rows = [
        '{"q":"a","ids":["x"]',
        "[1]",
        '{"q":"a"}',
        '{"ids":[]}',
        '{"q":" ","ids":[]}',
        '{"q":7,"ids":[]}',
        '{"q":"a","ids":"x"}',
        '{"q":"a","ids":[1]}',
        '{"q":"a","ids":[],"tag":1}',
        '{"q":"a","ids":[],"derived":"yes"}',
        '{"type":"answer"}',
        '{"type":"entry","id":"e"}',
        '{"type":"entry","id":"e","question":"?","aliases":"x"}',
        '{"q":"\\ud800","ids":[]}',
        "[" * 100_000,
    ]
    codes = [
        "syntax",
        "type",
        "missing",
        "missing",
        *["type"] * 6,
        "value",
        "missing",
        "type",
        "type",
        "syntax",
    ]
    assert list(zip(codes, range(1, 16), strict=True)) == problems("q.jsonl", "\n".join(rows))


def test_an_id_of_two_entries_and_an_id_of_none() -> None:
    entry = '{"type":"entry","id":"delivery","question":"?"}\n'
    text = f'{entry}{entry}{{"q":"a","ids":["delivry"]}}'
    assert [("duplicate", 2), ("reference", 3)] == problems("q.jsonl", text)


def test_yaml_as_a_list() -> None:
    text = "- {q: где заказ, id: a}\n- q: 24\n  ids: [a, b]\n  tag: number\n  derived: true\n- {q: луна, ids: []}\n"

    found = parse_labelled("q.yaml", text.encode())

    assert (
        question("где заказ", "a"),
        question("24", "a", "b", tag="number", derived=True),
        question("луна"),
    ) == found.questions
    assert [1, 2, 6] == [one.origin.line for one in found.questions if one.origin]
    assert found.base is None


def test_yaml_under_the_ids_of_entries() -> None:
    text = "a:\n  - где заказ\n  - {q: gde, tag: translit}\nb: один\nlater:\nforeign: [луна]\n"

    assert (
        question("где заказ", "a"),
        question("gde", "a", tag="translit"),
        question("один", "b"),
        question("луна"),
    ) == parse_labelled("q.yml", text.encode()).questions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "- {q: a, ids: []}\n- just words\n- {q: b}\n- {ids: [x]}\n",
            [("type", 2), ("missing", 3), ("missing", 4)],
        ),
        ("- {q: a, idz: [x], ids: [x]}\n- {q: a, id: x, ids: [x]}\n", [("unknown-key", 1), ("value", 2)]),
        ("- {q: a, ids: x}\n- {q: a, id: x, derived: maybe}\n", [("type", 1), ("type", 2)]),
        ("a: [x]\na: [y]\nb: {q: x}\n", [("duplicate-key", 2), ("type", 3)]),
        ("a: [[x]]\n'': [x]\n", [("type", 1), ("empty", 2)]),
        ("entries:\n  - {id: a, question: q, answer: x}\n", [("value", 1)]),
        ("a: [x\n", [("syntax", 1)]),
        ("", [("empty", 0)]),
        ("just words", [("type", 1)]),
    ],
)
def test_every_bad_row_of_yaml_is_told(text: str, expected: list[tuple[str, int]]) -> None:
    assert expected == problems("q.yaml", text)


def test_an_entry_called_entries_is_no_knowledge_base() -> None:
    assert (question("x", "entries"),) == parse_labelled("q.yaml", b"entries: [x]").questions


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_as_table_programs_write_it(separator: str) -> None:
    rows = [
        ["\ufeffВопрос", "ID", "метка"],
        ['"где, мой; заказ"', "a|b", "real"],
        ["луна", "", ""],
        ["", "", ""],
        ['"две\nстроки"', "a", ""],
        ["конец", "b"],
    ]
    text = "\r\n".join(separator.join(row) for row in rows)

    found = parse_labelled("q.csv", text.encode()).questions

    assert (
        question("где, мой; заказ", "a", "b", tag="real"),
        question("луна"),
        question("две\nстроки", "a"),
        question("конец", "b"),
    ) == found
    assert [2, 3, 5, 7] == [one.origin.line for one in found if one.origin]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("где заказ,a\n", [("missing", 1), ("missing", 1)]),
        ("question,ids\n,a\nb\nc,a,tag,more\n", [("missing", 2), ("missing", 3), ("value", 4)]),
        ('question,ids\n,a\n"a"b,c\n', [("missing", 2), ("syntax", 3)]),
        ('"', [("syntax", 1)]),
        ("question,ids\n", [("empty", 0)]),
        ("", [("empty", 0)]),
    ],
)
def test_every_bad_row_of_csv_is_told(text: str, expected: list[tuple[str, int]]) -> None:
    assert expected == problems("q.csv", text)


def test_files_that_are_none_of_ours(tmp_path: Path) -> None:
    assert [("encoding", 2)] == problems("q.csv", "question,ids\nгде,a".encode("cp1251"))
    assert [("value", 0)] == problems("q.xlsx", b"PK")
    with pytest.raises(LabelledError, match="cannot be read"):
        read_labelled(tmp_path / "none.yaml")
    with pytest.raises(LabelledError, match="cannot be read"):
        read_labelled(tmp_path)


def test_unknown_ids_name_the_nearest() -> None:
    (found,) = unknown_ids([question("x", "delivery-cots", "pay")], ["delivery-cost", "pay"])
    assert ("there is no entry `delivery-cots`", "did you mean `delivery-cost`?") == (
        found.message,
        found.hint,
    )


@given(st.sampled_from(["q.jsonl", "q.yaml", "q.csv"]), st.text() | st.binary())
def test_whatever_stands_in_a_file_it_is_read_or_refused(name: str, content: str | bytes) -> None:
    try:
        found = parse_labelled(
            name, content if isinstance(content, bytes) else content.encode("utf-8", "replace")
        )
    except LabelledError:
        return
    assert all(one.text.strip() for one in found.questions)
