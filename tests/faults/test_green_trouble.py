"""What GREEN-API may do to a message on its way, and what becomes of it: answered once, or in doubt and never doubled.

One bot for each network and mode; every test has a chat of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.e2e.processes import Bot, GreenPlatform
from tests.faults.codes import SENT, TOLD, UNCERTAIN, Visitor, coded_bot

pytestmark = pytest.mark.faults

PAIRS = [(network, mode) for network in ("max", "whatsapp") for mode in ("polling", "webhook")]
polled = pytest.mark.parametrize(
    "bot", [pair for pair in PAIRS if pair[1] == "polling"], indirect=True, ids="-".join
)
"""For what can only happen to a program that fetches."""

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot at work, and the gateway that it talks to."""
    network, mode = request.param
    with ExitStack() as stack:
        platform = GreenPlatform(network, **TOLD)
        yield coded_bot(stack, tmp_path_factory.mktemp(f"{network}-{mode}"), platform, mode)


@pytest.fixture
def platform(bot: Bot) -> GreenPlatform:
    assert isinstance(bot.platform, GreenPlatform)
    return bot.platform


@pytest.fixture
def new_visitor(bot: Bot, platform: GreenPlatform) -> Callable[[], Visitor]:
    """Make somebody new."""

    def make() -> Visitor:
        number = next(_numbers)
        whatsapp = platform.network == "whatsapp"
        return Visitor(bot, f"{79_000_000_000 + number}@c.us" if whatsapp else str(20_000_000 + number))

    return make


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    return new_visitor()


# -- sending ---------------------------------------------------------------------------------------


def test_a_429_is_waited_out_and_nobody_is_left_without_an_answer(
    visitor: Visitor, new_visitor: Callable[[], Visitor], platform: GreenPlatform
) -> None:
    other = new_visitor()
    platform.control("fail", fault="429", method="sendMessage", chat_id=visitor.chat, times=2)
    visitor.asks(1)
    other.asks(2)
    visitor.asks(3)

    visitor.sees(1, 3)
    other.sees(2)
    assert visitor.calls("sendMessage") == [429, 429, 200, 200]


@pytest.mark.parametrize(("fault", "arrives"), [("drop", 0), ("drop_after", 1), ("cut_body", 1)])
def test_an_answer_that_never_came_leaves_a_doubt_and_no_double(
    visitor: Visitor, platform: GreenPlatform, bot: Bot, fault: str, arrives: int
) -> None:
    platform.control("fail", fault=fault, method="sendMessage", chat_id=visitor.chat)
    visitor.asks(1)
    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN], "the message is marked uncertain")
    visitor.asks(2)

    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN, SENT], "the next one is sent")
    assert visitor.answers == [1] * arrives + [2]
    assert len(visitor.calls("sendMessage")) == 2


@pytest.mark.parametrize(("fault", "arrives"), [("500", 0), ("502", 0), ("handled_500", 1)])
def test_a_page_of_an_error_says_nothing_of_the_message(
    visitor: Visitor, platform: GreenPlatform, fault: str, arrives: int
) -> None:
    platform.control("fail", fault=fault, method="sendMessage", chat_id=visitor.chat)
    visitor.asks(1)
    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN], "the message is marked uncertain")
    visitor.asks(2)

    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN, SENT], "the next one is sent")
    assert visitor.answers == [1] * arrives + [2]


def test_a_slow_gateway_is_waited_for(visitor: Visitor, platform: GreenPlatform) -> None:
    platform.control("fail", fault="slow", method="sendMessage", chat_id=visitor.chat, seconds=1.2)
    visitor.asks(1)
    visitor.asks(2)

    visitor.sees(1, 2)
    assert visitor.calls("sendMessage") == [200, 200]


# -- receiving -------------------------------------------------------------------------------------


