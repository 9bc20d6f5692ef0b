"""The redactor: what must never reach a log does not, whatever it is wrapped in. It cannot be turned off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import Enum
from functools import lru_cache
from itertools import islice
from json import dumps
from os import PathLike
from typing import Any, Final
from urllib.parse import quote

from config.secret import Secret

MASK: Final = "***"

_TEXT_LIMIT = 8_192
_OVERLAP = 1_024  # looked at beyond the limit, so that a secret cut by it is recognised before it is cut
_ITEMS_LIMIT = 100
_DEPTH_LIMIT = 6
_SHORTEST_SECRET = 3
_SURE_SECRET = 8  # shorter ones are masked as whole words only, or "test" would eat half the log
_PHONE_DIGITS = range(10, 16)
_CARD_DIGITS = frozenset({13, 14, 15, 16, 19})
_WIDEST_INTEGER = 64  # bits; what JSON readers agree on
_BIG_INTEGER = 10**10  # smaller ones are no phone and no card

_SECRET_WORDS = (
    "token", "secret", "password", "passwd", "pwd", "api_key", "apikey", "authorization", "cookie",
    "credential", "private_key", "signature", "dsn",
)  # fmt: skip
_NAME_KEYS = frozenset(
    {"display_name", "user_name", "username", "first_name", "last_name", "full_name", "sender_name"}
)
_TEXT_KEYS = frozenset(
    {"text", "caption", "body", "question", "query", "answer", "message_text", "payload", "plain", "label"}
)

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CONTROL_BUT_NEWLINE = re.compile(_CONTROL.pattern.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f"))
_SUSPECT = re.compile(r"[@:=]|\d{3}|eyJ|(?i:bearer|basic)\s")
"""A text without any of these cannot hold what the patterns look for; most values of a log line are such."""

_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # A Telegram token, also in `/bot<token>/` and with its colon escaped; its number is public.
    (re.compile(r"(\d{6,20})(:|%3[aA])[A-Za-z0-9_-]{20,}"), rf"\1\2{MASK}"),
    (re.compile(r"(?i)(/waInstance\d{1,20}/[a-z]{1,40}/)[^/\s?\"']+"), rf"\1{MASK}"),
    (re.compile(r"([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,100}:)[^\s/@]{1,200}@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,4}[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {MASK}"),
    # Headers are masked to the end of the line: what follows the first word or `;` is as secret as the rest.
    (
        re.compile(r"(?i)((?:authorization|cookie)\\?[\"']?\s{0,4}[=:]\s{0,4}\\?[\"']?)[^\n\"']{1,4000}"),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"(?i)((?:token|secret|password|passwd|pwd|api[_-]?key|signature|credential)"
            r"[\w-]{0,32}\\?[\"']?\s{0,4}[=:]\s{0,4})"
            r"(?!\*\*\*)(?:\\?\"[^\"]*\"?|\\?'[^']*'?|(?:bearer|basic|token)\s{1,4}\S+|[^\s,;&\"'}\])]+)"
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"(?<![\w.+-])([\w+-])[\w.+-]{0,63}@((?:[\w-]{1,63}\.){1,8}\w{2,24})"), rf"\1{MASK}@\2"),
    (re.compile(r"(?<![\w.])[2-6](?:[ -]?\d){12,18}(?![\d])"), lambda found: _card(found[0])),
    (
        re.compile(
            r"(?<![\w.+])(?:"
            r"\+\d(?:[\s().-]{0,3}\d){9,14}"
            r"|[78](?:[\s().-]{0,3}\d){10}"
            r"|\(\d{3,5}\)\s?\d{1,3}[\s-]?\d{2}[\s-]?\d{2}"
            r"|9\d{2}[\s-]\d{3}[\s-]\d{2}[\s-]?\d{2}"
            r")(?!\d)"
        ),
        lambda found: phone_mask(found[0]),
    ),
)


class Redactor:
    """Takes secrets and personal data out of texts and values.

    Known secrets are masked wherever they appear, as written and as they look inside an address or in JSON.
    Patterns catch tokens, passwords, cards, phones and e-mails that nobody registered.
    """

    __slots__ = ("_known", "_secrets")

    def __init__(self, secrets: Iterable[Secret | str] = ()) -> None:
        self._secrets: set[str] = set()
        self._known: re.Pattern[str] | None = None
        self.register(*secrets)

    def register(self, *secrets: Secret | str) -> None:
        """Learn values that must never be seen. Values of one or two characters are ignored."""
        for secret in secrets:
            value = (secret.reveal() if isinstance(secret, Secret) else secret).strip()
            if len(value) >= _SHORTEST_SECRET:
                self._secrets |= {value, quote(value, safe=""), quote(value), dumps(value)[1:-1]}
        if self._secrets:
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._known = re.compile("|".join(_literally(value) for value in longest_first))

    def text(self, text: str, *, multiline: bool = False) -> str:
        """Give the text without secrets and personal data, control characters escaped, long ones cut.

        With `multiline` newlines stay, for a caller that frames the lines, and the end of a long text is what
        stays: the last lines of a traceback say most.
        """
        length = len(text)
        if length > _TEXT_LIMIT:
            text = text[-_TEXT_LIMIT - _OVERLAP :] if multiline else text[: _TEXT_LIMIT + _OVERLAP]
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if _SUSPECT.search(text):
            for pattern, replacement in _PATTERNS:
                text = pattern.sub(replacement, text)
        if length > _TEXT_LIMIT:
            note = f"… ({length} characters)"
            text = f"{note}\n{text[-_TEXT_LIMIT:]}" if multiline else f"{text[:_TEXT_LIMIT]}{note}"
        if text.isprintable() and text.isascii():
            return text
        return (_CONTROL_BUT_NEWLINE if multiline else _CONTROL).sub(_escaped, text)

    def value(self, value: object, *, verbose: bool = False, depth: int = 0) -> Any:
        """Give a copy made of plain JSON types. Texts of messages are kept only when `verbose`."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float(value)
        if isinstance(value, int):
            return self._integer(int(value))
        if isinstance(value, str):
            return self.text(str(value))
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._inside(value, verbose=verbose, depth=depth)
        return self._other(value)

    def fields(self, fields: Mapping[Any, Any], *, verbose: bool = False, depth: int = 0) -> dict[str, Any]:
        """Give a copy of named values; a name that promises a secret or personal data masks its value."""
        result: dict[str, Any] = {}
        for number, (name, value) in enumerate(fields.items()):
            if number >= _ITEMS_LIMIT:
                result["…"] = f"{len(fields)} items"
                break
            key = self.text(name) if isinstance(name, str) else str(self.value(name, depth=depth))
            rule = _rule(key)
            result[key] = (
                rule(self, value, verbose) if rule else self.value(value, verbose=verbose, depth=depth)
            )
        return result

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"

    def _inside(self, value: Any, *, verbose: bool, depth: int) -> Any:
        if depth >= _DEPTH_LIMIT:
            return "…"
        if isinstance(value, Mapping):
            return self.fields(value, verbose=verbose, depth=depth + 1)
        shown = [self.value(item, verbose=verbose, depth=depth + 1) for item in islice(value, _ITEMS_LIMIT)]
        return [*shown, "…"] if len(value) > _ITEMS_LIMIT else shown

    def _integer(self, value: int) -> int | str:
        if -_BIG_INTEGER < value < _BIG_INTEGER:
            return value
        if value.bit_length() > _WIDEST_INTEGER:
            return "<big integer>"
        cleaned = self.text(str(value))
        return value if cleaned == str(value) else cleaned

    def _other(self, value: object) -> str:
        if isinstance(value, Secret):
            return MASK
        if isinstance(value, bytes | bytearray | memoryview):
            return f"<{len(value)} bytes>"  # nobody has looked inside
        if isinstance(value, BaseException):
            return self.text(f"{type(value).__name__}: {value}")
        if isinstance(value, date):
            return value.isoformat()
        return self.text(str(value) if isinstance(value, PathLike | Enum) else repr(value))


