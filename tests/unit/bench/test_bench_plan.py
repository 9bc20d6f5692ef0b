"""Plans: what goes together, what is asked, and the base that answers it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from faq import KnowledgeError
from optfm_bot.bench.codes import BaseUnfit, code_in, period_for, texts, write_base
from optfm_bot.bench.database import database, read_address
from optfm_bot.bench.load import MOST_CHATS, MOST_MESSAGES, Load
from optfm_bot.bench.plan import CHANNELS, Misfit, Plan, settings
from optfm_bot.bench.processes import Fleet
from optfm_bot.errors import StartRefused
from optfm_bot.knowledge import demo_knowledge

POSTGRESQL = make_url("postgresql+asyncpg://owner:canary@127.0.0.1/test")


def plan(**given: Any) -> Plan:
    load = given.pop("load", Load(chats=10, messages=100, per_second=10.0))
    return Plan(**{"channel": "telegram", "webhook": False, "load": load, **given})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"channel": "web"}, [Misfit.WEB_POLLS]),
        ({"channel": "web", "webhook": True}, []),
        ({"channel": "web", "webhook": True, "latency": 0.1}, [Misfit.WEB_LATENCY]),
        ({"processes": 2}, [Misfit.SQLITE_ALONE]),
        ({"processes": 2, "database": POSTGRESQL}, []),
        ({"processes": 2, "database": POSTGRESQL, "roles": ("all",)}, [Misfit.ROLES_COUNT]),
        ({"processes": 2, "database": POSTGRESQL, "roles": ("poller", "worker")}, []),
        ({"processes": 2, "database": POSTGRESQL, "roles": ("poller", "web")}, [Misfit.NOBODY_ANSWERS]),
        ({"processes": 2, "database": POSTGRESQL, "roles": ("web", "worker")}, [Misfit.NOBODY_POLLS]),
        (
            {"processes": 2, "database": POSTGRESQL, "roles": ("poller", "worker"), "webhook": True},
            [Misfit.NOBODY_SERVES],
        ),
        ({"load": Load(chats=1, messages=5), "kill_every": 2.0}, [Misfit.KILLS_IN_BURST]),
    ],
)
def test_what_does_not_go_together(given: dict[str, Any], expected: list[Misfit]) -> None:
    assert list(plan(**given).misfits()) == expected


def test_what_was_run_is_told_without_the_address_of_the_database() -> None:
    told = json.dumps(plan(database=POSTGRESQL).as_json())
    assert '"postgresql"' in told
    assert "canary" not in told
    assert "owner" not in told


@pytest.mark.parametrize(
    "given",
    [
        {"chats": 0, "messages": 1},
        {"chats": MOST_CHATS + 1, "messages": 1},
        {"chats": 1, "messages": 0},
        {"chats": 1, "messages": MOST_MESSAGES + 1},
        {"chats": 1, "messages": 1, "per_second": -1.0},
    ],
)
def test_a_load_has_limits(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"are 1 to|below 0"):
        Load(**given)


def test_a_load_is_written_evenly_and_in_turn() -> None:
    load = Load(chats=3, messages=6, per_second=2.0)
    assert [load.chat(number) for number in range(6)] == [0, 1, 2, 0, 1, 2]
    assert [load.due(number) for number in range(3)] == [0.0, 0.5, 1.0]
    assert load.seconds == 3.0
    assert Load(chats=3, messages=6).due(5) == 0.0


@pytest.mark.parametrize("chats", [1, 200, 211, 422, 223, 10_000])
def test_a_chat_asks_for_every_code_before_one_comes_again(chats: int) -> None:
    load = Load(chats=chats, messages=1)
    codes = [load.code(chats * turn + chats // 2) for turn in range(load.period)]
    assert sorted(codes) == list(range(load.period))


def test_texts_and_codes_go_together() -> None:
    period = period_for(200)
    written = texts(period)
    assert len(set(written)) == len(written) > 512, "more than the bot remembers decisions for"
    assert [code_in(text) for text in written] == [number % period for number in range(len(written))]
    assert code_in("Проверочный код 007 получен.") == 7
    assert code_in("Доставка по России — от 300 ₽.") is None


@pytest.mark.parametrize("own", [False, True])
def test_the_base_answers_every_question_with_its_code(tmp_path: Path, *, own: bool) -> None:
    write_base(tmp_path / "base", 211, demo_knowledge() if own else None)  # proves it itself
    assert (tmp_path / "base" / "own").exists() is own


def test_a_base_that_takes_the_questions_for_its_own_is_refused(tmp_path: Path) -> None:
    entry = "{id: mine, question: 'Проверочный код 005 — что это?', answer: Моё.}"
    (tmp_path / "own.yaml").write_text(f"version: 1\nlanguage: ru\nentries: [{entry}]\n", "utf-8")
    with pytest.raises(BaseUnfit, match="005"):
        write_base(tmp_path / "base", 211, tmp_path / "own.yaml")


def test_a_base_with_mistakes_is_named_as_its_owner_knows_it(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("version: 1\nentries: 5\n", "utf-8")
    with pytest.raises(KnowledgeError) as caught:
        write_base(tmp_path / "base", 211, tmp_path / "own.yaml")
    assert str(tmp_path / "own.yaml") in str(caught.value)


@pytest.mark.parametrize("address", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_addresses_that_cannot_be_measured_with(address: str) -> None:
    with pytest.raises(StartRefused):
        read_address(address)


def test_a_database_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()
    with pytest.raises(StartRefused, match=r"old\.db is there already"):
        read_address(f"sqlite:///{tmp_path / 'old.db'}")
    assert read_address(None) is None


async def test_a_name_is_never_made_into_sql(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no plain name"):
        async with database(POSTGRESQL, tmp_path, "x; DROP TABLE inbox"):
            pass


def test_every_process_has_a_port_and_one_public_address(tmp_path: Path) -> None:
    given = settings(database=POSTGRESQL, knowledge=tmp_path / "base", channels={"web": {"type": "webchat"}})
    fleet = Fleet(tmp_path, given, 3, ("poller", "web", "web"))
    files = [json.loads(path.read_text("utf-8")) for path in sorted(tmp_path.glob("bot-*.yaml"))]
    assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("bot-*.yaml")} == {0}
    assert len({one["server"]["port"] for one in files}) == 3
    assert {one["server"]["public_url"] for one in files} == {fleet.addresses[0]}
    assert fleet.addresses == [one.address for one in fleet.processes[1:]]
    assert {one["database"]["url"] for one in files} == {POSTGRESQL.render_as_string(hide_password=False)}
    shutil.rmtree(tmp_path)


def test_every_channel_has_another_side() -> None:
    from optfm_bot.bench.fake import PLATFORMS  # noqa: PLC0415 - the names are what is compared

    assert {*PLATFORMS, "web"} == set(CHANNELS)
