"""`optfm-bot init`: a few questions, then the files of a bot that answers at once."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

import click

from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.options import voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.starter import (
    CONFIG,
    ENVIRONMENT,
    IGNORED,
    KNOWLEDGE,
    MAX,
    MESSENGERS,
    NAME_LENGTH,
    NAMES,
    TELEGRAM,
    Answers,
    Messenger,
    starter_files,
)
from optfm_bot.cli.words import Words, current_words
from optfm_bot.errors import OptfmError

_ATTEMPTS = 3
_YES = frozenset({"y", "yes", "д", "да"})
_NO = frozenset({"n", "no", "н", "нет"})


@click.command()
@click.argument("directory", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="Name of the bot that people see.")
@click.option("--language", type=click.Choice(["ru", "en"]), help="Language that the bot speaks by default.")
@click.option("--telegram/--no-telegram", default=None, help="Whether to connect a Telegram bot.")
@click.option(
    "--token-file",
    type=click.File("r", encoding="utf-8"),
    help=f"File with the Telegram token, `-` for the standard input; {TELEGRAM.variable} is read too.",
)
@click.option("--max/--no-max", "max_", default=None, help="Whether to connect a MAX bot.")
@click.option(
    "--max-token-file",
    type=click.File("r", encoding="utf-8"),
    help=f"File with the MAX token, `-` for the standard input; {MAX.variable} is read too.",
)
@click.option("--samples/--no-samples", default=None, help="Whether to write sample questions and answers.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take the defaults for what is not given.")
@voice_options
@guarded
def command(
    directory: Path,
    name: str | None,
    language: str | None,
    *,
    telegram: bool | None,
    token_file: TextIO | None,
    max_: bool | None,
    max_token_file: TextIO | None,
    samples: bool | None,
    yes: bool,
) -> int:
    """Write a configuration and a starter knowledge base into DIRECTORY. Overwrites nothing."""
    words, output = current_words(), Output()
    existing = [item for item in NAMES if os.path.lexists(directory / item)]
    if len(existing) == len(NAMES):
        output.line(words("init.nothing_to_do", path=directory), mark=Mark.OK)
        return Exit.OK
    questions = Questions(words, existing, silent=yes)
    try:
        answers = questions.ask(
            name=name,
            language=language,
            samples=samples,
            wanted={TELEGRAM.kind: telegram, MAX.kind: max_},
            given={
                TELEGRAM.kind: _given(TELEGRAM, token_file),
                MAX.kind: _given(MAX, max_token_file),
            },
        )
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise click.UsageError(words("init.input_ended")) from None
    contents = starter_files(answers)
    for item in NAMES:
        if item in existing:
            _in_the_way(item, contents, directory, output, words)
        else:
            write_new(directory / item, contents[item], secret=item == ENVIRONMENT)
            output.line(words(f"init.wrote_{_KEYS[item]}", path=directory / item), mark=Mark.OK)
    for one in MESSENGERS:
        kept = ENVIRONMENT in existing and one.kind in answers.tokens
        if kept and not _has_token(directory / ENVIRONMENT, one):
            output.line(
                words("init.add_token", path=directory / ENVIRONMENT, name=one.variable), mark=Mark.WARNING
            )
    _next_steps(directory, answers, output, words)
    return Exit.PROBLEMS if set(existing) - {IGNORED} else Exit.OK


_KEYS = {CONFIG: "config", ENVIRONMENT: "env", KNOWLEDGE: "knowledge", IGNORED: "gitignore"}


class Questions:
    """Asks for what the options leave open and the missing files need; `silent` takes the defaults."""

    def __init__(self, words: Words, existing: Sequence[str], *, silent: bool) -> None:
        self._words = words
        self._config = CONFIG not in existing
        self._knowledge = KNOWLEDGE not in existing
        self._environment = ENVIRONMENT not in existing
        self._silent = silent

    def ask(
        self,
        *,
        name: str | None,
        language: str | None,
        samples: bool | None,
        wanted: Mapping[str, bool | None],
        given: Mapping[str, str | None],
    ) -> Answers:
        """Give the answers; `wanted` and `given` (tokens) go by the kind of messenger.

        Raises `click.UsageError` for bad ones, `click.Abort` when the input ends.
        """
        words = self._words
        if name is None:
            name = self._text("init.ask_name", "OptFM") if self._config else "OptFM"
        name = self._checked_name(name)
        if language is None:
            written = self._config or self._knowledge
            language = (
                self._choice("init.ask_language", ("ru", "en"), words.language) if written else words.language
            )
        tokens: dict[str, str | None] = {}
        for one in MESSENGERS:
            connected, token = self._messenger(one, wanted[one.kind], given[one.kind])
            if connected:
                tokens[one.kind] = token
        if samples is None:
            samples = self._confirm("init.ask_samples", default=True) if self._knowledge else True
        return Answers(name=name, language=language, samples=samples, tokens=tokens)

    def _messenger(self, one: Messenger, wanted: bool | None, token: str | None) -> tuple[bool, str | None]:  # noqa: FBT001 - the answer of a flag
        """Whether to connect a messenger, and the token to write down for it."""
        if wanted is None:
            wanted = token is not None or (
                not self._silent and self._config and self._confirm(f"init.ask_{one.kind}", default=False)
            )
        if not wanted:
            return False, None
        if token is not None and not is_token(one, token):
            raise click.UsageError(self._words(f"init.bad_token_{one.kind}"))
        if token is None and self._config and self._environment:
            token = self._token(one)
            return token is not None, token
        return True, token

    def _checked_name(self, name: str) -> str:
        name = name.strip()
        if not name or len(name) > NAME_LENGTH or not name.isprintable():
            raise click.UsageError(self._words("init.bad_name", limit=NAME_LENGTH))
        return name

    def _text(self, key: str, default: str) -> str:
        return default if self._silent else str(click.prompt(self._words(key), default=default))

    def _choice(self, key: str, options: Sequence[str], default: str) -> str:
        if self._silent:
            return default
        return str(click.prompt(self._words(key), type=click.Choice(options), default=default))

    def _confirm(self, key: str, *, default: bool) -> bool:
        if self._silent:
            return default
        shown = self._words("init.yes_or_no" if default else "init.no_or_yes")
        answer = click.prompt(
            f"{self._words(key)} {shown}", value_proc=_yes_or_no, default="", show_default=False
        )
        return default if answer == "" else bool(answer)

    def _token(self, one: Messenger) -> str | None:
        """Ask for a token without showing it; None when the person has none yet."""
        if self._silent:
            raise click.UsageError(self._words(f"init.no_token_{one.kind}", name=one.variable))
        for _ in range(_ATTEMPTS):
            token = self._hidden(self._words(f"init.ask_token_{one.kind}"))
            if not token:
                click.echo(self._words("init.later", name=one.title))
                return None
            if is_token(one, token):
                return token
            click.echo(self._words(f"init.bad_token_{one.kind}"))
        raise click.UsageError(self._words(f"init.bad_token_{one.kind}"))

    def _hidden(self, question: str) -> str:
        if sys.stdin.isatty():
            return str(click.prompt(question, hide_input=True, default="", show_default=False)).strip()
        click.echo(f"{question}: ")  # a pipe shows nothing by itself
        return sys.stdin.readline().strip()


def _yes_or_no(text: str) -> bool | str:
    """Read an answer in either language; an empty one stays empty. Raises `click.BadParameter`."""
    word = text.strip().lower()
    if word in {"", *_YES, *_NO}:
        return word in _YES if word else ""
    raise click.BadParameter("y/n, д/н")


def is_token(one: Messenger, text: str) -> bool:
    """Whether a text looks like a token of that messenger. Says nothing about whether the platform knows it."""
    from channels.registry import ChannelRegistry  # noqa: PLC0415 - loaded only by those who connect a messenger

    try:
        ChannelRegistry.installed().spec(one.kind).settings.model_validate({"token": text})
    except ValueError:
        return False
    return True


def write_new(path: Path, text: str, *, secret: bool = False) -> None:
    """Write a file that does not exist yet; `secret` keeps it from everybody else. Raises `OptfmError`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Exclusive: a file that has appeared meanwhile is not overwritten either.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise OptfmError(f"{path}: {error.strerror or error}") from error


