"""What is stored is what comes back, and garbage is refused with a sentence."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.body import parse_body, text_body
from channels.codec import decode_outbound, encode_outbound
from channels.model import Action, Body, ChatRef, Media, MediaKind, Outbound, Purpose

CHAT = ChatRef(channel="telegram", chat_id="42")
WORDS = st.text(max_size=20)
MAYBE = st.none() | WORDS
ACTIONS = st.one_of(
    st.builds(Action, label=WORDS, token=WORDS),
    st.builds(Action, label=WORDS, url=WORDS),
    st.builds(Action, label=WORDS, ask_contact=st.sampled_from([True])),
)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))]))
ENVELOPES = st.fixed_dictionaries(
    {
        "chat": st.builds(ChatRef, channel=WORDS, chat_id=WORDS, thread_id=MAYBE),
        "actions": st.lists(st.lists(ACTIONS, max_size=3).map(tuple), max_size=3).map(tuple),
        "media": st.lists(
            st.builds(
                Media,
                kind=st.sampled_from(MediaKind),
                url=MAYBE,
                path=MAYBE,
                name=WORDS,
                mime=WORDS,
                origin=MAYBE,
                file_id=MAYBE,
                size=st.none() | st.integers(0, 2**40),
                public=st.booleans(),
            ),
            max_size=2,
        ).map(tuple),
        "reply_to": MAYBE,
        "replaces": MAYBE,
        "purpose": st.sampled_from(Purpose),
        "expires_at": st.none() | MOMENTS,
        "guard": MAYBE,
    }
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["p", "q", "u", "o", "b", "l", "c", "t", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("vcbamrepxg"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.data())
def test_every_message_comes_back_equal(bodies: st.SearchStrategy[Body], data: st.DataObject) -> None:
    message = Outbound(body=data.draw(bodies), **data.draw(ENVELOPES))

    assert message == decode_outbound(encode_outbound(message))


def test_the_stored_form_is_compact_and_versioned() -> None:
    message = Outbound(chat=CHAT, body=parse_body("**Да**, [тут](https://x.ru)\n\n2. два"))

    assert encode_outbound(message) == (
        '{"v":1,"c":["telegram","42"],"b":[["p",["b","Да"],", ",["l","https://x.ru","тут"]],["o",2,["два"]]]}'
    )


def test_a_file_that_nobody_has_to_fetch_is_stored_as_it_always_was() -> None:
    media = Media(kind=MediaKind.FILE, url="https://x.ru/a", name="a")
    stored = encode_outbound(Outbound(chat=CHAT, body=Body(), media=(media,)))

    assert json.loads(stored)["m"] == [["file", "https://x.ru/a", None, "a", ""]]
    assert decode_outbound(stored).media == (media,)


def test_a_file_that_lies_elsewhere_is_stored_with_where() -> None:
    media = Media(kind=MediaKind.IMAGE, name="a", origin="max", file_id="7", size=12, public=False)
    stored = encode_outbound(Outbound(chat=CHAT, body=Body(), media=(media,)))

    assert json.loads(stored)["m"] == [["image", None, None, "a", "", "max", "7", 12, False]]


@pytest.mark.parametrize(
    "tail",
    [
        ["max", "7", True, True],
        ["max", "7", 1.5, True],
        ["max", 7, 1, True],
        ["max", "7", 1, 1],
        ["max"],
    ],
)
def test_a_file_with_odd_whereabouts_is_refused(tail: list[Any]) -> None:
    stored = json.dumps({"v": 1, "c": ["t", "1"], "b": [], "m": [["file", None, None, "a", "", *tail]]})

    with pytest.raises(ValueError, match="'m'"):
        decode_outbound(stored)


def test_equal_texts_give_the_same_tree() -> None:
    message = Outbound(chat=CHAT, body=parse_body("Одно и то же"))
    stored = encode_outbound(message)

    assert message.body is decode_outbound(stored).body


@given(JSON)
def test_any_field_of_the_wrong_shape_is_a_value_error_or_a_message(value: Any) -> None:
    good: dict[str, Any] = {"v": 1, "c": ["t", "1"], "b": []}
    for key in good | dict.fromkeys("amrepxg"):
        with suppress(ValueError):  # anything else fails the test
            message = decode_outbound(json.dumps(good | {key: value}))
            assert message == decode_outbound(encode_outbound(message))


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (b"\xff", "not JSON"),
        ("[]", "not an object"),
        ('{"v":2,"c":["t","1"],"b":[]}', "version"),
        ('{"c":["t","1"],"b":[]}', "version"),
        ('{"v":1,"b":[]}', "'c'"),
        ('{"v":1,"c":["t","1"]}', "'b'"),
        ('{"v":1,"c":["t","1"],"b":[["p",1]]}', "'b'"),
        ('{"v":1,"c":["t","1"],"b":[["p",false]]}', "'b'"),
        ('{"v":1,"c":["t","1"],"b":[["o",true]]}', "'b'"),
        ('{"v":1,"c":["t","1"],"b":[],"a":[[["x","t"]]]}', "'a'"),
        ('{"v":1,"c":["t","1"],"b":[],"m":[["hologram",null,null,"",""]]}', "'m'"),
        ('{"v":1,"c":["t","1"],"b":[],"p":"bribe"}', "'p'"),
        ('{"v":1,"c":["t","1"],"b":[],"x":"tomorrow"}', "'x'"),
        ('{"v":1,"c":["t","1"],"b":[],"r":7}', "'r'"),
        ('{"v":1,"c":["t","1"],"b":[],"z":7}', "1 fields"),
    ],
)
def test_garbage_is_refused_with_what_is_wrong(stored: str | bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        decode_outbound(stored)


def test_a_tree_too_deep_to_be_ours_is_refused() -> None:
    deep = '["b",' * 200 + '"x"' + "]" * 200

    with pytest.raises(ValueError, match="'b'"):
        decode_outbound('{"v":1,"c":["t","1"],"b":[["p",' + deep + "]]}")


def test_text_that_cannot_be_stored_is_refused_and_outside_text_always_can() -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        encode_outbound(Outbound(chat=CHAT, body=Body(), guard="\ud83d"))

    assert encode_outbound(Outbound(chat=CHAT, body=text_body("\ud83d")))
