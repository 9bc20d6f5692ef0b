"""The bot's processes: started, killed and started again, and what they take of the machine."""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from optfm_bot.bench.report import ProcessUse
from optfm_bot.errors import OptfmError

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 20.0
_PORTS = (12_000, 32_000)
"""Below what systems give to outgoing connections: a process that was killed finds its port free again."""
_NOT_OURS = ("OPTFM", "TELEGRAM_", "MAX_BOT", "FREESCOUT_", "DATABASE_URL")
"""Variables of a real bot on this machine: they would connect it to the real platforms."""
_LAST_WORDS = 2000
_WITHOUT_SERVER = frozenset({"worker", "poller"})
"""Roles of which nobody asks whether they are ready over HTTP."""


class BenchFailed(OptfmError):
    """The measurement could not be made."""


def free_port() -> int:
    """A port on which nobody listens now."""
    dice = random.SystemRandom()
    while True:
        port = dice.randrange(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port


class BotProcess:
    """One `optfm-bot run` with a configuration of its own in `folder`; `role` is for `--role`, None for none."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], role: str | None) -> None:
        self.name = name
        self.role = role
        self.port = int(settings["server"]["port"])
        self.kills = 0
        self._folder = folder
        self._config = folder / f"{name}.yaml"
        self._output = folder / f"{name}.txt"
        self._process: asyncio.subprocess.Process | None = None
        self._past_cpu = self._cpu = self._marked = 0.0
        self._rss = self._most_rss = 0.0
        self._told = False
        # It may hold the password of a database. JSON is YAML.
        self._config.touch(mode=0o600)
        self._config.write_text(json.dumps(settings), "utf-8")

    @property
    def address(self) -> str:
        """Where its HTTP server is."""
        return f"http://{HOST}:{self.port}"

    @property
    def serves(self) -> bool:
        """Whether people and platforms reach it over HTTP."""
        return self.role not in _WITHOUT_SERVER

    async def start(self) -> None:
        """Start it, and wait for nothing."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        role = [] if self.role is None else ["--role", self.role]
        with self._output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "optfm_bot", "run", "--config", str(self._config), *role),
                cwd=self._folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl+C in the terminal is for the measurement, which ends the bots when it has seen enough.
                start_new_session=True,
            )

    def check(self) -> None:
        """Raise `BenchFailed` with its last words if it has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            code = self._process.returncode
            raise BenchFailed(
                f"The bot process {self.name} has ended with the code {code}. {self.last_words()}"
            )

    def last_words(self) -> str:
        """A sentence with the end of what it has written; it writes warnings and errors only, and no secrets."""
        said = self._output.read_text("utf-8", errors="replace") if self._output.exists() else ""
        return f"{self.name} said: {said[-_LAST_WORDS:].strip() or '(nothing)'}"

    async def ready(self, session: aiohttp.ClientSession) -> bool:
        """Whether it says that it is ready. Raises `BenchFailed` if it has ended."""
        self.check()
        if not self.serves:
            return True
        try:
            async with session.get(
                f"{self.address}/readyz", timeout=aiohttp.ClientTimeout(total=5)
            ) as answer:
                return answer.status == 200  # noqa: PLR2004 - the status of a yes
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def kill(self) -> None:
        """End it as a power cut would."""
        self.look()
        self._past_cpu += self._cpu
        self._cpu = 0.0
        self.kills += 1
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not; may be called twice."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    # -- what it takes ---------------------------------------------------------------------------------------

    def look(self) -> None:
        """Note what it takes now; nothing where the system has no /proc."""
        if self._process is None or self._process.returncode is not None:
            return
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
            status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        except OSError:
            return
        self._cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        lines = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        if lines:
            self._rss = int(lines[0].split()[1]) / 1024
            self._most_rss = max(self._most_rss, self._rss)
        self._told = True

    def mark(self) -> None:
        """Count what it takes from now on."""
        self.look()
        self._marked = self._past_cpu + self._cpu
        self._most_rss = self._rss

    def use(self) -> ProcessUse:
        """What it took since the mark."""
        self.look()
        return ProcessUse(
            name=self.name,
            cpu_seconds=self._past_cpu + self._cpu - self._marked if self._told else None,
            rss_mb=self._rss if self._told else None,
            most_rss_mb=self._most_rss if self._told else None,
            kills=self.kills,
        )


class Fleet:
    """All processes of the bot on one database. `roles` gives each its own, or nothing at all."""

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], count: int, roles: Sequence[str] = ()
    ) -> None:
        ports = [free_port() for _ in range(count)]
        named: Sequence[str | None] = roles or [None] * count
        served = next(
            (p for p, role in zip(ports, named, strict=True) if role not in _WITHOUT_SERVER), ports[0]
        )
        # One address for the platform, whoever of them answers there.
        public = f"http://{HOST}:{served}"
        self.processes = [
            BotProcess(
                folder,
                f"bot-{number}" if role is None else f"bot-{number}-{role}",
                {**settings, "server": {"host": HOST, "port": port, "public_url": public}},
                role,
            )
            for number, (port, role) in enumerate(zip(ports, named, strict=True), start=1)
        ]

    @property
    def addresses(self) -> list[str]:
        """Where requests may go."""
        return [one.address for one in self.processes if one.serves]

    async def start(self) -> None:
        """Start all of them, and wait for nothing."""
        for one in self.processes:
            await one.start()

    async def wait_ready(self, session: aiohttp.ClientSession, *only: BotProcess) -> None:
        """Wait until all of them (or these) are ready. Raises `BenchFailed` if one ends or takes too long."""
        waited_for = only or self.processes
        try:
            async with asyncio.timeout(START_SECONDS):
                for one in waited_for:
                    while not await one.ready(session):  # noqa: ASYNC110 - another process has no event of ours
                        await asyncio.sleep(0.02)
        except TimeoutError:
            names = ", ".join(one.name for one in waited_for)
            raise BenchFailed(f"{names}: not ready {START_SECONDS:.0f} s after the start") from None

    def check(self) -> None:
        """Raise `BenchFailed` if one has ended by itself."""
        for one in self.processes:
            one.check()

    async def stop(self) -> None:
        """End all of them."""
        await asyncio.gather(*(one.stop() for one in self.processes))
