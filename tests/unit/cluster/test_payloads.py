"""Notices are packed into as few payloads as PostgreSQL carries."""

from __future__ import annotations

from itertools import pairwise

import orjson
from hypothesis import given
from hypothesis import strategies as st

from optfm_bot.cluster.postgres import _NOTICE_BYTES, PostgresRegistry, _payloads
from optfm_bot.store.engine import database_url

NOTICES = st.lists(
    st.tuples(
        st.sampled_from(["inbox", "outbox", "", "лицо"]),
        st.builds(lambda text, times: text * times, st.text(max_size=40), st.integers(1, 300)),
    ),
    max_size=30,
)


def read(payloads: list[str]) -> list[tuple[str, str]]:
    return [tuple(notice) for payload in payloads for notice in orjson.loads(payload)[1]]


@given(notices=NOTICES)
def test_what_fits_is_carried_in_order_and_nothing_else(notices: list[tuple[str, str]]) -> None:
    payloads = list(_payloads("me", notices))

    assert all(len(payload.encode()) <= _NOTICE_BYTES for payload in payloads)
    assert all(orjson.loads(payload)[0] == "me" for payload in payloads)
    fitting = [notice for notice in notices if len(orjson.dumps(["me", [notice]])) <= _NOTICE_BYTES]
    assert read(payloads) == fitting


@given(notices=NOTICES)
def test_no_two_neighbouring_payloads_would_fit_into_one(notices: list[tuple[str, str]]) -> None:
    fitting = [notice for notice in notices if len(orjson.dumps(["me", [notice]])) <= _NOTICE_BYTES]
    payloads = [orjson.loads(payload)[1] for payload in _payloads("me", fitting)]

    for one, two in pairwise(payloads):
        assert len(orjson.dumps(["me", [*one, two[0]]])) > _NOTICE_BYTES


def test_nothing_to_say_is_no_payload() -> None:
    assert list(_payloads("me", [])) == []
    assert list(_payloads("me", [("t", "x" * _NOTICE_BYTES)])) == []


def test_many_small_notices_are_one_payload() -> None:
    assert len(_payloads("me", [("inbox", str(shard)) for shard in range(64)])) == 1


def test_what_waits_to_be_said_is_not_said_twice() -> None:
    registry = PostgresRegistry(database_url("postgresql://nobody@localhost/x"), name="me")
    for shard in (1, 2, 1, 2):
        registry.tell("inbox", str(shard))

    assert registry._notices == [("inbox", "1"), ("inbox", "2")]
