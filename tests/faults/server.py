"""A PostgreSQL server of a test's own: it may be stopped, killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import missing
from tests.e2e.processes import free_port

_PLACES = "/usr/lib/postgresql"
_SECONDS = 60


class Server:
    """One server with its files in `folder`, on a port of its own. PostgreSQL refuses to be root, so `user` is not."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self._programs = programs
        self._folder = folder
        self._user = user
        self._runs = False
        self.port = free_port()
        self.address = f"postgresql+asyncpg://tester@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "--username", "tester", "--auth", "trust", "--no-sync", "--encoding", "UTF8")

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=60"
        self._run("pg_ctl", "start", "--wait", "--log", str(self._folder / "log"), "--options", options)
        self._runs = True

    def stop(self, mode: str) -> None:
        """Stop it if it runs: `immediate` is a crash, `fast` ends every connection."""
        if self._runs:
            self._runs = False
            self._run("pg_ctl", "stop", "--wait", "--mode", mode)

    def restart(self, mode: str) -> None:
        """Stop and start it in one go."""
        self._run("pg_ctl", "restart", "--wait", "--mode", mode, "--log", str(self._folder / "log"))

    def _run(self, program: str, *arguments: str) -> None:
        # The output goes to a file, not a pipe: the server keeps what it was given open, and nobody would see its end.
        with (self._folder / "output").open("ab") as output:
            done = subprocess.run(
                [self._programs / program, *arguments, "--pgdata", self._folder / "data"],
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                cwd=self._folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
                check=False,
            )
        said = (self._folder / "output").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == 0, f"{program} {arguments}: {said[-2000:]}"


@contextmanager
def own_server() -> Iterator[Server]:
    """A server that runs, until the block ends; without the programs of one the test is left out."""
    programs = _programs()
    if programs is None:
        missing(
            "postgresql-server", "there is no initdb and pg_ctl; Debian has them in the package postgresql"
        )
    user = "postgres" if os.getuid() == 0 else None
    if user is not None and not any(one.pw_name == user for one in pwd.getpwall()):
        missing("postgresql-server", "PostgreSQL refuses to run as root, and there is no user postgres")
    # Not in the folder of the test, which belongs to whoever runs it.
    with tempfile.TemporaryDirectory(prefix="optfm-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        server = Server(programs, folder, user)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


def _programs() -> Path | None:
    """Where `initdb` and `pg_ctl` are: in PATH, or where Debian has those of its newest version."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path(_PLACES).glob("*/bin"), key=lambda place: float(place.parent.name), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)
