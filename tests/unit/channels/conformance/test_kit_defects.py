"""Each check of the kit fails on a channel that has exactly the defect that it is there for."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import re
import sys
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from pydantic import ConfigDict, Field
from pydantic.errors import PydanticUserError

from channels.capabilities import Buttons
from channels.contract import Batch, ChannelSettings, Cursor, Health, HealthState, Operation, Transport
from channels.errors import BadPayload, Gone, Rejected, RetryLater, Unauthorized, Unreachable
from channels.model import ActionIn, RawUpdate, StartIn, TextIn
from channels.testing.conformance.fault_server import FAULTS
from channels.testing.conformance.guard import pinned
from channels.testing.conformance.text import SAID
from config.secret import Secret
from optfm_bot.testing.conformance import ChannelConformance

_spec = importlib.util.spec_from_file_location("toy_channel", Path(__file__).with_name("toy.py"))
assert _spec is not None
assert _spec.loader is not None
toy: Any = sys.modules.setdefault("toy_channel", importlib.util.module_from_spec(_spec))
if not hasattr(toy, "ToyConformance"):
    _spec.loader.exec_module(toy)

Honest = toy.ToyChannel
POLLING, WEBHOOK = Transport.POLLING, Transport.WEBHOOK
Subject = type[ChannelConformance]
DEFECTS: list[Any] = []


def claims(**attributes: Any) -> Subject:
    """The toy's class of checks, with some of its attributes changed."""
    return type("Defective", (toy.ToyConformance,), {"patience": 0.4, **attributes})


def channel(**methods: Any) -> Subject:
    """The toy's class of checks, for a channel with some of its methods changed."""
    return claims(made=type("DefectiveChannel", (Honest,), methods))


def can(**capabilities: Any) -> Subject:
    """The toy's class of checks, for a channel that declares something else."""
    return declares(capabilities=replace(toy.SPEC.capabilities, **capabilities))


def declares(**changes: Any) -> Subject:
    spec = replace(toy.SPEC, **changes)
    made = type("DefectiveChannel", (Honest,), {"spec": spec})
    return claims(spec=spec, made=made, transports=tuple(spec.transports))


def defect(what: str, check: str, subject: Subject, *, transport: Any = POLLING, **given: Any) -> None:
    """Remember that this check fails on this class."""
    if transport is not None:
        given["transport"] = transport
    DEFECTS.append(pytest.param(f"test_{check}", subject, given, id=f"{check}: {what}"))


def fault(what: str, name: str, subject: Subject, check: str = "sending_ends_by_the_right_reaction") -> None:
    defect(what, check, subject, fault=name)


# -- honesty ---------------------------------------------------------------------------------------------------------


class Undescribed(toy.ToySettings):  # type: ignore[misc]  # loaded at run time
    speed: int = 1


class Guessing(toy.ToySettings):  # type: ignore[misc]  # loaded at run time
    model_config = ConfigDict(extra="ignore")


async def refusing(self: Any, *given: Any, **named: Any) -> Any:
    raise Rejected("not again")


async def nothing(self: Any, *given: Any, **named: Any) -> None:
    return None


async def never_editing(self: Any, message: Any) -> Any:
    return await Honest.deliver(self, replace(message, replaces=None))


async def three_rows_only(self: Any, message: Any) -> Any:
    return await Honest.deliver(self, replace(message, actions=message.actions[:3]))


async def without_buttons(self: Any, message: Any) -> Any:
    return await Honest.deliver(self, replace(message, actions=()))


async def cut_short(self: Any, file: Any, *, limit: int) -> bytes:
    content: bytes = await Honest.download(self, file, limit=limit)
    return content[:-1]


async def fetched_without_a_limit(self: Any, file: Any, *, limit: int) -> bytes:
    content: bytes = await Honest.download(self, file, limit=10 * limit)
    return content


async def lost_without_a_word(self: Any, file: Any, *, limit: int) -> bytes:
    try:
        content: bytes = await Honest.download(self, file, limit=limit)
    except Gone:
        return b""
    return content


