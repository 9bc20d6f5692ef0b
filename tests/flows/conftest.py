"""The stage for conversations that can be read aloud: the whole house in memory, a small base, no waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from faq import Category, FaqEntry, FaqManager
from faq.entry import EntryButton
from optfm_bot.testing.stage import Person, Stage

ENTRIES = (
    FaqEntry(
        id="delivery-cost",
        question="Сколько стоит доставка?",
        category="delivery",
        aliases=("почём доставка", "цена доставки"),
        keywords=("доставка", "стоимость"),
        answer="Доставка по России — **от 300 ₽**.",
        answers={"en": "Delivery in Russia — **from 300 ₽**."},
        buttons=(
            EntryButton(text="Сроки", faq="delivery-time"),
            EntryButton(text="Тарифы", url="https://example.ru/delivery"),
        ),
    ),
    FaqEntry(
        id="delivery-time",
        question="Какие сроки доставки?",
        category="delivery",
        aliases=("когда привезут заказ",),
        answer="Обычно 2–7 дней.",
    ),
    FaqEntry(
        id="payment",
        question="Как оплатить заказ?",
        category="payment",
        aliases=("способы оплаты",),
        answer="По счёту или картой.",
    ),
    FaqEntry(
        id="return-goods",
        question="Как вернуть товар?",
        category="returns",
        aliases=("возврат товара",),
        answer="В течение 14 дней.",
    ),
    FaqEntry(
        id="return-money",
        question="Как вернуть деньги?",
        category="returns",
        aliases=("возврат денег",),
        answer="Деньги придут за 10 дней.",
    ),
)
CATEGORIES = (
    Category(id="delivery", title="Доставка"),
    Category(id="payment", title="Оплата"),
    Category(id="returns", title="Возврат"),
)


@pytest.fixture
def faq() -> FaqManager:
    return FaqManager(ENTRIES, categories=CATEGORIES)


@pytest.fixture
async def stage(faq: FaqManager) -> AsyncIterator[Stage]:
    async with Stage(faq) as made:
        yield made


@pytest.fixture
def anna(stage: Stage) -> Person:
    """Somebody who talks to the bot in a private chat."""
    return stage.person("Анна")


@pytest.fixture
def stage_with(faq: FaqManager) -> Callable[..., Stage]:
    """A maker of stages with other settings, each to be entered with `async with`."""

    def make(**options: Any) -> Stage:
        return Stage(options.pop("faq", faq), **options)

    return make
