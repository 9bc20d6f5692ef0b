"""Shards: conversations are dealt into a fixed number of groups, so that processes can divide them among themselves."""

from __future__ import annotations

from zlib import crc32

SHARDS = 64
"""How many there are. Rows carry the number of their shard, so changing this needs a migration."""


def shard_of(lane: str) -> int:
    """The shard of a conversation: the same in every process and for ever, unlike Python's salted `hash`."""
    return crc32(lane.encode("utf-8", "surrogatepass")) % SHARDS


def shard_lease(shard: int) -> str:
    """The name of the lease that makes a shard somebody's own."""
    return f"shard:{shard:02}"
