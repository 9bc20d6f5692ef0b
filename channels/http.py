"""One HTTP client for every channel: limits, CA bundle, proxy, and no secret in any error text."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientHttpProxyError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    NonHttpUrlClientError,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.resolver import ThreadedResolver

from channels.addresses import NotPublic, PublicResolver
from channels.errors import ChannelError, Misconfigured, Rejected, TooLarge, Unreachable
from channels.phrase import answered, phrase
from channels.values import dataclass
from config.secret import Secret

JSON_HEADERS: Mapping[str, str] = {"Content-Type": "application/json"}

_MASK = "••••"
_SHORTEST_SECRET = 4  # masking shorter strings would only garble the sentence
_MOST_SECONDS = 86_400.0
_SOCKS = ("socks4", "socks4a", "socks5", "socks5h")
_NOT_WRITTEN = (
    ClientConnectorError,  # refused, unknown host, TLS, a dead proxy
    ConnectionTimeoutError,  # no connection within the connect limit, or no free one in the pool
    ClientHttpProxyError,  # the proxy refused to open the tunnel
    InvalidURL,
    NonHttpUrlClientError,
    ssl.SSLCertVerificationError,
)


def json_body(data: Any) -> bytes:
    """Write the body of a call as JSON. Raises `Rejected` for what cannot be written, like half of a character."""
    try:
        return orjson.dumps(data)
    except orjson.JSONEncodeError as error:
        reason = str(error)
    raise Rejected(phrase("http.not_json", "the message cannot be written as JSON: {reason}", reason=reason))


def json_value(body: bytes) -> Any:
    """Read JSON as platforms write it. Raises `ValueError` for what is none.

    Half of a character (a lone surrogate) is legal in JSON and can be stored by nobody: it becomes a mark of its own
    instead of making the whole answer, and everything behind it in a queue, unreadable.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"\\ud" not in body.lower():
            raise
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error
    return orjson.loads(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))


