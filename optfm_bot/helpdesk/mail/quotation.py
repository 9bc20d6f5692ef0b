"""What somebody wrote in an answer, without the mails that their mail program put under it. Pure.

Rather too much is cut than too little: what is left goes to a customer, and quoted mail may contain notes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from optfm_bot.helpdesk.mail.naming import mark

_SEPARATOR = re.compile(
    r"\s*(?:[-_–—*]{2,}\s*(?:original message|forwarded message|original appointment|исходное сообщение"
    r"|пересылаемое сообщение|пересланное сообщение|конец пересылаемого сообщения)\s*[-_–—*:]{0,40}"
    r"|_{10,}|begin forwarded message:|начало (?:переадресованного|пересылаемого) сообщения:)\s*",
    re.IGNORECASE,
)
_FROM = re.compile(r"\s*\*?(?:from|от|от кого)\s?:\*?\s.+", re.IGNORECASE)
_HEADER = re.compile(
    r"\s*\*?(?:sent|date|to|cc|subject|отправлено|дата|кому|копия|тема)\s?:\*?(?:\s.*)?", re.IGNORECASE
)
_QUOTED = re.compile(r"\s{0,3}>")
_WROTE = re.compile(
    r"(?:\b(?:wrote|writes|написала?|написал\(а\)|пишет|писала?|писал\(а\))\b[^:]{0,200}:|@[^\s]+>?[\s\"')]*:)\s*$",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"\s*(?:on|at|am|в|во|mon|tue|wed|thu|fri|sat|sun|пн|вт|ср|чт|пт|сб|вс|понедельник|вторник|среда|четверг"
    r"|пятница|суббота|воскресенье|\d{1,4}[./-]\d{1,2}|\d{1,2}\s\w{3,9})\b.*\d",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"--\s?")
_MOBILE = re.compile(
    r"(?:sent from|get outlook for|отправлено (?:с|из|от)|отправлен[ао]? с|скачать outlook)\b.{0,80}",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"\s*/(close|open|note|закрыть|открыть|заметка)\b[.!]?\s*(.*)", re.IGNORECASE)
_COMMANDS = {"закрыть": "close", "открыть": "open", "заметка": "note"}
_HEADER_LINES = 3
"""How far below "From:" another line of a quoted header stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What somebody wrote: words for the customer, and what they want of the ticket.

    `commands` are `close` and `open` in their order; a note has no words for the customer.
    """

    text: str = field(repr=False)
    commands: tuple[str, ...] = ()
    note: bool = False


def said(text: str, code: str) -> Said:
    """Read the text of an answer in a ticket."""
    lines = _without_history(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), code)
    kept: list[str] = []
    commands: list[str] = []
    note = False
    for line in lines:
        found = _COMMAND.fullmatch(line)
        if found is None:
            kept.append(line.rstrip())
            continue
        command = _COMMANDS.get(found[1].lower(), found[1].lower())
        if command != "note":
            commands.append(command)
        elif not any(one.strip() for one in kept):
            note = True
        else:
            kept.append(line.rstrip())
            continue
        if found[2]:
            kept.append(found[2].rstrip())
    return Said(text="" if note else "\n".join(kept).strip("\n"), commands=tuple(commands), note=note)


def unflowed(text: str, *, delete_space: bool) -> str:
    """Join the lines that `format=flowed` has divided (RFC 3676); quoted lines stay as they are."""
    lines: list[str] = []
    open_line = False
    for line in text.replace("\r\n", "\n").split("\n"):
        stuffed = line.removeprefix(" ")
        if open_line and not line.startswith(">"):
            lines[-1] += stuffed
        else:
            lines.append(stuffed)
        open_line = stuffed.endswith(" ") and stuffed != "-- " and not line.startswith(">")
        if open_line and delete_space:
            lines[-1] = lines[-1][:-1]
    return "\n".join(lines)


def _without_history(lines: Sequence[str], code: str) -> list[str]:
    kept: list[str] = []
    for number, line in enumerate(lines):
        if _QUOTED.match(line):
            _drop_attribution(kept)
            continue
        if _begins_history(lines, number, code):
            _drop_attribution(kept)
            break
        if _SIGNATURE.fullmatch(line):
            break
        kept.append(line)
    while kept and (not kept[-1].strip() or _MOBILE.fullmatch(kept[-1].strip())):
        kept.pop()
    return kept


def _begins_history(lines: Sequence[str], number: int, code: str) -> bool:
    line = lines[number]
    if mark(code) in line.lower() or _SEPARATOR.fullmatch(line):
        return True
    below = lines[number + 1 : number + 1 + _HEADER_LINES]
    return _FROM.fullmatch(line) is not None and any(_HEADER.fullmatch(one) for one in below)


def _drop_attribution(kept: list[str]) -> None:
    """Take away "On … somebody wrote:" (one line, or two) from the end."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    if not end:
        return
    if _WROTE.search(kept[end - 1]):
        first = end - 1
        if not _DATED.match(kept[first]) and first and _DATED.match(kept[first - 1]):
            first -= 1
        del kept[first:]
