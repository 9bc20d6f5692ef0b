"""The carrier of notices: delivers what the outbox promises to our own people, through apprise.

The chat id of a message is the name of a target of the settings. The first line of the text is the subject.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING

from channels.capabilities import Capabilities
from channels.errors import Misconfigured, Rejected, RetryLater, Unreachable
from channels.model import Receipt, Rendered
from channels.phrase import phrase
from optfm_bot.clock import Clock
from optfm_bot.notify.targets import Target

if TYPE_CHECKING:
    from apprise import Apprise

NOTIFY = "notify"
"""The name of the carrier, where messages of a channel have the channel's."""

CAPABILITIES = Capabilities(text_limit=1_000_000)

_CALL_SECONDS = 60.0
"""The services have shorter limits of their own for connecting and for each answer."""


class NotifyCarrier:
    """Sends notices to the targets of the settings.

    Raises `Misconfigured` when it is made, if an address is none that apprise understands; the sentence names its key
    and its scheme, never the address. Loads apprise then, and only then.
    """

    def __init__(self, targets: Mapping[str, Target], clock: Clock) -> None:
        _silence()
        self._clock = clock
        self._services = {name: _service(target) for name, target in targets.items()}

    @property
    def instance(self) -> str:
        """The name under which the outbox knows it."""
        return NOTIFY

    @property
    def capabilities(self) -> Capabilities:
        """Plain text, as long as it may be."""
        return CAPABILITIES

    async def deliver(self, message: Rendered) -> Receipt:
        """Send one notice. Raises `Rejected` for a target that is not in the settings any more.

        `RetryLater` when the service refused, `Unreachable` when there was no answer: `maybe_sent` unless it is certain
        that not even a connection was made.
        """
        name = message.chat.chat_id
        service = self._services.get(name)
        if service is None:
            raise Rejected(
                phrase("notify.no_target", "The settings have no target {name} any more", name=repr(name))
            )
        subject, _, body = message.plain.strip().partition("\n")
        try:
            async with self._clock.limit(_CALL_SECONDS):
                failure = await asyncio.to_thread(_notify, service, subject, body.strip() or subject)
        except TimeoutError:
            raise Unreachable(
                phrase("notify.silent", "The target {name} did not answer in time", name=repr(name)),
                maybe_sent=True,
            ) from None
        match failure:
            case None:
                return Receipt(external_ids=(), sent_at=self._clock.now())
            case _Failure.REFUSED:
                raise RetryLater(
                    phrase("notify.not_taken", "The target {name} did not take the notice", name=repr(name))
                )
            case _Failure.NOT_SENT:
                raise Unreachable(
                    phrase("notify.not_reached", "The target {name} cannot be reached", name=repr(name)),
                    maybe_sent=False,
                )
            case _Failure.UNCLEAR:
                raise Unreachable(
                    phrase("notify.broken_off", "The target {name} broke off", name=repr(name)),
                    maybe_sent=True,
                )


class _Failure(Enum):
    """What became of a notice that was not taken: nobody was there, it was refused, or nobody knows."""

    NOT_SENT = "not sent"
    REFUSED = "refused"
    UNCLEAR = "unclear"


_BROKEN = re.compile(r"Socket Exception[^:]*: (.*)", re.DOTALL)
_NO_CONNECTION = re.compile(
    r"connect timeout|NewConnectionError|NameResolutionError|Connection refused|Name or service not known"
    r"|Temporary failure in name resolution|No route to host|Network is unreachable|certificate verify failed"
)
_REFUSAL = re.compile(r"\(\d{3},|\{.*: \(\d{3},")
"""How a mail server's answer looks: a code and words, or such a pair for each recipient."""


def _failure(said: Iterable[tuple[str, str]]) -> _Failure:
    """Tell from what a service logged, level and words, why it failed. In doubt the notice may have arrived."""
    failure = _Failure.REFUSED
    for level, words in said:
        if level == "INFO" and words.startswith("Sent"):
            return _Failure.UNCLEAR  # one of several recipients has it
        if (broken := _BROKEN.match(words)) and not _REFUSAL.match(broken[1]):
            if not _NO_CONNECTION.search(broken[1]):
                return _Failure.UNCLEAR
            failure = _Failure.NOT_SENT
    return failure


def _service(target: Target) -> Apprise:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - a quarter of a second that only those owe who have targets

    service = Apprise(asset=AppriseAsset(async_mode=False))
    with warnings.catch_warnings():  # it loads all its services, and their old imports are not for us to mend
        warnings.simplefilter("ignore", DeprecationWarning)
        added = service.add(target.url.reveal())
    if not added:
        scheme, found, _ = target.url.reveal().partition("://")
        shown = f" ({scheme}://••••)" if found and re.fullmatch(r"[a-z][a-z0-9]{0,20}", scheme) else ""
        raise Misconfigured(
            phrase(
                "notify.bad_address",
                "{key}{shown} is no address that apprise can use; https://appriseit.com lists them",
                key=target.key,
                shown=shown,
            )
        )
    return service


def _notify(service: Apprise, subject: str, body: str) -> _Failure | None:
    from apprise import NotifyFormat  # noqa: PLC0415 - loaded already

    said: list[tuple[str, str]] = []
    token = _SAID.set(said)
    try:
        sent = service.notify(title=subject, body=body, body_format=NotifyFormat.TEXT)
    finally:
        _SAID.reset(token)
    return None if sent else _failure(said)


# -- what is logged --------------------------------------------------------------------------------------

_SAID: ContextVar[list[tuple[str, str]] | None] = ContextVar("said", default=None)
"""Where the lines of the call that is under way are gathered."""


class _Confidant(logging.Filter):
    """Keeps to us what apprise and its HTTP client log: addresses are in it, and what people wrote."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = _SAID.get()
        if said is not None:
            said.append((record.levelname, record.getMessage()))
        return False


_CONFIDANT = _Confidant()


def _silence() -> None:
    """Let nothing of these loggers through, whoever sets up logging before or after."""
    for name in ("apprise", "urllib3.connectionpool"):
        logger = logging.getLogger(name)
        logger.addFilter(_CONFIDANT)
    logging.getLogger("apprise").setLevel(
        logging.DEBUG
    )  # less important lines tell a refusal from a broken call
