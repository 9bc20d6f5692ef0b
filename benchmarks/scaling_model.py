"""What many processes on one PostgreSQL database would need, by the measured cost of each piece of work. Pure.

A queueing model without queues: it multiplies how often each piece of work is done by what it costs, and compares with
what there is. It knows the design of the house (what is written for a message, who hears a notice, how often a process
shows that it lives), not the machine: that is in the constants. Times are seconds, rates per second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from benchmarks.scaling_constants import UNITS_PER_MESSAGE, Constants
from optfm_bot.cluster.registry import BEAT_SECONDS
from optfm_bot.shards import SHARDS

MOST_UNITS = 512
"""Units in one transaction (optfm_bot/store/committer.py)."""
SWEEP_SECONDS = 2.0
COUNT_SECONDS = 5.0
PATIENCE = 0.25
"""Seconds that work may wait to be put together with more of its kind; what takes longer is too slow for a talk."""
COLD = 0.1
"""The share of messages whose person and conversation have to be read first: one of ten, as conversations have ten."""
_MICRO = 1e-6


class Resource(StrEnum):
    """What may come to its end."""

    PROCESS = "CPU of a process"
    WRITER = "writing connection of a process"
    DATABASE = "CPU of the database"
    JOURNAL = "disk of the database"
    NOTICES = "lock of NOTIFY"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What there is, and how the house is set up. The last three say what a change of the design would be."""

    database_cores: int = 8
    connections: int | None = 97
    """Of the server for all of us (None: as many as needed); PostgreSQL's 100 less the 3 that it keeps for itself."""
    connections_per_process: int = 5
    per_bot: float | None = 30.0
    """Messages a second that a platform takes from a bot, Telegram's; there are as many bots as that needs.

    None: one channel without a pace, the web chat."""
    shards: int = SHARDS
    one_sweep: bool = False
    """One question for the messages of all bots, instead of one for each."""
    told: int | None = None
    """How many connections a notice wakes (None: those of all processes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a load needs: the used share of each resource (1: all of it), and where the database's cores go."""

    used: Mapping[Resource, float]
    cores: Mapping[str, float]
    bots: int
    workers: int
    connections: int
    notices: float
    transactions: float
    batch: float
    journal: float
    """Bytes a second."""
    strained: Resource | None = None
    """What is used up all the time, though there is enough: work is put together until it fits, and people wait."""

    @property
    def first(self) -> Resource:
        """What comes to its end first."""
        return max(self.used, key=lambda resource: self.used[resource])

    @property
    def fits(self) -> bool:
        """Whether there is enough of everything."""
        return self.used[self.first] <= 1


# -- the parts -----------------------------------------------------------------------------------------------------


def used_of_block(rate: float, block: int, kept: float = 1.0) -> float:
    """How many places of a block are used on average before the rest is given up.

    A block is taken for a message that is there; others come at random, `rate` a second, for `kept` seconds.
    """
    more = rate * kept
    chance, used = math.exp(-more), 1.0
    # The mean of min(block - 1, what comes): the sum of the chances that at least 1, 2, ... come.
    at_least = 1.0 - chance
    for number in range(1, block):
        used += at_least
        chance *= more / number
        at_least -= chance
    return used


def bots_needed(rate: float, workers: int, site: Site) -> int:
    """How many bots can send so many messages a second, when the places that go unused are counted too."""
    if site.per_bot is None:
        return 1
    least = max(1, math.ceil(rate / site.per_bot))
    block = block_of(site.per_bot, workers)
    bots = least
    while rate / bots > site.per_bot * used_of_block(rate / bots / workers, block) / block:
        bots = max(bots + 1, math.ceil(bots * 1.01))
    return bots


def block_of(per_bot: float, processes: int) -> int:
    """How many places of a bot's pace one process takes: its share of a tenth of a second's (cluster/pace.py)."""
    return max(1, round(per_bot / 10 / processes))


class Lasts(Protocol):
    """How many seconds a transaction of so many units takes, and the claim of so many rows that goes with it."""

    def __call__(self, size: float, rows: float) -> float:
        """Seconds for a transaction and its claim."""


def batch_of(units: float, claims: float, seconds: Lasts, most: int = MOST_UNITS) -> float:
    """How many units share a transaction when so many come a second and one transaction follows another.

    `seconds` says how long a transaction of a size takes, and the claim that goes with it. One that keeps up with one
    unit at a time does so; otherwise the smallest size that keeps up, or `most` if none does.
    """
    for size in _sizes(most):
        if units * seconds(size, size * claims / units if units else 0.0) <= size:
            return float(size)
    return float(most)


