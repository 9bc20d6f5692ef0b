"""Drivers of real processes: the bot, and the strict fake of the platform that it talks to.

Nothing here sleeps to synchronise: waits are for the fake's counters, for a line of output or for an HTTP answer, each
with a deadline. Ports lie below the range that the system gives to outgoing connections, so that a bot that is down
for a moment finds its port free again.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from tests.e2e import knowledge

TOKEN = "777000777:CANARYcanaryCANARY-canary_CANARY0123"
WEBHOOK_SECRET = "CANARY-webhook-secret_0123456789"
MAX_TOKEN = "f9LHodD0cOL-CANARYcanaryCANARY_canaryCANARY0123456"
GREEN_ID = "310012345678"
GREEN_TOKEN = "c0ffee00c0ffee00c0ffee00CANARY00c0ffee00c0ffee00"
CANARIES = (TOKEN.partition(":")[2], MAX_TOKEN, GREEN_TOKEN, WEBHOOK_SECRET)
"""What may appear nowhere but in the configuration and on the wire to the platform."""

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
USERNAME = "optfm_test_bot"
PATIENCE = 30.0
"""Seconds after which what should happen counts as not happening; the machine may be busy."""

UNPACED: Mapping[str, Mapping[str, Any]] = {
    "conversation": {"join_window": 0, "page_size": knowledge.PAGE},
    "limits": {"person_per_minute": 0},
    "delivery": {"per_chat_per_second": 0, "per_bot_per_second": 0},
}
"""Settings of a bot that waits for nothing."""

_PORTS = (12_000, 32_000)
_NOT_OURS = ("OPTFM", "TELEGRAM_", "MAX_BOT", "FREESCOUT_", "DATABASE_URL")
_never = threading.Event()


def free_port() -> int:
    """Give a port that nobody listens on and that no outgoing connection will take."""
    dice = random.SystemRandom()
    while True:
        port = dice.randrange(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def eventually(
    check: Callable[[], Any], what: str, *, seconds: float = PATIENCE, alive: Callable[[], object] = int
) -> Any:
    """Give the first true result of `check`; fail after `seconds`, or as soon as `alive` raises."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        alive()
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {found!r}")
        _never.wait(0.02)
    return found


def request(
    port: int, method: str, path: str, body: bytes | None = None, headers: Mapping[str, Any] | None = None
) -> tuple[int, bytes]:
    """Make one HTTP request to this machine; gives the status and the body of the answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()


class Fake:
    """A fake platform in a process of its own, steered over `/_control`; it outlives any number of bots.

    `told` is the line in which it names its addresses, `name` what a bot calls its channel to it.
    """

    name = ""

    def __init__(self, module: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"channels.testing.{module}", *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.base, self.port = self.told["base_url"], self.told["port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it; may be called twice."""
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def control(self, command: str, **fields: Any) -> dict[str, Any]:
        """Give one command; see the fake's `control.py`."""
        status, body = request(self.port, "POST", f"/_control/{command}", json.dumps(fields).encode())
        assert status == 200, f"/_control/{command} {fields}: {status} {body.decode()}"
        return dict(json.loads(body))

    def push(self, kind: str, *args: Any, **fields: Any) -> dict[str, Any]:
        """Let a person do something; see the fake's `inbound.py`."""
        return self.control("push", kind=kind, args=args, **fields)

    def state(self) -> dict[str, Any]:
        """The fake's counters."""
        return self.control("state")

    def wait(self, *, timeout: float = PATIENCE, **measures: int) -> dict[str, Any]:
        """Wait until the fake's counters are there; fails with its state."""
        return self.control("wait", timeout=timeout, **measures)

    def sent(self, chat: int | str | None = None, since: int = 0) -> list[dict[str, Any]]:
        """The messages that reached people, or one chat, in order."""
        return list(self.control("sent", since=since, chat_id=chat)["messages"])

    def channel(self, mode: str) -> dict[str, Any]:
        """The settings of a channel to it."""
        secret = {"webhook_secret": WEBHOOK_SECRET} if mode == "webhook" else {}
        return {"mode": mode, **secret}


