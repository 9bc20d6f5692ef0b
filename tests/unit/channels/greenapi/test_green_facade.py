"""The facade for programs without an event loop, against a strict local gateway."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from channels.errors import Misconfigured, Rejected, Unauthorized, Unreachable
from channels.greenapi.facade import GreenApi
from channels.testing.green_server import GreenServer

CHAT = "10000010"
PHONE = "8 (900) 111-22-33"
Make = Callable[..., GreenApi]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[GreenApi] = []

    def connect(server: GreenServer, **more: Any) -> GreenApi:
        one = server.instance
        given = {
            "id_instance": one.id,
            "api_token_instance": one.token,
            "api_url": server.api_url,
            "media_url": server.media_url,
            "network": one.network,
            **more,
        }
        made.append(GreenApi(**given))
        return made[-1]

    yield connect
    for api in made:
        await asyncio.to_thread(api.close)


@pytest.fixture
async def people(server: GreenServer) -> GreenServer:
    server.instance.book.person(CHAT, phone=79001112233)
    return server


async def test_a_message_goes_to_the_chat_of_a_phone_number_which_is_looked_up_once(
    make: Make, people: GreenServer
) -> None:
    api = make(people)
    first = await asyncio.to_thread(api.send_text, PHONE, "Счёт № 7 готов")
    await asyncio.to_thread(api.send_text, "+7 900 111-22-33", "И акт тоже")
    await people.wait_sent(2)
    sent = people.instance.sent
    assert [(one.chat_id, one.plain) for one in sent] == [(CHAT, "Счёт № 7 готов"), (CHAT, "И акт тоже")]
    assert first == sent[0].message_id
    assert len(people.calls("checkAccount")) == 1


async def test_a_chat_id_is_taken_as_it_is(make: Make, people: GreenServer) -> None:
    await asyncio.to_thread(make(people).send_text, CHAT, "текст")
    assert not people.calls("checkAccount")


@pytest.mark.parametrize(
    "nobody", ["79005556677", "+79005556677", "79005556677@c.us", "491701234567", "текст", ""]
)
async def test_a_bare_number_is_never_written_to(make: Make, people: GreenServer, nobody: str) -> None:
    with pytest.raises(Rejected):
        await asyncio.to_thread(make(people).send_text, nobody, "текст")
    assert not people.calls("sendMessage")


async def test_whatsapp_is_written_to_by_the_number_itself(make: Make, phones: GreenServer) -> None:
    phones.instance.book.person(79001112233)
    api = make(phones)
    await asyncio.to_thread(api.send_text, PHONE, "Счёт *готов*")
    await phones.wait_sent(1)
    assert phones.instance.sent[0].chat_id == "79001112233@c.us"
    assert phones.calls("sendMessage")[0].given["message"] == "Счёт *готов*"


async def test_a_long_text_is_cut_into_messages_that_fit(make: Make, people: GreenServer) -> None:
    given = "слово " * 2000
    last = await asyncio.to_thread(make(people).send_text, CHAT, given)
    await people.wait_sent(3)
    sent = people.instance.sent
    assert all(len(one.plain) <= 4000 for one in sent)
    assert " ".join(" ".join(one.plain for one in sent).split()) == given.strip()
    assert last == sent[-1].message_id


async def test_a_group_is_written_to_and_a_person_is_no_group(make: Make, people: GreenServer) -> None:
    people.instance.push.text("привет", chat="-10000000000000")
    api = make(people)
    assert await asyncio.to_thread(api.send_text_to_group, "-10000000000000", "Всем привет")
    with pytest.raises(Rejected):
        await asyncio.to_thread(api.send_text_to_group, CHAT, "Всем привет")


async def test_a_file_is_uploaded_or_fetched(make: Make, people: GreenServer, tmp_path: Path) -> None:
    (tmp_path / "счёт.pdf").write_bytes(b"%PDF")
    api = make(people)
    uploaded = await asyncio.to_thread(api.send_file, CHAT, tmp_path / "счёт.pdf", "Ваш счёт")
    fetched = await asyncio.to_thread(api.send_file, CHAT, "https://files.example/scheme.png?x=1", "Схема")
    await people.wait_sent(3)
    words, document, picture = people.instance.sent
    assert (words.plain, document.file_name, document.message_id) == ("Ваш счёт", "счёт.pdf", uploaded)
    assert (picture.text, picture.file_name, picture.message_id) == ("Схема", "scheme.png", fetched)
    assert [one.method for one in people.call_log if one.method.startswith("sendFile")] == [
        "sendFileByUpload",
        "sendFileByUrl",
    ]


async def test_errors_are_typed_and_hide_the_token(make: Make, people: GreenServer, tmp_path: Path) -> None:
    api = make(people)
    with pytest.raises(Rejected):
        await asyncio.to_thread(api.send_text, CHAT, "  ")
    with pytest.raises(Rejected):
        await asyncio.to_thread(api.send_file, CHAT, tmp_path / "none.pdf")
    people.fail("drop_after", "sendMessage")
    with pytest.raises(Unreachable) as caught:
        await asyncio.to_thread(api.send_text, CHAT, "текст")
    assert caught.value.maybe_sent
    assert "canary" not in str(caught.value)


async def test_nothing_is_sent_while_nobody_is_logged_in(make: Make, people: GreenServer) -> None:
    people.instance.account.become("notAuthorized")
    with pytest.raises(Unauthorized):
        await asyncio.to_thread(make(people).send_text, CHAT, "текст")
    assert not people.calls("sendMessage")


async def test_several_threads_may_send_at_once(make: Make, people: GreenServer) -> None:
    api = make(people)
    with ThreadPoolExecutor(4) as pool:
        loop = asyncio.get_running_loop()
        ids = await asyncio.gather(
            *(loop.run_in_executor(pool, api.send_text, CHAT, f"№ {number}") for number in range(8))
        )
    assert len(set(ids)) == 8


def test_it_works_in_three_lines_and_inside_a_running_loop() -> None:
    started, ended = threading.Event(), threading.Event()
    known: dict[str, Any] = {}

    async def serve() -> None:
        async with GreenServer() as server:
            server.instance.book.person(CHAT, phone=79001112233)
            known.update(server=server, loop=asyncio.get_running_loop())
            started.set()
            await asyncio.to_thread(ended.wait, 30)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert started.wait(10)
    server: GreenServer = known["server"]
    try:
        with GreenApi(
            id_instance=int(server.instance.id),
            api_token_instance=server.instance.token,
            api_url=f"{server.api_url}/v3/",
        ) as api:
            assert api.send_text(PHONE, "Счёт готов")

            async def inside() -> str:
                return api.send_text(PHONE, "Счёт готов")

            assert asyncio.run(inside())
    finally:
        ended.set()
        thread.join()


async def test_a_forgotten_facade_ends_its_thread(make: Make, people: GreenServer) -> None:
    one = people.instance
    api = GreenApi(id_instance=one.id, api_token_instance=one.token, api_url=people.api_url)
    await asyncio.to_thread(api.send_text, CHAT, "текст")
    thread = api._worker._thread
    assert thread is not None
    assert thread.is_alive()
    del api
    await asyncio.to_thread(gc.collect)
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()


async def test_closing_twice_is_harmless_and_a_later_call_begins_anew(
    make: Make, people: GreenServer
) -> None:
    api = make(people)
    await asyncio.to_thread(api.close)
    assert await asyncio.to_thread(api.send_text, CHAT, "текст")
    await asyncio.to_thread(api.close)
    await asyncio.to_thread(api.close)
    assert await asyncio.to_thread(api.send_text, CHAT, "текст")


@pytest.mark.parametrize(
    "wrong",
    [{"id_instance": "x"}, {"api_token_instance": "canary !"}, {"api_url": "nowhere"}, {"network": "icq"}],
)
def test_credentials_that_cannot_be_right_are_named_without_their_value(wrong: dict[str, Any]) -> None:
    given = {"id_instance": "3100123456", "api_token_instance": "canary0123456789", "api_url": "https://x.ru"}
    with pytest.raises(Misconfigured) as caught:
        GreenApi(**{**given, **wrong})
    assert next(iter(wrong)) in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "canary" not in repr(GreenApi(**given))
