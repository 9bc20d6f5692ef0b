"""People by REST: who has the word, requests, tickets, proposals, and what of them a token opens."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from optfm_bot.api.call import Call
from optfm_bot.api.refusals import Refusal
from optfm_bot.api.requests import RequestDesk
from optfm_bot.api.tokens import Scope
from optfm_bot.dispatch.requests import Office as RequestOffice
from optfm_bot.domain.conversation import Conversation, dump, load
from optfm_bot.domain.handoff import Stage
from optfm_bot.domain.requests import Manager
from optfm_bot.errors import StoreUnavailable
from optfm_bot.ids import short
from optfm_bot.people import PeopleSettings
from optfm_bot.store.memory_retention import MemoryRetention
from optfm_bot.store.records import ConversationRow
from optfm_bot.store.request_records import ProposalRow, ProposalStatus, RequestEventRow, RequestRow
from optfm_bot.store.request_records import RequestStatus as Status
from optfm_bot.store.retention import Cutoff, Kind
from optfm_bot.store.ticket_records import TicketRow, TicketStatus

LANE = "plain:42"
TALK = "/api/conversations/plain:42"
PAUSE = {"action": "pause", "by": "Ольга"}
EN = {"Accept-Language": "en"}


async def talk_is(office: Any, lane: str = LANE, **facts: Any) -> None:
    row = ConversationRow(
        lane=lane,
        channel=lane.partition(":")[0],
        state=dump(Conversation(**facts)),
        updated_at=office.clock.ms(),
    )
    async with office.store.unit() as unit:
        unit.history.save_conversation(row)


async def look(office: Any, where: str, scope: Scope, **given: Any) -> Any:
    return await office.ask("GET", where, scope=scope, **given)


async def act(office: Any, body: Any, where: str = TALK, **given: Any) -> Any:
    given.setdefault("scope", Scope.CONVERSATIONS_WRITE)
    return await office.ask("POST", f"{where}/stage", body, **given)


async def stage_of(office: Any, lane: str = LANE) -> Stage:
    await office.settle()
    return load((await office.store.conversations([lane]))[lane].state).stage


def ticket(office: Any, number: int = 5, **facts: Any) -> TicketRow:
    known: dict[str, Any] = {"desk": "desk", "lane": LANE, "person": LANE, "subject": "Насос", "number": "77"}
    moments = {"opened_at": office.clock.ms(), "updated_at": office.clock.ms()}
    return TicketRow(id=number, **{**known, **moments, **facts})


# -- who has the word -------------------------------------------------------------------------------------


async def test_a_conversation_shows_who_has_the_word(office: Any) -> None:
    now = office.clock.ms()
    async with office.store.unit() as unit:
        unit.desk.add_ticket(ticket(office, url="https://desk.example/77", assignee="Ольга"))
    await talk_is(
        office,
        person=LANE,
        stage=Stage.HUMAN,
        stage_by="desk",
        stage_until=now + 60_000,
        ticket=5,
        waiting=now,
    )
    answer = await look(office, TALK, Scope.CONVERSATIONS_READ)

    assert answer.status == 200
    shown = answer.json.pop("ticket")
    assert answer.json == {
        "chat": LANE,
        "channel": "plain",
        "person": LANE,
        "stage": "human",
        "until": "2026-01-15T09:01:00Z",
        "by": "desk",
        "waiting_since": "2026-01-15T09:00:00Z",
        "updated_at": "2026-01-15T09:00:00Z",
    }
    assert (shown["number"], shown["url"], shown["status"], shown["assignee"]) == (
        "77",
        "https://desk.example/77",
        "open",
        "Ольга",
    )


async def test_a_stage_that_has_lapsed_is_over_before_anybody_notices(office: Any) -> None:
    until = office.clock.ms() + 1000
    await talk_is(office, stage=Stage.HUMAN, stage_by="admin", stage_until=until, waiting=1)
    await office.clock.advance(1)
    answer = await look(office, TALK, Scope.CONVERSATIONS_READ)

    shown = [answer.json[name] for name in ("stage", "until", "by", "waiting_since", "ticket")]
    assert shown == ["bot", None, "", None, None]


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        (Stage.BOT, "pause", Stage.PAUSED),
        (Stage.FORM, "take_over", Stage.HUMAN),
        (Stage.QUEUED, "take_over", Stage.HUMAN),
        (Stage.PAUSED, "resume", Stage.BOT),
        (Stage.HUMAN, "resume", Stage.BOT),
        (Stage.OFFERED, "resume", Stage.OFFERED),
    ],
)
async def test_the_stage_that_follows_is_told_and_comes(
    office: Any, before: Stage, action: str, after: Stage
) -> None:
    await talk_is(office, stage=before)
    answer = await act(office, {"action": action, "by": "Ольга"})

    assert (answer.status, answer.json) == (202, {"chat": LANE, "action": action, "stage": after.value})
    assert answer.headers["Location"] == TALK
    assert await stage_of(office) is after
    assert office.plain.delivered == []


async def test_what_is_done_is_an_event_of_the_conversation(office: Any) -> None:
    await talk_is(office)
    await act(office, PAUSE)
    await act(office, {"action": "resume"})
    await office.settle()

    first, second = await office.store.recent_updates("staff")
    assert (first.lane, second.lane) == (LANE, LANE)
    assert '"by":"Ольга"' in first.payload.decode()
    assert '"by":"conversations:write"' in second.payload.decode()


async def test_nothing_is_accepted_that_was_not_stored(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await talk_is(office)
    await office.token(Scope.CONVERSATIONS_WRITE)

    async def down(_: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(office.store, "_commit", down)
    answer = await act(office, PAUSE)

    assert (answer.status, answer.code) == (503, "store_unavailable")


@pytest.mark.parametrize("chat", ["plain:43", "plain", "a:b:c:d", "nowhere:42", "plain:%00"])
async def test_a_conversation_that_there_is_not(office: Any, chat: str) -> None:
    where = f"/api/conversations/{chat}"
    looked = await look(office, where, Scope.CONVERSATIONS_READ)
    acted = await act(office, PAUSE, where)

    assert (looked.status, looked.code) == (404, "no_conversation")
    assert (acted.status, acted.code) == (404, "no_conversation")


async def test_a_chat_id_may_have_any_letters(office: Any) -> None:
    lane = "plain:user%253A1/2:тема"
    await talk_is(office, lane)
    where = f"/api/conversations/{quote(lane, safe=':')}"
    answer = await act(office, PAUSE, where)

    assert (answer.status, answer.json["chat"]) == (202, lane)
    assert answer.headers["Location"] == where
    assert (await look(office, where, Scope.CONVERSATIONS_READ)).json["channel"] == "plain"


async def test_nobody_can_act_in_a_channel_that_is_not_configured_any_more(office: Any) -> None:
    await talk_is(office, "gone:1")
    where = "/api/conversations/gone:1"

    assert (await look(office, where, Scope.CONVERSATIONS_READ)).status == 200
    assert (await act(office, PAUSE, where)).code == "no_channel"


@pytest.mark.parametrize("body", [{}, {"action": "sleep"}, {"action": "pause", "by": "О" * 101}, {"do": 1}])
async def test_an_action_has_to_be_one(office: Any, body: Any) -> None:
    await talk_is(office)

    assert (await act(office, body)).code == "bad_request"


# -- again and again --------------------------------------------------------------------------------------


async def test_a_repeated_request_does_nothing_again(office: Any) -> None:
    await talk_is(office)
    headers = {"Idempotency-Key": "night"}
    first = await act(office, PAUSE, headers=headers)
    await act(office, {"action": "resume"})
    await office.settle()
    second = await act(office, PAUSE, headers=headers)

    assert ("Idempotent-Replayed" in first.headers, second.headers["Idempotent-Replayed"]) == (False, "true")
    assert (second.status, second.json["stage"]) == (202, "bot")
    assert await stage_of(office) is Stage.BOT
    assert len(await office.store.recent_updates("staff")) == 2


async def test_of_many_at_once_with_one_key_one_is_stored(office: Any) -> None:
    await talk_is(office)
    await office.token(Scope.CONVERSATIONS_WRITE)
    answers = await asyncio.gather(
        *(act(office, PAUSE, headers={"Idempotency-Key": "night"}) for _ in range(8))
    )

    assert {(answer.status, answer.json["stage"]) for answer in answers} == {(202, "paused")}
    assert len(await office.store.recent_updates("staff")) == 1


async def test_a_request_that_broke_off_after_its_key_is_finished_by_the_next_one(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talk_is(office)
    receive = office.house.intake.receive

    async def broken(*_: Any) -> int:
        raise StoreUnavailable

    monkeypatch.setattr(office.house.intake, "receive", broken)
    first = await act(office, PAUSE, headers={"Idempotency-Key": "night"})
    monkeypatch.setattr(office.house.intake, "receive", receive)
    second = await act(office, PAUSE, headers={"Idempotency-Key": "night"})

    assert (first.status, second.status) == (503, 202)
    assert await stage_of(office) is Stage.PAUSED


async def test_an_old_key_brings_nothing_that_the_inbox_has_forgotten(office: Any) -> None:
    await talk_is(office)
    headers = {"Idempotency-Key": "night"}
    await act(office, PAUSE, headers=headers)
    await act(office, {"action": "resume"})
    await office.settle()
    later = Cutoff(kind=Kind.UPDATES, before=office.clock.ms() + 1)
    await MemoryRetention(office.store).step(later, after=0, limit=10)
    office.clock.jump(2 * 60 * 60)
    again = await act(office, PAUSE, headers=headers)

    assert (again.status, again.json["stage"]) == (202, "bot")
    assert await stage_of(office) is Stage.BOT


@pytest.mark.parametrize("body", [{"action": "take_over", "by": "Ольга"}, {"action": "pause", "by": "Пётр"}])
async def test_a_key_stands_for_one_action(office: Any, body: Any) -> None:
    await talk_is(office)
    await talk_is(office, "plain:43")
    headers = {"Idempotency-Key": "night"}
    await act(office, PAUSE, headers=headers)

    assert (await act(office, body, headers=headers)).code == "key_reused"
    assert (await act(office, PAUSE, "/api/conversations/plain:43", headers=headers)).code == "key_reused"


async def test_a_key_that_does_not_fit_stores_nothing(office: Any) -> None:
    await talk_is(office)

    assert (await act(office, PAUSE, headers={"Idempotency-Key": "a b"})).code == "bad_key"
    assert await office.store.recent_updates("staff") == []


# -- requests ---------------------------------------------------------------------------------------------


async def has_requests(office: Any, *numbers: int, **facts: Any) -> None:
    async with office.store.unit() as unit:
        for number in numbers:
            made = office.clock.ms() + number * 1000
            known: dict[str, Any] = {
                "form": "request",
                "fields": {"name": "Анна", "odd": "7"},
                "created_at": made,
                "updated_at": made,
            }
            row = RequestRow(id=number, number=f"26-{number}", lane=LANE, person=LANE, **{**known, **facts})
            unit.requests.add(row)
            event = RequestEventRow(id=number, request_id=number, at=made, by="customer", status=Status.NEW)
            unit.requests.add_event(event)


async def change(office: Any, body: Any, number: str = "26-1", **given: Any) -> Any:
    given.setdefault("scope", Scope.REQUESTS_WRITE)
    return await office.ask("PATCH", f"/api/requests/{number}", body, **given)


def call(body: Any, number: str = "26-1") -> Call:
    return Call(places={"number": number}, headers={}, body=body, language="ru", token=None)


async def test_requests_are_listed_newest_first_page_by_page(office: Any) -> None:
    await has_requests(office, 1, 2, 3, 4)
    pages: list[list[str]] = []
    where = "/api/requests?limit=2"
    for _ in range(2):
        answer = await look(office, where, Scope.REQUESTS_READ)
        pages.append([one["number"] for one in answer.json["requests"]])
        where = f"/api/requests?limit=2&before={answer.json['next']}"

    assert pages == [["26-4", "26-3"], ["26-2", "26-1"]]
    assert answer.json["next"] is None


async def test_requests_are_chosen(office: Any) -> None:
    await has_requests(office, 1)
    await has_requests(office, 2, form="callback")
    await has_requests(office, 3, status=Status.DONE)

    async def found(query: str) -> list[str]:
        answer = await look(office, f"/api/requests?{query}", Scope.REQUESTS_READ)
        return [one["number"] for one in answer.json["requests"]]

    assert await found("status=done") == ["26-3"]
    assert await found("form=callback") == ["26-2"]
    assert await found("since=2026-01-15T12:00:02%2B03:00") == ["26-3", "26-2"]
    assert await found("status=new&form=request") == ["26-1"]
    assert await found("form=%00") == []


@pytest.mark.parametrize(
    ("query", "about"),
    [
        ("status=old", "status"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("since=2026-01-15T09:00:00", "offset from UTC"),
        ("since=1768467600", "offset from UTC"),
        ("before=-", "page before"),
        ("before=zzzzzzzzzzz", "page before"),
        ("sort=number", "sort"),
    ],
)
async def test_a_question_with_mistakes_is_refused(office: Any, query: str, about: str) -> None:
    answer = await look(office, f"/api/requests?{query}", Scope.REQUESTS_READ, headers=EN)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert about in answer.json["error"]["hint"]


async def test_a_request_is_shown_with_labels_and_life(office: Any) -> None:
    await has_requests(office, 1)
    answer = await look(office, "/api/requests/26-1", Scope.REQUESTS_WRITE)

    assert answer.json == {
        "number": "26-1",
        "form": "request",
        "status": "new",
        "assignee": "",
        "person": LANE,
        "chat": LANE,
        "answers": [
            {"name": "name", "label": answer.json["answers"][0]["label"], "value": "Анна"},
            {"name": "odd", "label": "odd", "value": "7"},
        ],
        "created_at": "2026-01-15T09:00:01Z",
        "updated_at": "2026-01-15T09:00:01Z",
        "history": [{"at": "2026-01-15T09:00:01Z", "by": "customer", "status": "new", "comment": ""}],
    }
    assert answer.json["answers"][0]["label"] != "name"


async def test_a_request_is_taken_passed_on_and_finished(office: Any) -> None:
    await has_requests(office, 1)
    taken = await change(office, {"status": "in_work", "assignee": "Ольга", "by": "Ольга"})
    noted = await change(office, {"comment": "звонила, перезвонит"})
    passed = await change(office, {"assignee": ""})
    done = await change(office, {"status": "done", "comment": " счёт выслан "})

    assert [one.status for one in (taken, noted, passed, done)] == [200] * 4
    assert (taken.json["assignee"], passed.json["assignee"]) == ("Ольга", "")
    assert done.json["status"] == "done"
    life = [(one["by"], one["status"], one["comment"]) for one in done.json["history"]]
    assert life == [
        ("customer", "new", ""),
        ("Ольга", "in_work", ""),
        ("requests:write", "in_work", "звонила, перезвонит"),
        ("requests:write", "in_work", ""),
        ("requests:write", "done", "счёт выслан"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (Status.DONE, {"status": "in_work"}, "Заявка 26-1 уже выполнена, изменить её нельзя."),
        (Status.DONE, {"assignee": "Ольга"}, "Заявка 26-1 уже выполнена, изменить её нельзя."),
        (Status.IN_WORK, {"status": "in_work"}, "Заявка 26-1 уже в работе."),
        (Status.IN_WORK, {"status": "new"}, "Заявка 26-1 уже в работе и новой снова не станет."),
    ],
)
async def test_what_may_not_be_is_refused_with_a_sentence(
    office: Any, status: Status, body: Any, said: str
) -> None:
    await has_requests(office, 1, status=status)
    answer = await change(office, body)

    assert (answer.status, answer.code, answer.json["error"]["hint"]) == (409, "request_refused", said)
    (row,) = await office.store.requests()
    assert (row.status, row.assignee) == (status, "")
    assert len(await office.store.request_events(1)) == 1


async def test_of_two_who_take_a_request_at_once_one_is_told_of_the_other(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await has_requests(office, 1)
    find = office.store.request_numbered

    async def slow(number: str) -> Any:
        """Both have looked before one of them writes."""
        row = await find(number)
        for _ in range(200):
            await asyncio.sleep(0)
        return row

    monkeypatch.setattr(office.store, "request_numbered", slow)
    ids = count(100).__next__
    desks = [RequestDesk(office.house, office.clock, ids) for _ in "12"]  # as two processes have them
    taken = [{"status": "in_work", "assignee": name} for name in ("Ольга", "Олег")]
    found = await asyncio.gather(
        *(desk.change(call(body)) for desk, body in zip(desks, taken, strict=True)), return_exceptions=True
    )

    (refused,) = (one for one in found if isinstance(one, Refusal))
    assert (refused.code, refused.detail) == ("request_refused", "Заявка 26-1 уже в работе.")
    (row,) = await office.store.requests()
    body = json.loads(refused.response("ru").text or "")
    assert (body["request"]["status"], body["request"]["assignee"]) == ("in_work", row.assignee)
    assert [one["status"] for one in body["request"]["history"]] == ["new", "in_work"]
    assert len(await office.store.request_events(1)) == 2


async def test_who_changes_what_is_not_so_any_more_sees_what_it_is(office: Any) -> None:
    await has_requests(office, 1)
    seen = (await look(office, "/api/requests/26-1", Scope.REQUESTS_READ)).json["updated_at"]
    office.clock.jump(60)
    first = await change(office, {"assignee": "Ольга", "updated_at": seen})
    second = await change(office, {"assignee": "Олег", "updated_at": seen})
    again = await change(office, {"assignee": "Олег", "updated_at": first.json["updated_at"]})

    assert (first.status, second.status, second.code) == (200, 409, "request_refused")
    assert second.json["error"]["hint"] == (
        "Заявку 26-1 только что изменил кто-то другой. Теперь она новая, ответственный: Ольга. "
        "Если ваше изменение ещё нужно, повторите его."
    )
    assert second.json["request"] == first.json
    assert (again.status, again.json["assignee"]) == (200, "Олег")
    assert (await change(office, {"comment": "x", "updated_at": "yesterday"})).code == "bad_request"


async def test_a_finished_request_may_still_get_a_comment(office: Any) -> None:
    await has_requests(office, 1, status=Status.DONE)
    answer = await change(office, {"comment": "всё хорошо"})

    assert (answer.status, answer.json["history"][-1]["status"]) == (200, "done")


@pytest.mark.parametrize("body", [{}, {"by": "Ольга"}, {"comment": " "}, {"status": "lost"}, {"note": "x"}])
async def test_a_change_changes_something(office: Any, body: Any) -> None:
    await has_requests(office, 1)

    assert (await change(office, body)).code == "bad_request"


@pytest.mark.parametrize("number", ["26-2", "x" * 65, "%00"])
async def test_a_request_that_there_is_not(office: Any, number: str) -> None:
    await has_requests(office, 1)

    assert (await look(office, f"/api/requests/{number}", Scope.REQUESTS_READ)).code == "no_request"
    assert (await change(office, {"status": "done"}, number)).code == "no_request"


async def test_a_request_is_given_to_managers_of_the_settings_only(office: Any) -> None:
    await has_requests(office, 1)
    managers = RequestOffice(managers=(Manager(name="Ольга"),))
    office.house.settings = replace(office.house.settings, people=PeopleSettings(office=managers))
    desk = RequestDesk(office.house, office.clock, count(100).__next__)

    await desk.change(call({"assignee": "Ольга"}))
    with pytest.raises(Refusal) as refused:
        await desk.change(call({"assignee": "Пётр"}))

    assert (refused.value.code, refused.value.problems[0].key) == ("bad_request", "assignee")
    (row,) = await office.store.requests()
    assert row.assignee == "Ольга"


# -- tickets and proposals --------------------------------------------------------------------------------


async def test_tickets_are_listed(office: Any) -> None:
    async with office.store.unit() as unit:
        unit.desk.add_ticket(ticket(office, 5))
        closed = {"status": TicketStatus.CLOSED, "closed_at": office.clock.ms(), "lane": "plain:7"}
        unit.desk.add_ticket(ticket(office, 6, **closed))
    every = await look(office, "/api/tickets?limit=1", Scope.TICKETS_READ)
    rest = await look(office, f"/api/tickets?before={every.json['next']}", Scope.TICKETS_READ)
    opened = await look(office, "/api/tickets?status=open", Scope.TICKETS_READ)

    assert [one["id"] for one in every.json["tickets"]] == [short(6)]
    assert every.json["tickets"][0]["closed_at"] == "2026-01-15T09:00:00Z"
    assert [one["id"] for one in rest.json["tickets"]] == [short(5)]
    assert [(one["chat"], one["subject"]) for one in opened.json["tickets"]] == [(LANE, "Насос")]
    assert rest.json["next"] is None


async def has_proposals(office: Any, *numbers: int) -> None:
    async with office.store.unit() as unit:
        for number in numbers:
            row = ProposalRow(
                id=number,
                lane=LANE,
                question="какая гарантия",
                answer="Два года.",
                source=f"desk:77#{number}",
                by="Ольга",
                at=office.clock.ms(),
            )
            unit.history.add_proposal(row)


async def test_a_proposal_is_read_and_decided_on(office: Any) -> None:
    await has_proposals(office, 5, 6)
    where = f"/api/proposals/{short(5)}"
    taken = await office.ask("PATCH", where, {"status": "taken"}, scope=Scope.PROPOSALS_WRITE)
    new = await look(office, "/api/proposals?status=new", Scope.PROPOSALS_READ)

    assert (taken.status, taken.json["id"], taken.json["status"]) == (200, short(5), "taken")
    assert [one["id"] for one in new.json["proposals"]] == [short(6)]
    assert (new.json["proposals"][0]["question"], new.json["proposals"][0]["answer"]) == (
        "какая гарантия",
        "Два года.",
    )
    (row,) = await office.store.proposals(status=ProposalStatus.TAKEN)
    assert row.id == 5


@pytest.mark.parametrize("name", ["7", "-", short((1 << 63) - 1)])
async def test_a_proposal_that_there_is_not(office: Any, name: str) -> None:
    await has_proposals(office, 5, 6)
    where = f"/api/proposals/{name}"

    assert (
        await office.ask("PATCH", where, {"status": "taken"}, scope=Scope.PROPOSALS_WRITE)
    ).code == "no_proposal"


async def test_a_proposal_does_not_become_new_again(office: Any) -> None:
    await has_proposals(office, 5)
    where = f"/api/proposals/{short(5)}"

    assert (
        await office.ask("PATCH", where, {"status": "new"}, scope=Scope.PROPOSALS_WRITE)
    ).code == "bad_request"


# -- what is described ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", [Scope.READ, Scope.MESSAGES, Scope.SERVICE])
@pytest.mark.parametrize("where", [TALK, "/api/requests", "/api/tickets", "/api/proposals"])
async def test_what_was_said_to_people_needs_a_scope_of_its_own(
    office: Any, scope: Scope, where: str
) -> None:
    assert (await look(office, where, scope)).code == "wrong_scope"


async def test_answers_about_people_are_as_described(office: Any) -> None:
    await talk_is(office, ticket=5)
    await has_requests(office, 1)
    await has_proposals(office, 5)
    async with office.store.unit() as unit:
        unit.desk.add_ticket(ticket(office))
    document = (await office.ask("GET", "/api/openapi.json")).json
    answers = {
        "ConversationView": await look(office, TALK, Scope.CONVERSATIONS_READ),
        "StageAccepted": await act(office, PAUSE),
        "TicketList": await look(office, "/api/tickets", Scope.TICKETS_READ),
        "RequestList": await look(office, "/api/requests", Scope.REQUESTS_READ),
        "RequestDetails": await change(office, {"status": "in_work"}),
        "RequestRefused": await change(office, {"status": "in_work"}),
        "ProposalList": await look(office, "/api/proposals", Scope.PROPOSALS_READ),
    }

    for name, answer in answers.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        assert list(Draft202012Validator(schema).iter_errors(answer.json)) == [], name


async def test_questions_are_described_as_parameters(office: Any) -> None:
    document = (await office.ask("GET", "/api/openapi.json")).json
    asked = {one["name"]: one for one in document["paths"]["/api/requests"]["get"]["parameters"]}

    assert set(asked) == {"status", "form", "since", "before", "limit"}
    assert asked["status"]["schema"] == {"$ref": "#/components/schemas/RequestStatus"}
    assert asked["since"]["schema"]["format"] == "date-time"
    assert asked["limit"]["schema"]["maximum"] == 500
    assert all(one["in"] == "query" and one["description"] for one in asked.values())
    assert "AskRequests" not in document["components"]["schemas"]
