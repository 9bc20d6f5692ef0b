"""Puts files where MAX keeps them: three steps, of which only the first knows our token.

MAX names a place on another host, the bytes go there without credentials, and the token that comes back stands for the
file in any number of messages. Tokens are remembered by the content of the file.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import orjson
from aiohttp import FormData

from channels.errors import Rejected, RetryLater, TooLarge, Unreachable
from channels.http import HttpAnswer
from channels.max.api import MaxApi, UploadPlace
from channels.max.requests import FileToSend
from channels.max.spec import SPEC
from channels.model import Media, MediaKind
from channels.phrase import phrase

UPLOAD_TIMEOUT = 55.0
"""Seconds for the bytes. With the call after it this stays below the limit that the house sets to a delivery: an upload
that we cut off ourselves is known not to be a sent message."""

_REMEMBERED = 256
_CHUNK = 1024 * 1024
_FIELDS = ("data", "file")
"""The name of the field in the form. The documentation says the first; storage for video and sound was seen to want the
other, and says 415 to the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A file at hand: on disk, or in memory when it was fetched. `digest` is of its content."""

    name: str
    digest: bytes = field(repr=False)
    path: Path | None = None
    content: bytes = field(default=b"", repr=False)

    def open(self) -> BinaryIO | None:
        """Give it from its beginning, None if it has gone."""
        if self.path is None:
            return BytesIO(self.content)
        try:
            return self.path.open("rb")
        except OSError:
            return None


class Uploads:
    """Uploads files, each content once."""

    def __init__(self, api: MaxApi) -> None:
        self._api = api
        self._tokens: OrderedDict[tuple[MediaKind, bytes], str] = OrderedDict()

    async def file(self, media: Media) -> FileToSend:
        """Give the file as MAX can send it, uploading it unless its content was uploaded before.

        Raises by reaction; a failure here is never `maybe_sent`, because no message is on its way yet.
        """
        try:
            return await self._file(media)
        except Unreachable as error:
            failure = Unreachable(str(error), maybe_sent=False)
        raise failure

    def forget(self, file: FileToSend) -> None:
        """Do not use this token again: MAX has refused it."""
        for key in [key for key, token in self._tokens.items() if token == file.token]:
            del self._tokens[key]

    async def _file(self, media: Media) -> FileToSend:
        source = await self._source(media)
        key = (media.kind, source.digest)
        token = self._tokens.get(key)
        if token is not None:
            self._tokens.move_to_end(key)
            return FileToSend(kind=media.kind, token=token)
        token = await self._upload(media.kind, source)
        self._tokens[key] = token
        if len(self._tokens) > _REMEMBERED:
            self._tokens.popitem(last=False)
        return FileToSend(kind=media.kind, token=token, fresh=True)

    async def _source(self, media: Media) -> _Source:
        limit = SPEC.capabilities.media[media.kind]
        if media.path is not None:
            return await asyncio.to_thread(_on_disk, Path(media.path), media.name, limit)
        if media.url is None:
            raise Rejected(phrase("file.no_address", "a file to send needs an address or a path"))
        content = await self._download(media.url)
        if len(content) > limit:
            raise _over(_shown_name(media), limit)
        digest = await asyncio.to_thread(_digest_of, content)
        return _Source(name=_shown_name(media), digest=digest, content=content)

    async def _download(self, url: str) -> bytes:
        host = urlsplit(url).hostname or "?"
        answer = await self._api.http.request("GET", url, timeout=UPLOAD_TIMEOUT)
        if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - HTTP statuses are known by their numbers
            raise RetryLater(
                phrase(
                    "file.not_given_now",
                    "{host} does not give the file now (HTTP {status})",
                    host=host,
                    status=answer.status,
                )
            )
        if answer.status != 200:  # noqa: PLR2004 - as above
            raise Rejected(
                phrase(
                    "file.not_given",
                    "{host} does not give the file (HTTP {status})",
                    host=host,
                    status=answer.status,
                )
            )
        return answer.body

    async def _upload(self, kind: MediaKind, source: _Source) -> str:
        for name in _FIELDS:
            place = await self._api.upload_place(kind)  # a place takes one file, and one try
            answer = await self._put(place, source, name)
            if answer.status != 415:  # noqa: PLR2004 - as above
                return _token(answer, place, source.name)
        raise Rejected(
            phrase(
                "max.file_in_no_form",
                "MAX takes the file {name} in no form (HTTP 415): is it really of this kind?",
                name=source.name,
            )
        )

    async def _put(self, place: UploadPlace, source: _Source, name: str) -> HttpAnswer:
        content = await asyncio.to_thread(source.open)
        if content is None:
            raise _unreadable(source.name)
        try:
            form = FormData(quote_fields=False)
            form.add_field(name, content, filename=source.name, content_type="application/octet-stream")
            return await self._api.http.request("POST", place.url, data=form, timeout=UPLOAD_TIMEOUT)
        finally:
            content.close()


def _token(answer: HttpAnswer, place: UploadPlace, name: str) -> str:
    """Find the token: videos and sounds have it from the start, pictures and files in the answer."""
    host = urlsplit(place.url).hostname or "?"
    if answer.status == 413:  # noqa: PLR2004 - as above
        raise TooLarge(
            phrase(
                "max.upload_too_large", "{host} says that the file {name} is too large", host=host, name=name
            )
        )
    if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 - as above
        raise RetryLater(
            phrase(
                "max.upload_not_now",
                "{host} does not take files now (HTTP {status})",
                host=host,
                status=answer.status,
            ),
            after=answer.retry_after(),
        )
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - as above
        raise Rejected(
            phrase(
                "max.upload_refused",
                "{host} does not take the file {name} (HTTP {status})",
                host=host,
                name=name,
                status=answer.status,
            )
        )
    token = place.token or _token_in(answer.body)
    if token is None:
        raise Rejected(
            phrase(
                "max.upload_without_token",
                "{host} took the file {name} and gave no token for it: is it really of this kind?",
                host=host,
                name=name,
            )
        )
    return token


def _token_in(body: bytes) -> str | None:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(content, dict):
        return None
    photos = content.get("photos")
    candidates = [content, *(photos.values() if isinstance(photos, dict) else ())]
    tokens = [candidate.get("token") for candidate in candidates if isinstance(candidate, dict)]
    return next((token for token in tokens if isinstance(token, str) and token), None)


def _on_disk(path: Path, name: str, limit: int) -> _Source:
    """Look at a file. Runs in a thread; raises `Rejected` or `TooLarge`."""
    shown = name or path.name
    digest = hashlib.blake2b(digest_size=32)
    try:
        size = path.stat().st_size
        if size <= limit:
            with path.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    digest.update(chunk)
    except OSError:
        size = -1
    if size < 0:
        raise _unreadable(shown)
    if size > limit:
        raise _over(shown, limit)
    return _Source(name=shown, digest=digest.digest(), path=path)


def _digest_of(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=32).digest()


def _unreadable(name: str) -> Rejected:
    return Rejected(phrase("file.not_there", "the file {name} is not there or may not be read", name=name))


def _over(name: str, limit: int) -> TooLarge:
    return TooLarge(
        phrase(
            "max.file_too_large",
            "the file {name} is larger than the {limit} MB that MAX takes",
            name=name,
            limit=limit // 1024**2,
        )
    )


def _shown_name(media: Media) -> str:
    return media.name or PurePosixPath(unquote(urlsplit(media.url or "").path)).name or media.kind.value
