"""The observer of the house: what happens becomes metrics. The parts know only the small protocols that they call."""

from __future__ import annotations

import re

from optfm_bot.observe.metrics import OTHER, ChannelMetrics, Metrics
from optfm_bot.observe.readiness import Verdict
from optfm_bot.observe.storage import StorageUse
from optfm_bot.receive.status import ChannelState, Snapshot
from optfm_bot.store.records import StoreCounts

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_EVENT_SUFFIX = "In"
_MATCHES = {"answered": "answer", "clarified": "clarify", "unanswered": "admit"}


class DeliveryMetrics:
    """Counts what becomes of one channel's messages."""

    def __init__(self, metrics: ChannelMetrics) -> None:
        self._metrics = metrics

    def resolved(self, result: str, seconds: float) -> None:
        """A message left the outbox."""
        self._metrics.sent[result].inc()
        self._metrics.send_seconds.observe(seconds)

    def retried(self, reason: str) -> None:
        """A message will be tried again."""
        self._metrics.retries[_snake(reason)].inc()

    def unauthorized(self, hint: str) -> None:
        """The platform refused our credentials."""
        del hint
        self._metrics.errors["unauthorized"].inc()


class MetricsObserver:
    """Turns what the parts of the house tell into metrics."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    # -- handling -----------------------------------------------------------------------------------------

    def received(self, channel: str, kind: str) -> None:
        """An event was understood."""
        self._metrics.channel(channel).received[kind.removesuffix(_EVENT_SUFFIX).lower()].inc()

    def handled(self, channel: str, outcome: str, seconds: float) -> None:
        """A group of updates was answered."""
        metrics = self._metrics.channel(channel)
        metrics.processing["done"].observe(max(0.0, seconds))
        metrics.answers[outcome.removeprefix("edited_")].inc()

    def thought(self, outcome: str, seconds: float) -> None:
        """A message was thought about."""
        matched = _MATCHES.get(outcome)
        if matched is not None:
            self._metrics.matches[matched].observe(seconds)

    def dropped(self, channel: str, reason: str) -> None:
        """An event was passed over by rule."""
        self._metrics.channel(channel).dropped[reason].inc()

    def rated(self, channel: str, value: int) -> None:
        """A person has an opinion."""
        self._metrics.channel(channel).feedback["helped" if value > 0 else "not_helped"].inc()

    def parked(self, channel: str) -> None:
        """An update was put aside."""
        self._metrics.channel(channel).parked.inc()

    # -- channels -----------------------------------------------------------------------------------------

    def delivery(self, channel: str) -> DeliveryMetrics:
        """The observer of one channel's sending."""
        return DeliveryMetrics(self._metrics.channel(channel))

    def channel_state(self, channel: str, before: Snapshot, now: Snapshot) -> None:
        """A channel changed its state."""
        metrics = self._metrics.channel(channel)
        metrics.up.set(now.works)
        code = {
            ChannelState.BAD_CREDENTIALS: "unauthorized",
            ChannelState.CONFLICT: "conflict",
            ChannelState.WAITING: "unreachable",
        }.get(now.state)
        if code is not None and before.state is not now.state:
            metrics.errors[code].inc()

    def refused(self, channel: str, reason: str) -> None:
        """A webhook request was not taken."""
        self._metrics.channel(channel).rejected[reason].inc()

    def http_request(self, route: str, method: str, status: int) -> None:
        """A request was answered."""
        self._metrics.http_request(route, method, status)

    # -- the house ----------------------------------------------------------------------------------------

    def counted(self, counts: StoreCounts, now: int) -> None:
        """How much work waits."""
        for name in self._metrics.channels():
            metrics = self._metrics.channel(name)
            metrics.queue_depth.set(counts.inbox_new.get(name, 0))
            metrics.outbox_depth.set(counts.outbox_open.get(name, 0))
            metrics.queue_oldest.set(max(0, now - counts.inbox_oldest.get(name, now)) / 1000)
            metrics.outbox_oldest.set(max(0, now - counts.outbox_oldest.get(name, now)) / 1000)
            metrics.inbox_parked.set(counts.inbox_parked.get(name, 0))
            metrics.unresolved["uncertain"].set(counts.outbox_uncertain.get(name, 0))
            metrics.unresolved["failed"].set(counts.outbox_failed.get(name, 0))

    def part_failed(self, name: str) -> None:
        """A supervised part broke."""
        self._metrics.component_restarts.labels(component=name.partition(" ")[0]).inc()

    def stored(self, use: StorageUse) -> None:
        """How large the database is, and how much room it has."""
        self._metrics.db_size.set(use.size)
        self._metrics.db_wal.set(use.wal)
        self._metrics.disk_free.set(use.free)

    def lagged(self, seconds: float) -> None:
        """How late the loop was."""
        self._metrics.event_loop_lag.observe(seconds)

    def judged(self, verdict: Verdict) -> None:
        """Whether the house can work."""
        self._metrics.ready.set(verdict.ready)
        worst = dict.fromkeys(self._metrics.problems, 0)
        for problem in verdict.problems:
            worst[problem.name] = max(worst[problem.name], problem.level)
        for name, gauge in self._metrics.problems.items():
            gauge.set(worst[name])

    def held(self, updates: int, size: int) -> None:
        """How many updates are in memory, and how many bytes they take there."""
        self._metrics.updates_held.set(updates)
        self._metrics.updates_held_bytes.set(size)

    def clustered(self, *, members: int, shards: int, owned: int) -> None:
        """Who shares the database: live processes, all shards, and those that are ours."""
        self._metrics.cluster_members.set(members)
        self._metrics.cluster_shards.set(shards)
        self._metrics.cluster_shards_owned.set(owned)

    def backed_up(self, at: int) -> None:
        """A good backup was made at that moment (ms), by whomever."""
        self._metrics.backup_last_success.set(at / 1000)

    def task_done(self, task: str, at: int) -> None:
        """A task of the housekeeping worked at that moment (ms)."""
        self._metrics.jobs_done.get(task, self._metrics.jobs_done[OTHER]).set(at / 1000)

    def task_failed(self, task: str) -> None:
        """A task of the housekeeping failed."""
        self._metrics.jobs_failed[task].inc()

    def reloaded(self, result: str, entries: int) -> None:
        """A new base was taken or refused."""
        self._metrics.faq_reloads["ok" if result == "loaded" else "refused"].inc()
        if result == "loaded":
            self._metrics.faq_entries.set(entries)

    # -- the store ----------------------------------------------------------------------------------------

    def committed(self, units: int, seconds: float) -> None:
        """A transaction is durable."""
        self._metrics.store_commit_seconds.observe(seconds)
        self._metrics.store_commit_size.observe(units)

    def failed(self) -> None:
        """A transaction could not be written."""
        self._metrics.store_errors.inc()


def _snake(name: str) -> str:
    return _WORDS.sub("_", name).lower()
