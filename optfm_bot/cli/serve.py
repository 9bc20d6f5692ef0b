"""Serving: the bot that the settings describe, from its making until a signal. Loading this loads the whole bot."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from pathlib import Path

import click

from config.load import LoadedConfig
from optfm_bot import __version__
from optfm_bot.app import App
from optfm_bot.cluster.plan import ROLES
from optfm_bot.observe.log import configure_logging, log_crashes
from optfm_bot.observe.redact import Redactor

_COLLECT_AFTER = (20_000, 20, 50)
"""A message makes hundreds of short-lived objects and no cycles: looking for them rarely spares a tenth of the time."""


def make_app(config: LoadedConfig, role: str = "all") -> App:
    """Make the bot for a role, with its log and every secret of the settings hidden from it. Warnings go to stderr.

    Raises `ConfigError` or `KnowledgeError` with every mistake, `StartRefused` if the role needs another database.
    """
    redactor = Redactor()
    settings = config.settings
    configure_logging(
        format=settings.log.format, level=settings.log.level, redactor=redactor, stream=sys.stdout
    )
    log_crashes()
    app = App(config, cwd=Path.cwd(), roles=ROLES[role])
    redactor.register(*app.secrets())
    for warning in config.warnings:
        click.echo(f"! {warning.describe(settings.agent.language)}", err=True)
    return app


def serve(app: App) -> None:
    """Serve until a signal says stop. Raises what `App.run` raises."""
    asyncio.run(_until_signal(app))


async def _until_signal(app: App) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    def ready() -> None:
        # What exists now lives as long as the process: the collector need not walk over it for every message.
        gc.freeze()
        gc.set_threshold(*_COLLECT_AFTER)
        click.echo(f"OptFM bot {__version__}", err=True)
        for address in app.addresses():
            click.echo(f"  {address.name:<10} {address.url}", err=True)
        click.echo("  Ctrl+C stops it", err=True)

    await app.run(stop, ready)
