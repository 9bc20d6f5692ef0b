"""What MAX may do to a message on its way, and what becomes of it: answered once, or in doubt and never doubled.

One bot for each mode; every test has a chat of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.processes import Bot, Fake, MaxPlatform
from tests.faults.codes import SENT, UNCERTAIN, Visitor, coded_bot

pytestmark = pytest.mark.faults

SEND = "sendMessage"
POLL = "getUpdates"
_numbers = itertools.count(30_000_001)


@pytest.fixture(scope="module", params=["polling", "webhook"])
def bot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """A bot at work, and the platform that it talks to."""
    with ExitStack() as stack:
        yield coded_bot(stack, tmp_path_factory.mktemp(request.param), MaxPlatform(), request.param)


@pytest.fixture
def platform(bot: Bot) -> Fake:
    return bot.platform


@pytest.fixture
def new_visitor(bot: Bot) -> Callable[[], Visitor]:
    """Make somebody new."""
    return lambda: Visitor(bot, next(_numbers))


@pytest.fixture
def visitor(new_visitor: Callable[[], Visitor]) -> Visitor:
    return new_visitor()


# -- sending ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("503", 503)])
def test_what_was_not_taken_is_sent_again(
    visitor: Visitor, new_visitor: Callable[[], Visitor], platform: Fake, fault: str, status: int
) -> None:
    other = new_visitor()
    platform.control("fail", fault=fault, method=SEND, chat_id=visitor.chat)
    visitor.asks(1)
    visitor.wait(lambda: visitor.calls(SEND), "it was tried")
    other.asks(2)
    visitor.asks(3)

    visitor.sees(1, 3)
    other.sees(2)
    assert visitor.calls(SEND) == [status, 200, 200]


@pytest.mark.parametrize(
    ("fault", "arrives"),
    [("drop", 0), ("reset", 0), ("drop_after", 1), ("cut_body", 1), ("500", 0), ("502", 0)],
)
def test_an_answer_that_says_nothing_leaves_a_doubt_and_no_double(
    visitor: Visitor, platform: Fake, fault: str, arrives: int
) -> None:
    platform.control("fail", fault=fault, method=SEND, chat_id=visitor.chat)
    visitor.asks(1)
    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN], "the message is marked uncertain")
    visitor.asks(2)

    visitor.wait(lambda: visitor.outcomes == [UNCERTAIN, SENT], "the next one is sent")
    assert visitor.answers == [1] * arrives + [2]
    assert len(visitor.calls(SEND)) == 2


def test_a_slow_platform_is_waited_for(visitor: Visitor, platform: Fake) -> None:
    platform.control("fail", fault="slow", method=SEND, chat_id=visitor.chat, seconds=1.2)
    visitor.asks(1)
    visitor.asks(2)

    visitor.sees(1, 2)
    assert visitor.calls(SEND) == [200, 200]


# -- receiving -------------------------------------------------------------------------------------


def test_an_update_that_comes_twice_is_answered_once(visitor: Visitor, platform: Fake) -> None:
    platform.control("duplicate", count=2)
    visitor.asks(1)
    visitor.sees(1)
    visitor.asks(2)
    visitor.sees(1, 2)
    platform.wait(pending=0)
    visitor.asks(3)

    visitor.sees(1, 2, 3)


def test_the_same_question_asked_twice_is_answered_twice(visitor: Visitor) -> None:
    visitor.asks(1)
    visitor.sees(1)
    visitor.asks(1)

    visitor.sees(1, 1)


ODD = [
    {"update_type": "message_created"},
    {"update_type": "message_created", "timestamp": "now", "message": 5},
    {"update_type": "message_created", "message": {"body": {"mid": 7}, "recipient": [], "sender": None}},
    {"update_type": "message_callback", "callback": "pressed"},
    {"update_type": "bot_started", "user": {"user_id": "me"}},
    {"update_type": "telepathy", "thought": "?"},
]


def test_garbage_is_parked_and_the_next_question_answered(visitor: Visitor, platform: Fake, bot: Bot) -> None:
    before = bot.count("inbox", "state = 9")
    for body in ODD:
        # Numbered, because the same nonsense told twice is known already.
        platform.push("raw", {**body, "serial": next(_numbers)})
    platform.push("poison", chat=next(_numbers))
    visitor.asks(1)

    visitor.sees(1)
    platform.wait(pending=0)
    visitor.wait(lambda: bot.count("inbox", "state = 0") == 0, "everything is handled")
    assert bot.count("inbox", "state = 9") - before >= 3


@pytest.mark.parametrize("bot", ["polling"], indirect=True)
@pytest.mark.parametrize("fault", ["500", "502", "429", "drop", "drop_after", "cut_body"])
def test_updates_that_cannot_be_fetched_are_fetched_later(
    visitor: Visitor, platform: Fake, bot: Bot, fault: str
) -> None:
    platform.control("fail", fault=fault, method=POLL)
    visitor.asks(1)
    visitor.asks(2)

    visitor.sees(1, 2)
    visitor.asks(3)
    visitor.sees(1, 2, 3)
