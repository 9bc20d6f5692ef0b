"""This project beside other frameworks, each with a minimal FAQ bot, on the same fake Telegram.

    python -m benchmarks.frameworks --rounds 5    everything, a table and results/frameworks.json
    python -m benchmarks.frameworks --rounds 1 --only optfm-polling --only errbot-polling

Each framework is installed, pinned, into a virtual environment of its own below `--venvs`. Its bot answers five
questions from memory and stores nothing; ours stores everything (SQLite, synchronous=FULL). The columns are those of
`benchmarks.telegram`, and four more about a kill -9 in the middle of a burst: see `kills.py`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from benchmarks.frameworks.environments import BOTS, default_folder, interpreter
from benchmarks.frameworks.kills import BASE, MESSAGES, Kills
from benchmarks.suite import HERE, SECRET, Suite, arguments, free_port, house, run
from benchmarks.telegram import TOKEN

FIVE: Mapping[str, str] = {
    "Сколько стоит доставка?": "Доставка по России стоит от 300 рублей.",
    "Как оплатить заказ?": "По счёту или картой.",
    "Где мой заказ?": "Номер для отслеживания придёт в письме.",
    "Какой минимальный заказ?": "Минимальный заказ — 1000 рублей.",
    "Какой график работы?": "Мы работаем с понедельника по пятницу, с 9 до 18 часов.",
}
"""What the texts of the suite ask, and the same base for every bot."""

BOT_OF = {
    "nonebot2": "nonebot2_faq",
    "errbot": "errbot_faq",
    "python-telegram-bot": "ptb_faq",
    "aiogram-faq": "aiogram_faq",
}
VARIANTS = (
    "aiogram-echo-polling",
    "optfm-polling",
    "optfm-polling-at-least-once",
    "nonebot2-polling",
    "errbot-polling",
    "python-telegram-bot-polling",
    "aiogram-faq-polling",
    "aiogram-echo-webhook",
    "optfm-webhook",
    "nonebot2-webhook",
    "python-telegram-bot-webhook",
    "aiogram-faq-webhook",
)


def command(questions: Mapping[str, str], venvs: Path, variant: str, base: str, folder: Path) -> list[str]:
    """The command line of a bot that knows these questions."""
    name, _, mode = variant.removesuffix("-at-least-once").rpartition("-")
    port = free_port() if mode == "webhook" else 0
    common = ["--base", base, "--token", TOKEN, "--port", str(port)]
    if name == "aiogram-echo":
        return [sys.executable, str(HERE / "echo_aiogram.py"), *common]
    if name == "optfm":
        return _ours(
            questions, base, folder, port, "at_least_once" if variant.endswith("once") else "at_most_once"
        )
    faq = folder / "faq.json"
    faq.write_text(json.dumps(questions), encoding="utf-8")
    python, bot = interpreter(BOT_OF[name], venvs), BOTS / f"{BOT_OF[name]}.py"
    return [str(python), str(bot), *common, "--secret", SECRET, "--faq", str(faq), "--folder", str(folder)]


def _ours(questions: Mapping[str, str], base: str, folder: Path, port: int, policy: str) -> list[str]:
    channel: dict[str, object] = {"token": TOKEN, "api_base": base}
    if port:
        channel |= {"mode": "webhook", "webhook_secret": SECRET, "max_connections": 100}
    words = house(folder, port, {"telegram": channel})
    entries = [
        {"id": f"entry-{number}", "question": question, "answer": answer}
        for number, (question, answer) in enumerate(questions.items())
    ]
    knowledge = folder / "knowledge.yaml"
    knowledge.write_text(json.dumps({"version": 1, "language": "ru", "entries": entries}), encoding="utf-8")
    path = folder / "config.yaml"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["faq"] = {"source": "files", "path": str(knowledge)}
    config["delivery"]["policy"] = policy
    path.write_text(json.dumps(config), encoding="utf-8")
    return [sys.executable, "-m", "optfm_bot", *words]


def yardstick(variant: str) -> str:
    return "aiogram-echo-webhook" if variant.endswith("webhook") else "aiogram-echo-polling"


def suite_in(venvs: Path) -> Suite:
    return Suite(
        name="frameworks",
        description=__doc__ or "",
        fake="telegram_server",
        token=TOKEN,
        variants=VARIANTS,
        command=partial(command, FIVE, venvs),
        yardstick=yardstick,
        also=Kills(partial(command, BASE, venvs)).measure,
    )


def _line() -> argparse.Namespace:
    parser = arguments(suite_in(default_folder()))
    parser.add_argument(
        "--venvs",
        type=Path,
        default=default_folder(),
        help="where the environments of the frameworks are kept",
    )
    return parser.parse_args()


def main() -> None:
    options = _line()
    for variant in options.only or VARIANTS:
        name = variant.rpartition("-")[0]
        if name in BOT_OF:
            interpreter(BOT_OF[name], options.venvs)  # before anything is timed
    rounds = run(suite_in(options.venvs.resolve()), options)
    print(f"\nall rounds together, each with one kill -9 in a burst of {MESSAGES}")
    for variant, found in rounds.items():
        names = [name for name in found[0] if name.startswith("kill_")]
        totals = " ".join(f"{name}={sum(one[name] for one in found):.0f}" for name in names)
        print(f"{variant:<30} kills={len(found)} {totals}")


if __name__ == "__main__":
    main()
