"""A Russian reader gets the whole advice in Russian."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from faq.yaml_slips import HINTS
from optfm_bot.cli.advice import SLIPS, sentence, translated

Cli = Callable[..., Result]

ENTRY = "entries:\n  - id: a\n    question: Где?\n    answer: Тут\n"


def test_every_slip_has_its_russian_advice() -> None:
    assert HINTS.keys() - {""} == SLIPS.keys()


def test_what_is_not_known_is_left_to_others() -> None:
    assert ("", "") == (translated("have a rest"), sentence("is blue"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ENTRY.replace("    question", "\tquestion"), ":3: ошибка syntax: ошибка YAML (здесь табуляция"),
        (ENTRY.replace("Тут", "Тут: да"), ":4: ошибка syntax: ошибка YAML (в тексте есть двоеточие"),
        (ENTRY.replace("Тут", "Заказ #5"), "осталось только `Заказ` (после пробела `#` начинает примечание"),
        (ENTRY + "    aliases: куда\n", "нужен список, а здесь текст (пишите каждый пункт с новой строки"),
        (ENTRY + "    status: тест\n", "`тест` (есть: draft, review, live, retired)"),
        (ENTRY + "    valid_to: 31.12.2030\n", "(напишите дату так: 2026-01-31)"),
        (ENTRY.replace("id: a", "id: а б"), "(подойдут буквы, цифры"),
        (ENTRY.replace("answer", "аnswer"), "может быть, `answer`? (латинскими буквами)"),
        ("language: ru\n", "(напишите хотя бы одну запись в `entries:`)"),
        ("Привет", "нужны строки `ключ: значение`, а здесь текст"),
    ],
)
def test_a_mistake_is_told_in_russian(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "kb.yaml").write_text(text, "utf-8")

    output = cli("faq", "lint", "kb.yaml").output

    assert said in output
    advice = re.findall(r"\((.*)\)$", output, re.MULTILINE)
    assert not re.search(r"\b(write|use|known|begin|line|the)\b", " ".join(advice))
