"""`optfm-bot`: the group of commands, each loaded only when it is called."""

from __future__ import annotations

from typing import Any

import click

from optfm_bot import __version__
from optfm_bot.cli.lazy import LazyGroup

_COMMANDS = {
    "init": ("optfm_bot.cli.init", "Write a configuration and a starter knowledge base."),
    "run": ("optfm_bot.cli.run", "Start the bot."),
    "chat": ("optfm_bot.cli.chat", "Talk to the bot in the terminal."),
    "faq": ("optfm_bot.cli.faq", "Work on the knowledge base."),
    "channels": ("optfm_bot.cli.channels", "List and test the channels."),
    "doctor": ("optfm_bot.cli.doctor", "Look at everything and say what to do."),
    "helpdesk": ("optfm_bot.cli.helpdesk", "Test the helpdesk, look what is new there, list tickets."),
    "requests": ("optfm_bot.cli.requests", "Care for what people asked for with forms."),
    "token": ("optfm_bot.cli.token", "Care for the keys of the REST API."),
    "db": ("optfm_bot.cli.db", "Care for the database."),
    "config": ("optfm_bot.cli.config", "Check and show the configuration."),
    "bench": ("optfm_bot.cli.bench", "Put load on the whole bot and judge the answers."),
    "new-channel": ("optfm_bot.cli.new_channel", "Write a package for a new channel."),
}


@click.group(cls=LazyGroup, known=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="optfm-bot")
def main(**_: Any) -> None:
    """A multi-channel FAQ chatbot. Begin with: optfm-bot init, then optfm-bot chat, then optfm-bot run."""


if __name__ == "__main__":
    main()
