"""Serving: the bot that the settings describe, from its making until a signal. Loading this loads the whole bot."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from config.load import LoadedConfig
from config.validate import secrets_in
from optfm_bot import __version__
from optfm_bot.app import App
from optfm_bot.cluster.plan import ROLES
from optfm_bot.observe.log import configure_logging, log_crashes
from optfm_bot.observe.redact import Redactor
from optfm_bot.plan import plan_helpdesk


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
    desk = plan_helpdesk(config)
    own = [settings.database.password, settings.notify, desk.settings if desk is not None else None]
    redactor.register(*secrets_in([*own, *app.channel_settings()]))
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
        click.echo(f"OptFM bot {__version__}", err=True)
        for address in app.addresses():
            click.echo(f"  {address.name:<10} {address.url}", err=True)
        click.echo("  Ctrl+C stops it", err=True)

    await app.run(stop, ready)
