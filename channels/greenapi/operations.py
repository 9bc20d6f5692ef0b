"""What a person may have done to an instance: names, forms and what they change. Data only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, field_validator

from channels.contract import ChannelSettings, Operation

YesNo = Literal["yes", "no"]


class Nothing(ChannelSettings):
    """No parameters."""


class SettingsSet(ChannelSettings):
    """Settings of the instance; only those that are given are looked at."""

    webhook_url: str | None = Field(default=None, description="webhookUrl; empty for polling.")
    webhook_url_token: str | None = Field(
        default=None, repr=False, description="webhookUrlToken; empty for none."
    )
    delay_milliseconds: int | None = Field(
        default=None, ge=500, le=600_000, description="Pause between two messages that leave the instance."
    )
    mark_read: YesNo | None = Field(default=None, description="markIncomingMessagesReaded.")
    mark_read_on_reply: YesNo | None = Field(default=None, description="markIncomingMessagesReadedOnReply.")
    incoming: YesNo | None = Field(default=None, description="incomingWebhook: messages of people.")
    statuses: YesNo | None = Field(default=None, description="outgoingWebhook: what became of our messages.")
    phone_messages: YesNo | None = Field(
        default=None, description="outgoingMessageWebhook: what is written on the phone."
    )
    api_messages: YesNo | None = Field(
        default=None, description="outgoingAPIMessageWebhook: the echo of what programs send."
    )
    state: YesNo | None = Field(default=None, description="stateWebhook: changes of the state.")
    edited: YesNo | None = Field(default=None, description="editedMessageWebhook.")
    deleted: YesNo | None = Field(default=None, description="deletedMessageWebhook.")

    def wanted(self) -> dict[str, Any]:
        """Give the settings under GREEN-API's names."""
        given = self.model_dump(exclude_none=True)
        return {_SETTING_NAMES[name]: value for name, value in given.items()}


_SETTING_NAMES: Mapping[str, str] = {
    "webhook_url": "webhookUrl",
    "webhook_url_token": "webhookUrlToken",
    "delay_milliseconds": "delaySendMessagesMilliseconds",
    "mark_read": "markIncomingMessagesReaded",
    "mark_read_on_reply": "markIncomingMessagesReadedOnReply",
    "incoming": "incomingWebhook",
    "statuses": "outgoingWebhook",
    "phone_messages": "outgoingMessageWebhook",
    "api_messages": "outgoingAPIMessageWebhook",
    "state": "stateWebhook",
    "edited": "editedMessageWebhook",
    "deleted": "deletedMessageWebhook",
}


class Journal(ChannelSettings):
    """How far back."""

    minutes: int = Field(default=1440, ge=1, le=60 * 24 * 31, description="So many minutes back.")


class Chat(ChannelSettings):
    """A chat."""

    chat: str = Field(description="Id of the chat, or a phone number.")


class History(Chat):
    """A part of a chat."""

    count: int = Field(default=100, ge=1, le=5000, description="How many messages, the newest first.")


class Message(Chat):
    """One message."""

    message: str = Field(min_length=1, description="Id of the message.")


class Read(Chat):
    """What to mark as read."""

    message: str | None = Field(
        default=None,
        description="Id of a message: MAX marks everything up to it, WhatsApp this one; the whole chat if not set.",
    )


class CheckAccount(ChannelSettings):
    """A phone number to look up."""

    phone: str = Field(description="Phone number with its country code, in any form.")
    force: bool = Field(default=False, description="Ask the messenger itself, not the gateway's memory.")


class GroupCreate(ChannelSettings):
    """A new group."""

    name: str = Field(min_length=1, max_length=100, description="Name of the group.")
    chats: Sequence[str] = Field(
        min_length=1, description="Chat ids or phone numbers of the people, separated by commas."
    )

    @field_validator("chats", mode="before")
    @classmethod
    def _separated(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )


class Group(ChannelSettings):
    """A group."""

    group: str = Field(min_length=1, description="Id of the group.")


