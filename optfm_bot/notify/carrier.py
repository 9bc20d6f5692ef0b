"""The carrier of notices: delivers what the outbox promises to our own people, through apprise.

The chat id of a message is the name of a target of the settings. The first line of the text is the subject.
"""

from __future__ import annotations

import asyncio
import logging
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

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


class UnusableTargets(Misconfigured):
    """There are targets that nobody can be told by; `found` says of each what is wrong with it."""

    def __init__(self, found: Sequence[tuple[Target, Misconfigured]]) -> None:
        self.found = tuple(found)
        super().__init__(str(self.found[0][1]))


class NotifyCarrier:
    """Sends notices to the targets of the settings.

    Raises `UnusableTargets` when it is made, if there are addresses that apprise does not understand or could not
    deliver to; the sentences name their schemes, never the addresses. Loads apprise then, and only then.
    """

    def __init__(self, targets: Mapping[str, Target], clock: Clock) -> None:
        _silence()
        self._clock = clock
        self._services: dict[str, Apprise] = {}
        unusable: list[tuple[Target, Misconfigured]] = []
        for name, target in targets.items():
            try:
                self._services[name] = _service(target.url.reveal())
            except Misconfigured as error:
                unusable.append((target, error))
        if unusable:
            raise UnusableTargets(unusable)

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


def _service(url: str) -> Apprise:
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415 - a quarter of a second that only those owe who have targets

    service = Apprise(asset=AppriseAsset(async_mode=False))
    with warnings.catch_warnings():  # it loads all its services, and their old imports are not for us to mend
        warnings.simplefilter("ignore", DeprecationWarning)
        added = service.add(url)
    scheme, found, _ = url.partition("://")
    if found and scheme in _MAIL and not _in_latin(url):
        raise Misconfigured(
            phrase(
                "notify.mail_not_latin",
                "mail goes to addresses in Latin letters only, such as {example}, and here is one with others",
                example="anna@example.ru",
            )
        )
    if added and scheme in _MAIL and not any(getattr(one, "targets", True) for one in service.services):
        raise Misconfigured(
            phrase(
                "notify.nobody_to_mail",
                "none of the recipients in this address is a mail address: {example}",
                example="mailto://user:password@example.ru?to=anna@example.ru",
            )
        )
    if not added:
        shown = f" {scheme}://••••" if found and re.fullmatch(r"[a-z][a-z0-9]{0,20}", scheme) else ""
        raise Misconfigured(
            phrase(
                "notify.bad_address",
                "the address{shown} is none that apprise can use; they look like {example}, and"
                " https://appriseit.com lists them",
                shown=shown,
                example="mailto://user:password@example.ru?to=anna@example.ru",
            )
        )
    return service


_MAIL = frozenset({"mailto", "mailtos"})
_ADDRESS = re.compile(r"[^\s,;<>:/?&=@\"]+@[^\s,;<>:/?&=@\"]+")
_RECIPIENTS = frozenset({"to", "cc", "bcc", "from", "reply"})


def _in_latin(url: str) -> bool:
    """Whether every address that a mail would go to, or come from, is one that mail servers take.

    Apprise leaves the others out without a word, so a recipient would never hear of anything.
    """
    path, _, query = url.partition("://")[2].partition("?")
    server, _, others = path.partition("/")
    account, _, host = server.rpartition("@")
    asked = [(name.lower(), value) for name, value in parse_qsl(query)]
    texts = [value for name, value in asked if name in _RECIPIENTS] + [unquote(others)]
    if "from" not in dict(asked):  # the account is the sender then
        texts.append(f"{unquote(account.partition(':')[0])}@{host}")
    return all(found.isascii() for text in texts for found in _ADDRESS.findall(text))


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
