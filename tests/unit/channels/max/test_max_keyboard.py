"""Keyboards keep to MAX's limits whatever rows the house makes, and lose no button."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.errors import Rejected
from channels.max.keyboard import Button, ButtonKind, attachment, button, fitting
from channels.model import Action

WIDE = Button(kind=ButtonKind.LINK, text="сайт", url="https://x.ru")
NARROW = Button(kind=ButtonKind.CALLBACK, text="да", payload="a1")
buttons = st.sampled_from([WIDE, NARROW])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no bug
@given(st.lists(st.lists(buttons, max_size=9), max_size=34))
def test_rows_fit_and_keep_every_button_in_order(rows: list[list[Button]]) -> None:
    try:
        fit = fitting(rows)
    except Rejected:
        assert sum(map(len, rows)) > 30  # thirty rows of one always fit
        return

    assert [one for row in rows for one in row] == [one for row in fit for one in row]
    assert len(fit) <= 30
    for row in fit:
        assert 0 < len(row) <= (3 if WIDE in row else 7)


def test_rows_that_fit_stay_as_they_are() -> None:
    rows = [[NARROW] * 7, [WIDE, NARROW, WIDE]]

    assert fitting(rows) == rows


def test_the_largest_keyboard_is_taken_and_no_larger() -> None:
    rows = [[NARROW] * 7] * 30

    assert fitting(rows) == rows
    with pytest.raises(Rejected, match="211 buttons"):
        fitting([*rows, [NARROW]])


def test_too_many_short_rows_are_filled_up() -> None:
    assert [len(row) for row in fitting([[NARROW]] * 31)] == [7, 7, 7, 7, 3]


@pytest.mark.parametrize(
    ("action", "written"),
    [
        (Action(label="Да", token="a1"), {"type": "callback", "text": "Да", "payload": "a1"}),
        (Action(label="Сайт", url="https://x.ru"), {"type": "link", "text": "Сайт", "url": "https://x.ru"}),
        (Action(label="Мой номер", ask_contact=True), {"type": "request_contact", "text": "Мой номер"}),
    ],
)
def test_a_button_has_the_fields_of_its_kind_and_no_others(action: Action, written: dict[str, str]) -> None:
    assert button(action).as_json() == written


def test_a_button_may_ask_for_the_place() -> None:
    place = Button(kind=ButtonKind.LOCATION, text="Где вы?")

    assert place.wide
    assert attachment([[place]]) == {
        "type": "inline_keyboard",
        "payload": {"buttons": [[{"type": "request_geo_location", "text": "Где вы?"}]]},
    }