async def missed_under_other_keys(self: Any, since: Any) -> Any:
    return [replace(raw, key=f"journal:{raw.key}") for raw in await Honest.missed(self, since)]


async def operating_anything(self: Any, name: str, params: Any) -> Any:
    return {}


async def found_anyway(self: Any, message: Any, *, since: Any) -> Any:
    return await Honest.deliver(self, message)


defect(
    "a mode that the spec hides",
    "the_spec_tells_the_truth_about_its_modes",
    declares(transports=frozenset({POLLING})),
)
SETTINGS = "every_setting_is_described_and_unknown_ones_are_refused"
defect("a setting without a description", SETTINGS, declares(settings=Undescribed), transport=None)
defect("unknown settings are taken", SETTINGS, declares(settings=Guessing), transport=None)
SENSE = "the_capabilities_make_sense"
defect("a dialect that nobody knows", SENSE, can(dialect="klingon"))
defect("a power that is not declared", SENSE, can(reads_history=False))
defect(
    "a payload too small for a token",
    SENSE,
    can(buttons=Buttons(max_rows=9, per_row=1, label_length=9, payload_bytes=8)),
)
LIMIT = "a_text_at_the_limit_is_one_message_and_one_more_is_two"
defect("more declared than the platform takes", LIMIT, can(text_limit=1000))
defect(
    "choices that do not fit", "more_buttons_than_fit_are_shown_another_way", can(buttons=None, text_limit=60)
)
KEYBOARD = "the_largest_keyboard_is_taken_by_the_platform"
defect("rows are dropped", KEYBOARD, channel(deliver=three_rows_only))
PRESS = "a_press_may_be_acknowledged_late_and_twice"
defect("a late acknowledgement hurts", PRESS, channel(acknowledge_action=refusing))
SAME = "the_same_message_sent_again_is_one_message_where_that_is_declared"
defect("it is one and says two", SAME, can(idempotent=False))
defect(
    "a new message instead of an edit",
    "a_message_is_edited_where_that_is_declared",
    channel(deliver=never_editing),
)
defect("nothing is shown", "typing_is_shown_where_that_is_declared", channel(typing=nothing))
defect("shown and not declared", "typing_is_shown_where_that_is_declared", can(typing=False))
FOUND = "a_message_is_found_again_where_that_is_declared"
defect("nothing is ever found", FOUND, channel(find=nothing))
defect("everything is found", FOUND, channel(find=found_anyway))
FETCHED = "a_file_can_be_fetched_where_that_is_declared"
defect("it is cut short", FETCHED, channel(download=cut_short))
defect("it has no limit", FETCHED, channel(download=fetched_without_a_limit))
defect("it is lost without a word", FETCHED, channel(download=lost_without_a_word))
MISSED = "what_was_missed_has_the_keys_that_receiving_gives"
defect("other keys", MISSED, channel(missed=missed_under_other_keys))
OPERATIONS = "operations_have_names_and_settings_of_their_own"
TWICE = (Operation(name="clear", summary="One"), Operation(name="clear", summary="Two"))
defect("two of one name", OPERATIONS, channel(operations=TWICE))
defect("unknown ones are done", OPERATIONS, channel(operate=operating_anything))

# -- parsing ---------------------------------------------------------------------------------------------------------


def reading(change: Any) -> Subject:
    """A channel that reads each event another way."""

    def parse(self: Any, raw: RawUpdate) -> Any:
        return tuple(one for event in Honest.parse(self, raw) if (one := change(event)) is not None)

    return channel(parse=parse)


def keyed(key: Any) -> Subject:
    """A channel that derives other keys."""
    return channel(cut=lambda self, item: replace(Honest.cut(self, item), key=str(key(item))))


def naive_split(self: Any, request: Any) -> Any:
    return (self.cut(orjson.loads(request.body)),)


def naive_parse(self: Any, raw: RawUpdate) -> Any:
    return Honest.parse(self, raw) if raw.payload["kind"].strip() else ()


