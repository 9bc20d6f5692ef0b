"""A virtual environment for each framework, kept in a cache folder, so that none of them comes near ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

BOTS = Path(__file__).with_name("bots")


def default_folder() -> Path:
    """Where environments are kept unless the command line says otherwise: the cache folder of the person."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "optfm-bot" / "frameworks"


def interpreter(bot: str, venvs: Path) -> Path:
    """The Python that runs `bots/<bot>.py`, installed on the first call and again when its requirements change.

    Raises:
        SystemExit: The packages could not be installed; pip has said why.
    """
    requirements = BOTS / f"{bot}.txt"
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = hashlib.sha256(version.encode() + requirements.read_bytes()).hexdigest()[:12]
    folder = venvs / f"{bot}-{wanted}"
    python = folder / "bin" / "python"
    complete = folder / "complete"
    if complete.exists():
        return python
    print(f"installing {bot} into {folder}", flush=True)
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted installation left
    venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--requirement", str(requirements)], check=False).returncode:
        raise SystemExit(f"{requirements.name} could not be installed into {folder}: see what pip says above")
    complete.touch()
    return python
