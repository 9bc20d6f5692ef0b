"""Services on the loopback that our people are told through: a web hook and a mail server, both of them scripted."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Hook:
    """A web hook: `answer` is the status of the next answers, `cut` breaks the connection off instead."""

    def __init__(self) -> None:
        self.answer = 200
        self.cut = False
        self.got: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.got.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                if outer.cut:
                    self.close_connection = True
                    return
                self.send_response(outer.answer)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"json://anna:hunter2@127.0.0.1:{self.server.server_port}/"


class Mail:
    """A mail server: `refused` are recipients that it does not know."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.got: list[str] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                while line := self.rfile.readline().decode().strip():
                    word = line.upper()
                    if word.startswith("RCPT") and any(name in line for name in outer.refused):
                        self._say("550 no such mailbox")
                    elif word.startswith("DATA"):
                        self._say("354 go on")
                        lines = []
                        while (text := self.rfile.readline()) != b".\r\n":
                            lines.append(text.decode())
                        outer.got.append("".join(lines))
                        self._say("250 taken")
                    elif word.startswith("QUIT"):
                        self._say("221 bye")
                        return
                    else:
                        self._say("250 ok")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def url(self, *to: str) -> str:
        port = self.server.server_address[1]
        recipients = ",".join(to)
        return f"mailto://127.0.0.1:{port}/?from=bot@example.ru&to={recipients}&smtp=127.0.0.1&mode=insecure"


def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()
    for _ in _serving(found.server):
        yield found


@pytest.fixture
def mail() -> Iterator[Mail]:
    found = Mail()
    for _ in _serving(found.server):
        yield found
