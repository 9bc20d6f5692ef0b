"""FreeScout as the house uses it, against the strict fake: doubles, doubt, merges, webhooks, files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from channels.contract import HealthState, WebhookRequest
from channels.errors import BadPayload, Gone, Rejected, TooLarge, Unauthorized, Unreachable
from optfm_bot.clock import ManualClock
from optfm_bot.helpdesk.contract import (
    AgentFile,
    AgentReplied,
    Customer,
    DeskFile,
    DeskMessage,
    HelpdeskContext,
    KnownTicket,
    Merged,
    Removed,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.freescout.helpdesk import FreeScout
from optfm_bot.helpdesk.freescout.spec import FreeScoutSettings
from optfm_bot.testing.freescout_server import FreeScoutServer, customers

MARIA = Customer(ref="max:4217", name="Мария К.", channel="MAX", phone="+7 900 111-22-33")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[FreeScoutServer]:
    async with FreeScoutServer(clock=clock.now) as running:
        yield running


@asynccontextmanager
async def made(server: FreeScoutServer, clock: ManualClock, **settings: Any) -> AsyncIterator[FreeScout]:
    read = FreeScoutSettings.model_validate(
        {
            "url": server.base_url,
            "api_key": server.api_key,
            "webhook_secret": server.webhook_secret,
            "mailbox_id": 2,
            **settings,
        }
    )
    desk = FreeScout(read, HelpdeskContext(instance="desk", clock=clock.now))
    try:
        yield desk
    finally:
        await desk.close()


@pytest.fixture
async def desk(server: FreeScoutServer, clock: ManualClock) -> AsyncIterator[FreeScout]:
    async with made(server, clock) as running:
        yield running


def said(text: str = "Где заказ?", *files: DeskFile) -> DeskMessage:
    return DeskMessage(key="k", text=text, files=files)


def draft(
    customer: Customer = MARIA, text: str = "Где заказ?", customer_id: str | None = None
) -> TicketDraft:
    return TicketDraft(
        key="t", subject="MAX: заказ", customer=customer, customer_id=customer_id, message=said(text)
    )


def record(ref: TicketRef, **about: Any) -> KnownTicket:
    threads = frozenset({ref.thread_id}) if ref.thread_id else frozenset()
    return KnownTicket(
        **{"id": ref.id, "open": True, "customer_id": ref.customer_id, "threads": threads, **about}
    )


def hook(server: FreeScoutServer, body: bytes, event: str = "convo.agent.reply.created") -> WebhookRequest:
    headers = {"x-freescout-signature": server.webhooks.sign(body), "x-freescout-event": event}
    return WebhookRequest(headers=headers, body=body)


# -- customers -------------------------------------------------------------------------------------------


async def test_a_customer_is_made_once(desk: FreeScout, server: FreeScoutServer) -> None:
    one = await desk.open_ticket(draft())
    two = await desk.open_ticket(draft(text="другое"))
    assert one.customer_id == two.customer_id
    [customer] = server.world.customers.values()
    assert (customer.first_name, customer.profiles) == ("Мария К.", [("other", "max:4217")])


async def test_a_customer_without_a_phone_is_found_by_name_and_ref(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    shy = replace(MARIA, phone=None)
    one, two = await desk.open_ticket(draft(shy)), await desk.open_ticket(draft(shy, "другое"))
    other = await desk.open_ticket(draft(replace(shy, ref="max:1")))
    assert one.customer_id == two.customer_id != other.customer_id


async def test_a_phone_is_compared_whole_and_an_eight_is_a_seven(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    customers.create(server.world, {"firstName": "Чужой", "phone": "1 79001112233"})
    hers = customers.create(server.world, {"firstName": "Мария", "phone": "8 (900) 111-22-33"})
    ref = await desk.open_ticket(draft())
    assert ref.customer_id == str(hers.id)


async def test_two_accounts_that_share_a_phone_are_two_customers(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    mother = await desk.open_ticket(draft())
    son = await desk.open_ticket(draft(replace(MARIA, ref="max:1", name="Пётр")))
    assert mother.customer_id != son.customer_id


async def test_a_mail_address_is_found_and_a_conflict_is_borne(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    hers = customers.create(server.world, {"firstName": "М", "emails": [{"value": "M@X.test"}]})
    ref = await desk.open_ticket(draft(replace(MARIA, email="m@x.test", phone=None)))
    assert ref.customer_id == str(hers.id)


async def test_a_customer_that_is_known_is_taken_and_a_deleted_one_made_anew(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    first = await desk.open_ticket(draft())
    same = await desk.open_ticket(
        draft(replace(MARIA, name="Другое имя", phone=None), customer_id=first.customer_id)
    )
    assert same.customer_id == first.customer_id
    server.world.customers.clear()
    assert (await desk.open_ticket(draft(customer_id=first.customer_id))).customer_id != first.customer_id


async def test_a_name_is_cut_to_what_fits(desk: FreeScout, server: FreeScoutServer) -> None:
    long = replace(MARIA, name="Я" * 100, ref="telegram:1")
    await desk.open_ticket(draft(long))
    await desk.open_ticket(draft(long, "другое"))
    [customer] = server.world.customers.values()
    assert (len(customer.first_name), customer.profiles) == (40, [("telegram", "telegram:1")])


async def test_a_customer_who_was_made_without_an_answer_is_found(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    server.fail("drop_after", verb="POST", path="/customers")
    with pytest.raises(Unreachable) as caught:
        await desk.open_ticket(draft())
    assert not caught.value.maybe_sent, "no ticket can have been opened"
    await desk.open_ticket(draft())
    assert server.world.doubles() == {"conversations": 0, "threads": 0, "customers": 0}


# -- tickets ---------------------------------------------------------------------------------------------


async def test_a_ticket_has_a_number_an_address_and_its_first_thread(
    desk: FreeScout, server: FreeScoutServer
) -> None:
    ref = await desk.open_ticket(draft(text="a < b\nc"))
    found = server.world.conversation(int(ref.id))
    assert (ref.number, ref.thread_id) == (str(found.number), str(found.threads[0].id))
    assert ref.url == f"{server.base_url}/conversation/{ref.id}"
    assert (found.type, found.mailbox_id, found.threads[0].body) == ("chat", 2, "a &lt; b<br>\nc")


async def test_tags_are_set_and_do_not_matter(server: FreeScoutServer, clock: ManualClock) -> None:
    async with made(server, clock, tags=["bot", "max"]) as desk:
        first = await desk.open_ticket(draft())
        server.api.tags_module = False
        with capture_logs() as logs:
            second = await desk.open_ticket(draft(text="другое"))
    assert server.world.conversation(int(first.id)).tags == ["bot", "max"]
    assert server.world.conversation(int(second.id)).tags == []
    assert [line["event"] for line in logs] == ["helpdesk.no_tags"]


async def test_files_that_are_not_taken_are_named(desk: FreeScout, server: FreeScoutServer) -> None:
    ok, php, empty = (
        DeskFile(name=name, mime="text/plain", data=data)
        for name, data in (("a.txt", b"a"), ("b.php", b"bb"), ("c", b""))
    )
    opened = await desk.open_ticket(replace(draft(), message=said("вот", ok, php, empty)))
    added = await desk.add_customer_message(opened, said("вот", ok, php, empty))
    assert opened.refused == added.refused == ("b.php", "c")


async def test_a_file_that_is_too_large_is_refused_before_anything_is_done(
    server: FreeScoutServer, clock: ManualClock
) -> None:
    async with made(server, clock, file_limit=3) as desk:
        with pytest.raises(TooLarge):
            await desk.open_ticket(
                replace(draft(), message=said("", DeskFile(name="a", mime="", data=b"1234")))
            )
    assert not server.calls


async def test_an_empty_answer_to_a_new_ticket_is_in_doubt(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    server.fail("empty", verb="POST", path="/conversations")
    with pytest.raises(Unreachable) as caught:
        await desk.open_ticket(draft())
    assert caught.value.maybe_sent
    assert await desk.find_ticket(draft(), since=clock.now(), known=()) is not None


async def test_a_ticket_is_found_though_the_clocks_differ(
    server: FreeScoutServer, clock: ManualClock
) -> None:
    server.world.ahead = -timedelta(hours=3)
    async with made(server, clock) as desk:
        ref = await desk.open_ticket(draft())
        await clock.advance(60)
        since = clock.now()
        message = await desk.add_customer_message(ref, said("ау"))
        found = await desk.find_message(ref, said("ау"), since=since, known=set(), note=False)
        assert found == message


async def test_an_old_ticket_with_the_same_words_is_another_one(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    await desk.open_ticket(draft())
    await clock.advance(3600)
    assert await desk.find_ticket(draft(), since=clock.now(), known=()) is None


async def test_notes_are_written_by_the_first_active_user(desk: FreeScout, server: FreeScoutServer) -> None:
    ref = await desk.open_ticket(draft())
    await desk.add_note(ref, said("раз"))
    await desk.add_note(ref, said("два"))
    threads = server.world.conversation(int(ref.id)).threads
    assert [thread.by for thread in threads if thread.type == "note"] == [("user", 9)] * 2
    assert server.calls.count(("GET", "/users")) == 1


async def test_without_a_user_a_note_is_refused_in_words(desk: FreeScout, server: FreeScoutServer) -> None:
    ref = await desk.open_ticket(draft())
    server.world.users = {7: server.world.users[7]}
    with pytest.raises(Rejected, match="set user_id"):
        await desk.add_note(ref, said())
    assert (await desk.probe()).state is HealthState.DEGRADED


async def test_a_missing_module_and_a_missing_mailbox_are_told(
    server: FreeScoutServer, clock: ManualClock
) -> None:
    async with made(server, clock, mailbox_id=99) as desk:
        found = await desk.probe()
        assert (found.state, "2 (Поддержка)" in found.hint) == (HealthState.DOWN, True)
        server.module = False
        found = await desk.probe()
        assert (found.state, "module" in found.hint) == (HealthState.DOWN, True)


async def test_a_server_that_never_answers_is_given_up(server: FreeScoutServer, clock: ManualClock) -> None:
    async with made(server, clock, request_timeout=1) as desk:
        ref = await desk.open_ticket(draft())
        server.fail("hang_after", verb="POST")
        with pytest.raises(Unreachable) as caught:
            await desk.add_customer_message(ref, said("ау"))
        assert caught.value.maybe_sent
        assert await desk.find_message(ref, said("ау"), since=clock.now(), known=(), note=False) is not None


# -- merges ----------------------------------------------------------------------------------------------


async def test_a_merged_ticket_is_found_by_its_threads(desk: FreeScout, server: FreeScoutServer) -> None:
    gone, kept = await desk.open_ticket(draft()), await desk.open_ticket(draft(text="другое"))
    server.agents.merge(int(gone.id), int(kept.id))
    with pytest.raises(Gone):
        await desk.add_customer_message(gone, said("ау"))
    located = await desk.locate(gone, known=record(gone).threads)
    assert located is not None
    assert located.id == kept.id
    [event] = await desk.read(gone.id, record(gone))
    assert isinstance(event, Merged)
    assert event.into == kept.id


async def test_a_deleted_ticket_lives_on_as_none(desk: FreeScout, server: FreeScoutServer) -> None:
    gone = await desk.open_ticket(draft())
    await desk.open_ticket(draft(text="другое"))
    server.agents.delete_forever(int(gone.id))
    assert await desk.locate(gone, known=record(gone).threads) is None
    [event] = await desk.read(gone.id, record(gone))
    assert isinstance(event, Removed)
    assert await desk.read(gone.id, record(gone, open=False)) == ()
    assert await desk.read(gone.id, None) == ()


# -- webhooks and polling --------------------------------------------------------------------------------


async def test_a_webhook_names_the_ticket_and_nothing_personal(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    calls: list[WebhookRequest] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        calls.append(WebhookRequest(headers=headers, body=await request.read()))
        return web.Response()

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.subscribe(f"http://127.0.0.1:{runner.addresses[0][1]}/")
    ref = await desk.open_ticket(draft())
    server.agents.reply(int(ref.id), "<p>да</p>")
    await clock.advance(15)
    await server.deliver_webhooks(times=2)
    await runner.cleanup()
    for request in calls:
        desk.authenticate(request)
    updates = [update for request in calls for update in desk.tickets(request)]
    assert {(update.lane, str(update.payload)) for update in updates} == {
        (f"desk:ticket {ref.id}", f"{{'ticket': '{ref.id}'}}")
    }
    assert len(updates) == 2 * len({update.key for update in updates})
    assert len({update.key for update in updates}) == 4, (
        "created, assigned, status, reply; not the customer's"
    )


async def test_a_webhook_has_to_be_signed(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    genuine = hook(server, b'{"id":77}')
    desk.authenticate(genuine)
    for headers in ({}, {"x-freescout-signature": "x"}, {"x-freescout-signature": "\ud800é"}):
        with pytest.raises(Unauthorized):
            desk.authenticate(WebhookRequest(headers=headers, body=genuine.body))
    async with made(server, clock, webhook_secret=None) as deaf:
        with pytest.raises(Unauthorized):
            deaf.authenticate(genuine)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'"x"', b'{"mailboxId": 2}', b'{"id": [], "mailboxId": 2}']
)
def test_nonsense_is_a_bad_payload(server: FreeScoutServer, desk: FreeScout, body: bytes) -> None:
    with pytest.raises(BadPayload):
        desk.tickets(hook(server, body))


def test_news_of_customers_are_about_no_ticket(server: FreeScoutServer, desk: FreeScout) -> None:
    assert desk.tickets(hook(server, b'{"id": 412, "firstName": "x"}', "customer.created")) == ()
    assert desk.tickets(hook(server, b'{"id": 412, "firstName": "x"}', "")) == ()


async def test_an_old_snapshot_says_only_that_something_changed(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    ref = await desk.open_ticket(draft())
    old = {
        "id": int(ref.id),
        "mailboxId": 2,
        "status": "closed",
        "_embedded": {"threads": [{"id": 1, "type": "message"}]},
    }
    [update] = desk.tickets(hook(server, orjson.dumps(old)))
    assert await desk.read(update.payload["ticket"], record(ref)) == []


async def test_an_undone_reply_is_never_told(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    ref = await desk.open_ticket(draft())
    number = int(ref.id)
    server.agents.assign(number, 9)
    thread = server.agents.reply(number, "<p>ой</p>")
    await clock.advance(10)
    assert await desk.read(ref.id, record(ref, assignee="Ольга")) == []
    server.agents.undo(number, thread)
    await clock.advance(10)
    assert await desk.read(ref.id, record(ref, assignee="Ольга")) == []


async def test_a_conversation_that_an_agent_began_says_whose_it_is(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    customer = (await desk.open_ticket(draft())).customer_id
    number = server.agents.start(int(customer or 0), "<p>Здравствуйте</p>")
    elsewhere = server.agents.start(int(customer or 0), "<p>Скидки</p>", mailbox=3)
    await clock.advance(15)
    replies = [one for one in await desk.read(str(number), None) if isinstance(one, AgentReplied)]
    assert [one.customer_id for one in replies] == [customer]
    assert await desk.read(str(elsewhere), None) == ()


async def test_changes_go_on_from_the_cursor_and_overlap(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    old = await desk.open_ticket(draft())
    await clock.advance(3600)
    nothing, cursor = await desk.changes(None)
    assert nothing == ()
    refs = [await desk.open_ticket(draft(text=f"{number}")) for number in range(60)]
    changed, after = await desk.changes(cursor)
    assert {ref.id for ref in refs} <= set(changed)
    assert after > cursor
    again, same = await desk.changes(after)
    assert {ref.id for ref in refs} == set(again), "the last minute is looked through again"
    assert old.id not in again
    assert same == after
    await clock.advance(3600)
    await desk.add_customer_message(old, said("ау"))
    changed, after = await desk.changes(after)
    assert old.id in changed
    assert await desk.changes("nonsense") == ((), after)


# -- files -----------------------------------------------------------------------------------------------


async def test_a_file_is_found_again_without_its_address(
    desk: FreeScout, server: FreeScoutServer, clock: ManualClock
) -> None:
    ref = await desk.open_ticket(draft())
    picture = server.world.store("q.png", "image/png", b"picture")
    body = f'<p>вот <img src="/storage/attachment/q.png?id={picture.id}&amp;token={picture.token}"></p>'
    server.agents.reply(int(ref.id), body, [("a.txt", "text/plain", b"text")])
    await clock.advance(15)
    [reply] = [one for one in await desk.read(ref.id, record(ref)) if isinstance(one, AgentReplied)]
    assert [await desk.fetch(file, limit=100) for file in reply.files] == [b"text", b"picture"]
    bare = [replace(file, link=None) for file in reply.files]
    assert [await desk.fetch(file, limit=100) for file in bare] == [b"text", b"picture"]
    with pytest.raises(Gone):
        await desk.fetch(AgentFile(id=f"{ref.id}/1/1", name="x"), limit=100)
    with pytest.raises(TooLarge):
        await desk.fetch(replace(bare[0], size=None), limit=3)


async def test_nothing_is_fetched_from_elsewhere(server: FreeScoutServer, clock: ManualClock) -> None:
    stored = server.world.store("a.txt", "text/plain", b"text")
    address = f"/storage/attachment/1/2/3/a.txt?id={stored.id}&token={stored.token}"
    asked: list[str] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.headers.get("X-FreeScout-API-Key", ""))
        return web.Response(status=302, headers={"Location": f"{server.base_url}{address}"})

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    other = f"http://127.0.0.1:{runner.addresses[0][1]}"
    file = AgentFile(id="1/1/1", name="a", link=f"{other}/a.txt")
    async with made(server, clock) as desk:
        with pytest.raises(Rejected, match="file_hosts"):
            await desk.fetch(file, limit=100)
        with pytest.raises(Rejected):
            await desk.fetch(replace(file, link="file:///etc/passwd"), limit=100)
        with pytest.raises(Rejected):
            await desk.fetch(replace(file, link="http://[x"), limit=100)
    assert asked == []
    async with made(server, clock, file_hosts=[other]) as desk:
        assert await desk.fetch(file, limit=100) == b"text"
    assert asked == [""], "the key goes to FreeScout's API and to nobody else"
    await runner.cleanup()


async def test_ten_at_once_are_ten(desk: FreeScout, server: FreeScoutServer) -> None:
    ref = await desk.open_ticket(draft())
    added = await asyncio.gather(*(desk.add_customer_message(ref, said(str(number))) for number in range(10)))
    assert len({one.id for one in added}) == 10
