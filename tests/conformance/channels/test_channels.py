"""What the house relies on, whatever the platform: every built-in channel passes the same checks."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.body import parse_body
from channels.capabilities import TextUnit
from channels.contract import Channel, ChannelContext, Transport, Webhook, WebhookRequest
from channels.errors import BadPayload, ChannelError, Unauthorized
from channels.model import Action, ChatRef, Outbound, RawUpdate
from channels.registry import ChannelRegistry, create_channel
from channels.render import numbered_actions, render, split_outbound

NOW = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
CANARY = "canary-0123456789abcdef"

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "telegram": {
        "token": f"123456:{CANARY}",
        "mode": "webhook",
        "webhook_secret": CANARY,
        "api_base": "http://127.0.0.1:9",
    },
    "webchat": {},
    "console": {},
}
"""Settings of each kind; a kind that is missing here fails the first test."""

WRONG: Mapping[str, Mapping[str, str]] = {
    "telegram": {"x-telegram-bot-api-secret-token": "wrong"},
    "webchat": {"origin": "https://evil.example", "host": "bot.example"},
}
"""Headers that must be refused."""

UPDATES: Mapping[str, Mapping[str, Any]] = {
    "telegram": {
        "update_id": 7,
        "message": {
            "message_id": 1,
            "date": 1_760_000_000,
            "chat": {"id": 5, "type": "private"},
            "from": {"id": 5, "is_bot": False, "first_name": "A"},
            "text": "hello",
        },
    },
    "webchat": {"session": "s" * 20, "id": "1", "text": "hello"},
}
"""A push with a text in it, for kinds that are pushed to."""

NAMES = (
    "update_id",
    "message",
    "callback_query",
    "session",
    "id",
    "text",
    "token",
    "line",
    "at",
    "chat",
    "from",
    "start",
)
"""Names that channels look for, so that nonsense gets further than the first check."""

KINDS = ChannelRegistry.installed().kinds()
Maker = Callable[[str], Channel]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture
def make() -> Maker:
    registry = ChannelRegistry.installed()

    def maker(kind: str) -> Channel:
        spec = registry.spec(kind)
        context = ChannelContext(instance=kind, clock=lambda: NOW)
        return create_channel(spec, spec.settings.model_validate(SETTINGS[kind]), context)

    return maker


@pytest.fixture
async def channel(make: Maker, request: pytest.FixtureRequest) -> Any:
    made = make(request.param)
    yield made
    await made.close()


every = pytest.mark.parametrize("channel", KINDS, indirect=True)
pushed = pytest.mark.parametrize("channel", sorted(UPDATES), indirect=True)


def test_every_installed_kind_is_checked() -> None:
    assert set(KINDS) == set(SETTINGS)


@every
async def test_the_spec_tells_the_truth_about_powers(channel: Channel) -> None:
    assert (Transport.WEBHOOK in channel.spec.transports) == isinstance(channel, Webhook)
    assert (Transport.POLLING in channel.spec.transports) == hasattr(channel, "fetch")
    assert issubclass(type(channel.settings), channel.spec.settings)


@every
async def test_closing_twice_is_closing_once(channel: Channel) -> None:
    await channel.close()
    await channel.close()
    assert len(asyncio.all_tasks()) == 1


@every
async def test_secrets_stay_out_of_repr_and_errors(channel: Channel) -> None:
    shown = [repr(channel), repr(channel.settings), str(channel.settings), repr(vars(channel))]
    try:
        await asyncio.wait_for(channel.open(), 20)
    except ChannelError as error:
        cause: BaseException | None = error
        while cause is not None:
            shown += [str(cause), repr(cause)]
            cause = cause.__cause__ or cause.__context__

    assert not [text for text in shown if CANARY in text]
    with pytest.raises((TypeError, pickle.PicklingError, AttributeError)):
        pickle.dumps(channel.settings) if SETTINGS[channel.spec.kind] else pickle.dumps(lambda: None)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=12), JSON, max_size=6))
def test_nonsense_is_refused_by_bad_payload_only(make: Maker, kind: str, payload: Any) -> None:
    async def parse() -> None:
        channel = make(kind)
        try:
            channel.parse(RawUpdate(key="k", lane="l", payload=payload))
        except BadPayload:
            pass
        finally:
            await channel.close()

    asyncio.run(parse())


@pushed
async def test_the_same_update_has_the_same_key_and_another_one_another(channel: Channel) -> None:
    assert isinstance(channel, Webhook)
    update = dict(UPDATES[channel.spec.kind])
    other = {**update, **({"update_id": 8} if "update_id" in update else {"id": "2"})}

    def keys(payload: Mapping[str, Any]) -> list[str]:
        request = WebhookRequest(headers={}, body=orjson.dumps(payload))
        return [raw.key for raw in channel.split(request)]

    assert keys(update) == keys(update)
    assert keys(update) != keys(other)


@pushed
async def test_what_is_split_can_be_stored_and_parsed(channel: Channel) -> None:
    assert isinstance(channel, Webhook)
    (raw,) = channel.split(WebhookRequest(headers={}, body=orjson.dumps(UPDATES[channel.spec.kind])))
    stored = RawUpdate(key=raw.key, lane=raw.lane, payload=orjson.loads(orjson.dumps(raw.payload)))
    (event,) = channel.parse(stored)

    assert getattr(event, "text", None) == "hello"
    assert str(event.chat) == raw.lane
    assert event.chat.channel == channel.instance
    assert event.at.tzinfo is not None
    assert abs(event.at - NOW) < timedelta(days=365)


@pushed
@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'"text"', b"{}", b"[" * 5000])
async def test_garbage_pushed_is_a_bad_payload(channel: Channel, body: bytes) -> None:
    assert isinstance(channel, Webhook)
    with pytest.raises(BadPayload):
        channel.split(WebhookRequest(headers={}, body=body))


@pushed
async def test_a_wrong_a_missing_and_a_strange_secret_are_refused(channel: Channel) -> None:
    assert isinstance(channel, Webhook)
    wrong = WRONG[channel.spec.kind]
    strange = dict.fromkeys(wrong, "п�\x00")
    for headers in (wrong, {**strange, "host": "bot.example"}, {"host": "bot.example"}):
        with pytest.raises(Unauthorized):
            channel.authenticate(WebhookRequest(headers=headers, body=b"{}", remote="203.0.113.5"))


TEXTS = [
    "a",
    "Привет 👩‍👩‍👧‍👦 мир",
    "שלום عليكم",
    "e\u0301" * 50,
    "<b>&\"'`*_[x](y)~>#+=|{}!.-\\",
    "слово " * 4000,
    "х" * 4097,
    "😀" * 4097,
    "**жирный** [ссылка](https://example.ru) " * 400,
]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@every
async def test_whatever_is_said_fits_the_declared_limits(channel: Channel, text: str) -> None:
    limits = channel.spec.capabilities
    chat = ChatRef(channel=channel.instance, chat_id="1")
    rows = tuple((Action(label=f"Кнопка {n} " + "о" * 80, token=f"t-{n}"),) for n in range(12))
    rows += ((Action(label="Адрес", url="https://example.ru/x"),),)
    parts = split_outbound(Outbound(chat=chat, body=parse_body(text), actions=rows), limits)

    for part in parts:
        rendered = render(part, limits)
        shown = rendered.text if limits.counts_markup else rendered.plain
        length = len(shown.encode("utf-16-le")) // 2 if limits.text_unit is TextUnit.UTF16 else len(shown)
        assert length <= limits.text_limit
        assert rendered.text.strip()
        if limits.buttons is None:
            assert rendered.actions == ()
        else:
            assert len(rendered.actions) <= limits.buttons.max_rows
            assert all(len(a.label) <= limits.buttons.label_length for row in rendered.actions for a in row)
    last = parts[-1]
    reachable = {a.token for row in render(last, limits).actions for a in row}
    reachable |= {action.token for action in numbered_actions(last, limits)}
    assert {f"t-{n}" for n in range(12)} <= reachable
