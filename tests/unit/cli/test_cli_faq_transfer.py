"""faq import and faq export: what a support lead with a spreadsheet sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from faq import load_knowledge
from faq.entry import FaqEntry
from faq.transfer.columns import Why
from faq.transfer.notes import FAULTS, SENTENCES, NoteCode
from faq.transfer.plan import Conflict

Cli = Callable[..., Result]

TABLE = """\
№;Вопросы клиентов;Ответ;Теги;Раздел;Менеджер
1;"Сколько стоит доставка?
Почём доставка?";От 300 ₽.;доставка;Доставка;Анна
2;Где мой чек?;"На почте.
Проверьте «Спам»: бывает и там.";чек, почта;Оплата;Пётр
3;Как вернуть?;;;;
"""


@pytest.fixture
def table(project: Path) -> Path:
    (project / "Ответы.csv").write_text(TABLE, "utf-8")
    return project / "Ответы.csv"


def ids(folder: Path) -> list[str]:
    return [entry.id for entry in load_knowledge(folder / "knowledge").entries]


def test_a_dry_run_shows_the_columns_and_writes_nothing(cli: Cli, project: Path, table: Path) -> None:
    result = cli("faq", "import", "Ответы.csv", "--dry-run")

    assert 1 == result.exit_code  # a row has no answer
    for part in (
        "B (Вопросы клиентов)  question  по заголовку",
        "F (Менеджер)          —         непонятно, что это: не используется",
        "✗ строка 4: ответа нет: напишите его",
        "+ gde-moy-chek Где мой чек?",
        "Добавится: 1, изменится: 0",
        "Ничего не записано.",
        "Будет записан: knowledge/otvety.yaml",
    ):
        assert part in result.output
    assert ["delivery-cost", "delivery-time"] == ids(project)
    assert ["faq.yaml"] == [path.name for path in (project / "knowledge").iterdir()]


def test_an_import_writes_a_file_that_people_can_read(cli: Cli, project: Path, table: Path) -> None:
    result = cli("faq", "import", "Ответы.csv")

    assert "Записан: knowledge/otvety.yaml" in result.output
    assert """\
# Импортировано из файла «Ответы.csv».
# Ответ — строки с отступом под «answer: |». После правки: optfm-bot faq lint
version: 1
language: ru
categories:
  oplata: {title: Оплата}
entries:
  - id: gde-moy-chek
    question: Где мой чек?
    category: oplata
    keywords:
    - чек
    - почта
    answer: |
      На почте.
      Проверьте «Спам»: бывает и там.
