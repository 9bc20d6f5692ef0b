"""The examinations of `doctor`: each looks at one part and gives what it found. They run side by side."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import URL

from config.load import LoadedConfig
from config.messages import problem
from config.problem import Problem
from optfm_bot.cli.config import Inspection, sources_of
from optfm_bot.cli.database import DatabaseState, look, prove_writable
from optfm_bot.cli.desk_signs import examine_desk
from optfm_bot.cli.output import Mark
from optfm_bot.cli.probing import MARKS, probe_all
from optfm_bot.cli.sign import Sign
from optfm_bot.cli.words import Words
from optfm_bot.errors import OptfmError
from optfm_bot.i18n.hints import translate
from optfm_bot.notify.carrier import NOTIFY
from optfm_bot.store.engine import database_url, sqlite_path
from optfm_bot.store.schema import HEAD
from optfm_bot.store.sql import SqlStore

GROUPS = ("config", "knowledge", "database", "channels", "helpdesk", "disk", "security")
PART_SECONDS = 25.0
"""How long one part may take; the channels' own limit is shorter."""

_MB = 1024 * 1024
_LITTLE_DISK = 1024 * _MB
_NO_DISK = 100 * _MB
_EVERYWHERE = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 - compared, not listened on


Part = Callable[[], Awaitable[Sequence[Sign]]]


