"""Frames of the socket: read or refused by `BadPayload`, never anything else; written as one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadPayload
from channels.web.frames import Hello, Ping, Send, read_frame, streamed, written
from channels.web.window import StreamEvent

SESSION = "s" * 24
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["type", "session", "id", "text", "token", "start", "message", "lang"]) | st.text(
    max_size=8
)
KINDS = st.sampled_from(["hello", "send", "ping", "history", ""])


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        (f'{{"type":"hello","session":"{SESSION}"}}', Hello(SESSION)),
        ('{"type":"ping"}', Ping()),
        ('{"type":"send","id":"m1","text":"да"}', Send("m1", {"id": "m1", "text": "да"})),
    ],
)
def test_a_frame_is_read(text: str, frame: object) -> None:
    assert read_frame(text) == frame


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "1", "[" * 100_000, "{}", '{"type":"hello"}', '{"type":"hello","session":"short"}',
        '{"type":"send"}', '{"type":"send","id":"a b"}', '{"type":["send"]}', '{"type":"accepted","id":"m1"}',
        f'{{"type":"send","id":"m1","text":"x","session":"{SESSION}"}}',
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused(text: str) -> None:
    with pytest.raises(BadPayload):
        read_frame(text)


@given(
    st.text(max_size=200)
    | JSON.map(json.dumps)
    | st.dictionaries(NAMES, JSON | KINDS, max_size=6).map(json.dumps)
)
def test_nonsense_is_a_bad_payload_and_nothing_else(text: str) -> None:
    try:
        frame = read_frame(text)
    except BadPayload:
        return
    assert isinstance(frame, Hello | Send | Ping)


@given(st.dictionaries(st.text(max_size=10).filter(lambda name: name != "type"), JSON, max_size=3))
def test_what_is_sent_is_one_line_that_reads_back(data: dict[str, Any]) -> None:
    line = written("message", data)
    assert not {"\n", "\r"} & set(line)
    assert repr(json.loads(line)) == repr({"type": "message", **data})
    assert streamed(StreamEvent(kind="message", data=data)) == f"data: {line}\n\n"


def test_the_name_of_a_talk_stays_out_of_repr() -> None:
    assert SESSION not in repr(Hello(SESSION))