def test_a_notification_that_comes_twice_is_answered_once(visitor: Visitor, platform: GreenPlatform) -> None:
    platform.control("duplicate", count=2)
    visitor.asks(1)
    visitor.asks(2)
    platform.wait(pending=0)
    visitor.asks(3)

    visitor.sees(1, 2, 3)


def test_the_same_question_asked_twice_is_answered_twice(visitor: Visitor) -> None:
    visitor.asks(1)
    visitor.asks(1)

    visitor.sees(1, 1)


ODD: list[Any] = [
    {"typeWebhook": "incomingMessageReceived"},
    {"typeWebhook": "incomingMessageReceived", "senderData": 5, "messageData": [], "idMessage": {}},
    {"typeWebhook": "incomingMessageReceived", "senderData": {"chatId": None}, "timestamp": "yesterday"},
    {"typeWebhook": "outgoingMessageStatus", "status": ["failed"], "chatId": 5},
    {"typeWebhook": "stateInstanceChanged", "stateInstance": {"no": "state"}},
    {"typeWebhook": "telepathyReceived", "thought": "?"},
    {"typeWebhook": "", "nothing": None},
]
UNREADABLE = (0, 1, 2)
"""Those of them that look like a message and are none: they are parked, the others are passed over."""


def test_garbage_is_parked_and_the_next_question_answered(
    visitor: Visitor, new_visitor: Callable[[], Visitor], platform: GreenPlatform, bot: Bot
) -> None:
    before = bot.count("inbox", "state = 9")
    for body in ODD:
        # Numbered, because the same nonsense told twice is known already.
        platform.push("raw", {**body, "serial": next(_numbers)})
    platform.push("unknown_message", chat=new_visitor().chat)
    visitor.asks(1)

    visitor.sees(1)
    platform.wait(pending=0)
    visitor.wait(lambda: bot.count("inbox", "state = 0") == 0, "everything is handled")
    assert bot.count("inbox", "state = 9") - before >= len(UNREADABLE)


@polled
def test_what_is_no_object_does_not_stop_the_queue(visitor: Visitor, platform: GreenPlatform) -> None:
    for body in ("5", "null", '"text"', "[1, 2]", "{}"):
        platform.push("raw", body)
    visitor.asks(1)

    visitor.sees(1)
    platform.wait(pending=0)


@polled
@pytest.mark.parametrize("fault", ["500", "502", "429", "drop", "drop_after", "cut_body"])
def test_a_queue_that_cannot_be_read_is_read_later(
    visitor: Visitor, platform: GreenPlatform, bot: Bot, fault: str
) -> None:
    platform.control("fail", fault=fault, method="receiveNotification")
    visitor.asks(1)
    visitor.asks(2)

    visitor.sees(1, 2)
    platform.wait(pending=0)


@polled
@pytest.mark.parametrize("fault", ["500", "unacked", "drop", "drop_after", "cut_body"])
def test_a_notification_that_could_not_be_deleted_is_known_when_it_comes_again(
    visitor: Visitor, platform: GreenPlatform, bot: Bot, fault: str
) -> None:
    platform.control("fail", fault=fault, method="deleteNotification")
    visitor.asks(1)
    visitor.asks(2)

    visitor.sees(1, 2)
    platform.wait(pending=0)


@polled
@pytest.mark.parametrize("answer", ["empty", "408", "504"])
def test_an_empty_queue_may_be_told_in_any_way(
    visitor: Visitor, platform: GreenPlatform, bot: Bot, answer: str
) -> None:
    platform.control("empty", answer=answer)
    visitor.asks(1)

    visitor.sees(1)
    platform.control("empty", answer="null")


def test_the_owner_writing_on_the_phone_is_not_answered(visitor: Visitor, platform: GreenPlatform) -> None:
    platform.push("owner", "Артикул 004 — что это?", chat=visitor.chat)
    visitor.asks(1)

    platform.wait(pending=0)
    visitor.wait(lambda: visitor.bot.count("inbox", "state = 0") == 0, "everything is handled")
    assert 4 not in visitor.answers
