"""The base that serves, and how another takes its place."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import pytest

from faq import FaqManager, KnowledgeError
from faq.source import load_knowledge
from optfm_bot.clock import ManualClock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.knowledge import STARTERS, Knowledge, demo_knowledge
from optfm_bot.store.memory import MemoryStore
from optfm_bot.store.unit import UnitOfWork

BASE = """version: 1
language: ru
categories: {money: {title: Деньги}, other: {title: Прочее}}
entries:
  - {id: pay, question: Как оплатить?, category: money, answer: Картой.}
  - {id: back, question: Как вернуть?, category: money, answer: Легко.}
"""


class Desk:
    """A base in a test's hands."""

    def __init__(self, path: Path, store: MemoryStore) -> None:
        self.path = path
        self.store = store
        self.served: list[FaqManager] = []
        self.heard: list[tuple[str, int]] = []
        self.knowledge = Knowledge(
            path,
            store=store,
            clock=ManualClock(),
            observer=self,
            today=lambda: date(2026, 1, 15),
            changed=self.served.append,
        )

    def reloaded(self, result: str, entries: int) -> None:
        self.heard.append((result, entries))


@pytest.fixture
async def desk(tmp_path: Path) -> Desk:
    path = tmp_path / "faq.yaml"
    path.write_text(BASE, encoding="utf-8")
    store = MemoryStore()
    await store.open()
    return Desk(path, store)


async def test_a_base_is_loaded_told_and_served(desk: Desk) -> None:
    manager = desk.knowledge.load()

    assert [entry.id for entry in manager.entries] == ["pay", "back"]
    assert (desk.served, desk.heard) == ([manager], [("loaded", 2)])


async def test_a_base_with_mistakes_does_not_start(desk: Desk) -> None:
    await asyncio.to_thread(desk.path.write_text, "version: 1\nentries: [{id: x}]")
    with pytest.raises(KnowledgeError):
        desk.knowledge.load()


async def test_a_better_base_takes_the_place_and_a_broken_one_does_not(desk: Desk) -> None:
    old = desk.knowledge.load()
    await asyncio.to_thread(desk.path.write_text, BASE.replace("Картой", "Наличными"))
    await desk.knowledge._follow(load_knowledge(desk.path))
    new = desk.knowledge.manager
    await asyncio.to_thread(desk.path.write_text, "version: 1\nentries: [{id: x}]")
    with pytest.raises(KnowledgeError) as caught:
        load_knowledge(desk.path)
    await desk.knowledge._follow(caught.value)

    assert desk.knowledge.manager is new is not old
    assert desk.heard == [("loaded", 2), ("loaded", 2), ("refused", 0)]


async def test_each_version_of_an_answer_is_kept_once(desk: Desk) -> None:
    desk.knowledge.load()
    for _ in range(2):
        await desk.knowledge.remember()
    await asyncio.to_thread(desk.path.write_text, BASE.replace("Картой", "Наличными"))
    await desk.knowledge._follow(load_knowledge(desk.path))

    kept = [(row.entry_id, "Картой" in row.content) for row in desk.store._faq_versions.values()]
    assert sorted(kept) == [("back", False), ("pay", False), ("pay", True)]


async def test_a_store_that_is_down_does_not_keep_a_base_from_serving(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(unit: UnitOfWork) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(desk.store, "_commit", down)
    desk.knowledge.load()
    await desk.knowledge.remember()

    assert len(desk.served) == 1


async def test_starters_are_the_first_of_each_shelf_that_has_any(desk: Desk) -> None:
    desk.knowledge.load()

    assert desk.knowledge.starters() == ["Как оплатить?"]


def test_the_demo_base_offers_a_few_starters() -> None:
    desk = Desk(demo_knowledge(), MemoryStore())
    desk.knowledge.load()

    assert 1 <= len(desk.knowledge.starters()) <= STARTERS