class MaxPlatform(Fake):
    """The fake Bot API of MAX."""

    name = "max"

    def __init__(self, *arguments: str) -> None:
        super().__init__("max_server", "--token", MAX_TOKEN, "--retry-scale", "0.002", *arguments)

    def channel(self, mode: str) -> dict[str, Any]:
        """The settings of a channel to it."""
        return {"token": MAX_TOKEN, "api_base": self.base, **super().channel(mode)}


class GreenPlatform(Fake):
    """The fake GREEN-API with one instance that is logged in; `settings` are those of the instance."""

    name = "green"

    def __init__(self, network: str, *arguments: str, **settings: str) -> None:
        super().__init__(
            "green_server",
            *("--network", network, "--id-instance", GREEN_ID, "--token", GREEN_TOKEN),
            *("--delay-scale", "0", "--retry-scale", "0.002", "--restart", "0"),
            *arguments,
        )
        self.network = network
        self.control("settings", **settings)

    def channel(self, mode: str) -> dict[str, Any]:
        """The settings of a channel to it."""
        return {
            "type": "green_api",
            "network": self.network,
            "api_url": self.told["api_url"],
            "media_url": self.told["media_url"],
            "id_instance": GREEN_ID,
            "api_token_instance": GREEN_TOKEN,
            **super().channel(mode),
        }


class Platform(Fake):
    """The fake Bot API of Telegram."""

    name = "telegram"

    def __init__(self, *arguments: str) -> None:
        super().__init__(
            "telegram_server",
            *("--token", TOKEN, "--username", USERNAME),
            *("--retry-scale", "0.02", "--set-webhook-interval", "0"),
            *arguments,
        )
        self._ids = itertools.count(5001)

    def channel(self, mode: str) -> dict[str, Any]:
        """The settings of a channel to it."""
        return {"token": TOKEN, "api_base": self.base, **super().channel(mode)}

    # -- steering ----------------------------------------------------------------------------------

    def call(self, method: str, **given: Any) -> dict[str, Any]:
        """Call the Bot API with the bot's token, as another program would."""
        headers = {"Content-Type": "application/json"}
        path = f"/bot{TOKEN}/{method}"
        return dict(json.loads(request(self.port, "POST", path, json.dumps(given).encode(), headers)[1]))

    # -- looking -----------------------------------------------------------------------------------

    def edits(self, chat: int) -> list[dict[str, Any]]:
        """The edits that reached one chat, in order."""
        return list(self.control("edits", chat_id=chat)["messages"])

    def calls(self, method: str, chat: int | None = None) -> list[dict[str, Any]]:
        """The calls of one method, or those for one chat, refused ones included."""
        found = self.control("calls", method=method)["calls"]
        return [one for one in found if chat is None or one["given"].get("chat_id") == chat]

    def next_message(self, chat: int, *, after: int, seconds: float = PATIENCE) -> dict[str, Any]:
        """The first message to a chat after the one with that number, as soon as it is there."""
        deadline = time.monotonic() + seconds
        while True:
            total = self.state()["sent"]
            found = self.sent(chat, after)
            if found:
                return found[0]
            self.wait(sent=total + 1, timeout=max(0.0, deadline - time.monotonic()))

    # -- people ------------------------------------------------------------------------------------

    def person(self, **names: Any) -> Person:
        """Somebody new, in the private chat with the bot."""
        chat = next(self._ids)
        if names:
            self.control("person", id=chat, **names)
        return Person(self, chat)

    def group(self, *, supergroup: bool = False) -> Person:
        """Somebody in a new group."""
        number = next(self._ids)
        return Person(self, -1_000_000_000_000 - number if supergroup else -number, user=number)


