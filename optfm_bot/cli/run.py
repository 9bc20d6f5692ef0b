"""`optfm-bot run`: everything that the configuration names, until a signal."""

from __future__ import annotations

from pathlib import Path

import click

from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.options import config_option, debug_option, loaded
from optfm_bot.cli.start import load_structlog, loading, spare_blas_threads


@click.command()
@config_option
@click.option(
    "--role",
    type=click.Choice(["all", "web", "worker", "poller"]),
    default="all",
    show_default=True,
    help="What this process is for, when several share a PostgreSQL database.",
)
@click.option("--check", is_flag=True, help="Check the configuration and the knowledge base, then stop.")
@debug_option
@guarded
def command(config_path: Path | None, *, role: str, check: bool) -> int:
    """Start the bot. With no configuration and no tokens it serves a demo on this machine."""
    config = loaded(config_path)
    with loading():
        if (
            config.settings.faq.matcher == "core"
        ):  # the models of another matcher are large enough for threads
            spare_blas_threads()
        load_structlog()
        from optfm_bot.cli.serve import make_app, serve  # noqa: PLC0415 - what is above must come before it

        app = make_app(config, role)
    if check:
        click.echo("OK")
        return Exit.OK
    serve(app)
    return Exit.OK
