"""The dashboard and the alerts speak of metrics that exist, with labels that they have, and of pages that are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from optfm_bot.observe.metrics import PROBLEMS, TASKS, Metrics

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "optfm-bot.json").read_text("utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
SCRAPED = {"job", "instance"}
"""Labels that Prometheus gives to every series."""

SELECTOR = re.compile(r"\b(?P<name>(?:optfm|process|python)_\w+|up|ALERTS)\b(?:\{(?P<labels>[^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


def known() -> Mapping[str, tuple[str, Mapping[str, set[str]]]]:
    """Every series by name: its type, and its labels with the values that can be listed."""
    metrics = Metrics(version="1")
    metrics.channel("telegram")
    metrics.http_request("/healthz", "GET", 200)
    metrics.component_restarts.labels(component="counts")
    found: dict[str, tuple[str, dict[str, set[str]]]] = {}
    for metric in metrics.registry.collect():
        for sample in metric.samples:
            labels = found.setdefault(sample.name, (metric.type, {}))[1]
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)
    return found


KNOWN = known()
FREE = {"channel", "instance", "job", "version", "python", "route", "component", "le", "generation"}
"""Labels whose values are not listed anywhere."""


def mistakes(expression: str) -> list[str]:
    """What is wrong with an expression: metrics, labels and values that do not exist, counters without a rate."""
    found = []
    named = list(SELECTOR.finditer(expression))
    labels_here = set(SCRAPED)
    for selector in named:
        name = selector["name"]
        if name in {"up", "ALERTS"}:
            labels_here |= {"alertstate", "alertname"}
            continue
        if name not in KNOWN:
            found.append(f"no metric {name}")
            continue
        labels = KNOWN[name][1]
        labels_here |= labels.keys()
        for label, value in MATCHER.findall(selector["labels"] or ""):
            if label not in labels.keys() | SCRAPED:
                found.append(f"{name} has no label {label}")
            elif label not in FREE and not value.startswith("$"):
                found += [
                    f"{name} has no {label} {one}" for one in value.split("|") if one not in labels[label]
                ]
        after = expression[selector.end() :]
        if name.endswith(("_total", "_bucket", "_count", "_sum")) and not after.startswith("["):
            found.append(f"{name} only grows: it needs a range")
    for group in GROUPING.findall(expression):
        found += [f"no label {label}" for label in re.findall(r"\w+", group) if label not in labels_here]
    return found if named else [f"no metric at all: {expression}"]


def panels() -> Iterator[dict[str, Any]]:
    for panel in DASHBOARD["panels"]:
        yield panel
        yield from panel.get("panels", ())


def drawn() -> list[Any]:
    return [
        pytest.param(panel, target, id=f"{panel['title']}-{target['refId']}")
        for panel in panels()
        for target in panel.get("targets", ())
    ]


# -- what the checks themselves find ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("optfm_nothing", "no metric optfm_nothing"),
        ("optfm_ready{channel='x'}".replace("'", '"'), "optfm_ready has no label channel"),
        ('optfm_problem{problem="dsk"}', "optfm_problem has no problem dsk"),
        (
            'rate(optfm_answers_total{outcome=~"answered|wrong"}[1m])',
            "optfm_answers_total has no outcome wrong",
        ),
        ("sum by (channel) (optfm_ready)", "no label channel"),
        ("sum(optfm_answers_total)", "optfm_answers_total only grows: it needs a range"),
        ("1 + 1", "no metric at all: 1 + 1"),
    ],
)
def test_mistakes_are_found(expression: str, mistake: str) -> None:
    assert mistakes(expression) == [mistake]


# -- the dashboard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("panel", "target"), drawn())
def test_a_panel_asks_for_what_exists(panel: dict[str, Any], target: dict[str, Any]) -> None:
    assert mistakes(target["expr"]) == []
    legend = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    grouped = {label for group in GROUPING.findall(target["expr"]) for label in re.findall(r"\w+", group)}
    bare = not GROUPING.search(target["expr"])
    assert legend <= (grouped | SCRAPED if bare else grouped)
    assert panel["description"]


@pytest.mark.parametrize(("panel", "target"), drawn())
def test_a_panel_obeys_the_choices_at_the_top(panel: dict[str, Any], target: dict[str, Any]) -> None:
    for selector in SELECTOR.finditer(target["expr"]):
        labels = selector["labels"] or ""
        assert 'job=~"$job"' in labels
        assert 'instance=~"$instance"' in labels
        assert ('channel=~"$channel"' in labels) == ("channel" in KNOWN[selector["name"]][1])


def test_choices_ask_for_what_exists() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "job", "instance", "channel"]
    for name, variable in variables.items():
        if name != "datasource":
            question = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert question is not None
            assert mistakes(question[1]) == []
            assert question[2] == name
    assert mistakes(DASHBOARD["annotations"]["list"][0]["expr"]) == []


def test_every_panel_has_its_own_number_and_place() -> None:
    found = list(panels())
    assert len({panel["id"] for panel in found}) == len(found)
    taken: set[tuple[int, int]] = set()
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_source_is_the_one_that_was_chosen() -> None:
    sources = re.findall(r'"uid": "([^"]+)"', json.dumps(DASHBOARD))
    assert set(sources) == {"${datasource}", "optfm-bot"}


def test_the_dashboard_leaves_no_metric_out() -> None:
    """What is worth counting is worth seeing."""
    everything = " ".join(target.values[1]["expr"] for target in drawn())
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in KNOWN if name.startswith("optfm_")}
    ours = {name for name in ours if not name.endswith("_created")}  # left out of what /metrics shows
    assert {name for name in ours if not re.search(rf"\b{name}(_bucket|_sum|_count)?\b", everything)} == set()


# -- the alerts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_exists(rule: dict[str, Any]) -> None:
    assert mistakes(rule["expr"]) == []
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happened_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert set(rule["annotations"]) == {"summary", "runbook"}
    used = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    grouped = {label for group in GROUPING.findall(rule["expr"]) for label in re.findall(r"\w+", group)}
    assert used <= (grouped or SCRAPED)
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_guide_explains_every_alert_as_it_is() -> None:
    guide = (ROOT / "docs" / "how-to" / "watch-the-bot.md").read_text("utf-8")
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+) \| .* \| \[[^]]+\]\(operate\.md(#[\w-]+)\) \|$", guide, re.MULTILINE
    )
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert sorted(rows) == sorted(
        (rule["alert"], rule["labels"]["severity"], "#" + rule["annotations"]["runbook"].partition("#")[2])
        for rule in RULES
    )


def test_problems_that_only_a_file_knows_are_those_of_the_code() -> None:
    page = (
        (ROOT / "docs" / "reference" / "http.md")
        .read_text("utf-8")
        .split("### readyz\n")[1]
        .split("\n## ")[0]
    )
    named = [
        name
        for row in re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    ]
    assert [name for name in named if name != "problem"] == list(PROBLEMS)
    assert "backup" in TASKS


# -- the configuration -----------------------------------------------------------------------------------------------


def test_the_configuration_loads_the_rules_and_names_the_job_that_they_ask_for() -> None:
    found = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    assert [(PROMETHEUS / name).exists() for name in found["rule_files"]] == [True]
    (job,) = found["scrape_configs"]
    asked = {value for rule in RULES for label, value in MATCHER.findall(rule["expr"]) if label == "job"}
    assert asked == {job["job_name"]}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool of Prometheus is not installed")
@pytest.mark.parametrize(
    "words",
    [("check", "config", "prometheus.yml"), ("test", "rules", "alerts.test.yml", "alerts.week.test.yml")],
)
def test_prometheus_itself_agrees(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [shutil.which("promtool") or "", *words],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
