"""A group with topics: what is posted, what is gone on with, and whose fault it is when it cannot be."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.contract import ChannelContext, Downloads, HealthState, Topics
from channels.errors import (
    ChannelError,
    Gone,
    Misconfigured,
    Rejected,
    RetryLater,
    TooLarge,
    TopicGone,
    Unauthorized,
    Unreachable,
)
from channels.model import ChatRef, Media, MediaKind, Purpose, Receipt, Rendered
from channels.telegram.spec import SPEC as TELEGRAM
from optfm_bot.helpdesk.contract import (
    AgentFile,
    Customer,
    DeskFile,
    DeskMessage,
    HelpdeskContext,
    TicketDraft,
    TicketRef,
)
from optfm_bot.helpdesk.topics.helpdesk import TelegramTopics
from optfm_bot.helpdesk.topics.spec import SPEC, TopicsSettings
from optfm_bot.testing.platform import MemoryPlatform

GROUP = "-1001234567890"
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TICKET = TicketRef(id="7")


class Group(MemoryPlatform, Topics, Downloads):
    """A channel with topics in memory; `script` is what happens at the next calls, None if all goes well."""

    def __init__(self) -> None:
        super().__init__(ChannelContext(instance="staff", clock=lambda: NOW), TELEGRAM.capabilities)
        self.titles: list[str] = []
        self.open: dict[str, bool] = {}
        self.script: list[ChannelError | None] = []
        self.topic_script: list[ChannelError | None] = []
        self.files: list[bytes] = []
        self.paths: list[Path] = []

    async def deliver(self, message: Rendered) -> Receipt:
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        for media in message.media:
            self.paths.append(Path(media.path or ""))
            self.files.append(await asyncio.to_thread(self.paths[-1].read_bytes))
        return await super().deliver(message)

    async def open_topic(self, chat_id: str, title: str) -> str:
        self._next()
        assert chat_id == GROUP
        self.titles.append(title)
        return str(6 + len(self.titles))

    async def close_topic(self, chat_id: str, thread_id: str, *, closed: bool = True) -> None:
        self._next()
        self.open[thread_id] = not closed

    async def download(self, file: Media, *, limit: int) -> bytes:
        return f"{file.file_id} {limit}".encode()

    def _next(self) -> None:
        error = self.topic_script.pop(0) if self.topic_script else None
        if error is not None:
            raise error

    @property
    def texts(self) -> list[str]:
        return [one.message.plain for one in self.delivered]


@pytest.fixture
def group() -> Group:
    return Group()


def topics(group: Group | None, **settings: Any) -> TelegramTopics:
    made = TopicsSettings(channel="staff", group=GROUP, **settings)
    found = {} if group is None else {"staff": group}
    return TelegramTopics(made, HelpdeskContext(instance="desk", clock=lambda: NOW, channel=found.get))


def message(text: str = "Где заказ?", *files: DeskFile, key: str = "1") -> DeskMessage:
    return DeskMessage(key=key, text=text, files=files)


def draft(text: str = "Где заказ?", *files: DeskFile) -> TicketDraft:
    customer = Customer(ref="max:1", name="Мария К.", channel="MAX", phone="+79001112233")
    return TicketDraft(
        key="t", subject="MAX: заказ", customer=customer, customer_id=None, message=message(text, *files)
    )


# -- opening ---------------------------------------------------------------------------------------------


async def test_a_topic_is_called_after_the_customer_and_begins_with_who_it_is(group: Group) -> None:
    ref = await topics(group).open_ticket(draft())
    assert group.titles == ["Мария К. · MAX"]
    assert group.texts == ["Мария К.\nMAX · +79001112233\n\nГде заказ?"]
    assert (ref.id, ref.url, ref.thread_id) == ("7", "https://t.me/c/1234567890/7", "m1")
    posted = group.delivered[0].message
    assert posted.chat == ChatRef(channel="staff", chat_id=GROUP, thread_id="7")
    assert posted.purpose is Purpose.CUSTOMER


@pytest.mark.parametrize("maybe", [True, False])
async def test_a_topic_in_doubt_is_made_again_and_one_that_is_there_is_not(
    group: Group, *, maybe: bool
) -> None:
    desk = topics(group)
    group.topic_script = [Unreachable("lost", maybe_sent=maybe)]
    with pytest.raises(Unreachable) as raised:
        await desk.open_ticket(draft())
    assert not raised.value.maybe_sent
    group.script = [Unreachable("lost", maybe_sent=maybe)]
    with pytest.raises(Unreachable) as raised:
        await desk.open_ticket(draft())
    assert not raised.value.maybe_sent
    assert (await desk.open_ticket(draft())).id == "7"
    assert len(group.titles) == 1


async def test_a_topic_that_was_deleted_meanwhile_is_made_anew(group: Group) -> None:
    desk = topics(group)
    group.script = [TopicGone()]
    with pytest.raises(Gone):
        await desk.open_ticket(draft())
    assert (await desk.open_ticket(draft())).id == "8"


# -- posting ---------------------------------------------------------------------------------------------


async def test_words_of_a_customer_open_the_topic_again(group: Group) -> None:
    group.open["7"] = False
    ref = await topics(group).add_customer_message(TICKET, message())
    assert (group.open, group.texts, ref.id) == ({"7": True}, ["Где заказ?"], "m1")


async def test_a_note_is_marked_quiet_and_leaves_the_topic_as_it_is(group: Group) -> None:
    await topics(group).add_note(TICKET, message("Разговор:\n— <b>"))
    posted = group.delivered[0].message
    assert posted.text == "📝 <i>Разговор:</i>\n<i>— &lt;b&gt;</i>"
    assert posted.purpose is Purpose.NOTE
    assert group.open == {}


async def test_a_long_message_goes_on_where_it_was_stopped(group: Group) -> None:
    desk, text = topics(group), " ".join(f"слово{number}" for number in range(1200))
    file = DeskFile(name="a.pdf", mime="application/pdf", data=b"%PDF")
    group.script = [None, None, RetryLater("slow"), None, RetryLater("slow")]
    for _ in range(2):
        with pytest.raises(RetryLater):
            await desk.add_customer_message(TICKET, message(text, file))
    ref = await desk.add_customer_message(TICKET, message(text, file))
    assert ref.id == "m1"
    assert "".join("".join(group.texts).split()) == "".join(text.split())
    assert group.files == [b"%PDF"]
    again = await desk.add_customer_message(TICKET, message("ещё"))
    assert again.id != "m1"


async def test_in_another_topic_a_message_begins_anew(group: Group) -> None:
    desk, text = topics(group), "слово " * 1200
    group.script = [None, TopicGone()]
    with pytest.raises(TopicGone):
        await desk.add_customer_message(TICKET, message(text))
    posted = len(group.delivered)
    await desk.add_customer_message(TicketRef(id="9"), message(text))
    assert len(group.delivered) > posted + 1


# -- files -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("image/png", MediaKind.IMAGE),
        ("image/svg+xml", MediaKind.FILE),
        ("video/mp4", MediaKind.VIDEO),
        ("audio/ogg", MediaKind.AUDIO),
        ("application/pdf", MediaKind.FILE),
        ("", MediaKind.FILE),
    ],
)
async def test_a_file_is_posted_as_what_it_is_and_nothing_stays_on_the_disk(
    group: Group, mime: str, kind: MediaKind
) -> None:
    ref = await topics(group).add_customer_message(
        TICKET, message("", DeskFile(name="../чек.x", mime=mime, data=b"data"))
    )
    media = group.delivered[0].message.media[0]
    assert (media.kind, media.name, group.files) == (kind, "чек.x", [b"data"])
    assert (ref.id, ref.refused) == ("m1", ())
    assert not group.paths[0].parent.parent.exists()


async def test_what_is_refused_as_a_picture_is_posted_as_a_file(group: Group) -> None:
    group.script = [Rejected("PHOTO_INVALID_DIMENSIONS")]
    await topics(group).add_customer_message(
        TICKET, message("", DeskFile(name="a.png", mime="image/png", data=b"x"))
    )
    assert [one.message.media[0].kind for one in group.delivered] == [MediaKind.FILE]


async def test_a_file_that_cannot_be_taken_is_named_and_the_words_arrive(group: Group) -> None:
    big = DeskFile(name="big.bin", mime="", data=b"0" * 11)
    bad = DeskFile(name="bad.bin", mime="", data=b"0")
    group.script = [None, Rejected("no")]
    ref = await topics(group, file_limit=10).add_customer_message(TICKET, message("вот", big, bad))
    assert (group.texts, ref.refused) == (["вот"], ("big.bin", "bad.bin"))


async def test_a_message_of_which_nothing_can_be_taken_is_refused(group: Group) -> None:
    big = DeskFile(name="big.bin", mime="", data=b"0" * 11)
    with pytest.raises(TooLarge):
        await topics(group, file_limit=10).add_customer_message(TICKET, message("", big))


async def test_a_file_of_an_agent_is_fetched_by_the_channel(group: Group) -> None:
    file = AgentFile(id="photo:AgAC:1", name="a.jpg")
    assert await topics(group).fetch(file, limit=5) == b"AgAC:1 5"


# -- trouble ---------------------------------------------------------------------------------------------


async def test_a_topic_that_is_deleted_is_gone_and_a_group_that_is_lost_is_a_matter_for_people(
    group: Group,
) -> None:
    desk = topics(group)
    group.script = [TopicGone()]
    with pytest.raises(Gone):
        await desk.add_note(TICKET, message())
    group.script = [Gone("kicked")]
    with pytest.raises(Unauthorized, match="kicked"):
        await desk.add_note(TICKET, message())
    group.topic_script = [Gone("kicked"), Gone("kicked"), Gone("kicked")]
    for call in (
        desk.open_ticket(draft()),
        desk.close_ticket(TICKET),
        desk.add_customer_message(TICKET, message()),
    ):
        with pytest.raises(Unauthorized):
            await call


async def test_a_channel_that_is_not_there_or_has_no_topics_is_told(group: Group) -> None:
    plain = MemoryPlatform(ChannelContext(instance="staff", clock=lambda: NOW))
    context = HelpdeskContext(instance="desk", clock=lambda: NOW, channel={"staff": plain}.get)
    for desk in (topics(None), TelegramTopics(TopicsSettings(channel="staff", group=GROUP), context)):
        with pytest.raises(Misconfigured, match="staff"):
            await desk.open()
        health = await desk.probe()
        assert (health.state, "staff" in health.hint) == (HealthState.DOWN, True)
    await topics(group).open()
    assert (await topics(group).probe()).state is HealthState.OK
    assert topics(group).chat == ("staff", GROUP)


async def test_nothing_can_be_looked_up_and_the_spec_says_so(group: Group) -> None:
    desk = topics(group)
    assert SPEC.lookup is False
    assert await desk.find_ticket(draft(), since=NOW, known=()) is None
    assert await desk.find_message(TICKET, message(), since=NOW, known=(), note=False) is None


@pytest.mark.parametrize("group_id", ["support", "@support", "123", "-5", "", None, True, 1.5])
def test_a_group_is_named_by_its_id(group_id: Any) -> None:
    with pytest.raises(ValueError, match="group"):
        TopicsSettings(channel="staff", group=group_id)


def test_an_id_may_be_written_as_a_number() -> None:
    settings = TopicsSettings.model_validate({"channel": "staff", "group": int(GROUP)})
    assert settings.group == GROUP
