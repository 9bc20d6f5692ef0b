"""Metrics for Prometheus. Names and labels are a public contract; every label has a bounded set of values."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
"""What `Metrics.render` writes, for the HTTP header."""

OTHER: Final = "other"
"""Stands for every value of a label that is not in its list."""

KINDS = (
    "text", "edited", "action", "media", "contact", "start", "left", "owner", "echo", "removed", "undelivered",
)  # fmt: skip
DROP_REASONS = ("rate_limited", "not_addressed", "bot", "echo", "duplicate")
PROCESSING = ("done", "parked", "retried")
ANSWERS = (
    "answered", "clarified", "unanswered", "handoff", "command", "smalltalk", "media", "feedback", "flood",
    "ignored", "owner", "undelivered",
)  # fmt: skip
FEEDBACK = ("helped", "not_helped")
MATCHES = ("answer", "clarify", "admit")
RELOADS = ("ok", "refused")
SEND_RESULTS = ("sent", "uncertain", "failed", "dropped", "gone")
RETRY_REASONS = ("retry_later", "unreachable", "moved", "unauthorized")
ERROR_CODES = (
    "retry_later", "rejected", "markup_rejected", "too_large", "unauthorized", "gone", "moved", "unreachable",
    "conflict", "bad_payload",
)  # fmt: skip
REJECTIONS = ("bad_secret", "too_large", "malformed", "unavailable")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
STATUS_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
UNRESOLVED = ("uncertain", "failed")
TASKS = ("backup", "retention", "vacuum")
PROBLEMS = (
    "stopping", "store", "schema", "knowledge", "queue_age", "queue_depth", "outbox_depth", "disk", "wal",
    "loop_lag", "memory", "roles", "unmeasured",
)  # fmt: skip
"""What may keep a process from being ready, by name; `optfm_bot.observe.readiness` has the sentences."""

_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_LAGS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_M = TypeVar("_M", Counter, Histogram)


class Bound(Generic[_M]):
    """The children of one metric for each allowed value of its last label, made beforehand.

    `bound["sent"].inc()` costs a look-up in a dictionary and an addition. An unknown value counts as `other`.
    """

    __slots__ = ("_children", "_other")

    def __init__(self, metric: _M, label: str, values: Iterable[str], **fixed: str) -> None:
        self._children: dict[str, _M] = {value: metric.labels(**fixed, **{label: value}) for value in values}
        self._other: _M = metric.labels(**fixed, **{label: OTHER})

    def __getitem__(self, value: str) -> _M:
        return self._children.get(value, self._other)


class ChannelMetrics:
    """The metrics of one channel instance, bound to its name. Keep it; do not ask for it on each update."""

    def __init__(self, metrics: Metrics, channel: str) -> None:
        own = {"channel": channel}
        self.received = Bound(metrics.updates_received, "kind", KINDS, **own)
        self.dropped = Bound(metrics.updates_dropped, "reason", DROP_REASONS, **own)
        self.parked = metrics.updates_parked.labels(**own)
        self.queue_depth = metrics.update_queue_depth.labels(**own)
        self.queue_oldest = metrics.update_queue_oldest.labels(**own)
        self.processing = Bound(metrics.update_processing, "outcome", PROCESSING, **own)
        self.answers = Bound(metrics.answers, "outcome", ANSWERS, **own)
        self.feedback = Bound(metrics.answer_feedback, "value", FEEDBACK, **own)
        self.sent = Bound(metrics.messages_sent, "result", SEND_RESULTS, **own)
        self.send_seconds = metrics.send_seconds.labels(**own)
        self.retries = Bound(metrics.send_retries, "reason", RETRY_REASONS, **own)
        self.up = metrics.channel_up.labels(**own)
        self.errors = Bound(metrics.channel_errors, "code", ERROR_CODES, **own)
        self.outbox_depth = metrics.outbox_depth.labels(**own)
        self.rejected = Bound(metrics.webhook_rejected, "reason", REJECTIONS, **own)
        self.outbox_oldest = metrics.outbox_oldest.labels(**own)
        self.inbox_parked = metrics.inbox_parked.labels(**own)
        self.unresolved = {
            state: metrics.outbox_unresolved.labels(**own, state=state) for state in UNRESOLVED
        }


class Metrics:
    """All metrics of one house, in a registry of their own.

    `channel` must only be asked for configured instances: its names become values of a label.
    """

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry()
        self._channels: dict[str, ChannelMetrics] = {}
        self._routes: dict[tuple[str, str, str], Counter] = {}

        info = self._gauge("build_info", "Which version runs; always 1.", "version", "python")
        info.labels(version=version, python=platform.python_version()).set(1)

        self.updates_received = self._counter("updates_received", "Events understood.", "channel", "kind")
        self.updates_dropped = self._counter("updates_dropped", "Updates not taken.", "channel", "reason")
        self.updates_parked = self._counter("updates_parked", "Updates put aside for a person.", "channel")
        self.update_queue_depth = self._gauge("update_queue_depth", "Updates waiting.", "channel")
        self.update_queue_oldest = self._gauge(
            "update_queue_oldest_seconds", "Age of the oldest update waiting.", "channel"
        )
        self.update_processing = self._histogram(
            "update_processing_seconds", "From storing an update to its outcome.", _SLOW, "channel", "outcome"
        )
        self.answers = self._counter("answers", "What was done with questions.", "channel", "outcome")
        self.answer_feedback = self._counter("answer_feedback", "What people said of it.", "channel", "value")

        self.match_seconds = self._histogram("match_seconds", "Matching one question.", _FAST, "outcome")
        self.matches = Bound(self.match_seconds, "outcome", MATCHES)
        self.faq_entries = self._gauge("faq_entries", "Entries that can answer now.")
        self.faq_reload = self._counter("faq_reload", "Reloads of the knowledge.", "result")
        self.faq_reloads = Bound(self.faq_reload, "result", RELOADS)

        self.messages_sent = self._counter(
            "messages_sent", "Messages by what came of them.", "channel", "result"
        )
        self.send_seconds = self._histogram(
            "send_seconds", "From promising a message to its outcome.", _SLOW, "channel"
        )
        self.send_retries = self._counter("send_retries", "Sendings put off.", "channel", "reason")
        self.outbox_depth = self._gauge("outbox_depth", "Messages waiting to be sent.", "channel")

        self.channel_up = self._gauge("channel_up", "1 while the channel is connected.", "channel")
        self.channel_errors = self._counter("channel_errors", "Errors of a platform.", "channel", "code")
        self.webhook_rejected = self._counter(
            "webhook_rejected", "Webhook calls turned away.", "channel", "reason"
        )
        self.http_requests = self._counter(
            "http_requests", "Requests to our server.", "route", "method", "status_class"
        )

        self.store_commit_seconds = self._histogram("store_commit_seconds", "One commit.", _FAST)
        self.store_commit_size = self._histogram("store_commit_size", "Units of work in one commit.", _SIZES)
        self.store_errors = self._counter("store_errors", "Commits that failed.")
        self.component_restarts = self._counter(
            "component_restarts", "Parts that broke and were started again.", "component"
        )

        self._backlog()
        self._machinery()

        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _backlog(self) -> None:
        """What waits, and what waits for a person."""
        self.inbox_parked = self._gauge("inbox_parked", "Updates that lie aside for a person now.", "channel")
        self.outbox_oldest = self._gauge(
            "outbox_oldest_seconds", "Age of the oldest message waiting to be sent.", "channel"
        )
        self.outbox_unresolved = self._gauge(
            "outbox_unresolved", "Messages that a person should look at now.", "channel", "state"
        )
        self.updates_held = self._gauge("updates_held", "Updates in the memory of this process.")
        self.updates_held_bytes = self._gauge("updates_held_bytes", "The memory that they take.")
        self.ready = self._gauge("ready", "1 while the bot can work, as /readyz says it.")
        self.problem = self._gauge(
            "problem", "What /readyz names: 0 nothing, 1 degraded, 2 unavailable.", "problem"
        )
        self.problems = {name: self.problem.labels(name) for name in PROBLEMS}

    def _machinery(self) -> None:
        """What everything runs on: the loop, the database, the cluster, the housekeeping."""
        self.event_loop_lag = self._histogram(
            "event_loop_lag_seconds", "How late the event loop is at the moments it was asked for.", _LAGS
        )
        self.db_size = self._gauge("db_size_bytes", "Size of the database.")
        self.db_wal = self._gauge("db_wal_bytes", "Size of SQLite's write-ahead file.")
        self.disk_free = self._gauge("disk_free_bytes", "Free space beside the SQLite file.")
        self.cluster_members = self._gauge("cluster_members", "Live processes that share the database.")
        self.cluster_shards = self._gauge("cluster_shards", "Shards that all processes together have to own.")
        self.cluster_shards_owned = self._gauge("cluster_shards_owned", "Shards that this process owns.")
        self.backup_last_success = self._gauge(
            "backup_last_success_timestamp_seconds", "When the last good backup was made; 0: none is known."
        )
        self.job_last_success = self._gauge(
            "job_last_success_timestamp_seconds", "When a task last worked; 0: not since the start.", "task"
        )
        self.job_failures = self._counter("job_failures", "Tasks that failed.", "task")
        self.jobs_done = {task: self.job_last_success.labels(task) for task in (*TASKS, OTHER)}
        self.jobs_failed = Bound(self.job_failures, "task", TASKS)

    def channels(self) -> tuple[str, ...]:
        """Give the names of the channels that were asked for."""
        return tuple(self._channels)

    def channel(self, name: str) -> ChannelMetrics:
        """Give the metrics of one configured channel; the same object each time."""
        found = self._channels.get(name)
        if found is None:
            found = self._channels[name] = ChannelMetrics(self, name)
        return found

    def http_request(self, route: str, method: str, status: int) -> None:
        """Count one request; `route` is the template (`/{channel}/webhook`), never the path itself."""
        method = method if method in METHODS else OTHER
        status_class = f"{status // 100}xx"
        key = (route, method, status_class if status_class in STATUS_CLASSES else OTHER)
        child = self._routes.get(key)
        if child is None:
            child = self._routes[key] = self.http_requests.labels(*key)
        child.inc()

    def render(self) -> bytes:
        """Write everything in Prometheus' text format."""
        return generate_latest(_WithoutCreated(self.registry))

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, namespace="optfm", registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, namespace="optfm", registry=self.registry)

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, about, labels, namespace="optfm", registry=self.registry, buckets=buckets)


class _WithoutCreated(Collector):
    """Leaves out the `_created` series: one per child, and nobody reads them."""

    def __init__(self, inner: CollectorRegistry) -> None:
        self._inner = inner

    def collect(self) -> Iterator[Metric]:
        for metric in self._inner.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
