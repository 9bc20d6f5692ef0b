"""Every method: its verb, its fields, who has it, how often it may be called, and whether the account must be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from channels.testing.green_server import fields
from channels.testing.green_server.fields import MAX, NETWORKS, WHATSAPP, Field

GET, POST, DELETE = "GET", "POST", "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of an instance.

    `body` is json, form (multipart), raw or none. `media`: it lives on the media host. `ready`: it needs an authorised
    account. `group`: the group's id is `chatId` in MAX and `groupId` in WhatsApp.
    """

    name: str
    verb: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    rate: float = 1.0
    networks: Sequence[str] = NETWORKS
    body: str = "json"
    media: bool = False
    ready: bool = False
    group: bool = False
    query: frozenset[str] = frozenset()
    tail: bool = False
    """Whether one more piece follows the token in the address."""


_CHAT: Final = Field(fields.chat, required=True)
_PERSON: Final = {"participantChatId": Field(fields.chat, required=True)}
_ID: Final = Field(fields.filled, required=True)
_SEND: Final = {
    "chatId": _CHAT,
    "quotedMessageId": Field(fields.filled),
    "typingTime": Field(fields.between(1000, 20000)),
}
_CAPTION: Final = {
    "caption": Field(fields.text),
    "typingType": Field(fields.one_of("recording"), networks=(WHATSAPP,)),
}
_ARCHIVE: Final = {"archiveChat": Field(fields.flag, networks=(WHATSAPP,))}
_YES_NO: Final = Field(fields.one_of("yes", "no"))
_YES_NO_WHATSAPP: Final = Field(fields.one_of("yes", "no"), networks=(WHATSAPP,))

SETTINGS: Final[Mapping[str, Field]] = {
    "webhookUrl": Field(fields.text),
    "webhookUrlToken": Field(fields.text),
    "delaySendMessagesMilliseconds": Field(fields.between(500, 600_000)),
    "markIncomingMessagesReaded": _YES_NO,
    "markIncomingMessagesReadedOnReply": _YES_NO,
    "incomingWebhook": _YES_NO,
    "outgoingWebhook": _YES_NO,
    "outgoingMessageWebhook": _YES_NO,
    "outgoingAPIMessageWebhook": _YES_NO,
    "stateWebhook": _YES_NO,
    "editedMessageWebhook": _YES_NO,
    "deletedMessageWebhook": _YES_NO,
    "keepOnlineStatus": _YES_NO_WHATSAPP,
    "pollMessageWebhook": _YES_NO_WHATSAPP,
    "incomingBlockWebhook": _YES_NO_WHATSAPP,
    "incomingCallWebhook": _YES_NO_WHATSAPP,
    "outgoingCallWebhook": _YES_NO_WHATSAPP,
}

_BOTH: Final = (
    # account
    Method(name="getStateInstance", verb=GET),
    Method(name="getSettings", verb=GET),
    Method(name="setSettings", verb=POST, fields=SETTINGS),
    Method(name="qr", verb=GET, rate=3),
    Method(name="logout", verb=GET),
    Method(name="reboot", verb=GET),
    Method(
        name="setProfilePicture",
        verb=POST,
        fields={"file": Field(lambda _name, value, _network: value, required=True)},
        rate=0.1,
        body="form",
        ready=True,
    ),
    # sending
    Method(
        name="sendMessage",
        verb=POST,
        fields={
            **_SEND,
            **_ARCHIVE,
            "message": Field(fields.message, required=True),
            "linkPreview": Field(fields.flag, networks=(WHATSAPP,)),
        },
        rate=50,
    ),
    Method(
        name="sendFileByUrl",
        verb=POST,
        fields={
            **_SEND,
            **_CAPTION,
            **_ARCHIVE,
            "urlFile": Field(fields.address, required=True),
            "fileName": Field(fields.file_name, required=True),
        },
        rate=50,
    ),
    Method(
        name="sendFileByUpload",
        verb=POST,
        fields={
            **_SEND,
            **_CAPTION,
            "file": Field(lambda _name, value, _network: value, required=True),
            "fileName": Field(fields.file_name),
        },
        rate=50,
        body="form",
        media=True,
    ),
    Method(name="uploadFile", verb=POST, rate=50, body="raw", media=True),
    Method(
        name="sendLocation",
        verb=POST,
        fields={
            **_SEND,
            "latitude": Field(fields.number, required=True),
            "longitude": Field(fields.number, required=True),
            "nameLocation": Field(fields.text),
            "address": Field(fields.text),
        },
        rate=50,
    ),
    Method(
        name="sendContact",
        verb=POST,
        fields={**_SEND, "contact": Field(fields.contact, required=True)},
        rate=50,
    ),
    Method(
        name="editMessage",
        verb=POST,
        fields={"chatId": _CHAT, "idMessage": _ID, "message": Field(fields.message, required=True)},
        rate=50,
        ready=True,
    ),
    Method(
        name="deleteMessage",
        verb=POST,
        fields={
            "chatId": _CHAT,
            "idMessage": _ID,
            "onlySenderDelete": Field(fields.flag, networks=(WHATSAPP,)),
        },
        rate=50,
        ready=True,
    ),
    # receiving
    Method(
        name="receiveNotification",
        verb=GET,
        rate=100,
        body="none",
        query=frozenset({"receiveTimeout"}),
    ),
    Method(name="deleteNotification", verb=DELETE, rate=100, body="none", tail=True),
    Method(name="downloadFile", verb=POST, fields={"chatId": _CHAT, "idMessage": _ID}, rate=5, ready=True),
    # journals and marks
    Method(
        name="getChatHistory",
        verb=POST,
        fields={"chatId": _CHAT, "count": Field(fields.between(1, 5000))},
        ready=True,
    ),
    Method(name="getMessage", verb=POST, fields={"chatId": _CHAT, "idMessage": _ID}, ready=True),
    Method(name="lastIncomingMessages", verb=GET, ready=True, query=frozenset({"minutes"})),
    Method(name="lastOutgoingMessages", verb=GET, ready=True, query=frozenset({"minutes"})),
    Method(name="getChats", verb=GET, ready=True, query=frozenset({"count"})),
    Method(
        name="readChat",
        verb=POST,
        fields={"chatId": _CHAT, "idMessage": Field(fields.filled)},
        rate=10,
        ready=True,
    ),
    # queues
    Method(name="showMessagesQueue", verb=GET),
    Method(name="clearMessagesQueue", verb=GET),
    Method(name="getMessagesCount", verb=GET),
    Method(name="getWebhooksCount", verb=GET),
    Method(name="clearWebhooksQueue", verb=DELETE, body="none"),
    # groups
    Method(
        name="createGroup",
        verb=POST,
        fields={
            "groupName": Field(fields.group_name, required=True),
            "chatIds": Field(fields.chats, required=True),
        },
        ready=True,
    ),
    Method(
        name="updateGroupName",
        verb=POST,
        fields={"groupName": Field(fields.group_name, required=True)},
        ready=True,
        group=True,
    ),
    Method(name="getGroupData", verb=POST, ready=True, group=True),
    Method(name="addGroupParticipant", verb=POST, fields=_PERSON, rate=10, ready=True, group=True),
    Method(name="removeGroupParticipant", verb=POST, fields=_PERSON, rate=10, ready=True, group=True),
    Method(name="setGroupAdmin", verb=POST, fields=_PERSON, rate=10, ready=True, group=True),
    Method(name="removeAdmin", verb=POST, fields=_PERSON, rate=10, ready=True, group=True),
    Method(
        name="setGroupPicture",
        verb=POST,
        fields={"file": Field(lambda _name, value, _network: value, required=True)},
        rate=10,
        body="form",
        ready=True,
        group=True,
    ),
    Method(
        name="updateGroupSettings",
        verb=POST,
        fields={
            "allowParticipantsEditGroupSettings": Field(fields.flag),
            "allowParticipantsSendMessages": Field(fields.flag),
        },
        ready=True,
        group=True,
    ),
    Method(name="leaveGroup", verb=POST, ready=True, group=True),
    # people
    Method(name="getContacts", verb=GET, ready=True, query=frozenset({"group", "count"})),
    Method(name="getContactInfo", verb=POST, fields={"chatId": _CHAT}, rate=10, ready=True),
    Method(name="getAvatar", verb=POST, fields={"chatId": _CHAT}, rate=10, ready=True),
)

