"""Life: a channel can be opened, closed, cancelled and opened again, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

from channels.contract import Polling, Transport
from channels.errors import Unauthorized
from channels.testing.conformance.fault_server import FAULTS
from channels.testing.conformance.subject import Subject, promise
from channels.testing.conformance.witness import caught, others, turns

_SOON = 2.0


class LifeChecks(Subject):
    """Opening, closing, being cut off."""

    async def test_opening_and_closing_twice_is_doing_it_once(self, transport: Transport) -> None:
        """`open` and `close` may be called twice."""
        async with self.connected(transport, opened=False) as it:
            await it.channel.open()
            await it.channel.open()
            await it.channel.deliver(self.message(it.channel))
            await it.channel.close()
            await it.channel.close()

    async def test_closing_without_having_opened_is_harmless(self, transport: Transport) -> None:
        """`close` without `open` raises nothing and asks nothing."""
        async with self.connected(transport, opened=False) as it:
            await it.channel.close()
            await it.channel.close()
            promise(not it.front.asked, "closing asked the platform something")

    async def test_a_check_from_outside_needs_no_opening_and_changes_nothing(
        self, transport: Transport
    ) -> None:
        """`probe` works without `open` and sends nothing."""
        async with self.connected(transport, opened=False) as it:
            await it.channel.probe()
            await it.channel.close()
            promise(not it.platform.sent(), "a probe sent a message")

    async def test_after_closing_calls_end_by_reaction_or_work(self, transport: Transport) -> None:
        """A call after `close` ends by reaction or works, and another `close` leaves nothing behind."""
        before = asyncio.all_tasks()
        async with self.connected(transport) as it:
            await it.channel.deliver(self.message(it.channel))
            await it.channel.close()
            await caught(lambda: it.channel.deliver(self.message(it.channel, key="2")))
            await caught(lambda: it.channel.typing(it.chat(self.chat)))
            if isinstance(it.channel, Polling) and it.platform.remote:
                it.platform.writes(self.chat, "Вы ещё здесь?")
                await caught(it.arrivals)
            await it.channel.close()
            await it.front.until(lambda: it.front.connections == 0, seconds=_SOON)
        await turns()
        promise(not others(before), f"tasks that nobody owns: {others(before)}")

    async def test_it_can_be_opened_again_after_closing(self, transport: Transport) -> None:
        """A closed channel can be opened and used again."""
        async with self.connected(transport) as it:
            await it.channel.close()
            await it.channel.open()
            await it.channel.deliver(self.message(it.channel, "Снова здесь"))
            promise("Снова здесь" in it.platform.sent()[-1].text, "the message did not arrive")

    async def test_it_can_be_opened_again_after_its_credentials_were_refused(
        self, transport: Transport
    ) -> None:
        """After `Unauthorized` the same instance works as soon as the platform takes the credentials."""
        async with self.connected(transport, opened=False) as it:
            self.needs_wire(it)
            it.front.strike(FAULTS["401"])
            refused = await caught(it.channel.open)
            if refused is None:
                refused = await caught(lambda: it.channel.deliver(self.message(it.channel)))
            promise(isinstance(refused, Unauthorized), f"a wrong token ended with {refused!r}")
            it.front.strike(None)
            await it.channel.open()
            await it.channel.deliver(self.message(it.channel, "Снова здесь"))
            promise("Снова здесь" in it.platform.sent()[-1].text, "the message did not arrive")

    async def test_a_long_poll_can_be_cut_off_and_nothing_is_lost(self, transport: Transport) -> None:
        """A cancelled `fetch` ends at once; the next one brings what arrived meanwhile."""
        self.needs_mode(transport, Transport.POLLING)
        before = asyncio.all_tasks()
        async with self.connected(transport) as it:
            channel = it.channel
            if not isinstance(channel, Polling):
                raise AssertionError("this channel cannot be polled")  # noqa: TRY004 - a failed check
            asked = len(it.front.asked)
            if it.platform.remote:
                it.front.strike(FAULTS["silence"])
            polling = asyncio.create_task(channel.fetch(it.cursor), name="a long poll")
            if it.platform.remote:
                await it.front.until(lambda: len(it.front.asked) > asked)
            else:
                await turns()
            polling.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(_SOON):
                    await polling
            it.front.strike(None)
            it.platform.writes(self.chat, "Дошло?")
            raws = await it.arrivals()
            promise(len(raws) == 1, f"after a cut long poll one update arrived as {len(raws)}")
            await it.channel.close()
            await it.front.until(lambda: it.front.connections == 0, seconds=_SOON)
        await turns()
        promise(not others(before), f"tasks that nobody owns: {others(before)}")

    async def test_a_message_can_be_cut_off_while_it_is_sent(self, transport: Transport) -> None:
        """A cancelled `deliver` ends at once, and the next one works."""
        before = asyncio.all_tasks()
        async with self.connected(transport) as it:
            self.needs_wire(it)
            it.front.strike(FAULTS["silence"])
            sending = asyncio.create_task(it.channel.deliver(self.message(it.channel)), name="a message")
            await it.front.until(lambda: it.front.struck > 0)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(_SOON):
                    await sending
            it.front.strike(None)
            await it.channel.deliver(self.message(it.channel, "Снова здесь", key="2"))
            await it.channel.close()
            await it.front.until(lambda: it.front.connections == 0, seconds=_SOON)
        await turns()
        promise(not others(before), f"tasks that nobody owns: {others(before)}")

    async def test_closing_leaves_no_task_and_no_connection(self, transport: Transport) -> None:
        """After `close` there is no task and no open connection."""
        before = asyncio.all_tasks()
        async with self.connected(transport) as it:
            await it.channel.deliver(self.message(it.channel))
            it.platform.writes(self.chat, "Дошло?")
            await it.arrivals()
            await it.channel.close()
            await it.front.until(lambda: it.front.connections == 0, seconds=_SOON)
        await turns()
        promise(not others(before), f"tasks that nobody owns: {others(before)}")
