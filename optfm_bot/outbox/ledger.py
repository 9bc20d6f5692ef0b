"""The ledger of one channel's outbox: writes down what became of messages, however long the store needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import orjson
import structlog

from channels.model import Receipt
from optfm_bot.clock import Clock
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import DeliveryObserver, Outgoing
from optfm_bot.ownership import Ownership
from optfm_bot.store.contract import Store
from optfm_bot.store.records import OutboxState
from optfm_bot.store.unit import UnitOfWork

log = structlog.get_logger("optfm_bot.outbox")

T = TypeVar("T")

_STORE_RETRY_SECONDS = 0.5


class Ledger:
    """Records outcomes and tells the observer of them.

    Nothing here fails while the process lives: forgetting what happened to a message could send it twice. What belongs
    to a tenure that is over is not written, it is another process's; only that a message was sent is true for all.
    """

    def __init__(
        self,
        channel: str,
        *,
        store: Store,
        clock: Clock,
        observer: DeliveryObserver,
        ownership: Ownership,
    ) -> None:
        self._channel = channel
        self._ownership = ownership
        self._store = store
        self._clock = clock
        self._observer = observer

    async def sending(self, outgoing: Outgoing) -> None:
        """The call is about to start."""
        await self._write(outgoing.tenure, lambda unit: unit.outbox.sending(outgoing.id))

    async def sent(self, outgoing: Outgoing, receipt: Receipt) -> None:
        """The platform accepted the message."""
        ids = orjson.dumps(receipt.external_ids).decode()
        degraded = orjson.dumps(receipt.degraded).decode() if receipt.degraded else None
        at = self._clock.ms()
        await self._write(
            outgoing.tenure,
            lambda unit: unit.outbox.sent(outgoing.id, external_ids=ids, degraded=degraded, at=at),
            always=True,
        )
        self._observer.resolved("sent", (at - outgoing.created_at) / 1000)
        log.debug("outbox.sent", outbox_id=outgoing.id, degraded=receipt.degraded)

    async def postponed(self, outgoing: Outgoing, reason: Exception, *, message: str | None) -> None:
        """The message will be tried again at its `not_before`, as `message` if it had to change."""
        self._observer.retried(type(reason).__name__)
        await self._write(
            outgoing.tenure,
            lambda unit: unit.outbox.retry(
                outgoing.id,
                attempts=outgoing.attempts,
                not_before=outgoing.not_before,
                error=str(reason),
                message=message,
            ),
        )

    async def closed(
        self, outgoing: Outgoing, state: OutboxState, reason: str, *, result: str | None = None
    ) -> None:
        """The message is not tried any more; `result` names it for the observer if the state does not."""
        await self.discarded(outgoing.id, state, reason, tenure=outgoing.tenure)
        seconds = (self._clock.ms() - outgoing.created_at) / 1000
        self._observer.resolved(result or state.name.lower(), seconds)
        if state in {OutboxState.UNCERTAIN, OutboxState.FAILED}:
            log.warning(
                "outbox.unresolved",
                channel=self._channel,
                outbox_id=outgoing.id,
                state=state.name,
                reason=reason,
            )

    async def discarded(self, row_id: int, state: OutboxState, reason: str, *, tenure: int | None) -> None:
        """A row is closed of which no message could be made."""
        at = self._clock.ms()
        await self._write(tenure, lambda unit: unit.outbox.close(row_id, state=state, error=reason, at=at))

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it answers: a database that is down must not decide about a message."""
        while True:
            try:
                return await call()
            except StoreUnavailable as error:
                await self._breathe(error)

    async def _breathe(self, error: StoreUnavailable) -> None:
        log.error("outbox.store_unavailable", channel=self._channel, error=str(error))
        await self._clock.sleep(_STORE_RETRY_SECONDS)

    async def _write(
        self, tenure: int | None, record: Callable[[UnitOfWork], None], *, always: bool = False
    ) -> None:
        while (lasts := self._ownership.lasts(tenure)) or always:
            try:
                async with self._store.unit(fenced=lasts) as unit:
                    record(unit)
            except StoreUnavailable as error:
                await self._breathe(error)
            else:
                return
