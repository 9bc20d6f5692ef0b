"""The fake FreeScout does what the real one was seen to do, where that hurts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from optfm_bot.clock import ManualClock
from optfm_bot.testing.freescout_server import FreeScoutServer

Call = Callable[..., Awaitable[tuple[int, Any]]]
Got = list[tuple[str, str, bytes]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def desk(clock: ManualClock) -> AsyncIterator[FreeScoutServer]:
    async with FreeScoutServer(clock=clock.now) as running:
        yield running


@pytest.fixture
async def call(desk: FreeScoutServer) -> AsyncIterator[Call]:
    """Call the API as "POST /customers"; gives the status and the JSON, or the text that is none."""
    async with aiohttp.ClientSession() as session:

        async def made(what: str, body: Any = None, *, key: str | None = desk.api_key) -> tuple[int, Any]:
            verb, _, path = what.partition(" ")
            headers = {} if key is None else {"X-FreeScout-API-Key": key}
            url = f"{desk.base_url}/api{path}"
            async with session.request(verb, url, json=body, headers=headers) as answer:
                text = await answer.text()
                return answer.status, json.loads(text) if "json" in answer.content_type and text else text

        yield made


@pytest.fixture
async def ear() -> AsyncIterator[tuple[str, Got, list[int]]]:
    """An address for webhooks, what it got (event, signature, body), and the statuses that it will answer."""
    got: Got = []
    statuses: list[int] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        got.append((request.headers["X-FreeScout-Event"], request.headers["X-FreeScout-Signature"], body))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/", got, statuses
    await runner.cleanup()


async def opened(call: Call, text: str = "Где заказ?") -> dict[str, Any]:
    body = {
        "type": "chat",
        "mailboxId": 2,
        "subject": "MAX: заказ",
        "customer": {"firstName": "Мария"},
        "threads": [{"type": "customer", "text": text}],
    }
    status, made = await call("POST /conversations", body)
    assert status == 201
    return made


def path_of(found: Any) -> str:
    return str(found["_embedded"]["errors"][0]["path"])


# -- who is let in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "wrong"])
async def test_only_the_key_lets_in(call: Call, key: str | None) -> None:
    assert await call("GET /mailboxes", key=key) == (401, {"message": "Not Authorized"})


async def test_unknown_ids_paths_and_verbs_are_told_apart(call: Call, desk: FreeScoutServer) -> None:
    assert await call("GET /conversations/1") == (404, {"message": "Not Found", "_embedded": {"errors": []}})
    status, page = await call("GET /moon")
    assert (status, page.startswith("<!DOCTYPE")) == (404, True)
    assert await call("PATCH /customers") == (405, "The method is not supported for this route.")
    desk.module = False
    status, page = await call("GET /mailboxes")
    assert (status, page.startswith("<!DOCTYPE")) == (404, True)


async def test_a_body_that_is_not_declared_as_json_is_empty(desk: FreeScoutServer) -> None:
    headers = {"X-FreeScout-API-Key": desk.api_key, "Content-Type": "text/plain"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{desk.base_url}/api/customers", data=b'{"firstName": "M"}', headers=headers) as answer,
    ):
        assert answer.status == 400


# -- customers -------------------------------------------------------------------------------------------


async def test_a_phone_alone_makes_no_customer(call: Call) -> None:
    status, found = await call("POST /customers", {"phone": "+7 900 111-22-33"})
    assert (status, found["_embedded"]["errors"][0]["message"]) == (
        400,
        "Customer first name or email is required.",
    )


async def test_the_same_name_and_phone_twice_are_two_customers(call: Call, desk: FreeScoutServer) -> None:
    body = {"firstName": "М", "phone": "1", "socialProfiles": [{"type": "max", "value": "max:1"}]}
    one, two = (await call("POST /customers", body))[1], (await call("POST /customers", body))[1]
    assert one["id"] != two["id"]
    assert one["_embedded"]["social_profiles"] == [{"id": 0, "value": "max:1", "type": "other"}]
    assert desk.world.doubles()["customers"] == 1


async def test_mail_addresses_are_unique(call: Call) -> None:
    body = {"firstName": "М", "emails": [{"value": "m@x.test", "type": "work"}]}
    assert (await call("POST /customers", body))[0] == 201
    status, found = await call("POST /customers", body)
    assert (status, path_of(found)) == (400, "emails")


async def test_a_phone_is_found_by_any_part_of_it(call: Call) -> None:
    await call("POST /customers", {"firstName": "М", "phone": "+7 (900) 111-22-33"})
    await call("POST /customers", {"firstName": "Н", "phone": "+7 900 111-22-34"})
    _, found = await call("GET /customers?phone=00111-22")
    assert found["page"]["totalElements"] == 2


async def test_lists_have_pages_and_nothing_behind_them(call: Call) -> None:
    for number in range(3):
        await call("POST /customers", {"firstName": f"М{number}"})
    _, first = await call("GET /customers?pageSize=2")
    assert first["page"] == {"size": 2, "totalElements": 3, "totalPages": 2, "number": 1}
    _, last = await call("GET /customers?pageSize=2&page=3")
    assert last["_embedded"]["customers"] == []
    _, none = await call("GET /conversations")
    assert none["page"]["totalPages"] == 1


# -- conversations ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["type", "mailboxId", "subject", "customer", "threads"])
async def test_a_conversation_has_required_fields(call: Call, missing: str) -> None:
    body = {
        "type": "chat",
        "mailboxId": 2,
        "subject": "x",
        "customer": {"firstName": "М"},
        "threads": [{"type": "customer", "text": ""}],
    }
    del body[missing]
    status, found = await call("POST /conversations", body)
    assert (status, path_of(found)) == (400, missing)


async def test_a_wrong_mailbox_leaves_a_stray_customer(call: Call, desk: FreeScoutServer) -> None:
    body = {
        "type": "chat",
        "mailboxId": 99,
        "subject": "x",
        "customer": {"firstName": "М"},
        "threads": [{"type": "customer", "text": ""}],
    }
    assert (await call("POST /conversations", body))[0] == 400
    assert (len(desk.world.customers), len(desk.world.conversations)) == (1, 0)


async def test_unknown_words_are_replaced_instead_of_refused(call: Call) -> None:
    body = {
        "type": "messenger",
        "mailboxId": 2,
        "subject": "x",
        "status": "new",
        "customer": {"firstName": "М"},
        "threads": [{"type": "reply", "text": "x"}],
    }
    _, made = await call("POST /conversations", body)
    assert (made["type"], made["status"]) == ("email", "active")
    assert made["_embedded"]["threads"][0]["type"] == "customer"


@pytest.mark.parametrize("kind", ["message", "note"])
@pytest.mark.parametrize("user", [{}, {"user": 4711}, {"user": "9"}])
async def test_a_message_and_a_note_need_a_real_user(call: Call, kind: str, user: dict[str, Any]) -> None:
    made = await opened(call)
    status, found = await call(
        f"POST /conversations/{made['id']}/threads", {"type": kind, "text": "x", **user}
    )
    assert (status, path_of(found)) == (400, "user")


async def test_threads_come_newest_first_with_their_html_as_it_was_given(call: Call) -> None:
    made = await opened(call, "<b>a</b>")
    await call(f"POST /conversations/{made['id']}/threads", {"type": "customer", "text": "b & <i>c"})
    _, found = await call(f"GET /conversations/{made['id']}")
    assert [one["body"] for one in found["_embedded"]["threads"]] == ["b & <i>c", "<b>a</b>"]
    _, without = await call(f"GET /conversations/{made['id']}?embed=tags")
    assert "threads" not in without["_embedded"]


async def test_a_customer_brings_a_closed_and_a_deleted_conversation_back(
    call: Call, desk: FreeScoutServer
) -> None:
    number = (await opened(call))["id"]
    desk.agents.close(number)
    desk.agents.delete(number)
    await call(f"POST /conversations/{number}/threads", {"type": "customer", "text": "ещё"})
    _, found = await call(f"GET /conversations/{number}")
    assert (found["status"], found["state"]) == ("active", "published")


async def test_files_that_are_not_whole_are_left_out_without_a_word(
    call: Call, desk: FreeScoutServer
) -> None:
    number = (await opened(call))["id"]
    data = base64.b64encode(b"content").decode()
    files = [
        {"fileName": "ok.txt", "mimeType": "text/plain", "data": data},
        {"fileName": "no mime.txt", "data": data},
        {"fileName": "broken.txt", "mimeType": "text/plain", "data": "%%%"},
        {"fileName": "empty.txt", "mimeType": "text/plain", "data": ""},
    ]
    status, made = await call(
        f"POST /conversations/{number}/threads", {"type": "customer", "text": "", "attachments": files}
    )
    [stored] = made["_embedded"]["attachments"]
    assert (status, stored["fileName"], stored["size"]) == (201, "ok.txt", 7)
    async with aiohttp.ClientSession() as session:
        async with session.get(stored["fileUrl"]) as answer:
            assert await answer.read() == b"content"
        async with session.get(stored["fileUrl"] + "0") as answer:
            assert answer.status == 404


@pytest.mark.parametrize("change", [{"status": "closed"}, {"assignTo": 9}, {"mailboxId": 3}])
async def test_a_change_says_by_whom(call: Call, change: dict[str, Any]) -> None:
    number = (await opened(call))["id"]
    status, found = await call(f"PUT /conversations/{number}", change)
    assert (status, path_of(found)) == (400, "byUser")
    assert await call(f"PUT /conversations/{number}", {**change, "byUser": 9}) == (204, "")
    _, found = await call(f"GET /conversations/{number}")
    assert found["_embedded"]["threads"][0]["type"] == "lineitem"
    assert found["_embedded"]["threads"][0]["body"] is None


async def test_tags_need_their_module(call: Call, desk: FreeScoutServer) -> None:
    number = (await opened(call))["id"]
    assert (await call(f"PUT /conversations/{number}/tags", {"tags": ["max"]}))[0] == 204
    desk.api.tags_module = False
    assert (await call(f"PUT /conversations/{number}/tags", {"tags": ["max"]}))[0] == 400


async def test_conversations_are_filtered_and_sorted(call: Call, clock: ManualClock) -> None:
    first = await opened(call)
    await clock.advance(60)
    second = await opened(call)
    _, found = await call(f"GET /conversations?customerId={first['customer']['id']}&mailboxId=2,3")
    assert [one["id"] for one in found["_embedded"]["conversations"]] == [first["id"]]
    _, found = await call(f"GET /conversations?updatedSince={second['updatedAt']}&unknown=1")
    assert [one["id"] for one in found["_embedded"]["conversations"]] == [second["id"]]
    _, found = await call("GET /conversations?sortField=createdAt&sortOrder=asc")
    assert [one["id"] for one in found["_embedded"]["conversations"]] == [first["id"], second["id"]]


# -- webhooks --------------------------------------------------------------------------------------------


async def test_a_webhook_is_the_conversation_in_phps_json_and_signed(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]]
) -> None:
    desk.subscribe(ear[0], ["convo.created", "conversation.created"])
    made = await opened(call, "путь/к/файлу")
    assert await desk.deliver_webhooks() == [200]
    [(event, signature, body)] = ear[1]
    assert event == "convo.created"
    assert json.loads(body) == made
    assert body.isascii()
    assert rb"\u043f\u0443\u0442\u044c\/" in body
    digest = hmac.new(desk.webhook_secret.encode(), body, hashlib.sha1).digest()
    assert base64.b64decode(signature) == digest


async def test_a_reply_is_told_after_the_time_to_undo_it(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]], clock: ManualClock
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], ["convo.agent.reply.created"])
    desk.agents.reply(number, "<p>да</p>")
    assert await desk.deliver_webhooks() == []
    await clock.advance(15)
    assert await desk.deliver_webhooks() == [200]


async def test_an_undone_reply_is_told_without_itself(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]], clock: ManualClock
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], ["convo.agent.reply.created"])
    desk.agents.undo(number, desk.agents.reply(number, "<p>да</p>"))
    await clock.advance(15)
    await desk.deliver_webhooks()
    [(_, _, body)] = ear[1]
    assert "message" not in {one["type"] for one in json.loads(body)["_embedded"]["threads"]}


async def test_everything_that_is_posted_comes_back(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]], clock: ManualClock
) -> None:
    desk.subscribe(ear[0])
    number = (await opened(call))["id"]
    for kind in ("customer", "note", "message"):
        await call(f"POST /conversations/{number}/threads", {"type": kind, "text": "x", "user": 9})
    await call(f"PUT /conversations/{number}", {"status": "closed", "byUser": 9})
    await clock.advance(15)
    await desk.deliver_webhooks()
    assert [event for event, _, _ in ear[1]] == [
        "customer.created",
        "convo.created",
        "convo.customer.reply.created",
        "convo.note.created",
        "convo.agent.reply.created",
        "convo.status",
    ]


async def test_a_failed_webhook_comes_again_as_it_was_ten_times_in_all(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]], clock: ManualClock
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], ["convo.note.created"])
    ear[2].extend([500] * 20)
    desk.agents.note(number, "раз")
    await desk.deliver_webhooks()
    desk.agents.close(number)
    for _ in range(90):
        await clock.advance(60)
        await desk.deliver_webhooks()
    assert len(ear[1]) == 10
    assert len({body for _, _, body in ear[1]}) == 1
    assert desk.state()["webhooks"] == {"attempts": 10, "lost": 1}


async def test_webhooks_can_be_repeated_turned_round_and_old(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]]
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], ["convo.note.created", "convo.status"])
    desk.agents.note(number, "раз")
    desk.webhooks.freeze()
    desk.agents.close(number)
    await desk.deliver_webhooks(backwards=True, times=2)
    await desk.webhooks.repeat()
    events = [event for event, _, _ in ear[1]]
    assert events == ["convo.status"] * 2 + ["convo.note.created"] * 2 + [
        "convo.status",
        "convo.note.created",
    ]
    assert json.loads(ear[1][2][2])["status"] == "active"


async def test_a_merge_and_nobody_as_agent_are_told_to_nobody(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]]
) -> None:
    one, two = (await opened(call))["id"], (await opened(call))["id"]
    desk.agents.assign(one, 9)
    desk.subscribe(ear[0])
    desk.agents.assign(one, None)
    desk.agents.merge(one, two)
    assert await desk.deliver_webhooks(everything=True) == []
    assert (await call(f"GET /conversations/{one}"))[0] == 404
    _, kept = await call(f"GET /conversations/{two}")
    assert sum(thread["type"] == "customer" for thread in kept["_embedded"]["threads"]) == 2


async def test_a_deleted_conversation_is_told_as_it_was(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]]
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], ["convo.deleted_forever"])
    desk.agents.delete_forever(number)
    assert await desk.deliver_webhooks() == [200]
    assert json.loads(ear[1][0][2])["id"] == number


async def test_a_webhook_of_a_mailbox_does_not_hear_of_what_was_moved_out(
    call: Call, desk: FreeScoutServer, ear: tuple[str, Got, list[int]]
) -> None:
    number = (await opened(call))["id"]
    desk.subscribe(ear[0], mailboxes=[2])
    desk.agents.move(number, 3)
    await desk.deliver_webhooks()
    assert ear[1] == []


async def test_unknown_events_are_refused_if_none_is_left(call: Call) -> None:
    body = {"url": "http://127.0.0.1:1/", "events": ["thread.created"]}
    assert (await call("POST /webhooks", body))[0] == 400
    status, made = await call("POST /webhooks", {**body, "events": ["thread.created", "convo.status"]})
    assert (status, made["events"]) == (201, ["convo.status"])
    assert (await call(f"DELETE /webhooks/{made['id']}"))[0] == 204


# -- faults and the remote control -----------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "status"), [("401", 401), ("429", 429), ("500", 500), ("502", 502)])
async def test_a_fault_before_does_nothing(call: Call, desk: FreeScoutServer, kind: str, status: int) -> None:
    desk.fail(kind)
    assert (await call("POST /customers", {"firstName": "М"}))[0] == status
    assert len(desk.world.customers) == 0
    assert (await call("POST /customers", {"firstName": "М"}))[0] == 201


@pytest.mark.parametrize("kind", ["drop", "reset", "drop_after"])
async def test_a_fault_of_the_connection_breaks_it(call: Call, desk: FreeScoutServer, kind: str) -> None:
    desk.fail(kind)
    with pytest.raises(aiohttp.ClientError):
        await call("POST /customers", {"firstName": "М"})
    assert len(desk.world.customers) == (kind == "drop_after")


@pytest.mark.parametrize(("kind", "status"), [("empty", 200), ("500_after", 500)])
async def test_a_fault_after_hides_that_it_was_done(
    call: Call, desk: FreeScoutServer, kind: str, status: int
) -> None:
    desk.fail(kind, verb="POST", path="/customers", skip=1)
    assert (await call("POST /customers", {"firstName": "М"}))[0] == 201
    assert (await call("POST /customers", {"firstName": "М"}))[0] == status
    assert len(desk.world.customers) == 2


async def test_nobody_listens_while_it_is_away(call: Call, desk: FreeScoutServer) -> None:
    async with desk.away():
        with pytest.raises(aiohttp.ClientError):
            await call("GET /mailboxes")
    assert (await call("GET /mailboxes"))[0] == 200


async def test_it_is_steered_from_another_process(call: Call, desk: FreeScoutServer) -> None:
    number = (await opened(call, "раз<br>два"))["id"]
    data = base64.b64encode(b"x").decode()
    async with aiohttp.ClientSession() as session:

        async def control(command: str, **given: Any) -> tuple[int, Any]:
            async with session.post(f"{desk.base_url}/_control/{command}", json=given) as answer:
                return answer.status, await answer.json()

        status, made = await control(
            "reply", conversation=number, html="<p>да</p>", files=[{"name": "a.txt", "data": data}]
        )
        assert status == 200
        assert (await control("undo", conversation=number, thread=made["id"]))[0] == 200
        assert (await control("close", conversation=number))[0] == 200
        assert (await control("assign", conversation=number, to=None))[0] == 200
        _, dump = await control("dump")
        assert await control("doubles") == (200, {"conversations": 0, "threads": 0, "customers": 0})
        assert (await control("reply", conversation=1, html=""))[0] == 400
        assert (await control("moon"))[0] == 404
        assert (await control("fail", fault="500"))[1]["kind"] == "500"
    assert (await call("GET /mailboxes"))[0] == 500
    [found] = dump["conversations"]
    assert found["status"] == "closed"
    words = [(one["type"], one["state"], one["text"]) for one in found["threads"] if one["text"]]
    assert words == [("customer", "published", "раз\nдва"), ("message", "draft", "да")]
    assert [one["files"] for one in found["threads"] if one["files"]] == [[{"name": "a.txt", "size": 1}]]


async def test_doubles_are_counted(call: Call, desk: FreeScoutServer) -> None:
    number = (await opened(call))["id"]
    for _ in range(3):
        await call(f"POST /conversations/{number}/threads", {"type": "customer", "text": "ау"})
    assert desk.world.doubles() == {"conversations": 0, "threads": 2, "customers": 0}
