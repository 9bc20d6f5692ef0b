"""`optfm-bot config`: check what is set, show where each value comes from, give editors a schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from channels.errors import Misconfigured
from channels.registry import ChannelRegistry
from config.check import json_schema
from config.load import LoadedConfig
from config.problem import ConfigError, Problem
from config.schema import is_secret_key
from config.secret import Secret
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.mask import shown
from optfm_bot.cli.options import config_option, json_option, language_option, loaded
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import Remark, Review, review
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.house import ChannelPlan
from optfm_bot.knowledge import demo_knowledge
from optfm_bot.plan import plan_channels


@click.group()
def command() -> None:
    """Check and show the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything that can be known about the settings without starting anything."""

    problems: Sequence[Problem]
    config: LoadedConfig | None = None
    plans: Sequence[ChannelPlan] = ()
    knowledge: Review | None = None

    @property
    def broken_knowledge(self) -> Sequence[Remark]:
        """What keeps the knowledge base from being read."""
        return self.knowledge.remarks if self.knowledge is not None and self.knowledge.base is None else ()

    @property
    def failed(self) -> bool:
        """Whether the bot could not start."""
        return bool(self.problems or self.broken_knowledge)


def inspect(config_path: Path | None) -> Inspection:
    """Read the settings, those of the channels and the knowledge base. What is wrong is in the result."""
    try:
        config = loaded(config_path)
    except ConfigError as error:
        return Inspection(problems=error.problems)
    path = config.settings.faq.path
    knowledge = review(
        Path.cwd() / path if path else demo_knowledge(), today=datetime.now(UTC).astimezone().date()
    )
    try:
        plans = plan_channels(config, clock=SystemClock(), cwd=Path.cwd())
    except ConfigError as error:
        return Inspection(problems=error.problems, config=config, knowledge=knowledge)
    return Inspection(problems=(), config=config, plans=plans, knowledge=knowledge)


@command.command("check")
@config_option
@json_option
@language_option
@guarded
def check_command(config_path: Path | None, *, as_json: bool) -> int:
    """Check everything that a start would need: settings, channels, knowledge base. Needs no network."""
    words, output = current_words(), Output()
    log_to_stderr("error")
    found = inspect(config_path)
    if as_json:
        output.data(_report(found, words))
    else:
        _print(found, words, output)
    return Exit.CONFIG if found.failed else Exit.OK


@command.command("show")
@config_option
@json_option
@language_option
@guarded
def show_command(config_path: Path | None, *, as_json: bool) -> int:
    """Show every value with its source, secrets masked."""
    words, output = current_words(), Output()
    log_to_stderr("error")
    rows = settings_with_sources(loaded(config_path))
    if as_json:
        output.data([{"key": key, "value": value, "source": source} for key, value, source in rows])
        return Exit.OK
    headers = [words(f"config.column_{name}") for name in ("key", "value", "source")]
    output.table(
        headers,
        [
            [key, value, words("config.default") if source == "default" else source]
            for key, value, source in rows
        ],
    )
    return Exit.OK


@command.command("schema")
@guarded
def schema_command() -> int:
    """Print the JSON Schema of the configuration file, for editors."""
    log_to_stderr("error")
    Output().data(json_schema({spec.kind: spec.settings for spec in ChannelRegistry.installed().specs()}))
    return Exit.OK


def settings_with_sources(config: LoadedConfig) -> list[tuple[str, str, str]]:
    """Every key with its value, as it may be shown, and its source."""
    registry = ChannelRegistry.installed()
    rows = []
    for key, source in config.sources.items():
        section, _, rest = key.partition(".")
        if section != "channels":
            value = getattr(getattr(config.settings, section), rest)
            rows.append((key, shown(rest, value), source))
            continue
        name, _, option = rest.partition(".")
        rows.append((key, _channel_value(config, registry, name, option), source))
    return rows


def _channel_value(config: LoadedConfig, registry: ChannelRegistry, name: str, option: str) -> str:
    entry = config.settings.channels[name]
    if option == "type":
        return entry.type
    if option.startswith("delivery."):
        return shown(option, getattr(entry.delivery, option.partition(".")[2]))
    value = entry.options[option]
    return (
        Secret(str(value)).masked()
        if value and _is_secret(registry, entry.type, option)
        else shown(option, value)
    )


def _is_secret(registry: ChannelRegistry, kind: str, option: str) -> bool:
    """Whether a channel declares that option as a secret; a channel that cannot be asked has only secrets."""
    if is_secret_key(option):
        return True
    try:
        field = registry.spec(kind).settings.model_fields.get(option)
    except Misconfigured:
        return True
    return field is None or "Secret" in str(field.annotation)


def _report(found: Inspection, words: Words) -> dict[str, Any]:
    warnings = found.config.warnings if found.config is not None else ()
    knowledge = found.knowledge.remarks if found.knowledge is not None else ()
    return {
        "ok": not found.failed,
        "problems": [_data(problem, words) for problem in found.problems],
        "warnings": [_data(problem, words) for problem in warnings],
        "knowledge": [remark.data() for remark in knowledge],
    }


def _data(problem: Problem, words: Words) -> dict[str, str]:
    russian = words.language == "ru"
    return {
        "where": problem.where,
        "key": problem.key,
        "message": (problem.message_ru if russian else "") or problem.message,
        "hint": (problem.hint_ru if russian else "") or problem.hint,
    }


def _print(found: Inspection, words: Words, output: Output) -> None:
    for problem in found.problems:
        output.line(problem.describe(words.language), mark=Mark.ERROR)
    if found.config is not None:
        for warning in found.config.warnings:
            output.line(warning.describe(words.language), mark=Mark.WARNING)
        if not found.problems:
            output.line(words("config.ok_settings", sources=sources_of(found.config, words)), mark=Mark.OK)
            names = ", ".join(plan.channel.instance for plan in found.plans)
            output.line(words("config.ok_channels", names=names), mark=Mark.OK)
    _print_knowledge(found, words, output)
    total = len(found.problems) + len(found.broken_knowledge)
    if total:
        output.line(words.count("count.errors", total))


def _print_knowledge(found: Inspection, words: Words, output: Output) -> None:
    knowledge = found.knowledge
    if knowledge is None:
        return
    if knowledge.base is None:
        for remark in knowledge.remarks:
            output.line(remark.describe(words), mark=Mark.ERROR)
        return
    entries = words.count("count.entries", len(knowledge.base.entries))
    output.line(words("config.ok_knowledge", entries=entries), mark=Mark.OK)
    if knowledge.remarks:
        remarks = words.count("count.remarks", len(knowledge.remarks))
        output.line(words("config.knowledge_remarks", remarks=remarks), mark=Mark.WARNING)


def sources_of(config: LoadedConfig, words: Words) -> str:
    """Name what the settings were read from."""
    places = set(config.sources.values())
    variables = sum(place.startswith("environment ") for place in places)
    parts = [
        config.path.name if config.path else words("config.no_file"),
        *([words.count("config.variables", variables)] if variables else []),
        *([".env"] if any(place.startswith(".env:") for place in places) else []),
    ]
    return ", ".join(parts)
