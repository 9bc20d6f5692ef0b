"""quality.yaml: a tier is claimed only when its rules are done, and every mistake is told at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from channels.testing.quality import RULES, BadQuality, Tier, load_quality

ALL = [name for rules in RULES.values() for name in rules]


def written(folder: Path, tier: str = "bronze", **states: Any) -> Path:
    path = folder / "quality.yaml"
    path.write_text(
        yaml.safe_dump({"tier": tier, "rules": {**dict.fromkeys(ALL, "todo"), **states}}), "utf-8"
    )
    return path


def test_bronze_is_the_suite(tmp_path: Path) -> None:
    quality = load_quality(written(tmp_path, conformance="done"))

    assert (quality.tier, quality.earned) == (Tier.BRONZE, Tier.BRONZE)


def test_more_may_be_done_than_is_claimed(tmp_path: Path) -> None:
    quality = load_quality(written(tmp_path, **dict.fromkeys(ALL, "done")))

    assert (quality.tier, quality.earned) == (Tier.BRONZE, Tier.GOLD)


def test_a_rule_that_cannot_apply_is_exempt_with_a_reason(tmp_path: Path) -> None:
    silver = dict.fromkeys(RULES[Tier.SILVER], "done") | {"reauthentication": {"exempt": "there is no token"}}

    quality = load_quality(written(tmp_path, "silver", conformance="done", **silver))

    assert quality.earned is Tier.SILVER
    assert quality.exempt == {"reauthentication": "there is no token"}


def test_a_tier_without_the_one_before_it_is_not_earned(tmp_path: Path) -> None:
    silver = dict.fromkeys(RULES[Tier.SILVER], "done")

    with pytest.raises(BadQuality, match="claims silver, and these rules are not done: conformance"):
        load_quality(written(tmp_path, "silver", **silver))


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text(
        "tier: tin\nwho: me\nrules: {conformance: yes, shine: done, probe: {exempt: no}}\n", "utf-8"
    )

    with pytest.raises(BadQuality) as refused:
        load_quality(path)

    for words in (
        "unknown keys: who",
        "`tier` is one of",
        "unknown rules: shine",
        "nothing is said about: docs_limits",
    ):
        assert words in str(refused.value)
    assert "conformance is `done`, `todo`" in str(refused.value)
    assert "probe is exempt without a reason" in str(refused.value)


@pytest.mark.parametrize("text", ["[]", "rules: {}: {}", "- \x00", ""])
def test_what_is_no_such_file_is_refused_with_its_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "quality.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(BadQuality, match=r"quality\.yaml"):
        load_quality(path)


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadQuality, match="cannot be read"):
        load_quality(tmp_path / "quality.yaml")


def test_the_reference_has_the_rules_of_the_code() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "scaffold.md"
    rows = re.findall(
        r"^\| (bronze|silver|gold) \| `(\w+)` \| (.*) \|$", page.read_text("utf-8"), re.MULTILINE
    )

    assert rows == [(tier.value, name, text) for tier, rules in RULES.items() for name, text in rules.items()]
