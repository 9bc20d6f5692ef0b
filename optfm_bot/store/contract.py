"""The contract of a store: what the house may ask of any database, and of its in-memory twin."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from optfm_bot.store.people_reads import PeopleReads
from optfm_bot.store.records import (
    ConversationRow,
    FeedbackRow,
    IdempotencyRow,
    MissRow,
    OutboxRow,
    PersonRow,
    StoreCounts,
    StoredUpdate,
    TokenRow,
    TurnRow,
)
from optfm_bot.store.unit import UnitOfWork


class Fence(Protocol):
    """Keeps a process that was taken for dead from writing: units carry the tenure under which they were begun."""

    @property
    def tenure(self) -> int | None:
        """The present tenure; None where nobody else can work with the store."""

    def ended(self, tenure: int) -> None:
        """The database knows no such tenure any more."""


class NoFence:
    """For a process that has its store for itself."""

    tenure: int | None = None

    def ended(self, tenure: int) -> None:
        """Nobody could end it."""


class Store(PeopleReads):
    """Keeps everything that must survive a crash.

    Writes go through `unit()` and are durable when its block ends; units are applied in the order of their ends and
    many may share one transaction, but not each other's faults: a unit with a row that is there already raises
    `StoreConflict`, one that changes a row which is not as it was read any more raises `StoreOutdated`, one with a
    value that the database does not take raises `StoreRefused`, the others are applied.
    Reads see committed data only. Every method raises `StoreUnavailable` while the database cannot be used and works
    again, without being reopened, when it can.

    Where several processes share a database, `fence` names the tenure of this one. What was begun under a tenure that
    is over raises `StoreFenced`, whatever it is.
    """

    fence: Fence = NoFence()

    @abstractmethod
    async def open(self) -> None:
        """Connect. Raises `SchemaMismatch` if the schema is not the one this program knows."""

    @abstractmethod
    async def close(self) -> None:
        """Finish the commits that have begun and disconnect; idempotent."""

    @abstractmethod
    def unit(self, *, fenced: bool = True) -> UnitOfWork:
        """Begin to record a unit of work under the present tenure; not `fenced`: what is true whoever writes it."""

    # -- updates ------------------------------------------------------------------------------------------

    @abstractmethod
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
        """Lease the oldest new updates that nobody holds, in order of id: of these shards, so many of a lane at most.

        An update is held while its lease runs. Only whole prefixes of a lane are given: an update waits while an older
        one of its lane is new and held by somebody else or not due yet. The lane of a retry keeps its order that way.
        Counted by lane, it waits for those that the owner holds, too.
        """

    @abstractmethod
    async def release(self, *, owner: str | None = None) -> int:
        """End the leases of one owner (None: of everybody, for a store that only one process uses); gives how many."""

    @abstractmethod
    async def let_go(
        self, *, owner: str, keep: Collection[int], shards: Collection[int] | None = None
    ) -> int:
        """End the leases of one owner, in these shards, but for the updates to `keep`; gives how many.

        What was stored under a lease and whose storing was never confirmed can be claimed again after it.
        """

    @abstractmethod
    async def unclaimed(self, *, now: int, shards: Collection[int] | None = None) -> bool:
        """Whether new updates of these shards wait that nobody holds, be they due or not."""

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
    async def unsent(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[OutboxRow]:
        """Messages of a channel, of these shards, that are ready or were being sent, in order of id."""

    @abstractmethod
    async def ready(self, channel: str, *, shards: Collection[int] | None = None) -> Sequence[int]:
        """The ids of its messages that are ready, in order."""

    @abstractmethod
    async def outgoing(self, ids: Collection[int]) -> Sequence[OutboxRow]:
        """Those of these messages that there are, in order of id."""

    @abstractmethod
    async def answers(self, updates: Collection[int]) -> Sequence[OutboxRow]:
        """The messages that answer these updates, in order of id."""

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
    async def idempotency(self, token_id: int, key: str) -> IdempotencyRow | None:
        """What a token's key stood for, or None if it was never used."""

    @abstractmethod
    async def counts(
        self, *, shards: Collection[int] | None = None, without: Collection[str] = ()
    ) -> StoreCounts:
        """How much work waits, in these shards; new updates of the lanes `without` are left out."""

    @abstractmethod
    async def check(self) -> None:
        """Prove that the database can be written right now."""
