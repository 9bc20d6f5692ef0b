"""serve: the log of a bot that serves knows every secret of its settings, wherever it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.load import load_config
from optfm_bot.cli import serve
from optfm_bot.observe.redact import Redactor

TOKEN = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
CONFIG = f"""\
channels: {{telegram: {{token: "{TOKEN}"}}}}
helpdesk:
  mail:
    address: bot@example.ru
    to: staff@example.ru
    smtp: {{host: mx.example.ru, username: bot, password: canary-smtp-1}}
    imap: {{host: mx.example.ru, username: bot, password: canary-imap-2}}
notify: {{urls: ["json://127.0.0.1/canary-notify-3"]}}
"""


def test_secrets_of_channels_of_the_helpdesk_and_of_notices_are_hidden_from_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Redactor] = []
    monkeypatch.setattr(serve, "configure_logging", lambda *, redactor, **_: made.append(redactor))
    monkeypatch.setattr(serve, "log_crashes", lambda: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")

    serve.make_app(load_config(None, env={}, cwd=tmp_path))

    (redactor,) = made
    for secret in (TOKEN, "canary-smtp-1", "canary-imap-2", "json://127.0.0.1/canary-notify-3"):
        assert redactor.text(f"said {secret} here") == "said *** here"
