"""Letters are files in a folder, answers are lines of another file."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from optfm_bot import sdk
from pydantic import BaseModel, Field, ValidationError

from optfm_bot_folder.spec import SPEC, FolderSettings


class Letter(BaseModel):
    """What people put into the folder. `at` is in seconds since 1970."""

    id: str
    sender: str = Field(alias="from")
    at: int = Field(ge=0, lt=253_402_300_800)
    text: str


class FolderChannel(sdk.Channel, sdk.Polling):
    """One folder."""

    spec: ClassVar[sdk.ChannelSpec] = SPEC

    def __init__(self, settings: FolderSettings, context: sdk.ChannelContext) -> None:
        super().__init__(settings, context)
        self._in, self._out = settings.path / "in", settings.path / "out.jsonl"
        self._files: dict[str, Path] = {}

    async def fetch(self, cursor: sdk.Cursor | None) -> sdk.Batch:
        """Wait for letters. They stay where they are."""
        for _ in range(50):
            letters = await _done(self._letters)
            if letters:
                break
            await asyncio.sleep(0.5)
        self._files = {raw.key: path for path, raw in letters}
        return sdk.Batch(updates=tuple(raw for _, raw in letters), cursor=cursor)

    async def confirm(self, batch: sdk.Batch) -> None:
        """Throw the letters away: the house has stored them."""
        for raw in batch.updates:
            await _done(self._files[raw.key].unlink, missing_ok=True)

    def parse(self, raw: sdk.RawUpdate) -> Sequence[sdk.Inbound]:
        """Say what a letter means."""
        try:
            letter = Letter.model_validate(raw.payload)
        except ValidationError:
            raise sdk.BadPayload("a letter has an id, a sender (`from`), a time (`at`) and a text") from None
        chat = sdk.ChatRef(channel=self.instance, chat_id=letter.sender)
        sender = sdk.SenderRef(external_id=letter.sender, display_name=letter.sender)
        at = datetime.fromtimestamp(letter.at, UTC)
        return (sdk.TextIn(event_id=raw.key, chat=chat, sender=sender, at=at, text=letter.text),)

    async def deliver(self, message: sdk.Rendered) -> sdk.Receipt:
        """Write a line."""
        answer = {"to": message.chat.chat_id, "text": message.text}
        await _done(self._append, json.dumps(answer, ensure_ascii=False) + "\n")
        return sdk.Receipt(external_ids=(), sent_at=self.clock())

    def _letters(self) -> list[tuple[Path, sdk.RawUpdate]]:
        self._in.mkdir(parents=True, exist_ok=True)
        paths = sorted(self._in.glob("*.json"))
        return [(path, self._cut(path.read_bytes())) for path in paths if path.stat().st_size]

    def _cut(self, content: bytes) -> sdk.RawUpdate:
        try:
            payload = json.loads(content)
        except (ValueError, RecursionError):
            payload = None
        match payload:
            case {"from": str(person), "id": str(number)}:
                key = f"{person}:{number}"
            case _:
                person, key = "", sha256(content).hexdigest()
        lane = str(sdk.ChatRef(channel=self.instance, chat_id=person))
        letter = payload if isinstance(payload, dict) else {"unreadable": repr(content)}
        return sdk.RawUpdate(key=key, lane=lane, payload=letter)

    def _append(self, line: str) -> None:
        with self._out.open("a", encoding="utf-8", errors="replace") as file:
            file.write(line)


async def _done(work: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Do in a thread what may have to wait for the disk. Raises by reaction."""
    try:
        return await asyncio.to_thread(work, *given, **named)
    except PermissionError as error:
        raise sdk.Unauthorized(f"the folder is closed to us: {error}") from error
    except OSError as error:
        raise sdk.RetryLater(f"the folder cannot be used now: {error}") from error
