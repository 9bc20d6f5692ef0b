"""The outbox of the store in memory: messages, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import fields

from optfm_bot.shards import shard_of
from optfm_bot.store.changes import Op
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxRow, OutboxState, Params

_OUTGOING = tuple(field.name for field in fields(OutboxRow))


class MemoryOutbox(Store):
    """The part of a store in memory that keeps messages."""

    def __init__(self) -> None:
        super().__init__()
        self._outbox: dict[int, Params] = {}
        self._answers: set[tuple[int, int]] = set()

    def _outbox_appliers(self) -> dict[Op, Callable[[Params], None]]:
        """What makes each kind of change true."""
        return {
            Op.OUTBOX_ADD: self._add_outgoing,
            Op.OUTBOX_SENDING: self._change_message(lambda _: {"state": OutboxState.SENDING}),
            Op.OUTBOX_SENT: self._change_message(_sent),
            Op.OUTBOX_RETRY: self._change_message(_retried),
            Op.OUTBOX_CLOSE: self._change_message(_closed),
            Op.OUTBOX_FORWARD: self._change_message(_forwarded),
        }

    # -- appliers -----------------------------------------------------------------------------------------

    def _add_outgoing(self, params: Params) -> None:
        fresh = {"attempts": 0, "not_before": 0, "error": None}
        unknown = {"external_ids": None, "degraded": None, "sent_at": None}
        self._outbox[params["id"]] = {**fresh, **unknown, **params}
        self._outbox[params["id"]]["state"] = OutboxState(params["state"])
        if params["inbox_id"] is not None:
            self._answers.add((params["inbox_id"], params["seq"]))

    def _change_message(self, change: Callable[[Params], Params]) -> Callable[[Params], None]:
        def apply(params: Params) -> None:
            row = self._outbox.get(params["b_id"])
            if row is not None:
                row.update(change(params))

        return apply

    # -- reads --------------------------------------------------------------------------------------------

    async def promised(self, turn_ids: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that these turns became."""
        rows = sorted(
            (row for row in self._outbox.values() if row["turn_id"] in turn_ids), key=lambda row: row["id"]
        )
        return [_outgoing(row) for row in rows]

    async def unsent(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[OutboxRow]:
        """Messages that are ready or were being sent."""
        return [
            row
            for row in self._messages(channel)
            if row.state < OutboxState.SENT and (shards is None or shard_of(row.lane) in shards)
        ]

    async def ready(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[int]:
        """The ids of its messages that are ready."""
        unsent = await self.unsent(channel, shards=shards)
        return [row.id for row in unsent if row.state is OutboxState.READY]

    async def outgoing(self, ids: Collection[int]) -> Sequence[OutboxRow]:
        """Those of these messages that there are."""
        return [_outgoing(self._outbox[i]) for i in sorted(ids) if i in self._outbox]

    async def answers(self, updates: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that answer these updates."""
        rows = (row for row in self._outbox.values() if row["inbox_id"] in updates)
        return [_outgoing(row) for row in sorted(rows, key=lambda row: row["id"])]

    async def closed(self, channel: str, *, limit: int = 100) -> Sequence[OutboxRow]:
        """Messages that are uncertain, dropped or failed."""
        return [row for row in reversed(self._messages(channel)) if row.state > OutboxState.SENT][:limit]

    def _messages(self, channel: str) -> list[OutboxRow]:
        rows = sorted(
            (row for row in self._outbox.values() if row["channel"] == channel), key=lambda row: row["id"]
        )
        return [_outgoing(row) for row in rows]


def _outgoing(row: Params) -> OutboxRow:
    return OutboxRow(**{name: row[name] for name in _OUTGOING})


def _sent(params: Params) -> Params:
    return {
        "state": OutboxState.SENT,
        "external_ids": params["b_external_ids"],
        "degraded": params["b_degraded"],
        "sent_at": params["b_sent_at"],
    }


def _retried(params: Params) -> Params:
    changed = {
        "state": OutboxState.READY,
        "attempts": params["b_attempts"],
        "not_before": params["b_not_before"],
        "error": params["b_error"],
    }
    return changed if params["b_message"] is None else {**changed, "message": params["b_message"]}


def _forwarded(params: Params) -> Params:
    fresh = {"state": OutboxState.READY, "attempts": 0, "not_before": 0, "error": None}
    return {**fresh, "channel": params["b_channel"], "message": params["b_message"]}


def _closed(params: Params) -> Params:
    return {
        "state": OutboxState(params["b_state"]),
        "error": params["b_error"],
        "sent_at": params["b_sent_at"],
    }
