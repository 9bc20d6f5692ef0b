"""`optfm-bot channels`: which channels there are, how they are set up, and whether they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from channels.capabilities import Capabilities
from channels.contract import ChannelSpec, HealthState
from channels.registry import ChannelRegistry
from config.load import LoadedConfig
from config.validate import secrets_in
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.login import login_command
from optfm_bot.cli.mask import settings_of
from optfm_bot.cli.operate import do_command, operations_command
from optfm_bot.cli.options import config_option, json_option, loaded, voice_options
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.probing import MARKS, PROBE_SECONDS, probe_all, worst
from optfm_bot.cli.record import record_command
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.i18n.hints import translate
from optfm_bot.plan import plan_channels


@click.group()
def command() -> None:
    """List and test the channels."""


command.add_command(record_command)
for _added in (login_command, operations_command, do_command):
    command.add_command(_added)


@command.command("list")
@config_option
@click.option(
    "--available", is_flag=True, help="List the types that are installed instead of what is configured."
)
@json_option
@voice_options
@guarded
def list_command(config_path: Path | None, *, available: bool, as_json: bool) -> int:
    """List the configured channels with their settings, secrets masked."""
    log_to_stderr("error")
    if available:
        return _available(Output(), current_words(), as_json=as_json)
    return _configured(planned(loaded(config_path)), Output(), current_words(), as_json=as_json)


@command.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@config_option
@json_option
@voice_options
@guarded
def test_command(names: Sequence[str], config_path: Path | None, *, as_json: bool) -> int:
    """Ask each platform whether it knows us. Sends nothing and changes nothing there. Needs the network."""
    words, output = current_words(), Output()
    plans = {plan.channel.instance: plan for plan in planned(loaded(config_path))}
    if unknown := [name for name in names if name not in plans]:
        raise click.UsageError(words("channels.unknown", name=", ".join(unknown), known=", ".join(plans)))
    channels = [plans[name].channel for name in names or plans]
    log_to_stderr("error", [secret for channel in channels for secret in secrets_in(channel.settings)])
    with output.waiting(words("channels.asking")):
        probes = asyncio.run(probe_all(channels, seconds=PROBE_SECONDS))
    if as_json:
        output.data([probe.data() for probe in probes])
        return worst(probes)
    headers = [words(f"channels.column_{name}") for name in ("channel", "type", "identity", "state")]
    output.table(
        headers,
        [
            [p.instance, p.kind, p.health.identity or "—", words(f"probe.{p.health.state.value}")]
            for p in probes
        ],
    )
    for probe in probes:
        if probe.health.state is not HealthState.OK:
            output.line(f"{probe.instance}: {probe.sentence(words)}", mark=MARKS[probe.health.state])
    return worst(probes)


def planned(config: LoadedConfig) -> Sequence[ChannelPlan]:
    """The configured channels, made and unopened. Raises `ConfigError`."""
    return plan_channels(config, clock=SystemClock(), cwd=Path.cwd())


def summary(capabilities: Capabilities, words: Words) -> str:
    """Name in a few words what a channel can do."""
    able = [
        words("channels.text_limit", n=capabilities.text_limit),
        *(
            words(f"channels.can_{name}")
            for name in ("edit", "typing", "threads")
            if getattr(capabilities, name)
        ),
    ]
    if capabilities.buttons is not None:
        able.insert(1, words("channels.can_buttons"))
    if capabilities.media:
        able.append(words("channels.can_media"))
    return ", ".join(able)


def _configured(plans: Sequence[ChannelPlan], output: Output, words: Words, *, as_json: bool) -> int:
    rows = [_row(plan, words) for plan in plans]
    if as_json:
        output.data(rows)
        return Exit.OK
    headers = [
        words(f"channels.column_{name}")
        for name in ("channel", "type", "title", "transport", "settings", "can")
    ]
    output.table(
        headers,
        [
            [
                row["channel"],
                row["type"],
                row["title"],
                row["transport"],
                ", ".join(f"{key}={value}" for key, value in row["settings"].items()) or "—",
                row["can"],
            ]
            for row in rows
        ],
    )
    return Exit.OK


def _row(plan: ChannelPlan, words: Words) -> dict[str, Any]:
    channel = plan.channel
    mode = getattr(channel.settings, "mode", None)
    return {
        "channel": channel.instance,
        "type": channel.spec.kind,
        "title": channel.spec.title,
        "transport": mode.value if mode is not None else _transports(channel.spec),
        "settings": settings_of(channel.settings),
        "can": summary(channel.capabilities, words),
    }


def _transports(spec: ChannelSpec) -> str:
    return ", ".join(sorted(transport.value for transport in spec.transports))


def _available(output: Output, words: Words, *, as_json: bool) -> int:
    registry = ChannelRegistry.installed()
    specs = registry.specs()
    problems = registry.problems()
    if as_json:
        output.data(
            {
                "types": [
                    {
                        "type": spec.kind,
                        "title": spec.title,
                        "package": registry.distribution(spec.kind),
                        "transports": sorted(transport.value for transport in spec.transports),
                        "can": summary(spec.capabilities, words),
                    }
                    for spec in specs
                ],
                "problems": dict(problems),
            }
        )
        return Exit.OK
    headers = [words(f"channels.column_{name}") for name in ("type", "title", "package", "transport", "can")]
    output.table(
        headers,
        [
            [
                spec.kind,
                spec.title,
                registry.distribution(spec.kind),
                _transports(spec),
                summary(spec.capabilities, words),
            ]
            for spec in specs
        ],
    )
    for kind, sentence in problems.items():
        output.line(f"{kind}: {translate(sentence, words.language)}", mark=Mark.ERROR)
    return Exit.OK
