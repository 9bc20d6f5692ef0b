"""What goes in and out of the API, as pydantic models: they read requests, write answers and describe both."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator
from pydantic_core import PydanticCustomError

from channels.contract import LoginState
from optfm_bot.api.tokens import Scope
from optfm_bot.receive.status import ChannelState

MOST_TEXT = 10_000
"""Characters of one message: written as `\\uXXXX` they still fit into the largest body that is read."""

# What is wrong with a field is said in the language of the answer, so the errors here carry keys of the catalogue.

_PHONE_NOISE = re.compile(r"[\s()+.-]")
_PHONE = re.compile(r"[1-9]\d{9,14}", re.ASCII)
_RUSSIAN = re.compile(r"8\d{10}", re.ASCII)


def phone_digits(text: str) -> str:
    """Give the digits of a phone number, the country's first; `8 900 …` is how people in Russia write `+7 900 …`."""
    digits = _PHONE_NOISE.sub("", text)
    if _RUSSIAN.fullmatch(digits) and not text.lstrip().startswith("+"):
        digits = f"7{digits[1:]}"
    if not _PHONE.fullmatch(digits):
        raise PydanticCustomError("phone", "field.phone")
    return digits


def _web_address(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise PydanticCustomError("web_address", "field.web_address")
    return text


_Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]


class ApiModel(BaseModel):
    """Base of what goes in and out."""

    # What a client sends may be personal or secret: an error names the field and never shows its value.
    # Built when it is needed: a bot whose API nobody asks starts without it.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class SendMessage(ApiModel):
    """A message to one chat. Exactly one of `chat`, `phone` and `group` says where; `text` or `file_url` says what."""

    chat: _Id | None = Field(None, description="The platform's id of a private chat or a group.")
    phone: Annotated[str, AfterValidator(phone_digits)] | None = Field(
        None,
        max_length=32,
        description="The phone number of a person, where the channel can find chats by it: `+7 900 123-45-67`.",
    )
    group: _Id | None = Field(
        None, description="The platform's id of a group; refused by channels without groups."
    )
    text: str = Field(
        "",
        max_length=MOST_TEXT,
        description="The words, in a small Markdown: **bold**, *italic*, `code`, [links](https://…), lists, quotes.",
    )
    file_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, max_length=2048, description="Where the platform can fetch a picture, a video or another file."
    )
    file_name: str = Field("", max_length=255, description="What the person sees as the name of the file.")
    reply_to: _Id | None = Field(None, description="The platform's id of the message that this one answers.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if sum(place is not None for place in (self.chat, self.phone, self.group)) != 1:
            raise PydanticCustomError("one_place", "field.one_place")
        if not self.text.strip() and self.file_url is None:
            raise PydanticCustomError("no_content", "field.no_content")
        return self


class MessageAccepted(ApiModel):
    """A message is stored and will be sent. A repeated request with the same key gives the same once more."""

    id: str = Field(description="What to ask for it by.")
    channel: str = Field(description="The name of the channel.")
    chat: str = Field(description="The platform's id of the chat.")
    parts: int = Field(
        description="How many messages it becomes: long ones are cut to what the platform takes."
    )


class MessageStatus(StrEnum):
    """Where a message is: promised, on its way, or at one of its ends."""

    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    DROPPED = "dropped"
    FAILED = "failed"


class MessagePart(ApiModel):
    """One call to the platform."""

    state: MessageStatus
    external_ids: list[str] = Field(description="The platform's ids, once it is sent.")
    at: datetime | None = Field(description="When it was sent or given up.")
    attempts: int = Field(description="How many times it has failed so far.")
    why: str = Field(description="Why it is not sent, as far as it is known.")


class MessageView(ApiModel):
    """What has become of a message. A long one is sent in several parts, each with a state of its own.

    While a part is open the whole is `ready` or `sending`; after that it is what the worst part is.
    """

    id: str = Field(description="What to ask for it by.")
    channel: str = Field(description="The name of the channel.")
    chat: str = Field(description="The platform's id of the chat.")
    state: MessageStatus
    parts: list[MessagePart]


class ChannelAbilities(ApiModel):
    """What a channel can do."""

    text_limit: int = Field(description="The longest text of one message; longer ones are sent in parts.")
    buttons: bool
    edit: bool
    typing: bool
    groups: bool
    threads: bool
    media: list[str] = Field(description="Kinds of files that are sent as such; others become links.")
    phone: bool = Field(description="Whether a message may be addressed by a phone number.")
    operations: bool = Field(description="Whether there is something to service.")
    login: bool = Field(description="Whether a person with a phone logs the account in.")


class ChannelView(ApiModel):
    """A channel and how it is."""

    name: str
    type: str
    title: str
    state: ChannelState
    since: datetime
    why: str = Field(description="What led to this state, in the platform's or the channel's words.")
    to_do: str = Field(description="What to do about it; empty if there is nothing to do.")
    can: ChannelAbilities


class ChannelList(ApiModel):
    """All channels."""

    channels: list[ChannelView]


class OperationView(ApiModel):
    """Something that may be done to the account of a channel."""

    name: str
    summary: str
    changes: bool = Field(description="Whether it changes something at the platform.")
    sensitive: bool = Field(description="Whether its result holds secrets.")
    params: dict[str, Any] = Field(description="JSON Schema of what it takes.")


class OperationList(ApiModel):
    """What may be done."""

    operations: list[OperationView]


class OperationParams(RootModel[dict[str, Any]]):
    """What an operation takes, as its own `params` describe it; `{}` or no body at all if it takes nothing."""


class OperationResult(ApiModel):
    """What an operation gave."""

    result: Any


class LoginView(ApiModel):
    """Where a login stands."""

    state: LoginState
    running: bool = Field(description="Whether it goes on by itself.")
    message: str = Field(description="What to tell the person with the phone.")
    qr: str | None = Field(description="The QR code to scan, as a `data:` address of a PNG picture.")
    started_at: datetime
    ends_at: datetime = Field(description="When it is given up if nobody scans.")


class Problem(ApiModel):
    """What went wrong, for a program (`code`) and for a person (`message`, and in `hint` what to do)."""

    code: str
    message: str
    hint: str


class Error(ApiModel):
    """The body of every answer that is no success."""

    error: Problem


SCOPES: dict[Scope, str] = {
    Scope.MESSAGES: "Send messages and ask what became of them.",
    Scope.SERVICE: "Service channels: operations, logins.",
    Scope.READ: "Look at channels and messages.",
    Scope.CONVERSATIONS_READ: "Look who has the word in a conversation.",
    Scope.CONVERSATIONS_WRITE: "Silence the bot in a conversation and let it speak again; look at conversations.",
    Scope.REQUESTS_READ: "Read what people asked for with forms.",
    Scope.REQUESTS_WRITE: "Change requests, and read them.",
    Scope.TICKETS_READ: "List tickets at the helpdesk.",
    Scope.PROPOSALS_READ: "Read answers of our people that the base may learn.",
    Scope.PROPOSALS_WRITE: "Take or reject such answers, and read them.",
}
