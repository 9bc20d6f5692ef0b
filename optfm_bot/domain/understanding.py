"""What a message asks: its questions, each decided alone or in the light of what was answered before it. Pure."""

from __future__ import annotations

from functools import lru_cache

from faq import Decision, FaqManager
from faq.followup import FRESH_SECONDS, LastTopic, is_follow_up, resolve
from faq.parts import Part, decide_parts
from optfm_bot.domain.conversation import Conversation, Topic

REMEMBERED = 512
REMEMBERED_LENGTH = 200
"""What so many messages of at most this length ask is remembered, each with the topic that it came after."""


class Understanding:
    """What messages ask of one base. Pure but for a bounded memory, which a new edition of the base makes useless."""

    def __init__(self, faq: FaqManager) -> None:
        self._faq = faq
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._understand)

    def parts(self, text: str, talk: Conversation, now: int) -> tuple[Part, ...]:
        """The questions of a message in a conversation, at the moment `now` (ms); see `understand`."""
        topic, asked = talk.topic, talk.topic_text
        if topic is not None and not 0 <= now - talk.topic_at <= FRESH_SECONDS * 1000:
            topic = None
        if topic is None:
            asked = ""
        if len(text) > REMEMBERED_LENGTH:
            return self._understand(self._faq.edition, text, topic, asked)
        return self._remembered(self._faq.edition, text, topic, asked)

    def _understand(self, edition: int, text: str, topic: str | None, asked: str) -> tuple[Part, ...]:
        del edition  # of the key only
        return understand(text, self._faq, _topic(self._faq, topic, asked))


def understand(text: str, faq: FaqManager, last: LastTopic | None = None) -> tuple[Part, ...]:
    """The questions of a message with their decisions: what is answered first, at least one part.

    `last` is what the conversation talks about; a question may also continue the one before it in the same message.
    """

    def after(piece: str, answered: Part) -> Decision | None:
        topic = _topic(faq, answered.decision.entry_id, answered.text)
        return None if topic is None else resolve(piece, topic, faq.decide, faq.rank)

    parts = decide_parts(text, faq.decide, after=after)
    if last is None or len(parts) > 1:
        return parts
    decision = resolve(text, last, faq.decide, faq.rank)
    return parts if decision is None else (Part(text, decision),)


def topic_after(talk: Conversation, parts: tuple[Part, ...], now: int) -> Topic:
    """What the conversation is about after a message: what was answered last.

    A question without an answer ends the topic, unless it continued it («а пельмени?»): then one may still go on.
    """
    answered = [part for part in parts if part.decision.entry_id is not None]
    if not answered:
        going_on = all(is_follow_up(part.text) for part in parts)
        return Topic(talk.topic, talk.topic_text, talk.topic_at) if going_on else Topic()
    last = answered[-1]
    entry_id = last.decision.entry_id
    # «а в казань?» says nothing to the next follow-up; the question before it does, if it is the same entry's.
    if is_follow_up(last.text):
        return Topic(entry_id, talk.topic_text if entry_id == talk.topic else "", now)
    return Topic(entry_id, last.text, now)


def _topic(faq: FaqManager, entry_id: str | None, asked: str) -> LastTopic | None:
    """The last topic, just now; None if it is nothing, or an entry that is not live any more."""
    entry = faq.entry(entry_id) if entry_id is not None else None
    if entry is None:
        return None
    return LastTopic(
        entry_id=entry.id, question_text=entry.question, asked_text=asked, category=entry.category
    )
