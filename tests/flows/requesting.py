"""How people fill requests in."""

from __future__ import annotations

from optfm_bot.testing.stage import Person


async def answers(person: Person, *given: str) -> None:
    """Answer question by question, up to the summary."""
    for text in given:
        await person.says(text)
        person.sees()


async def filled(person: Person, name: str = "Анна") -> None:
    """Fill a request in, and send it."""
    await person.says("/request")
    person.sees("Как к вам обращаться")
    await answers(person, name, "+7 900 123-45-67", "anna@example.ru", "Нужен счёт")
    await person.says("да")
    person.sees("принята")
