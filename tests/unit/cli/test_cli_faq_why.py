"""`faq why`: the decision that the bot would make with all that led to it, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

Cli = Callable[..., Result]

KEYS = {
    *("text", "outcome", "entry", "reason", "offered", "alone", "readings", "candidates", "judgement"),
    *("thresholds", "checks", "parts"),
}


def report(cli: Cli, text: str) -> dict[str, Any]:
    loaded = json.loads(cli("faq", "why", text, "--json").stdout)
    assert isinstance(loaded, dict)
    return loaded


@pytest.mark.parametrize(
    "text", ["сколько стоит доставка", "👍", "как приготовить борщ", "cnjbvjcnm ljcnfdrb", ""]
)
def test_programs_always_get_the_same_keys(cli: Cli, project: Path, text: str) -> None:
    found = report(cli, text)
    assert found.keys() == KEYS
    assert found["text"] == text
    assert found["parts"] == []
    for candidate in found["candidates"]:
        assert candidate.keys() == {
            *("entry", "question", "score", "phrase", "via", "exact", "message_coverage", "phrase_coverage"),
            *("matched", "missing", "features"),
        }


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("сколько стоит доставка", "✓ Решение: ответить"), ("как приготовить борщ", "✗ Решение: признать")],
)
def test_the_decision_comes_first_with_its_sign_and_the_topics_stand_apart(
    cli: Cli, project: Path, text: str, verdict: str
) -> None:
    lines = cli("faq", "why", text).output.splitlines()
    assert lines[0].startswith(verdict)
    assert lines[1].startswith("Почему: ")
    topics = [lines[place + 1] for place, line in enumerate(lines) if not line]
    assert topics[:2] == ["Прочтения, и насколько они осмысленны:", "Записи:"]


def test_two_questions_are_explained_one_by_one_as_the_bot_decides_them(cli: Cli, project: Path) -> None:
    text = "Сколько стоит доставка? И когда привезут заказ?"
    output = cli("faq", "why", text, "--lang", "en").output
    first, second = output.index("Question 1 of 2: "), output.index("Question 2 of 2: ")
    assert first < output.index("answer — delivery-cost") < second < output.index("answer — delivery-time")
    found = report(cli, text)
    assert found["text"] == text
    assert ["delivery-cost", "delivery-time"] == [part["entry"] for part in found["parts"]]
    assert found["parts"][0].keys() == KEYS - {"parts"}


def test_what_a_message_brings_along_does_not_steer_the_terminal(cli: Cli, project: Path) -> None:
    assert "\x1b" not in cli("faq", "why", "до\x1b[31mставка\x07 {заказа}").output
