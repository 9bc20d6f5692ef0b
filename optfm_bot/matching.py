"""Which matcher the settings ask for, and where it keeps what it works out."""

from __future__ import annotations

from pathlib import Path

from config.load import LoadedConfig
from config.messages import problem
from config.problem import ConfigError, Problem
from config.schema import Settings
from faq.manager import MatcherFactory, default_matcher
from optfm_bot.store.engine import database_url, sqlite_path

CACHE = Path(".cache") / "optfm-bot"


def matcher_factory(loaded: LoadedConfig, *, cwd: Path) -> MatcherFactory:
    """Give what makes matchers as `faq.matcher` says; for `semantic` its model is loaded here, once a process.

    Raises `ConfigError` if a package is missing or broken that the settings need.
    """
    if loaded.settings.faq.matcher == "core":
        return default_matcher
    from faq.semantic import is_installed  # noqa: PLC0415 - only those who asked for it pay for the tier

    where, key = loaded.locate(("faq", "matcher")), "faq.matcher"
    if not is_installed():
        raise ConfigError([problem("semantic_missing", where=where, key=key, hint="install_semantic")])
    from faq.matching.semantic import semantic_matcher  # noqa: PLC0415 - as above
    from faq.semantic.cache import VectorCache  # noqa: PLC0415 - as above
    from faq.semantic.encoder import SemanticUnavailable, shipped_encoder  # noqa: PLC0415 - as above

    try:
        encoder = shipped_encoder()
        encoder.load()
    except SemanticUnavailable as error:
        raise ConfigError([Problem(where=where, key=key, message=str(error))]) from error
    return semantic_matcher(encoder, VectorCache(cache_folder(loaded.settings, cwd=cwd)))


def cache_folder(settings: Settings, *, cwd: Path) -> Path:
    """Where vectors are kept: `faq.cache`, else `.cache/optfm-bot` beside the SQLite file, else in `cwd`.

    The folder of the database is one that the bot may write to and that outlives a container.
    """
    if settings.faq.cache is not None:
        return cwd / Path(settings.faq.cache).expanduser()
    database = sqlite_path(database_url(settings.database.url))
    beside = cwd / database.parent if database is not None else cwd
    # A folder that does not exist is a mistake in `database.url`: making it here would hide that.
    return (beside if beside.is_dir() else cwd) / CACHE
