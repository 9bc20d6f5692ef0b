"""The tables of the reference, made from the code: `python docs/tables.py` writes them into the pages.

A page names a table between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`. A test makes the tables
again and compares, so a page cannot say what the code does not.
"""  # noqa: INP001 - a script beside the pages, no package

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from benchmarks.scaling_tables import RESULTS
from benchmarks.scaling_tables import TABLES as SCALING
from channels import errors, model
from channels.capabilities import Capabilities
from channels.contract import ChannelSpec
from channels.registry import BUILT_IN, ChannelRegistry
from config.environment import PLAIN_NAMES
from config.handoff import HelpdeskEntry
from config.people import FormSection, FormStepSection, ManagerSection
from config.schema import ChannelEntry, Settings
from optfm_bot.cli.exits import Exit
from optfm_bot.cli.main import main as command_line
from optfm_bot.helpdesk.registry import KINDS as HELPDESKS
from optfm_bot.helpdesk.registry import helpdesk_spec
from optfm_bot.i18n.catalogue import LANGUAGES, Catalogue, Message
from optfm_bot.observe.metrics import Metrics
from optfm_bot.receive.status import ChannelState
from optfm_bot.store.records import InboxState, OutboxState

ROOT = Path(__file__).resolve().parents[1]
PLACE = re.compile(r"(<!-- table: (?P<name>[\w -]+) -->\n)(?:(?!<!--)[^\n]*\n)*(<!-- end of table -->)")

EXITS = {
    Exit.OK: "All is well.",
    Exit.PROBLEMS: "The command worked and found problems: mistakes in the knowledge base, findings of `doctor`.",
    Exit.USAGE: "The command was called wrongly.",
    Exit.CONFIG: "The settings or the knowledge base keep the bot from starting, or the start was refused.",
    Exit.UNREACHABLE: "A platform does not answer.",
    Exit.REJECTED: "A platform refuses the credentials.",
    Exit.DATABASE: "The database cannot be used: schema, rights, disk.",
    Exit.INTERRUPTED: "Ctrl+C.",
}
INBOX = {
    InboxState.NEW: "Stored, not handled yet, or waiting for another try.",
    InboxState.DONE: "Handled; its answer is in the outbox.",
    InboxState.PARKED: "Put aside: it could not be read, or handling failed four times. `error` says why.",
}
OUTBOX = {
    OutboxState.READY: "Promised, waiting for its turn or for a retry.",
    OutboxState.SENDING: "The call to the platform may be under way.",
    OutboxState.SENT: "The platform accepted it; `external_ids` has its ids.",
    OutboxState.UNCERTAIN: "Nobody can know whether it arrived. It is not repeated.",
    OutboxState.DROPPED: "Not sent on purpose: the person has left, or it came too late.",
    OutboxState.FAILED: "Refused for good, or the attempts are used up. `error` says why.",
}
CHANNEL = {
    ChannelState.STARTING: "Nothing has been heard of the platform yet.",
    ChannelState.CONNECTED: "The last call worked.",
    ChannelState.DEGRADED: "Messages pass, but the platform told a probe of some trouble; `why` names it.",
    ChannelState.WAITING: "The platform does not answer or asked us to wait; it is tried again with growing pauses.",
    ChannelState.CONFLICT: "Somebody else receives this bot's updates: a second copy, or a webhook that is still set.",
    ChannelState.BAD_CREDENTIALS: "The platform refuses the token. A person has to act; it is tried again rarely.",
    ChannelState.FAILED: "The channel's own code failed; the log has the trace.",
    ChannelState.STANDBY: "Another of several processes receives here; this one sends, and is ready to take over.",
    ChannelState.STOPPED: "Closed on purpose.",
}
VARIANTS = {
    "aiogram-polling": ("bare aiogram echo, polling", "голое эхо на aiogram, polling"),
    "optfm-polling": ("**this bot, polling**", "**этот бот, polling**"),
    "optfm-polling-aiogram-client": (
        "this bot, polling, `client: aiogram`",
        "этот бот, polling, `client: aiogram`",
    ),
    "aiogram-webhook": ("bare aiogram echo, webhook", "голое эхо на aiogram, webhook"),
    "optfm-webhook": ("**this bot, webhook**", "**этот бот, webhook**"),
}


