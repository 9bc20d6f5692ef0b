"""Files at the desk: those of customers reach the ticket or are named there, those of agents are fetched."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from channels.errors import Rejected, RetryLater, TooLarge, Unreachable
from channels.model import Media, MediaKind, Purpose
from optfm_bot.dispatch.inner import DeskIn
from optfm_bot.helpdesk.contract import AgentReplied, DeskFile, HelpdeskSettings
from tests.unit.helpdesk.desk_scene import Scene


def attached(path: Path, data: bytes, kind: MediaKind = MediaKind.FILE, mime: str = "") -> Media:
    path.write_bytes(data)
    return Media(kind=kind, path=str(path), name=path.name, mime=mime)


async def test_files_arrive_with_the_words(scene: Scene, tmp_path: Path) -> None:
    ticket = await scene.opened()
    files = [
        attached(tmp_path / "чек.pdf", b"pdf", mime="application/pdf"),
        attached(tmp_path / "1.bin", b"jpg", MediaKind.IMAGE),
    ]
    await scene.bring(200, "Вот", media=files)

    assert ticket.threads[-1].files == (
        DeskFile(name="чек.pdf", mime="application/pdf", data=b"pdf"),
        DeskFile(name="1.bin", mime="image/jpeg", data=b"jpg"),
    )


async def test_a_file_that_is_not_there_is_rejected_before_anything_is_said(
    scene: Scene, tmp_path: Path
) -> None:
    await scene.opened()
    lost = Media(kind=MediaKind.FILE, path=str(tmp_path / "lost.pdf"), name="lost.pdf")
    with pytest.raises(Rejected) as error:
        await scene.bring(200, "Вот", media=[lost])

    assert str(tmp_path) not in str(error.value)
    assert scene.calls == []


def too_large(name: str) -> str:
    return f"[Файл «{name}» слишком велик для обращения. Он остался там, где его отправил клиент: Сцена]"


async def test_files_that_are_too_large_become_sentences(tmp_path: Path) -> None:
    scene = Scene(file_limit=3)
    await scene.store.open()
    files = [attached(tmp_path / "a.pdf", b"four"), attached(tmp_path / "b.pdf", b"1")]
    await scene.keep()
    await scene.bring(5, "Вот", media=files)
    await scene.bring(6, "", media=files[:1])
    await scene.bring(7, "Копия", media=files[:1], purpose=Purpose.NOTE)

    (ticket,) = scene.there.values()
    assert ticket.texts == [
        f"customer: Вот\n\n{too_large('a.pdf')}\n\n{too_large('b.pdf')}",
        f"customer: {too_large('a.pdf')}",
        f"note: Копия\n\n{too_large('a.pdf')}",
    ]
    assert all(thread.files == () for thread in ticket.threads)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("arrived", [False, True])
async def test_names_instead_of_files_whose_call_was_lost_are_said_once(
    tmp_path: Path, *, restarted: bool, arrived: bool
) -> None:
    scene = Scene(file_limit=3)
    await scene.store.open()
    ticket = await scene.opened()
    files = [attached(tmp_path / "a.pdf", b"four")]
    if arrived:
        scene.helpdesk.lose = 1
    else:
        scene.helpdesk.refuse = [TooLarge(), Unreachable(maybe_sent=True)]
    with pytest.raises(Unreachable):
        await scene.bring(200, "Вот", media=files)
    if restarted:
        scene.desk = scene.begun()
    for _ in range(4):
        with suppress(RetryLater):
            await scene.bring(200, "Вот", media=files)
        await scene.clock.advance(5)

    assert ticket.texts == ["customer: Где заказ?", f"customer: Вот\n\n{too_large('a.pdf')}"]
    message = await scene.store.desk_message(200)
    assert message is not None
    assert message.external_id == ticket.threads[-1].id


async def test_words_that_are_too_large_themselves_are_too_large(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.refuse = [TooLarge(), TooLarge()]
    with pytest.raises(TooLarge):
        await scene.bring(200, "Вот")
    assert len(scene.helpdesk.refuse) == 1, "once is enough"


class Small(HelpdeskSettings):
    """Settings with a limit of their own."""

    file_limit: int


@pytest.mark.parametrize(("own", "limit"), [(None, 100), (50, 50), (500, 100)])
def test_the_limit_of_files_is_the_lower_one(own: int | None, limit: int) -> None:
    scene = Scene(file_limit=100)
    if own is not None:
        scene.helpdesk.settings = Small(file_limit=own)
    assert scene.begun().file_limit == limit


async def test_an_agents_file_is_fetched_from_there(scene: Scene) -> None:
    await scene.opened()
    scene.helpdesk.agent_replies(
        "1", "Вот", [DeskFile(name="счёт.pdf", mime="application/pdf", data=b"12345")]
    )
    await scene.desk.look("1")
    (heard,) = await scene.heard()
    assert isinstance(heard, DeskIn)
    assert isinstance(heard.event, AgentReplied)
    (file,) = heard.event.files
    media = Media(kind=MediaKind.FILE, file_id=file.id, name=file.name, size=file.size, origin="desk")

    assert await scene.desk.fetch(media, 5) == b"12345"
    with pytest.raises(TooLarge):
        await scene.desk.fetch(media, 4)