def naive_cut(self: Any, item: Any) -> RawUpdate:
    item["id"].bit_length()
    return Honest.cut(self, item)


def keyed_by_bytes(self: Any, request: Any) -> Any:
    return tuple(replace(raw, key=request.body.hex()) for raw in Honest.split(self, request))


def read_from_memory(self: Any, raw: RawUpdate) -> Any:
    if id(raw.payload) not in vars(self).setdefault("seen", set()):
        raise BadPayload
    return Honest.parse(self, raw)


def remembering_cut(self: Any, item: Any) -> RawUpdate:
    raw: RawUpdate = Honest.cut(self, item)
    vars(self).setdefault("seen", set()).add(id(raw.payload))
    return raw


def changing_parse(self: Any, raw: RawUpdate) -> Any:
    events = Honest.parse(self, raw)
    raw.payload["read"] = True  # type: ignore[index]  # that is the defect
    return events


def choking_on_zero(self: Any, raw: RawUpdate) -> Any:
    if "\x00" in str(raw.payload.get("text")):
        raise ValueError("zero")
    return Honest.parse(self, raw)


MEANS = "a_recorded_update_means_what_its_file_says"
defect(
    "other words",
    MEANS,
    reading(lambda e: replace(e, text="x") if isinstance(e, TextIn) else e),
    payload="text",
)
defect("another key", MEANS, keyed(lambda item: f"toy-{item['id']}"), payload="start")
defect(
    "the time has no zone", MEANS, reading(lambda e: replace(e, at=e.at.replace(tzinfo=None))), payload="own"
)
SHOW = "the_recordings_show_what_a_support_bot_meets"
defect("absent, and there", SHOW, claims(absent={"media": "there is nothing but text"}), transport=None)
defect("the same key for two", "two_recordings_never_share_a_key", keyed(lambda item: item["chat"]))
defect("a key made of the words", "two_texts_alike_are_two_updates", keyed(lambda item: item["text"]))
defect(
    "a key made of bytes",
    "the_key_of_a_push_does_not_depend_on_how_it_is_written",
    channel(split=keyed_by_bytes),
    transport=WEBHOOK,
)
defect("pushed under another key", "the_key_is_the_same_in_every_mode", channel(split=keyed_by_bytes))
LANE = "the_lane_of_an_update_is_its_conversation"
defect(
    "one lane for all", LANE, channel(cut=lambda self, item: replace(Honest.cut(self, item), lane="toy:all"))
)
STORED = "what_was_stored_reads_the_same_after_a_restart"
defect("it is read from memory", STORED, channel(parse=read_from_memory, cut=remembering_cut))
defect("reading changes it", STORED, channel(parse=changing_parse))
defect(
    "a field is taken for granted",
    "a_malformed_update_raises_nothing_but_bad_payload",
    channel(parse=naive_parse),
)
defect(
    "an object is taken for granted",
    "a_malformed_push_raises_nothing_but_bad_payload",
    channel(split=naive_split),
    transport=WEBHOOK,
)
defect("one odd update ends the batch", "a_malformed_update_holds_up_nobody", channel(cut=naive_cut))

# -- order -----------------------------------------------------------------------------------------------------------


async def fetching_and_confirming(self: Any, cursor: Any) -> Batch:
    batch: Batch = await Honest.fetch(self, cursor)
    self.at = batch.cursor
    await self.ask("GET", f"/confirm?after={batch.cursor}")
    return batch


class Confirming(toy.ToyPlatform):  # type: ignore[misc]  # loaded at run time
    """A platform with a way to confirm at once."""

    async def answer(self, asked: Any) -> Any:
        if asked.path == "/confirm":
            del self.waiting[: max(0, int(asked.query["after"]) - self.served)]
            self.served = max(self.served, int(asked.query["after"]))
        return await super().answer(asked)


async def from_the_beginning(self: Any, cursor: Any) -> Batch:
    return Batch(updates=(await Honest.fetch(self, Cursor("0"))).updates, cursor=cursor)


