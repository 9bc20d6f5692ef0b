"""Loading the settings: defaults, YAML file, `.env`, environment, command line; later ones win."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.document import Document, read_document
from config.dotenv import read_dotenv
from config.environment import PLAIN_NAMES, almost_prefixed, prefixed_settings
from config.layers import Layers, without_nulls
from config.messages import problem
from config.problem import ConfigError, KeyPath, Problem, dotted
from config.references import BrokenReference, expand, names_in
from config.schema import Settings, is_secret_key, leaf_keys
from config.validate import Locate, validate_section

FILE_NAMES = ("config.yaml", "config.yml")
"""What is looked for in the current directory when no file is named."""

_OF_ENTRIES = ("channels", "helpdesk")
"""Sections of entries with names of the owner's: what the file says of them is all of them."""

_FILE_LIMIT = 1_048_576
_SECRET_LIMIT = 65_536
_SHARED_BY_DESIGN = "/run/secrets/"  # containers mount secrets there, readable to all inside by default


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """Valid settings and how they came about.

    `sources` gives for each dotted key its place: `default`, `config.yaml:14`, `.env:3`, `environment NAME`
    or `command line`. `path` is the file that was read. `locate` gives the place of any key at all.
    """

    settings: Settings
    sources: Mapping[str, str]
    warnings: tuple[Problem, ...]
    path: Path | None
    locate: Locate = field(repr=False)


def load_config(
    path: Path | None,
    *,
    env: Mapping[str, str],
    cwd: Path,
    overrides: Mapping[str, Any] | None = None,
) -> LoadedConfig:
    """Read everything and give valid settings, or raise `ConfigError` with every problem at once.

    With no `path`, `config.yaml` in `cwd` is read if it exists. `overrides` are dotted keys from the command
    line (`{"server.port": 9000}`). Options of channels and of the helpdesk are not validated: only the house knows
    their kinds.
    """
    return _Loading(env=env, cwd=cwd).run(path, overrides or {})


def _reading_order(found: Problem) -> tuple[bool, str, int]:
    """Sort by file and line, what was not written in a file last."""
    name, _, line = found.where.rpartition(":")
    return (not line.isdecimal(), name, int(line) if line.isdecimal() else 0)


