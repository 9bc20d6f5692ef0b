"""faq eval: numbers for people and programs, limits for CI, a sentence for every bad row."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from faq.quality.report import WORDS
from optfm_bot.cli.faq import progress
from optfm_bot.cli.faq.measures import report_words
from optfm_bot.cli.words import Words

Cli = Callable[..., Result]

QUESTIONS = """\
delivery-cost: [Сколько стоит доставка?]
delivery-time:
  - {q: Когда привезут заказ?, tag: own}
foreign: [щшхц ъъъ]
"""
WRONG = (
    "- {q: Сколько стоит доставка?, id: delivery-time, tag: '<i>'}\n- {q: Когда привезут заказ?, ids: []}\n"
)
OWN_BASE = """\
{"type":"entry","id":"cost","question":"Сколько стоит доставка?","answer":"300"}
{"type":"query","q":"сколько стоит доставка","ids":["cost"],"tag":"own"}
"""


@pytest.fixture
def questions(project: Path) -> Path:
    path = project / "questions.yaml"
    path.write_text(QUESTIONS, "utf-8")
    return path


def test_what_the_base_knows_is_right(cli: Cli, questions: Path) -> None:
    result = cli("faq", "eval", "questions.yaml", "--min-top1", "0.8", "--max-far", "0.05")

    assert 0 == result.exit_code
    assert "3 вопроса: 2 по теме, 1 чужих" in result.output
    assert "верный ответ" in result.output
    assert "100,0%" in result.output
    assert "✓ первая запись верна у 100,0%, нужно не меньше 80,0%" in result.output
    assert "✓ ответ дан на 0,0% чужих вопросов, можно не больше 5,0%" in result.output


def test_a_missed_limit_fails(cli: Cli, project: Path) -> None:
    (project / "q.yaml").write_text(WRONG, "utf-8")

    assert 0 == cli("faq", "eval", "q.yaml").exit_code
    result = cli("faq", "eval", "q.yaml", "--min-top1", "0.5", "--lang", "en")
    assert 1 == result.exit_code
    assert "✗ the first entry is right for 0.0%, at least 50.0% is wanted" in result.output
    result = cli("faq", "eval", "q.yaml", "--max-far", "0.5", "--format", "json")
    report = json.loads(result.stdout)
    assert (1, False) == (result.exit_code, report["ok"])
    assert [{"name": "far", "limit": 0.5, "value": 1.0, "kept": False}] == report["limits"]
    assert ["Сколько стоит доставка?"] == [row["question"] for row in report["worst"]]
    assert ("q.yaml", 2) == tuple(report["foreign_answered"][0][key] for key in ("file", "line"))


def test_a_limit_without_questions_to_check_it_is_missed(cli: Cli, project: Path) -> None:
    (project / "q.yaml").write_text("delivery-cost: [Сколько стоит доставка?]", "utf-8")

    result = cli("faq", "eval", "q.yaml", "--max-far", "1")

    assert 1 == result.exit_code
    assert "нет ни одного чужого вопроса" in result.output


def test_a_file_may_be_its_own_base(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "q.jsonl").write_text(OWN_BASE, "utf-8")

    report = json.loads(cli("faq", "eval", "q.jsonl", "--json").stdout)

    assert ({"in_scope": 1, "foreign": 0}, 1.0) == (report["questions"], report["top1"]["share"])
    result = cli("faq", "eval", "q.jsonl", "--path", "other.yaml")
    assert 2 == result.exit_code
    assert "--path" in result.output


def test_every_bad_row_is_told_in_both_languages(cli: Cli, project: Path) -> None:
    (project / "q.jsonl").write_text('{"q":"a"}\n{"q":\n{"q":"b","ids":["delivery-cots"]}', "utf-8")
    (project / "q.csv").write_text("question,ids\nгде,delivery-cots\n", "utf-8")

    result = cli("faq", "eval", "q.jsonl")
    assert 2 == result.exit_code
    assert "вопросы: q.jsonl:1: не хватает: `ids`" in result.stderr
    assert "вопросы: q.jsonl:2: строка не разбирается" in result.stderr
    result = cli("faq", "eval", "q.csv")
    assert (2, "вопросы: q.csv:2: такой записи нет: `delivery-cots` (может быть, `delivery-cost`?)\n") == (
        result.exit_code,
        result.stderr,
    )
    result = cli("faq", "eval", "q.csv", "--lang", "en")
    assert (
        "questions: q.csv:2: there is no entry `delivery-cots` (did you mean `delivery-cost`?)\n"
        == result.stderr
    )
    assert "none.yaml: файл не читается" in cli("faq", "eval", "none.yaml").stderr


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_page_is_written_in_the_language_of_the_command(cli: Cli, project: Path, language: str) -> None:
    (project / "q.yaml").write_text(WRONG, "utf-8")

    result = cli("faq", "eval", "q.yaml", "--html", "report.html", "--lang", language)

    assert 0 == result.exit_code
    page = (project / "report.html").read_text("utf-8")
    assert f'<html lang="{language}">' in page
    assert Words(language)("report.worst") in page
    assert "&lt;i&gt;" in page
    assert "Когда привезут заказ?" in page
    assert WORDS == report_words(Words(language)).keys()


def test_a_page_that_cannot_be_written_is_a_sentence(cli: Cli, questions: Path) -> None:
    result = cli("faq", "eval", "questions.yaml", "--html", "nowhere/report.html")

    assert 1 == result.exit_code
    assert "Отчёт не записать в nowhere/report.html" in result.stderr


def test_a_broken_base_is_told_before_anything_is_asked(cli: Cli, questions: Path) -> None:
    Path("knowledge/faq.yaml").write_text("entries: [", "utf-8")
    assert 3 == cli("faq", "eval", "questions.yaml").exit_code


def test_a_bar_moves_only_for_a_person(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.progress_bar("Asking", 2) as step:
        step(1)
    assert "" == capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress.progress_bar("[Asking]", 2) as step:
        step(2)
    assert "2/2" in capsys.readouterr().err


def test_the_files_of_the_guide_can_be_measured_as_it_says(cli: Cli, project: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "measure-answers.md").read_text("utf-8")
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    under, rows, table = (block for block in blocks if not block.startswith("optfm-bot"))
    calls = [shlex.split(block) for block in blocks if block.startswith("optfm-bot faq eval")]
    assert 2 == len(calls)
    for name, text in (("questions.yaml", under), ("rows.yaml", rows), ("table.csv", table)):
        (project / name).write_text(text, "utf-8")
        assert 0 == cli("faq", "eval", name).exit_code
    for call in calls:
        assert cli(*call[1:]).exit_code in {0, 1}
