"""channels record: what a channel has received becomes test payloads that the kit reads and that tell of nobody."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import orjson
import pytest
from click.testing import Result
from filelock import FileLock

from channels.capabilities import Capabilities
from channels.contract import (
    Batch,
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Cursor,
    Polling,
    Transport,
)
from channels.errors import BadPayload, Unauthorized
from channels.model import ChatRef, Inbound, RawUpdate, Receipt, Rendered, SenderRef, TextIn
from channels.registry import ChannelRegistry, SpecSource
from channels.testing.conformance.payloads import load_recorded
from channels.testing.recording import Scrubber
from config.secret import Secret
from optfm_bot.cli.record import deciding, scrubbed
from optfm_bot.store.engine import database_url
from optfm_bot.store.records import NewUpdate
from optfm_bot.store.schema import upgrade
from optfm_bot.store.sql import SqlStore

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
Cli = Callable[..., Result]

TEXT: dict[str, Any] = {
    "update_id": 918273645,
    "message": {
        "message_id": 519,
        "date": 1790000508,
        "chat": {"id": 5550123, "type": "private", "first_name": "Анна"},
        "from": {"id": 5550123, "is_bot": False, "first_name": "Анна", "language_code": "ru"},
        "text": "Здравствуйте, это Анна, мой телефон +7 (916) 555-44-33",
    },
}
PRESS: dict[str, Any] = {
    "update_id": 918273646,
    "callback_query": {
        "id": "77",
        "from": {"id": 5550123, "first_name": "Анна"},
        "data": "tok",
        "message": None,
    },
}
PERSONAL = ("5550123", "918273", "Анна", "916", "Здравствуйте")


def store(folder: Path, *updates: bytes | dict[str, Any], name: str = "telegram") -> None:
    """A database in which a channel has received these updates."""

    async def fill() -> None:
        url = database_url(f"sqlite:///{folder / 'optfm.db'}")
        await upgrade(url)
        kept = SqlStore(url.render_as_string())
        await kept.open()
        async with kept.unit() as unit:
            for number, update in enumerate(updates):
                key, payload = f"n{number}", update
                if isinstance(update, dict):
                    key, payload = f"123456789:{update['update_id']}", orjson.dumps(update)
                assert isinstance(payload, bytes)
                new = NewUpdate(channel=name, key=key, lane=f"{name}:5550123", payload=payload)
                unit.inbox.add(new, received_at=0, owner=None, lease_until=0)
        await kept.close()

    asyncio.run(fill())


@pytest.fixture
def with_telegram(project: Path) -> Path:
    config = {"faq": {"path": "knowledge/"}, "channels": {"telegram": {"token": TOKEN}}}
    (project / "config.yaml").write_text(json.dumps(config), "utf-8")
    return project


def test_stored_updates_become_payloads_of_the_kit(cli: Cli, with_telegram: Path) -> None:
    store(with_telegram, TEXT, PRESS)

    result = cli("channels", "record", "telegram")

    assert 0 == result.exit_code, result.output
    press, text = load_recorded(with_telegram / "payloads")
    assert ("action-1", "text-1") == (press.name, text.name)
    assert {**text.events[0], "text": ""} == {
        "type": "TextIn",
        "chat": "telegram:5000001",
        "sender": "5000001",
        "at": "2026-09-21T14:21:48+00:00",
        "message_id": "501",
        "text": "",
    }
    assert (text.key, press.key) == ("100000001:900000001", "100000001:900000002")
    assert "payloads/text-1.json: TextIn" in result.output


def test_nothing_personal_is_in_the_files_or_on_the_screen(cli: Cli, with_telegram: Path) -> None:
    store(with_telegram, TEXT, PRESS)

    shown = cli("channels", "record", "telegram").output
    shown += "".join(path.read_text("utf-8") for path in (with_telegram / "payloads").iterdir())

    assert [] == [word for word in (*PERSONAL, TOKEN, TOKEN.partition(":")[0]) if word in shown]


def test_only_the_last_ones_are_taken_and_nothing_is_overwritten(cli: Cli, with_telegram: Path) -> None:
    store(with_telegram, TEXT, PRESS)

    cli("channels", "record", "telegram", "--last", "1", "--out", "x")
    first = (with_telegram / "x" / "action-1.json").read_text("utf-8")
    cli("channels", "record", "telegram", "--last", "1", "--out", "x", "--public", "tok")

    assert ["action-1.json", "action-2.json"] == sorted(path.name for path in (with_telegram / "x").iterdir())
    assert first == (with_telegram / "x" / "action-1.json").read_text("utf-8")
    assert '"tok"' in (with_telegram / "x" / "action-2.json").read_text("utf-8")
    assert '"tok"' not in first


def test_what_cannot_be_read_or_means_nothing_is_recorded_as_such(cli: Cli, with_telegram: Path) -> None:
    store(with_telegram, {"update_id": 5, "message": 5}, {"update_id": 6, "poll": {}}, b"not JSON: nan")

    result = cli("channels", "record", "telegram", "--lang", "en")

    nothing, unreadable = load_recorded(with_telegram / "payloads")
    assert (unreadable.unreadable, nothing.unreadable, nothing.events) == (True, False, ())
    assert nothing.lane == "telegram:5000001"
    assert "unreadable-1.json: cannot be read" in result.output
    assert "nothing-1.json: means nothing to us" in result.output


def test_without_updates_the_command_says_where_they_come_from(cli: Cli, with_telegram: Path) -> None:
    first = cli("channels", "record", "telegram")
    store(with_telegram)
    second = cli("channels", "record", "telegram")

    assert (1, 1) == (first.exit_code, second.exit_code)
    assert "Напишите боту" in first.output
    assert first.output == second.output
    assert not (with_telegram / "payloads").exists()


def test_looking_makes_no_database(cli: Cli, with_telegram: Path) -> None:
    cli("channels", "record", "telegram")

    assert not (with_telegram / "optfm.db").exists()


def test_an_unknown_channel_is_a_usage_error(cli: Cli, with_telegram: Path) -> None:
    result = cli("channels", "record", "nosuch")

    assert (2, True) == (result.exit_code, "Есть: telegram" in result.output)


def test_a_channel_that_is_only_pushed_to_cannot_be_asked(cli: Cli, project: Path) -> None:
    result = cli("channels", "record", "web", "--live", "--lang", "en")

    assert (2, True) == (result.exit_code, "cannot be polled" in result.output)


# -- asking the platform ---------------------------------------------------------------------------------------------


class TicketSettings(ChannelSettings):
    token: Secret = Secret("canary-0123")


class TicketChannel(Channel, Polling):
    """A platform whose word for a message is one that the scrubber cannot know."""

    calls: ClassVar[list[Any]] = []
    batches: ClassVar[list[Any]] = []
    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="tickets",
        title="Tickets",
        settings=TicketSettings,
        capabilities=Capabilities(text_limit=100),
        factory="a_stranger:TicketChannel",
        transports=frozenset({Transport.POLLING}),
    )

    async def open(self) -> None:
        self.calls.append("open")

    async def close(self) -> None:
        self.calls.append("close")

    async def fetch(self, cursor: Cursor | None) -> Batch:
        self.calls.append(("fetch", cursor))
        answer = self.batches.pop(0) if self.batches else None
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        updates = tuple(RawUpdate(key=str(u["no"]), lane="tickets:7", payload=u) for u in answer)
        return Batch(updates=updates, cursor=Cursor("behind"))

    async def confirm(self, batch: Batch) -> None:
        self.calls.append("confirm")

    async def deliver(self, message: Rendered) -> Receipt:
        raise NotImplementedError

    def parse(self, raw: RawUpdate) -> Sequence[Inbound]:
        if "what" not in raw.payload:
            raise BadPayload
        if raw.payload["what"] != "question":
            return ()
        return (
            TextIn(
                event_id=raw.key,
                chat=ChatRef(channel=self.instance, chat_id="7"),
                sender=SenderRef(external_id="7"),
                at=datetime(2026, 1, 1, tzinfo=UTC),
                text=raw.payload["words"],
            ),
        )


QUESTION = {"no": 4711, "what": "question", "words": "Где мой заказ?"}


@pytest.fixture
def tickets(project: Path, monkeypatch: pytest.MonkeyPatch) -> type[TicketChannel]:
    module = ModuleType("a_stranger")
    vars(module).update(TicketChannel=TicketChannel, SPEC=TicketChannel.spec)
    monkeypatch.setitem(sys.modules, "a_stranger", module)
    source = SpecSource("tickets", "a_stranger:SPEC", "optfm-tickets")
    monkeypatch.setattr(ChannelRegistry, "installed", lambda: ChannelRegistry([source]))
    (project / "config.yaml").write_text("faq: {path: knowledge/}\nchannels: {tickets: {}}\n", "utf-8")
    monkeypatch.setattr(TicketChannel, "calls", [])
    monkeypatch.setattr(TicketChannel, "batches", [])
    return TicketChannel


def test_the_platform_is_asked_from_the_oldest_and_nothing_is_confirmed(
    cli: Cli, tickets: type[TicketChannel], project: Path
) -> None:
    tickets.batches[:] = [[], [QUESTION, {**QUESTION, "no": 4712}]]

    result = cli("channels", "record", "tickets", "--live", "--keep", "what", "--last", "1")

    assert 0 == result.exit_code, result.output
    assert ["open", ("fetch", None), ("fetch", None), "close"] == tickets.calls
    (recorded,) = load_recorded(project / "payloads")
    assert recorded.update == {"no": 4001, "what": "question", "words": "Ааб ааб ааааб?"}


def test_a_silent_platform_is_waited_for_no_longer_than_said(cli: Cli, tickets: type[TicketChannel]) -> None:
    result = cli("channels", "record", "tickets", "--live", "--wait", "1")

    assert (1, True) == (result.exit_code, "ничего не пришло" in result.output)
    assert "close" == tickets.calls[-1]


def test_a_refusal_of_the_platform_is_a_sentence_and_the_channel_is_closed(
    cli: Cli, tickets: type[TicketChannel]
) -> None:
    tickets.batches[:] = [Unauthorized("the token is wrong")]

    result = cli("channels", "record", "tickets", "--live")

    assert (5, True) == (result.exit_code, "the token is wrong" in result.output)
    assert "close" == tickets.calls[-1]


def test_a_bot_that_runs_is_not_disturbed(cli: Cli, tickets: type[TicketChannel], project: Path) -> None:
    with FileLock(project / "optfm.db.lock"):
        result = cli("channels", "record", "tickets", "--live")

    assert 3 == result.exit_code
    assert [] == tickets.calls


def test_a_word_that_decides_and_was_scrubbed_is_found(cli: Cli, tickets: type[TicketChannel]) -> None:
    tickets.batches[:] = [[QUESTION]]

    result = cli("channels", "record", "tickets", "--live", "--lang", "en")

    assert "scrubbed it means something else: means nothing to us, before: TextIn" in result.output
    assert "--keep what" in result.output
    assert "--keep words" not in result.output


def test_only_single_plain_words_are_suspected() -> None:
    before = {"kind": "question", "text": "two words", "id": "a5", "list": [{"sort": "x"}], "same": "y"}
    after = {"kind": "a", "text": "b", "id": "c", "list": [{"sort": "d"}], "same": "y"}

    assert ["kind", "sort"] == list(deciding(before, after))


def test_a_lane_that_is_no_conversation_loses_its_numbers_too() -> None:
    update = RawUpdate(key="5550123", lane="tickets/5550123", payload={"id": 5550123})
    context = ChannelContext(instance="tickets", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    channel = TicketChannel(TicketSettings(), context)

    (taken,) = scrubbed([update], Scrubber(), channel)

    assert (taken.raw.key, taken.raw.payload) == ("5000001", {"id": 5000001})
    assert taken.raw.lane.endswith("/5000001")