_ONLY_MAX: Final = (
    Method(name="getAccountSettings", verb=GET, networks=(MAX,)),
    Method(
        name="checkAccount",
        verb=POST,
        fields={"phoneNumber": Field(fields.phone, required=True), "force": Field(fields.flag)},
        rate=10,
        networks=(MAX,),
    ),
    Method(
        name="startAuthorization",
        verb=POST,
        fields={"phoneNumber": Field(fields.phone, required=True)},
        networks=(MAX,),
    ),
    Method(
        name="sendAuthorizationCode",
        verb=POST,
        fields={"code": Field(fields.filled, required=True)},
        networks=(MAX,),
    ),
)

_ONLY_WHATSAPP: Final = (
    Method(name="getWaSettings", verb=GET, networks=(WHATSAPP,)),
    Method(name="getStatusInstance", verb=GET, networks=(WHATSAPP,)),
    Method(name="getStateInstanceHistory", verb=GET, networks=(WHATSAPP,), query=frozenset({"count"})),
    Method(name="updateApiToken", verb=GET, networks=(WHATSAPP,)),
    Method(
        name="getAuthorizationCode",
        verb=POST,
        fields={"phoneNumber": Field(fields.phone, required=True)},
        networks=(WHATSAPP,),
    ),
    Method(
        name="checkWhatsapp",
        verb=POST,
        fields={
            "phoneNumber": Field(fields.phone),
            "chatId": Field(fields.chat),
            "force": Field(fields.flag),
        },
        rate=10,
        networks=(WHATSAPP,),
    ),
    Method(
        name="sendTyping",
        verb=POST,
        fields={
            "chatId": _CHAT,
            "typingTime": Field(fields.between(1000, 20000)),
            "typingType": Field(fields.one_of("recording")),
        },
        rate=10,
        ready=True,
        networks=(WHATSAPP,),
    ),
    Method(
        name="forwardMessages",
        verb=POST,
        fields={
            "chatId": _CHAT,
            "chatIdFrom": _CHAT,
            "messages": Field(fields.texts, required=True),
            "typingTime": Field(fields.between(1000, 20000)),
        },
        rate=50,
        networks=(WHATSAPP,),
    ),
)

METHODS: Final[Mapping[str, Method]] = {
    method.name: method for method in (*_BOTH, *_ONLY_MAX, *_ONLY_WHATSAPP)
}
SENDS: Final = frozenset(
    {"sendMessage", "sendFileByUrl", "sendFileByUpload", "sendLocation", "sendContact", "forwardMessages"}
)
"""The methods that put a message into the outgoing queue."""


def method_named(name: str, network: str) -> Method | None:
    """The method with this name, its first letter in either case; None when this network has no such method."""
    found = METHODS.get(name[:1].lower() + name[1:])
    return found if found is not None and network in found.networks else None
