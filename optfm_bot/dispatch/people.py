"""People of ours behind the front: the helpdesk, and who looks after requests, as the handler needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass

from channels.model import Inbound
from optfm_bot.dispatch.inner import CLOCK, STAFF
from optfm_bot.dispatch.opening import Opening
from optfm_bot.dispatch.orders import Orders
from optfm_bot.dispatch.requests import Requests


async def _no_desk(_desk: str, _ticket: str) -> None:
    """Without a helpdesk there are no tickets to look at."""


async def _no_resident(_event: Inbound) -> None:
    """No helpdesk lives in a chat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What the handler asks for.

    `look` reads a ticket of a helpdesk and stores what is new in it; `resident` is the chat that is a helpdesk, as
    (channel, chat id), and `overheard` stores what was written there. Both raise by reaction, or what the store raises.
    `desks` are the names of helpdesks.
    """

    orders: Orders
    requests: Requests
    opening: Opening | None = None
    desks: Collection[str] = ()
    look: Callable[[str, str], Awaitable[None]] = _no_desk
    resident: tuple[str, str] | None = None
    overheard: Callable[[Inbound], Awaitable[None]] = _no_resident

    @property
    def inner(self) -> Collection[str]:
        """What inner events come as, where updates have their channel."""
        return frozenset({*self.desks, CLOCK, STAFF})
