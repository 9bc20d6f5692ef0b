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

TOKEN_VARIABLE = "TELEGRAM_BOT_TOKEN"  # noqa: S105 - the name of a variable
NAME_LENGTH = 64

_IGNORE = """\
.env
secrets/
*.db
*.db-wal
*.db-shm
*.db.lock
"""
_TELEGRAM = f"  telegram: {{token: ${{{TOKEN_VARIABLE}}}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the owner of a new bot has decided. `token` is None when there is none to write down."""

    name: str
    language: str
    telegram: bool
    samples: bool
    token: str | None = field(default=None, repr=False)


def starter_files(answers: Answers) -> Mapping[str, str]:
    """Give the contents of each file by its name. The token is in `.env` and nowhere else."""
    return {
        CONFIG: _config(answers),
        ENVIRONMENT: _environment(answers),
        KNOWLEDGE: _template(f"{'starter' if answers.samples else 'minimal'}.{answers.language}.yaml"),
        IGNORED: _IGNORE,
    }


def _config(answers: Answers) -> str:
    # JSON strings are YAML strings; `$${` keeps a name from being read as a reference.
    name = json.dumps(answers.name, ensure_ascii=False).replace("${", "$${")
    telegram = _TELEGRAM if answers.telegram else f"  #{_TELEGRAM[1:]}"
    text = _template(f"config.{answers.language}.yaml").replace("{telegram}", telegram)
    return text.replace("{name}", name)


def _environment(answers: Answers) -> str:
    if answers.token:
        return f"{TOKEN_VARIABLE}={answers.token}\n"
    return f"# {TOKEN_VARIABLE}=123456789:AA…\n"


def _template(name: str) -> str:
    return files("optfm_bot.demo").joinpath("templates", name).read_text("utf-8")
