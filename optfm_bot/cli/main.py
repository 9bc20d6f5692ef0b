"""`optfm-bot`: the group of commands, each loaded only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from optfm_bot import __version__

_COMMANDS = {
    "init": ("optfm_bot.cli.init", "Write a configuration and a starter knowledge base."),
    "run": ("optfm_bot.cli.run", "Start the bot."),
    "chat": ("optfm_bot.cli.chat", "Talk to the bot in the terminal."),
    "faq": ("optfm_bot.cli.faq", "Work on the knowledge base."),
    "channels": ("optfm_bot.cli.channels", "List and test the channels."),
    "doctor": ("optfm_bot.cli.doctor", "Look at everything and say what to do."),
    "token": ("optfm_bot.cli.token", "Care for the keys of the REST API."),
    "db": ("optfm_bot.cli.db", "Care for the database."),
    "config": ("optfm_bot.cli.config", "Check and show the configuration."),
    "new-channel": ("optfm_bot.cli.new_channel", "Write a package for a new channel."),
}


class LazyGroup(click.Group):
    """Knows the names of its commands without importing them. Each module has its command as `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that is called."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(_COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with a line each, importing none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="optfm-bot")
def main(**_: Any) -> None:
    """A multi-channel FAQ chatbot. Begin with: optfm-bot init, then optfm-bot chat, then optfm-bot run."""


if __name__ == "__main__":
    main()
