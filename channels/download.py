"""Files that a platform has, fetched from the address that it names: within a limit, and from nowhere near us."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

from channels.addresses import is_public
from channels.errors import ChannelError, Gone, Rejected, RetryLater
from channels.http import HttpAnswer, HttpClient
from channels.phrase import phrase

DOWNLOAD_TIMEOUT = 60.0
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({401, 403, 404, 410})
"""What storage says of a file that it has removed, or of an address whose time is over."""
_NEAR_US = (".local", ".localhost", ".localdomain", ".internal", ".lan", ".home.arpa")


async def download(http: HttpClient, url: str, *, limit: int, homes: Collection[str]) -> bytes:
    """Get the file at an address, following redirects; `homes` is where the platform itself is configured to be.

    Raises `TooLarge` beyond `limit` bytes, `Gone` if it is not there any more, `Rejected` for an address that may not
    be asked or a name that leads to a machine near us, else by reaction. No error tells more of the address than its
    host.
    """
    for _ in range(_MOST_REDIRECTS + 1):
        if not may_be_asked(url, homes):
            raise Rejected(
                phrase(
                    "file.private_address",
                    "the file's address is not one that may be asked: it has to be a public one with https",
                )
            )
        answer = await http.request(
            "GET", url, timeout=DOWNLOAD_TIMEOUT, limit=limit, public=not _is_home(url, homes)
        )
        if answer.status not in _REDIRECTS:
            return content_of(answer, urlsplit(url).hostname or "?")
        url = _next_place(url, answer.headers)
    raise Rejected(
        phrase("file.endless", "the file's address leads from one place to the next and never to the file")
    )


def content_of(answer: HttpAnswer, host: str) -> bytes:
    """Give the file, or raise what its absence calls for."""
    if answer.status == 200:  # noqa: PLR2004 - HTTP statuses are known by their numbers
        return answer.body
    raise _refusal(answer, host)


def may_be_asked(url: str, homes: Collection[str]) -> bool:
    """Whether an address from outside may be asked for a file: https and a public name, or the platform's own origin.

    Whoever names the address must not be able to make us ask machines that only we can reach.
    """
    try:
        parts = urlsplit(url)
        if _is_home(url, homes):
            return True
    except ValueError:
        return False
    host = (parts.hostname or "").rstrip(".").lower()
    return parts.scheme == "https" and "@" not in parts.netloc and _is_public(host)


def _is_home(url: str, homes: Collection[str]) -> bool:
    """Whether the platform itself is there, as the owner has configured it: near us or not. Raises `ValueError`."""
    return _origin(urlsplit(url)) in {_origin(urlsplit(home)) for home in homes}


def _is_public(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        # What ends in a number, 0x1 too, is an address in one of its other spellings.
        last = host.rpartition(".")[2]
        return "." in host and host.isascii() and not host.endswith(_NEAR_US) and not last[:1].isdigit()


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


def _next_place(url: str, headers: Mapping[str, str]) -> str:
    try:
        return urljoin(url, headers.get("Location", ""))
    except ValueError:
        return ""  # nowhere, which may not be asked


def _refusal(answer: HttpAnswer, host: str) -> ChannelError:
    what = phrase(
        "file.not_given", "{host} does not give the file (HTTP {status})", host=host, status=answer.status
    )
    if answer.status in _GONE:
        return Gone(what)
    if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - as above
        return RetryLater(what, after=answer.retry_after())
    return Rejected(what)
