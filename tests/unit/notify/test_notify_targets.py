"""Who hears of a request."""

from __future__ import annotations

from config.people import NotifySection
from optfm_bot.notify.targets import hearers, targets

SECTION = NotifySection.model_validate(
    {
        "urls": ["json://all/", "json://everybody/"],
        "managers": [
            {"name": "Анна", "urls": ["json://anna/hunter2"]},
            {"name": "Олег"},
        ],
    }
)


def test_a_manager_with_addresses_hears_alone() -> None:
    assert ("Анна#1",) == hearers(SECTION, "Анна")


def test_without_addresses_or_without_a_manager_all_are_told() -> None:
    for assignee in ("Олег", "", "Никто"):
        assert ("#1", "#2") == hearers(SECTION, assignee)


def test_nobody_is_told_where_there_are_no_addresses() -> None:
    assert () == hearers(NotifySection(), "Анна")


def test_every_hearer_is_a_target_and_names_give_nothing_away() -> None:
    known = targets(SECTION)

    assert {"#1", "#2", "Анна#1"} == set(known)
    assert ("notify", "managers", 0, "urls", 0) == known["Анна#1"].path
    assert "hunter2" not in repr(known)
