"""A bot with a web chat in a process of its own, and a stranger's site that shows its widget."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl

from tests.e2e import knowledge
from tests.e2e.processes import PATIENCE, UNPACED, eventually, free_port, request

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "put-the-chat-on-your-site.md"


class Site:
    """A shop that knows nothing of us but the line of the guide: the query of its address becomes data attributes."""

    def __init__(self, bot: str) -> None:
        self.bot = bot
        site = self

        class Pages(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path == "/shop.css":
                    self.answer(SHOP_STYLE.encode(), "text/css")
                elif path == "/example":
                    self.answer(site.example().encode(), "text/html; charset=utf-8")
                elif path == "/early":
                    page = site.page({}).replace(" defer ", " ")
                    twice = page.replace("</body>", re.findall("<script.*</script>", page)[0] + "</body>")
                    self.answer(twice.encode(), "text/html; charset=utf-8")
                elif path == "/":
                    self.answer(site.page(dict(parse_qsl(query))).encode(), "text/html; charset=utf-8")
                else:
                    self.send_error(404)

            def answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", site.csp())
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def csp(self) -> str:
        """The policy of a strict site with exactly the two lines of the guide."""
        guide = GUIDE.read_text("utf-8")
        lines = re.search(r"```text\n(script-src [^\n]+\nconnect-src [^\n]+)\n```", guide)
        assert lines is not None
        own = lines[1].replace("wss://bot.example.ru", self.bot.replace("http", "ws", 1))
        own = own.replace("https://bot.example.ru", self.bot).replace("\n", " ")
        return f"default-src 'none'; style-src 'self'; require-trusted-types-for 'script'; {own}"

    def example(self) -> str:
        """The example page of the guide, with the bot's real address."""
        page = re.search(r"```text\n(<!doctype html>.+?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        assert page is not None
        return page[1].replace("https://bot.example.ru", self.bot)

    def page(self, attributes: Mapping[str, str]) -> str:
        """A page with the widget."""
        given = " ".join(f'data-{name}="{html.escape(value)}"' for name, value in attributes.items())
        return (
            '<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>Садовый инвентарь</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="stylesheet" href="/shop.css"><script src="{self.bot}/chat/web/widget.js" defer {given}>'
            "</script></head><body><h1>Садовый инвентарь</h1><p>Лопаты, грабли и тачки с доставкой.</p>"
            '<p><a href="#catalogue">Каталог</a></p></body></html>'
        )


SHOP_STYLE = """
:root { color-scheme: light dark; font-size: 10px; }
body { font: 1.8rem Georgia, serif; margin: 4rem auto; max-width: 70rem; padding: 0 2rem; }
* { box-sizing: content-box; letter-spacing: .02em; }
button { background: red !important; border: 9px dotted lime !important; font-size: 40px !important; }
p, textarea { color: orange !important; text-transform: uppercase; }
"""
"""Style of a careless site: nothing of it may reach into the chat."""


class ChatBot:
    """`python -m optfm_bot run` with a web chat alone, its port and its database kept over any number of starts."""

    def __init__(self, folder: Path, **chat: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.page = f"{self.base}/chat/web/"
        self.process: subprocess.Popen[bytes] | None = None
        self.chat = chat
        self.sections: dict[str, Any] = dict(UNPACED)
        self.arguments: tuple[str, ...] = ()
        knowledge.write(folder / "knowledge.yaml")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            finally:
                self.process.kill()

    def start(self, **chat: Any) -> Self:
        """Start it, with settings of the chat laid over those it has; gives itself once it answers."""
        self.chat |= chat
        settings = {
            "server": {"port": self.port},
            "database": {"url": f"sqlite+aiosqlite:///{self.folder / 'bot.db'}"},
            "faq": {"path": "knowledge.yaml"},
            "channels": {"web": {"type": "webchat", **self.chat}},
            **self.sections,
        }
        (self.folder / "config.yaml").write_text(json.dumps(settings))
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "optfm_bot", "run", "--config", "config.yaml", *self.arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        eventually(self.answers, "the bot answers", seconds=2 * PATIENCE, alive=self.alive)
        return self

    def answers(self) -> bool:
        """Whether the bot is ready."""
        try:
            return request(self.port, "GET", "/readyz")[0] == 200
        except OSError:
            return False

    def alive(self) -> None:
        """Fail if it has ended."""
        assert self.process is not None
        output = (self.folder / "output.txt").read_text("utf-8")
        assert self.process.poll() is None, output

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def texts(self, direction: int = 0) -> list[str]:
        """What the record has, of people (0) or of the bot (1), in order."""
        with closing(
            sqlite3.connect(f"file:{self.folder / 'bot.db'}?mode=ro", uri=True, timeout=PATIENCE)
        ) as reader:
            rows = reader.execute("SELECT text FROM turns WHERE direction = ? ORDER BY id", (direction,))
            return [str(text) for (text,) in rows]

    def says(self, session: str, text: str, name: str) -> int:
        """Post a message as a page of ours would; gives the status."""
        body = json.dumps({"session": session, "id": name, "text": text}).encode()
        headers = {"Content-Type": "application/json", "Origin": self.base}
        return request(self.port, "POST", "/chat/web/messages", body, headers)[0]
