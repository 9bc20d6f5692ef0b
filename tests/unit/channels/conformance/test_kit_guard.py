"""No check can be taken away, replaced or silenced without a reason that everybody reads."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.contract import Transport
from channels.errors import Gone
from channels.testing.conformance.guard import CheckRemovedError, checks_of, pinned
from channels.testing.conformance.payloads import BadRecording, load_recorded
from channels.testing.conformance.subject import Deviation
from optfm_bot.testing.conformance import ChannelConformance

_spec = importlib.util.spec_from_file_location("toy_channel", Path(__file__).with_name("toy.py"))
assert _spec is not None
assert _spec.loader is not None
toy: Any = sys.modules.setdefault("toy_channel", importlib.util.module_from_spec(_spec))
if not hasattr(toy, "ToyConformance"):
    _spec.loader.exec_module(toy)

CHECK = "test_two_texts_alike_are_two_updates"
REASON = "the platform gives two texts alike the same id"


def subclass(**attributes: Any) -> Any:
    return type("TestSomething", (toy.ToyConformance,), attributes)


def overridden(*marks: Any) -> Any:
    async def check(self: Any, transport: Transport) -> None: ...

    for mark in marks:
        check = mark(check)
    check.__module__ = __name__
    return check


def test_the_data_file_names_every_check_of_the_kit_and_no_other() -> None:
    """Mended by hand: whoever takes a check out of the kit has to take it out of the file too."""
    assert list(pinned()) == checks_of(ChannelConformance)


def test_an_honest_class_is_let_through() -> None:
    assert subclass()


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({CHECK: None}, "is gone"),
        ({CHECK: overridden()}, "is overridden without"),
        ({CHECK: overridden(pytest.mark.skip(reason=REASON))}, "is overridden without"),
        ({CHECK: overridden(pytest.mark.xfail(reason=REASON))}, "not strict"),
        ({CHECK: overridden(pytest.mark.xfail(strict=True))}, "gives no reason"),
        ({CHECK: overridden(pytest.mark.xfail(reason="flaky", strict=True))}, "gives no reason"),
        ({CHECK: overridden(pytest.mark.xfail(reason=REASON, strict=True, run=False))}, "is not run"),
        (
            {CHECK: overridden(pytest.mark.skip, pytest.mark.xfail(reason=REASON, strict=True))},
            "is marked skip",
        ),
        ({"test_no_check_is_missing_or_replaced": overridden()}, "is overridden without"),
        ({"pytestmark": pytest.mark.skip(reason=REASON)}, "whole class is marked skip"),
        ({"pytestmark": [pytest.mark.xfail(reason=REASON, strict=True)]}, "whole class is marked xfail"),
        ({"__test__": False}, "nothing is checked"),
        ({"pytest_generate_tests": print}, "pytest_generate_tests is the kit's own"),
        ({"needs": print}, "needs is the kit's own"),
        ({"absent": {"manners": REASON}}, "does not know 'manners'"),
        ({"absent": {"media": "no"}}, "gives no reason for 'media'"),
        (
            {"deviations": {"deliver 418": Deviation(reactions=(Gone,), because=REASON)}},
            "does not know 'deliver 418'",
        ),
        ({"deviations": {"deliver 404": Deviation(reactions=(Gone,), because="")}}, "gives no reason for"),
        ({"transports": (Transport.POLLING,)}, "`elsewhere` does not say"),
        (
            {
                "spec": replace(toy.SPEC, transports=frozenset({Transport.POLLING})),
                "transports": tuple(Transport),
            },
            "names what the spec does not",
        ),
    ],
)
def test_a_class_that_hides_something_cannot_be_made(attributes: dict[str, Any], why: str) -> None:
    with pytest.raises(CheckRemovedError, match=why):
        subclass(**attributes)


def test_a_strict_and_reasoned_xfail_is_let_through() -> None:
    assert subclass(**{CHECK: overridden(pytest.mark.xfail(reason=REASON, strict=True))})


def test_a_mode_that_another_class_checks_is_named() -> None:
    elsewhere = {Transport.WEBHOOK: "tests/test_toy_webhook.py"}
    assert subclass(transports=(Transport.POLLING,), elsewhere=elsewhere)


def test_a_base_of_several_classes_may_be_incomplete() -> None:
    class Base(ChannelConformance, abstract=True):
        chat = "1"

    with pytest.raises(CheckRemovedError, match="`spec` is missing"):
        type("TestSomething", (Base,), {})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "no `update`"),
        ('{"update": {}, "events": []}', "no `key`"),
        ('{"update": {}, "key": "1"}', "no `events`"),
        ('{"update": {}, "key": "1", "events": [], "evens": []}', "unknown keys: evens"),
        ('{"update": {}, "key": "1", "events": [{"type": "TextOut"}]}', "is one of TextIn"),
        ('{"update": {}, "key": "1", "events": [{"type": "StartIn", "txt": ""}]}', "has no field txt"),
        ('{"update": {}, "key": "1", "events": [{"type": "TextIn"}]}', "say the `text`"),
        ('{"update": {}, "key": "1", "unreadable": true, "events": [{"type": "StartIn"}]}', "unreadable"),
    ],
)
def test_a_recording_that_says_nothing_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "odd.json").write_text(text)
    with pytest.raises(BadRecording, match=f"odd.json.*{why}"):
        load_recorded(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRecording, match="nowhere"):
        load_recorded(tmp_path / "nowhere")
