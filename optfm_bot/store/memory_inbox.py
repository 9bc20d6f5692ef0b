"""The inbox of the store in memory: updates, who holds them, and who may still write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from itertools import count

from optfm_bot.errors import StoreFenced
from optfm_bot.store.changes import Op
from optfm_bot.store.contract import Store
from optfm_bot.store.records import InboxState, Params, StoredUpdate

_STORED = tuple(field.name for field in fields(StoredUpdate))


class MemoryInbox(Store):
    """The part of a store in memory that keeps updates."""

    def __init__(self) -> None:
        super().__init__()
        self._inbox: dict[int, Params] = {}
        self._keys: dict[tuple[str, str], int] = {}
        self._ids = count(1)
        self.members: set[int] = set()
        """The tenures that last, where several houses share this store."""

    def _inbox_appliers(self) -> dict[Op, Callable[[Params], None]]:
        """What makes each kind of change true, but for the adding: that gives the row."""
        return {
            Op.INBOX_DONE: self._finish(InboxState.DONE),
            Op.INBOX_RETRY: self._retry_update,
            Op.INBOX_PARK: self._finish(InboxState.PARKED),
            Op.INBOX_REVIVE: self._revive,
        }

    # -- tenures ------------------------------------------------------------------------------------------

    def evict(self, tenure: int) -> None:
        """End a tenure: nothing of it is written any more, and what it held is anybody's."""
        self.members.discard(tenure)
        for row in self._inbox.values():
            if row["owner"] == str(tenure):
                row.update(owner=None, lease_until=0)

    def _require(self, tenure: int | None) -> None:
        if tenure is None:
            return
        if tenure not in self.members:
            self.fence.ended(tenure)
        if tenure not in self.members or tenure != self.fence.tenure:
            raise StoreFenced

    # -- appliers -----------------------------------------------------------------------------------------

    def _add_update(self, params: Params) -> StoredUpdate | None:
        key = (params["channel"], params["key"])
        if key in self._keys:
            return None
        row = {
            "id": next(self._ids),
            "state": InboxState.NEW,
            "attempts": 0,
            "not_before": 0,
            "error": None,
            **params,
        }
        self._inbox[row["id"]] = row
        self._keys[key] = row["id"]
        return _stored(row)

    def _finish(self, state: InboxState) -> Callable[[Params], None]:
        def apply(params: Params) -> None:
            row = self._inbox.get(params["b_id"])
            if row is not None and row["state"] is InboxState.NEW:
                row.update(state=state, owner=None, error=params.get("b_error", row["error"]))

        return apply

    def _retry_update(self, params: Params) -> None:
        row = self._inbox.get(params["b_id"])
        if row is not None and row["state"] is InboxState.NEW:
            row.update(
                attempts=params["b_attempts"], not_before=params["b_not_before"], error=params["b_error"]
            )

    def _revive(self, params: Params) -> None:
        row = self._inbox.get(params["b_id"])
        if row is not None and row["state"] is InboxState.PARKED:
            row.update(state=InboxState.NEW, owner=None, lease_until=0, not_before=0, attempts=0)

    # -- reads --------------------------------------------------------------------------------------------

    async def claim(
        self,
        *,
        owner: str,
        now: int,
        lease_until: int,
        limit: int,
        shards: Collection[int] | None = None,
        per_lane: int | None = None,
    ) -> Sequence[StoredUpdate]:
        """Lease the oldest new updates that nobody holds."""
        self._require(self.fence.tenure)
        blocked: set[str] = set()
        taken: Counter[str] = Counter()
        claimed: list[Params] = []
        for row in self._inbox.values():
            if row["state"] is not InboxState.NEW or (shards is not None and row["shard"] not in shards):
                continue
            if row["lease_until"] > now or row["not_before"] > now:
                if row["owner"] != owner or per_lane is not None:
                    blocked.add(row["lane"])
            elif row["lane"] not in blocked and len(claimed) < limit:
                taken[row["lane"]] += 1
                if per_lane is None or taken[row["lane"]] <= per_lane:
                    claimed.append(row)
        for row in claimed:
            row.update(owner=owner, lease_until=lease_until)
        return [_stored(row) for row in claimed]

    async def release(self, *, owner: str | None = None) -> int:
        """End leases."""
        held = [
            row
            for row in self._inbox.values()
            if row["state"] is InboxState.NEW and row["lease_until"] > 0 and owner in {None, row["owner"]}
        ]
        for row in held:
            row.update(owner=None, lease_until=0)
        return len(held)

    async def let_go(
        self, *, owner: str, keep: Collection[int], shards: Collection[int] | None = None
    ) -> int:
        """End the leases of one owner but for these updates."""
        self._require(self.fence.tenure)
        held = [
            row
            for row in self._inbox.values()
            if row["state"] is InboxState.NEW
            and row["owner"] == owner
            and row["id"] not in keep
            and (shards is None or row["shard"] in shards)
        ]
        for row in held:
            row.update(owner=None, lease_until=0)
        return len(held)

    async def unclaimed(self, *, now: int, shards: Collection[int] | None = None) -> bool:
        """Whether new updates wait that nobody holds."""
        return any(
            row["state"] is InboxState.NEW
            and row["lease_until"] <= now
            and (shards is None or row["shard"] in shards)
            for row in self._inbox.values()
        )

    async def unfinished(self, ids: Collection[int]) -> Collection[int]:
        """Those of these updates that are new."""
        return {i for i in ids if i in self._inbox and self._inbox[i]["state"] is InboxState.NEW}

    async def renew(self, *, owner: str, lease_until: int, ids: Collection[int] | None = None) -> None:
        """Prolong leases."""
        chosen = self._inbox.keys() if ids is None else set(ids)
        for row in self._inbox.values():
            if row["state"] is InboxState.NEW and row["owner"] == owner and row["id"] in chosen:
                row["lease_until"] = lease_until

    async def parked(self, *, limit: int = 100) -> Sequence[StoredUpdate]:
        """Updates that could not be handled, newest first."""
        rows = [row for row in reversed(self._inbox.values()) if row["state"] is InboxState.PARKED]
        return [_stored(row) for row in rows[:limit]]

    async def recent_updates(self, channel: str, *, limit: int = 50) -> Sequence[StoredUpdate]:
        """The last updates that a channel received, oldest first."""
        rows = [row for row in reversed(self._inbox.values()) if row["channel"] == channel]
        return [_stored(row) for row in reversed(rows[:limit])]

    async def waiting(self, lane: str) -> Sequence[StoredUpdate]:
        """Updates of a lane that are not handled yet."""
        rows = (row for row in self._inbox.values() if row["lane"] == lane and row["state"] is InboxState.NEW)
        return [_stored(row) for row in sorted(rows, key=lambda row: row["id"])]

    async def last_received(self, channel: str) -> int | None:
        """When the newest update of a channel was stored."""
        return max((r["received_at"] for r in self._inbox.values() if r["channel"] == channel), default=None)


def _stored(row: Params) -> StoredUpdate:
    return StoredUpdate(**{name: row[name] for name in _STORED})
