"""Who is there besides the bot, made from the settings."""

from __future__ import annotations

from pathlib import Path

from config.load import load_config
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.mail.helpdesk import MailHelpdesk
from optfm_bot.staffing import make_helpdesk

SETTINGS = """\
helpdesk:
  mail:
    type: mail
    address: bot@shop.test
    to: staff@shop.test
    imap: {host: imap.shop.test, username: bot, password: "${PASSWORD}"}
    smtp: {host: smtp.shop.test, username: bot, password: "${PASSWORD}"}
texts:
  ru:
    helpdesk.mail.customer: Клиент пишет нам
"""


def test_a_helpdesk_speaks_with_the_owners_words(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SETTINGS, "utf-8")
    loaded = load_config(None, env={"PASSWORD": "wind and water"}, cwd=tmp_path)

    desk = make_helpdesk(loaded, clock=ManualClock(), channels={})

    assert isinstance(desk, MailHelpdesk)
    assert "Клиент пишет нам" == desk._head.words.label("helpdesk.mail.customer", "ru")
