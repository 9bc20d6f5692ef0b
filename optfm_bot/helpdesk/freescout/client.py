"""FreeScout's API as a few calls: each gives what it promises or raises by reaction, and repeats nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from channels.download import DOWNLOAD_TIMEOUT, content_of
from channels.errors import Rejected, Unreachable
from channels.fields import Json
from channels.http import JSON_HEADERS, HttpAnswer, HttpClient, json_body
from channels.phrase import phrase
from optfm_bot.helpdesk.freescout.answers import Accepted, read_answer
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings

KEY_HEADER = "X-FreeScout-API-Key"
KEEP_ALIVE = 10.0
"""Seconds an idle connection is kept: below what web servers in front of PHP allow."""
UPLOAD_TIMEOUT = 120.0
_LARGE = 500_000
_MOST_ANSWER = 64 * 1024 * 1024
_PAGE_SIZE = 50
_MOST_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class FreeScoutClient:
    """Calls one installation. The key goes to its own address and to no other."""

    def __init__(self, settings: FreeScoutSettings, clock: Callable[[], datetime]) -> None:
        secrets = (settings.api_key, settings.webhook_secret)
        self._http = HttpClient(
            timeout=settings.request_timeout,
            keep_alive=KEEP_ALIVE,
            max_answer=_MOST_ANSWER,
            ca_file=settings.ca_file,
            proxy=settings.proxy,
            secrets=[secret for secret in secrets if secret],
        )
        self.base = settings.url
        self._headers = {**JSON_HEADERS, "Accept": "application/json", KEY_HEADER: settings.api_key.reveal()}
        self._origins = {_origin(address) for address in (settings.url, *settings.file_hosts)}
        self._clock = clock
        self._ahead = timedelta()

    def there(self, moment: datetime) -> datetime:
        """Give what FreeScout's own clock showed at a moment of ours, as far as its answers have told."""
        return moment + self._ahead

    async def get(self, path: str, query: Mapping[str, int | str] | None = None) -> Json:
        """Read something; an answer that does not come is never "maybe sent"."""
        url = f"{self.base}/api{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            answer = await self._http.request("GET", url, headers=self._headers)
        except Unreachable as error:
            reason = str(error)
        else:
            self._compare_clocks(answer)
            return read_answer(answer, self._http.redact, changes=False).content
        raise Unreachable(reason, maybe_sent=False)

    async def pages(
        self, path: str, name: str, query: Mapping[str, int | str], *, most: int
    ) -> AsyncIterator[Json]:
        """Give the entries of a list, page by page, at most so many pages."""
        for number in range(1, most + 1):
            content = await self.get(path, {**query, "page": number, "pageSize": _PAGE_SIZE})
            embedded = content.get("_embedded")
            found = embedded.get(name) if isinstance(embedded, dict) else None
            entries = [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
            for entry in entries:
                yield entry
            page = content.get("page")
            last = page.get("totalPages") if isinstance(page, dict) else None
            if not entries or not isinstance(last, int) or number >= last:
                return

    async def post(self, path: str, body: Mapping[str, Any]) -> Accepted:
        """Make something."""
        return await self._change("POST", path, body)

    async def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Change something."""
        await self._change("PUT", path, body)

    async def file(self, url: str, *, limit: int) -> bytes:
        """Get a file, from FreeScout's own addresses only. The key is not sent: the address is enough."""
        url = _next_place(f"{self.base}/", url)
        for _ in range(_MOST_REDIRECTS + 1):
            if _origin(url) not in self._origins:
                raise Rejected(
                    phrase(
                        "freescout.foreign_file",
                        "the file lies at {hostname}, which is neither url nor among file_hosts",
                        hostname=urlsplit(url).hostname,
                    )
                )
            answer = await self._http.request("GET", url, timeout=DOWNLOAD_TIMEOUT, limit=limit)
            if answer.status not in _REDIRECTS:
                return content_of(answer, urlsplit(url).hostname or "?")
            url = _next_place(url, answer.headers.get("Location", ""))
        raise Rejected(
            phrase(
                "file.endless", "the file's address leads from one place to the next and never to the file"
            )
        )

    async def close(self) -> None:
        """Close the connections; may be called twice, a later call opens new ones."""
        await self._http.close()

    async def _change(self, method: str, path: str, body: Mapping[str, Any]) -> Accepted:
        data = json_body(body)
        answer = await self._http.request(
            method,
            f"{self.base}/api{path}",
            data=data,
            headers=self._headers,
            timeout=max(UPLOAD_TIMEOUT, self._http.timeout) if len(data) > _LARGE else None,
        )
        self._compare_clocks(answer)
        return read_answer(answer, self._http.redact, changes=True)

    def _compare_clocks(self, answer: HttpAnswer) -> None:
        """Remember how far FreeScout's clock is ahead of ours: what it says of time is compared with ours."""
        try:
            self._ahead = parsedate_to_datetime(answer.headers.get("Date", "")) - self._clock()
        except (TypeError, ValueError):
            return  # no date, or one without a zone


def _next_place(url: str, leads_to: str) -> str:
    try:
        urlsplit(found := urljoin(url, leads_to))
    except ValueError:
        return ""  # nowhere, which is not ours
    return found


def _origin(address: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if "@" in parts.netloc or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port