def table(headers: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(value: object) -> str:
    """Write a value the way a configuration file does; nothing is a dash."""
    if value is None or value in ("", ()):
        return "—"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, default=str)}`"


# -- settings --------------------------------------------------------------------------------------------------------


def settings_rows(section: type[BaseModel], prefix: str = "") -> Iterator[list[str]]:
    """Give key, default, what is allowed and the sentence of each setting of a section and of those inside it."""
    schema = section.model_json_schema()
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings_rows(field.annotation, f"{prefix}{name}.")
            continue
        found = schema["properties"][name]
        default = "**required**" if field.is_required() else code(found.get("default"))
        allows = allowed(found, schema.get("$defs", {})) or "—"
        yield [f"`{prefix}{name}`", default, allows, field.description or "—"]


def allowed(found: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Say in a few words which values a setting takes."""
    if "$ref" in found:
        found = definitions[found["$ref"].rpartition("/")[2]]
    if "anyOf" in found:
        return allowed(next(one for one in found["anyOf"] if one.get("type") != "null"), definitions)
    if "enum" in found:
        return ", ".join(code(value) for value in found["enum"])
    kinds = {"integer": "whole number", "number": "number", "boolean": "`true`, `false`", "array": "list"}
    kinds["object"] = "section"
    kind = kinds.get(found.get("type", ""), "text")
    low = found.get("minimum", found.get("exclusiveMinimum"))
    high = found.get("maximum")
    if low is not None and high is not None:
        return f"{kind}, {'over ' if 'exclusiveMinimum' in found else ''}{low:.15g} to {high:.15g}"
    if "pattern" in found:
        return f"text like `{found['pattern']}`"
    if "maxLength" in found:
        return f"text, {found.get('minLength', 0)} to {found['maxLength']} characters"
    return kind


def section_table(name: str) -> str:
    """The settings of one section of the file."""
    annotation = Settings.model_fields[name].annotation
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{name} is no section")
    return table(["Key", "Default", "Values", "What it is"], settings_rows(annotation))


def model_settings(model: type[BaseModel]) -> str:
    """The settings of a part of a section that is there several times."""
    return table(["Key", "Default", "Values", "What it is"], settings_rows(model))


def entry_table() -> str:
    """The two keys that every channel has."""
    rows = [
        [f"`{name}`", code(name) if name == "delivery" else "the instance's name", field.description or ""]
        for name, field in ChannelEntry.model_fields.items()
        if name != "options"
    ]
    rows[-1][1] = "—"
    return table(["Key", "Default", "What it is"], rows)


def helpdesk_entry_table() -> str:
    """The one key that every helpdesk has."""
    about = HelpdeskEntry.model_fields["type"].description or ""
    return table(["Key", "Default", "What it is"], [["`type`", "the entry's name", about]])


def helpdesk_settings(kind: str) -> str:
    """The settings of a kind of helpdesk."""
    return model_settings(helpdesk_spec(kind).settings)


def texts_table() -> str:
    """Every text of the bot by its name."""
    words = Catalogue.load()
    rows = [
        [f"`{key}`", *(_shown(words.message(key, language)) for language in LANGUAGES)]
        for key in sorted(words.keys)
    ]
    return table(["Name", *LANGUAGES], rows)


def _shown(message: Message) -> str:
    if not isinstance(message, str):
        return "<br>".join(f"{form}: {_shown(text)}" for form, text in message.items())
    return "<br>".join(f"`{line}`" for line in message.splitlines() if line)


def environment_table() -> str:
    """The plain variables."""
    known = ChannelRegistry.installed().kinds()
    rows = []
    for name, path in PLAIN_NAMES.items():
        there = path[0] != "channels" or path[1] in known
        key = f"`{'.'.join(map(str, path))}`"
        rows.append(
            [
                f"`{name}`",
                key if there else f"{key}; this channel is planned, and until then the start is refused",
            ]
        )
    return table(["Variable", "Key"], rows)


# -- channels --------------------------------------------------------------------------------------------------------


def spec(kind: str) -> ChannelSpec:
    """The spec of a built-in channel."""
    return ChannelRegistry.installed().spec(kind)


def channel_settings(kind: str) -> str:
    """The settings of a kind of channel."""
    return table(["Key", "Default", "Values", "What it is"], settings_rows(spec(kind).settings))


def capabilities_table(kind: str) -> str:
    """What a kind of channel can do."""
    able: Capabilities = spec(kind).capabilities
    buttons, rate = able.buttons, able.rate
    limits = "none" if buttons is None else (
        f"up to {buttons.max_rows} rows of {buttons.per_row}, labels of {buttons.label_length} characters,"
        f" {'with' if buttons.urls else 'without'} addresses"
    )  # fmt: skip
    media = ", ".join(f"{kind.value} up to {size // 1048576} MB" for kind, size in able.media.items())
    paces = [(rate.per_chat, "chat"), (rate.per_bot, "bot")]
    pace = ", ".join(f"{number:g} per second and {whose}" for number, whose in paces if number)
    rows = [
        ["receives by", ", ".join(sorted(transport.value for transport in spec(kind).transports))],
        ["text", f"{able.text_limit} {'UTF-16 units' if able.text_unit.value == 'utf16' else 'characters'}"],
        ["caption of a file", f"{able.caption_limit}" if able.caption_limit else "—"],
        ["markup", str(able.dialect)],
        ["buttons", limits],
        ["files", media or "none; they become links"],
        ["its own pace", f"{pace}, {rate.burst} at once" if pace else "none"],
        *(
            [about, "yes" if getattr(able, name) else "no"]
            for name, about in {
                "edit": "edits its messages",
                "typing": "shows “typing…”",
                "deep_links": "deep links",
                "threads": "topics",
                "groups": "groups",
                "reads_history": "reads the chat's history (`delivery.policy: verify`)",
            }.items()
        ),
    ]
    return table(["Capability", kind], rows)


# -- code ------------------------------------------------------------------------------------------------------------


def first_line(thing: object) -> str:
    """The promise of a class: the first paragraph of its docstring in one line."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def classes(module: Any) -> Iterator[tuple[str, Any]]:
    """The public classes that a module defines, in the order of the file."""
    for name, thing in vars(module).items():
        if inspect.isclass(thing) and thing.__module__ == module.__name__ and not name.startswith("_"):
            yield name, thing


def fields_of(thing: Any) -> str:
    """What makes a dataclass, or the values of an enum."""
    if issubclass(thing, Enum):
        return ", ".join(f"`{one.value}`" for one in thing)
    return ", ".join(f"`{field.name}`" for field in dataclasses.fields(thing) if field.init) or "—"


def model_table() -> str:
    """Every type of the message model."""
    rows = [[f"`{name}`", fields_of(thing), first_line(thing)] for name, thing in classes(model)]
    return table(["Type", "Fields", "What it is"], rows)


def errors_table() -> str:
    """Every reaction."""
    return table(
        ["Error", "What it says"], [[f"`{name}`", first_line(thing)] for name, thing in classes(errors)]
    )


def metrics_table() -> str:
    """Every metric of ours with its labels and their values."""
    metrics = Metrics(version="0")
    metrics.channel("telegram")
    metrics.http_request("/healthz", "GET", 200)
    metrics.component_restarts.labels(component="counts")
    metrics.store_commit_seconds.observe(0)
    rows = []
    for metric in metrics.registry.collect():
        if not metric.name.startswith("optfm_"):
            continue
        labels: dict[str, dict[str, None]] = {}
        for sample in metric.samples:
            for label, value in sample.labels.items():
                if label != "le":
                    labels.setdefault(label, {})[value] = None
        free = {"channel", "version", "python", "route", "method", "status_class", "component"}
        described = [
            f"`{label}`" + ("" if label in free else f" ({', '.join(values)})")
            for label, values in labels.items()
        ]
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        rows.append([f"`{name}`", metric.type, "; ".join(described) or "—", metric.documentation])
    return table(["Metric", "Type", "Labels", "What it is"], rows)


_EVERYWHERE = frozenset({"quiet", "debug"})
"""Options that the page tells of once, above the commands."""


def commands() -> str:
    """Every command with its options, as `--help` has them."""
    return "\n\n".join(_commands(command_line, "optfm-bot"))


def _commands(group: click.Group, path: str) -> Iterator[str]:
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")
        elif command is not None:
            inner = click.Context(command, info_name=f"{path} {name}")
            usage = " ".join(piece for piece in command.collect_usage_pieces(inner) if piece != "[OPTIONS]")
            text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
            records = [
                option.get_help_record(inner)
                for option in command.params
                if isinstance(option, click.Option) and option.name not in _EVERYWHERE
            ]
            rows = [[f"`{record[0]}`", record[1]] for record in records if record is not None]
            heading = f"### `{path} {name} {usage}".rstrip()
            options = f"\n\n{table(['Option', 'What it does'], rows)}" if rows else ""
            yield f"{heading}`\n\n{text}{options}"


