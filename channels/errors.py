"""Errors named by reaction: what the house does next, not where it went wrong."""

from __future__ import annotations

from datetime import timedelta

from channels.phrase import phrase


class ChannelError(Exception):
    """Something went wrong between us and a platform. The docstring of the class is its default message."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or default_message(self))


def default_message(error: Exception) -> str:
    """Give what an error says that was raised without words: the first line of its class's docstring, as a phrase."""
    kind = type(error)
    return phrase(
        f"error.{kind.__name__.lower()}", "{said}", said=(kind.__doc__ or "").strip().splitlines()[0]
    )


class RetryLater(ChannelError):
    """The platform asks us to wait; nothing was accepted, so the same call may be repeated.

    `after` is how long to wait (None: our own plan decides); `whole_bot`: the limit is the bot's, not the chat's;
    not `limited`: what is waited for is no limit, and nothing follows from it for other chats.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        after: timedelta | None = None,
        whole_bot: bool = False,
        limited: bool = True,
    ) -> None:
        super().__init__(message)
        self.after = after
        self.whole_bot = whole_bot
        self.limited = limited and after is not None


class Rejected(ChannelError):
    """The platform will never accept this call; it must not be repeated as it is."""


class MarkupRejected(Rejected):
    """The platform could not read the markup; the same words may be sent once as plain text."""


class TooLarge(Rejected):
    """The text or file is over the platform's limit."""


class Unauthorized(ChannelError):
    """The credentials are wrong or revoked; a person has to replace them."""


class Misconfigured(ChannelError):
    """The channel cannot be made from its settings: a person has to install or correct something first."""


class Gone(ChannelError):
    """The chat is closed to us: the person blocked the bot, or the chat was deleted."""


class TopicGone(Gone):
    """The topic was deleted; the group that it was in is still there."""


class Moved(ChannelError):
    """The chat has a new id (a Telegram group became a supergroup); the call may be repeated there once."""

    def __init__(self, message: str | None = None, *, chat_id: str) -> None:
        super().__init__(message)
        self.chat_id = chat_id


class Unreachable(ChannelError):
    """The platform did not answer.

    `maybe_sent` is false only when the request certainly was not written to the wire. When it is true nobody can know
    whether the platform accepted the call, and the delivery policy of the channel decides.
    """

    def __init__(self, message: str | None = None, *, maybe_sent: bool) -> None:
        super().__init__(message)
        self.maybe_sent = maybe_sent


class Conflict(ChannelError):
    """Somebody else receives this bot's updates: a second copy of the bot, or a webhook that is still set."""


class BadPayload(ChannelError):
    """An update could not be read; it is parked where an operator can see it."""
