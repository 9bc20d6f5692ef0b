"""Power cuts while the bot talks to GREEN-API: nothing is lost, nothing is out of order, nothing is answered twice.

The moments follow from a seed: `OPTFM_TEST_SEED` tries another one, and every failure names the one it had.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.codes import CHATTY, CodeLoad, survives_kills

pytestmark = pytest.mark.faults


@pytest.mark.parametrize(
    ("network", "mode", "default"),
    [("max", "polling", 4_201), ("max", "webhook", 4_202)],
)
def test_a_bot_for_green_api_survives_power_cuts(
    make_codes: Callable[..., CodeLoad], network: str, mode: str, default: int
) -> None:
    survives_kills(lambda seed: make_codes("green", seed, network=network, mode=mode), default)


def test_without_a_journal_the_queue_alone_loses_nothing(make_codes: Callable[..., CodeLoad]) -> None:
    """What was deleted from the queue before it was stored would be gone for good here."""

    def make(seed: int) -> CodeLoad:
        load = make_codes("green", seed, network="whatsapp", mode="polling")
        load.platform.control("journal", lag=86_400)
        return load

    survives_kills(make, 4_203)


def test_echoes_and_statuses_of_every_answer_change_nothing(make_codes: Callable[..., CodeLoad]) -> None:
    survives_kills(
        lambda seed: make_codes("green", seed, network="whatsapp", mode="webhook", instance=CHATTY), 4_204
    )
