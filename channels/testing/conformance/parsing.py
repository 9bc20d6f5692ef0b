"""Parsing: recorded updates mean what they say, malformed ones are refused politely, keys name updates for good."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.contract import Channel, Polling, Transport, Webhook, WebhookRequest
from channels.errors import BadPayload
from channels.model import (
    EchoIn,
    EditedIn,
    Inbound,
    MediaIn,
    OwnerIn,
    RawUpdate,
    StartIn,
    TextIn,
)
from channels.testing.conformance.mutations import anything, malformed, samples
from channels.testing.conformance.payloads import Recorded, differences
from channels.testing.conformance.subject import Subject, promise

_GARBAGE: Sequence[bytes] = (
    b"", b" ", b"null", b"true", b"0", b"[]", b"{", b"{}", b'""', b"\xff\xfe", b"\x00", b"[" * 5000, b'{"a":' * 2000,
    b'{"a":1e999}', b"<html>", '{"ключ": "\\ud800"}'.encode(), b"9" * 5000,
)  # fmt: skip


class ParsingChecks(Subject):
    """Updates are read right, and nothing that arrives can break anything."""

    async def test_a_recorded_update_means_what_its_file_says(
        self, transport: Transport, payload: str
    ) -> None:
        """Each recording arrives once, with its key, and is read as its file says."""
        recorded = next(one for one in self.recordings() if one.name == payload)
        async with self.connected(transport) as it:
            it.platform.put(recorded.update)
            arrived = await it.arrivals(headers=recorded.headers)
            promise(len(arrived) == 1, f"one update arrived as {len(arrived)}")
            raw = arrived[0]
            promise(raw.key == recorded.key, f"the key should be {recorded.key!r}, is {raw.key!r}")
            if recorded.lane is not None:
                promise(raw.lane == recorded.lane, f"the lane should be {recorded.lane!r}, is {raw.lane!r}")
            if recorded.unreadable:
                with pytest.raises(BadPayload):
                    it.channel.parse(raw)
                return
            events = it.channel.parse(raw)
            wrong = differences(recorded.events, events)
            promise(not wrong, "; ".join(wrong))
            for event in events:
                promise(event.at.utcoffset() is not None, f"the moment {event.at} has no time zone")
                promise(event.event_id, "an event without an id")
                promise(event.chat.channel == it.channel.instance, f"{event.chat} is of another instance")

    async def test_the_recordings_show_what_a_support_bot_meets(self) -> None:
        """A text, a start, a picture, an edit, an echo, an update that means nothing, or `absent` says why."""
        recorded = self.recordings()
        wanted: Mapping[str, tuple[type, ...]] = {
            "text": (TextIn,),
            "start": (StartIn,),
            "media": (MediaIn,),
            "edit": (EditedIn,),
            "echo": (EchoIn, OwnerIn),
        }
        for thing, kinds in wanted.items():
            there = any(one.has(kind) for one in recorded for kind in kinds)
            names = " or ".join(kind.__name__ for kind in kinds)
            promise(
                there != (thing in self.absent),
                f"{'a recording with' if there else 'no recording with'} {names}, and `absent` says"
                f" {'that there is none' if there else 'nothing about ' + repr(thing)}",
            )
        silent = any(not one.events and not one.unreadable for one in recorded)
        promise(
            silent != ("unknown" in self.absent), "record an update that means nothing to us: `events` is []"
        )

    async def test_two_recordings_never_share_a_key(self, transport: Transport) -> None:
        """No recorded update would be taken for another one, an edit not for its original."""
        keys: dict[str, str] = {}
        async with self.connected(transport) as it:
            for one, raws in await it.received(self.recordings()):
                for raw in raws:
                    other = keys.setdefault(raw.key, one.name)
                    promise(other == one.name, f"{one.name} would be taken for {other}: both are {raw.key!r}")

    async def test_two_texts_alike_are_two_updates(self, transport: Transport) -> None:
        """The same words written twice are two updates under two keys."""
        async with self.connected(transport) as it:
            raws: list[RawUpdate] = []
            it.platform.writes(self.chat, "да")
            it.platform.writes(self.chat, "да")
            while len(raws) < 2 and (arrived := await it.arrivals()):  # noqa: PLR2004 - as the name says
                raws += arrived
            promise(len(raws) == 2 and raws[0].key != raws[1].key, f"keys: {[raw.key for raw in raws]}")  # noqa: PLR2004 - as the name says
            texts = [getattr(event, "text", None) for raw in raws for event in it.channel.parse(raw)]
            promise(texts == ["да", "да"], f"read as {texts}")

    async def test_the_key_of_a_push_does_not_depend_on_how_it_is_written(self, transport: Transport) -> None:
        """White space, escapes and the order of fields do not change the key or the lane of a push."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport) as it:
            for one in self.recordings():
                turned = dict(reversed(list(one.update.items())))
                writings = [
                    orjson.dumps(one.update),
                    json.dumps(one.update, indent=3).encode(),
                    json.dumps(turned, ensure_ascii=False, sort_keys=False).encode(),
                ]
                split = [_split(it.channel, self._written(one, body)) for body in writings]
                found = {(raw.key, raw.lane) for raws in split for raw in raws}
                promise(len(found) == 1, f"{one.name}: the same update under {sorted(found)}")

    async def test_the_key_is_the_same_in_every_mode(self, transport: Transport) -> None:
        """Polled or pushed, an update has the same key and the same lane."""
        if len(self.spec.transports) == 1:
            pytest.skip("there is only one mode")
        other = next(iter(self.spec.transports - {transport}))
        async with self.connected(transport) as here, self.connected(other) as there:
            pushed = {one.name: raws for one, raws in await there.received(self.recordings())}
            for one, raws in await here.received(self.recordings()):
                found = {(raw.key, raw.lane) for raw in (*raws, *pushed[one.name])}
                promise(len(found) == 1, f"{one.name}: polled and pushed it is {sorted(found)}")

    async def test_the_lane_of_an_update_is_its_conversation(self, transport: Transport) -> None:
        """An update's lane is the text form of the chat of its events."""
        async with self.connected(transport) as it:
            for one, raws in await it.received(self.recordings()):
                for raw in raws:
                    promise(raw.lane, f"{one.name} has no lane")
                    for event in () if one.unreadable else it.channel.parse(raw):
                        promise(
                            str(event.chat) == raw.lane,
                            f"{one.name}: of {event.chat}, in the lane {raw.lane}; order is kept within a lane",
                        )

    async def test_what_was_stored_reads_the_same_after_a_restart(self, transport: Transport) -> None:
        """A payload that went through JSON is read the same by another instance, and is not changed by that."""
        async with self.connected(transport) as it, self.connected(transport) as later:
            for one, raws in await it.received(self.recordings()):
                for raw in raws:
                    kept = RawUpdate(
                        key=raw.key, lane=raw.lane, payload=orjson.loads(orjson.dumps(raw.payload))
                    )
                    before = deepcopy(kept.payload)
                    read = [_read(it.channel, raw), _read(later.channel, kept), _read(later.channel, kept)]
                    promise(
                        read[0] == read[1] == read[2], f"{one.name} is read another way when it was stored"
                    )
                    promise(kept.payload == before, f"{one.name} is changed by being read")

    async def test_a_malformed_update_raises_nothing_but_bad_payload(self, transport: Transport) -> None:
        """Fields dropped, retyped, nested, swapped or huge, and any JSON: events or `BadPayload`."""
        async with self.connected(transport) as it:
            updates = [one.update for one in self.recordings()]

            @settings(
                max_examples=self.examples,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(malformed(updates))
            def holds(update: dict[str, Any]) -> None:
                events = _read(it.channel, RawUpdate(key="k", lane="l", payload=update))
                for event in events or ():
                    promise(event.at.utcoffset() is not None, f"the moment {event.at} has no time zone")
                    promise(isinstance(event.chat.chat_id, str), "the id of a chat is a text")

            holds()

    async def test_a_malformed_push_raises_nothing_but_bad_payload(self, transport: Transport) -> None:
        """Any bytes: updates with a key and a lane, or `BadPayload`."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport) as it:
            channel = it.channel
            updates = [one.update for one in self.recordings()]
            for body in _GARBAGE:
                promise(
                    _split(channel, WebhookRequest(headers={}, body=body)) == [],
                    f"an update was found in {body[:20]!r}",
                )

            @settings(
                max_examples=self.examples,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(malformed(updates).map(lambda one: json.dumps(one).encode()) | _bodies())
            def holds(body: bytes) -> None:
                for raw in _split(channel, WebhookRequest(headers={}, body=body)):
                    promise(raw.key and raw.lane, "an update without a key or a lane cannot be stored")
                    _read(channel, raw)

            holds()

    async def test_a_malformed_update_holds_up_nobody(self, transport: Transport) -> None:
        """A question after a row of malformed updates still arrives."""
        self.needs_mode(transport, Transport.POLLING)
        async with self.connected(transport) as it:
            promise(isinstance(it.channel, Polling), "this channel cannot be polled")
            first = next(one for one in self.recordings() if one.has(TextIn))
            odd = samples(first.update)
            for one in odd:
                it.platform.put(one)
            it.platform.writes(self.chat, "а это вопрос")
            texts: list[str] = []
            for _ in range(len(odd) + 2):
                raws = await it.arrivals()
                events = [event for raw in raws for event in _read(it.channel, raw) or ()]
                texts += [event.text for event in events if isinstance(event, TextIn)]
                if "а это вопрос" in texts:
                    return
            raise AssertionError(f"after {len(odd)} malformed updates a question did not arrive: {texts}")

    def _written(self, one: Recorded, body: bytes) -> WebhookRequest:
        return WebhookRequest(headers={**one.headers, **self.push_headers(body)}, body=body)


def _split(channel: Channel, request: WebhookRequest) -> Sequence[RawUpdate]:
    if not isinstance(channel, Webhook):
        raise AssertionError(f"{type(channel).__name__} cannot be pushed to")  # noqa: TRY004 - a failed check
    try:
        return list(channel.split(request))
    except BadPayload:
        return []


def _read(channel: Channel, raw: RawUpdate) -> list[Inbound] | None:
    """The events of an update, None if it is refused as it should be."""
    try:
        return list(channel.parse(raw))
    except BadPayload:
        return None


def _bodies() -> st.SearchStrategy[bytes]:
    return st.binary(max_size=60) | anything(()).map(lambda one: json.dumps(one).encode())
