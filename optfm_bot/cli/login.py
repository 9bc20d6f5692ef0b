"""`optfm-bot channels login`: an account is logged in with a phone, by a QR code in the terminal."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import click

from channels.contract import Channel, Login, LoginState, LoginStep
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.operate import closed_afterwards, one_channel
from optfm_bot.cli.options import config_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.words import Words, current_words
from optfm_bot.i18n.hints import translate

LOGIN_SECONDS = 360.0
"""How long somebody may look for their phone."""


@click.command("login")
@click.argument("name")
@click.option(
    "--png",
    "picture",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Save the QR code as this picture too, for a terminal that cannot show it.",
)
@config_option
@voice_options
@guarded
def login_command(name: str, picture: Path | None, config_path: Path | None) -> int:
    """Log the account of a channel in: shows a QR code and waits until a phone has scanned it. Needs the network."""
    words, output = current_words(), Output()
    channel = one_channel(config_path, name)
    if not isinstance(channel, Login):
        raise click.UsageError(words("login.not_needed", name=name))
    return asyncio.run(_follow(channel, channel, Screen(output, words, picture)))


class Screen:
    """Shows the steps of a login as they come; a code that stays the same is drawn once."""

    def __init__(self, output: Output, words: Words, picture: Path | None) -> None:
        self._output = output
        self._words = words
        self._picture = picture
        self._png: bytes | None = None
        self._said = ""

    def show(self, step: LoginStep) -> None:
        """Show a step."""
        if step.message and step.message != self._said:
            self._said = step.message
            self._output.line(translate(step.message, self._words.language), mark=_MARKS.get(step.state))
        if step.qr_png is not None and step.qr_png != self._png:
            self._png = step.qr_png
            self._draw(step.qr_png)

    def too_late(self) -> None:
        """Say that nobody came."""
        self._output.line(self._words("login.too_late"), mark=Mark.ERROR)

    def broken_off(self) -> None:
        """Say that the channel had nothing more to say."""
        self._output.line(self._words("login.broken_off"), mark=Mark.ERROR)

    def _draw(self, png: bytes) -> None:
        from channels.qr import draw  # noqa: PLC0415 - needed by this command alone

        if self._picture is not None:
            self._save(png, self._picture)
        try:
            # Not through `line`: the drawing is made of what it takes out.
            click.echo(draw(png, colour=not self._output.plain))
        except ValueError as error:
            self._output.line(self._words("login.not_drawn", why=error), mark=Mark.WARNING)

    def _save(self, png: bytes, path: Path) -> None:
        try:
            path.touch(mode=0o600)  # whoever scans it first is logged in
            path.write_bytes(png)
        except OSError as error:
            why = error.strerror or str(error)
            self._output.line(self._words("login.not_saved", path=path, why=why), mark=Mark.WARNING)
        else:
            self._output.line(self._words("login.saved", path=path))


_MARKS = {LoginState.DONE: Mark.OK, LoginState.FAILED: Mark.ERROR}


async def _follow(channel: Channel, login: Login, screen: Screen) -> Exit:
    """Go through the login. Ctrl+C cancels it here, and the channel hears of it before it is closed."""
    async with closed_afterwards(channel):
        try:
            async with asyncio.timeout(LOGIN_SECONDS), AsyncExitStack() as stack:
                steps = login.login()
                if (close := getattr(steps, "aclose", None)) is not None:
                    stack.push_async_callback(close)
                async for step in steps:
                    screen.show(step)
                    if step.state is LoginState.DONE:
                        return Exit.OK
                    if step.state is LoginState.FAILED:
                        return Exit.PROBLEMS
        except TimeoutError:
            screen.too_late()
            return Exit.PROBLEMS
    screen.broken_off()
    return Exit.PROBLEMS
