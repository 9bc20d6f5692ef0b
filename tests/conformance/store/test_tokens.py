"""Keys of the REST API, what was asked for through it, and what became of a message, whatever the database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from optfm_bot.errors import StoreConflict
from optfm_bot.store.contract import Store
from optfm_bot.store.records import IdempotencyRow, OutboxRow, OutboxState, TokenRow

NOW = 1_760_000_000_000


def token(number: int, name: str = "shop", **fields: int | None) -> TokenRow:
    return TokenRow(
        id=number,
        name=name,
        digest=f"{number:064x}",
        scopes="messages read",
        created_at=NOW,
        **fields,  # type: ignore[arg-type]
    )


def request(key: str = "k", token_id: int = 1, turn_id: int = 7) -> IdempotencyRow:
    return IdempotencyRow(token_id=token_id, key=key, fingerprint="f" * 64, turn_id=turn_id, at=NOW)


async def add(store: Store, row: TokenRow) -> None:
    async with store.unit() as unit:
        unit.api.add_token(row)


async def test_a_token_is_found_by_its_digest_as_it_was_written(store: Store) -> None:
    row = token(1, expires_at=NOW + 5)
    await add(store, row)

    assert row == await store.token(row.digest)
    assert await store.token("0" * 64) is None


async def test_tokens_are_listed_newest_first(store: Store) -> None:
    for number, name in enumerate(("a", "b", "c"), 1):
        await add(store, token(number, name))

    assert ["c", "b", "a"] == [row.name for row in await store.tokens()]


async def test_a_name_is_taken_while_its_token_lives(store: Store) -> None:
    await add(store, token(1))
    with pytest.raises(StoreConflict):
        await add(store, token(2))

    assert [token(1)] == list(await store.tokens())


async def test_a_revoked_token_leaves_its_name_and_stays_on_record(store: Store) -> None:
    await add(store, token(1))
    async with store.unit() as unit:
        unit.api.revoke_token(1, at=NOW + 1)
    await add(store, token(2))

    assert [token(2), token(1, revoked_at=NOW + 1)] == list(await store.tokens())


async def test_revoking_twice_keeps_the_first_moment(store: Store) -> None:
    await add(store, token(1))
    for moment in (NOW + 1, NOW + 2):
        async with store.unit() as unit:
            unit.api.revoke_token(1, at=moment)

    (found,) = await store.tokens()
    assert found.revoked_at == NOW + 1


@pytest.mark.parametrize("same", ["id", "digest"])
async def test_nobody_gets_the_id_or_digest_of_another(store: Store, same: str) -> None:
    first, second = token(1, "a"), token(2, "b")
    await add(store, first)
    with pytest.raises(StoreConflict):
        await add(store, replace(second, **{same: getattr(first, same)}))


async def test_the_last_use_is_remembered(store: Store) -> None:
    await add(store, token(1))
    await add(store, token(2, "other"))
    async with store.unit() as unit:
        unit.api.token_used(1, at=NOW + 9)

    assert [None, NOW + 9] == [row.last_used_at for row in await store.tokens()]


async def test_a_key_belongs_to_the_request_that_came_first(store: Store) -> None:
    async def ask(turn_id: int) -> bool:
        try:
            async with store.unit() as unit:
                unit.api.add_idempotency(request(turn_id=turn_id))
        except StoreConflict:
            return False
        return True

    answers = await asyncio.gather(ask(7), ask(8))

    assert sorted(answers) == [False, True]
    found = await store.idempotency(1, "k")
    assert found == request(turn_id=7 if answers[0] else 8)


async def test_two_tokens_may_use_the_same_key(store: Store) -> None:
    async with store.unit() as unit:
        unit.api.add_idempotency(request(token_id=1, turn_id=7))
        unit.api.add_idempotency(request(token_id=2, turn_id=8))

    assert await store.idempotency(2, "k") == request(token_id=2, turn_id=8)
    assert await store.idempotency(2, "other") is None


async def test_a_message_whose_key_was_used_is_not_promised_again(store: Store) -> None:
    """The key and the message stand in one unit, so they are refused together."""

    async def ask(row_id: int) -> None:
        async with store.unit() as unit:
            unit.outbox.add(message(row_id))
            unit.api.add_idempotency(request())

    await ask(1)
    with pytest.raises(StoreConflict):
        await ask(2)

    assert [1] == [row.id for row in await store.unsent("t")]


def message(row_id: int) -> OutboxRow:
    return OutboxRow(
        id=row_id, channel="t", lane="t:1", message="{}", purpose="notice", created_at=NOW, turn_id=7
    )


async def test_what_became_of_a_message_can_be_read(store: Store) -> None:
    async with store.unit() as unit:
        for row_id in (1, 2, 3):
            unit.outbox.add(message(row_id))
    async with store.unit() as unit:
        unit.outbox.sent(1, external_ids='["m1"]', degraded='["buttons"]', at=NOW + 1)
        unit.outbox.close(2, state=OutboxState.FAILED, error="too long", at=NOW + 2)

    assert [
        (OutboxState.SENT, '["m1"]', '["buttons"]', None, NOW + 1),
        (OutboxState.FAILED, None, None, "too long", NOW + 2),
        (OutboxState.READY, None, None, None, None),
    ] == [(r.state, r.external_ids, r.degraded, r.error, r.sent_at) for r in await store.promised([7])]
