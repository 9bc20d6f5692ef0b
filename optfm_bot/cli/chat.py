"""`optfm-bot chat`: talk to the bot in the terminal, without a server, a database or a token."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from channels.console.keyboard import KeyboardReader
from faq import FaqManager
from faq.source import load_knowledge
from optfm_bot import __version__
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.faq.knowledge import told
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.manner import is_quiet
from optfm_bot.cli.options import config_option, loaded, voice_options
from optfm_bot.cli.output import clean
from optfm_bot.cli.terminal import Terminal, TerminalTalk
from optfm_bot.cli.words import chosen_language, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.knowledge import demo_knowledge
from optfm_bot.matching import matcher_factory
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver
from optfm_bot.plan import house_settings
from optfm_bot.tuning import tuned


@click.command()
@config_option
@click.option("--explain", is_flag=True, help="Print before each answer why it was chosen.")
@click.option(
    "--as",
    "kind",
    metavar="CHANNEL",
    default="console",
    help="Take the answers that are written for this channel, such as telegram.",
)
@voice_options
@guarded
def command(config_path: Path | None, kind: str, *, explain: bool) -> int:
    """Talk to the bot in the terminal.

    /why tells why it answered so, /quit leaves. Lines from a pipe are answered in turn.
    """
    words = current_words()
    config = loaded(config_path)
    log_to_stderr("error")  # that the channel stops at the end is no news in a talk
    path = Path.cwd() / config.settings.faq.path if config.settings.faq.path else demo_knowledge()
    tuning = told(tuned(matcher_factory(config, cwd=Path.cwd()), config.settings, cwd=Path.cwd()))
    faq = FaqManager.from_base(load_knowledge(path), matcher=tuning.matcher, thresholds=tuning.thresholds)
    person, language = _is_person(), chosen_language() or config.settings.agent.language
    house = house_settings(config, media_root=path if path.is_dir() else path.parent)
    bot = house.words or Catalogue.load()  # its words, as the owner has them
    # The settings keep no space at the end of a text.
    prompt = f"{clean(bot.label('console.prompt', language)).rstrip()} " if person else ""
    terminal = Terminal(read=KeyboardReader().line, write=_write, prompt=prompt)
    talk = TerminalTalk(
        faq,
        house,
        terminal,
        clock=SystemClock(),
        observer=MetricsObserver(Metrics(version=__version__)),
        language=language,
        instance=kind,
        explain=explain,
        explain_language=words.language,
    )
    if person and not is_quiet():
        click.echo(clean(bot.label("console.welcome", language, name=config.settings.agent.name)))
        click.echo(words("chat.keys"))
        if not config.settings.faq.path:
            click.echo(words("chat.demo"))
    asyncio.run(talk.run())
    if person and not is_quiet():
        click.echo(clean(bot.label("console.bye", language)))
    return Exit.OK


def _is_person() -> bool:
    return sys.stdin.isatty()


def _write(text: str) -> None:
    click.echo(clean(text), nl=False)