class Person:
    """Somebody who talks to the bot. What they see is taken message by message, in order."""

    def __init__(self, platform: Platform, chat: int, user: int | None = None) -> None:
        self.platform = platform
        self.chat = chat
        self._user = {} if user is None else {"user": user}
        self._seen = 0

    def does(self, kind: str, *args: Any, **fields: Any) -> dict[str, Any]:
        """Do anything that the fake can push."""
        return self.platform.push(kind, *args, chat=self.chat, **self._user, **fields)

    def says(self, words: str, **place: Any) -> int:
        """Write a text; gives the id of the message."""
        return int(self.does("text", words, **place)["message_id"])

    def presses(self, label: str, message: Mapping[str, Any] | None = None) -> str:
        """Press a button, of the newest message that has it or of that one; gives the id of the press."""
        where = {} if message is None else {"message_id": message["message_id"]}
        return str(self.does("press", label, **where)["query_id"])

    def sees(self, words: str = "", *, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait for the next unseen message; it contains these words."""
        message = self.platform.next_message(self.chat, after=self._seen, seconds=seconds)
        self._seen = message["seq"]
        assert words in message["plain"], f"expected {words!r} in {message['plain']!r}"
        return message

    def sees_the_edit(self, words: str, number: int = 1) -> dict[str, Any]:
        """Wait for an edit in this chat, the first or a later one; it contains these words."""
        found = eventually(
            lambda: self.platform.edits(self.chat)[number - 1 : number], f"edit {number} in {self.chat}"
        )
        assert words in found[0]["plain"], f"expected {words!r} in {found[0]['plain']!r}"
        return dict(found[0])

    def sees_nothing_else(self) -> None:
        """Nothing came that was not looked at: the next message is the answer to a question asked now.

        Answers of one chat come in the order of its questions, so nothing that was owed before can still be on its way.
        """
        mention = f"@{USERNAME} " if self.chat < 0 else ""
        self.says(f"{mention}Как оплатить заказ?")
        self.sees("По счёту или картой.")
        unseen = [one["plain"] for one in self.platform.sent(self.chat, self._seen)]
        assert unseen == []


class Bot:
    """`python -m optfm_bot run` with a configuration and a database of its own in `folder`.

    Sections given by name are laid over quick defaults; `channel` over the settings of the channel. Everything that it
    writes is kept; `close` fails if a secret is in it, or an error that the test has not allowed in `expected`.
    """

    arguments: Sequence[str] = ()
    """What follows `run` on the command line."""

    def __init__(
        self,
        folder: Path,
        platform: Fake,
        *,
        mode: str = "polling",
        channel: Mapping[str, Any] | None = None,
        **sections: Any,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.platform = platform
        self.mode = mode
        self.port = free_port()
        self.database = folder / "bot.db"
        self.knowledge = folder / "knowledge.yaml"
        self.expected: set[str] = set()
        self.process: subprocess.Popen[bytes] | None = None
        self._begun = 0
        if not self.knowledge.exists():
            knowledge.write(self.knowledge)
        settings: dict[str, Any] = {
            "server": {"port": self.port, "public_url": f"http://127.0.0.1:{self.port}"},
            "database": {"url": f"sqlite+aiosqlite:///{self.database}"},
            "faq": {"path": self.knowledge.name},
            "log": {"format": "json", "level": "info"},
            **UNPACED,
            **sections,
        }
        settings["channels"] = {platform.name: {**platform.channel(mode), **(channel or {})}}
        config = folder / "config.yaml"
        config.write_text(json.dumps(settings))  # JSON is YAML
        config.chmod(0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(judge=kind is None)

    # -- life --------------------------------------------------------------------------------------

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process and wait for nothing."""
        assert self.process is None or self.process.poll() is not None, "it runs already"
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
        self._begun = len(self.output("stderr"))
        with self._output("stdout").open("ab") as out, self._output("stderr").open("ab") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "optfm_bot", "run", "--config", "config.yaml", *self.arguments],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return self.process

    def start(self) -> Self:
        """Start the process and wait until the platform's updates can reach it."""
        self.launch()
        eventually(self._receives, f"the bot receives; it said: {self.output()}", alive=self.alive)
        return self

    def _receives(self) -> bool:
        if "Ctrl+C" not in self.output("stderr")[self._begun :]:
            return False
        state = self.platform.state()
        return bool(
            state["webhook"].endswith(f":{self.port}/{self.platform.name}/webhook") or state["polling"]
        )

    def alive(self) -> None:
        """Fail if the process has ended."""
        assert self.process is not None
        code = self.process.poll()
        assert code is None, f"the bot has ended with {code}: {self.output()}"

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def terminate(self, seconds: float = 15.0) -> int:
        """Ask it to end; gives its exit code. Raises `TimeoutExpired` if it takes longer."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self, *, judge: bool = True) -> None:
        """End it and look at everything that it wrote."""
        if self.process is not None and self.process.poll() is None:
            try:
                code = self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
                raise
            assert not judge or code == 0, f"exit code {code}: {self.output()}"
        text = self.output()
        for canary in CANARIES:
            assert canary not in text, f"a secret was written: {text}"
        if judge:
            odd = [
                line for line in self.log() if line["level"] == "error" and line["event"] not in self.expected
            ]
            assert odd == [], f"unexpected errors: {odd}"
            assert "Traceback" not in self.output("stderr"), self.output("stderr")

    # -- looking -----------------------------------------------------------------------------------

    @property
    def rss(self) -> float:
        """Its resident memory in megabytes."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found is not None, status
        return int(found.group(1)) / 1024

    def _output(self, name: str) -> Path:
        return self.folder / f"{name}.txt"

    def output(self, *names: str) -> str:
        """Everything it wrote to `stdout` and `stderr`, over all starts."""
        files = [self._output(name) for name in names or ("stdout", "stderr")]
        return "".join(file.read_text(encoding="utf-8") for file in files if file.exists())

    def log(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, or those of one event."""
        lines = [json.loads(line) for line in self.output("stdout").splitlines() if line.endswith("}")]
        return [line for line in lines if event is None or line["event"] == event]

    def logs(self, event: str, *, seconds: float = PATIENCE, **fields: Any) -> dict[str, Any]:
        """Wait for a line of the log with these fields."""

        def look() -> list[dict[str, Any]]:
            return [line for line in self.log(event) if fields.items() <= line.items()]

        return dict(eventually(look, f"log {event} {fields}", seconds=seconds, alive=self.alive)[0])

    def get(self, path: str) -> tuple[int, str]:
        """Ask its server: status and text."""
        status, body = request(self.port, "GET", path)
        return status, body.decode()

    def status(self) -> dict[str, Any]:
        """The JSON of `/`."""
        return dict(json.loads(self.get("/")[1]))

    def is_state(self, state: str, *, seconds: float = PATIENCE) -> None:
        """Wait until `/` shows the channel in this state."""
        eventually(
            lambda: self.status()["channels"][self.platform.name]["state"] == state,
            f"the channel is {state}",
            seconds=seconds,
            alive=self.alive,
        )

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric of the channel, 0 if there is none."""
        wanted = {"channel": self.platform.name, **labels}
        for line in self.get("/metrics")[1].splitlines():
            head, _, value = line.rpartition(" ")
            found, _, rest = head.partition("{")
            pairs = dict(pair.split("=", 1) for pair in rest.rstrip("}").split(",") if "=" in pair)
            if found == name and {key: text.strip('"') for key, text in pairs.items()} == wanted:
                return float(value)
        return 0.0

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read its database; nothing is written, whether the bot runs or not."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=PATIENCE)) as reader:
            return reader.execute(statement, values).fetchall()

    def count(self, table: str, where: str = "1", *values: Any) -> int:
        """Count rows."""
        return int(self.rows(f"SELECT count(*) FROM {table} WHERE {where}", *values)[0][0])  # noqa: S608 - written by tests

    # -- the webhook's side ------------------------------------------------------------------------

    def webhook(self, body: bytes, headers: Mapping[str, Any] | None = None) -> int:
        """Push as the platform would, with its secret unless other `headers` are given; gives the status."""
        given = {SECRET_HEADER: WEBHOOK_SECRET} if headers is None else headers
        return request(
            self.port, "POST", "/telegram/webhook", body, {**given, "Content-Type": "application/json"}
        )[0]

    def webhook_update(self, update: Mapping[str, Any]) -> int:
        """Push one update as the platform would; gives the status."""
        return self.webhook(json.dumps(update).encode())


def texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What people read in messages."""
    return [str(one["plain"]) for one in messages]


def labels(message: Mapping[str, Any]) -> list[str]:
    """The labels of the buttons under a message, in reading order."""
    return [button["label"] for row in message["buttons"] for button in row]
