"""Checks across fields, and the JSON Schema for editors. Pure: what they ask of the world is passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from config.handoff import HelpdeskEntry
from config.messages import problem
from config.problem import Problem
from config.schema import ChannelEntry, DeliveryOverride, DeliveryPolicy, Settings
from config.secret import Secret
from config.validate import Locate

INSTANCE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
RESERVED_NAMES = frozenset(
    {"api", "admin", "chat", "healthz", "readyz", "metrics", "freescout", "static", "version"}
)
"""First parts of the server's own addresses; a channel of that name would hide them."""

HELPDESK_ADDRESSES = frozenset({"freescout"})
"""Those of them that are there for a helpdesk of that name."""

_IDENTITY = ("token", "id_instance")
"""Options that say which bot of a platform a channel is."""


def check_settings(
    settings: Settings,
    *,
    locate: Locate,
    reads_history: Callable[[str], bool],
    directory_exists: Callable[[Path], bool],
    semantic_installed: Callable[[], bool],
) -> list[Problem]:
    """Give every problem that single fields cannot show.

    `reads_history` tells of a kind of channel whether it can read the history of a chat; `directory_exists`
    tells of a path, relative to where the program runs, whether it is a directory; `semantic_installed` whether
    the packages of the semantic matcher are there.
    """
    found = [*_names(settings, locate), *_webhooks(settings, locate), *_same_bots(settings, locate)]
    found += _helpdesk_names(settings, locate)
    found += _history(settings, locate, reads_history)
    found += _directory(settings, locate, directory_exists)
    found += _matcher(settings, locate, semantic_installed)
    if not settings.channels:
        found.append(problem("no_channels", where=locate(("channels",)), key="channels", hint="add_channel"))
    return found


def _names(settings: Settings, locate: Locate) -> Iterator[Problem]:
    for name in settings.channels:
        where, key = locate(("channels", name)), f"channels.{name}"
        if not INSTANCE_NAME.fullmatch(name):
            yield problem("instance_name", where=where, key=key)
        elif name in RESERVED_NAMES:
            yield problem("reserved_name", where=where, key=key, name=name)


def _helpdesk_names(settings: Settings, locate: Locate) -> Iterator[Problem]:
    for name, entry in settings.helpdesk.items():
        where, key = locate(("helpdesk", name)), f"helpdesk.{name}"
        if not INSTANCE_NAME.fullmatch(name):
            yield problem("helpdesk_name", where=where, key=key)
        elif name in RESERVED_NAMES - HELPDESK_ADDRESSES:
            yield problem("reserved_name", where=where, key=key, name=name)
        elif name in settings.channels:
            yield problem(
                "helpdesk_is_channel",
                where=where,
                key=key,
                hint="rename_helpdesk",
                name=name,
                kind=entry.type,
            )


def _webhooks(settings: Settings, locate: Locate) -> Iterator[Problem]:
    public = settings.server.public_url or ""
    for name, entry in settings.channels.items():
        if entry.options.get("mode") != "webhook":
            continue
        where, key = locate(("channels", name, "mode")), f"channels.{name}.mode"
        # A platform's server of one's own, reached without TLS, may also push without it.
        base = _plain(entry.options.get("api_base") or entry.options.get("api_url"))
        plain_is_enough = base.startswith("http://")
        if not public.startswith(("https://", "http://") if plain_is_enough else "https://"):
            yield problem("webhook_needs_url", where=where, key=key, hint="webhook_url")


def _same_bots(settings: Settings, locate: Locate) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for name, entry in settings.channels.items():
        for option in _IDENTITY:
            identity = _plain(entry.options.get(option))
            if not identity:
                continue
            other = seen.setdefault((option, identity), name)
            if other != name:
                where = locate(("channels", name, option))
                yield problem(
                    "same_bot", where=where, key=f"channels.{name}.{option}", hint="one_channel", other=other
                )


