"""Tokens of the API: how one is made, what is kept of it, and who may come in with it."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Collection
from enum import StrEnum
from hashlib import sha256

import structlog

from optfm_bot.clock import Clock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.store.contract import Store
from optfm_bot.store.records import TokenRow

log = structlog.get_logger("optfm_bot.api")

PREFIX = "ofb_"
"""How a token begins, so that a search for leaked secrets can find one."""

NAME = re.compile(r"[\w][\w .@-]{0,63}")
"""What a token may be called: it appears in the log and in tables."""

_RANDOM_BYTES = 32
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
_NOBODY = "0" * 64
_USED_EVERY_MS = 10 * 60 * 1000
"""How stale `last_used_at` may get: a commit for every request would cost more than the answer and tell nobody more."""

_WINDOW_SECONDS = 60.0
_ADDRESSES = 10_000
_KNOWN = 1_000


class Scope(StrEnum):
    """What a token allows. What was said to people is never in `read`: it has scopes of its own."""

    MESSAGES = "messages"
    SERVICE = "service"
    READ = "read"
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    TICKETS_READ = "tickets:read"
    PROPOSALS_READ = "proposals:read"
    PROPOSALS_WRITE = "proposals:write"


def new_token(random_bytes: Callable[[int], bytes]) -> str:
    """Make a token out of 256 random bits; `random_bytes` is `secrets.token_bytes` everywhere but in tests."""
    return PREFIX + urlsafe_b64encode(random_bytes(_RANDOM_BYTES)).rstrip(b"=").decode()


def digest(token: str) -> str:
    """What the store keeps of a token.

    One round of SHA-256 is enough here: slow hashes protect passwords because people choose them from a small number.
    A token has 256 random bits; whoever steals the table has to try them all, at any speed of the hash.
    """
    return sha256(token.encode()).hexdigest()


def scopes_of(row: TokenRow) -> frozenset[Scope]:
    """What a token allows; a name that this release does not know allows nothing."""
    return frozenset(scope for scope in Scope if scope in row.scopes.split())


def is_live(row: TokenRow, now: int) -> bool:
    """Whether a token opens anything at that moment (ms)."""
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


class FailureLimit:
    """Counts wrong tokens by address within a minute. `now` is a moment in seconds that only grows."""

    def __init__(self, most: int = 20) -> None:
        self._most = most
        self._failures: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def failed(self, address: str, now: float) -> None:
        """Somebody at that address came with a wrong token."""
        since, number = self._failures.pop(address, (now, 0))
        if now - since >= _WINDOW_SECONDS:
            since, number = now, 0
        self._failures[address] = (since, number + 1)
        while len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)

    def wait(self, address: str, now: float) -> float:
        """Seconds for which nobody unknown at that address is listened to; 0 if they may try."""
        since, number = self._failures.get(address, (now, 0))
        return max(0.0, since + _WINDOW_SECONDS - now) if number >= self._most else 0.0


class WrongToken(Exception):
    """The token is missing, unknown, revoked or expired. `wait`: come again after so many seconds, 0 for whenever."""

    def __init__(self, wait: float = 0.0) -> None:
        super().__init__((self.__doc__ or "").splitlines()[0])
        self.wait = wait


class Doorkeeper:
    """Lets in whoever has a live token. Every request asks the store, so a revoked token ends at once."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._limit = FailureLimit()
        self._known: OrderedDict[str, int] = OrderedDict()

    async def admit(self, authorization: str, address: str) -> TokenRow:
        """Give the token behind an `Authorization` header. Raises `WrongToken`, and `StoreUnavailable`.

        Who fails too often from one address is sent away unheard for a while. Tokens that were good a moment ago are
        still listened to: behind one proxy everybody has the same address, and a guesser must not lock the others out.
        """
        token = _bearer(authorization)
        # A missing token is looked up like a wrong one: how long the answer takes tells nothing.
        wanted = digest(token) if token else _NOBODY
        wait = self._limit.wait(address, self._clock.monotonic())
        if wait and wanted not in self._known:
            raise WrongToken(wait)
        row = await self._store.token(wanted)
        known = hmac.compare_digest(row.digest if row is not None else _NOBODY, wanted) and bool(token)
        if row is None or not known or not is_live(row, self._clock.ms()):
            self._known.pop(wanted, None)
            self._limit.failed(address, self._clock.monotonic())
            raise WrongToken
        await self._remember(row)
        return row

    async def _remember(self, row: TokenRow) -> None:
        now = self._clock.ms()
        used = self._known.pop(row.digest, row.last_used_at or 0)
        if now - used >= _USED_EVERY_MS:
            used = now
            try:
                async with self._store.unit() as unit:
                    unit.api.token_used(row.id, at=now)
            except StoreUnavailable as error:  # the request itself may need no writing
                log.warning("api.last_use_not_written", error=str(error))
        self._known[row.digest] = used
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)


def read_scopes(names: Collection[str]) -> str:
    """Write scopes the way they are kept, in a fixed order. Raises `ValueError` for a name that is none."""
    wanted = {Scope(name) for name in names}
    return " ".join(scope for scope in Scope if scope in wanted)


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and _SHAPE.fullmatch(token) else ""
