"""Questions that are all different, for a benchmark in which nothing that was thought before helps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

_GREETINGS = ("", "здравствуйте, ", "добрый день! ", "подскажите, ")
_QUESTIONS = (
    "сколько стоит доставка", "как оплатить заказ", "когда привезут заказ", "можно ли вернуть товар",
    "какие сроки доставки", "есть ли самовывоз", "как отменить заказ", "где посмотреть скидки",
    "как изменить адрес доставки", "нужен ли паспорт", "можно ли оплатить картой", "как узнать статус заказа",
)  # fmt: skip
_DETAILS = (
    "в казань", "в нижний новгород", "в субботу", "после шести вечера", "для подарка", "для организации",
    "на сегодня", "на дачу", "на другой адрес", "без чека", "с примеркой", "в рассрочку", "по скидке",
    "из мобильного приложения", "в соседнем городе", "в праздники", "за наличные", "если я передумал",
)  # fmt: skip


def different(count: int, start: int = 0) -> Sequence[str]:
    """So many questions no two of which are the same, from number `start` of an endless row on.

    Each asks one thing. When the combinations run out, a number of an order makes them different.
    """
    combined = [
        f"{greeting}{question} {detail}?"
        for detail, question, greeting in product(_DETAILS, _QUESTIONS, _GREETINGS)
    ]
    return tuple(_numbered(combined, place) for place in range(start, start + count))


def _numbered(combined: Sequence[str], place: int) -> str:
    again, index = divmod(place, len(combined))
    return combined[index] if not again else f"{combined[index].rstrip('?')}, заказ {again}?"
