"""`optfm-bot run`: everything that the configuration names, until a signal."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import click

from config.validate import secrets_in
from optfm_bot import __version__
from optfm_bot.app import App
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.options import config_option, loaded
from optfm_bot.observe.log import configure_logging, log_crashes
from optfm_bot.observe.redact import Redactor


@click.command()
@config_option
@click.option("--check", is_flag=True, help="Check the configuration and the knowledge base, then stop.")
@guarded
def command(config_path: Path | None, *, check: bool) -> int:
    """Start the bot. With no configuration and no tokens it serves a demo on this machine."""
    redactor = Redactor()
    config = loaded(config_path)
    settings = config.settings
    configure_logging(
        format=settings.log.format, level=settings.log.level, redactor=redactor, stream=sys.stdout
    )
    log_crashes()
    app = App(config, cwd=Path.cwd())
    redactor.register(*secrets_in([settings.database.password, *app.channel_settings()]))
    for warning in config.warnings:
        click.echo(f"! {warning.describe(settings.agent.language)}", err=True)
    if check:
        click.echo("OK")
        return Exit.OK
    asyncio.run(_until_signal(app))
    return Exit.OK


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
