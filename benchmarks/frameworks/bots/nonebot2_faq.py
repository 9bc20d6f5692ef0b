"""A FAQ bot on nonebot2 with nonebot-adapter-telegram, by polling or by webhook."""

from __future__ import annotations

import nonebot
from answers import Answers, command_line
from nonebot.adapters.telegram import Adapter
from nonebot.adapters.telegram.event import MessageEvent

OPTIONS = command_line()
ANSWERS = Answers(OPTIONS.faq)


def main() -> None:
    bot = {"token": OPTIONS.token, "api_server": f"{OPTIONS.base}/", "is_webhook": bool(OPTIONS.port)}
    settings = {"driver": "~aiohttp", "log_level": "WARNING", "telegram_bots": [bot]}
    if OPTIONS.port:
        settings |= {
            "driver": "~fastapi+~aiohttp",
            "host": "127.0.0.1",
            "port": OPTIONS.port,
            "telegram_webhook_url": f"http://127.0.0.1:{OPTIONS.port}",
        }
    nonebot.init(_env_file=None, **settings)
    nonebot.get_driver().register_adapter(Adapter)
    matcher = nonebot.on_message()

    @matcher.handle()
    async def answer(event: MessageEvent) -> None:
        await matcher.finish(ANSWERS.nearest(event.get_plaintext()))

    nonebot.run()


if __name__ == "__main__":
    main()
