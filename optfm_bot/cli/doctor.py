"""`optfm-bot doctor`: look at everything at once and say what to do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import click

from config.validate import secrets_in
from optfm_bot.cli.checkup import GROUPS, Checkup
from optfm_bot.cli.config import inspect
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.options import config_option, json_option, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.sign import Sign
from optfm_bot.cli.words import Words, current_words


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Ask nobody outside of this machine.")
@json_option
@voice_options
@guarded
def command(config_path: Path | None, *, offline: bool, as_json: bool) -> int:
    """Look at the configuration, knowledge, database, channels, helpdesk, disk and security, and say what to do."""
    words, output = current_words(), Output()
    began = time.monotonic()
    log_to_stderr("error")
    found = inspect(config_path)
    secrets = [secret for plan in found.plans for secret in secrets_in(plan.channel.settings)]
    log_to_stderr("error", [*secrets, *(found.desk.secrets if found.desk is not None else ())])
    checkup = Checkup(found, words, cwd=Path.cwd(), offline=offline)
    with output.waiting(words("doctor.looking")):
        signs = asyncio.run(checkup.signs())
    seconds = time.monotonic() - began
    errors = sum(sign.mark is Mark.ERROR for sign in signs)
    warnings = sum(sign.mark is Mark.WARNING for sign in signs)
    if as_json:
        report = {"ok": not errors, "errors": errors, "warnings": warnings, "seconds": round(seconds, 2)}
        output.data({**report, "findings": [sign.data() for sign in signs]})
    else:
        shown = [sign for sign in signs if sign.mark is not Mark.OK] if output.quiet else signs
        _print(shown, words, output)
        counted = f"{words.count('count.errors', errors)}, {words.count('count.warnings', warnings)}"
        if not output.quiet:
            output.line(f"{counted} · {words('doctor.seconds', n=words.number(seconds))}")
    return Exit.PROBLEMS if errors else Exit.OK


def _print(signs: Sequence[Sign], words: Words, output: Output) -> None:
    for group, members in groupby(
        sorted(signs, key=lambda sign: GROUPS.index(sign.group)), lambda sign: sign.group
    ):
        output.line(words(f"doctor.group_{group}"))
        for sign in members:
            output.line(sign.text, mark=sign.mark, indent=2)
            if sign.fix:
                output.line(f"→ {sign.fix}", indent=6)
