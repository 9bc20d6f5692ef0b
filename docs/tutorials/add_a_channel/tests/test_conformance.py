"""The folder keeps every promise of a channel."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from optfm_bot.sdk import Answered, Asked, ChannelConformance, Platform, Sent, Transport, Update, reply

from optfm_bot_folder.spec import SPEC


class FolderPlatform(Platform):
    """People who put letters into a folder and read what is written there."""

    remote = False

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self._in, self._out = self.folder / "in", self.folder / "out.jsonl"
        self._in.mkdir()
        self._count = 0

    async def close(self) -> None:
        shutil.rmtree(self.folder)

    def put(self, update: Update) -> None:
        self._count += 1
        (self._in / f"{self._count:06}.json").write_text(json.dumps(update), "utf-8")

    def writes(self, chat: str, words: str) -> None:
        self.put({"id": f"letter-{self._count}", "from": chat, "at": 1_790_000_000, "text": words})

    def sent(self) -> Sequence[Sent]:
        lines = self._out.read_text("utf-8").splitlines() if self._out.exists() else []
        written = [json.loads(line) for line in lines]
        return [Sent(id=str(n), chat=one["to"], text=one["text"]) for n, one in enumerate(written)]

    def take(self) -> Sequence[Update]:
        return ()

    async def answer(self, asked: Asked) -> Answered:
        return reply({}, 404)


class TestFolder(ChannelConformance):
    """Every check is inherited."""

    spec = SPEC
    payloads = Path(__file__).parents[1] / "payloads"
    chat = "anna"
    absent = MappingProxyType(
        {
            "secret": "whoever may write into the folder may write to the bot",
            "start": "people just write",
            "media": "a letter is a text",
            "edit": "a letter that was read is gone",
            "echo": "answers are written to another place",
            "unknown": "everything in the folder is meant to be a letter",
        }
    )

    def platform(self) -> FolderPlatform:
        platform = FolderPlatform()
        self.folder = platform.folder
        return platform

    def settings(self, base_url: str, transport: Transport) -> Mapping[str, Any]:
        return {"path": getattr(self, "folder", Path("letters"))}
