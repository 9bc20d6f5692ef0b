"""`optfm-bot new-channel`: a few questions, then a package for a new channel whose tests pass at once."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click

from channels.capabilities import Buttons, Capabilities, Rate
from channels.contract import Transport
from channels.registry import ChannelRegistry
from config.check import RESERVED_NAMES
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.init import write_new
from optfm_bot.cli.options import json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.scaffold.package import NewChannel, channel_files, files_to_open, is_good_name

_TRANSPORTS = {
    "polling": frozenset({Transport.POLLING}),
    "webhook": frozenset({Transport.WEBHOOK}),
    "both": frozenset(Transport),
}
_TITLE_LENGTH = 64


@click.command()
@click.argument("name", required=False)
@click.option("--title", help="What people call the platform.")
@click.option(
    "--transport",
    type=click.Choice(list(_TRANSPORTS)),
    help="How its updates reach us: we ask, it pushes, or either.",
)
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the package; optfm-bot-NAME if missing.",
)
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take the defaults for what is not given.")
@click.option(
    "--list-capabilities", is_flag=True, help="List what a channel can say of its platform, and stop."
)
@json_option
@voice_options
@guarded
def command(
    name: str | None,
    title: str | None,
    transport: str | None,
    directory: Path | None,
    *,
    yes: bool,
    list_capabilities: bool,
    as_json: bool,
) -> int:
    """Write a package for a new channel called NAME. Its tests pass at once; change it until it is yours.

    NAME is the type of the channel in configurations, such as vk. Overwrites nothing and needs no network.
    """
    words, output = current_words(), Output()
    if list_capabilities:
        return _capabilities(words, output, as_json=as_json)
    if name is None:
        raise click.UsageError(words("new_channel.no_name"))
    _refuse(name, words)
    channel, folder = _decided(name, title, transport, directory, words, silent=yes)
    if os.path.lexists(folder):
        raise click.UsageError(words("new_channel.exists", path=folder))
    contents = channel_files(channel)
    for path, text in contents.items():
        write_new(folder / path, text)
    if as_json:
        output.data({"folder": str(folder), "package": channel.distribution, "files": list(contents)})
        return Exit.OK
    output.line(
        words("new_channel.wrote", path=folder, files=words.count("count.files", len(contents))), mark=Mark.OK
    )
    output.advice()
    output.advice(words("new_channel.open"))
    for path in files_to_open(channel):
        output.advice(str(folder / path), indent=2)
    output.advice()
    output.advice(words("new_channel.next"))
    output.advice(f"cd {shlex.quote(str(folder))}", indent=2)
    output.advice('pip install --editable ".[test]"', indent=2)
    output.advice("pytest", indent=2)
    return Exit.OK


def capabilities() -> list[tuple[str, str]]:
    """Every capability with its default, those of buttons and rates among them."""
    rows = []
    for field in fields(Capabilities):
        rows.append((field.name, _default(field)))
        inner = {"buttons": Buttons, "rate": Rate}.get(field.name)
        rows += [(f"{field.name}.{one.name}", _default(one)) for one in fields(inner)] if inner else []
    return rows


def _default(field: Field[Any]) -> str:
    if field.default is MISSING:
        return "" if field.default_factory is MISSING else "{}"
    if isinstance(field.default, Rate):
        return "Rate()"
    return str(field.default)


def _capabilities(words: Words, output: Output, *, as_json: bool) -> int:
    rows = [(name, default, words(f"capability.{name}")) for name, default in capabilities()]
    if as_json:
        output.data([{"name": name, "default": default, "meaning": text} for name, default, text in rows])
        return Exit.OK
    headers = [words(f"new_channel.column_{name}") for name in ("name", "default", "meaning")]
    required = words("new_channel.required")
    output.table(headers, [[name, default or required, text] for name, default, text in rows])
    return Exit.OK


def _refuse(name: str, words: Words) -> None:
    """Raise `click.UsageError` for a name that cannot be taken."""
    if not is_good_name(name):
        raise click.UsageError(words("new_channel.bad_name", name=name))
    if name in RESERVED_NAMES:
        raise click.UsageError(words("new_channel.reserved", name=name))
    registry = ChannelRegistry.installed()
    if name in registry.kinds():
        raise click.UsageError(words("new_channel.taken", name=name, package=registry.distribution(name)))


def _decided(
    name: str, title: str | None, transport: str | None, directory: Path | None, words: Words, *, silent: bool
) -> tuple[NewChannel, Path]:
    """Ask for what the options leave open. Raises `click.UsageError`, `click.Abort` when a terminal ends the input."""
    try:
        if title is None:
            title = _asked(words("new_channel.ask_title"), name.replace("_", " ").title(), silent=silent)
        if transport is None:
            choice = click.Choice(list(_TRANSPORTS))
            transport = _asked(words("new_channel.ask_transport"), "both", silent=silent, kind=choice)
        channel = NewChannel(kind=name, title=title.strip(), transports=_TRANSPORTS[transport])
        if not channel.title or len(channel.title) > _TITLE_LENGTH or not channel.title.isprintable():
            raise click.UsageError(words("new_channel.bad_title", limit=_TITLE_LENGTH))
        if directory is None:
            directory = Path(_asked(words("new_channel.ask_directory"), channel.distribution, silent=silent))
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError(words("init.input_ended")) from None
    return channel, directory


def _asked(question: str, default: str, *, silent: bool, kind: click.Choice[str] | None = None) -> str:
    return default if silent else str(click.prompt(question, default=default, type=kind))
