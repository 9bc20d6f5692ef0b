"""Makes test payloads of real updates: everything that could tell of a person or open a door is replaced.

`Scrubber` is pure. What it cannot know to be harmless it replaces; what it replaces keeps its type, its length and its
layout, so a parser meets the same shapes. The same value becomes the same stand-in wherever it appears, be it a number,
a text, or a part of one; different values become different ones, as far as their length allows. Stand-ins are handed
out in the order of appearance: the same input gives the same output, and scrubbing again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, Final

from channels.model import Inbound
from channels.testing.conformance.payloads import shown

Json = Mapping[str, Any]


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NAMES: Final = _each("name names first last middle nick nickname username login")
"""Words in the name of a field that holds what somebody is called."""

_PERSONAL: Final = _NAMES | _each(
    "title text caption body comment description about bio phone tel mobile email mail address street city birth"
    " birthday bdate age payload token secret password key url uri link href filename question label contact vcard"
)
"""Words in the name of a field whose value is a person's or a secret, whatever it looks like."""

_WORDS: Final = _each(
    "type kind event status state language locale lang mime format mode version method class scope direction currency"
    " encoding role"
)
"""Words in the name of a field whose value is one of a platform's own words."""

_MEASURES: Final = _each(
    "width height size duration offset length count total limit index page seq version level"
)
"""Words in the name of a field that holds a measure."""

_TIMES: Final = _each("date time timestamp at created updated edited expires ts")
_IDS: Final = _each("id ids uid guid key user chat peer")

_NAME_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FIELD: Final = re.compile(r"[A-Za-z_$@][A-Za-z0-9_$-]{0,63}")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:/+-]{0,63}")
_NUMBER: Final = re.compile(r"[0-9]{4}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_COMMAND: Final = re.compile(r"/[a-z][a-z0-9_]{0,31}(?![^\s@])")
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]{0,15})://\S+")
_ENDING: Final = re.compile(
    r"\.(?:jpe?g|png|gif|webp|mp4|webm|mp3|og[ga]|pdf|docx?|xlsx?|txt|csv|zip|json|html?)$", re.IGNORECASE
)
_MESSENGER: Final = re.compile(r"(?<=\d)@(?:c\.us|g\.us|s\.whatsapp\.net|lid|newsletter|broadcast)$")
_PHONE: Final = r"(?<![^\W_])[0-9](?:[ ().-]{0,3}[0-9]){9,14}(?![ ().-]{0,3}[0-9])(?![^\W_])"
_RUN: Final = r"[0-9]{5,}|(?:(?![0-9]{5})[^\W_])+"
"""Many digits by themselves, so that an id is known inside of a longer token too; else whole words."""
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
_EPOCHS: Final = ((10**9, 4 * 10**9), (10**12, 4 * 10**12))
_SHORTEST: Final = 3
_SMALL: Final = 3

_SYMBOLS: Final = {
    "0": "0123456789",
    "a": "abcdef",
    "A": "ABCDEF",
    "я": "абвгде",
    "Я": "АБВГДЕ",
    "o": "甲乙丙丁戊己",
    "p": "𠀀𠀁𠀂𠀃𠀄𠀅",
}
"""The characters of stand-ins by their class; each belongs to its own class, and six letters keep hex readable."""


