"""faq: every finding at once, codes that scripts can trust."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from faq.lint import Code
from optfm_bot.cli.remarks import RUSSIAN

Cli = Callable[..., Result]

BROKEN = "entries:\n  - {id: a, qestion: Как?}\n  - {id: b, question: Где?}\n"
DOUBLE = """\
entries:
  - {id: one, question: Сколько стоит доставка?, answer: 'Раз.'}
  - {id: two, question: Как оплатить заказ?, aliases: [сколько стоит доставка], answer: 'Два.'}
"""
UNUSED = "categories: {x: {title: X}}\nentries:\n  - {id: one, question: Сколько стоит доставка?, answer: 'Раз.'}\n"


def test_a_clean_base_passes(cli: Cli, project: Path) -> None:
    result = cli("faq", "lint")

    assert (0, "✓ 2 записи, замечаний нет\n") == (result.exit_code, result.output)


def test_a_base_that_cannot_be_read_lists_every_mistake_with_its_place(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(BROKEN, "utf-8")

    result = cli("faq", "lint", "kb.yaml")

    assert 1 == result.exit_code
    assert "kb.yaml:2: ошибка unknown-key" in result.output
    assert "`qestion` (может быть, `question`?)" in result.output
    assert "kb.yaml:3: ошибка missing: entries[b].answer" in result.output


def test_findings_that_keep_people_from_answers_fail(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(DOUBLE, "utf-8")

    result = cli("faq", "lint", "kb.yaml", "--lang", "en")

    assert 1 == result.exit_code
    assert "kb.yaml:3: error FAQ001: two.aliases:" in result.output


def test_warnings_fail_in_strict_mode_only(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(UNUSED, "utf-8")

    assert 0 == cli("faq", "lint", "kb.yaml").exit_code
    assert 1 == cli("faq", "lint", "kb.yaml", "--strict").exit_code


@pytest.mark.parametrize("flag", [["--json"], ["--format", "json"]])
def test_programs_get_json(cli: Cli, tmp_path: Path, flag: list[str]) -> None:
    (tmp_path / "kb.yaml").write_text(DOUBLE, "utf-8")

    report = json.loads(cli("faq", "lint", "kb.yaml", *flag).stdout)

    assert (False, 2, 1) == (report["ok"], report["entries"], report["errors"])
    finding = report["findings"][0]
    assert finding.keys() == {
        *("file", "line", "code", "severity", "entry", "field", "message", "hint", "facts"),
    }
    assert {"text": "сколько стоит доставка", "other": "one", "closeness": 1.0} == finding["facts"]
    assert ("kb.yaml", 3, "FAQ001", "error", "two") == tuple(
        finding[key] for key in ("file", "line", "code", "severity", "entry")
    )


STOLEN = """\
entries:
  - id: pay
    question: Как оплатить заказ картой?
    aliases: [оплата картой онлайн, как вернуть бракованный товар обратно]
    answer: Картой.
  - id: back
    question: Как вернуть товар?
    aliases: [вернуть бракованный товар, хочу вернуть бракованный товар]
    answer: Да.
"""


def test_the_base_is_asked_its_own_questions_unless_it_shall_be_quick(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "kb.yaml").write_text(STOLEN, "utf-8")

    result = cli("faq", "lint", "kb.yaml")

    assert "FAQ004" in result.output
    assert "«как вернуть бракованный товар обратно», `back` (" in result.output
    assert " против " in result.output
    assert "FAQ004" not in cli("faq", "lint", "kb.yaml", "--quick").output


def test_a_long_answer_names_the_configured_channels_and_that_it_is_split(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text(
        "faq: {path: knowledge/}\nchannels: {web: {type: webchat}, shop: {type: telegram}, max: {}}\n",
        "utf-8",
    )
    text = "слово " * 700
    (project / "knowledge" / "faq.yaml").write_text(
        f"entries:\n  - {{id: a, question: Сколько стоит доставка?, answer: '{text}', answers: {{max: Да}}}}\n",
        "utf-8",
    )

    result = cli("faq", "lint")

    assert "уйдёт несколькими (shop: 4199 > 4096)" in result.output
    assert "several (shop: 4199 > 4096)" in cli("faq", "lint", "--lang", "en").output


def test_a_base_that_is_named_needs_no_sound_configuration(cli: Cli, project: Path) -> None:
    (project / "config.yaml").write_text("chanels: {}\n", "utf-8")

    assert 0 == cli("faq", "lint", "knowledge").exit_code
    assert 0 != cli("faq", "lint").exit_code
    assert 0 != cli("faq", "lint", "knowledge", "--config", "config.yaml").exit_code


def test_every_code_has_its_russian_sentence() -> None:
    assert {code.value for code in Code} <= RUSSIAN.keys()


def test_a_missing_base_is_a_finding(cli: Cli) -> None:
    result = cli("faq", "lint", "nowhere.yaml")

    assert 1 == result.exit_code
    assert "nowhere.yaml: ошибка unreadable: такого файла или каталога нет (" in result.output


def test_without_a_configuration_the_demo_is_looked_at(cli: Cli) -> None:
    result = cli("faq", "lint", "--json")

    assert json.loads(result.stdout)["entries"] > 10


def test_entries_are_listed(cli: Cli, project: Path) -> None:
    result = cli("faq", "list", "--json")

    assert ["delivery-cost", "delivery-time"] == [row["id"] for row in json.loads(result.stdout)]
    assert "delivery-cost  delivery  live    Сколько стоит доставка?" in cli("faq", "list").output


def test_an_entry_is_shown_whole(cli: Cli, project: Path) -> None:
    output = cli("faq", "show", "delivery-cost").output

    for part in ("knowledge/faq.yaml:5", "Сколько стоит доставка?", "От 300 ₽.", "[Сроки] → delivery-time"):
        assert part in output


def test_an_unknown_entry_names_the_nearest(cli: Cli, project: Path) -> None:
    result = cli("faq", "show", "delivery-cots")

    assert 2 == result.exit_code
    assert "delivery-cost" in result.output


def test_why_tells_what_would_be_answered(cli: Cli, project: Path) -> None:
    report = json.loads(cli("faq", "why", "сколько стоит доставка", "--json").stdout)

    assert ("answer", "delivery-cost") == (report["outcome"], report["entry"])
    assert "Решение: ответить" in cli("faq", "why", "сколько стоит доставка").output
    assert "Decision: answer" in cli("faq", "why", "сколько стоит доставка", "--lang", "en").output
