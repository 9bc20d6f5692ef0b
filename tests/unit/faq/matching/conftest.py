from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from faq import FaqEntry, KnowledgeBase, load_knowledge
from faq.matching.index import Index
from faq.matching.reading import Reader
from faq.normalize import Normalizer

MakeEntry = Callable[..., FaqEntry]
MakeIndex = Callable[..., Index]

SHOP = Path(__file__).parent.parent / "data" / "shop.yaml"


@pytest.fixture(scope="session")
def entry() -> MakeEntry:
    """An entry by its question; the id is the question unless one is given."""

    def make(question: str, answer: str = "Ответ", **more: object) -> FaqEntry:
        return FaqEntry(**{"id": question, "question": question, "answer": answer, **more})  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def index(entry: MakeEntry) -> MakeIndex:
    """An index of entries, or of questions."""

    def make(*entries: FaqEntry | str, synonyms: Sequence[Sequence[str]] = ()) -> Index:
        made = [entry(one) if isinstance(one, str) else one for one in entries]
        return Index(made, Normalizer(), synonyms)

    return make


@pytest.fixture(scope="session")
def shop_base() -> KnowledgeBase:
    return load_knowledge(SHOP)


@pytest.fixture(scope="session")
def shop_index(shop_base: KnowledgeBase) -> Index:
    return Index(shop_base.entries, Normalizer(), shop_base.synonyms)


@pytest.fixture(scope="session")
def reader(shop_index: Index) -> Reader:
    return Reader(shop_index.vocabulary, shop_index.normalizer)
