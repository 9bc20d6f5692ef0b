"""helpdesk: tested, asked what is new, given what it did not get; doctor looks at it, too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from click.testing import Result

from channels.body import text_body
from channels.codec import encode_outbound
from channels.model import ChatRef, Outbound, Purpose
from config.secret import Secret
from optfm_bot.cli.desk_signs import examine_desk
from optfm_bot.cli.output import Mark
from optfm_bot.cli.words import Words
from optfm_bot.clock import ManualClock, SystemClock
from optfm_bot.helpdesk.contract import Customer, DeskMessage, HelpdeskContext, TicketDraft
from optfm_bot.helpdesk.freescout.helpdesk import FreeScout
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxRow, OutboxState, PersonRow
from optfm_bot.store.sql import SqlStore
from optfm_bot.store.ticket_records import TicketRow, TicketStatus
from optfm_bot.testing.freescout_server import FreeScoutServer
from optfm_bot.testing.memory_desk import MemoryHelpdesk

Cli = Callable[..., Result]
T = TypeVar("T")

DAY = 24 * 60 * 60 * 1000
KEY = "canary-key-0123456789"
NO_HELPDESK = "Служба поддержки не настроена."


def with_store(folder: Path, work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        store: Store = SqlStore(f"sqlite+aiosqlite:///{folder / 'optfm.db'}")
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> MemoryHelpdesk:
    """A configured helpdesk in memory, the same one for every command."""
    made = MemoryHelpdesk(HelpdeskContext(instance="desk", clock=SystemClock().now))
    monkeypatch.setattr("optfm_bot.cli.desk_plan.make_helpdesk", lambda *_, **__: made)
    return made


@pytest.fixture
def folder(cli: Cli, project: Path, desk: MemoryHelpdesk) -> Path:
    """A database with three tickets: number 1 is open, 2 was closed ten days ago, 3 has not arrived there yet."""
    assert 0 == cli("db", "upgrade").exit_code
    for number in (1, 2):
        opened(desk, f"max:{number}")
    now = SystemClock().ms()

    async def keep(store: Store) -> None:
        async with store.unit() as unit:
            unit.history.save_person(person("max:1", "Мария", now))
            unit.desk.add_ticket(ticket(1, now, external_id="1", number="701", url="https://desk.test/1"))
            unit.desk.add_ticket(
                ticket(2, now - 10 * DAY, external_id="2", number="702", status=TicketStatus.CLOSED)
            )
            unit.desk.add_ticket(ticket(3, now))

    with_store(project, keep)
    return project


def opened(desk: MemoryHelpdesk, ref: str) -> None:
    asyncio.run(desk.open_ticket(draft(ref)))


def draft(ref: str) -> TicketDraft:
    return TicketDraft(
        key=ref,
        subject="MAX: доставка",
        customer=Customer(ref=ref, name="Мария", channel="MAX"),
        customer_id=None,
        message=DeskMessage(key=ref, text="где заказ"),
    )


def ticket(own_id: int, at: int, **about: Any) -> TicketRow:
    return TicketRow(
        id=own_id,
        desk="desk",
        lane=f"max:{own_id}",
        person=f"max:{own_id}",
        subject="доставка",
        opened_at=at,
        updated_at=at,
        **about,
    )


def person(ref: str, name: str, at: int) -> PersonRow:
    channel, _, external_id = ref.partition(":")
    return PersonRow(
        ref=ref,
        channel=channel,
        external_id=external_id,
        display_name=name,
        first_seen_at=at,
        last_seen_at=at,
    )


def relay(number: int, to: int, state: OutboxState, *, channel: str = "desk") -> OutboxRow:
    message = Outbound(
        chat=ChatRef(channel=channel, chat_id=str(to)), body=text_body("ау"), purpose=Purpose.CUSTOMER
    )
    return OutboxRow(
        id=number,
        channel=channel,
        lane=f"max:{to}",
        message=encode_outbound(message),
        purpose="customer",
        created_at=1,
        state=state,
    )


def hints(folder: Path) -> list[tuple[str, str]]:
    """Lanes and tickets of the hints that wait in the inbox."""

    async def read(store: Store) -> list[tuple[str, str]]:
        rows = await store.recent_updates("desk")
        return [(row.lane, json.loads(row.payload)["ticket"]) for row in rows]

    return with_store(folder, read)


# -- test -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [("test",), ("sync",), ("replay", "--failed")])
def test_without_a_helpdesk_it_is_said_what_to_do(cli: Cli, project: Path, call: tuple[str, ...]) -> None:
    result = cli("helpdesk", *call)

    assert 3 == result.exit_code
    assert NO_HELPDESK in result.stdout
    assert "в разделе helpdesk" in result.stdout


def test_a_helpdesk_that_works_is_tested(cli: Cli, project: Path, desk: MemoryHelpdesk) -> None:
    result = cli("helpdesk", "test")

    assert 0 == result.exit_code
    for part in (
        "✓ desk: работает",
        "спрашивает раз в 30 с",
        "→ чтобы ответы",
        "Обращение появится в Memory",
    ):
        assert part in result.stdout
    assert desk.calls == []
    found = json.loads(cli("helpdesk", "test", "--json").stdout)
    assert ("desk", "memory", "ok") == tuple(found[key] for key in ("helpdesk", "type", "state"))
    assert ["ok", "ok"] == [one["mark"] for one in found["findings"]]


@pytest.mark.parametrize(("fault", "code"), [("revoked", 5), ("down", 4)])
def test_trouble_has_the_codes_of_channels(
    cli: Cli, project: Path, desk: MemoryHelpdesk, fault: str, code: int
) -> None:
    setattr(desk, fault, True)
    result = cli("helpdesk", "test")

    assert code == result.exit_code
    assert "✗ desk: " in result.stdout
    assert "Обращение появится" not in result.stdout


@pytest.mark.parametrize(
    ("about", "code", "part"),
    [
        ({}, 0, "✓ desk Поддержка: работает"),
        ({"api_key": "another-key"}, 5, "✗ desk: доступ отклонён"),
        ({"mailbox_id": 99}, 4, "Ящика 99 нет"),
    ],
)
async def test_freescout_is_tested(
    cli: Cli, project: Path, about: dict[str, Any], code: int, part: str
) -> None:
    async with FreeScoutServer(api_key=KEY) as server:
        settings = {"type": "freescout", "url": server.base_url, "api_key": KEY, "mailbox_id": 2, **about}
        configured(project, settings)
        result = await asyncio.to_thread(cli, "helpdesk", "test")

    assert (code, True) == (result.exit_code, part in result.stdout), result.output
    assert KEY not in result.output
    assert "another-key" not in result.output


def configured(project: Path, settings: dict[str, Any]) -> None:
    config = {
        "faq": {"path": "knowledge/"},
        "channels": {"web": {"type": "webchat"}},
        "helpdesk": {"desk": settings},
    }
    (project / "config.yaml").write_text(json.dumps(config), "utf-8")


@asynccontextmanager
async def answering(text: str) -> AsyncIterator[str]:
    """Somebody at an address who says that to every GET; gives the address."""

    async def say(_: web.Request) -> web.Response:
        return web.Response(text=text)

    app = web.Application()
    app.router.add_get("/desk/webhook", say)
    async with TestServer(app) as server:
        yield f"http://{server.host}:{server.port}"


class Hooked(MemoryHelpdesk):
    """With a secret for webhooks in its settings."""

    def __init__(self) -> None:
        super().__init__(HelpdeskContext(instance="desk", clock=ManualClock().now))
        settings = self.settings.model_copy()
        object.__setattr__(settings, "webhook_secret", Secret("canary"))
        self.settings = settings


@pytest.mark.parametrize(
    ("said", "mark", "part"),
    [
        ("The webhook of desk is alive.\n", Mark.OK, "адрес вебхука отвечает"),
        ("<html>Welcome to nginx!</html>", Mark.WARNING, "отвечает не бот (HTTP 200)"),
    ],
)
async def test_the_address_of_the_webhook_is_asked(said: str, mark: Mark, part: str) -> None:
    async with answering(said) as address:
        found = await examine_desk(Hooked(), [], public_url=address, words=Words("ru"))

    assert found.signs[1].mark is mark
    assert part in found.signs[1].text
    assert bool(found.signs[1].fix) is (mark is Mark.WARNING)


async def test_a_webhook_that_cannot_come_is_warned_of() -> None:
    async with answering("") as address:
        pass
    silent = await examine_desk(Hooked(), [], public_url=address, words=Words("ru"))
    nowhere = await examine_desk(Hooked(), [], public_url=None, words=Words("ru"))

    for found, part in ((silent, "не отвечает"), (nowhere, "адреса бота нет")):
        assert [Mark.OK, Mark.WARNING] == [sign.mark for sign in found.signs]
        assert part in found.signs[1].text
        assert found.signs[1].fix


# -- sync -------------------------------------------------------------------------------------------------


def test_changes_are_asked_for_and_stored_once(cli: Cli, folder: Path, desk: MemoryHelpdesk) -> None:
    first = cli("helpdesk", "sync")
    assert (0, "✓ Бот прочтёт 0 обращений\n") == (first.exit_code, first.stdout)
    desk.agent_replies("1", "в пути")

    assert "Бот прочтёт 1 обращение" in cli("helpdesk", "sync").stdout
    assert [("desk:ticket 1", "1")] == hints(folder)
    assert 0 == json.loads(cli("helpdesk", "sync", "--json").stdout)["tickets"]


def test_one_ticket_is_read_by_number_or_id(cli: Cli, folder: Path, desk: MemoryHelpdesk) -> None:
    opened(desk, "max:9")
    for name in ("#702", "1", "3"):
        assert 0 == cli("helpdesk", "sync", "--ticket", name).exit_code

    assert ["2", "1", "3"] == [one for _, one in hints(folder)]
    unknown = cli("helpdesk", "sync", "--ticket", "404")
    assert (1, True) == (unknown.exit_code, "Обращения 404 нет" in unknown.stdout)


def test_those_of_the_last_days_are_read_and_open_ones(cli: Cli, folder: Path, desk: MemoryHelpdesk) -> None:
    assert "1 обращение" in cli("helpdesk", "sync", "--since", "5").stdout
    assert "2 обращения" in cli("helpdesk", "sync", "--since", "20").stdout
    assert ["1", "1", "2"] == sorted(one for _, one in hints(folder))
    assert {"open_ticket"} == set(desk.calls), "only the tickets of the test were opened"
    assert 2 == cli("helpdesk", "sync", "--since", "5", "--ticket", "1").exit_code


@pytest.mark.parametrize(("fault", "code"), [("down", 4), ("revoked", 5)])
def test_a_helpdesk_that_does_not_answer_leaves_everything_as_it_is(
    cli: Cli, folder: Path, desk: MemoryHelpdesk, fault: str, code: int
) -> None:
    cli("helpdesk", "sync")
    desk.agent_replies("1", "в пути")
    setattr(desk, fault, True)
    assert code == cli("helpdesk", "sync").exit_code
    setattr(desk, fault, False)

    assert "1 обращение" in cli("helpdesk", "sync").stdout


# -- replay -----------------------------------------------------------------------------------------------


@pytest.fixture
def failed(folder: Path) -> Path:
    """Messages in every state that a message can end in."""

    async def keep(store: Store) -> None:
        async with store.unit() as unit:
            for row in (
                relay(11, 1, OutboxState.FAILED),
                relay(12, 1, OutboxState.UNCERTAIN),
                relay(13, 1, OutboxState.DROPPED),
                relay(14, 2, OutboxState.FAILED),
                relay(15, 3, OutboxState.FAILED),
                relay(16, 1, OutboxState.FAILED, channel="max"),
            ):
                unit.outbox.add(row)

    with_store(folder, keep)
    return folder


def ready(folder: Path) -> list[int]:
    async def read(store: Store) -> Sequence[int]:
        return await store.ready("desk")

    return list(with_store(folder, read))


def test_what_a_ticket_did_not_get_is_brought_again(cli: Cli, failed: Path) -> None:
    result = cli("helpdesk", "replay", "--ticket", "701")

    assert 0 == result.exit_code
    assert "сообщений 2. Бот заново прочтёт 1 обращение" in result.stdout
    assert [11, 12] == ready(failed)
    assert [("desk:ticket 1", "1")] == hints(failed)


def test_what_any_ticket_did_not_get_is_brought_again(cli: Cli, failed: Path) -> None:
    found = json.loads(cli("helpdesk", "replay", "--failed", "--json").stdout)

    assert {"messages": 4, "tickets": 2} == found
    assert [11, 12, 14, 15] == ready(failed)
    assert ["1", "2"] == [one for _, one in hints(failed)]
    assert {"messages": 0, "tickets": 0} == json.loads(cli("helpdesk", "replay", "--failed", "--json").stdout)


def test_a_replay_needs_to_know_of_what(cli: Cli, failed: Path) -> None:
    assert 2 == cli("helpdesk", "replay").exit_code
    assert 2 == cli("helpdesk", "replay", "--failed", "--ticket", "1").exit_code
    assert 1 == cli("helpdesk", "replay", "--ticket", "404").exit_code
    assert [] == ready(failed)


# -- tickets ----------------------------------------------------------------------------------------------


def test_tickets_are_listed_newest_first(cli: Cli, folder: Path) -> None:
    listed = cli("helpdesk", "tickets").stdout.splitlines()

    assert ["Номер", "Состояние", "Клиент", "Канал", "Открыто", "Адрес"] == listed[0].split()
    assert ["—", "702", "701"] == [line.split()[0] for line in listed[1:]]
    for part in ("открыто", "Мария", "max", "https://desk.test/1"):
        assert part in listed[3]
    assert "закрыто" in listed[2]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [(("--open",), [None, "1"]), (("--limit", "1"), [None]), ((), [None, "2", "1"])],
)
def test_the_list_of_tickets_can_be_narrowed(
    cli: Cli, folder: Path, arguments: tuple[str, ...], ids: list[str | None]
) -> None:
    found = json.loads(cli("helpdesk", "tickets", "--json", *arguments).stdout)

    assert ids == [one["id"] for one in found]


def test_where_there_are_no_tickets_that_is_said(cli: Cli, project: Path) -> None:
    assert (0, "Обращений нет.\n") == (
        (result := cli("helpdesk", "tickets")).exit_code,
        result.stdout,
    )


# -- doctor -----------------------------------------------------------------------------------------------


def test_doctor_looks_at_the_helpdesk(cli: Cli, folder: Path, desk: MemoryHelpdesk) -> None:
    good = json.loads(cli("doctor", "--json").stdout)["findings"]
    assert ["ok", "ok"] == [one["mark"] for one in good if one["group"] == "helpdesk"]
    desk.revoked = True

    result = cli("doctor")
    assert 1 == result.exit_code
    assert "Служба поддержки\n  ✗ desk: доступ отклонён" in result.stdout
    assert "→ the key is not valid any more" in result.stdout


def test_doctor_offline_asks_no_helpdesk(cli: Cli, folder: Path, desk: MemoryHelpdesk) -> None:
    desk.down = True
    found = json.loads(cli("doctor", "--offline", "--json").stdout)["findings"]

    assert [("ok", "desk: сеть не спрашивали (--offline)")] == [
        (one["mark"], one["text"]) for one in found if one["group"] == "helpdesk"
    ]


async def test_what_changed_in_freescout_is_asked_for_from_where_it_was_asked_last(
    cli: Cli, project: Path
) -> None:
    clock = ManualClock()
    async with FreeScoutServer(api_key=KEY, clock=clock.now) as server:
        settings = {"url": server.base_url, "api_key": KEY, "mailbox_id": 2}
        configured(project, {"type": "freescout", **settings})
        about = HelpdeskContext(instance="desk", clock=clock.now)
        freescout = FreeScout(FreeScoutSettings.model_validate(settings), about)
        ref = await freescout.open_ticket(draft("max:1"))
        counts = []
        for change in (False, True, False):
            await clock.advance(3600)
            if change:
                server.agents.reply(int(ref.id), "<p>в пути</p>")
            told = await asyncio.to_thread(cli, "helpdesk", "sync", "--json")
            counts.append(json.loads(told.stdout)["tickets"])
        await freescout.close()

    assert [0, 1] == counts[:2]
    assert [("desk:ticket " + ref.id, ref.id)] == list(dict.fromkeys(await asyncio.to_thread(hints, project)))
