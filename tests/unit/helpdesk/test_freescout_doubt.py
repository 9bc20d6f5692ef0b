"""A call with a file that broke off: what it brought to FreeScout is found, whatever can be had of the file now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from channels.body import text_body
from channels.codec import encode_outbound
from channels.errors import Gone, TooLarge, Unreachable
from channels.model import ChatRef, Media, MediaKind, Outbound, Purpose, RawUpdate, Rendered
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import HelpdeskContext
from optfm_bot.helpdesk.desk import Desk
from optfm_bot.helpdesk.freescout.helpdesk import FreeScout
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.records import OutboxRow
from optfm_bot.store.ticket_records import TicketRow
from optfm_bot.testing.freescout_server import FreeScoutServer

LANE = "stage:anna"
CHAT = ChatRef(channel="desk", chat_id="1")
LIES_THERE = Media(kind=MediaKind.FILE, name="счёт.pdf", origin="stage", file_id="f", public=False)


async def receive(_desk: str, updates: Sequence[RawUpdate]) -> int:
    return len(updates)


async def promise(store: MemoryStore, key: int, text: str, media: tuple[Media, ...] = ()) -> None:
    message = Outbound(chat=CHAT, body=text_body(text), media=media, purpose=Purpose.CUSTOMER)
    row = OutboxRow(
        id=key,
        channel="desk",
        lane=LANE,
        message=encode_outbound(message),
        purpose=Purpose.CUSTOMER.value,
        created_at=0,
    )
    async with store.unit() as unit:
        unit.outbox.add(row)


def rendered(key: int, text: str, media: tuple[Media, ...] = ()) -> Rendered:
    return Rendered(key=str(key), chat=CHAT, text=text, plain=text, media=media, purpose=Purpose.CUSTOMER)


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("file_first", [False, True])
@pytest.mark.parametrize("caption", ["вот счёт", ""])
async def test_a_message_is_there_once_with_its_file_or_without(
    tmp_path: Path, *, opens: bool, file_first: bool, caption: str
) -> None:
    clock, store = ManualClock(), MemoryStore()
    await store.open()
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    here = Media(kind=MediaKind.FILE, path=str(tmp_path / "a.pdf"), name="счёт.pdf", mime="application/pdf")
    channels: Any = {"stage": SimpleNamespace(title="Сцена")}
    async with FreeScoutServer(clock=clock.now) as server:
        settings = FreeScoutSettings.model_validate(
            {"url": server.base_url, "api_key": server.api_key, "mailbox_id": 2}
        )
        helpdesk = FreeScout(settings, HelpdeskContext(instance="desk", clock=clock.now))
        desk = Desk(
            helpdesk, store, clock, channels=channels, receive=receive, new_id=iter(range(9)).__next__
        )
        ticket = TicketRow(
            id=1,
            desk="desk",
            lane=LANE,
            person=LANE,
            subject="?",
            opened_at=clock.ms(),
            updated_at=clock.ms(),
        )
        async with store.unit() as unit:
            unit.desk.add_ticket(ticket)
        if not opens:
            await promise(store, 1, "Где заказ?")
            await desk.deliver(rendered(1, "Где заказ?"))
        await promise(store, 2, caption, (LIES_THERE,))
        sentence = desk.sentences.said(LIES_THERE, Gone())
        without = rendered(2, "\n\n".join(part for part in (caption, sentence) if part))
        first, second = (rendered(2, caption, (here,)), without)
        if not file_first:
            first, second = second, first
        server.fail("drop_after", verb="POST", path="/conversations*")
        with pytest.raises(Unreachable):
            await desk.deliver(first)
        await desk.deliver(second)
        [conversation] = server.world.conversations.values()
        customers = [one for one in conversation.threads if one.type == "customer"]
        assert len(customers) == (1 if opens else 2)
        assert [file.name for file in customers[-1].files] == (["счёт.pdf"] if file_first else [])
        await helpdesk.close()
    await store.close()


def test_the_sentences_differ_by_reason_and_name_the_file_and_its_place() -> None:
    channels: Any = {"stage": SimpleNamespace(title="Сцена")}
    clock = ManualClock()
    helpdesk: Any = SimpleNamespace(
        instance="desk", spec=SimpleNamespace(file_limit=9), settings=SimpleNamespace()
    )
    desk = Desk(
        helpdesk, MemoryStore(), clock, channels=channels, receive=receive, new_id=iter(range(9)).__next__
    )
    gone, large = (desk.sentences.said(LIES_THERE, why) for why in (Gone(), TooLarge()))
    assert gone != large
    assert all("счёт.pdf" in one and "Сцена" in one for one in (gone, large))
    assert desk.sentences.variants("вот", [LIES_THERE]) == ("вот", f"вот\n\n{gone}", f"вот\n\n{large}")
    assert desk.sentences.variants("вот", []) == ("вот",)
