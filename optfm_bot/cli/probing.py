"""Asking channels and the helpdesk how they are: all at once, each within its time, nothing changed anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog

from channels.contract import Channel, Health, HealthState
from channels.errors import ChannelError, Conflict, RetryLater, Unauthorized
from channels.phrase import phrase
from optfm_bot.cli.exits import Exit
from optfm_bot.cli.output import Mark
from optfm_bot.cli.words import Words
from optfm_bot.helpdesk.contract import Helpdesk
from optfm_bot.i18n.hints import translate

PROBE_SECONDS = 15.0
_CLOSE_SECONDS = 5.0

MARKS: Mapping[HealthState, Mark] = {
    HealthState.OK: Mark.OK,
    HealthState.DEGRADED: Mark.WARNING,
    HealthState.DOWN: Mark.ERROR,
    HealthState.BAD_CREDENTIALS: Mark.ERROR,
}

log = structlog.get_logger("optfm_bot.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What one channel answered."""

    instance: str
    kind: str
    health: Health

    def data(self) -> dict[str, Any]:
        """Give the answer for programs."""
        return {"channel": self.instance, "type": self.kind, **asdict(self.health)}

    def sentence(self, words: Words) -> str:
        """Say in a few words how the channel is and what to do."""
        state = words(f"probe.{self.health.state.value}")
        hint = translate(self.health.hint, words.language)
        return f"{state}: {hint}" if hint else state


async def probe_all(
    channels: Sequence[Channel | Helpdesk], *, seconds: float = PROBE_SECONDS
) -> Sequence[Probe]:
    """Probe the channels in parallel and close them, also when that is cut short. Raises nothing of theirs.

    They are not opened: a probe only reads, while opening may change things on the platform. A bot that is
    polled removes its webhook when it is opened, and another machine may live by that webhook.
    """
    return await asyncio.gather(*(_probe(channel, seconds) for channel in channels))


def worst(probes: Sequence[Probe]) -> Exit:
    """The exit code for all: refused credentials before silence, for they need a person."""
    states = {probe.health.state for probe in probes}
    if HealthState.BAD_CREDENTIALS in states:
        return Exit.REJECTED
    return Exit.UNREACHABLE if HealthState.DOWN in states else Exit.OK


async def close_all(channels: Sequence[Channel | Helpdesk]) -> None:
    """Close them, each within its time."""
    for channel in channels:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await channel.close()
        except TimeoutError:
            log.warning("probe.not_closed", channel=channel.instance)


async def _probe(channel: Channel | Helpdesk, seconds: float) -> Probe:
    try:
        health = await _health(channel, seconds)
    finally:
        await close_all([channel])
    return Probe(instance=channel.instance, kind=channel.spec.kind, health=health)


async def _health(channel: Channel | Helpdesk, seconds: float) -> Health:
    try:
        async with asyncio.timeout(seconds):
            return await channel.probe()
    except TimeoutError:
        return Health(
            state=HealthState.DOWN,
            hint=phrase("probe.no_answer", "no answer within {seconds} s", seconds=f"{seconds:g}"),
        )
    except Unauthorized as error:
        return Health(state=HealthState.BAD_CREDENTIALS, hint=str(error))
    except (RetryLater, Conflict) as error:
        return Health(state=HealthState.DEGRADED, hint=str(error))
    except ChannelError as error:
        return Health(state=HealthState.DOWN, hint=str(error))
    except (
        Exception
    ) as error:  # a stranger's channel may raise anything; it is shown, and the others are asked
        log.debug("probe.broken", channel=channel.instance, exc_info=error)
        return Health(state=HealthState.DOWN, hint=f"{type(error).__name__}: {error}")
