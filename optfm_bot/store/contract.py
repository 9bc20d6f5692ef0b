"""The contract of a store: what the house may ask of any database, and of its in-memory twin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence

from optfm_bot.store.records import (
    ConversationRow,
    FeedbackRow,
    MissRow,
    OutboxRow,
    PersonRow,
    RequestRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.unit import UnitOfWork


class Store(ABC):
    """Keeps everything that must survive a crash.

    Writes go through `unit()` and are durable when its block ends; units are applied in the order of their ends and
    many may share one transaction, but not each other's faults: a unit with a row that is there already raises
    `StoreConflict`, one with a value that the database does not take raises `StoreRefused`, the others are applied.
    Reads see committed data only. Every method raises `StoreUnavailable` while the database cannot be used and works
    again, without being reopened, when it can.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect. Raises `SchemaMismatch` if the schema is not the one this program knows."""

    @abstractmethod
    async def close(self) -> None:
        """Finish the commits that have begun and disconnect; idempotent."""

    @abstractmethod
    def unit(self) -> UnitOfWork:
        """Begin to record a unit of work."""

    # -- updates ------------------------------------------------------------------------------------------

    @abstractmethod
    async def claim(self, *, owner: str, now: int, lease_until: int, limit: int) -> Sequence[StoredUpdate]:
        """Lease the oldest new updates that nobody holds, in order of id.

        An update is held while its lease runs. Only whole prefixes of a lane are given: an update waits while an older
        one of its lane is new and held by somebody else or not due yet. The lane of a retry keeps its order that way.
        """

    @abstractmethod
    async def release(self, *, owner: str | None = None) -> int:
        """End the leases of one owner (None: of everybody, for a store that only one process uses); gives how many."""

    @abstractmethod
    async def unclaimed(self, *, now: int) -> bool:
        """Whether new updates wait that nobody holds, be they due or not."""

    @abstractmethod
    async def unfinished(self, ids: Collection[int]) -> Collection[int]:
        """Those of these updates that are new, so neither handled nor parked."""

    @abstractmethod
    async def renew(self, *, owner: str, lease_until: int, ids: Collection[int] | None = None) -> None:
        """Prolong the leases that the owner still has: of these updates, or all of them."""

    @abstractmethod
    async def parked(self, *, limit: int = 100) -> Sequence[StoredUpdate]:
        """Updates that could not be handled, newest first."""

    @abstractmethod
    async def recent_updates(self, channel: str, *, limit: int = 50) -> Sequence[StoredUpdate]:
        """The last updates that a channel received, whatever came of them, oldest first."""

    @abstractmethod
    async def cursor(self, channel: str) -> str | None:
        """Where a polling channel stands, or None if it never polled."""

    # -- conversations and people -------------------------------------------------------------------------

    @abstractmethod
    async def conversations(self, lanes: Collection[str]) -> Mapping[str, ConversationRow]:
        """The states of those conversations that exist."""

    @abstractmethod
    async def people(self, refs: Collection[str]) -> Mapping[str, PersonRow]:
        """Those people that are known."""

    @abstractmethod
    async def turn(self, turn_id: int) -> TurnRow | None:
        """One message of the history."""

    @abstractmethod
    async def turns(self, lane: str, *, limit: int = 50) -> Sequence[TurnRow]:
        """The last messages of a conversation, oldest first."""

    @abstractmethod
    async def promised(self, turn_ids: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that these turns of the history became, whatever came of them, in order of id."""

    @abstractmethod
    async def waiting(self, lane: str) -> Sequence[StoredUpdate]:
        """Updates of a lane that are stored and not handled yet, in order of id."""

    @abstractmethod
    async def last_received(self, channel: str) -> int | None:
        """When (ms) the newest update of a channel was stored, or None if there is none."""

    @abstractmethod
    async def misses(
        self, *, limit: int = 100, since: int | None = None, before: int | None = None
    ) -> Sequence[MissRow]:
        """Texts that could not be answered, newest first: none before the moment `since` (ms), ids below `before` only.

        With the last id of a page as `before`, the next page follows.
        """

    @abstractmethod
    async def feedback(self, *, turn_id: int) -> Sequence[FeedbackRow]:
        """Opinions on one answer."""

    # -- outgoing messages --------------------------------------------------------------------------------

    @abstractmethod
    async def unsent(self, channel: str) -> Sequence[OutboxRow]:
        """Messages of a channel that are ready or were being sent, in order of id."""

    @abstractmethod
    async def closed(self, channel: str, *, limit: int = 100) -> Sequence[OutboxRow]:
        """Messages of a channel that are uncertain, dropped or failed, newest first."""

    # -- the REST API -------------------------------------------------------------------------------------

    @abstractmethod
    async def tokens(self) -> Sequence[TokenRow]:
        """Every token there was, newest first."""

    @abstractmethod
    async def token(self, digest: str) -> TokenRow | None:
        """The token with that digest, be it live or not."""

    @abstractmethod
    async def request(self, token_id: int, key: str) -> RequestRow | None:
        """What a token's key stood for, or None if it was never used."""

    @abstractmethod
    async def counts(self) -> StoreCounts:
        """How much work waits."""

    @abstractmethod
    async def check(self) -> None:
        """Prove that the database can be written right now."""
