"""The files of a new bot: from answers to contents. Pure but for reading the templates of this package."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files

CONFIG = "config.yaml"
ENVIRONMENT = ".env"
KNOWLEDGE = "knowledge/faq.yaml"
IGNORED = ".gitignore"
NAMES = (CONFIG, ENVIRONMENT, KNOWLEDGE, IGNORED)

NAME_LENGTH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Messenger:
    """A platform that one token connects: the type of its channel, its title, and the variable with the token."""

    kind: str
    title: str
    variable: str
    example: str

    @property
    def line(self) -> str:
        """Its line in the settings."""
        return f"  {self.kind}: {{token: ${{{self.variable}}}}}"


TELEGRAM = Messenger(
    kind="telegram", title="Telegram", variable="TELEGRAM_BOT_TOKEN", example="123456789:AA…"
)
MAX = Messenger(kind="max", title="MAX", variable="MAX_BOT_TOKEN", example="f9LHodD0cOL5…")
MESSENGERS = (TELEGRAM, MAX)

_IGNORE = """\
.env
secrets/
*.db
*.db-wal
*.db-shm
*.db.lock
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the owner of a new bot has decided.

    `tokens` has a key for the kind of each messenger to connect; the token is None when there is none to write down.
    """

    name: str
    language: str
    samples: bool
    tokens: Mapping[str, str | None] = field(default_factory=dict, repr=False)


def starter_files(answers: Answers) -> Mapping[str, str]:
    """Give the contents of each file by its name. The token of each messenger is in `.env` and nowhere else."""
    return {
        CONFIG: _config(answers),
        ENVIRONMENT: _environment(answers),
        KNOWLEDGE: _template(f"{'starter' if answers.samples else 'minimal'}.{answers.language}.yaml"),
        IGNORED: _IGNORE,
    }


def _config(answers: Answers) -> str:
    # JSON strings are YAML strings; `$${` keeps a name from being read as a reference.
    name = json.dumps(answers.name, ensure_ascii=False).replace("${", "$${")
    lines = [one.line if one.kind in answers.tokens else f"  #{one.line[1:]}" for one in MESSENGERS]
    text = _template(f"config.{answers.language}.yaml").replace("{messengers}", "\n".join(lines))
    return text.replace("{name}", name)


def _environment(answers: Answers) -> str:
    lines = []
    for one in MESSENGERS:
        token = answers.tokens.get(one.kind)
        lines.append(f"{one.variable}={token}" if token else f"# {one.variable}={one.example}")
    return "\n".join([*lines, ""])


def _template(name: str) -> str:
    return files("optfm_bot.demo").joinpath("templates", name).read_text("utf-8")
