"""Ids of chats and phone numbers, as the two networks write them. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

from channels.errors import Rejected
from channels.greenapi.spec import Network
from channels.phrase import phrase

_NUMBER = re.compile(r"-?\d{1,32}", re.ASCII)
_LONGEST_PERSON = 10
_WHATSAPP = re.compile(r"[0-9A-Za-z-]{1,64}@(c\.us|g\.us|lid)", re.ASCII)
_PHONE_MARKS = re.compile(r"[\s()\-.\u00a0\u2010-\u2015]+")
_PHONE = re.compile(r"\+?\d{7,15}", re.ASCII)
_RUSSIAN_LENGTH = 11
_BELARUSIAN_LENGTH = 12


class ChatKind(StrEnum):
    """Who reads what is written in a chat."""

    PERSON = "person"
    GROUP = "group"
    CHANNEL = "channel"
    BOT = "bot"


_TYPES = {
    "user": ChatKind.PERSON,
    "group": ChatKind.GROUP,
    "channel": ChatKind.CHANNEL,
    "bot": ChatKind.BOT,
}


def kind_of_chat(chat_id: str, chat_type: str = "") -> ChatKind:
    """Tell what a chat is, from its type where the gateway names one, else from its id.

    MAX gives negative numbers to groups and channels; WhatsApp ends the ids of groups in `@g.us`, of channels
    in `@newsletter`, of status posts in `@broadcast`.
    """
    if chat_type in _TYPES:
        return _TYPES[chat_type]
    if chat_id.endswith(("@newsletter", "@broadcast")):
        return ChatKind.CHANNEL
    if chat_id.startswith("-") or chat_id.endswith("@g.us"):
        return ChatKind.GROUP
    return ChatKind.PERSON


def phone_digits(written: str) -> str | None:
    """Give the digits of a phone number that a person wrote, with its country code; None if it is none.

    `8 (900) 123-45-67` is a Russian number written at home. A bare `9001234567` is one without its code.
    """
    squeezed = _PHONE_MARKS.sub("", written.strip())
    if not _PHONE.fullmatch(squeezed):
        return None
    digits = squeezed.removeprefix("+")
    if squeezed.startswith("+"):
        return digits
    if len(digits) == _RUSSIAN_LENGTH and digits[0] == "8":
        return f"7{digits[1:]}"
    if len(digits) == _RUSSIAN_LENGTH - 1 and digits[0] == "9":
        return f"7{digits}"
    return digits


def known_to_max(digits: str) -> bool:
    """Tell whether MAX can have an account for this number: only Russian and Belarusian ones."""
    return (digits.startswith("7") and len(digits) == _RUSSIAN_LENGTH) or (
        digits.startswith("375") and len(digits) == _BELARUSIAN_LENGTH
    )


def phone_of_chat(chat_id: str) -> str | None:
    """Give the phone number that a WhatsApp id is made of (`79001234567@c.us`)."""
    number, found, rest = chat_id.partition("@")
    return number if found and rest == "c.us" and number.isascii() and number.isdecimal() else None


def is_chat_id(value: str, network: Network) -> bool:
    """Tell whether `value` is the id of a chat in this network and cannot be taken for a phone number.

    A number that could be a phone is not accepted as an id of MAX here: a bare phone passes for the id of
    somebody else's chat, so it has to be looked up first. Ids of people have fewer digits than any phone.
    """
    if network is Network.WHATSAPP:
        return _WHATSAPP.fullmatch(value) is not None
    if not _NUMBER.fullmatch(value):
        return False
    if value.startswith("-"):
        return True
    return len(value) <= _LONGEST_PERSON and not known_to_max(phone_digits(value) or "")


def chat_to_write_to(chat_id: str, network: Network) -> str:
    """Give the id as the gateway takes it. Raises `Rejected` for one that would split the talk or go astray."""
    if network is Network.MAX and "@" in chat_id:
        raise Rejected(
            phrase(
                "green_api.phone_as_chat",
                "MAX answers a message to a phone number from another, numeric chat: look the chat id up "
                "first (optfm-bot channels do <instance> check-account phone=…)",
            )
        )
    if network is Network.MAX and chat_id.isascii() and chat_id.isdecimal() and known_to_max(chat_id):
        raise Rejected(
            phrase(
                "green_api.strangers_chat",
                "this looks like a phone number, and as a chat id of MAX it is a stranger's: look the chat "
                "id up first (optfm-bot channels do <instance> check-account phone=…)",
            )
        )
    if network is Network.WHATSAPP and _NUMBER.fullmatch(chat_id):
        raise Rejected(
            phrase(
                "green_api.whatsapp_chat",
                "a WhatsApp chat is written as 79001234567@c.us, or …@g.us for a group",
            )
        )
    return chat_id
