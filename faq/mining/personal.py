"""Personal data in what people wrote: found and replaced by a word for its kind. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

MAX_TEXT = 2_000
"""A longer text is looked at up to here: what it asks stands in its beginning."""


class Hidden(StrEnum):
    """What stands in the place of personal data."""

    LINK = "[ссылка]"
    MAIL = "[почта]"
    PHONE = "[телефон]"
    CARD = "[карта]"
    NUMBER = "[номер]"
    NAME = "[имя]"


_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufffe\uffff]+"
)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_LINK = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?<![\w.@-])(?:[\w-]{1,63}\.){1,4}(?:ru|com|org|net|io|su|info|me|рф)(?![\w-])\S*",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"(?<!\w)@\w{3,64}")
_DIGITS = re.compile(r"(?<![\w])\+?\(?\d(?:[\s().\-–—]{0,3}\d){4,30}(?!\w)")
_AMOUNT = re.compile(
    r"\s{0,2}(?:₽|\$|€|%|р\b|р\.|руб|тыс|шт|км|кг|гр\b|мл\b|мм\b|см\b|usd|rub)", re.IGNORECASE
)
_CODE = re.compile(r"(?<!\w)(?=[\w-]{0,30}\d{3})(?=[\w-]{0,30}[A-Za-zА-Яа-яЁё])[\w-]{6,30}(?!\w)")
_NAMED_NUMBER = re.compile(
    r"(?P<what>(?:№|#|\bномер\w{0,3}|\bnumber|\bтрек\w{0,3}|\bдоговор\w{0,3}|\bno\.)\s{0,3}[:№#]?\s{0,3})\d[\d-]*"
    r"|(?P<order>\b(?:заказ\w{0,3}|order|чек\w{0,2}|накладн\w{0,3})\s{1,3})\d{3,}",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?P<what>\b(?:меня\s{1,3}зовут|зовут\s{1,3}меня|мо[её]\s{1,3}имя|моя\s{1,3}фамилия|my\s{1,3}name\s{1,3}is)"
    r"[\s:,—–-]{1,3})(?P<rest>[^\W\d_][\w'’-]{0,40}(?:\s{1,3}[^\W\d_][\w'’-]{0,40}){0,2})(?P<end>\s{0,3}(?:[.,;!?:)]|$))?",
    re.IGNORECASE,
)
_HIDDEN = re.compile("|".join(re.escape(kind.value) for kind in Hidden))
_LED_TO_HIDDEN = re.compile(
    r"(?:\b(?:меня\s+зовут|зовут\s+меня|мо[её]\s+имя|моя\s+фамилия|my\s+name\s+is|на\s+почту|на|по|тел|телефон\w{0,2}"
    r"|номер\w{0,3}|почта|e-?mail|карт[аеуы])[\s.:,—–-]{0,3}|[№#]\s{0,3})?"
    rf"(?:{_HIDDEN.pattern})(?:\s{{0,3}},)?",
    re.IGNORECASE,
)
_GAP_BEFORE_SIGN = re.compile(r"\s+(?=[,.;:?!])")
_PHONE_DIGITS = range(10, 13)
_CARD_DIGITS = range(13, 20)
_FULL_NAME = 3


def mask(text: str) -> str:
    """The text in one line, with links, addresses, phones, cards, numbers of orders and told names replaced.

    Never raises; characters that steer a terminal or do not go into a file are gone. Amounts («15000 руб»)
    stay: a question may be about them.
    """
    text = " ".join(_CONTROL.sub(" ", text[:MAX_TEXT]).split())
    text = _MAIL.sub(Hidden.MAIL, text)
    text = _LINK.sub(Hidden.LINK, text)
    text = _ACCOUNT.sub(Hidden.NAME, text)
    text = _NAME.sub(_hide_name, text)
    text = _DIGITS.sub(_hide_digits, text)
    text = _NAMED_NUMBER.sub(lambda found: f"{found['what'] or found['order']}{Hidden.NUMBER}", text)
    return _CODE.sub(Hidden.NUMBER, text)


def without_hidden(masked: str) -> str:
    """A masked text without the words that stand for personal data, and those that only lead to them."""
    if _HIDDEN.search(masked) is None:
        return masked
    return _GAP_BEFORE_SIGN.sub("", " ".join(_LED_TO_HIDDEN.sub(" ", masked).split()))


def hidden(masked: str) -> frozenset[Hidden]:
    """Which kinds of personal data a masked text had."""
    return frozenset(Hidden(found) for found in _HIDDEN.findall(masked))


def _hide_digits(found: re.Match[str]) -> str:
    digits = sum(letter.isdigit() for letter in found[0])
    if _AMOUNT.match(found.string, found.end()):
        return found[0]
    if digits in _CARD_DIGITS:
        return Hidden.CARD
    return Hidden.PHONE if digits in _PHONE_DIGITS or found[0].startswith("+") else Hidden.NUMBER


def _hide_name(found: re.Match[str]) -> str:
    """A name is what is written large, or all up to the next sign; without either it is one word."""
    words = found["rest"].split()
    large = next((place for place, word in enumerate(words) if not word[0].isupper()), len(words))
    told = found["end"] is not None and (found["end"].strip() or len(words) < _FULL_NAME)
    count = large or (len(words) if told else 1)
    rest = " ".join(words[count:])
    return f"{found['what']}{Hidden.NAME}{' ' + rest if rest else ''}{found['end'] or ''}"
