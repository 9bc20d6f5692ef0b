"""The small base that real processes are tested with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PARAGRAPHS = 60
PAGE = 5
"""Entries on one page of a menu in these tests."""
SHELF = 12
"""Entries of the category that needs several pages."""

_LONG = "\n\n".join(
    f"**Пункт {number}.** Если a < b && c > d, то *гарантия* действует, см. [правила №{number}]"
    f"(https://example.ru/rules?id={number}&lang=ru) и `код <{number}>`. 🧵"
    for number in range(1, PARAGRAPHS + 1)
)


def entries() -> list[dict[str, Any]]:
    """Entries whose answers tell which of them was meant."""
    shelf = [
        {
            "id": f"goods-{number}",
            "question": f"Артикул {number:02d} — что это?",
            "category": "goods",
            "answer": f"Это номер {number:02d} из каталога.",
        }
        for number in range(1, SHELF + 1)
    ]
    return [
        {
            "id": "delivery-cost",
            "question": "Сколько стоит доставка?",
            "category": "delivery",
            "aliases": ["почём доставка", "цена доставки"],
            "answer": "Доставка по России — **от 300 ₽**.",
            "buttons": [
                {"text": "Сроки", "faq": "delivery-time"},
                {"text": "Тарифы", "url": "https://example.ru/delivery?a=1&b=2"},
            ],
        },
        {
            "id": "delivery-time",
            "question": "Какие сроки доставки?",
            "category": "delivery",
            "aliases": ["когда привезут заказ"],
            "answer": "Обычно 2–7 дней.",
        },
        {
            "id": "payment",
            "question": "Как оплатить заказ?",
            "category": "payment",
            "aliases": ["способы оплаты"],
            "answer": "По счёту или картой.",
        },
        {
            "id": "return-goods",
            "question": "Как вернуть товар?",
            "category": "returns",
            "aliases": ["возврат товара"],
            "answer": "В течение 14 дней.",
        },
        {
            "id": "return-money",
            "question": "Как вернуть деньги?",
            "category": "returns",
            "aliases": ["возврат денег"],
            "answer": "Деньги придут за 10 дней.",
        },
        {
            "id": "warranty",
            "question": "Какие условия гарантии?",
            "category": "returns",
            "aliases": ["гарантийные условия целиком"],
            "answer": _LONG,
            "buttons": [{"text": "Вернуть товар", "faq": "return-goods"}],
        },
        {
            "id": "markup",
            "question": 'Можно ли писать <b>&"?',
            "category": "returns",
            "aliases": ["угловые скобки в тексте"],
            "answer": 'Пишите <b>&" как есть: 1 < 2 && "3" > 2.',
        },
        *shelf,
    ]


CATEGORIES = {
    "delivery": {"title": "Доставка"},
    "payment": {"title": "Оплата"},
    "returns": {"title": "Возврат"},
    "goods": {"title": "Каталог <&>"},
}


def write(path: Path, *extra: dict[str, Any]) -> None:
    """Write the base, with more entries if there are any, as one file replaced at once."""
    document = {
        "version": 1,
        "language": "ru",
        "categories": CATEGORIES,
        "entries": [*entries(), *extra],
    }
    fresh = path.with_suffix(".new")
    fresh.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False), encoding="utf-8")
    fresh.replace(path)
