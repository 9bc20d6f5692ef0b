"""The delivery worker: order, patience, and what becomes of each message. No place for a call is ever lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from channels.capabilities import Capabilities
from channels.errors import (
    Gone,
    MarkupRejected,
    Moved,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.model import Body, Bold, Paragraph, Receipt, Text
from optfm_bot.errors import StoreUnavailable
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.outbox.plan import Policy
from optfm_bot.store.records import OutboxState

MINUTE = timedelta(seconds=60)
HTML = Capabilities(text_limit=4096, dialect="telegram-html")


def unpaced(**changes: Any) -> DeliverySettings:
    return DeliverySettings(**{"per_chat": 0, "per_bot": 0, **changes})


# -- order and pace ------------------------------------------------------------------------------------


async def test_a_chat_is_served_in_order(desk: Any) -> None:
    async with desk() as d:
        await d.promise("a", *map(str, range(20)))
        await d.clock.advance(0)

        assert d.platform.texts("a") == [str(number) for number in range(20)]
        assert set((await d.states()).values()) == {OutboxState.SENT}
        await d.burst()


async def test_a_chat_that_has_to_wait_holds_nobody_back_and_keeps_its_order(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE)]
        await d.promise("a", "1", "2")
        for number in range(50):
            await d.promise(f"b{number}", "x")
        await d.clock.advance(59)

        assert d.platform.texts("a") == []
        assert len(d.platform.delivered) == 50
        await d.clock.advance(1)
        assert d.platform.texts("a") == ["1", "2"]
        assert d.times("a") == [0, 60, 60]
        await d.burst()


async def test_limits_in_two_chats_at_once_pause_the_bot(desk: Any) -> None:
    async with desk() as d:
        d.platform.script = {"a": [RetryLater(after=MINUTE)], "b": [RetryLater(after=MINUTE)]}
        await d.promise("a", "1")
        await d.clock.advance(10)
        await d.promise("b", "1")
        await d.clock.advance(0)
        await d.promise("c", "1")
        await d.clock.advance(59)
        assert d.platform.texts("c") == []
        await d.clock.advance(2)

        assert d.times("c") == [70]
        await d.burst()


async def test_a_limit_that_is_over_does_not_count_for_the_next(desk: Any) -> None:
    async with desk() as d:
        d.platform.script = {"a": [RetryLater(after=MINUTE)], "b": [RetryLater(after=MINUTE)]}
        await d.promise("a", "1")
        await d.clock.advance(61)
        await d.promise("b", "1")
        await d.clock.advance(0)
        await d.promise("c", "1")
        await d.clock.advance(0)

        assert d.platform.texts("c") == ["1"]


async def test_a_limit_of_the_whole_bot_holds_everybody_back(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE, whole_bot=True)]
        await d.promise("a", "1")
        await d.clock.advance(0)
        assert not await d.delivery.reserve("stage:b")
        for number in range(40):
            await d.promise(f"b{number}", "x")
        await d.clock.advance(59)
        assert d.platform.delivered == []
        await d.clock.advance(1)

        assert len(d.platform.delivered) == 41
        await d.burst()


async def test_a_pause_holds_back_those_who_were_waiting_for_a_place(desk: Any) -> None:
    """They had their turn before the pause began; without another look they would break it."""
    async with desk(unpaced(concurrency=1)) as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE, whole_bot=True)]
        for chat in "abc":
            await d.promise(chat, "x")
        await d.clock.advance(59)

        assert [chat for _, chat, _ in d.platform.calls] == ["a"]
        await d.clock.advance(2)
        assert len(d.platform.delivered) == 3
        await d.burst()


async def test_a_pause_holds_back_those_whose_pace_was_due_in_it(desk: Any) -> None:
    async with desk(unpaced(per_bot=1)) as d:
        d.platform.gate.clear()
        d.platform.script["a"] = [RetryLater(after=MINUTE, whole_bot=True)]
        await d.promise("a", "x")
        await d.promise("b", "x")
        await d.clock.advance(0.5)
        d.platform.gate.set()
        await d.clock.advance(59.9)

        assert d.times("b") == []
        await d.clock.advance(5)
        assert len(d.platform.delivered) == 2


async def test_what_gathered_during_a_pause_leaves_at_the_pace_of_the_bot(desk: Any) -> None:
    async with desk(unpaced(per_bot=10, concurrency=200)) as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE, whole_bot=True)]
        await d.promise("a", "x")
        for number in range(100):
            await d.clock.advance(0.5)
            await d.promise(f"b{number}", "x")
        await d.clock.advance(30)
        at = sorted(at for at, _, _ in d.platform.calls[1:])

        assert len(at) == 101
        assert max(sum(1 for other in at if moment <= other < moment + 1) for moment in at) <= 21


async def test_messages_that_are_committed_together_share_one_pace(desk: Any) -> None:
    """A place is reserved with its share of the pace: many at once do not all find the same free moment."""
    async with desk(DeliverySettings(per_chat=1, per_bot=2, burst=1)) as d:
        reserved = [await d.delivery.reserve(f"stage:{number}") for number in range(10)]

        assert reserved == [True, True] + [False] * 8
        for _ in range(2):
            d.delivery.cancel()
        await d.clock.advance(5)
        await d.burst(2)


async def test_each_chat_is_paced(desk: Any) -> None:
    async with desk(DeliverySettings(per_chat=1, per_bot=0, burst=2)) as d:
        await d.promise("a", *"12345")
        await d.clock.advance(10)

        assert d.times("a") == [0, 0, 1, 2, 3]


async def test_waits_of_many_chats_that_end_together_do_not_let_them_pass_together(desk: Any) -> None:
    async with desk(DeliverySettings(per_chat=0.1, per_bot=5, burst=1, concurrency=100)) as d:
        for number in range(50):
            await d.promise(f"c{number}", "1", "2")
        await d.clock.advance(40)
        at = sorted(at for at, _, text in d.platform.calls if text == "2")

        assert len(at) == 50
        assert max(sum(1 for other in at if moment <= other < moment + 1) for moment in at) <= 11


async def test_no_more_calls_are_under_way_than_allowed(desk: Any) -> None:
    async with desk(unpaced(concurrency=4)) as d:
        d.platform.gate.clear()
        for number in range(30):
            await d.promise(f"c{number}", "x")
        await d.clock.advance(0)
        assert d.platform.at_once == 4
        d.platform.gate.set()
        await d.clock.advance(0)

        assert (d.platform.most_at_once, len(d.platform.delivered)) == (4, 30)
        await d.burst()


# -- reactions -----------------------------------------------------------------------------------------


async def test_what_fails_twice_is_sent_the_third_time(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [RetryLater(), Unreachable(maybe_sent=False)]
        await d.promise("a", "1", "2")
        await d.clock.advance(10)

        assert d.times("a") == [0, 1, 3, 3]
        assert d.platform.texts("a") == ["1", "2"]
        assert (d.observer.retries, d.observer.results) == (["RetryLater", "Unreachable"], ["sent", "sent"])
        await d.burst()


async def test_after_the_last_attempt_a_message_has_failed_and_is_visible(desk: Any) -> None:
    async with desk(unpaced(max_attempts=3)) as d:
        d.platform.script["a"] = [Unreachable("nobody there", maybe_sent=False)] * 3
        await d.promise("a", "1", "2")
        await d.clock.advance(60)

        (row,) = await d.store.closed("stage")
        assert (row.state, row.error, row.attempts) == (OutboxState.FAILED, "nobody there", 2)
        assert d.platform.texts("a") == ["2"]
        assert d.observer.results == ["failed", "sent"]
        await d.burst()


@pytest.mark.parametrize("error", [Rejected("no"), TooLarge("no")])
async def test_what_is_rejected_has_failed_at_once(desk: Any, error: Exception) -> None:
    async with desk() as d:
        d.platform.script["a"] = [error]
        await d.promise("a", "1", "2")
        await d.clock.advance(0)

        (row,) = await d.store.closed("stage")
        assert (row.state, row.error) == (OutboxState.FAILED, "no")
        assert d.platform.texts("a") == ["2"]
        await d.burst()


async def test_a_text_over_the_limit_has_failed_without_a_call(desk: Any) -> None:
    async with desk(capabilities=Capabilities(text_limit=5)) as d:
        await d.promise("a", "much too long", "2")
        await d.clock.advance(0)

        (row,) = await d.store.closed("stage")
        assert (row.state, d.platform.texts()) == (OutboxState.FAILED, ["2"])
        await d.burst()


async def test_a_bug_of_the_channel_costs_its_own_message_only(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [KeyError("bug")]
        await d.promise("a", "1", "2")
        await d.clock.advance(0)

        (row,) = await d.store.closed("stage")
        assert row.state is OutboxState.FAILED
        assert "KeyError" in (row.error or "")
        assert d.platform.texts() == ["2"]
        await d.burst()


async def test_a_person_who_has_gone_is_marked_and_the_message_dropped(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [Gone("blocked")]
        await d.promise("a", "1")
        await d.clock.advance(0)

        (row,) = await d.store.closed("stage")
        assert (row.state, d.left, d.observer.results) == (OutboxState.DROPPED, ["stage:a"], ["gone"])
        await d.burst()


async def test_marking_who_has_gone_survives_a_store_that_is_down(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [Gone()]
        d.gone_errors = [StoreUnavailable(), StoreUnavailable()]
        await d.promise("a", "1")
        await d.clock.advance(5)

        (row,) = await d.store.closed("stage")
        assert (row.state, d.left) == (OutboxState.DROPPED, ["stage:a"])
        await d.burst()


async def test_rejected_markup_is_sent_plain_once(desk: Any) -> None:
    async with desk(capabilities=HTML) as d:
        d.platform.script["a"] = [MarkupRejected()]
        body = Body((Paragraph((Bold((Text("1 < 2"),)),)),))
        (row_id,) = await d.promise("a", "", body=body)
        await d.clock.advance(0)

        assert [text for _, _, text in d.platform.calls] == ["<b>1 &lt; 2</b>", "1 < 2"]
        assert (await d.states())[row_id] is OutboxState.SENT
        await d.burst()


async def test_plain_text_that_is_rejected_too_has_failed(desk: Any) -> None:
    async with desk(capabilities=HTML) as d:
        d.platform.script["a"] = [MarkupRejected(), MarkupRejected()]
        await d.promise("a", "1")
        await d.clock.advance(0)

        assert len(d.platform.calls) == 2
        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.FAILED]
        await d.burst()


async def test_a_plain_copy_that_has_to_wait_is_tried_again(desk: Any) -> None:
    async with desk(capabilities=HTML) as d:
        d.platform.script["a"] = [MarkupRejected(), RetryLater(after=MINUTE), MarkupRejected()]
        await d.promise("a", "1")
        await d.clock.advance(60)

        assert d.platform.texts("a") == ["1"]
        await d.burst()


async def test_a_chat_that_moved_gets_its_message_at_the_new_place_which_is_kept(desk: Any) -> None:
    async with desk() as d:
        d.platform.script = {"a": [Moved(chat_id="z")], "z": [RetryLater(after=MINUTE)]}
        await d.promise("a", "1")
        await d.clock.advance(0)
        (row,) = await d.store.unsent("stage")
        assert '"z"' in row.message
        await d.clock.advance(60)

        assert d.platform.texts("z") == ["1"]
        await d.burst()


async def test_chats_that_move_in_circles_do_not_keep_us_busy_for_ever(desk: Any) -> None:
    async with desk(unpaced(max_attempts=4)) as d:
        d.platform.script = {"a": [Moved(chat_id="b")] * 50, "b": [Moved(chat_id="a")] * 50}
        await d.promise("a", "1")
        await d.clock.advance(0)

        assert len(d.platform.calls) == 4
        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.FAILED]
        await d.burst()


async def test_a_chat_that_moved_to_where_it_is_has_failed(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [Moved(chat_id="a")]
        await d.promise("a", "1")
        await d.clock.advance(0)

        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.FAILED]
        await d.burst()


async def test_bad_credentials_pause_everything_and_lose_nothing(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [Unauthorized("revoked")]
        await d.promise("a", "1", "2")
        await d.clock.advance(0)
        await d.promise("b", "1")
        await d.clock.advance(3600)
        assert len(d.platform.calls) == 1
        assert d.observer.hints == ["revoked"]
        assert not await d.delivery.reserve("stage:c")
        d.delivery.resume()
        await d.clock.advance(10)

        assert (d.platform.texts("a"), d.platform.texts("b")) == (["1", "2"], ["1"])
        assert {row.state for row in d.store._messages("stage")} == {OutboxState.SENT}
        await d.burst()


# -- nobody knows whether it arrived -------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "calls"), [(Policy.AT_MOST_ONCE, 1), (Policy.AT_LEAST_ONCE, 2)])
async def test_a_lost_answer_is_settled_by_the_policy(desk: Any, policy: Policy, calls: int) -> None:
    async with desk(unpaced(policy=policy)) as d:
        d.platform.script["a"] = [Unreachable(maybe_sent=True)]
        await d.promise("a", "1", "2")
        await d.clock.advance(30)

        assert sum(text == "1" for _, _, text in d.platform.calls) == calls
        closed = [row.state for row in await d.store.closed("stage")]
        assert closed == ([OutboxState.UNCERTAIN] if policy is Policy.AT_MOST_ONCE else [])
        assert d.observer.results[0] == ("uncertain" if policy is Policy.AT_MOST_ONCE else "sent")
        assert d.platform.texts("a")[-1] == "2"
        await d.burst()


async def test_a_message_that_is_found_there_is_not_sent_again(desk: Any) -> None:
    async with desk(unpaced(policy=Policy.VERIFY)) as d:
        d.platform.script["a"] = [Unreachable(maybe_sent=True)]
        d.platform.found = Receipt(external_ids=("m1",), sent_at=d.clock.now())
        (row_id,) = await d.promise("a", "1")
        await d.clock.advance(30)

        assert (len(d.platform.calls), (await d.states())[row_id]) == (1, OutboxState.SENT)
        assert d.platform.asked[0] < d.clock.now()
        await d.burst()


async def test_a_message_that_is_not_there_is_sent_again(desk: Any) -> None:
    async with desk(unpaced(policy=Policy.VERIFY)) as d:
        d.platform.script["a"] = [Unreachable(maybe_sent=True)]
        await d.promise("a", "1")
        await d.clock.advance(30)

        assert (len(d.platform.calls), d.platform.texts("a")) == (2, ["1"])
        await d.burst()


async def test_verifying_ends_after_the_last_attempt(desk: Any) -> None:
    async with desk(unpaced(policy=Policy.VERIFY, max_attempts=3)) as d:
        d.platform.script["a"] = [Unreachable(maybe_sent=True)] * 50
        await d.promise("a", "1")
        await d.clock.advance(3600)

        assert len(d.platform.calls) == 3
        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.FAILED]
        await d.burst()


async def test_what_cannot_be_verified_is_uncertain(desk: Any) -> None:
    async with desk(unpaced(policy=Policy.VERIFY)) as d:
        d.platform.script["a"] = [Unreachable(maybe_sent=True)]
        d.platform.found = Unreachable(maybe_sent=False)
        await d.promise("a", "1")
        await d.clock.advance(30)

        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.UNCERTAIN]
        await d.burst()


async def test_a_call_that_never_returns_is_ended_by_the_clock(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        await d.promise("a", "1")
        await d.clock.advance(89)
        assert await d.store.closed("stage") == []
        await d.clock.advance(2)

        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.UNCERTAIN]
        d.platform.gate.set()
        await d.burst()


async def test_a_search_that_never_returns_is_ended_by_the_clock(desk: Any) -> None:
    async with desk(unpaced(policy=Policy.VERIFY)) as d:
        d.platform.gate.clear()
        await d.promise("a", "1")
        await d.clock.advance(200)

        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.UNCERTAIN]
        d.platform.gate.set()
        await d.burst()


# -- what must not be sent any more --------------------------------------------------------------------


async def test_what_has_expired_while_it_waited_is_dropped(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE)]
        await d.promise("a", "1", expires_at=d.clock.now() + timedelta(seconds=59))
        await d.promise("a", "2", expires_at=d.clock.now() + timedelta(seconds=61))
        await d.clock.advance(60)

        assert d.platform.texts("a") == ["2"]
        assert [row.state for row in await d.store.closed("stage")] == [OutboxState.DROPPED]
        await d.burst()


async def test_the_guard_is_asked_right_before_sending(desk: Any) -> None:
    async with desk() as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE)]
        await d.promise("a", "1", guard="reachable")
        await d.clock.advance(1)
        d.refusals["stage:a"] = "the person has left"
        await d.clock.advance(60)

        (row,) = await d.store.closed("stage")
        assert (row.state, row.error) == (OutboxState.DROPPED, "the person has left")
        assert len(d.platform.calls) == 1
        await d.burst()


async def test_a_guard_that_cannot_read_the_store_decides_nothing(desk: Any) -> None:
    async with desk() as d:
        d.guard_errors = [StoreUnavailable(), StoreUnavailable()]
        await d.promise("a", "1")
        await d.clock.advance(5)

        assert d.platform.texts("a") == ["1"]
        assert await d.store.closed("stage") == []
        await d.burst()


# -- a store that is down ------------------------------------------------------------------------------


async def test_a_message_is_sent_once_however_long_the_store_is_down(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        await d.promise("a", "1")
        await d.clock.advance(0)
        d.store.down = True
        d.platform.gate.set()
        await d.clock.advance(60)
        assert len(d.platform.calls) == 1
        d.store.down = False
        await d.clock.advance(1)

        assert set((await d.states()).values()) == {OutboxState.SENT}
        await d.burst()


async def test_nothing_is_sent_that_could_not_be_written_down_as_being_sent(desk: Any) -> None:
    async with desk() as d:
        await d.promise("a", "1")
        d.store.down = True
        await d.clock.advance(60)
        assert d.platform.calls == []
        d.store.down = False
        await d.clock.advance(1)

        assert d.platform.texts("a") == ["1"]
        await d.burst()


# -- places --------------------------------------------------------------------------------------------


async def test_what_is_sent_but_not_written_down_is_never_more_than_there_are_places(desk: Any) -> None:
    """A power cut leaves at most so many in doubt, however slow the store is."""
    async with desk(unpaced(concurrency=2, policy=Policy.AT_LEAST_ONCE)) as d:
        for chat in "abcde":
            await d.promise(chat, "1")
        d.store.down = True
        await d.clock.advance(30)
        assert len(d.platform.delivered) == 2
        d.store.down = False
        await d.clock.advance(1)

        assert len(d.platform.delivered) == 5
        await d.burst()


async def test_a_reserved_place_is_used_or_given_back(desk: Any) -> None:
    async with desk(unpaced(concurrency=2)) as d:
        assert await d.delivery.reserve("stage:a")
        assert await d.delivery.reserve("stage:b")
        assert not await d.delivery.reserve("stage:c")
        d.delivery.cancel()
        await d.promise("a", "1", begun=True)
        await d.clock.advance(0)

        assert d.platform.texts("a") == ["1"]
        await d.burst()


@pytest.mark.parametrize(
    "error",
    [
        RetryLater(after=MINUTE),
        RetryLater(),
        Gone(),
        Rejected(),
        Moved(chat_id="z"),
        Unreachable(maybe_sent=True),
        Unreachable(maybe_sent=False),
        Unauthorized(),
        KeyError("bug"),
    ],
)
async def test_a_begun_message_gives_its_place_back_whatever_happens(desk: Any, error: Exception) -> None:
    async with desk() as d:
        d.platform.script["a"] = [error]
        assert await d.delivery.reserve("stage:a")
        await d.promise("a", "1", begun=True)
        await d.clock.advance(1)
        d.delivery.resume()
        await d.clock.advance(70)

        assert await d.store.unsent("stage") == []
        await d.burst()


@pytest.mark.parametrize("policy", list(Policy))
async def test_nothing_is_reserved_where_a_message_would_wait(desk: Any, policy: Policy) -> None:
    async with desk(unpaced(policy=policy)) as d:
        assert (policy is not Policy.AT_LEAST_ONCE) is await d.delivery.reserve("stage:free")
        d.platform.gate.clear()
        await d.promise("busy", "1")
        assert not await d.delivery.reserve("stage:busy")


async def test_a_refused_begun_message_gives_its_place_back(desk: Any) -> None:
    async with desk() as d:
        d.refusals["stage:a"] = "no"
        assert await d.delivery.reserve("stage:a")
        await d.promise("a", "1", begun=True)
        await d.clock.advance(0)

        assert d.platform.calls == []
        await d.burst()


# -- beginning and end ---------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("arrived", [True, False])
async def test_a_restart_takes_up_what_was_left(desk: Any, policy: Policy, arrived: bool) -> None:  # noqa: FBT001 - a case of the table
    """One message was ready, one was under way when the process died."""
    async with desk(unpaced(policy=policy)) as before:
        before.delivery._turnstile.close()
        await before.promise("a", "under way")
        await before.promise("b", "ready")
        async with before.store.unit() as unit:
            unit.outbox.sending(1)
        async with desk(unpaced(policy=policy), store=before.store) as d:
            d.platform.found = Receipt(external_ids=("m1",), sent_at=d.clock.now()) if arrived else None
            await d.delivery.recover()
            await d.clock.advance(0)

            resent = policy is Policy.AT_LEAST_ONCE or (policy is Policy.VERIFY and not arrived)
            assert sorted(d.platform.texts()) == sorted(["ready", *(["under way"] if resent else [])])
            uncertain = [row.id for row in await d.store.closed("stage")]
            assert uncertain == ([1] if policy is Policy.AT_MOST_ONCE else [])
            assert await d.store.unsent("stage") == []


async def test_a_restart_keeps_the_moment_of_a_retry(desk: Any) -> None:
    async with desk() as before:
        before.platform.script["a"] = [RetryLater(after=MINUTE)]
        await before.promise("a", "1", "2")
        await before.clock.advance(0)
        await before.stop()
        async with desk(store=before.store) as d:
            await d.delivery.recover()
            await d.clock.advance(59)
            assert d.platform.texts() == []
            await d.clock.advance(1)
            assert d.platform.texts() == ["1", "2"]


async def test_a_row_that_cannot_be_read_is_failed_and_in_nobodys_way(desk: Any) -> None:
    async with desk() as d:
        d.delivery._turnstile.close()
        await d.promise("a", "1", "2")
        d.store._outbox[1]["message"] = '{"v":99}'
        async with desk(store=d.store) as again:
            await again.delivery.recover()
            await again.clock.advance(0)
            assert again.platform.texts() == ["2"]
            assert [row.state for row in await again.store.closed("stage")] == [OutboxState.FAILED]


async def test_stopping_lets_calls_finish_and_starts_none(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        await d.promise("a", "1", "2")
        await d.clock.advance(0)
        stopping = asyncio.create_task(d.delivery.stop(10))
        await d.clock.advance(1)
        assert not stopping.done()
        d.platform.gate.set()
        await d.clock.advance(0)
        await stopping

        assert d.platform.texts() == ["1"]
        assert [(row.id, row.state) for row in await d.store.unsent("stage")] == [(2, OutboxState.READY)]
        assert not d.delivery._tasks


async def test_stopping_cuts_off_a_call_that_hangs(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        await d.promise("a", "1")
        await d.clock.advance(0)
        await d.stop(10)

        assert d.clock.monotonic() - d.start < 15
        assert not d.delivery._tasks
        assert [row.state for row in await d.store.unsent("stage")] == [OutboxState.SENDING]


async def test_stopping_waits_for_nobody_who_waits(desk: Any) -> None:
    async with desk(unpaced(concurrency=1)) as d:
        d.platform.script["a"] = [RetryLater(after=MINUTE, whole_bot=True)]
        for chat in "abcd":
            await d.promise(chat, "1")
        await d.clock.advance(1)
        now = d.clock.monotonic()
        await d.delivery.stop(10)

        assert d.clock.monotonic() == now
        assert {row.state for row in await d.store.unsent("stage")} == {OutboxState.READY}
        assert len(await d.store.unsent("stage")) == 4


async def test_what_is_accepted_while_stopping_waits_for_the_next_start(desk: Any) -> None:
    async with desk() as d:
        await d.stop()
        await d.promise("a", "1")
        await d.clock.advance(10)

        assert d.platform.calls == []
        assert len(await d.store.unsent("stage")) == 1


async def test_a_begun_message_is_sent_even_while_stopping(desk: Any) -> None:
    """It is written as being sent: leaving it would make it uncertain for no reason."""
    async with desk() as d:
        assert await d.delivery.reserve("stage:a")
        stopping = asyncio.create_task(d.delivery.stop(10))
        await d.promise("a", "1", begun=True)
        await d.clock.advance(1)
        await stopping

        assert d.platform.texts() == ["1"]


async def test_a_long_outbox_asks_for_patience_until_it_is_short_again(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        for chat in range(100):
            await d.promise(str(chat), *["x"] * 10)
        waiting = asyncio.create_task(d.delivery.room("stage:b"))
        await d.clock.advance(0)
        assert not waiting.done()
        assert (d.delivery.depth, d.delivery.full, d.delivery.crowded) == (1000, True, [])
        d.platform.gate.set()
        await d.delivery.idle()

        assert waiting.done()
        assert (d.delivery.depth, d.delivery.full) == (0, False)


async def test_a_chat_with_much_to_come_waits_for_itself_alone(desk: Any) -> None:
    async with desk(settings=DeliverySettings(per_chat=1, per_bot=0, burst=1)) as d:
        await d.promise("a", *["x"] * 50)
        waiting = asyncio.create_task(d.delivery.room("stage:a"))
        async with asyncio.timeout(1):
            await d.delivery.room("stage:b")
        assert (d.delivery.full, d.delivery.crowded) == (False, ["stage:a"])
        assert not waiting.done()
        await d.clock.advance(1)

        assert waiting.done()
        assert d.delivery.crowded == []


async def test_when_nothing_new_is_promised_nobody_is_held_back(desk: Any) -> None:
    async with desk() as d:
        d.platform.gate.clear()
        for chat in ("a", *map(str, range(19))):
            await d.promise(chat, *["x"] * 50)
        waiting = [asyncio.create_task(d.delivery.room(lane)) for lane in ("stage:a", "stage:b")]
        await d.clock.advance(0)
        assert d.delivery.full
        assert not any(one.done() for one in waiting)
        d.delivery.let_pass()
        await d.clock.advance(0)

        assert all(one.done() for one in waiting)
        await d.promise("a", "y")
        async with asyncio.timeout(1):
            await d.delivery.room("stage:a")
