"""`optfm-bot config`: check what is set, show where each value comes from, give editors a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from channels.errors import Misconfigured
from channels.registry import ChannelRegistry
from config.check import json_schema
from config.load import LoadedConfig
from config.problem import ConfigError, Problem
from config.schema import is_secret_key
from config.secret import Secret
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.cli.desk_plan import DeskPlan, planned_desk
from optfm_bot.cli.exits import Exit, guarded
from optfm_bot.cli.journal import log_to_stderr
from optfm_bot.cli.mask import shown
from optfm_bot.cli.options import (
    config_option,
    debug_option,
    json_option,
    loaded,
    quiet_option,
    voice_options,
)
from optfm_bot.cli.output import Mark, Output
from optfm_bot.cli.remarks import Remark, Review, review, short
from optfm_bot.cli.words import Words, current_words
from optfm_bot.clock import SystemClock
from optfm_bot.helpdesk.registry import helpdesk_spec, installed_specs
from optfm_bot.knowledge import demo_knowledge
from optfm_bot.matching import matcher_factory
from optfm_bot.plan import plan_channels
from optfm_bot.staffing import make_carrier
from optfm_bot.tuning import tuned


@click.group()
def command() -> None:
    """Check and show the configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Everything that can be known about the settings without starting anything."""

    problems: Sequence[Problem]
    config: LoadedConfig | None = None
    plans: Sequence[ChannelPlan] = ()
    desk: DeskPlan | None = None
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
        desk = planned_desk(config)
        make_carrier(config, clock=SystemClock())
    except ConfigError as error:
        return Inspection(problems=error.problems, config=config, knowledge=knowledge)
    config = replace(config, warnings=(*config.warnings, *_unused_tuning(config)))
    return Inspection(problems=(), config=config, plans=plans, desk=desk, knowledge=knowledge)


def _unused_tuning(config: LoadedConfig) -> Sequence[Problem]:
    """The tuning that is named and cannot be used: the bot starts and answers with the shipped weights."""
    if config.settings.faq.tuning is None:
        return ()
    try:
        refused = tuned(matcher_factory(config, cwd=Path.cwd()), config.settings, cwd=Path.cwd()).refused
    except ConfigError as error:
        return error.problems
    if refused is None:
        return ()
    code = f"faq_tuning.{refused.kind.value.replace('-', '_')}"
    said = {
        language: f"{short(refused.path)}: {Words(language)(code)}; {Words(language)('config.shipped_weights')}"
        for language in ("en", "ru")
    }
    where = config.locate(("faq", "tuning"))
    return [Problem(where=where, key="faq.tuning", message=said["en"], message_ru=said["ru"])]


@command.command("check")
@config_option
@json_option
@voice_options
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
@voice_options
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
@quiet_option
@debug_option
@guarded
def schema_command() -> int:
    """Print the JSON Schema of the configuration file, for editors."""
    log_to_stderr("error")
    channels = {spec.kind: spec.settings for spec in ChannelRegistry.installed().specs()}
    Output().data(json_schema(channels, {kind: spec.settings for kind, spec in installed_specs().items()}))
    return Exit.OK


def settings_with_sources(config: LoadedConfig) -> list[tuple[str, str, str]]:
    """Every key with its value, as it may be shown, and its source."""
    registry = ChannelRegistry.installed()
    rows = []
    for key, source in config.sources.items():
        section, _, rest = key.partition(".")
        name, _, option = rest.partition(".")
        if section == "channels":
            value = _channel_value(config, registry, name, option)
        elif section == "helpdesk":
            value = _helpdesk_value(config, name, option)
        else:
            value = shown(rest, attrgetter(key)(config.settings))
        rows.append((key, value, source))
    return rows


def _channel_value(config: LoadedConfig, registry: ChannelRegistry, name: str, option: str) -> str:
    entry = config.settings.channels[name]
    if option == "type":
        return entry.type
    if option.startswith("delivery."):
        return shown(option, getattr(entry.delivery, option.partition(".")[2]))
    return _option(entry.options, option, lambda: registry.spec(entry.type).settings)


def _helpdesk_value(config: LoadedConfig, name: str, option: str) -> str:
    entry = config.settings.helpdesk[name]
    if option == "type":
        return entry.type
    return _option(entry.options, option, lambda: helpdesk_spec(entry.type).settings)


def _option(options: Mapping[str, Any], option: str, settings: Callable[[], type[BaseModel]]) -> str:
    value = options[option]
    return Secret(str(value)).masked() if value and _is_secret(settings, option) else shown(option, value)


def _is_secret(settings: Callable[[], type[BaseModel]], option: str) -> bool:
    """Whether a kind declares that option as a secret; a kind that cannot be asked has only secrets."""
    if is_secret_key(option):
        return True
    try:
        field = settings().model_fields.get(option)
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
