from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from faq import KnowledgeBase, KnowledgeError, KnowledgeWatcher, load_knowledge

Told = asyncio.Queue[KnowledgeBase | KnowledgeError]


def text(*ids: str) -> str:
    return "entries:\n" + "".join(f"  - {{id: {name}, question: Где {name}?, answer: Тут}}\n" for name in ids)


def ids(told: KnowledgeBase | KnowledgeError) -> list[str]:
    assert isinstance(told, KnowledgeBase)
    return [entry.id for entry in told.entries]


@asynccontextmanager
async def watching(path: Path, served: str = "") -> AsyncIterator[Told]:
    told: Told = asyncio.Queue()
    stop = asyncio.Event()
    watcher = KnowledgeWatcher(path, told.put_nowait, served=served, debounce=0.05, look_again=0.2)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watcher.run(stop))
        yield told
        stop.set()
        async with asyncio.timeout(5):
            await task


async def next_of(told: Told) -> KnowledgeBase | KnowledgeError:
    async with asyncio.timeout(10):
        return await told.get()


@pytest.mark.parametrize("folder", [True, False], ids=["folder", "file"])
async def test_a_save_a_mistake_and_its_repair_are_told_in_turn(tmp_path: Path, folder: bool) -> None:  # noqa: FBT001  # a row
    file = tmp_path / "a.yaml"
    file.write_text(text("one"))
    served = load_knowledge(tmp_path if folder else file).fingerprint
    async with watching(tmp_path if folder else file, served) as told:
        file.write_text(text("one", "two"))
        assert ids(await next_of(told)) == ["one", "two"]
        file.write_text("entries: [")
        assert isinstance(await next_of(told), KnowledgeError)
        file.write_text(text("three"))
        assert ids(await next_of(told)) == ["three"]


async def test_a_file_that_is_replaced_by_a_rename_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text("one"))
    async with watching(file) as told:
        assert ids(await next_of(told)) == ["one"]
        for name in ("two", "three"):
            (tmp_path / "a.yaml~").write_text(text(name))
            (tmp_path / "a.yaml~").replace(file)
            assert [name] == ids(await next_of(told))


async def test_a_file_that_vanishes_and_comes_back_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text("one"))
    async with watching(file) as told:
        assert ids(await next_of(told)) == ["one"]
        file.unlink()
        assert isinstance(await next_of(told), KnowledgeError)
        file.write_text(text("one"))
        assert ids(await next_of(told)) == ["one"]


async def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    async with watching(folder / "a.yaml") as told:
        assert isinstance(await next_of(told), KnowledgeError)
        folder.mkdir()
        (folder / "a.yaml").write_text(text("one"))
        while isinstance(found := await next_of(told), KnowledgeError):
            continue
        assert ids(found) == ["one"]


async def test_the_same_content_is_not_told_twice(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text("one"))
    told: Told = asyncio.Queue()
    watcher = KnowledgeWatcher(file, told.put_nowait, served=load_knowledge(file).fingerprint)
    await watcher.check()
    file.write_text(text("one"))
    await watcher.check()
    assert told.empty()
    file.write_text(text("two"))
    await watcher.check()
    assert ids(told.get_nowait()) == ["two"]


async def test_a_waiting_callback_is_awaited(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text("one"))
    told: Told = asyncio.Queue()
    await KnowledgeWatcher(tmp_path, told.put).check()
    assert ids(told.get_nowait()) == ["one"]


async def test_a_cancelled_watch_ends_and_leaves_no_task(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text("one"))
    told: Told = asyncio.Queue()
    before = asyncio.all_tasks()
    task = asyncio.create_task(KnowledgeWatcher(tmp_path, told.put_nowait).run(asyncio.Event()))
    await next_of(told)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(5):
            await task
    assert before == asyncio.all_tasks()