class Scrubber:
    """Scrubs the updates of one recording; the stand-ins it has handed out stay the same for the next update.

    `secrets` never survive. `public` are texts that stay wherever they stand as a whole (the bot's own name and id).
    `keep` are names of fields whose values stay as they are.
    """

    def __init__(
        self, *, secrets: Iterable[str] = (), public: Iterable[str] = (), keep: Iterable[str] = ()
    ) -> None:
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST)
        self._keep = frozenset(keep)
        self._called: set[str] = set()
        self._words: set[str] = set()
        self._given: dict[tuple[str, str], str] = {}
        self._handed_out: dict[str, int] = {}
        known = sorted((re.escape(text) for text in public if text), key=len, reverse=True)
        self._tokens = re.compile("|".join([*(rf"(?<!\w){one}(?!\w)" for one in known), _PHONE, _RUN]))
        self._public = frozenset(public)

    def scrub(self, *updates: Json) -> list[dict[str, Any]]:
        """Give the updates scrubbed, in their order. They are plain JSON; the input is left as it is."""
        for update in updates:
            self._learn(update)
        return [self._fields(update) for update in updates]

    def text(self, text: str) -> str:
        """Give a text (a key, the name of a lane) with the same stand-ins that the updates have got."""
        return self._text(text)

    # -- what is personal ---------------------------------------------------------------------------------

    def _learn(self, value: Any, *, name: bool = False) -> None:
        """Remember what people are called: it stays nowhere, not even where the platform's own words do."""
        if isinstance(value, Mapping):
            for field, inner in value.items():
                words = parts(field)
                self._learn(inner, name=bool(words & _NAMES) and "file" not in words)
        elif isinstance(value, list | tuple):
            for inner in value:
                self._learn(inner, name=name)
        elif name and isinstance(value, str):
            self._called.add(value)
            self._words.update(word.casefold() for word in _LETTERS.findall(value))

    def _tells(self, text: str) -> bool:
        """Whether a text that would stay holds something that must not."""
        return self._is_secret(text) or any(w.casefold() in self._words for w in _LETTERS.findall(text))

    def _is_secret(self, text: str) -> bool:
        return any(secret in text for secret in self._secrets)

    # -- replacing ----------------------------------------------------------------------------------------

    def _fields(self, fields: Json) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for name, value in fields.items():
            shown = name if self._is_field(name) else self._text(name)
            while (
                shown in result
            ):  # two keys of few letters may meet in one stand-in, and neither may be lost
                shown += "~"
            result[shown] = self._value(name, value)
        return result

    def _is_field(self, name: str) -> bool:
        if not _FIELD.fullmatch(name) or _NUMBER.search(name):
            return False
        return name in self._keep or not (name in self._called or self._is_secret(name))

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self._fields(value)
        if isinstance(value, list | tuple):
            return [self._value(name, inner) for inner in value]
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return value if self._stays(name, value) else self._string(value)
        if name in self._keep:
            return value
        return self._integer(name, value) if isinstance(value, int) else self._float(name, float(value))

    def _stays(self, name: str, text: str) -> bool:
        if name in self._keep:
            return not self._is_secret(text)
        words = parts(name)
        if words & _PERSONAL or self._tells(text):
            return False
        if words & _WORDS:
            return bool(_WORD.fullmatch(text)) and not _NUMBER.search(text)
        return bool(_MOMENT.fullmatch(text))

    def _integer(self, name: str, value: int) -> int:
        if self._is_measure(name, value) or str(value) in self._public:
            return value
        words = parts(name)
        if not words & (_IDS | _PERSONAL) and len(str(abs(value))) <= _SMALL:
            return value
        scrubbed = int(self._stand_in(str(abs(value))))
        return -scrubbed if value < 0 else scrubbed

    def _float(self, name: str, value: float) -> float:
        if self._is_measure(name, value):
            return value
        number = Decimal(repr(value))
        if not number.is_finite() or not number:
            return value
        # One digit of a place on earth is left: enough for a parser, too little for a visit.
        return float(Decimal((int(value < 0), number.as_tuple().digits[:1], number.adjusted())))

    @staticmethod
    def _is_measure(name: str, value: float) -> bool:
        words = parts(name)
        if words & (_IDS | _PERSONAL):
            return False
        return bool(words & _MEASURES or (words & _TIMES and _is_moment(value)))

    def _string(self, text: str) -> str:
        if self._is_secret(text):
            return self._text(text)  # whatever would stay may be a part of it
        if (address := _ADDRESS.fullmatch(text)) is not None:
            ending = _ENDING.search(text)
            return self._address(text, address[1], ending[0] if ending and not self._tells(ending[0]) else "")
        command = _COMMAND.match(text)
        if command is not None and not self._tells(command[0]):
            return command[0] + self._text(text[command.end() :])
        for endings in (_MESSENGER, _ENDING):
            if (found := endings.search(text)) is not None and not self._tells(found[0]):
                return self._text(text[: found.start()]) + found[0]
        return self._text(text)

    def _address(self, text: str, scheme: str, ending: str) -> str:
        kind = f"{scheme}://…{ending}"
        if (kind, text) not in self._given:
            number = self._handed_out[kind] = self._handed_out.get(kind, 0) + 1
            self._given[kind, text] = f"{scheme}://example.org/{number:03}{ending}"
        return self._given[kind, text]

    def _text(self, text: str) -> str:
        return self._tokens.sub(self._token, text)

    def _token(self, found: re.Match[str]) -> str:
        token = found[0]
        if token in self._public:
            return token
        if token.isalnum():
            return self._stand_in(token)
        # A phone keeps its layout, and is the same number as without it.
        stand_in = iter(self._stand_in("".join(filter(str.isdecimal, token))))
        return "".join(next(stand_in) if character.isdecimal() else character for character in token)

    def _stand_in(self, token: str) -> str:
        """The stand-in of letters and digits. A number keeps its first digit, which tells a country and no person."""
        shape = "".join(_class_of(character) for character in token)
        first = token[0] if set(shape) == {"0"} else ""
        kind = first + shape
        if (kind, token) not in self._given:
            number = self._handed_out[kind] = self._handed_out.get(kind, 0) + 1
            self._given[kind, token] = first + _written(number, shape[len(first) :])
        return self._given[kind, token]


def recording(
    update: Json, events: Sequence[Inbound] | None, *, key: str, lane: str, about: str = ""
) -> dict[str, Any]:
    """Give the content of a payload file, as `channels.testing.conformance.payloads` reads it.

    `events` is what the channel reads in the update now, None if it cannot be read. A person has to look whether that
    is right.
    """
    written: dict[str, Any] = {"about": about} if about else {}
    written |= {"update": update, "events": [described(event) for event in events or ()], "key": key}
    if not events:
        written["lane"] = lane
    return written if events is not None else {**written, "unreadable": True}


def described(event: Inbound) -> dict[str, Any]:
    """Give an event as a payload file writes it: its type, and every field that says something."""
    told: dict[str, Any] = {"type": type(event).__name__}
    for one in fields(event):
        value = getattr(event, one.name)
        if one.name not in {"event_id", "raw_ref"} and (one.default is MISSING or value != one.default):
            told[one.name] = shown(value)
    return told


def parts(name: str) -> frozenset[str]:
    """The words of a field's name: `senderData` and `sender_data` are `sender` and `data`."""
    return frozenset(part.lower() for part in _NAME_PART.findall(name))


def _is_moment(value: float) -> bool:
    return any(low <= value < high for low, high in _EPOCHS)


def _class_of(character: str) -> str:
    if character.isascii():
        if character.isdecimal():
            return "0"
        return "A" if character.isupper() else "a"
    if "\u0400" <= character <= "\u04ff":
        return "Я" if character.isupper() else "я"
    return "p" if character > "\uffff" else "o"


def _written(number: int, shape: str) -> str:
    """Write a number in the characters of a shape, from the right; what does not fit is left away."""
    written = []
    for kind in reversed(shape):
        number, place = divmod(number, len(_SYMBOLS[kind]))
        written.append(_SYMBOLS[kind][place])
    return "".join(reversed(written))
