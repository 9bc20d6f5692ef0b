"""The bot as a guest in somebody's asyncio program: settings in, a bot that works as long as a block lasts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from config.load import LoadedConfig, load_config
from faq.manager import MatcherFactory
from optfm_bot.app import Address, App
from optfm_bot.observe.redact import Redactor
from optfm_bot.observe.standard import log_to_standard
from optfm_bot.store.engine import database_url, sqlite_path

log = structlog.get_logger("optfm_bot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot at work. `addresses` are the pages that it serves: the chats of the site, and its status."""

    addresses: Sequence[Address]


@asynccontextmanager
async def serving(
    config: Path | str | None = None,
    *,
    folder: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    matcher: MatcherFactory | None = None,
    redactor: Redactor | None = None,
) -> AsyncIterator[Bot]:
    """Run the whole bot in this event loop while the block lasts, beside whatever else the program does.

    What goes in is what `optfm-bot run` reads: the file `config` (default: `config.yaml` of `folder`, if there is one),
    `.env` of `folder`, and `env` (default: the environment of the process). Paths are taken from `folder`, the database
    too (default: the current one). `overrides` are dotted keys that win over all of them (`{"server.port": 0}`).
    `matcher` takes the place of the one that the settings name. `redactor` learns every secret of the settings before
    anything is started, for a program that writes the log itself.

    The block begins when the bot receives, answers and listens on `server.port`. Leaving it, also by an exception or a
    cancellation, stops the bot in order; what is not done then is kept in the database for the next time.

    Neither signals nor handlers and levels of `logging` nor the garbage collector are touched. Events go to loggers of
    the standard library (`optfm_bot`, `channels`, `helpdesk`), secrets masked, or through structlog where the program
    has configured it. Several bots may run at once, each with a database and a port of its own.

    Raises `ConfigError` or `KnowledgeError` with every mistake, and `StartRefused`, `SchemaMismatch` or
    `StoreUnavailable` if the bot cannot begin.
    """
    here = Path.cwd() if folder is None else Path.cwd() / folder
    loaded = load_config(
        None if config is None else Path(config),
        env=os.environ if env is None else env,
        cwd=here,
        overrides=overrides,
    )
    log_to_standard()
    # Reading a large base takes a second, and the loop is not ours alone.
    app = await asyncio.to_thread(App, _anchored(loaded, here), cwd=here, matcher=matcher)
    log_to_standard(app.secrets())
    if redactor is not None:
        redactor.register(*app.secrets())
    for warning in loaded.warnings:
        log.warning("config.warning", problem=warning.describe("en"))
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(app.run(stop, ready.set), name="optfm-bot")
    begun = asyncio.create_task(ready.wait(), name="optfm-bot begins")
    try:
        await asyncio.wait({running, begun}, return_when=asyncio.FIRST_COMPLETED)
        if begun.done():
            yield Bot(addresses=tuple(app.addresses()))
    finally:
        begun.cancel()
        stop.set()
        await running


def _anchored(loaded: LoadedConfig, folder: Path) -> LoadedConfig:
    """Let a file of SQLite lie in that folder, as everything else does that the settings name by a relative path."""
    settings = loaded.settings
    url = database_url(settings.database.url)
    path = sqlite_path(url)
    if path is None or path.is_absolute() or str(path).startswith("file:"):
        return loaded
    address = url.set(database=str(folder / path)).render_as_string(hide_password=False)
    database = settings.database.model_copy(update={"url": address})
    return replace(loaded, settings=settings.model_copy(update={"database": database}))