def _history(settings: Settings, locate: Locate, reads_history: Callable[[str], bool]) -> Iterator[Problem]:
    for name, entry in settings.channels.items():
        if settings.delivery_for(name).policy is not DeliveryPolicy.VERIFY or reads_history(entry.type):
            continue
        own = entry.delivery.policy is not None
        path = ("channels", name, "delivery", "policy") if own else ("delivery", "policy")
        yield problem(
            "verify_needs_history",
            where=locate(path),
            key=f"channels.{name}.delivery.policy",
            hint="other_policy",
            kind=entry.type,
        )


def _directory(settings: Settings, locate: Locate, exists: Callable[[Path], bool]) -> Iterator[Problem]:
    scheme, _, rest = settings.database.url.partition("://")
    file = rest.partition("?")[0].removeprefix("/")
    if not scheme.startswith("sqlite") or file in {"", ":memory:"} or file.startswith("file:"):
        return
    folder = Path(file).parent
    if not exists(folder):
        where = locate(("database", "url"))
        yield problem("no_directory", where=where, key="database.url", hint="mkdir", path=folder)


def _matcher(settings: Settings, locate: Locate, semantic_installed: Callable[[], bool]) -> Iterator[Problem]:
    if settings.faq.matcher == "semantic" and not semantic_installed():
        where = locate(("faq", "matcher"))
        yield problem("semantic_missing", where=where, key="faq.matcher", hint="install_semantic")


def _plain(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    return "" if value is None else str(value).strip()


# -- JSON Schema -----------------------------------------------------------------------------------------


def json_schema(
    channel_settings: Mapping[str, type[BaseModel]] | None = None,
    helpdesk_settings: Mapping[str, type[BaseModel]] | None = None,
) -> dict[str, Any]:
    """Give the JSON Schema of the file, for editors; the arguments add the options of each kind."""
    schema = Settings.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "optfm-bot configuration"
    definitions: dict[str, Any] = schema["$defs"]
    override = DeliveryOverride.model_json_schema(ref_template="#/$defs/{model}")
    definitions.update(override.pop("$defs", {}))
    definitions["DeliveryOverride"] = override
    own = {"delivery": {"$ref": "#/$defs/DeliveryOverride"}}
    _describe_entries(schema, "channels", ChannelEntry, channel_settings or {}, own)
    _describe_entries(schema, "helpdesk", HelpdeskEntry, helpdesk_settings or {}, {})
    return {key: _with_references(value) for key, value in schema.items()}


def _describe_entries(
    schema: dict[str, Any],
    section: str,
    entry_model: type[BaseModel],
    kinds: Mapping[str, type[BaseModel]],
    own: Mapping[str, Any],
) -> None:
    """Describe a section of flat entries: `type` and what is `own` to all, and the options that go with each kind."""
    definitions, entries = schema["$defs"], schema["properties"][section]
    kind_of = {"type": "string", "description": entry_model.model_fields["type"].description}
    entry: dict[str, Any] = {"type": ["object", "null"], "properties": {"type": kind_of, **own}}
    for kind, model in sorted(kinds.items()):
        options = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions.update(options.pop("$defs", {}))
        then = {"properties": options.get("properties", {})}
        entry.setdefault("allOf", []).append(
            {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": then}
        )
        # An instance named like its kind needs no `type`.
        by_name = {
            "allOf": [{"$ref": f"#/$defs/{entry_model.__name__}"}],
            "if": {"not": {"required": ["type"]}},
            "then": then,
        }
        entries.setdefault("properties", {})[kind] = by_name
    definitions[entry_model.__name__] = entry
    entries["propertyNames"] = {"pattern": f"^{INSTANCE_NAME.pattern}$"}


def _with_references(node: Any) -> Any:
    """Let every number and switch be a `${NAME}` too, as the loader does."""
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in (
        "integer",
        "number",
        "boolean",
    ):  # a tuple: the key may also be a property or a list
        about = {key: node[key] for key in ("title", "description", "default") if key in node}
        value = {key: item for key, item in node.items() if key not in about}
        return {**about, "anyOf": [value, {"type": "string", "pattern": r"\$\{.+\}"}]}
    return {key: _with_references(value) for key, value in node.items()}
