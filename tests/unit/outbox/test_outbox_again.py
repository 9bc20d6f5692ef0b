"""A member again while a call of an earlier tenure is still under way: nothing is forgotten, doubled or overtaken."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.errors import ChannelError, RetryLater, Unreachable
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.outbox.plan import Policy
from optfm_bot.store.records import OutboxState
from tests.unit.outbox.conftest import ShakyStore
from tests.unit.tenancy import Tenancy

READY, SENDING, SENT, UNCERTAIN = (
    OutboxState.READY,
    OutboxState.SENDING,
    OutboxState.SENT,
    OutboxState.UNCERTAIN,
)


@pytest.fixture
def store() -> ShakyStore:
    return ShakyStore()


@pytest.fixture
def tenancy(store: ShakyStore) -> Tenancy:
    return Tenancy(store)


@pytest.mark.parametrize(
    ("error", "texts", "first"),
    [
        (None, ["1", "2", "3"], SENT),
        (RetryLater(after=timedelta(seconds=1)), ["1", "2", "3"], SENT),
        (Unreachable("lost", maybe_sent=True), ["2", "3"], UNCERTAIN),
    ],
    ids=["sent", "refused", "unknown"],
)
async def test_a_call_that_outlives_its_tenure_is_ours_to_judge_if_its_chat_is_ours_again(
    desk: Any,
    store: ShakyStore,
    tenancy: Tenancy,
    error: ChannelError | None,
    texts: list[str],
    first: OutboxState,
) -> None:
    async with desk(store=store, owner=tenancy) as d:
        d.platform.gate.clear()
        d.platform.script["a"] = [error] if error is not None else []
        rows = await d.promise("a", "1", "2")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        tenancy.again(2)
        await d.delivery.recover(tenancy.shards)
        rows += await d.promise("a", "3")
        d.platform.gate.set()
        await d.clock.advance(60)

        assert d.platform.texts("a") == texts
        states = await d.states()
        assert [states[row] for row in rows] == [first, SENT, SENT]
        assert d.delivery.depth == 0
        assert d.delivery.places == d.settings.concurrency


@pytest.mark.parametrize("policy", [Policy.AT_MOST_ONCE, Policy.AT_LEAST_ONCE])
async def test_what_others_have_sent_meanwhile_is_not_sent_again(
    desk: Any, store: ShakyStore, tenancy: Tenancy, policy: Policy
) -> None:
    settings = DeliverySettings(per_chat=0, per_bot=0, policy=policy)
    async with desk(settings, store=store, owner=tenancy) as d:
        d.platform.gate.clear()
        d.platform.script["a"] = [RetryLater(after=timedelta(seconds=1))]
        rows = await d.promise("a", "1", "2")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        async with store.unit(fenced=False) as unit:
            for row in rows:
                unit.outbox.sent(row, external_ids="[]", degraded=None, at=1)
        tenancy.again(2)
        await d.delivery.recover(tenancy.shards)
        rows += await d.promise("a", "3")
        d.platform.gate.set()
        await d.clock.advance(60)

        assert [text for _, _, text in d.platform.calls] == ["1", "3"]
        assert set((await d.states()).values()) == {SENT}
        assert d.delivery.depth == 0


async def test_a_call_that_ends_while_we_look_for_what_is_left_is_not_taken_for_lost(
    desk: Any, store: ShakyStore, tenancy: Tenancy
) -> None:
    """What was read of it is out of date by the time it is its turn."""
    async with desk(store=store, owner=tenancy) as d:
        d.platform.gate.clear()
        (row,) = await d.promise("a", "1")
        await d.clock.advance(0)
        tenancy.over()
        d.delivery.evict()
        tenancy.again(2)
        read = store.unsent

        async def slowly(*given: Any, **named: Any) -> Any:
            rows = await read(*given, **named)
            d.platform.gate.set()
            await d.clock.advance(0)
            return rows

        store.unsent = slowly  # type: ignore[method-assign]
        await d.delivery.recover(tenancy.shards)
        await d.clock.advance(60)

        assert d.platform.texts("a") == ["1"]
        assert (await d.states())[row] is SENT
