"""The GREEN-API gateway as functions: call a method, get its JSON, or an error by reaction.

The token is a part of every address, so addresses are made here and leave to the HTTP client only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import FormData

from channels.download import download
from channels.errors import ChannelError, Gone, Rejected, RetryLater, TooLarge, Unauthorized
from channels.greenapi.answers import read_answer, read_deletion, read_sent
from channels.greenapi.spec import FILE_LIMIT, GreenApiSettings
from channels.http import JSON_HEADERS, HttpClient, json_body
from channels.phrase import phrase

KEEP_ALIVE = 10.0
"""Seconds an idle connection is kept: well below what servers in front of the gateway allow."""
UPLOAD_TIMEOUT = 80.0
_POLL_MARGIN = 15.0
_NOTHING = frozenset({408, 504})


@dataclass(frozen=True, slots=True)
class Notification:
    """The head of the queue: its receipt, and its body as it came."""

    receipt: str
    body: Any


class GreenClient:
    """Calls one instance. Raises by reaction (`channels.errors`) and nothing else; repeats nothing."""

    def __init__(self, settings: GreenApiSettings) -> None:
        self._http = http_client(settings)
        path = f"/waInstance{settings.id_instance}/"
        self._api = settings.api_base + path
        self._media = settings.media_base + path
        self._homes = (settings.api_base, settings.media_base)
        self._token = f"/{quote(settings.api_token_instance.reveal(), safe='')}"
        self.redact = self._http.redact

    async def get(self, method: str, **query: int | str) -> Any:
        """Ask for something. Some GETs of this gateway change things (`reboot`, `clearMessagesQueue`)."""
        answer = await self._http.request("GET", self._url(method, query))
        return read_answer(answer, self.redact)

    async def delete(self, method: str) -> Any:
        """Call a method that deletes."""
        return read_answer(await self._http.request("DELETE", self._url(method, {})), self.redact)

    async def post(
        self,
        method: str,
        body: Mapping[str, Any],
        *,
        sends: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - passed to the client
    ) -> Any:
        """Call a method with a JSON body; `sends` says that repeating it would be seen by somebody."""
        answer = await self._http.request(
            "POST", self._url(method, {}), data=json_body(body), headers=JSON_HEADERS, timeout=timeout
        )
        return read_answer(answer, self.redact, sends=sends)

    async def send(self, method: str, body: Mapping[str, Any]) -> str:
        """Send a message; gives its id. The answer means "queued", whether it arrives is told later."""
        return read_sent(await self.post(method, body, sends=True))

    async def upload(self, fields: Mapping[str, str], path: str) -> str:
        """Send a local file as a message (`sendFileByUpload`); gives its id."""
        json_body(fields)
        content = await asyncio.to_thread(_read_file, path)
        form = FormData()
        for name, value in fields.items():
            form.add_field(name, value)
        form.add_field(
            "file",
            content,
            filename=fields.get("fileName") or Path(path).name,
            content_type="application/octet-stream",
        )
        answer = await self._http.request(
            "POST",
            f"{self._media}sendFileByUpload{self._token}",
            data=form,
            timeout=max(UPLOAD_TIMEOUT, self._http.timeout),
        )
        return read_sent(read_answer(answer, self.redact, sends=True))

    async def file_address(self, chat_id: str, message_id: str) -> str:
        """Ask where the file of a message is now. Raises `Gone` if the message has none any more."""
        answer: Any = None
        try:
            answer = await self.post("downloadFile", {"chatId": chat_id, "idMessage": message_id})
        except Rejected as error:
            if "not found" not in str(error).lower():
                raise
        url = answer.get("downloadUrl") if isinstance(answer, dict) else None
        if not isinstance(url, str) or not url:
            raise Gone(phrase("green_api.file_gone", "GREEN-API does not have the file any more"))
        return url

    async def download(self, url: str, *, limit: int) -> bytes:
        """Get a file from where GREEN-API says that it is; the address has no secret in it."""
        return await download(self._http, url, limit=limit, homes=self._homes)

    async def receive(self, wait: int) -> Notification | None:
        """Wait up to `wait` seconds for the head of the queue. It stays there until it is deleted.

        An empty queue is told in several ways: `null`, an empty body, 408, or a 504 of the server in front.
        """
        answer = await self._http.request(
            "GET", self._url("receiveNotification", {"receiveTimeout": wait}), timeout=wait + _POLL_MARGIN
        )
        if answer.status in _NOTHING or (answer.status < 300 and not answer.body.strip()):  # noqa: PLR2004 - the 2xx class of HTTP
            return None
        content = read_answer(answer, self.redact)
        if content is None or content == {}:
            return None
        receipt = content.get("receiptId") if isinstance(content, dict) else None
        if not isinstance(receipt, int | str) or isinstance(receipt, bool) or receipt == "":
            raise RetryLater(
                phrase("green_api.no_receipt", "GREEN-API's answer to receiveNotification has no receiptId")
            )
        return Notification(str(receipt), content.get("body"))

    async def forget(self, receipt: str) -> bool:
        """Delete a notification from the queue; false if it was gone already."""
        url = f"{self._url('deleteNotification', {})}/{quote(receipt, safe='')}"
        return read_deletion(await self._http.request("DELETE", url), self.redact)

    async def close(self) -> None:
        """Close the connections; may be called twice, a later call opens new ones."""
        await self._http.close()

    def _url(self, method: str, query: Mapping[str, int | str]) -> str:
        url = f"{self._api}{method}{self._token}"
        return f"{url}?{urlencode(query)}" if query else url


class PartnerClient:
    """Calls the partner API. Its errors come with status 200 and a `code`."""

    def __init__(self, settings: GreenApiSettings) -> None:
        self._settings = settings
        self._http = http_client(settings)

    async def call(self, method: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask (without a body) or change (with one). Raises `Rejected` if no partner token is set."""
        token = self._settings.partner_token
        if token is None:
            raise Rejected(
                phrase(
                    "green_api.no_partner",
                    "partner_api_url and partner_token are not set; GREEN-API's support gives them",
                )
            )
        url = f"{self._settings.partner_api_url}/partner/{method}/{quote(token.reveal(), safe='')}"
        if body is None:
            answer = await self._http.request("GET", url)
        else:
            answer = await self._http.request("POST", url, data=json_body(body), headers=JSON_HEADERS)
        content = read_answer(answer, self._http.redact, sends=body is not None)
        if isinstance(content, dict) and isinstance(content.get("code"), int):
            raise _partner_refusal(content["code"], self._http.redact(str(content.get("description", ""))))
        return content

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