class _Loading:
    """One run of the loader: collects layers, problems and warnings."""

    def __init__(self, *, env: Mapping[str, str], cwd: Path) -> None:
        self.cwd = cwd
        self.layers = Layers()
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.variables: dict[str, str] = {}
        self.places: dict[str, str] = {}
        self.referenced: set[str] = set()
        self._read_dotenv()
        for name, value in env.items():
            if value or name not in self.variables:  # an empty variable says nothing, so it hides nothing
                self.variables[name] = value
                self.places[name] = f"environment {name}"

    def run(self, path: Path | None, overrides: Mapping[str, Any]) -> LoadedConfig:
        path = path or self._find()
        if path is not None:
            self._read_file(path)
        self._plain_names(path)
        settings, problems = prefixed_settings(self.variables, self.places)
        self.problems += problems
        self.warnings += almost_prefixed(self.variables, self.places)
        for setting in settings:
            self.layers.put(setting.path, setting.value, setting.where)
        for key, value in overrides.items():
            self.layers.put(tuple(key.split(".")), value, "command line")
        self._demo_channel(path)
        result = validate_section(Settings, without_nulls(self.layers.data), locate=self.layers.locate)
        if not isinstance(result, Settings):
            reported = {found.key for found in self.problems}
            self.problems += [found for found in result if found.key not in reported]
        if self.problems or not isinstance(result, Settings):
            raise ConfigError(sorted(self.problems, key=_reading_order))
        self._warn_of_demo_faq(result)
        self._warn_of_lost_categories(result)
        return LoadedConfig(
            settings=result,
            sources=self._sources(result),
            warnings=tuple(self.warnings),
            path=path,
            locate=self.layers.locate,
        )

    # -- files --------------------------------------------------------------------------------------------

    def _find(self) -> Path | None:
        return next((self.cwd / name for name in FILE_NAMES if (self.cwd / name).is_file()), None)

    def _shown(self, path: Path) -> str:
        absolute = self.cwd / path
        return str(absolute.relative_to(self.cwd)) if absolute.is_relative_to(self.cwd) else str(path)

    def _read_text(self, path: Path) -> str | None:
        name = self._shown(path)
        try:
            with path.open("rb") as stream:
                raw = stream.read(_FILE_LIMIT + 1)
        except FileNotFoundError:
            self.problems.append(problem("no_file", where=name, key="", hint="create"))
            return None
        except OSError as error:
            self.problems.append(problem("unreadable", where=name, key="", reason=error.strerror))
            return None
        if len(raw) > _FILE_LIMIT:
            self.problems.append(problem("too_big", where=name, key="", limit=_FILE_LIMIT))
            return None
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            self.problems.append(problem("not_utf8", where=f"{name}:{line}", key="", hint="utf8"))
            return None

    def _read_dotenv(self) -> None:
        path = self.cwd / ".env"
        if not path.is_file():
            return
        text = self._read_text(path)
        if text is None:
            return
        values, problems = read_dotenv(text, name=".env")
        self.problems += problems
        for name, entry in values.items():
            self.variables[name] = entry.value
            self.places[name] = f".env:{entry.line}"

    def _read_file(self, path: Path) -> None:
        text = self._read_text(self.cwd / path)
        if text is None:
            return
        name = self._shown(path)
        document = read_document(text, name=name)
        self.problems += document.problems
        for key, value in document.data.items():
            resolved = self._resolve(value, (key,), document, name, (self.cwd / path).parent)
            self.layers.put((key,), resolved, f"{name}:{document.lines[key,]}")
        for position, line in document.lines.items():
            self.layers.mark(position, f"{name}:{line}")

    def _resolve(self, value: Any, path: KeyPath, document: Document, name: str, base: Path) -> Any:
        if isinstance(value, dict):
            return {
                key: self._resolve(item, (*path, key), document, name, base) for key, item in value.items()
            }
        if isinstance(value, list):
            return [
                self._resolve(item, (*path, index), document, name, base) for index, item in enumerate(value)
            ]
        if not isinstance(value, str):
            return value
        where = f"{name}:{document.lines[path]}"
        if "${" not in value:
            self._warn_of_inline_secret(value, path, where)
            return value
        self.referenced |= names_in(value)
        try:
            expanded = expand(
                value, variable=self.variables.get, read_file=self._secret_reader(path, where, base)
            )
        except BrokenReference as broken:
            key = dotted(path)
            self.problems.append(
                problem(broken.code, where=where, key=key, hint=broken.hint, **broken.params)
            )
            return value
        return expanded or None  # `${NAME:-}` means "nothing", which is the default of the key

    def _secret_reader(self, key: KeyPath, where: str, base: Path) -> Callable[[str], str]:
        def read(name: str) -> str:
            path = base / Path(name).expanduser()
            try:
                with path.open("rb") as stream:
                    mode = os.fstat(stream.fileno()).st_mode
                    text = stream.read(_SECRET_LIMIT).decode("utf-8-sig")
            except UnicodeDecodeError:
                raise BrokenReference("secret_file", "", path=name, reason="not UTF-8") from None
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or str(error)
                raise BrokenReference("secret_file", "", path=name, reason=reason) from None
            if os.name == "posix" and mode & stat.S_IROTH and not str(path).startswith(_SHARED_BY_DESIGN):
                found = problem("open_secret", where=where, key=dotted(key), hint="chmod", path=name)
                self.warnings.append(found)
            return text.strip()

        return read

    # -- rules --------------------------------------------------------------------------------------------

    def _plain_names(self, path: Path | None) -> None:
        """Let the plain names speak where the file does not.

        A file that names channels names all of them, and one that names a helpdesk names the only one.
        """
        file = self._shown(path) if path else ""
        by_section = {section: self.layers.has((section,)) for section in _OF_ENTRIES}
        for name, key in PLAIN_NAMES.items():
            value = self.variables.get(name, "").strip()
            if not value:
                continue
            section = str(key[0])
            decided = by_section[section] if section in by_section else self.layers.has(key)
            if not decided:
                self.layers.put(key, value, self.places[name])
            elif name not in self.referenced:
                found = problem(
                    "unused", where=self.places[name], key="", hint="use_variable", name=name, file=file
                )
                self.warnings.append(found)

    def _demo_channel(self, path: Path | None) -> None:
        """Serve the web chat when nothing names a channel."""
        channels = self.layers.data.get("channels")
        if channels is None:
            self.layers.data.pop("channels", None)
        elif path is None and isinstance(channels, dict) and set(channels) == {"web"}:
            web = channels["web"]
            if isinstance(web, dict) and web.get("type") is None:
                self.layers.put(("channels", "web", "type"), "webchat", "default")

    def _warn_of_inline_secret(self, value: str, path: KeyPath, where: str) -> None:
        last = str(path[-1])
        secret = is_secret_key(last) and not last.endswith("_file") and path[0] != "texts"
        in_address = path == ("database", "url") and ":" in value.partition("://")[2].rpartition("@")[0]
        in_notice = path[0] == "notify" and "urls" in path
        if value and (secret or in_address or in_notice):
            found = problem("inline_secret", where=where, key=dotted(path), hint="move_secret")
            self.warnings.append(found)

    def _warn_of_demo_faq(self, settings: Settings) -> None:
        demo = all(entry.type in {"webchat", "console"} for entry in settings.channels.values())
        if settings.faq.path is None and not demo:
            self.warnings.append(problem("demo_faq", where="default", key="faq.path", hint="faq_path"))

    def _warn_of_lost_categories(self, settings: Settings) -> None:
        notify = settings.notify
        if notify.assign != "category" or not all(one.categories for one in notify.managers):
            return
        known = {category for one in notify.managers for category in one.categories}
        for name, form in settings.forms.items():
            if form.category and form.category not in known:
                path = ("forms", name, "category")
                where = self.layers.locate(path)
                self.warnings.append(
                    problem(
                        "nobody_knows",
                        where=where,
                        key=dotted(path),
                        hint="category",
                        category=form.category,
                    )
                )

    def _sources(self, settings: Settings) -> dict[str, str]:
        origins = self.layers.origins
        sources = {
            dotted(key): origins.get(key, "default")
            for key in leaf_keys(Settings)
            if key[0] not in _OF_ENTRIES
        }
        for name, entry in settings.channels.items():
            sources[f"channels.{name}.type"] = origins.get(("channels", name, "type"), "default")
            for option in entry.options:
                sources[f"channels.{name}.{option}"] = self.layers.locate(("channels", name, option))
            for option in entry.delivery.model_fields_set:
                key = ("channels", name, "delivery", option)
                sources[dotted(key)] = self.layers.locate(key)
        for name, desk in settings.helpdesk.items():
            sources[f"helpdesk.{name}.type"] = origins.get(("helpdesk", name, "type"), "default")
            for option in desk.options:
                sources[f"helpdesk.{name}.{option}"] = self.layers.locate(("helpdesk", name, option))
        return sources