def _sizes(most: int) -> Sequence[int]:
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, max(sizes[-1] + 1, sizes[-1] * 21 // 20)))
    return sizes


# -- the whole -----------------------------------------------------------------------------------------------------


def need(found: Constants, site: Site, processes: int, rate: float) -> Need:
    """What so many processes (each of all roles) need for so many messages a second. They come to any of them.

    A processor that is used up makes transactions take longer, so that more gathers for the next one: the house puts
    work together by itself until it fits. What would not fit even so is what is told of a load that is too much.
    """
    prompt = _need(found, site, processes, rate, patience=0.0)
    over = [one for one in (Resource.PROCESS, Resource.DATABASE) if prompt.used[one] > 1]
    if not over:
        return prompt
    patient = least(found, site, processes, rate)
    if any(patient.used[one] > 1 for one in over):
        return patient
    worst = max(over, key=lambda one: prompt.used[one])
    return replace(patient, used={**patient.used, worst: 1.0}, cores=prompt.cores, strained=worst)


def least(found: Constants, site: Site, processes: int, rate: float) -> Need:
    """What a load needs if work is put together for as long as people do not mind."""
    return _need(found, site, processes, rate, patience=PATIENCE)


def most(found: Constants, site: Site, processes: int) -> tuple[float, Resource]:
    """The most messages a second that so many processes can have handled, and what comes to its end there."""
    low, high = 0.0, 1.0
    while least(found, site, processes, high).fits:
        low, high = high, high * 2
    while high - low > low / 1000:
        middle = (low + high) / 2
        if least(found, site, processes, middle).fits:
            low = middle
        else:
            high = middle
    return low, least(found, site, processes, high).first


def most_on_sqlite(found: Constants) -> float:
    """The same for one process on SQLite, where its processor is everything: the disk flushes in another thread."""
    work = found.message_us + UNITS_PER_MESSAGE * found.sqlite.client(MOST_UNITS) / MOST_UNITS
    return 1 / (work * _MICRO)


def _need(found: Constants, site: Site, processes: int, rate: float, *, patience: float) -> Need:
    workers = min(processes, site.shards)
    # The worker with the most shards decides: 64 among 10 gives four of them one more than the others.
    share = math.ceil(site.shards / workers) / site.shards
    bots = bots_needed(rate, workers, site)
    own, foreign = rate * share, 1 - 1 / processes

    blocks = 0.0
    if site.per_bot is not None:
        block = block_of(site.per_bot, workers)
        blocks = own / used_of_block(own / bots, block)
    # Only with a place at hand can an answer be committed as being sent: the first of a block has to ask.
    units = own * (UNITS_PER_MESSAGE - 1) + rate / processes + blocks
    claimed = own * foreign

    def seconds(size: float, rows: float) -> float:
        one = found.transaction.client(size) + found.transaction.server(size) + found.flush_us
        if claimed:
            one += found.claim.client(rows) + found.claim.server(rows) + found.flush_us
        return one * _MICRO

    size = max(batch_of(units, claimed, seconds), min(MOST_UNITS, units * patience))
    transactions = units / size
    claims = min(claimed, transactions)
    rows = claimed / claims if claims else 0.0

    aside, per_listener = found.notice.server.line()
    speak, hear = found.notice.client.line()
    listeners = processes if site.told is None else min(site.told, processes)
    # Whoever speaks waits for the answer before it speaks again, and says then what has gathered.
    pause = max(patience, (speak + aside) * _MICRO)
    to_tell = rate / processes * foreign
    spoken = to_tell / max(1.0, to_tell * pause)
    notices = spoken * processes
    sweeps = 1 if site.one_sweep else bots

    cpu = _MICRO * (
        own * found.message_us
        + transactions * found.transaction.client(size)
        + claims * found.claim.client(rows)
        + own * COLD * found.look_up.client(1)
        + blocks * found.pace.client(1)
        + found.beat.client(processes) / BEAT_SECONDS
        + spoken * speak + notices * hear * listeners / processes
        + (found.claim.client(0) + sweeps * found.ready.client(1)) / SWEEP_SECONDS
        + found.counts.client(1) / COUNT_SECONDS
    )  # fmt: skip
    cores = {
        "messages": workers * transactions * found.transaction.server(size)
        + rate * COLD * found.look_up.server(1)
        + workers * blocks * found.pace.server(1),
        "claims": workers * claims * found.claim.server(rows),
        "notices": notices * (aside + per_listener * listeners),
        "heartbeats": processes / BEAT_SECONDS * found.beat.server(processes),
        "sweeps": workers * (found.claim.server(0) + sweeps * found.ready.server(1)) / SWEEP_SECONDS
        + processes * found.counts.server(1) / COUNT_SECONDS,
    }
    cores = {name: value * _MICRO for name, value in cores.items()}
    journal = workers * (transactions * found.transaction.journal(size) + claims * found.claim.journal(rows))
    journal += processes / BEAT_SECONDS * found.beat.journal(processes)
    connections = processes * site.connections_per_process
    used = {
        Resource.PROCESS: cpu,
        Resource.WRITER: units * seconds(MOST_UNITS, MOST_UNITS * claimed / units) / MOST_UNITS,
        Resource.DATABASE: sum(cores.values()) / site.database_cores,
        Resource.JOURNAL: journal / found.journal_bytes_per_second,
        Resource.NOTICES: notices * aside * _MICRO,
    }
    if site.connections is not None:
        used[Resource.CONNECTIONS] = connections / site.connections
    return Need(
        used=used,
        cores=cores,
        bots=bots,
        workers=workers,
        connections=connections,
        notices=notices,
        transactions=transactions * workers,
        batch=size,
        journal=journal,
    )