class GroupRename(Group):
    """A new name for a group."""

    name: str = Field(min_length=1, max_length=100, description="The new name.")


class GroupMember(Group):
    """Somebody in a group."""

    person: str = Field(description="Chat id or phone number of the person.")


class PartnerCreate(ChannelSettings):
    """A new instance, which costs money from the first day."""

    name: str = Field(min_length=1, max_length=100, description="Name that tells it from the others.")
    delay_milliseconds: int | None = Field(
        default=None, ge=500, le=600_000, description="Pause between two messages that leave the instance."
    )


class PartnerDelete(ChannelSettings):
    """An instance that is not needed any more."""

    id_instance: str = Field(pattern=r"^[0-9]{4,20}$", description="Number of the instance.")


OPERATIONS: tuple[Operation, ...] = (
    Operation(name="state", summary="Show the state of the instance.", params=Nothing),
    Operation(
        name="status", summary="Show whether the phone's connection is up (WhatsApp only).", params=Nothing
    ),
    Operation(name="account", summary="Show the account that is logged in.", params=Nothing),
    Operation(
        name="settings", summary="Show the instance's settings.", params=Nothing, sensitive=True
    ),  # webhookUrlToken is among them
    Operation(
        name="settings-set",
        summary="Change settings; restarts the instance if they differ.",
        params=SettingsSet,
        changes=True,
    ),
    Operation(name="reboot", summary="Restart the instance.", params=Nothing, changes=True),
    Operation(name="logout", summary="Log the account out.", params=Nothing, changes=True),
    Operation(name="queue-show", summary="Show the messages that wait to be sent.", params=Nothing),
    Operation(name="queue-count", summary="Count the messages that wait to be sent.", params=Nothing),
    Operation(name="queue-clear", summary="Throw away what waits to be sent.", params=Nothing, changes=True),
    Operation(name="incoming-count", summary="Count the notifications that wait for us.", params=Nothing),
    Operation(
        name="incoming-clear", summary="Throw away the notifications that wait.", params=Nothing, changes=True
    ),
    Operation(name="journal-incoming", summary="Show the incoming messages.", params=Journal),
    Operation(name="journal-outgoing", summary="Show the outgoing messages.", params=Journal),
    Operation(name="chat-history", summary="Show the messages of a chat.", params=History),
    Operation(name="message", summary="Show one message.", params=Message),
    Operation(name="chats", summary="List the chats.", params=Nothing),
    Operation(name="contacts", summary="List the contacts.", params=Nothing),
    Operation(name="contact", summary="Show a contact's card.", params=Chat),
    Operation(
        name="check-account",
        summary="Find the chat of a phone number; a few only, messengers watch for look-ups.",
        params=CheckAccount,
    ),
    Operation(name="read", summary="Mark a chat as read.", params=Read, changes=True),
    Operation(
        name="group-create",
        summary="Make a group; at most one in 5 minutes.",
        params=GroupCreate,
        changes=True,
    ),
    Operation(name="group-rename", summary="Rename a group.", params=GroupRename, changes=True),
    Operation(name="group-info", summary="Show a group and its people.", params=Group),
    Operation(name="group-add", summary="Add somebody to a group.", params=GroupMember, changes=True),
    Operation(name="group-remove", summary="Remove somebody from a group.", params=GroupMember, changes=True),
    Operation(
        name="group-admin", summary="Make somebody an administrator.", params=GroupMember, changes=True
    ),
    Operation(
        name="group-admin-remove",
        summary="Take the administrator's rights away.",
        params=GroupMember,
        changes=True,
    ),
    Operation(name="group-leave", summary="Leave a group.", params=Group, changes=True),
    Operation(
        name="partner-instances",
        summary="List the partner's instances, with their tokens.",
        params=Nothing,
        sensitive=True,
    ),
    Operation(
        name="partner-create",
        summary="Make an instance; it costs money per day.",
        params=PartnerCreate,
        changes=True,
        sensitive=True,
    ),
    Operation(
        name="partner-delete", summary="Delete an instance for good.", params=PartnerDelete, changes=True
    ),
)
