"""faq mine: unanswered questions of the store or of a file become proposals, also while the bot runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from filelock import FileLock

import optfm_bot.cli.faq.mine as module
from faq import Status
from faq.mining.asked import Noise
from faq.source import load_knowledge
from optfm_bot.clock import SystemClock
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import MissKind, MissRow
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore

Cli = Callable[..., Result]

DAY = 24 * 60 * 60 * 1000
SELF = ("есть самовывоз?", "Самовывоз есть", "здравствуйте, есть ли самовывоз")


def keep(folder: Path, *misses: tuple[str, str, int], kind: MissKind = MissKind.ADMITTED) -> None:
    """Store misses: lane, text, and how many days ago."""

    async def work() -> None:
        url = f"sqlite:///{folder / 'optfm.db'}"
        await upgrade(database_url(url))
        store = SqlStore(url)
        await store.open()
        now = SystemClock().ms()
        async with store.unit() as unit:
            for number, (lane, text, days) in enumerate(misses, start=1):
                unit.history.add_miss(
                    MissRow(id=number, lane=lane, text=text, kind=kind, at=now - days * DAY)
                )
        await store.close()

    asyncio.run(work())


def three(texts: Sequence[str] = SELF, days: int = 1) -> list[tuple[str, str, int]]:
    return [(f"web:{number}", text, days) for number, text in enumerate(texts)]


def test_the_questions_of_the_store_become_proposals(cli: Cli, project: Path) -> None:
    keep(project, *three(), ("web:9", "привет", 1), ("web:9", "чините молнии", 1))

    result = cli("faq", "mine")

    assert 0 == result.exit_code
    for part in (
        "1. Есть самовывоз?",
        "3 человека, 3 раза, 20",
        "Предложение: новая запись samovyvoz",
        "Всего 5 вопросов, 4 человека. Групп показано: 1",
        "Задали меньше людей, чем --min-people: 1 вопрос",
        "Не вопросы: приветствия и благодарности — 1",
    ):
        assert part in result.output
    assert "Proposal: a new entry samovyvoz" in cli("faq", "mine", "--lang", "en").output


def test_programs_get_json(cli: Cli, project: Path) -> None:
    keep(project, *three(), ("web:0", SELF[0], 3))

    report = json.loads(cli("faq", "mine", "--json").stdout)

    keys = {"questions", "people", "noise", "rare", "answered", "more", "clusters", "proposals"}
    assert keys == report.keys()
    (cluster,) = report["clusters"]
    assert (3, 4) == (cluster["people"], cluster["times"])
    first, last = (datetime.fromisoformat(cluster[key]) for key in ("first_at", "last_at"))
    assert (2, UTC) == ((last - first).days, first.tzinfo)
    assert ("entry", "", "draft") == tuple(cluster["proposal"][key] for key in ("kind", "answer", "status"))


def test_days_people_and_groups_can_be_limited(cli: Cli, project: Path) -> None:
    keep(project, *three(), *three(("где ваш склад", "Где ваш склад?"), days=10))

    def titles(*arguments: str) -> list[str]:
        return [
            one["title"] for one in json.loads(cli("faq", "mine", "--json", *arguments).stdout)["clusters"]
        ]

    assert ["Есть самовывоз?", "Где ваш склад?"] == titles()
    assert (
        ["Есть самовывоз?"] == titles("--since", "5") == titles("--min-people", "3") == titles("--limit", "1")
    )
    assert "Не показано групп: 1" in cli("faq", "mine", "--limit", "1").output


def test_all_pages_of_the_store_are_read(cli: Cli, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    keep(project, *three([f"{text} {n}" for n in range(3) for text in SELF]))

    assert 9 == json.loads(cli("faq", "mine", "--json").stdout)["questions"]

    monkeypatch.setattr(module, "MOST", 5)
    result = cli("faq", "mine", "--json")
    assert 5 == json.loads(result.stdout)["questions"]
    assert "Прочитаны последние 5 вопросов" in result.stderr


def test_a_running_bot_is_not_disturbed(cli: Cli, project: Path) -> None:
    keep(project, *three())
    before = (project / "optfm.db").read_bytes()

    with FileLock(project / "optfm.db.lock"):
        assert 0 == cli("faq", "mine").exit_code

    assert before == (project / "optfm.db").read_bytes()


def test_a_missing_database_is_a_sentence_and_none_is_made(cli: Cli, project: Path) -> None:
    result = cli("faq", "mine")

    assert 6 == result.exit_code
    assert "--from" in result.stderr
    assert not (project / "optfm.db").exists()


def test_no_questions_are_no_fault(cli: Cli, project: Path) -> None:
    keep(project)

    result = cli("faq", "mine", "--yaml", "drafts.yaml")

    assert (0, "✓ Вопросов без ответа нет.\n") == (result.exit_code, result.output)
    assert not (project / "drafts.yaml").exists()


# -- a file of questions ----------------------------------------------------------------------------------


def test_a_text_file_needs_no_database(cli: Cli, project: Path) -> None:
    (project / "asked.txt").write_bytes("\ufeff".encode() + "\r\n".join((*SELF, "", "  ")).encode())

    report = json.loads(cli("faq", "mine", "--from", "asked.txt", "--json").stdout)

    assert (3, 3) == (report["questions"], report["clusters"][0]["people"])
    assert report["clusters"][0]["first_at"] is None
    assert 0 == cli("faq", "mine", "--from", "asked.txt").exit_code
    assert not (project / "optfm.db").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", "asked.txt", "--since", "3"), "--since"),
        (("--from", "nowhere.txt"), "nowhere.txt"),
        (("--from", "cp1251.txt"), "cp1251.txt, строка 2: файл не в UTF-8"),
        (("--from", "asked.txt", "--force"), "--yaml"),
        (("--min-people", "0"), "--min-people"),
    ],
)
def test_what_cannot_be_done_is_said(cli: Cli, project: Path, arguments: Sequence[str], words: str) -> None:
    (project / "asked.txt").write_text("\n".join(SELF), "utf-8")
    (project / "cp1251.txt").write_bytes(b"ok\n" + "самовывоз".encode("cp1251"))

    result = cli("faq", "mine", *arguments)

    assert 2 == result.exit_code
    assert words in result.output


# -- a file of drafts -------------------------------------------------------------------------------------


def test_drafts_are_written_and_fit_beside_the_base(cli: Cli, project: Path) -> None:
    keep(project, *three())

    result = cli("faq", "mine", "--yaml", "knowledge/drafts.yaml", "--json")

    assert "knowledge/drafts.yaml: 1 запись в черновиках" in result.stderr
    assert json.loads(result.stdout)["clusters"]
    base = load_knowledge(project / "knowledge")
    assert [
        ("delivery-cost", Status.LIVE),
        ("delivery-time", Status.LIVE),
        ("samovyvoz", Status.DRAFT),
    ] == [(entry.id, entry.status) for entry in sorted(base.entries, key=lambda entry: entry.id)]
    again = json.loads(cli("faq", "mine", "--json").stdout)["clusters"][0]["proposal"]
    assert "samovyvoz" != again["id"], "a draft has this id already"


def test_a_file_that_is_there_is_replaced_only_by_force(cli: Cli, project: Path) -> None:
    keep(project, *three())
    (project / "drafts.yaml").write_text("mine", "utf-8")

    refused = cli("faq", "mine", "--yaml", "drafts.yaml")
    assert (2, "mine") == (refused.exit_code, (project / "drafts.yaml").read_text("utf-8"))
    assert "--force" in refused.output

    assert 0 == cli("faq", "mine", "--yaml", "drafts.yaml", "--force").exit_code
    assert "samovyvoz" in (project / "drafts.yaml").read_text("utf-8")
    assert ["drafts.yaml"] == [path.name for path in project.glob("*drafts*")]


def test_a_place_that_cannot_be_written_is_a_sentence(cli: Cli, project: Path) -> None:
    keep(project, *three())
    (project / "file").write_text("", "utf-8")

    result = cli("faq", "mine", "--yaml", "file/drafts.yaml")

    assert 1 == result.exit_code
    assert "file/drafts.yaml" in result.stderr


def test_every_kind_of_noise_has_a_word() -> None:
    assert {f"faq_mine.noise_{kind.value}" for kind in Noise} <= Catalogue.load("cli").keys
