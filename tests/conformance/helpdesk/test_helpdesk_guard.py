"""Nobody takes a check of helpdesks away, replaces or silences it without saying why where everybody reads it."""

from __future__ import annotations

import pytest

from channels.testing.conformance.guard import CheckRemovedError
from optfm_bot.testing.desk_conformance import HelpdeskConformance


def test_a_check_cannot_be_replaced_or_taken_away() -> None:
    for taken in (None, lambda _: None, pytest.mark.skip(reason="later")(lambda _: None)):
        with pytest.raises(CheckRemovedError, match="Box: test_life"):
            type("Box", (HelpdeskConformance,), {"test_life": taken})


def test_a_strict_and_reasoned_exception_is_honest() -> None:
    def fails(_: HelpdeskConformance) -> None:
        raise AssertionError

    marked = pytest.mark.xfail(reason="it forgets what was closed", strict=True)(fails)
    assert type("Box", (HelpdeskConformance,), {"test_life": marked})
