"""Uploads: three steps, each kind of file answered its own way, and not ready at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from channels.testing.max_server import MaxServer

Call = Callable[..., Awaitable[tuple[int, dict[str, Any]]]]
Post = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """Post a form with one file, or a piece with headers, to an upload host."""
    async with aiohttp.ClientSession() as session:

        async def do(
            url: str,
            content: bytes = b"bytes",
            *,
            field: str = "data",
            headers: dict[str, str] | None = None,
            twice: bool = False,
        ) -> tuple[int, str]:
            data: Any = content
            if headers is None or "Content-Range" not in headers:
                data = aiohttp.FormData()
                for _ in range(1 + twice):
                    data.add_field(field, content, filename="чек.pdf")
            async with session.post(url, data=data, headers=headers) as answer:
                return answer.status, await answer.text()

        yield do


@pytest.fixture(autouse=True)
def somebody_wrote(server: MaxServer) -> None:
    server.push.text("hi", chat=1)


async def send(call: Call, kind: str, token: str) -> tuple[int, dict[str, Any]]:
    body = {"attachments": [{"type": kind, "payload": {"token": token}}]}
    return await call("POST /messages", body, chat_id=1)


async def begin(call: Call, kind: str) -> dict[str, Any]:
    status, found = await call("POST /uploads", type=kind)
    assert status == 200, found
    return found


async def test_an_image_answers_with_photos(server: MaxServer, call: Call, post: Post) -> None:
    begun = await begin(call, "image")
    assert begun.keys() == {"url"}
    status, answer = await post(begun["url"])
    assert (status, answer[:11]) == (200, '{"photos":{')
    token = next(iter(server.world.uploads))
    assert (await send(call, "image", token))[0] == 200
    photos = {"type": "image", "payload": {"photos": {"x": {"token": token}}}}
    assert (await call("POST /messages", {"attachments": [photos]}, chat_id=1))[0] == 200
    server.quirks.refuse_photos = True
    assert (await call("POST /messages", {"attachments": [photos]}, chat_id=1))[0] == 400


async def test_a_file_answers_with_its_token_and_keeps_its_name(
    server: MaxServer, call: Call, post: Post
) -> None:
    begun = await begin(call, "file")
    assert begun.keys() == {"url"}
    status, answer = await post(begun["url"], b"%PDF-1.7")
    assert status == 200
    assert '"fileId":' in answer
    token = next(iter(server.world.uploads))
    for _ in range(2):  # a token can be used again
        status, found = await send(call, "file", token)
        (attachment,) = found["message"]["body"]["attachments"]
        assert (status, attachment["size"]) == (200, 8)
    async with aiohttp.ClientSession() as session, session.get(attachment["payload"]["url"]) as download:
        assert await download.read() == b"%PDF-1.7"


@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_video_and_audio_get_their_token_first_and_answer_in_xml(
    call: Call, post: Post, kind: str
) -> None:
    begun = await begin(call, kind)
    status, found = await send(call, kind, begun["token"])
    assert (status, found["code"]) == (400, "attachment.not.ready")
    assert await post(begun["url"]) == (200, "<retval>1</retval>")
    assert (await send(call, kind, begun["token"]))[0] == 200


@pytest.mark.parametrize("kind", ["video", "audio"])
async def test_the_storage_of_media_may_want_another_field(
    server: MaxServer, call: Call, post: Post, kind: str
) -> None:
    server.quirks.set(media_field="file")
    begun = await begin(call, kind)
    assert (await post(begun["url"]))[0] == 415
    assert (await post(begun["url"], field="file"))[0] == 200
    assert (await post((await begin(call, "image"))["url"]))[0] == 200
    with pytest.raises(ValueError, match="media_field"):
        server.quirks.set(media_field="datum")


async def test_an_upload_is_not_ready_for_as_many_sends_as_is_set(
    server: MaxServer, call: Call, post: Post
) -> None:
    server.quirks.not_ready = 2
    begun = await begin(call, "video")
    await post(begun["url"])
    found = [await send(call, "video", begun["token"]) for _ in range(3)]
    assert [status for status, _ in found] == [400, 400, 200]
    assert found[0][1] == {
        "code": "attachment.not.ready",
        "message": "Key: errors.process.attachment.file.not.processed",
    }


async def test_pieces_make_a_whole_in_any_order(server: MaxServer, call: Call, post: Post) -> None:
    begun = await begin(call, "video")

    def headers(begin_at: int, end: int) -> dict[str, str]:
        return {
            "Content-Range": f"bytes {begin_at}-{end}/10",
            "Content-Disposition": 'attachment; filename="film.mp4"',
        }

    assert (await post(begun["url"], b"56789", headers=headers(5, 9)))[0] == 201
    assert (await post(begun["url"], b"01234", headers=headers(0, 3)))[0] == 416
    assert await post(begun["url"], b"01234", headers=headers(0, 4)) == (200, "<retval>1</retval>")
    upload = server.world.uploads[begun["token"]]
    assert (upload.content, upload.name) == (b"0123456789", "film.mp4")


async def test_what_is_no_upload_is_refused(server: MaxServer, call: Call, post: Post) -> None:
    for kind in ("photo", "sticker", ""):
        assert (await call("POST /uploads", type=kind))[0] == 400
    assert (await call("POST /uploads"))[0] == 400
    begun = await begin(call, "file")
    assert (await post(begun["url"], b""))[0] == 400
    assert (await post(begun["url"], field="document"))[0] == 415
    assert (await post(begun["url"], twice=True))[0] == 400
    assert (await post(begun["url"]))[0] == 200
    assert (await post(begun["url"]))[0] == 400
    assert (await post(f"{server.base_url}/_upload/none"))[0] == 404


async def test_a_token_of_one_kind_is_none_of_another(server: MaxServer, call: Call, post: Post) -> None:
    await post((await begin(call, "image"))["url"])
    token = next(iter(server.world.uploads))
    assert (await send(call, "file", token))[1]["code"] == "proto.payload"


async def test_a_token_at_the_wrong_host_is_counted(server: MaxServer, call: Call, post: Post) -> None:
    await post((await begin(call, "file"))["url"])
    assert server.state()["leaked_tokens"] == 0
    await post((await begin(call, "file"))["url"], headers={"Authorization": server.token})
    assert server.state()["leaked_tokens"] == 1


async def test_video_details_have_a_direct_address(call: Call, post: Post) -> None:
    begun = await begin(call, "video")
    assert (await call(f"GET /videos/{begun['token']}"))[0] == 404
    await post(begun["url"])
    status, found = await call(f"GET /videos/{begun['token']}")
    assert (status, found["token"]) == (200, begun["token"])
    assert found["urls"]["mp4_360"].startswith("http://")
