"""The metrics that others build their alerts on."""

from __future__ import annotations

from optfm_bot.observe.metrics import Metrics

CONTRACT = {
    "optfm_build_info": ("gauge", ("version", "python")),
    "optfm_updates_received_total": ("counter", ("channel", "kind")),
    "optfm_updates_dropped_total": ("counter", ("channel", "reason")),
    "optfm_updates_parked_total": ("counter", ("channel",)),
    "optfm_update_queue_depth": ("gauge", ("channel",)),
    "optfm_update_queue_oldest_seconds": ("gauge", ("channel",)),
    "optfm_update_processing_seconds": ("histogram", ("channel", "outcome")),
    "optfm_answers_total": ("counter", ("channel", "outcome")),
    "optfm_answer_feedback_total": ("counter", ("channel", "value")),
    "optfm_match_seconds": ("histogram", ("outcome",)),
    "optfm_faq_entries": ("gauge", ()),
    "optfm_faq_reload_total": ("counter", ("result",)),
    "optfm_messages_sent_total": ("counter", ("channel", "result")),
    "optfm_send_seconds": ("histogram", ("channel",)),
    "optfm_send_retries_total": ("counter", ("channel", "reason")),
    "optfm_outbox_depth": ("gauge", ("channel",)),
    "optfm_channel_up": ("gauge", ("channel",)),
    "optfm_channel_errors_total": ("counter", ("channel", "code")),
    "optfm_webhook_rejected_total": ("counter", ("channel", "reason")),
    "optfm_http_requests_total": ("counter", ("route", "method", "status_class")),
    "optfm_store_commit_seconds": ("histogram", ()),
    "optfm_store_commit_size": ("histogram", ()),
    "optfm_store_errors_total": ("counter", ()),
    "optfm_component_restarts_total": ("counter", ("component",)),
    "optfm_inbox_parked": ("gauge", ("channel",)),
    "optfm_outbox_oldest_seconds": ("gauge", ("channel",)),
    "optfm_outbox_unresolved": ("gauge", ("channel", "state")),
    "optfm_updates_held": ("gauge", ()),
    "optfm_updates_held_bytes": ("gauge", ()),
    "optfm_ready": ("gauge", ()),
    "optfm_problem": ("gauge", ("problem",)),
    "optfm_event_loop_lag_seconds": ("histogram", ()),
    "optfm_db_size_bytes": ("gauge", ()),
    "optfm_db_wal_bytes": ("gauge", ()),
    "optfm_disk_free_bytes": ("gauge", ()),
    "optfm_cluster_members": ("gauge", ()),
    "optfm_cluster_shards": ("gauge", ()),
    "optfm_cluster_shards_owned": ("gauge", ()),
    "optfm_backup_last_success_timestamp_seconds": ("gauge", ()),
    "optfm_job_last_success_timestamp_seconds": ("gauge", ("task",)),
    "optfm_job_failures_total": ("counter", ("task",)),
}


def _shown(metrics: Metrics) -> dict[str, str]:
    rows = metrics.render().decode().splitlines()
    return dict(row.split(" ")[2:4] for row in rows if row.startswith("# TYPE"))


def test_names_types_and_labels_are_a_contract() -> None:
    metrics = Metrics(version="1.2.3")
    attributes = [value for value in vars(metrics).values() if hasattr(value, "_labelnames")]
    labels = {value._name: value._labelnames for value in attributes}

    ours = {name: kind for name, kind in _shown(metrics).items() if name.startswith("optfm_")}

    assert ours == {name: kind for name, (kind, _) in CONTRACT.items()}
    assert labels | {"optfm_build_info": ("version", "python")} == {
        name.removesuffix("_total"): names for name, (_, names) in CONTRACT.items()
    }


def test_the_process_and_its_garbage_collector_are_measured() -> None:
    assert {"process_resident_memory_bytes", "python_gc_collections_total"} <= _shown(
        Metrics(version="1")
    ).keys()


def test_a_channel_has_all_its_series_from_the_start() -> None:
    metrics = Metrics(version="1")
    assert metrics.channel("telegram") is metrics.channel("telegram")

    assert b'optfm_messages_sent_total{channel="telegram",result="uncertain"} 0.0' in metrics.render()
    assert b"_created" not in metrics.render()


def test_counting_reaches_the_output() -> None:
    metrics = Metrics(version="1")
    channel = metrics.channel("web")
    channel.received["text"].inc()
    channel.processing["done"].observe(0.02)
    channel.up.set(1)
    metrics.matches["answer"].observe(0.002)
    metrics.http_request("/{channel}/webhook", "POST", 200)

    output = metrics.render().decode()
    for row in (
        'optfm_updates_received_total{channel="web",kind="text"} 1.0',
        'optfm_update_processing_seconds_bucket{channel="web",le="0.025",outcome="done"} 1.0',
        'optfm_channel_up{channel="web"} 1.0',
        'optfm_match_seconds_count{outcome="answer"} 1.0',
        'optfm_http_requests_total{method="POST",route="/{channel}/webhook",status_class="2xx"} 1.0',
    ):
        assert row in output


def test_an_unknown_value_of_a_label_counts_as_other() -> None:
    metrics = Metrics(version="1")
    metrics.channel("web").errors["something new"].inc()
    metrics.http_request("/", "BREW", 999)

    output = metrics.render().decode()
    assert 'optfm_channel_errors_total{channel="web",code="other"} 1.0' in output
    assert 'optfm_http_requests_total{method="other",route="/",status_class="other"} 1.0' in output


def test_two_houses_in_one_process_do_not_share_metrics() -> None:
    first, second = Metrics(version="1"), Metrics(version="1")
    first.store_errors.inc()

    assert b"optfm_store_errors_total 0.0" in second.render()
