"""What the reader of knowledge files advises, in Russian. It speaks English itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

_SHAPE = re.compile(r"must be (a text|a list|a mapping|plain data), not (a text|a list|a mapping)")
_CUT = re.compile(r"only (`.*`) is left of the text")


def of_slip(facts: Mapping[str, str | int | float]) -> str:
    """Give the advice for a slip in YAML; empty if none is known."""
    return SLIPS.get(str(facts.get("slip", "")), "")


def sentence(message: str) -> str:
    """Say what was wanted and what is there, or what is left, if the message says that; empty otherwise."""
    if message in _UNREADABLE:
        return _UNREADABLE[message]
    if found := _SHAPE.fullmatch(message):
        return f"{_WANTED[found[1]]}, а здесь {_THERE[found[2]]}"
    return f"от текста осталось только {found[1]}" if (found := _CUT.fullmatch(message)) else ""


def translated(hint: str) -> str:
    """Give an advice in Russian; empty for one that is not known.

    Known is the whole of it, or its beginning: what follows that is a key or a value, the same in every language.
    """
    if hint in _WHOLE:
        return _WHOLE[hint]
    for english, russian in _BEGINNINGS.items():
        if hint.startswith(english):
            return russian + hint.removeprefix(english).replace(_LATIN, " (латинскими буквами)")
    return ""


SLIPS = {
    "tab": "здесь табуляция: делайте отступы пробелами",
    "space": "отступ этой строки — из необычных пробелов, такие попадают при копировании: наберите обычные",
    "long-dash": "запись начинается с `-`, минуса с клавиатуры, и пробела",
    "glued-dash": "после `-` нужен пробел",
    "glued-colon": "после ключа нужны обычное двоеточие и пробел",
    "colon": "в тексте есть двоеточие: возьмите весь текст в кавычки или напишите его ниже, после `|`",
    "sign": "текст начинается со знака, который в YAML что-то значит: возьмите весь текст в кавычки",
    "quote": "после кавычек текст продолжается: возьмите его весь в 'такие кавычки' или напишите ниже, после `|`",
    "open-quote": "кавычка не закрыта: поставьте такую же в конце текста",
    "bracket": "закройте эту скобку, а тексты внутри неё с `:`, `,`, `#` или скобками возьмите в кавычки",
    "list": "начните список со следующей строки, а текст с дефисами напишите ниже, после `|`",
    "indent": "отступ не такой, как у соседних строк: все ключи одной записи начинаются на одном расстоянии от края",
    "loose": "в этой строке нет ключа: сдвиньте текст правее его ключа, а после ключа поставьте `|`",
    "hash": "после пробела `#` начинает примечание: возьмите текст в кавычки; если это примечание, пишите `# `",
    "documents": "уберите строку `---`",
    "character": "удалите этот знак; в большинстве редакторов его не видно",
}
"""By kind of slip, as `faq.yaml_slips` names them."""

_UNREADABLE = {
    "cannot be read: no such file or directory": "такого файла или каталога нет",
    "cannot be read: permission denied": "нет прав на чтение",
}
_WANTED = {
    "a text": "нужен текст",
    "a list": "нужен список",
    "a mapping": "нужны строки `ключ: значение`",
    "plain data": "нужны простые данные",
}
_THERE = {"a text": "текст", "a list": "список", "a mapping": "`ключ: значение`"}

_LATIN = " write it in Latin letters"
_BEGINNINGS = {"did you mean ": "может быть, ", "add ": "добавьте ", "known: ": "есть: "}
_WHOLE = {
    "write `version: 1`": "напишите `version: 1`",
    "write `ru` or `en`": "напишите `ru` или `en`",
    "write it as 2026-01-31": "напишите дату так: 2026-01-31",
    "write each item in a line of its own that begins with `- `": "пишите каждый пункт с новой строки, с `- ` в начале",
    "write `key: value`, each in a line of its own": "пишите `ключ: значение`, каждое с новой строки",
    "put the text in quotes if it has a colon or begins with a bracket": (
        "возьмите текст в кавычки, если в нём есть двоеточие или он начинается со скобки"
    ),
    "put it in quotes to keep it a text": "возьмите в кавычки, чтобы это осталось текстом",
    "remove the tag": "уберите тег",
    "use letters, digits, `-`, `_` and `.`, at most 64": "подойдут буквы, цифры, `-`, `_` и `.`, не больше 64 знаков",
    "write a channel, a language or both: `telegram`, `en`, `telegram.en`": (
        "напишите канал, язык или то и другое: `telegram`, `en`, `telegram.en`"
    ),
    "begin it with https://, mailto: or tel:": "начните его с https://, mailto: или tel:",
    "write a path inside the knowledge folder": "напишите путь внутри каталога базы",
    "write at least one entry under `entries:`": "напишите хотя бы одну запись в `entries:`",
}
