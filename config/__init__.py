"""Settings: typed schema, loading from YAML and environment, problems with file and line. Knows nobody.

The public names are imported on first use: whoever only needs `config.secret` loads neither schema nor YAML.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.check import RESERVED_NAMES, check_settings, json_schema
    from config.load import LoadedConfig, load_config
    from config.problem import ConfigError, KeyPath, Problem
    from config.schema import ChannelEntry, Delivery, DeliveryPolicy, Settings
    from config.secret import Secret
    from config.validate import Locate, secrets_in, validate_section

__all__ = [
    "RESERVED_NAMES",
    "ChannelEntry",
    "ConfigError",
    "Delivery",
    "DeliveryPolicy",
    "KeyPath",
    "LoadedConfig",
    "Locate",
    "Problem",
    "Secret",
    "Settings",
    "check_settings",
    "json_schema",
    "load_config",
    "secrets_in",
    "validate_section",
]

_HOMES = {
    **dict.fromkeys(("RESERVED_NAMES", "check_settings", "json_schema"), "config.check"),
    **dict.fromkeys(("LoadedConfig", "load_config"), "config.load"),
    **dict.fromkeys(("ConfigError", "KeyPath", "Problem"), "config.problem"),
    **dict.fromkeys(("ChannelEntry", "Delivery", "DeliveryPolicy", "Settings"), "config.schema"),
    **dict.fromkeys(("Locate", "secrets_in", "validate_section"), "config.validate"),
    "Secret": "config.secret",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'config' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
