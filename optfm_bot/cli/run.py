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
from optfm_bot.observe.log import configure_logging
from optfm_bot.observe.redact import Redactor


@click.command()
@config_option
@click.option("--check", is_flag=True, help="Check the configuration and the knowledge base, then stop.")
@guarded
def command(config_path: Path | None, *, check: bool) -> int:
    """Start the bot. With no configuration and no tokens it serves a demo on this machine."""
    config = loaded(config_path)
    app = App(config, cwd=Path.cwd())
    secrets = [
        secret.reveal() for channel in app.house.channels.values() for secret in secrets_in(channel.settings)
    ]
    configure_logging(
        format=config.settings.log.format,
        level=config.settings.log.level,
        redactor=Redactor(secrets),
        stream=sys.stdout,
    )
    for warning in config.warnings:
        click.echo(f"! {warning}", err=True)
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
