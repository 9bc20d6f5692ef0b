"""Inner events: what is written can be read, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadPayload
from channels.model import Body, Bold, Break, Code, Italic, Link, ListBlock, Paragraph, Quote, RawUpdate, Text
from optfm_bot.dispatch.inner import (
    CLOCK,
    STAFF,
    STAFF_CUES,
    AlarmIn,
    DeskIn,
    DownIn,
    Inner,
    LeftOutIn,
    LostIn,
    MovedIn,
    RefusedIn,
    StaffIn,
    alarm_update,
    desk_update,
    down_update,
    left_out_update,
    lost_update,
    moved_update,
    read_inner,
    refused_update,
    staff_update,
)
from optfm_bot.dispatch.intake import encoded
from optfm_bot.domain.handoff import Cue
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Assigned,
    Closed,
    HelpdeskEvent,
    Merged,
    Removed,
    Reopened,
)

LANE = "stage:anna"
AT = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)


def stored(channel: str, update: RawUpdate) -> Inner:
    """Read an update as it comes back from the store."""
    return read_inner(channel, orjson.loads(encoded(update.payload)))


words = st.text(st.characters(codec="utf-8"), max_size=20)
plain = words.map(Text)
inlines: st.SearchStrategy[Any] = st.recursive(
    plain | st.builds(Code, words) | st.just(Break()),
    lambda inner: st.one_of(
        st.builds(Bold, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Italic, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Link, words, st.lists(inner, max_size=3).map(tuple)),
    ),
    max_leaves=5,
)
rows = st.lists(inlines, max_size=4).map(tuple)
blocks = st.one_of(
    st.builds(Paragraph, rows),
    st.builds(Quote, rows),
    st.builds(ListBlock, st.lists(rows, max_size=3).map(tuple)),
    st.builds(
        ListBlock, st.lists(rows, max_size=3).map(tuple), ordered=st.just(value=True), start=st.integers(0, 9)
    ),
)
files = st.builds(
    AgentFile,
    id=words,
    name=words,
    mime=words,
    size=st.none() | st.integers(0, 2**40),
    link=st.none() | words,
)
facts: dict[str, Any] = {
    "key": words,
    "ticket": words,
    "at": st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))])),
}
events: st.SearchStrategy[HelpdeskEvent] = st.one_of(
    st.builds(
        AgentReplied,
        **facts,
        thread_id=words,
        agent=words,
        body=st.lists(blocks, max_size=3).map(lambda found: Body(tuple(found))),
        files=st.lists(files, max_size=2).map(tuple),
        customer_id=st.none() | words,
    ),
    st.builds(Assigned, **facts, agent=words),
    st.builds(Closed, **facts),
    st.builds(Reopened, **facts),
    st.builds(Removed, **facts, spam=st.booleans()),
    st.builds(Merged, **facts, into=words),
)


@given(event=events)
def test_an_event_of_the_helpdesk_comes_back_as_it_was(event: HelpdeskEvent) -> None:
    update = desk_update(event, LANE)

    assert (update.key, update.lane) == (event.key, LANE)
    assert stored("desk", update) == DeskIn(desk="desk", event=event)


@given(number=st.integers(0, 2**63 - 1), since=st.integers(0, 2**42), text=words, reason=words)
def test_the_others_come_back_as_they_were(number: int, since: int, text: str, reason: str) -> None:
    down = down_update(number, LANE, since=since)
    assert stored("desk", down) == DownIn(ticket=number, since=since)
    lost = lost_update(number, LANE, reason=reason, text=text)
    assert stored("desk", lost) == LostIn(reason=reason, text=text)
    files = ((text, reason), (reason, text))
    assert stored("desk", left_out_update(number, LANE, files)) == LeftOutIn(files=files)
    assert stored(CLOCK, alarm_update("late", since, LANE)) == AlarmIn(name="late", due_at=since)


@pytest.mark.parametrize("cue", list(Cue))
def test_only_what_one_of_us_may_do_is_read(cue: Cue) -> None:
    update = staff_update("k1", LANE, cue, by="Ольга")
    if cue in STAFF_CUES:
        assert stored(STAFF, update) == StaffIn(cue=cue, by="Ольга")
    else:
        with pytest.raises(BadPayload):
            stored(STAFF, update)


def test_what_an_older_release_said_of_a_helpdesk_that_is_down_is_read() -> None:
    assert read_inner("desk", {"down": 7}) == DownIn(ticket=7, since=0)


def test_keys_tell_apart_what_is_different_and_no_more() -> None:
    first = alarm_update("late", 100, LANE)
    assert alarm_update("late", 100, LANE).key == first.key
    others = {
        alarm_update("late", 101, LANE).key,
        alarm_update("silent", 100, LANE).key,
        alarm_update("late", 100, "stage:boris").key,
        down_update(1, LANE, since=5).key,
        down_update(2, LANE, since=5).key,
        lost_update(1, LANE, reason="", text="").key,
        left_out_update(1, LANE, []).key,
    }
    assert len(others - {first.key}) == 7
    assert down_update(1, LANE, since=9).key == down_update(1, LANE, since=5).key


def test_what_is_personal_stays_out_of_repr() -> None:
    assert "секрет" not in repr(lost_update(1, LANE, reason="ушёл", text="секрет"))
    assert "секрет" not in repr(LostIn(reason="ушёл", text="секрет"))
    assert "секрет" not in repr(LeftOutIn(files=(("секрет.pdf", "нет"),)))


@pytest.mark.parametrize("files", [[["одно"]], [["a", "b", "c"]], [7]])
def test_files_that_cannot_be_read_are_bad(files: Any) -> None:
    with pytest.raises(BadPayload):
        read_inner("desk", {"left_out": files})


def reply(**changed: Any) -> dict[str, Any]:
    """The payload of an agent's reply, with something changed; None leaves it out."""
    event = AgentReplied(key="k", ticket="77", at=AT, thread_id="9", agent="Ольга", body=Body())
    payload = orjson.loads(encoded(desk_update(event, LANE).payload))
    data = {**payload["data"], **changed}
    return {**payload, "data": {name: value for name, value in data.items() if value is not None}}


