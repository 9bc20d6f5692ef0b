"""Reactions: whatever the platform or the network does, a call ends by the right reaction, once, without waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from channels.contract import Polling, Transport
from channels.errors import (
    ChannelError,
    Conflict,
    Gone,
    Misconfigured,
    Rejected,
    RetryLater,
    TooLarge,
    Unauthorized,
    Unreachable,
)
from channels.testing.conformance.subject import Connection, Subject, promise
from channels.testing.conformance.witness import caught, struck

Reactions = tuple[type[ChannelError], ...]

_POLL_PATIENCE: Final = 150.0
"""The longest a long poll may take, in seconds."""
_LATER: Final[Reactions] = (RetryLater, Unreachable)
_UNKNOWN: Final[Reactions] = (Unreachable,)

DELIVER: Final[Mapping[str, Reactions]] = MappingProxyType(
    {
        "400": (Rejected,),
        "401": (Unauthorized,),
        "403": (Gone,),
        "404": (Rejected, Gone),
        "409": (Conflict, Rejected, RetryLater),
        "413": (TooLarge,),
        "429": (RetryLater,),
        "429 with a delay": (RetryLater,),
        "500": _LATER,
        "500 without a word": _LATER,
        "502 as a page": _LATER,
        "503 with a delay": _LATER,
        "silence": _UNKNOWN,
        "reset": _UNKNOWN,
        "reset after it was handled": _UNKNOWN,
        "cut body": _UNKNOWN,
        "200 as a page": _UNKNOWN,
        "200 with half a JSON": _UNKNOWN,
    }
)
"""What sending a message may end with. An `Unreachable` here always says `maybe_sent`: the request was written."""

FETCH: Final[Mapping[str, Reactions]] = MappingProxyType(
    {
        "400": (Rejected, RetryLater, Conflict, Misconfigured),
        "401": (Unauthorized,),
        "403": (Unauthorized, Gone, Rejected),
        "404": (Unauthorized, Rejected, Gone, RetryLater),
        "409": (Conflict,),
        "413": (Rejected, RetryLater),
        "429": (RetryLater,),
        "429 with a delay": (RetryLater,),
        **dict.fromkeys(("500", "500 without a word", "502 as a page", "503 with a delay"), _LATER),
        **dict.fromkeys(("silence", "reset", "reset after it was handled", "cut body"), _LATER),
        **dict.fromkeys(("200 as a page", "200 with half a JSON"), _LATER),
    }
)
"""What asking for updates may end with."""

_DELAY: Final = timedelta(seconds=7)


class ReactionChecks(Subject):
    """Errors say what to do next, and the channel leaves the doing to the house."""

    async def test_sending_ends_by_the_right_reaction(self, transport: Transport, fault: str) -> None:
        """Each fault of the platform or the network ends `deliver` by its reaction, at once, after one request."""
        async with self.connected(transport) as it:
            self.needs_wire(it)
            message = self.message(it.channel)
            error = await struck(it.front, fault, lambda: it.channel.deliver(message))
            self._judge(it, "deliver", fault, error, DELIVER[fault])
            if isinstance(error, Unreachable):
                promise(error.maybe_sent, "the request was written, so nobody can know: `maybe_sent` is true")
            it.front.strike(None)
            await it.channel.deliver(self.message(it.channel, "Снова здесь", key="2"))
            promise("Снова здесь" in it.platform.sent()[-1].text, "the channel does not work any more")

    async def test_fetching_ends_by_the_right_reaction(self, transport: Transport, fault: str) -> None:
        """Each fault ends `fetch` by its reaction, at once, after one request; afterwards updates arrive again."""
        self.needs_mode(transport, Transport.POLLING)
        async with self.connected(transport) as it:
            self.needs_wire(it)
            channel = it.channel
            if not isinstance(channel, Polling):
                raise AssertionError("this channel cannot be polled")  # noqa: TRY004 - a failed check
            error = await struck(it.front, fault, lambda: channel.fetch(it.cursor), within=_POLL_PATIENCE)
            self._judge(it, "fetch", fault, error, FETCH[fault])
            it.front.strike(None)
            it.platform.writes(self.chat, "Вы здесь?")
            raws = await it.arrivals()
            promise(raws, "after the trouble updates do not arrive any more")

    async def test_opening_ends_by_reaction(self, transport: Transport, fault: str) -> None:
        """Each fault ends `open` by a reaction or leaves it alone; afterwards the channel works."""
        async with self.connected(transport, opened=False) as it:
            self.needs_wire(it)
            error = await struck(it.front, fault, it.channel.open)
            promise(error is None or str(error).strip(), "an error without a word")
            it.front.strike(None)
            await it.channel.open()
            await it.channel.deliver(self.message(it.channel))

    async def test_a_platform_that_cannot_be_reached_has_certainly_got_nothing(
        self, transport: Transport
    ) -> None:
        """A refused connection is `Unreachable` with `maybe_sent` false."""
        async with self.connected(transport) as it:
            self.needs_wire(it)
            await it.channel.deliver(self.message(it.channel))
            before = len(it.platform.sent())
            await it.front.deaf()
            error = await caught(lambda: it.channel.deliver(self.message(it.channel, key="2")))
            promise(isinstance(error, Unreachable), f"nobody listened, and sending ended with {error!r}")
            if isinstance(error, Unreachable):
                promise(
                    not error.maybe_sent,
                    "nobody listened, so it was certainly not sent: `maybe_sent` is false",
                )
            await it.front.listen()
            await it.channel.deliver(self.message(it.channel, key="3"))
            promise(len(it.platform.sent()) == before + 1, "the channel does not work any more")

    def _judge(
        self, it: Connection, call: str, fault: str, error: ChannelError | None, usual: Reactions
    ) -> None:
        deviation = self.deviations.get(f"{call} {fault}")
        allowed = deviation.reactions if deviation is not None and deviation.reactions else usual
        names = " or ".join(kind.__name__ for kind in allowed)
        promise(error is not None, f"{fault} was taken for a success; expected {names}")
        promise(isinstance(error, allowed), f"expected {names}, got {type(error).__name__}: {error}")
        promise(str(error).strip(), "an error without a word")
        requests = deviation.requests if deviation is not None else 1
        # An HTTP client may ask once more when a kept connection turns out to be closed, if asking changes nothing.
        reopened = call == "fetch" and fault.startswith("reset") and it.front.asked[-1].method == "GET"
        promise(
            it.front.struck == requests or (reopened and it.front.struck == requests + 1),
            f"{it.front.struck} requests were made, {requests} expected: retrying is the house's work",
        )
        if isinstance(error, RetryLater) and fault == "429 with a delay":
            promise(
                error.after is not None and error.after >= _DELAY, f"asked to wait 7 s, heard {error.after}"
            )
