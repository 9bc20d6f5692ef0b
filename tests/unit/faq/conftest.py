from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from faq import FaqManager, KnowledgeBase, load_knowledge

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def shop() -> KnowledgeBase:
    return load_knowledge(DATA / "shop.yaml")


@pytest.fixture(scope="session")
def manager(shop: KnowledgeBase) -> FaqManager:
    return FaqManager.from_base(shop, today=lambda: date(2026, 1, 15))
