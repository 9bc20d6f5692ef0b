"""Network addresses: which of them are everybody's, and a resolver that gives no others."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_OF_ONES_OWN = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_LAST_32 = 0xFFFF_FFFF


class NotPublic(OSError):
    """A name leads to a machine that not everybody can reach."""


def is_public(text: str) -> bool:
    """Whether everybody can reach that address, also one of IPv4 inside one of IPv6. Raises `ValueError` for none."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.is_site_local or address in _NAT64_OF_ONES_OWN:
            return False
        inner = _inside(address)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast


class PublicResolver(AbstractResolver):
    """Resolves names by `inner` to public addresses alone; whoever connects takes just these, so nobody looks twice.

    Raises `NotPublic` for a name that has no other addresses than private ones.
    """

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the public addresses of a name. Raises `OSError` if it has none."""
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if is_public(one["host"])]
        if found and not public:
            raise NotPublic(f"{host} is no public address")
        return public

    async def close(self) -> None:
        """Close the inner one."""
        await self._inner.close()


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for: mapped, compatible, 6to4 or NAT64; None for any other."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & _LAST_32)
    return address.sixtofour