async def from_the_beginning_at_first(self: Any, cursor: Any) -> Batch:
    first, self.begun = not vars(self).get("begun"), True
    batch: Batch = await Honest.fetch(self, Cursor("0") if first else cursor)
    return batch


def never_the_same_key(self: Any, item: Any) -> RawUpdate:
    return replace(Honest.cut(self, item), key=uuid.uuid4().hex)


def splitting_nothing(self: Any, request: Any) -> Any:
    return ()


EAGER = claims(made=type("Eager", (Honest,), {"fetch": fetching_and_confirming}), other_side=Confirming)
defect("fetched is confirmed", "fetching_confirms_nothing", EAGER)
defect("confirmed at once", "killed_between_fetch_and_commit_nothing_is_lost", EAGER)
FORGETFUL = channel(fetch=from_the_beginning)
defect("the cursor is forgotten", "what_is_confirmed_does_not_come_again", FORGETFUL)
DOUBLE = channel(fetch=from_the_beginning_at_first, cut=never_the_same_key)
defect("the same under another key", "killed_between_commit_and_confirm_nothing_is_lost_or_doubled", DOUBLE)
PUSHED = "a_push_that_is_repeated_is_handled_once"
defect("the same under another key", PUSHED, channel(cut=never_the_same_key), transport=WEBHOOK)
UNSTORED = "a_push_that_cannot_be_stored_is_not_acknowledged"
defect("acknowledged and dropped", UNSTORED, channel(split=splitting_nothing), transport=WEBHOOK)

# -- security --------------------------------------------------------------------------------------------------------


class Loud(toy.ToySettings):  # type: ignore[misc]  # loaded at run time
    model_config = ConfigDict(hide_input_in_errors=False)


class Bare(ChannelSettings):
    token: str = Field(description="The token.")
    hook: Secret = Field(description="Proves a push.")
    base: str = Field(description="Where the platform is.")


def shut(self: Any, request: Any) -> None:
    raise Unauthorized


def open_to_all(self: Any, request: Any) -> None:
    if not request.headers.get("x-toy"):
        raise Unauthorized


def compared_in_lower_case(self: Any, request: Any) -> None:
    if request.headers.get("x-toy", "").lower() != self.settings.hook.reveal().lower():
        raise Unauthorized


def compared_letter_by_letter(self: Any, request: Any) -> None:
    if request.headers.get("x-toy") != self.settings.hook.reveal():
        raise Unauthorized


def choking_on_foreign_letters(self: Any, request: Any) -> None:
    request.headers.get("x-toy", "").encode("ascii")
    Honest.authenticate(self, request)


def init_with_a_token(self: Any, settings: Any, context: Any) -> None:
    Honest.__init__(self, settings, context)
    self.token = settings.token.reveal()


async def telling_the_log(self: Any, message: Any) -> Any:
    logging.getLogger("toy").debug("sending with %s", self.settings.token.reveal())
    return await Honest.deliver(self, message)


async def telling_structlog(self: Any, message: Any) -> Any:
    structlog.get_logger("toy").info("toy.sent", about={"headers": [self.settings.token.reveal()]})
    return await Honest.deliver(self, message)


async def telling_the_error(self: Any, method: str, path: str, data: Any = None) -> Any:
    try:
        return await Honest.ask(self, method, path, data)
    except Unreachable as error:
        raise Unreachable(
            f"{self.settings.token.reveal()} got no answer", maybe_sent=error.maybe_sent
        ) from None


async def telling_the_cause(self: Any, message: Any) -> Any:
    raise Rejected("refused") from ValueError(self.settings.token.reveal())


async def telling_the_probe(self: Any) -> Health:
    return Health(state=HealthState.OK, details={"token": self.settings.token.reveal()})