def http_client(settings: GreenApiSettings) -> HttpClient:
    """Make the HTTP client. Raises `Misconfigured` if the library for the proxy is missing."""
    secrets = (settings.api_token_instance, settings.webhook_secret, settings.partner_token)
    return HttpClient(
        timeout=settings.request_timeout,
        keep_alive=KEEP_ALIVE,
        proxy=settings.proxy,
        secrets=[secret for secret in secrets if secret],
    )


def _partner_refusal(code: int, description: str) -> ChannelError:
    if code == 401:  # noqa: PLR2004 - HTTP statuses are known by their numbers
        return Unauthorized(
            phrase("green_api.wrong_partner_token", "GREEN-API does not know this partner_token")
        )
    return Rejected(
        phrase(
            "green_api.partner_refused",
            "The partner API refused the call ({code}): {description}",
            code=code,
            description=description,
        )
    )


def _read_file(path: str) -> bytes:
    try:
        size = Path(path).stat().st_size
        if size > FILE_LIMIT:
            raise TooLarge(
                phrase(
                    "green_api.file_too_large",
                    "the file has {size} bytes, GREEN-API takes {file_limit}",
                    size=size,
                    file_limit=FILE_LIMIT,
                )
            )
        return Path(path).read_bytes()
    except OSError as error:
        raise Rejected(
            phrase(
                "green_api.file_unreadable",
                "the file to send cannot be read: {why}",
                why=error.strerror or error,
            )
        ) from error
