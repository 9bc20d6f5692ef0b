"""Security: a push without its proof is refused, and a secret stays where it belongs."""

from __future__ import annotations

import pickle
import string
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from functools import partial

import pytest

from channels.contract import Health, Polling, Transport, Webhook, WebhookRequest
from channels.errors import ChannelError, Unauthorized
from channels.testing.conformance.subject import Subject, promise
from channels.testing.conformance.witness import caught, comparisons, everything_logged, leaks, struck, told

_STRANGE = ("", " ", "п�", "\x00", "x" * 10_000, "\ud800", "Bearer", "null")


class SecurityChecks(Subject):
    """Nobody gets in without the secret, and the secret gets out nowhere."""

    async def test_a_genuine_push_is_let_in(self, transport: Transport) -> None:
        """A push with the right proof passes."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport, opened=False) as it:
            _webhook(it.channel).authenticate(self.push({"any": "update"}))

    async def test_a_wrong_a_missing_and_a_strange_proof_are_refused(self, transport: Transport) -> None:
        """Each proof missing, altered, cut, prolonged or strange is `Unauthorized`, and the secret is not told."""
        self.needs_mode(transport, Transport.WEBHOOK)
        async with self.connected(transport, opened=False) as it:
            genuine = self.push({"any": "update"})
            forged = list(self._forged(genuine))
            promise(forged, "a push carries nothing that proves where it comes from: see `push_headers`")
            for what, request in forged:
                try:
                    _webhook(it.channel).authenticate(request)
                except Unauthorized as error:
                    promise(not leaks(self.canary, told(error)), f"refusing {what} tells the secret")
                else:
                    raise AssertionError(f"a push with {what} was let in")

    async def test_the_secret_is_compared_in_constant_time(self, transport: Transport) -> None:
        """Seen by counting the calls of `hmac.compare_digest`, for a right secret and for a wrong one."""
        self.needs_mode(transport, Transport.WEBHOOK)
        self.needs("proof")
        async with self.connected(transport, opened=False) as it:
            genuine = self.push({"any": "update"})
            for _, request in [("genuine", genuine), *self._forged(genuine)]:
                with comparisons() as seen:
                    try:
                        _webhook(it.channel).authenticate(request)
                    except Unauthorized:
                        continue
                promise(seen, "the secret is compared by something else than `hmac.compare_digest`")
            wrong = next(request for what, request in self._forged(genuine) if "another end" in what)
            with comparisons() as seen, pytest.raises(Unauthorized):
                _webhook(it.channel).authenticate(wrong)
            promise(seen, "a wrong secret is told by something else than `hmac.compare_digest`")

    async def test_the_settings_do_not_show_their_secrets(self, transport: Transport) -> None:
        """`repr`, `str`, formatting, JSON and pickles of the settings, and the channel's attributes, hold no secret."""
        self.needs("secret")
        given = dict(self.settings("http://127.0.0.1:9", transport))
        promise(self.canary in repr(given), "put `self.canary` into every secret of the settings")
        async with self.connected(transport, opened=False) as it:
            settings = it.channel.settings
            shown = [repr(settings), str(settings), f"{settings}", repr(vars(it.channel)), repr(it.channel)]
            shown += [settings.model_dump_json(), repr(settings.model_dump()), repr(settings.__dict__)]
            found = leaks(self.canary, shown)
            promise(not found, f"a secret is shown: {found}")
            try:
                pickled = pickle.dumps(settings)
            except (TypeError, pickle.PicklingError, AttributeError):
                return
            promise(self.canary.encode() not in pickled, "pickled settings hold the secret")

    async def test_a_mistake_in_the_settings_does_not_show_their_secrets(self, transport: Transport) -> None:
        """The error about one wrong field shows neither its value nor that of another."""
        self.needs("secret")
        given = dict(self.settings("http://127.0.0.1:9", transport))
        for name in self.spec.settings.model_fields:
            for odd in (None, [self.canary], {"x": self.canary}, f"\x00{self.canary} ", 3.5):
                try:
                    self.spec.settings.model_validate({**given, name: odd})
                except Exception as error:  # noqa: BLE001 - whatever it is, it is shown to people
                    found = leaks(self.canary, told(error))
                    promise(not found, f"a mistake in {name} shows a secret: {found}")

    async def test_neither_errors_nor_logs_tell_a_secret(self, transport: Transport, fault: str) -> None:
        """Whatever goes wrong: no secret in the error, its chain, its pickle, a probe, or any line of any log."""
        self.needs("secret")
        with everything_logged() as lines:
            async with self.connected(transport) as it:
                self.needs_wire(it)
                channel, message = it.channel, self.message(it.channel)
                texts: list[str] = []
                texts += _told(await struck(it.front, fault, lambda: channel.deliver(message)))
                if isinstance(channel, Polling) and transport is Transport.POLLING:
                    texts += _told(
                        await struck(it.front, fault, partial(channel.fetch, it.cursor), within=150)
                    )
                healths: list[str] = []
                texts += _told(await struck(it.front, fault, lambda: _noted(channel.probe(), healths)))
                it.front.strike(None)
                texts += [*healths, repr(await channel.probe())]
        found = leaks(self.canary, texts)
        promise(not found, f"an error or a probe tells a secret: {found}")
        found = leaks(self.canary, lines)
        promise(not found, f"the log tells a secret: {found}")

    async def test_an_address_that_nobody_answers_is_told_without_a_secret(
        self, transport: Transport
    ) -> None:
        """A refused connection is told without a secret, also where the address holds one."""
        self.needs("secret")
        with everything_logged() as lines:
            async with self.connected(transport) as it:
                self.needs_wire(it)
                await it.front.deaf()
                texts = _told(await caught(it.channel.open))
                texts += _told(await caught(lambda: it.channel.deliver(self.message(it.channel))))
                texts.append(repr(await it.channel.probe()))
        found = leaks(self.canary, [*texts, *lines])
        promise(not found, f"a secret is told: {found}")

    async def test_work_that_goes_well_writes_no_secret_into_the_log(self, transport: Transport) -> None:
        """Sending, receiving, probing and subscribing write no secret into any log."""
        self.needs("secret")
        with everything_logged() as lines:
            async with self.connected(transport) as it:
                await it.channel.deliver(self.message(it.channel))
                await it.channel.probe()
                it.platform.writes(self.chat, "Сколько стоит доставка?")
                for raw in await it.arrivals():
                    it.channel.parse(raw)
                if transport is Transport.WEBHOOK and it.platform.remote:
                    await it.channel.subscribe(
                        it.platform.hook(f"{it.front.address}/{it.channel.instance}/webhook")
                    )
        found = leaks(self.canary, lines)
        promise(not found, f"the log tells a secret: {found}")

    def _forged(self, genuine: WebhookRequest) -> Iterator[tuple[str, WebhookRequest]]:
        """The same push with each of its proofs missing, altered and strange."""
        for name, value in self.push_headers(genuine.body).items():
            others = {key: text for key, text in genuine.headers.items() if key != name}
            yield f"no {name}", replace(genuine, headers=others)
            last = next(letter for letter in string.ascii_letters if letter != value[-1:])
            wrong = [
                ("another end", value[:-1] + last),
                ("its end cut off", value[:-1]),
                ("more", value + last),
            ]
            if self.canary in value:
                wrong += [
                    ("another case", value.replace(self.canary, self.canary.upper())),
                    ("an empty secret", value.replace(self.canary, "")),
                    ("a foreign letter", value.replace(self.canary, self.canary + "й")),
                ]
            for what, altered in [*wrong, *((repr(odd[:9]), odd) for odd in _STRANGE)]:
                yield f"{what} in {name}", replace(genuine, headers={**others, name: altered})
        secret = self.canary.encode()
        if secret in genuine.body:
            for what, altered_body in (("another end", secret[:-1] + b"#"), ("an empty secret", b"")):
                yield f"{what} in the body", replace(genuine, body=genuine.body.replace(secret, altered_body))


def _webhook(channel: object) -> Webhook:
    if not isinstance(channel, Webhook):
        raise AssertionError(f"{type(channel).__name__} cannot be pushed to")  # noqa: TRY004 - a failed check
    return channel


def _told(error: ChannelError | None) -> list[str]:
    """What an error says in words, and what it says when it is pickled."""
    if error is None:
        return []
    try:
        return [*told(error), repr(pickle.dumps(error))]
    except (TypeError, pickle.PicklingError, AttributeError):
        return told(error)


async def _noted(probe: Awaitable[Health], healths: list[str]) -> None:
    healths.append(repr(await probe))