defect("nobody gets in", "a_genuine_push_is_let_in", channel(authenticate=shut), transport=WEBHOOK)
FORGED = "a_wrong_a_missing_and_a_strange_proof_are_refused"
defect("everybody gets in", FORGED, channel(authenticate=open_to_all), transport=WEBHOOK)
defect("case does not count", FORGED, channel(authenticate=compared_in_lower_case), transport=WEBHOOK)
defect(
    "foreign letters break it", FORGED, channel(authenticate=choking_on_foreign_letters), transport=WEBHOOK
)
CONSTANT = "the_secret_is_compared_in_constant_time"
defect("letter by letter", CONSTANT, channel(authenticate=compared_letter_by_letter), transport=WEBHOOK)
SHOWN = "the_settings_do_not_show_their_secrets"
defect("an attribute of the channel", SHOWN, channel(__init__=init_with_a_token))
defect("a plain text", SHOWN, declares(settings=Bare))
defect(
    "the wrong value is shown",
    "a_mistake_in_the_settings_does_not_show_their_secrets",
    declares(settings=Loud),
)
TOLD = "neither_errors_nor_logs_tell_a_secret"
fault("in the log of the library", "400", channel(deliver=telling_the_log), TOLD)
fault("in the error", "reset", channel(ask=telling_the_error), TOLD)
fault("in the cause of the error", "400", channel(deliver=telling_the_cause), TOLD)
fault("in the probe", "500", channel(probe=telling_the_probe), TOLD)
defect(
    "in the error", "an_address_that_nobody_answers_is_told_without_a_secret", channel(ask=telling_the_error)
)
defect(
    "in a field of the log",
    "work_that_goes_well_writes_no_secret_into_the_log",
    channel(deliver=telling_structlog),
)

# -- reactions -------------------------------------------------------------------------------------------------------


def answering(status: int, error: Any) -> Subject:
    """A channel that takes a status for something else."""

    def read(self: Any, answer: Any) -> Any:
        if answer.status == status:
            if error is None:
                return {"id": "1", "updates": [], "last": 0}
            raise error
        return Honest.read(self, answer)

    return channel(read=read)


async def trying_again(self: Any, message: Any) -> Any:
    try:
        return await Honest.deliver(self, message)
    except RetryLater:
        return await Honest.deliver(self, message)


async def waiting_by_itself(self: Any, message: Any) -> Any:
    try:
        return await Honest.deliver(self, message)
    except RetryLater:
        await asyncio.sleep(7)
        raise


def init_without_a_limit(self: Any, settings: Any, context: Any) -> None:
    Honest.__init__(self, settings, context)
    self.http.timeout = 3600.0


async def sure_of_nothing(self: Any, message: Any) -> Any:
    try:
        return await Honest.deliver(self, message)
    except Unreachable as error:
        raise Unreachable("no answer", maybe_sent=not error.maybe_sent) from None


async def breaking_open(self: Any) -> None:
    answer = await self.http.request("GET", f"{self.settings.base}/me")
    if answer.status != 200:
        raise ValueError(answer.status)


fault("refused for ever is tried again", "400", answering(400, RetryLater("later")))
fault("a wrong token is tried again", "401", answering(401, RetryLater("later")))
fault("a block is a wrong token", "403", answering(403, Unauthorized("what?")))
fault("it tries again by itself", "429", channel(deliver=trying_again))
fault("it waits by itself", "429", channel(deliver=waiting_by_itself))
fault("the wait is not heard", "429 with a delay", answering(429, RetryLater("later")))
fault("it waits for ever", "silence", channel(__init__=init_without_a_limit))
fault("certainly not sent", "reset", channel(deliver=sure_of_nothing))
fault("certainly not sent", "cut body", channel(deliver=sure_of_nothing))
fault("a page is a success", "200 as a page", answering(200, None))
fault("an error of another kind", "502 as a page", answering(502, KeyError("status")))
FETCHING = "fetching_ends_by_the_right_reaction"
fault("a wrong token is tried again", "401", answering(401, RetryLater("later")), FETCHING)
fault("trouble is an empty batch", "500", answering(500, None), FETCHING)
fault("nonsense is an empty batch", "200 as a page", answering(200, None), FETCHING)
fault("an error of another kind", "500", channel(open=breaking_open), "opening_ends_by_reaction")
DEAF = "a_platform_that_cannot_be_reached_has_certainly_got_nothing"
defect("perhaps sent", DEAF, channel(deliver=sure_of_nothing))