class Redactor:
    """Takes secrets out of a text: `redactor(text)` masks every known secret in it, quoted or not."""

    __slots__ = ("_needles",)

    def __init__(self, secrets: Iterable[str]) -> None:
        plain = {secret for secret in secrets if len(secret) >= _SHORTEST_SECRET}
        forms = plain | {quote(secret) for secret in plain} | {quote(secret, safe="") for secret in plain}
        # Longest first, so that a secret inside another one does not leave the rest of it readable.
        self._needles = sorted(forms, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Give `text` with every secret masked."""
        for needle in self._needles:
            text = text.replace(needle, _MASK)
        return text


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A complete answer: the status, the headers (names in any case) and the whole body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def retry_after(self) -> timedelta | None:
        """Give the `Retry-After` header when it is a number of seconds within a day, else None."""
        try:
            seconds = float(self.headers.get("Retry-After", ""))
        except ValueError:
            return None
        return timedelta(seconds=seconds) if 0 <= seconds <= _MOST_SECONDS else None


class HttpClient:
    """Makes HTTP requests to one platform over a pool of kept connections.

    An answer of any status is returned, redirects are not followed, nothing is repeated but a GET, PUT or DELETE that
    met a kept connection which the server had closed: such a request changes nothing by being made twice. The only
    error is `Unreachable`, whose `maybe_sent` is false only when no byte of the request can have been written, or
    `TooLarge` where the caller sets a limit, `Rejected` where it wants a `public` host. No error text contains one of
    `secrets`, and the library's exception, which quotes the address, is not chained.

    Idle connections are dropped after `keep_alive` seconds. Keep it below what the platform's server allows:
    a server that closes an idle connection while we write makes the outcome of that request unknown.

    The connection pools, one for public hosts and one for all, are made on first use and again after `close`.
    Environment variables for proxies are ignored. `resolver` looks names up instead of the system's.
    """

    def __init__(
        self,
        *,
        timeout: float = 30.0,
        connect_timeout: float = 10.0,
        keep_alive: float = 10.0,
        max_answer: int = 16 * 1024 * 1024,
        connections: int = 100,
        ca_file: str | None = None,
        proxy: Secret | None = None,
        secrets: Iterable[Secret] = (),
        resolver: AbstractResolver | None = None,
    ) -> None:
        self.timeout = timeout
        self._connect_timeout = connect_timeout
        self._keep_alive = keep_alive
        self._max_answer = max_answer
        self._connections = connections
        self._tls: ssl.SSLContext | bool = True if ca_file is None else _tls_context(ca_file)
        self._proxy = proxy.reveal() if proxy else None
        self._socks = _socks_module() if self._proxy and _scheme(self._proxy) in _SOCKS else None
        if self._socks is not None:
            _socks_address(self._proxy or "")  # an unusable address is told now, not at the first message
        proxy_errors = () if self._socks is None else _errors_of(self._socks)
        self._errors: tuple[type[Exception], ...] = (ClientError, OSError, *proxy_errors)
        self._not_written = (*_NOT_WRITTEN, *proxy_errors)
        self.redact = Redactor([*(secret.reveal() for secret in secrets), *_proxy_secrets(self._proxy)])
        self._resolver = resolver
        self._sessions: dict[bool, ClientSession] = {}
        """By whether they lead to public hosts alone."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - given to aiohttp, which tells connecting from reading
        limit: int | None = None,
        public: bool = False,
    ) -> HttpAnswer:
        """Send one request and read its whole answer within `timeout` seconds. Raises `Unreachable`.

        With a `limit`, an accepted request whose answer has more bytes is a `TooLarge`; no more of it is read.
        `public`: a host whose name leads to private addresses is not asked, that is `Rejected`. Behind a proxy it is
        the proxy that looks names up, and the proxy's own address is the owner's affair.
        """
        public = public and self._proxy is None
        session = self._sessions.get(public)
        if session is None or session.closed:
            session = self._open_session(public=public)
        times = _limits(timeout or self.timeout, self._connect_timeout)
        failure: ChannelError
        try:
            response = await session.request(
                method, url, data=data, headers=headers, timeout=times, allow_redirects=False
            )
            # A refusal has words of its own, and those are not what the caller sets a limit to.
            limited = limit is not None and response.ok
            most = limit if limit is not None and limited else self._max_answer
            length = response.content_length
            if length is not None and length <= most and "Content-Encoding" not in response.headers:
                return HttpAnswer(response.status, response.headers, await response.read())
            body = await _read_up_to(most, response)
            if body is not None:
                return HttpAnswer(response.status, response.headers, body)
            what = phrase(
                "http.answer_too_long",
                "{host} sent an answer of more than {most} bytes",
                host=_host(url),
                most=most,
            )
            failure = TooLarge(what) if limited else Unreachable(what, maybe_sent=True)
        except self._errors as error:
            if isinstance(error.__cause__, NotPublic):
                failure = Rejected(
                    phrase("http.not_public", "{host} is no address of the public network", host=_host(url))
                )
            else:
                failure = self._failure(error, url, times)
        # Raised outside of the handler: the library's error quotes the address with the token in it, so it
        # must not travel along as the context of ours.
        raise failure

    async def close(self) -> None:
        """Close all connections. May be called twice; a later request opens new ones."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    def _open_session(self, *, public: bool) -> ClientSession:
        session = self._sessions[public] = ClientSession(
            connector=self._connector(public=public),
            cookie_jar=DummyCookieJar(),
            skip_auto_headers=(
                "Accept-Encoding",
            ),  # answers are small; unpacking would only hide their true size
            proxy=self._proxy if self._socks is None else None,
            trust_env=False,
        )
        return session

    def _connector(self, *, public: bool) -> TCPConnector:
        options: dict[str, Any] = {
            "limit": self._connections,
            "keepalive_timeout": self._keep_alive,
            "ttl_dns_cache": 300,
            "ssl": self._tls,
        }
        if self._socks is None:
            if public:
                options["resolver"] = PublicResolver(self._resolver or ThreadedResolver())
            elif self._resolver is not None:
                options["resolver"] = self._resolver
            return TCPConnector(**options)
        connector: TCPConnector = self._socks.ProxyConnector.from_url(
            _socks_address(self._proxy or ""), rdns=True, **options
        )
        return connector

    def _failure(self, error: Exception, url: str, limit: ClientTimeout) -> Unreachable:
        host = _host(url)
        # The proxy's library reports some failures as an OSError, which aiohttp wraps once more.
        not_written = isinstance(error, self._not_written) or isinstance(error.__cause__, self._not_written)
        if not_written:
            what = phrase("http.not_reached", "{host} could not be reached", host=host)
        elif isinstance(error, TimeoutError):
            return Unreachable(
                phrase(
                    "http.no_answer",
                    "{host} did not answer within {total} s",
                    host=host,
                    total=f"{limit.total:g}",
                ),
                maybe_sent=True,
            )
        else:
            what = phrase(
                "http.broken_off", "the connection to {host} broke before the answer was complete", host=host
            )
        detail = self.redact(f"{type(error).__name__}: {error}").replace(url, host)
        return Unreachable(answered(what, detail), maybe_sent=not not_written)


async def _read_up_to(most: int, response: ClientResponse) -> bytes | None:
    body = bytearray()
    complete = False
    try:
        if (response.content_length or 0) > most:
            return None
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > most:
                return None
        complete = True
    finally:
        if not complete:
            response.close()
    return bytes(body)


@lru_cache(maxsize=64)
def _limits(total: float, connect: float) -> ClientTimeout:
    # Connecting gets less than the whole, so that "never connected" is told apart from "no answer".
    connect = min(connect, total * 0.9)
    return ClientTimeout(total=total, connect=connect, sock_connect=connect)


def _tls_context(ca_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=Path(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            phrase(
                "http.ca_unreadable",
                "The CA bundle {ca_file} cannot be read: {why}",
                ca_file=ca_file,
                why=error,
            )
        ) from error
    return context


def _socks_module() -> Any:
    try:
        return import_module("aiohttp_socks")
    except ImportError as error:
        raise Misconfigured(
            phrase(
                "http.no_socks",
                'A SOCKS proxy needs one more library. Install it with: pip install "optfm-bot[proxy]"',
            )
        ) from error


def _errors_of(socks: Any) -> tuple[type[Exception], ...]:
    return socks.ProxyError, socks.ProxyConnectionError, socks.ProxyTimeoutError


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def _scheme(address: str) -> str:
    return address.partition("://")[0].lower()


def _socks_address(proxy: str) -> str:
    try:
        port = urlsplit(proxy).port
    except ValueError:
        port = None
    if port is None:
        raise Misconfigured(
            phrase(
                "http.socks_port",
                "The address of a SOCKS proxy ends with its port, like socks5://proxy.example:1080",
            )
        )
    # The library knows the plain names only; the proxy looks up host names either way (`rdns`).
    scheme, _, rest = proxy.partition("://")
    return f"{scheme.lower().rstrip('ah')}://{rest}"


def _proxy_secrets(proxy: str | None) -> list[str]:
    if not proxy:
        return []
    parts = urlsplit(proxy)
    return [part for part in (parts.password, parts.netloc.rpartition("@")[0]) if part]
