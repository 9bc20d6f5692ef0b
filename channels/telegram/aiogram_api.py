"""The Bot API through aiogram: typed methods and forms with files. Importing this takes seconds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import aiogram.methods
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import FSInputFile
from pydantic import ValidationError

from channels.errors import Rejected
from channels.http import HttpClient
from channels.phrase import phrase
from channels.telegram.answers import read_answer
from channels.telegram.requests import Upload
from config.secret import Secret

if TYPE_CHECKING:
    from aiogram.methods import TelegramMethod
    from aiogram.methods.base import TelegramType

UPLOAD_TIMEOUT = 120.0


class _Session(AiohttpSession):
    """aiogram's session over our HTTP client.

    aiogram builds the request; connections, proxy, limits, redaction and the reading of answers are ours, so
    both clients raise the same reactions, and an update that aiogram's models reject does not lose its whole
    batch.
    """

    def __init__(self, http: HttpClient, api_base: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(api_base), timeout=http.timeout)
        self._http = http

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        """Send what aiogram built and give the raw JSON result."""
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        answer = await self._http.request(
            "POST", url, data=self.build_form_data(bot, method), timeout=timeout
        )
        return cast("TelegramType", read_answer(answer, self._http.redact))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()


class AiogramApi:
    """The client that lets aiogram check and write every request."""

    def __init__(self, http: HttpClient, *, api_base: str, token: Secret) -> None:
        self._bot = Bot(token.reveal(), session=_Session(http, api_base))

    async def call(self, method: str, params: Mapping[str, Any], *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - passed to the client
        """Call `method` and give its `result`. Raises by reaction; `Rejected` for what aiogram refuses."""
        model = getattr(aiogram.methods, method[:1].upper() + method[1:])
        try:
            request = model(**params)
        except ValidationError as error:
            wrong = ", ".join(
                ".".join(map(str, detail["loc"])) for detail in error.errors(include_input=False)
            )
            raise Rejected(
                phrase(
                    "telegram.bad_parameters",
                    "{method} was not sent, aiogram refuses these parameters: {wrong}",
                    method=method,
                    wrong=wrong,
                )
            ) from None
        return await self._bot(request, request_timeout=cast("int", timeout))

    async def upload(self, method: str, params: Mapping[str, Any], upload: Upload) -> Any:
        """Call `method` with a local file. Raises by reaction; `Rejected` if the file cannot be read."""
        path = Path(upload.path)
        name = upload.filename or path.name
        if not await asyncio.to_thread(os.access, path, os.R_OK):
            raise Rejected(
                phrase("file.not_there", "the file {name} is not there or may not be read", name=name)
            )
        return await self.call(
            method, {**params, upload.name: FSInputFile(path, filename=name)}, timeout=UPLOAD_TIMEOUT
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._bot.session.close()