def phone_mask(text: str) -> str:
    """Keep the country and the last four digits of a phone: `+7***1234`."""
    digits = "".join(character for character in text if character.isdecimal())
    if len(digits) not in _PHONE_DIGITS:
        return MASK if len(digits) > max(_PHONE_DIGITS) else f"{MASK}{digits[-2:]}"
    country = f"+{digits[0]}" if text.lstrip().startswith("+") else ""
    if not country and len(digits) == 11:  # noqa: PLR2004 - 8 916 … and 7 916 … are the same country
        country = "+7"
    return f"{country}{MASK}{digits[-4:]}"


def _card(text: str) -> str:
    digits = [int(character) for character in text if character.isdecimal()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]  # noqa: PLR2004 - Luhn's rule
    valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return f"{MASK}{text[-4:]}" if valid and len(digits) in _CARD_DIGITS else text


def _literally(secret: str) -> str:
    pattern = re.escape(secret)
    return pattern if len(secret) >= _SURE_SECRET else rf"(?<!\w){pattern}(?!\w)"


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


# -- rules by name ---------------------------------------------------------------------------------------

_Rule = Callable[[Redactor, object, bool], Any]


def _hide(redactor: Redactor, value: object, verbose: bool) -> Any:  # noqa: FBT001 - the shape of a rule
    del redactor, verbose
    return value if value is None or isinstance(value, bool) else MASK


def _hide_phone(redactor: Redactor, value: object, verbose: bool) -> Any:  # noqa: FBT001 - the shape of a rule
    del redactor, verbose
    return value if value is None or isinstance(value, bool) else phone_mask(str(value))


def _hide_text(redactor: Redactor, value: object, verbose: bool) -> Any:  # noqa: FBT001 - the shape of a rule
    if verbose or not isinstance(value, str | bytes | Mapping | list | tuple):
        return redactor.value(value, verbose=verbose, depth=_DEPTH_LIMIT - 2)
    return f"<{len(value)}>"


@lru_cache(maxsize=1_024)
def _rule(key: str) -> _Rule | None:
    name = key.lower().replace("-", "_")
    if any(word in name for word in _SECRET_WORDS):
        return _hide
    if name in _NAME_KEYS:
        return _hide
    if "phone" in name:
        return _hide_phone
    return _hide_text if name in _TEXT_KEYS else None