def numbered(meanings: Mapping[Any, str], kind: type, header: str) -> str:
    """A table of an enum; every member has to be explained."""
    rows = [[f"`{member.value}`", member.name.lower(), meanings[member]] for member in kind]  # type: ignore[attr-defined] # an enum
    return table([header, "Name", "What it means"], rows)


def benchmark(language: int) -> str:
    """The measured numbers, in English (0) or Russian (1)."""
    results = json.loads((ROOT / "benchmarks" / "results" / "telegram.json").read_text("utf-8"))
    found, ratios = results["medians"], results["ratios"]
    headers = (
        ["", "Messages per second", "CPU per message in the burst", "p50", "p99", "Memory", "First answer"],
        ["", "Сообщений в секунду", "CPU на сообщение в залпе", "p50", "p99", "Память", "Первый ответ"],
    )[language]
    ms, mb, seconds = (("ms", "MB", "s"), ("мс", "МБ", "с"))[language]
    rows = [
        [
            names[language],
            f"{one['burst_per_second']:.0f} (×{ratios[variant]['burst_per_second']:.2f})",
            f"{one['cpu_ms_per_message']:.2f} {ms} (×{ratios[variant]['cpu_ms_per_message']:.2f})",
            f"{one['p50_ms']:.1f} {ms}",
            f"{one['p99_ms']:.1f} {ms}",
            f"{one['rss_mb']:.0f} {mb}",
            f"{one['first_answer_s']:.2f} {seconds}",
        ]
        for variant, names in VARIANTS.items()
        if (one := found.get(variant))
    ]
    return table(headers, rows)


