"""Honesty: what a spec and its capabilities say is what the channel and the renderer do."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest
from pydantic import ValidationError

from channels.capabilities import Capabilities, TextUnit
from channels.contract import (
    INSTANCE_NAME,
    ChannelSettings,
    Downloads,
    Operable,
    Polling,
    Reconciling,
    Transport,
    Verifiable,
    Webhook,
)
from channels.dialects import dialect_named
from channels.errors import Gone, RetryLater, TooLarge
from channels.measure import text_length
from channels.model import (
    Action,
    ActionIn,
    Body,
    ChatRef,
    Media,
    MediaIn,
    MediaKind,
    Outbound,
    Paragraph,
    Receipt,
    Rendered,
    Text,
)
from channels.render import numbered_actions, render, split_outbound
from channels.testing.conformance.fault_server import FAULTS
from channels.testing.conformance.looptime import put_forward, unhindered
from channels.testing.conformance.subject import Subject, modes, promise
from channels.testing.conformance.witness import caught

_LOOKS = 10
_TOKEN = 16
"""The longest token that `Action` allows."""
_OPERATION = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


class HonestyChecks(Subject):
    """What is declared is true."""

    async def test_the_spec_tells_the_truth_about_its_modes(self, transport: Transport) -> None:
        """The class has the powers that the spec's transports name, and no others."""
        async with self.connected(transport, opened=False) as it:
            spec, channel = self.spec, it.channel
            promise(INSTANCE_NAME.fullmatch(spec.kind), f"{spec.kind!r} cannot be the name of a kind")
            promise(spec.title.strip(), "the spec has no title")
            promise(
                isinstance(channel, Polling) == (Transport.POLLING in spec.transports),
                f"polling: declared {Transport.POLLING in spec.transports}, the class says otherwise",
            )
            promise(
                isinstance(channel, Webhook) == (Transport.WEBHOOK in spec.transports),
                f"webhook: declared {Transport.WEBHOOK in spec.transports}, the class says otherwise",
            )
            promise(channel.spec == spec, "the channel has another spec than the one that is checked")

    async def test_every_setting_is_described_and_unknown_ones_are_refused(self) -> None:
        """Each setting has a sentence for the table and the form; a misspelt one is an error; none changes later."""
        model = self.spec.settings
        silent = [name for name, field in model.model_fields.items() if not (field.description or "").strip()]
        promise(not silent, f"settings without a description: {silent}; the table and the form show it")
        known = dict(self.settings("http://127.0.0.1:9", modes(type(self))[0]))
        model.model_validate(known)
        with pytest.raises(ValidationError):
            model.model_validate({**known, "no_such_setting": 1})
        with pytest.raises((ValidationError, AttributeError)):
            setattr(model.model_validate(known), next(iter(model.model_fields), "x"), None)

    async def test_the_capabilities_make_sense(self, transport: Transport) -> None:
        """Limits are positive, the dialect is registered, a token fits a button, `reads_history` means `Verifiable`."""
        async with self.connected(transport, opened=False) as it:
            limits = it.channel.capabilities
            promise(limits.text_limit > 0, "a platform takes texts of some length")
            promise(limits.caption_limit >= 0, "the limit of captions is a length")
            dialect_named(limits.dialect)  # raises a `LookupError` when nobody registered it
            buttons = limits.buttons
            if buttons is not None:
                sizes = (buttons.max_rows, buttons.per_row, buttons.label_length, buttons.payload_bytes)
                promise(min(sizes) > 0, f"buttons with a limit of nothing: {buttons}")
                promise(
                    buttons.payload_bytes >= _TOKEN,
                    "a token has up to 16 characters, a payload has to hold it",
                )
            promise(all(size > 0 for size in limits.media.values()), "a kind of file of which none fits")
            promise(min(limits.rate.per_chat, limits.rate.per_bot) >= 0, "a rate is not negative")
            promise(limits.write_first is None or limits.write_first > timedelta(), "a window that is closed")
            promise(
                isinstance(it.channel, Verifiable) == limits.reads_history,
                "`reads_history` says that a message can be found again: that is the power `Verifiable`",
            )

    async def test_a_text_at_the_limit_is_one_message_and_one_more_is_two(self, transport: Transport) -> None:
        """The declared limit is the platform's: a text of that length arrives, one unit more is split, not sent."""
        async with self.connected(transport) as it:
            limits = it.channel.capabilities
            for letter in ("я", "😀"):
                exact = letter * (limits.text_limit // text_length(letter, limits.text_unit))
                over = exact + letter
                promise(len(_parts(exact, limits)) == 1, f"a text of exactly the limit, of {letter}, was cut")
                parts = _parts(over, limits)
                promise(len(parts) == 2, f"{len(parts)} messages of a text that is over the limit by one")  # noqa: PLR2004 - as the name says
                with pytest.raises(TooLarge):
                    render(_said(over), limits)
                for part in (exact, *(_words(part) for part in parts)):
                    before = len(it.platform.sent())
                    await it.channel.deliver(self.message(it.channel, part))
                    promise(len(it.platform.sent()) == before + 1, "the platform did not take the message")

    async def test_more_buttons_than_fit_are_shown_another_way(self, transport: Transport) -> None:
        """Too many, too wide or too long buttons: every choice can still be made, and the simplification is named."""
        async with self.connected(transport, opened=False) as it:
            limits = it.channel.capabilities
            most = limits.buttons
            # As a list the choices have to fit one message, so a short limit has short labels.
            listed = (12, min(80, limits.text_limit // 30))
            count, width = listed if most is None else (most.per_row + 1, most.label_length + 1)
            wide = tuple(Action(label=f"{n}".ljust(width, "о"), token=f"t-{n}") for n in range(count))
            _check_choices((wide, (Action(label="Адрес", url="https://example.ru/x"),)), limits)
            if most is not None:
                many = range(most.max_rows * most.per_row + 1)
                _check_choices(tuple((Action(label=f"{n}", token=f"t-{n}"),) for n in many), limits)

    async def test_the_largest_keyboard_is_taken_by_the_platform(self, transport: Transport) -> None:
        """As many rows as declared, with labels as long as declared, arrive whole."""
        async with self.connected(transport) as it:
            most = it.channel.capabilities.buttons
            if most is None:
                pytest.skip("there are no buttons")
            labels = [f"{n}".ljust(most.label_length, "ж") for n in range(most.max_rows)]
            await it.channel.deliver(self.message(it.channel, "Выберите", rows=labels))
            shown = [button.label for button in it.platform.sent()[-1].buttons]
            promise(shown == labels, f"the person sees {len(shown)} buttons of {len(labels)}")

    async def test_a_press_may_be_acknowledged_late_and_twice(self, transport: Transport) -> None:
        """A press brings the button's token back; acknowledging it late or again raises nothing."""
        async with self.connected(transport) as it:
            if it.channel.capabilities.buttons is None:
                pytest.skip("there are no buttons")
            await it.channel.deliver(self.message(it.channel, "Выберите", rows=["Да"]))
            message = it.platform.sent()[-1]
            it.platform.presses(message.buttons[0], message)
            events = [event for raw in await it.arrivals() for event in it.channel.parse(raw)]
            promise(len(events) == 1 and isinstance(events[0], ActionIn), f"a press was read as {events}")
            for event in events:
                if isinstance(event, ActionIn):
                    promise(event.token == "t-0", f"the token came back as {event.token!r}")  # noqa: S105 - of a button
                    for notice in ("", "Готово", "Готово"):
                        await it.channel.acknowledge_action(event, notice)

    async def test_the_same_message_sent_again_is_one_message_where_that_is_declared(
        self, transport: Transport
    ) -> None:
        """`idempotent` is true exactly when the same `Rendered.key` sent twice makes one message."""
        async with self.connected(transport) as it:
            message = self.message(it.channel, key="4711")
            before = len(it.platform.sent())
            await it.channel.deliver(message)
            await it.channel.deliver(message)
            arrived = len(it.platform.sent()) - before
            declared = it.channel.capabilities.idempotent
            promise(
                arrived == (1 if declared else 2),
                f"`idempotent` is {declared}, and the same key sent twice made {arrived} messages",
            )

    async def test_a_message_is_edited_where_that_is_declared(self, transport: Transport) -> None:
        """With `edit`, a message that replaces another changes it and sends nothing new."""
        async with self.connected(transport) as it:
            if not it.channel.capabilities.edit:
                pytest.skip("messages cannot be edited")
            first = await it.channel.deliver(self.message(it.channel, "Раз", key="1"))
            promise(first.external_ids, "a message that can be edited has an id")
            count = len(it.platform.sent())
            again = replace(self.message(it.channel, "Два", key="2"), replaces=first.external_ids[0])
            await it.channel.deliver(again)
            promise(len(it.platform.sent()) == count, "a second message was sent instead of an edit")
            promise("Два" in it.platform.sent()[-1].text, "the person still sees the old words")

    async def test_typing_is_shown_where_that_is_declared(self, transport: Transport) -> None:
        """`typing` is true exactly when showing it asks the platform for something."""
        async with self.connected(transport) as it:
            asked = len(it.front.asked)
            await it.channel.typing(ChatRef(channel=it.channel.instance, chat_id=self.chat))
            made = len(it.front.asked) - asked
            if it.platform.remote:
                declared = it.channel.capabilities.typing
                promise(
                    (made > 0) == declared, f"`typing` is {declared}, and showing it made {made} requests"
                )

    async def test_a_message_is_found_again_where_that_is_declared(self, transport: Transport) -> None:
        """A message whose answer was lost: the only one that anybody looks for."""
        async with self.connected(transport) as it:
            self.needs_wire(it)
            if not isinstance(it.channel, Verifiable):
                pytest.skip("messages cannot be looked up")
            message = self.message(it.channel, "Найдите меня")
            promise(await self._found(it.channel, message) is None, "found before it was sent")
            it.front.strike(FAULTS["reset after it was handled"])
            lost = await caught(lambda: it.channel.deliver(message))
            promise(lost is not None, "the answer was lost, and the message was taken for delivered")
            it.front.strike(None)
            found = await self._found(it.channel, message)
            promise(found is not None, "a message that was sent is not found")
            another = self.message(it.channel, "Меня не отправляли")
            promise(await self._found(it.channel, another) is None, "found without having been sent")

    async def _found(self, channel: Verifiable, message: Rendered) -> Receipt | None:
        """Look a message up. A channel whose platform shows messages late may wait for that, or say `RetryLater`."""
        for _ in range(_LOOKS):
            try:
                return await unhindered(channel.find(message, since=self.now - timedelta(days=3650)))
            except RetryLater:
                put_forward(60)
        raise AssertionError("nobody knows whether the message is there, however long one waits")

    async def test_a_file_can_be_fetched_where_that_is_declared(self, transport: Transport) -> None:
        """With `Downloads`, a person's file comes whole, beyond the limit it is `TooLarge`, and lost it is `Gone`."""
        async with self.connected(transport) as it:
            if not isinstance(it.channel, Downloads):
                pytest.skip("what people send cannot be fetched")
            self.needs("media")
            content = bytes(range(256)) * 40
            it.platform.hands(self.chat, content)
            events = [event for raw in await it.arrivals() for event in it.channel.parse(raw)]
            promise(len(events) == 1 and isinstance(events[0], MediaIn), f"a file was read as {events}")
            for event in events:
                if isinstance(event, MediaIn):
                    await _check_download(it.channel, event, content, it.platform.loses_files)

    async def test_what_was_missed_has_the_keys_that_receiving_gives(self, transport: Transport) -> None:
        """The journal gives an update under the key that fetching or pushing gives it."""
        async with self.connected(transport) as it:
            if not isinstance(it.channel, Reconciling):
                pytest.skip("the platform keeps no journal")
            it.platform.writes(self.chat, "Когда привезут?")
            missed = await it.channel.missed(self.now - timedelta(days=3650))
            received = await it.arrivals()
            promise(
                {raw.key for raw in received} <= {raw.key for raw in missed},
                f"received under {[raw.key for raw in received]}, missed under {[raw.key for raw in missed]}",
            )

    async def test_operations_have_names_and_settings_of_their_own(self, transport: Transport) -> None:
        """Operations have names of their own, a summary, described fields; an unknown name is a `LookupError`."""
        async with self.connected(transport, opened=False) as it:
            if not isinstance(it.channel, Operable):
                pytest.skip("there is nothing to operate")
            names = [operation.name for operation in it.channel.operations]
            promise(len(names) == len(set(names)), f"operations share a name: {sorted(names)}")
            for operation in it.channel.operations:
                promise(_OPERATION.fullmatch(operation.name), f"{operation.name!r} is no name for a command")
                promise(operation.summary.strip(), f"{operation.name} has no summary")
                promise(issubclass(operation.params, ChannelSettings), f"{operation.name} takes no model")
                silent = [
                    n for n, f in operation.params.model_fields.items() if not (f.description or "").strip()
                ]
                promise(not silent, f"parameters of {operation.name} without a description: {silent}")
            with pytest.raises(LookupError):
                await it.channel.operate("no-such-operation", ChannelSettings())


async def _check_download(
    channel: Downloads, event: MediaIn, content: bytes, lose: Callable[[], None]
) -> None:
    promise(
        event.size in {None, len(content)}, f"a file of {len(content)} bytes is said to have {event.size}"
    )
    file = Media(kind=MediaKind.FILE, file_id=event.file_id, url=event.url, name=event.name, mime=event.mime)
    promise(await channel.download(file, limit=len(content)) == content, "the file is not what was sent")
    for size in (None, event.size):
        error = await caught(partial(channel.download, replace(file, size=size), limit=len(content) - 1))
        promise(isinstance(error, TooLarge), f"a file that is over the limit was {error!r}")
    lose()
    error = await caught(partial(channel.download, file, limit=len(content)))
    promise(isinstance(error, Gone), f"a file that the platform does not have any more was {error!r}")


def _said(words: str) -> Outbound:
    return Outbound(
        chat=ChatRef(channel="x", chat_id="1"), body=Body((Paragraph((Text(words),)),)) if words else Body()
    )


def _check_choices(rows: tuple[tuple[Action, ...], ...], limits: Capabilities) -> None:
    """All of these buttons can be chosen somehow, and those that are real fit the declared limits."""
    parts = split_outbound(replace(_said("Выберите"), actions=rows), limits)
    shown = [render(part, limits) for part in parts]
    wanted = {action.token for action in chain(*rows) if action.token}
    reachable = {action.token for one in shown for action in chain(*one.actions)}
    missing = wanted - reachable - {action.token for action in numbered_actions(parts[-1], limits)}
    promise(not missing, f"choices that nobody can make: {sorted(missing)[:5]}")
    promise(any(one.degraded for one in shown), "nobody is told what was simplified")
    most = limits.buttons
    for one in shown:
        promise(most is not None or not one.actions, "buttons where there are none")
        if most is not None:
            promise(len(one.actions) <= most.max_rows, "more rows than declared")
            promise(all(len(row) <= most.per_row for row in one.actions), "a row that is too wide")
            labels = [action.label for action in chain(*one.actions)]
            promise(all(len(label) <= most.label_length for label in labels), "a label that is too long")


def _words(part: Outbound) -> str:
    return render(part, Capabilities(text_limit=10**6, text_unit=TextUnit.CHARACTERS)).plain


def _parts(words: str, limits: Capabilities) -> tuple[Outbound, ...]:
    return split_outbound(_said(words), limits)
