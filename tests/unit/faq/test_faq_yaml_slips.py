"""What people who have never seen YAML type, and which line and which advice they get for it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from faq import KnowledgeError, Problem
from faq.yaml_slips import HINTS, find_slip
from faq.yaml_source import RawFile, parse_knowledge

GOOD = """\
version: 1
entries:
  - id: delivery-cost
    question: Сколько стоит доставка?
    aliases: [почём доставка, цена доставки]
    answer: |
      Доставка по городу — **300 ₽**.
"""
SLIPS = [
    ("    question", "\tquestion", "tab", 4),
    ("      Доставка", "\t  Доставка", "tab", 7),
    ("    question", "\u00a0\u00a0\u00a0\u00a0question", "space", 4),
    ("    question", "   question", "indent", 4),
    ("    question", "     question", "indent", 4),
    ("      Доставка", "Доставка", "loose", 7),
    ("      Доставка", "    Доставка", "loose", 7),
    ("question: ", "question:", "glued-colon", 4),
    ("question: ", "question\uff1a ", "glued-colon", 4),
    ("- id", "-id", "glued-dash", 3),
    ("- id", "– id", "long-dash", 3),
    ("|\n      Доставка", "Внимание: доставка", "colon", 6),
    ("Сколько", "Вопрос: сколько", "colon", 4),
    ("|\n      Доставка", '"Доставка', "open-quote", 6),
    ("Сколько", '"Сколько', "open-quote", 4),
    ("|\n      Доставка по", '"Доставка" по', "quote", 6),
    ("|\n      Доставка", "**Доставка**", "sign", 6),
    ("|\n      Доставка", "[Тарифы](https://example.ru) Доставка", "sign", 6),
    ("|\n      Доставка", "@shop Доставка", "sign", 6),
    ("|\n      Доставка", "!Доставка", "sign", 6),
    ("|\n      Доставка", "- Доставка", "list", 6),
    ("доставки]", "доставки", "bracket", 5),
    ("entries:", "---\nentries:", "documents", 2),
    ("Сколько", "Сколько\x0b", "character", 4),
    ("|\n      Доставка по", "Заказ #5, доставка по", "hash", 6),
    ("Сколько стоит", "Сколько стоит #доставка", "hash", 4),
]


def problem_of(text: str) -> Problem:
    with pytest.raises(KnowledgeError) as caught:
        parse_knowledge([RawFile("faq.yaml", text.encode())])
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(("right", "wrong", "slip", "line"), SLIPS)
def test_a_slip_is_named_at_its_own_line(right: str, wrong: str, slip: str, line: int) -> None:
    assert right in GOOD

    problem = problem_of(GOOD.replace(right, wrong, 1))

    assert (slip, line, HINTS[slip]) == (problem.slip, problem.line, problem.hint)


def test_every_kind_of_slip_is_made_here() -> None:
    assert {slip for _, _, slip, _ in SLIPS} | {""} == HINTS.keys()


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("доставка?", "доставка? # спросить у Анны"),
        GOOD.replace("delivery-cost", "delivery-cost #доставка"),
        GOOD.replace("|\n      Доставка", "Доставка\n      по городу и области —"),
        GOOD.replace("Сколько стоит доставка?", "Сколько стоит заказ№5#6?"),
    ],
)
def test_what_is_no_slip_is_read(text: str) -> None:
    assert parse_knowledge([RawFile("faq.yaml", text.encode())]).entries


def test_a_key_with_letters_of_another_alphabet_says_so() -> None:
    with pytest.raises(KnowledgeError, match=r"did you mean `answer`\? write it in Latin letters"):
        parse_knowledge([RawFile("faq.yaml", GOOD.replace("answer", "аnswеr").encode())])


@given(st.text(alphabet="a:-[]{}\"'|#*&!@% \t\n\r\u00a0\u2013я", max_size=60))
def test_whatever_is_typed_a_slip_has_a_known_kind_and_a_line_of_the_text(text: str) -> None:
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        slip = find_slip(text, error)
        assert slip.kind in HINTS
        assert 1 <= slip.line <= text.count("\n") + text.count("\r") + 1