# -- text ------------------------------------------------------------------------------------------------------------


async def cutting(self: Any, message: Any) -> Any:
    return await Honest.deliver(self, replace(message, text=message.text[:50]))


async def stripping(self: Any, message: Any) -> Any:
    return await Honest.deliver(self, replace(message, text=re.sub(r"<[^>]*>", "", message.text)))


async def encoding(self: Any, message: Any) -> Any:
    message.text.encode()
    return await Honest.deliver(self, message)


def shouting(event: Any) -> Any:
    return replace(event, text=event.text.upper()) if isinstance(event, TextIn) else event


SAYS = "what_is_said_reaches_the_person_letter_by_letter"
defect("long texts are cut", SAYS, channel(deliver=cutting), said="five thousand characters")
defect("markup is dropped", SAYS, channel(deliver=stripping), said="markup characters")
defect(
    "long texts are cut",
    "what_authors_write_reaches_the_person",
    channel(deliver=cutting),
    written="much markup",
)
defect("words are changed", "what_people_write_is_read_as_they_wrote_it", reading(shouting))
defect("a zero breaks it", "what_people_write_can_be_stored_whatever_it_is", channel(parse=choking_on_zero))
defect("half a pair breaks it", "what_no_text_can_hold_is_refused_by_reaction", channel(deliver=encoding))

# -- life ------------------------------------------------------------------------------------------------------------


async def opened_once(self: Any) -> None:
    if vars(self).get("was_open"):
        raise RuntimeError("open already")
    self.was_open = True


async def closed_for_good(self: Any) -> None:
    self.was_open = True
    await Honest.close(self)


async def saying_goodbye(self: Any) -> None:
    await self.ask("POST", "/bye")
    await Honest.close(self)


async def probing_by_sending(self: Any) -> Health:
    await self.ask(
        "POST", "/send", orjson.dumps({"chat": "7", "text": "?", "key": "", "buttons": [], "replaces": None})
    )
    return Health(state=HealthState.OK)


async def leaving_a_task(self: Any, message: Any) -> Any:
    self.ticker = asyncio.create_task(asyncio.sleep(3600), name="a ticker")
    return await Honest.deliver(self, message)


LEFT_OPEN: list[Any] = []


async def closing_nothing(self: Any) -> None:
    LEFT_OPEN.append(self.http)


async def never_cut_off(self: Any, *given: Any) -> Any:
    task = asyncio.ensure_future(Honest.fetch(self, *given))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.cancel()
        return Batch(updates=(), cursor=given[0])


async def never_cut_off_sending(self: Any, message: Any) -> Any:
    try:
        return await Honest.deliver(self, message)
    except asyncio.CancelledError:
        raise Unreachable("cut off", maybe_sent=True) from None


async def given_up_for_good(self: Any, method: str, path: str, data: Any = None) -> Any:
    if vars(self).get("dead"):
        raise Unauthorized
    try:
        return await Honest.ask(self, method, path, data)
    except Unauthorized:
        self.dead = True
        raise