TABLES: Mapping[str, Callable[[], str]] = {
    **{
        f"settings {name}": partial(section_table, name)
        for name in Settings.model_fields
        if name not in {"channels", "forms", "helpdesk", "texts"}
    },
    "settings helpdesk": helpdesk_entry_table,
    **{f"helpdesk {kind}": partial(helpdesk_settings, kind) for kind in HELPDESKS},
    "texts": texts_table,
    "settings forms": partial(model_settings, FormSection),
    "settings form steps": partial(model_settings, FormStepSection),
    "settings managers": partial(model_settings, ManagerSection),
    "settings channels": entry_table,
    "environment": environment_table,
    **{f"channel {kind}": partial(channel_settings, kind) for kind in BUILT_IN},
    **{f"capabilities {kind}": partial(capabilities_table, kind) for kind in BUILT_IN},
    "model": model_table,
    "errors": errors_table,
    "metrics": metrics_table,
    "commands": commands,
    "exits": lambda: numbered(EXITS, Exit, "Code"),
    "inbox states": lambda: numbered(INBOX, InboxState, "`inbox.state`"),
    "outbox states": lambda: numbered(OUTBOX, OutboxState, "`outbox.state`"),
    "channel states": lambda: table(
        ["State", "What it means"], [[f"`{state.value}`", CHANNEL[state]] for state in ChannelState]
    ),
    **{name: partial(make, RESULTS / "scaling.json") for name, make in SCALING.items()},
    "benchmark": lambda: benchmark(0),
    "benchmark ru": lambda: benchmark(1),
}


def pages() -> list[Path]:
    """Every page that may name a table."""
    return [ROOT / "README.md", ROOT / "README.ru.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """A page with its tables made anew. Raises `KeyError` for a table that nobody makes."""
    return PLACE.sub(lambda found: f"{found[1]}{TABLES[found['name']]()}\n{found[3]}", text)


if __name__ == "__main__":
    for page in pages():
        text = page.read_text("utf-8")
        if text != filled(text):
            page.write_text(filled(text), "utf-8")
            print(f"wrote {page.relative_to(ROOT)}")  # noqa: T201 - a report on the command line
