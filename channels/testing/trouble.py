"""Trouble on request, as every fake understands it: which call goes wrong, and how a connection is broken."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final, Generic, Protocol, TypeVar

from aiohttp import web

LONGEST_HANG: Final = 3600.0
"""Seconds: longer than any test lives."""

BAD_GATEWAY_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Rule(Protocol):
    """One rule: `times` calls (None: all) of `method` (a name or a pattern), with this probability, go wrong."""

    method: str
    times: int | None
    probability: float

    @property
    def kind(self) -> StrEnum:
        """What goes wrong."""

    @property
    def chat_id(self) -> object:
        """In which chat (None: in any)."""


R = TypeVar("R", bound=Rule)


class FaultPlan(Generic[R]):
    """The rules in force, asked once per call; the first one that matches is used. Seeded, so a run can be repeated."""

    def __init__(self, *, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - a repeatable test, not a secret
        self.rules: list[R] = []
        self.fired: Counter[str] = Counter()

    def add(self, fault: R) -> R:
        """Put a rule in force after the others."""
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        """Everything works again."""
        self.rules.clear()

    def take(self, method: str, chat_id: object = None) -> R | None:
        """The fault that strikes this call, counted down, or None."""
        for fault in self.rules:
            if fault.method != method and not fnmatchcase(method, fault.method):
                continue
            if fault.chat_id is not None and str(fault.chat_id) != str(chat_id):
                continue
            if fault.probability < 1.0 and self._random.random() >= fault.probability:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.rules.remove(fault)
            self.fired[fault.kind.value] += 1
            return fault
        return None


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Wait, but not longer than the server lives."""
    closed = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait((closed,), timeout=seconds)
    finally:
        closed.cancel()


def cut_off(request: web.BaseRequest) -> web.Response:
    """Close the connection; the response that is returned goes nowhere."""
    request.protocol.force_close()
    return web.Response()


def reset(request: web.BaseRequest) -> web.Response:
    """Close the connection with a reset instead of a goodbye."""
    if request.transport is not None:
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()


async def cut_short(request: web.BaseRequest, whole: web.Response) -> web.Response:
    """Send half of an answer that promises to be whole, and close the connection."""
    body = whole.body if isinstance(whole.body, bytes) else b""
    cut = web.StreamResponse(status=whole.status, headers={**whole.headers, "Content-Length": str(len(body))})
    await cut.prepare(request)
    await cut.write(body[: len(body) // 2])
    return cut_off(request)
