"""How people wait: time that goes by, and somebody who was called."""

from __future__ import annotations

from optfm_bot.testing.stage import Person, Stage


async def later(stage: Stage, seconds: float) -> None:
    """Let time go by, and everything that follows from it; hours in which nothing happens are leapt over."""
    stage.clock.jump(seconds - 31)
    await stage.clock.advance(31)
    await stage.settle()


async def called(stage: Stage, person: Person) -> None:
    """Call somebody who will come."""
    await person.says("какая гарантия на насосы")
    person.sees("Пока не знаю")
    await person.says("позовите человека")
    person.sees("Передал разговор")
