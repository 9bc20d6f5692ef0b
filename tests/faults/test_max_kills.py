"""Power cuts while the bot talks to MAX: nothing is lost, nothing is out of order, nothing is answered twice.

The moments follow from a seed: `OPTFM_TEST_SEED` tries another one, and every failure names the one it had.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.codes import CodeLoad, survives_kills

pytestmark = pytest.mark.faults


def test_a_polling_bot_survives_power_cuts(make_codes: Callable[..., CodeLoad]) -> None:
    survives_kills(lambda seed: make_codes("max", seed, mode="polling"), 4_101)


def test_a_bot_with_a_webhook_survives_power_cuts(make_codes: Callable[..., CodeLoad]) -> None:
    """MAX has forgotten the address by the time the bot is back, and promises no order.

    What counts then is the order in which updates were stored.
    """
    survives_kills(
        lambda seed: make_codes("max", seed, mode="webhook"),
        4_102,
        as_pushed=False,
        away=lambda load: load.platform.control("lose"),
    )
