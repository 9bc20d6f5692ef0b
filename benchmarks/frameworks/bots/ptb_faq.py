"""A FAQ bot on python-telegram-bot, by polling or by webhook, as its documentation shows it.

Its `Application` handles one update after another unless `concurrent_updates` is switched on; the default is kept.
"""

from __future__ import annotations

import logging

from answers import Answers, command_line
from telegram import Update
from telegram.ext import Application, ContextTypes, MessageHandler, filters

OPTIONS = command_line()
ANSWERS = Answers(OPTIONS.faq)


async def answer(update: Update, _context: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.effective_message
    if message is not None:
        await message.reply_text(ANSWERS.nearest(message.text or ""))


def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    application = Application.builder().token(OPTIONS.token).base_url(f"{OPTIONS.base}/bot").build()
    application.add_handler(MessageHandler(filters.TEXT, answer))
    if OPTIONS.port:
        application.run_webhook(
            listen="127.0.0.1",
            port=OPTIONS.port,
            url_path="hook",
            webhook_url=f"http://127.0.0.1:{OPTIONS.port}/hook",
            secret_token=OPTIONS.secret,
            max_connections=100,
        )
    else:
        application.run_polling()


if __name__ == "__main__":
    main()
