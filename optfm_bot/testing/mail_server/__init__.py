"""A strict mail server on this machine, for tests: SMTP that takes mail, IMAP that shows it, and what may go wrong."""

from optfm_bot.testing.mail_server.folders import Account, Folder, Stored
from optfm_bot.testing.mail_server.server import Accepted, Fault, MailServer

__all__ = ["Accepted", "Account", "Fault", "Folder", "MailServer", "Stored"]