""" == (project / "knowledge" / "otvety.yaml").read_text("utf-8")


def test_a_conflict_is_told_and_the_next_words_solve_it(cli: Cli, project: Path, table: Path) -> None:
    first = cli("faq", "import", "Ответы.csv")
    assert "✗ строка 2: запись `delivery-cost` уже есть (knowledge/faq.yaml:5), отличаются: " in first.output
    assert load_knowledge(project / "knowledge").entries[0].aliases == ()

    again = json.loads(cli("faq", "import", "Ответы.csv", "--json").stdout)
    assert ([], [], 1) == (again["added"], again["files"], len(again["same"]))

    merged = cli("faq", "import", "Ответы.csv", "--merge")
    entry = load_knowledge(project / "knowledge").entries[0]
    assert (("Почём доставка?",), "От 300 ₽.", 1) == (entry.aliases, entry.answer, len(entry.buttons))
    assert "Прежний файл сохранён: knowledge/faq.yaml.bak" in merged.output


def test_replacing_says_what_was_replaced(cli: Cli, project: Path) -> None:
    (project / "new.json").write_text(
        '[{"id": "delivery-time", "question": "Когда?", "answer": "Сегодня."}]', "utf-8"
    )
    report = json.loads(cli("faq", "import", "new.json", "--replace-ids", "--json").stdout)

    assert (True, ["question", "answer"], ["knowledge/faq.yaml"], ["knowledge/faq.yaml.bak"]) == (
        report["ok"], report["changed"][0]["changed"], report["files"], report["backups"],
    )  # fmt: skip
    entry = load_knowledge(project / "knowledge").entries[1]
    assert ("Когда?", "Сегодня.", "delivery") == (entry.question, entry.answer, entry.category)


def test_programs_get_everything_as_json(cli: Cli, project: Path, table: Path) -> None:
    report = json.loads(cli("faq", "import", "Ответы.csv", "--dry-run", "--json", "--lang", "en").stdout)

    assert {
        "name": "Ответы.csv",
        "format": "csv",
        "encoding": "utf-8",
        "delimiter": ";",
        "heading_row": 1,
    }.items() <= report["file"].items()
    assert {"column": "D (Теги)", "heading": "Теги", "field": "keywords", "why": "heading"} in report[
        "columns"
    ]
    assert [("no_answer", 4, True, "row 4: there is no answer: write one")] == [
        (note["code"], note["row"], note["left_out"], note["message"]) for note in report["notes"]
    ]
    assert (False, True, ["gde-moy-chek"]) == (
        report["ok"],
        report["dry_run"],
        [one["id"] for one in report["added"]],
    )


def test_a_category_for_those_that_name_none(cli: Cli, project: Path) -> None:
    (project / "a.csv").write_text("Вопрос;Ответ\nГде вы?;Тут.\n", "utf-8")

    assert (
        0 == cli("faq", "import", "a.csv", "--category", "Доставка", "--to", "knowledge/faq.yaml").exit_code
    )
    assert ("gde-vy", "delivery") == (
        (entry := load_knowledge(project / "knowledge" / "faq.yaml").entries[-1]).id, entry.category,
    )  # fmt: skip


def test_without_a_base_the_demo_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Вопрос;Ответ\nГде вы?;Тут.\n", "utf-8")

    refused = cli("faq", "import", "a.csv")
    assert (2, True) == (refused.exit_code, "--to" in refused.output)
    assert 0 == cli("faq", "import", "a.csv", "--to", "kb").exit_code
    assert "gde-vy" == load_knowledge(tmp_path / "kb" / "a.yaml").entries[0].id


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere.csv",), 1, "nowhere.csv не прочитать"),
        (("table.docx",), 2, "должно оканчиваться"),
        (("junk.xlsx",), 1, "это не исправный файл .xlsx"),
        (("junk.csv",), 1, "это не текст в известной кодировке"),
        (("junk.json",), 1, "это не"),
        (("junk.yaml",), 1, "это не текст в известной кодировке"),
        (("Ответы.csv", "--column", "цвет=B"), 2, "не «поле=колонка»"),
        (("Ответы.csv", "--column", "question=Z"), 2, "Колонки `Z` нет"),
        (("Ответы.csv", "--merge", "--replace-ids"), 2, "Выберите одно"),
        (("Ответы.csv", "--to", "kb.txt"), 2, "должно оканчиваться"),
    ],
)
def test_what_goes_wrong_is_a_sentence(
    cli: Cli, project: Path, table: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    for suffix in ("xlsx", "csv", "json", "yaml"):
        (project / f"junk.{suffix}").write_bytes(b"PK\x03\x04\x00\xff\xfe\x98junk" * 9)
    (project / "table.docx").write_bytes(b"x")
    result = cli("faq", "import", *arguments)

    assert code == result.exit_code
    assert words in result.output
    assert ["delivery-cost", "delivery-time"] == ids(project)


# -- export ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["yaml", "json", "csv", "xlsx"])
def test_an_export_can_be_imported_elsewhere(cli: Cli, project: Path, suffix: str) -> None:
    assert 0 == cli("faq", "export", f"out.{suffix}").exit_code
    assert 0 == cli("faq", "import", f"out.{suffix}", "--to", "copy").exit_code

    def plain(folder: str) -> list[FaqEntry]:
        return list(load_knowledge(project / folder).entries)

    assert plain("knowledge") == plain("copy")
    assert "уже было: 2" in cli("faq", "import", f"out.{suffix}").output


def test_an_export_overwrites_nothing_unless_told_to(cli: Cli, project: Path) -> None:
    (project / "out.json").write_text("важное", "utf-8")

    assert 2 == cli("faq", "export", "out.json").exit_code
    assert "важное" == (project / "out.json").read_text("utf-8")
    assert 0 == cli("faq", "export", "out.json", "--overwrite", "--simple").exit_code
    assert ["id", "question", "keywords", "answer"] == list(
        json.loads((project / "out.json").read_text("utf-8"))[0]
    )


def test_an_export_says_what_the_format_leaves_out(cli: Cli, project: Path) -> None:
    assert "Этого в файле нет: categories" in cli("faq", "export", "out.csv").output
    assert ["category", "buttons", "categories"] == json.loads(
        cli("faq", "export", "s.json", "--simple", "--json").stdout
    )["lost"]
    assert 2 == cli("faq", "export", "s.yaml", "--simple").exit_code


def test_an_export_does_not_become_a_part_of_the_base(cli: Cli, project: Path) -> None:
    for name in ("knowledge/copy.yaml", "knowledge/faq.yaml"):
        assert 2 == cli("faq", "export", name, "--overwrite").exit_code
    assert ["faq.yaml"] == [path.name for path in (project / "knowledge").iterdir()]


# -- words -----------------------------------------------------------------------------------------------------------


def test_every_note_and_fault_has_words_and_the_english_ones_are_those_of_the_library() -> None:
    words = yaml.safe_load(files("optfm_bot.i18n").joinpath("cli.en.yaml").read_text("utf-8"))

    assert {code: words.get(f"faq_transfer.note_{code}", "{problem}") for code in NoteCode} == SENTENCES
    assert {fault: words[f"faq_transfer.fault_{fault}"] for fault in FAULTS} == FAULTS
    assert {f"faq_transfer.why_{why}" for why in Why} <= words.keys()
    assert {f"faq_transfer.conflict_{one}" for one in Conflict} <= words.keys()