class Checkup:
    """Examines one installation. `offline` asks nobody outside of this machine."""

    def __init__(self, found: Inspection, words: Words, *, cwd: Path, offline: bool) -> None:
        self._found = found
        self._words = words
        self._cwd = cwd
        self._offline = offline

    async def signs(self) -> Sequence[Sign]:
        """Run all parts at once, each within its time; the order of the groups is always the same."""
        parts: dict[str, Part] = {
            "config": self._config,
            "knowledge": self._knowledge,
            "database": self._database,
            "channels": self._channels,
            "helpdesk": self._helpdesk,
            "disk": self._disk,
            "security": self._security,
        }
        found = await asyncio.gather(*(self._within(group, parts[group]) for group in GROUPS))
        return [sign for signs in found for sign in signs]

    async def _within(self, group: str, part: Part) -> Sequence[Sign]:
        try:
            async with asyncio.timeout(PART_SECONDS):
                return await part()
        except TimeoutError:
            return [self._error(group, self._words("doctor.timeout", seconds=f"{PART_SECONDS:g}"))]

    # -- parts --------------------------------------------------------------------------------------------

    async def _config(self) -> Sequence[Sign]:
        config, words = self._found.config, self._words
        signs = [self._error("config", *_split(item, words)) for item in self._found.problems]
        if config is None:
            return signs
        signs += [
            self._warning("config", *_split(item, words)) for item in config.warnings if not _of_secrets(item)
        ]
        if not self._found.problems:
            signs.insert(0, self._ok("config", sources_of(config, words)))
        return signs

    async def _knowledge(self) -> Sequence[Sign]:
        found, words = self._found.knowledge, self._words
        if found is None:
            return [self._skipped("knowledge")]
        fix = "optfm-bot faq lint"
        if found.base is None:
            return [self._error("knowledge", remark.describe(words), fix) for remark in found.remarks[:5]]
        entries = words.count("count.entries", len(found.base.entries))
        signs = [self._ok("knowledge", entries)]
        if found.errors:
            signs.append(self._error("knowledge", words.count("count.errors", found.errors), fix))
        if found.warnings:
            signs.append(self._warning("knowledge", words.count("count.warnings", found.warnings), fix))
        return signs

    async def _database(self) -> Sequence[Sign]:
        if self._found.config is None:
            return [self._skipped("database")]
        url = database_url(self._found.config.settings.database.url)
        if self._offline and sqlite_path(url) is None and url.get_backend_name() != "sqlite":
            return [self._ok("database", self._words("doctor.not_asked"))]
        try:
            state = await look(url)
            return await self._schema(url, state)
        except OptfmError as error:
            return [
                self._error("database", translate(str(error), self._words.language), "optfm-bot db check")
            ]

    async def _schema(self, url: URL, state: DatabaseState) -> Sequence[Sign]:
        words, upgrade = self._words, "optfm-bot db upgrade"
        if not state.exists or state.revision is None:
            return [self._ok("database", words("doctor.database_new", address=state.address))]
        if state.is_newer:
            text = words("db.newer", revision=state.revision, needed=HEAD)
            return [self._error("database", text, words("doctor.install_newer"))]
        if not state.is_current:
            return [
                self._warning("database", words("db.older", revision=state.revision, needed=HEAD), upgrade)
            ]
        await prove_writable(url)
        size = words.number((state.bytes or 0) / _MB)
        journal = words.number((state.journal_bytes or 0) / _MB)
        key = "doctor.database_file" if state.bytes is not None else "doctor.database_server"
        signs = [
            self._ok("database", words(key, address=state.address, size=size, journal=journal, revision=HEAD))
        ]
        return [*signs, *await self._left_over(url)]

    async def _left_over(self, url: URL) -> Sequence[Sign]:
        """What waits for a person: updates that could not be handled, messages that could not be sent."""
        store = SqlStore(url.render_as_string(hide_password=False))
        try:
            await store.open()
            counts = await store.counts()
        finally:
            await store.close()
        kinds = {
            "parked": counts.inbox_parked,
            "uncertain": counts.outbox_uncertain,
            "failed": counts.outbox_failed,
        }
        return [
            self._warning(
                "database",
                self._words(f"doctor.{kind}", n=sum(found.values()), channels=", ".join(found)),
                "optfm-bot db revive",
            )
            for kind, found in kinds.items()
            if sum(found.values())
        ] + self._carried_by_nobody(counts.outbox_open)

    def _carried_by_nobody(self, waiting: Mapping[str, int]) -> list[Sign]:
        """Messages that wait for what the settings do not name."""
        config, words = self._found.config, self._words
        if config is None:
            return []
        settings = config.settings
        plans = {plan.channel.instance for plan in self._found.plans}
        known = {*plans, *settings.channels, *settings.helpdesk, NOTIFY}
        found = {name: number for name, number in waiting.items() if name not in known}
        if not found:
            return []
        text = words("doctor.nobody_carries", n=sum(found.values()), channels=", ".join(sorted(found)))
        fix = words("doctor.nobody_carries_desk" if settings.helpdesk else "doctor.nobody_carries_fix")
        return [self._warning("database", text, fix)]

    async def _channels(self) -> Sequence[Sign]:
        if self._found.config is None or self._found.problems:
            return [self._skipped("channels")]
        channels = [plan.channel for plan in self._found.plans]
        if self._offline:
            names = ", ".join(channel.instance for channel in channels)
            return [self._ok("channels", f"{names}: {self._words('doctor.not_asked')}")]
        signs = []
        for probe in await probe_all(channels):
            mark = MARKS[probe.health.state]
            identity = probe.health.identity if probe.health.identity != probe.instance else ""
            state = self._words(f"probe.{probe.health.state.value}")
            text = f"{probe.instance} {identity}".rstrip() + f": {state}"
            signs.append(
                Sign(
                    group="channels",
                    mark=mark,
                    text=text,
                    fix=translate(probe.health.hint, self._words.language),
                )
            )
        return signs

    async def _helpdesk(self) -> Sequence[Sign]:
        """Nothing is said of a helpdesk that nobody has set up."""
        config, plan = self._found.config, self._found.desk
        if config is None or plan is None:
            return []
        if self._offline:
            return [self._ok("helpdesk", f"{plan.desk.instance}: {self._words('doctor.not_asked')}")]
        public_url = config.settings.server.public_url
        return (await examine_desk(plan.desk, plan.channels, public_url=public_url, words=self._words)).signs

    async def _disk(self) -> Sequence[Sign]:
        folder = await asyncio.to_thread(self._database_folder)
        try:
            free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        except OSError as error:
            return [self._error("disk", f"{folder}: {error.strerror or error}")]
        words = self._words
        text = words("doctor.disk_free", folder=folder, size=words.number(free / (1024 * _MB)))
        mark = Mark.ERROR if free < _NO_DISK else Mark.WARNING if free < _LITTLE_DISK else Mark.OK
        signs = [
            Sign(group="disk", mark=mark, text=text, fix="" if mark is Mark.OK else words("doctor.disk_fix"))
        ]
        if not await asyncio.to_thread(os.access, folder, os.W_OK):
            signs.append(
                self._error("disk", words("doctor.not_writable", folder=folder), f"chmod u+w {folder}")
            )
        return signs

    async def _security(self) -> Sequence[Sign]:
        words, config = self._words, self._found.config
        signs = []
        dotenv = self._cwd / ".env"
        mode = await asyncio.to_thread(_mode, dotenv)
        if mode is not None and mode & (stat.S_IRWXG | stat.S_IRWXO):
            signs.append(
                self._warning("security", words("doctor.open_env", mode=f"{mode:04o}"), "chmod 600 .env")
            )
        if config is not None:
            signs += [
                self._warning("security", *_split(item, words))
                for item in config.warnings
                if _of_secrets(item)
            ]
            signs += self._server(config)
        if config is None:
            return signs or [self._skipped("security")]
        return signs or [self._ok("security", words("doctor.security_ok"))]

    def _server(self, config: LoadedConfig) -> Sequence[Sign]:
        server, words = config.settings.server, self._words
        signs = []
        if server.host in _EVERYWHERE and server.public_url is None:
            where = config.sources.get("server.host", "")
            text = words("doctor.open_server", where=where, host=server.host)
            signs.append(self._warning("security", text, words("doctor.open_server_fix")))
        if server.public_url is not None and not server.public_url.startswith("https://"):
            where = config.sources.get("server.public_url", "")
            signs.append(
                self._warning("security", words("doctor.no_https", where=where), words("doctor.no_https_fix"))
            )
        return signs

    def _database_folder(self) -> Path:
        config = self._found.config
        path = sqlite_path(database_url(config.settings.database.url)) if config is not None else None
        folder = self._cwd / path.parent if path is not None else self._cwd
        return folder if folder.is_dir() else self._cwd

    # -- words --------------------------------------------------------------------------------------------

    def _ok(self, group: str, text: str) -> Sign:
        return Sign(group=group, mark=Mark.OK, text=text)

    def _warning(self, group: str, text: str, fix: str = "") -> Sign:
        return Sign(group=group, mark=Mark.WARNING, text=text, fix=fix)

    def _error(self, group: str, text: str, fix: str = "") -> Sign:
        return Sign(group=group, mark=Mark.ERROR, text=text, fix=fix)

    def _skipped(self, group: str) -> Sign:
        return self._warning(group, self._words("doctor.skipped"))


def _split(item: Problem, words: Words) -> tuple[str, str]:
    """A problem as a sentence and what to do about it."""
    russian = words.language == "ru"
    message = (item.message_ru if russian else "") or item.message
    hint = (item.hint_ru if russian else "") or item.hint
    return ": ".join(part for part in (item.where, item.key, message) if part), hint


_SECRET_WARNINGS = tuple(
    problem(code, where="", key="", path="").message for code in ("inline_secret", "open_secret")
)


def _of_secrets(item: Problem) -> bool:
    return item.message.startswith(_SECRET_WARNINGS)


def _mode(path: Path) -> int | None:
    """The permissions of a file where permissions mean something; None if there is no file."""
    if os.name != "posix":
        return None
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