defect("opening twice is an error", "opening_and_closing_twice_is_doing_it_once", channel(open=opened_once))
defect(
    "closing asks the platform", "closing_without_having_opened_is_harmless", channel(close=saying_goodbye)
)
defect(
    "a probe sends",
    "a_check_from_outside_needs_no_opening_and_changes_nothing",
    channel(probe=probing_by_sending),
)
defect("a task is left", "after_closing_calls_end_by_reaction_or_work", channel(deliver=leaving_a_task))
defect("a task is left", "closing_leaves_no_task_and_no_connection", channel(deliver=leaving_a_task))
defect("a connection is left", "closing_leaves_no_task_and_no_connection", channel(close=closing_nothing))
AGAIN = "it_can_be_opened_again_after_closing"
defect("closed for good", AGAIN, channel(open=opened_once, close=closed_for_good))
REFUSED = "it_can_be_opened_again_after_its_credentials_were_refused"
defect("given up for good", REFUSED, channel(ask=given_up_for_good))
defect("it goes on", "a_long_poll_can_be_cut_off_and_nothing_is_lost", channel(fetch=never_cut_off))
defect("it goes on", "a_message_can_be_cut_off_while_it_is_sent", channel(deliver=never_cut_off_sending))

# -- talk ------------------------------------------------------------------------------------------------------------


class Near(toy.ToyPlatform):  # type: ignore[misc]  # loaded at run time
    """A platform that is said to be here."""

    remote = False


def unless(kind: type, **about: Any) -> Subject:
    return reading(lambda event: None if isinstance(event, kind) else event)


def greeting(event: Any) -> Any:
    return replace(event, text="привет") if isinstance(event, TextIn) else event


async def promising_tokens(self: Any, message: Any) -> Any:
    vars(self).setdefault("tokens", set()).update(a.token for row in message.actions for a in row)
    return await Honest.deliver(self, message)


def known_tokens(self: Any, raw: RawUpdate) -> Any:
    tokens = vars(self).get("tokens", set())
    return [e for e in Honest.parse(self, raw) if not isinstance(e, ActionIn) or e.token in tokens]


defect("a start means nothing", "a_person_who_starts_the_bot_is_greeted", unless(StartIn))
defect("buttons are dropped", "a_question_is_answered_and_leads_on", channel(deliver=without_buttons))
defect("buttons are dropped", "an_unclear_question_is_clarified", channel(deliver=without_buttons))
defect("presses mean nothing", "an_answer_can_be_rated", unless(ActionIn))
defect("words are changed", "what_the_bot_does_not_know_is_admitted", reading(greeting))
PHOTO = reading(lambda event: None if type(event).__name__ == "MediaIn" else event)
defect("pictures mean nothing", "what_is_not_text_gets_a_reply", PHOTO)
RESTART = "a_choice_offered_before_a_restart_still_counts"
defect("tokens live in memory", RESTART, channel(deliver=promising_tokens, parse=known_tokens))
defect("it is not here", "a_network_is_needed_only_where_there_is_one", claims(other_side=Near))

CHANGED = claims()
CHANGED.test_two_texts_alike_are_two_updates = None  # type: ignore[method-assign,assignment]  # that is the defect
defect("taken away later", "no_check_is_missing_or_replaced", CHANGED, transport=None)


@pytest.mark.parametrize(("check", "subject", "given"), DEFECTS)
async def test_the_check_fails_on(check: str, subject: Subject, given: Mapping[str, Any]) -> None:
    # A check may fail by any error, and by `pytest.raises` too, which is no `Exception`. Leaving it out is no failure.
    with pytest.raises(BaseException) as failed:  # noqa: PT011 - as said
        await getattr(subject(), check)(**given)
    while LEFT_OPEN:
        await LEFT_OPEN.pop().close()
    assert not isinstance(failed.value, pytest.skip.Exception | KeyboardInterrupt | asyncio.CancelledError)
    assert not isinstance(failed.value, NameError | ImportError | PydanticUserError)


def test_every_check_has_a_defect() -> None:
    assert {defect.values[0] for defect in DEFECTS} == set(pinned())


def test_the_texts_hold_what_the_checks_are_about() -> None:
    assert len(SAID["five thousand characters"]) >= 5000
    assert max(map(len, SAID.values())) > toy.SPEC.capabilities.text_limit


def test_every_fault_has_a_reaction_in_both_directions() -> None:
    from channels.testing.conformance.reactions import DELIVER, FETCH  # noqa: PLC0415 - used here only

    assert set(FAULTS) == set(DELIVER) == set(FETCH)