def _given(one: Messenger, token_file: TextIO | None) -> str | None:
    """The token from a file or from the environment; None if neither has one."""
    if token_file is not None:
        return token_file.readline().strip()
    return os.environ.get(one.variable, "").strip() or None


def _has_token(path: Path, one: Messenger) -> bool:
    if os.environ.get(one.variable):
        return True
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.strip().removeprefix("export ").startswith(f"{one.variable}=") for line in lines)


def _in_the_way(
    item: str, contents: Mapping[str, str], directory: Path, output: Output, words: Words
) -> None:
    path = directory / item
    output.line(words("init.exists", path=path), mark=Mark.WARNING)
    if item != IGNORED:
        return
    try:
        known = set(path.read_text("utf-8", errors="replace").split())
    except OSError:
        return
    if missing := [line for line in contents[item].split() if line not in known]:
        output.line(words("init.add_ignored", lines=", ".join(missing)), indent=2)


def _next_steps(directory: Path, answers: Answers, output: Output, words: Words) -> None:
    output.advice()
    output.advice(words("init.next"))
    if directory.resolve() != Path.cwd():
        output.advice(f"cd {shlex.quote(str(directory))}", indent=2)
    steps = ["chat", *(["channels test"] if answers.tokens else []), "run"]
    width = max(len(step) for step in steps)
    for step in steps:
        about = words(f"init.next_{step.partition(' ')[0]}")
        output.advice(f"optfm-bot {step.ljust(width)}   {about}", indent=2)
