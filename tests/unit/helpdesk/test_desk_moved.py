"""What a ticket hears that goes on at another helpdesk, and of files that a helpdesk does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.errors import Rejected, Unreachable
from channels.model import Media, MediaKind, Purpose
from optfm_bot.dispatch.inner import MovedIn, RefusedIn
from optfm_bot.helpdesk.contract import DeskMessage, ThreadRef, TicketDraft, TicketRef
from optfm_bot.testing.memory_desk import MemoryHelpdesk
from tests.unit.helpdesk.desk_scene import Scene


async def test_a_talk_that_goes_on_here_is_briefed_once(scene: Scene) -> None:
    await scene.keep(desk="freescout", external_id="77")
    scene.helpdesk.refuse = [Unreachable(maybe_sent=False)]
    with pytest.raises(Unreachable):
        await scene.bring(200, "Жду")
    await scene.bring(200, "Жду")
    await scene.bring(201, "Вы здесь?")

    assert [ticket.texts for ticket in scene.there.values()] == [["customer: Жду", "customer: Вы здесь?"]]
    assert [one for one in await scene.heard() if isinstance(one, MovedIn)] == [MovedIn(ticket=1, by=200)]


async def test_a_talk_whose_every_word_still_waited_needs_no_briefing(scene: Scene) -> None:
    await scene.keep(desk="freescout")
    await scene.bring(200, "Жду")
    assert await scene.heard() == []


async def test_a_note_goes_nowhere_and_an_end_is_an_end(scene: Scene) -> None:
    await scene.keep(desk="freescout", external_id="77")
    with pytest.raises(Rejected):
        await scene.bring(200, "для своих", purpose=Purpose.NOTE)
    await scene.bring(201, purpose=Purpose.CLOSE)
    assert (scene.there, await scene.heard()) == ({}, [])


class Picky(MemoryHelpdesk):
    """A helpdesk that takes no file."""

    async def open_ticket(self, draft: TicketDraft) -> TicketRef:
        ref = await super().open_ticket(draft)
        return TicketRef(id=ref.id, thread_id=ref.thread_id, refused=_names(draft.message))

    async def add_customer_message(self, ticket: TicketRef, message: DeskMessage) -> ThreadRef:
        ref = await super().add_customer_message(ticket, message)
        return ThreadRef(id=ref.id, refused=_names(message))


def _names(message: DeskMessage) -> tuple[str, ...]:
    return tuple(file.name for file in message.files)


async def test_agents_hear_of_files_that_the_helpdesk_did_not_take(scene: Scene, tmp_path: Path) -> None:
    scene.helpdesk.__class__ = Picky
    path = tmp_path / "shell.php"
    path.write_bytes(b"<?php")
    files = [Media(kind=MediaKind.FILE, path=str(path), name="shell.php")]
    await scene.keep()
    await scene.bring(5, "Вот", media=files)
    await scene.bring(6, "И ещё раз", media=files)

    heard = await scene.heard()
    assert heard == [RefusedIn(files=("shell.php",))] * 2
