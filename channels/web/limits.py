"""How much one visitor, one network address and all together may ask of the chat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from channels.errors import RetryLater
from channels.phrase import phrase

_WAIT = timedelta(seconds=5)
_VISITOR_NETWORK = 64
"""Bits of an IPv6 address that tell one household from another; the rest its devices choose freely."""

_LOCAL = tuple(
    ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


class Buckets:
    """A token bucket for each key: `burst` at once, then `per_minute` evenly; 0 per minute sets no limit.

    At most `most` keys are remembered; the one that was not seen for longest is forgotten, which only favours it.
    """

    def __init__(
        self, *, per_minute: int, burst: int, clock: Callable[[], datetime], most: int = 10_000
    ) -> None:
        self._rate = per_minute / 60
        self._burst = float(burst)
        self._clock = clock
        self._most = most
        self._levels: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def take(self, key: str) -> timedelta | None:
        """Take one token; None if there was one, else how long to wait for it."""
        if not self._rate:
            return None
        now = self._clock()
        level, since = self._levels.pop(key, (self._burst, now))
        passed = max(0.0, (now - since).total_seconds())
        level = min(self._burst, level + passed * self._rate)
        enough = level >= 1
        self._levels[key] = (level - 1 if enough else level, now)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return None if enough else timedelta(seconds=(1 - level) / self._rate)


class Places:
    """How many streams are open: in all, and for each key of one kind (a talk, an address)."""

    def __init__(self, *, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._taken: dict[str, int] = {}
        self._all = 0

    @contextmanager
    def taken(self, key: str | None) -> Iterator[None]:
        """Hold a place while the block runs. Raises `RetryLater` if there is none; no key counts in all only."""
        if self._all >= self._total or (key is not None and self._taken.get(key, 0) >= self._each):
            raise RetryLater(phrase("web.too_many_streams", "too many open streams"), after=_WAIT)
        self._all += 1
        if key is not None:
            self._taken[key] = self._taken.get(key, 0) + 1
        try:
            yield
        finally:
            self._all -= 1
            if key is not None:
                left = self._taken[key] - 1
                if left:
                    self._taken[key] = left
                else:
                    del self._taken[key]


def visitor_address(remote: str, forwarded: str, *, proxies: int) -> str | None:
    """Say where a visitor is; None if nobody can tell, and then no limit by address can be kept.

    With `proxies` of ours in front, the last so many entries of X-Forwarded-For were written by them, and the first of
    these is the visitor. Without, the header is anybody's word; but a proxy on this very machine hides the visitor.
    """
    if proxies:
        hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
        return _network(hops[-proxies]) if len(hops) >= proxies else _network(remote)
    if forwarded and is_local(remote):
        return None
    return _network(remote)


def is_local(remote: str) -> bool:
    """Whether a connection comes from this machine or its private network."""
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    return any(address in network for network in _LOCAL)


def _network(text: str) -> str | None:
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(IPv6Address(int(address) >> _VISITOR_NETWORK << _VISITOR_NETWORK))
    return str(address)
