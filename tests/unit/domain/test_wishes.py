"""What commands and buttons ask for that is not about the knowledge base."""

from __future__ import annotations

import pytest

from optfm_bot.domain.choices import BeginForm, CallPerson, Meaning, NoPerson, OpenEntry, OpenTopics
from optfm_bot.domain.handoff import Cue
from optfm_bot.domain.wishes import Wish, wish_of_command, wish_of_meaning


@pytest.mark.parametrize(
    ("name", "rest", "form", "wish"),
    [
        ("operator", "", None, Wish(Cue.ASKED)),
        ("operator", "скорее", "request", Wish(Cue.ASKED)),
        ("cancel", "", None, Wish(Cue.CANCELLED)),
        ("request", "", "request", Wish(Cue.FORM_BEGUN, "request")),
        ("request", "order", "request", Wish(Cue.FORM_BEGUN, "order")),
        ("request", "order", None, Wish(Cue.FORM_BEGUN, "order")),
        ("request", "", None, None),
        ("faq", "", "request", None),
        ("operators", "", "request", None),
    ],
)
def test_commands(name: str, rest: str, form: str | None, wish: Wish | None) -> None:
    assert wish_of_command(name, rest, form=form) == wish


@pytest.mark.parametrize(
    ("meaning", "wish"),
    [
        (CallPerson(), Wish(Cue.ASKED)),
        (NoPerson(), Wish(Cue.DECLINED)),
        (BeginForm("order"), Wish(Cue.FORM_BEGUN, "order")),
        (OpenEntry("pay"), None),
        (OpenTopics(), None),
    ],
)
def test_buttons(meaning: Meaning, wish: Wish | None) -> None:
    assert wish_of_meaning(meaning) == wish
