"""A talk over a small base, with the words that people really see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from faq import Category, FaqEntry, FaqManager
from optfm_bot.domain.talk import Around, Talk, TalkSettings
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.voice import shipped_phrases

ENTRIES = (
    FaqEntry(id="pay", question="Как оплатить заказ?", category="money", answer="Картой."),
    FaqEntry(id="return", question="Как вернуть товар?", category="money", answer="За 14 дней."),
    FaqEntry(id="hours", question="Когда вы работаете?", answer="С 9 до 18."),
)
CATEGORIES = (Category(id="money", title="Оплата и *возврат*", titles={"en": "Money"}),)

MakeTalk = Callable[..., Talk]


@pytest.fixture
def make_talk() -> MakeTalk:
    """Make a talk over other entries, categories or settings."""

    def make(*entries: FaqEntry, categories: Any = CATEGORIES, **settings: Any) -> Talk:
        faq = FaqManager(entries or ENTRIES, categories=categories)
        return Talk(faq, Catalogue.load(), shipped_phrases(), TalkSettings(**settings))

    return make


@pytest.fixture
def talk(make_talk: MakeTalk) -> Talk:
    return make_talk()


@pytest.fixture
def around() -> Around:
    return Around(language="ru", now=1_000_000)