def test_the_payload_that_is_spoilt_below_is_good() -> None:
    assert isinstance(read_inner("desk", reply()), DeskIn)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"ticket": "77"},
        {"event": "Exploded", "data": {"at": AT.isoformat()}},
        {"event": "Closed", "data": {}},
        {"event": "Closed", "data": {"key": "k", "ticket": "77", "at": "yesterday"}},
        {"event": "Closed", "data": {"key": "k", "ticket": "77", "at": 5}},
        {"event": "Closed", "data": {"key": "k", "ticket": "77", "at": AT.isoformat(), "more": 1}},
        {"event": "Closed", "data": [1]},
        reply(body=None),
        reply(body="[[["),
        reply(body='[["p",["x"]]]'),
        reply(files=5),
        reply(files=[{"name": "no id"}]),
        reply(files=[{"id": "1", "name": "a", "colour": "red"}]),
        reply(at="yesterday"),
        {"down": "7"},
        {"down": 7, "since": "long ago"},
        {"down": 7, "since": None},
        {"lost": "why"},
        {"lost": 5, "text": ""},
        {"alarm": "late", "due": "soon"},
        {"cue": "spoke", "by": ""},
        {"cue": "held", "by": None},
    ],
)
def test_garbage_is_a_payload_that_cannot_be_read(payload: dict[str, Any]) -> None:
    with pytest.raises(BadPayload):
        read_inner("desk", payload)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["event", "data", "down", "since", "lost", "text", "alarm", "due", "cue", "by"])
kinds = st.sampled_from(["AgentReplied", "Closed", "Removed", "held"])


@given(payload=st.dictionaries(names, kinds | json, max_size=4))
def test_no_garbage_does_any_other_harm(payload: dict[str, Any]) -> None:
    try:
        found = read_inner("desk", payload)
    except BadPayload:
        return
    assert isinstance(found, Inner)


@given(name=st.sampled_from(["key", "ticket", "at", "thread_id", "agent", "body", "files"]), value=json)
def test_no_garbage_inside_an_event_does_any_other_harm(name: str, value: Any) -> None:
    try:
        found = read_inner("desk", reply(**{name: value}))
    except BadPayload:
        return
    assert isinstance(found, DeskIn)


def test_refused_files_and_a_moved_ticket_are_read_as_they_were_written() -> None:
    refused = refused_update(5, LANE, ["a.php", "б"])
    assert (refused.key, stored("desk", refused)) == ("refused-5", RefusedIn(files=("a.php", "б")))
    moved = moved_update(7, LANE, by=5)
    assert (moved.key, stored("desk", moved)) == ("moved-5", MovedIn(ticket=7, by=5))
