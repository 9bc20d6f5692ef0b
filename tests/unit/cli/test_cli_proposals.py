"""faq mine: what our people answered is proposed with the answer, and taken or rejected."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from filelock import FileLock

from faq import Status
from faq.mining.drafts import drafts
from faq.source import load_knowledge
from optfm_bot.cli.faq.proposals import suggested
from optfm_bot.clock import SystemClock
from optfm_bot.store.engine import database_url
from optfm_bot.store.request_records import ProposalRow
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore

Cli = Callable[..., Result]

DAY = 24 * 60 * 60 * 1000


def proposal(number: int, question: str, answer: str, *, days: int = 0, by: str = "Ольга") -> ProposalRow:
    return ProposalRow(
        id=number,
        lane=f"web:{number}",
        question=question,
        answer=answer,
        source=f"freescout:77#{number}",
        by=by,
        at=SystemClock().ms() - days * DAY,
    )


@pytest.fixture
def folder(project: Path) -> Path:
    """A database with two proposals."""

    async def work() -> None:
        url = f"sqlite:///{project / 'optfm.db'}"
        await upgrade(database_url(url))
        store = SqlStore(url)
        await store.open()
        async with store.unit() as unit:
            unit.history.add_proposal(proposal(5, "здравствуйте, есть самовывоз?", "Да.\nСо склада.", days=9))
            unit.history.add_proposal(
                proposal(7, "чините молнии? +7 900 123-45-67", "Чиним: 500 ₽ #нал", by="")
            )
        await store.close()

    asyncio.run(work())
    return project


def ids(cli: Cli, *arguments: str) -> list[int]:
    found = json.loads(cli("faq", "mine", "--proposals", "--json", *arguments).stdout)
    return [one["id"] for one in found["proposals"]]


def test_proposals_stand_beside_the_questions(cli: Cli, folder: Path) -> None:
    shown = cli("faq", "mine").stdout

    for part in (
        "Вопросов без ответа нет.",
        "Сотрудники ответили на то, чего не знал бот:",
        "1. Чините молнии?",
        "2. Есть самовывоз?",
        "     Со склада.",
        "Ольга, 20",
        "freescout:77#5",
        "сотрудник, ",
        "Взять: --take 7, отклонить: --reject 7",
    ):
        assert part in shown
    assert "900" not in shown
    assert "Your people answered" in cli("faq", "mine", "--lang", "en").stdout


def test_programs_get_entries_with_answers(cli: Cli, folder: Path) -> None:
    found = json.loads(cli("faq", "mine", "--json").stdout)["proposals"]

    assert {"id", "question", "answer", "source", "by", "at", "entry_id"} == found[1].keys()
    assert (5, "Есть самовывоз?", "Да.\nСо склада.", "Ольга") == tuple(
        found[1][key] for key in ("id", "question", "answer", "by")
    )


def test_only_the_proposals_are_shown_and_can_be_narrowed(cli: Cli, folder: Path) -> None:
    assert "Вопросов" not in cli("faq", "mine", "--proposals").stdout
    assert [7, 5] == ids(cli)
    assert [7] == ids(cli, "--since", "5") == ids(cli, "--limit", "1")


def test_what_is_decided_is_not_shown_again(cli: Cli, folder: Path) -> None:
    with FileLock(folder / "optfm.db.lock"):
        taken = cli("faq", "mine", "--take", "5")
    assert (0, "✓ Взято предложений: 1, отклонено: 0\n") == (taken.exit_code, taken.stdout)
    assert [7] == ids(cli)
    assert {"taken": [], "rejected": [7]} == json.loads(cli("faq", "mine", "--reject", "7", "--json").stdout)
    assert "✓ Новых ответов сотрудников нет.\n" == cli("faq", "mine", "--proposals").stdout


def test_an_unknown_proposal_changes_nothing(cli: Cli, folder: Path) -> None:
    result = cli("faq", "mine", "--take", "5", "--take", "6")

    assert (1, True) == (result.exit_code, "Таких предложений нет: 6." in result.stdout)
    assert [7, 5] == ids(cli)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--take", "5", "--reject", "5"),
        ("--proposals", "--from", "asked.txt"),
        ("--take", "5", "--from", "asked.txt"),
        ("--take", "five"),
    ],
)
def test_what_does_not_go_together_is_said(cli: Cli, folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "asked.txt").write_text("есть самовывоз\n", "utf-8")

    assert 2 == cli("faq", "mine", *arguments).exit_code
    assert [7, 5] == ids(cli)


def test_without_a_database_none_is_made(cli: Cli, project: Path) -> None:
    for arguments in (("--proposals",), ("--take", "5")):
        assert 6 == cli("faq", "mine", *arguments).exit_code
    assert not (project / "optfm.db").exists()


def test_drafts_have_the_answers(cli: Cli, folder: Path) -> None:
    result = cli("faq", "mine", "--yaml", "knowledge/drafts.yaml")

    assert "2 записи в черновиках" in result.stderr
    text = (folder / "knowledge" / "drafts.yaml").read_text("utf-8")
    assert "# Предложение 5: ответ дан в freescout:77#5, Ольга" in text
    entries = [
        entry for entry in load_knowledge(folder / "knowledge").entries if entry.status is Status.DRAFT
    ]
    assert {("Чините молнии?", "Чиним: 500 ₽ #нал"), ("Есть самовывоз?", "Да.\nСо склада.")} == {
        (entry.question, entry.answer) for entry in entries
    }


@pytest.mark.parametrize(
    "answer",
    ["a: b\n- c\n\n# d", "'\"\\ ${x} {y}", "👍🏽\u2028строка\r\nещё", " пробелы  в конце ", "да", "x" * 500],
)
def test_any_answer_survives_the_file(project: Path, answer: str) -> None:
    [one] = suggested([proposal(1, "как?", answer)], ())
    text = drafts(
        [], language="ru", title=("т",), add_to="{entry}", asked="{people}", answered=[("п", one.entry)]
    )
    (project / "knowledge" / "drafts.yaml").write_text(text, "utf-8")
    [draft] = [
        entry for entry in load_knowledge(project / "knowledge").entries if entry.status is Status.DRAFT
    ]

    assert draft.answer.split() == answer.split()


def test_a_question_of_nothing_but_personal_data_is_still_an_entry_and_ids_differ() -> None:
    rows = [proposal(number, "+7 900 123-45-67", "да") for number in (1, 2)] + [proposal(3, "", "да")]
    found = suggested(rows, {"delivery"})

    assert 3 == len({one.entry.id for one in found})
    assert all(one.entry.question and "900" not in one.entry.question for one in found)
