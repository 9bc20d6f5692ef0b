"""The talk in the terminal: every line is answered, in order, and nothing else is printed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from faq import FaqEntry, FaqManager
from optfm_bot import __version__
from optfm_bot.blueprint import HouseSettings
from optfm_bot.cli.terminal import Terminal, TerminalTalk
from optfm_bot.clock import SystemClock
from optfm_bot.domain.talk import TalkSettings
from optfm_bot.observe.metrics import Metrics
from optfm_bot.observe.observer import MetricsObserver

FAQ = FaqManager(
    [
        FaqEntry(
            id="cost",
            question="Сколько стоит доставка?",
            answer="От 300 ₽.",
            answers={"telegram": "Для телеграма."},
        ),
        FaqEntry(id="pay", question="Как оплатить заказ?", answer="Картой."),
    ]
)
LIMIT = 20


class Pipe:
    """Gives its lines, then the end of input, and keeps what was written."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = deque(f"{line}\n" for line in lines)
        self.written: list[str] = []

    async def read(self) -> str:
        return self.lines.popleft() if self.lines else ""

    @property
    def text(self) -> str:
        return "".join(self.written)


async def talk(
    *lines: str,
    prompt: str = "",
    explain: bool = False,
    instance: str = "console",
    language: str = "ru",
) -> Pipe:
    pipe = Pipe(lines)
    settings = HouseSettings(talk=TalkSettings(feedback=False), join_window=5.0, person_per_minute=1)
    conversation = TerminalTalk(
        FAQ,
        settings,
        Terminal(read=pipe.read, write=pipe.written.append, prompt=prompt),
        clock=SystemClock(),
        observer=MetricsObserver(Metrics(version=__version__)),
        language=language,
        instance=instance,
        explain=explain,
    )
    async with asyncio.timeout(LIMIT):
        await conversation.run()
    return pipe


async def test_piped_lines_are_answered_one_by_one_in_their_order() -> None:
    pipe = await talk(*["сколько стоит доставка", "как оплатить заказ"] * 20)

    assert "› От 300 ₽.\n› Картой.\n" * 20 == pipe.text


async def test_an_empty_pipe_says_nothing() -> None:
    assert "" == (await talk()).text


async def test_empty_lines_are_passed_over() -> None:
    assert "› Картой.\n" == (await talk("", "  ", "как оплатить заказ")).text


async def test_the_explanation_stands_before_its_answer() -> None:
    lines = (
        await talk("сколько стоит доставка", "привет", "как оплатить заказ", explain=True)
    ).text.splitlines()

    assert "  | Решение: ответить" in lines[0]
    first = lines.index("› От 300 ₽.")
    assert all(line.startswith("  | ") for line in lines[:first])
    greeting = lines[first + 1]
    assert greeting.startswith("› "), "small talk is no question and has no explanation"
    assert lines[first + 2].startswith("  | Решение: ответить")
    assert "› Картой." == lines[-1]


async def test_why_explains_the_last_question_afterwards() -> None:
    text = (await talk("/why", "как оплатить заказ", "/why")).text

    assert text.startswith("› Картой.\n  | Решение: ответить")
    assert 1 == text.count("Решение")


async def test_two_questions_of_one_message_are_explained_one_by_one() -> None:
    text = (await talk("Сколько стоит доставка? И как оплатить заказ?", "/why")).text

    first, second = text.index("  | Вопрос 1 из 2: "), text.index("  | Вопрос 2 из 2: ")
    assert first < text.index("ответить — cost") < second < text.index("ответить — pay")


async def test_a_follow_up_is_explained_in_the_light_of_what_came_before() -> None:
    text = (await talk("сколько стоит доставка", "а в казань?", "/why")).text

    assert "  | Решение: ответить — cost\n  | Почему: сообщение продолжает прошлый вопрос" in text
    assert "  | Само по себе сообщение: " in text


async def test_leaving_ends_the_talk_before_the_rest_is_read() -> None:
    pipe = await talk("как оплатить заказ", "/quit", "сколько стоит доставка")

    assert "› Картой.\n" == pipe.text
    assert 1 == len(pipe.lines)


async def test_answers_of_another_channel_can_be_tried() -> None:
    assert "› Для телеграма.\n" == (await talk("сколько стоит доставка", instance="telegram")).text


async def test_the_bot_speaks_the_language_of_the_talk() -> None:
    assert "Hello" in (await talk("привет", language="en")).text


async def test_a_person_is_invited_once_before_each_answer_and_never_in_between() -> None:
    class Patient(Pipe):
        """Types only when invited."""

        invited = asyncio.Event()

        async def read(self) -> str:
            await self.invited.wait()
            self.invited.clear()
            return await super().read()

        def write(self, text: str) -> None:
            self.written.append(text)
            if text == "you › ":
                self.invited.set()

    pipe = Patient(["как оплатить заказ", "сколько стоит доставка"])
    conversation = TerminalTalk(
        FAQ,
        HouseSettings(talk=TalkSettings(feedback=False)),
        Terminal(read=pipe.read, write=pipe.write, prompt="you › "),
        clock=SystemClock(),
        observer=MetricsObserver(Metrics(version=__version__)),
        language="en",
    )
    async with asyncio.timeout(LIMIT):
        await conversation.run()

    assert ["you › ", "› Картой.\n", "you › ", "› От 300 ₽.\n", "you › "] == [
        text for text in pipe.written if text != "\n"
    ]


async def test_lines_pasted_at_once_are_one_question() -> None:
    pipe = await talk("а вот", "сколько", "стоит доставка", prompt="you › ")

    assert 1 == pipe.text.count("От 300 ₽.")
