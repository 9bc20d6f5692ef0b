"""A request that was let in, and the answer to it: what handlers see instead of HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel

from channels.contract import Channel
from channels.http import Redactor
from config.validate import secrets_in, validate_section
from optfm_bot.api.refusals import Refusal
from optfm_bot.store.records import TokenRow

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request. `body` is the JSON object that came with it, `query` what stood behind the `?`.

    `token` is who asks, None where nobody is asked who.
    """

    places: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)
    language: str
    token: TokenRow | None
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def client(self) -> str:
        """Who asks, by the name of their token."""
        return self.token.name if self.token is not None else ""

    def read(self, model: type[_Model]) -> _Model:
        """Give the body as a model. Raises `Refusal` with every mistake in it."""
        return _read(model, self.body)

    def asked(self, model: type[_Model]) -> _Model:
        """Give the query as a model. Raises `Refusal` with every mistake in it."""
        return _read(model, self.query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A success. The status is the endpoint's."""

    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[Call], Awaitable[Answer]]
"""Answers one kind of call. Raises `Refusal`, `StoreUnavailable`, and nothing else that anybody foresaw."""


class Masks:
    """Takes the secrets of a channel out of what is said of it."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels
        self._masks: dict[str, Redactor] = {}

    def __getitem__(self, name: str) -> Redactor:
        if name not in self._masks:
            secrets = secrets_in(self._channels[name].settings)
            self._masks[name] = Redactor(secret.reveal() for secret in secrets)
        return self._masks[name]

    def value(self, name: str, value: Any) -> Any:
        """Give a copy of JSON data in which no text holds a secret of that channel."""
        mask = self[name]
        if isinstance(value, str):
            return mask(value)
        if isinstance(value, Mapping):
            return {mask(str(key)): self.value(name, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(name, item) for item in value]
        return value


def _read(model: type[_Model], data: Mapping[str, Any]) -> _Model:
    found = validate_section(model, dict(data), locate=lambda _: "")
    if isinstance(found, list):
        raise Refusal("bad_request", problems=found)
    return found


def channel_of(call: Call, channels: Mapping[str, Channel]) -> Channel:
    """The channel that a call names. Raises `Refusal`."""
    name = call.places["instance"]
    channel = channels.get(name)
    if channel is None:
        raise Refusal("no_channel", channel=name)
    return channel
