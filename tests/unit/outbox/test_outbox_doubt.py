"""Doubt after a power cut: an agent hears of their message; and who waits for it to settle holds back nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels.errors import RetryLater, Unreachable
from channels.model import Body, ChatRef, Outbound, Paragraph, Purpose, Text
from optfm_bot.outbox.delivery import Delivery
from optfm_bot.outbox.outgoing import DeliverySettings, Outgoing
from optfm_bot.outbox.plan import Policy
from optfm_bot.store.records import OutboxState


def said(number: int, purpose: Purpose) -> Outgoing:
    chat = ChatRef(channel="stage", chat_id="1")
    body = Body((Paragraph((Text(f"words {number}"),)),))
    message = Outbound(chat=chat, body=body, purpose=purpose)
    return Outgoing(id=number, lane=str(chat), message=message, created_at=0)


@pytest.mark.parametrize("policy", [Policy.AT_MOST_ONCE, Policy.VERIFY])
async def test_an_agent_hears_of_a_message_that_a_power_cut_left_in_doubt(desk: Any, policy: Policy) -> None:
    async with desk() as d:
        await d.keep([said(1, Purpose.AGENT), said(2, Purpose.ANSWER)], OutboxState.SENDING)
        d.platform.found = Unreachable("no history", maybe_sent=False)
        told: list[tuple[int, str, OutboxState]] = []

        async def lost(outgoing: Outgoing, reason: str) -> None:
            told.append((outgoing.id, reason, (await d.states())[outgoing.id]))

        delivery = Delivery(
            d.platform,
            DeliverySettings(per_chat=0, per_bot=0, policy=policy),
            store=d.store,
            clock=d.clock,
            observer=d.observer,
            guard=d._guard,
            gone=d._gone,
            lost=lost,
        )
        await delivery.recover()

        # It is told while the message is still open: a power cut in between leaves it to be told again.
        assert told == [(1, "it was being sent, and nobody can know whether it arrived", OutboxState.SENDING)]
        assert await d.states() == {1: OutboxState.UNCERTAIN, 2: OutboxState.UNCERTAIN}
        assert d.platform.delivered == []


@pytest.mark.parametrize(("limited", "seconds"), [(True, [5]), (False, [0])])
async def test_only_limits_of_several_chats_hold_back_the_others(
    desk: Any, *, limited: bool, seconds: list[float]
) -> None:
    async with desk() as d:
        for chat in ("1", "2"):
            d.platform.script[chat] = [RetryLater("wait", after=timedelta(seconds=5), limited=limited)]
            await d.promise(chat, "x")
        await d.clock.advance(0)
        await d.promise("3", "x")
        for _ in range(12):
            await d.clock.advance(0.5)
        assert d.times("1") == d.times("2") == [0, 5]
        assert d.times("3") == seconds
