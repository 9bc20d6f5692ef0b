"""What a channel received can be looked at again, handled or not."""

from __future__ import annotations

from optfm_bot.store.contract import Store
from optfm_bot.store.records import NewUpdate

NOW = 1_760_000_000_000


async def add(store: Store, *updates: tuple[str, str]) -> list[int]:
    async with store.unit() as unit:
        for channel, key in updates:
            new = NewUpdate(channel=channel, key=key, lane=f"{channel}:1", payload=f'{{"n":{key}}}'.encode())
            unit.inbox.add(new, received_at=NOW, owner=None, lease_until=0)
    return [row.id for row in unit.added]


async def test_the_last_updates_of_a_channel_are_given_in_the_order_of_their_coming(store: Store) -> None:
    await add(store, ("t", "1"), ("m", "2"), ("t", "3"), ("t", "4"))

    rows = await store.recent_updates("t", limit=2)

    assert [(row.key, row.payload) for row in rows] == [("3", b'{"n":3}'), ("4", b'{"n":4}')]
    assert [row.key for row in await store.recent_updates("m")] == ["2"]
    assert list(await store.recent_updates("x")) == []


async def test_updates_that_were_handled_or_put_aside_are_among_them(store: Store) -> None:
    done, parked = await add(store, ("t", "1"), ("t", "2"))
    async with store.unit() as unit:
        unit.inbox.done(done, at=NOW)
        unit.inbox.park(parked, error="odd", at=NOW)

    assert [row.key for row in await store.recent_updates("t")] == ["1", "2"]


async def test_looking_takes_nothing_from_the_dispatcher(store: Store) -> None:
    await add(store, ("t", "1"))

    await store.recent_updates("t")

    assert [row.key for row in await store.claim(owner="a", now=NOW, lease_until=NOW + 1, limit=5)] == ["1"]
