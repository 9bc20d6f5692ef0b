"""The keyboard in the wrong language: «ghbdtn» is «привет», «руддщ» is "hello"."""

from __future__ import annotations

_LATIN = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.~QWERTYUIOP{}ASDFGHJKL:\"ZXCVBNM<>"
_CYRILLIC = "ёйцукенгшщзхъфывапролджэячсмитьбюЁЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭЯЧСМИТЬБЮ"
"""The letters of both layouts, key by key (ГОСТ Р 52600 «ЙЦУКЕН» over QWERTY)."""

_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)


def to_cyrillic(text: str) -> str:
    """What the same keys give in the Russian layout. Swap before punctuation goes: «,» is «б».

    >>> to_cyrillic("rfr jgkfnbnm")
    'как оплатить'
    """
    return text.translate(_TO_CYRILLIC)


def to_latin(text: str) -> str:
    """What the same keys give in the English layout.

    >>> to_latin("руддщ")
    'hello'
    """
    return text.translate(_TO_LATIN)
