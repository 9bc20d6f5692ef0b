"""What the bot answers: from what a person said and what the conversation remembers to what is said back. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import field, replace

from channels.model import Purpose
from channels.values import dataclass
from faq import Decision, FaqManager, Outcome
from faq.parts import Part
from optfm_bot.domain import menu
from optfm_bot.domain.answers import Answers, parsed
from optfm_bot.domain.choices import (
    Choice,
    KeptChoice,
    Meaning,
    NoneOfThese,
    OpenCategory,
    OpenEntry,
    OpenTopics,
    Rate,
    SpeakLanguage,
)
from optfm_bot.domain.conversation import EMPTY, Conversation, Topic
from optfm_bot.domain.handoff import Cue
from optfm_bot.domain.say import Missed, Opinion, Response, Say
from optfm_bot.domain.smalltalk import SmallTalk, SmallTalkPhrases
from optfm_bot.domain.smalltalk import words as split_words
from optfm_bot.domain.understanding import Understanding, topic_after
from optfm_bot.domain.wishes import wish_of_command, wish_of_meaning
from optfm_bot.domain.words import Words

EDIT_COUNTS_MS = 5 * 60 * 1000
"""How long after a question its correction is still answered."""
_QUOTED = 100
"""Characters of a person's own question that we repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person wrote: one text, or several quick ones joined, or a picture with or without a caption."""

    text: str = field(repr=False)
    media: tuple[str, ...] = ()
    album: str | None = None
    message_id: str | None = None
    is_group: bool = False
    start: bool = False
    """The platform says that the person has just started the bot; `text` is the payload of the link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else an answer depends on.

    The language, the moment (ms), the channel's names from instance to kind, the person's name, and the choices that
    were offered last and still count.
    """

    language: str
    now: int
    channels: tuple[str, ...] = ()
    person: str = field(default="", repr=False)
    offered: tuple[KeptChoice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkSettings:
    """What the owner of the bot decides about its manners."""

    name: str = "OptFM"
    page_size: int = 10
    feedback: bool = True
    max_text: int = 65_536
    """Characters of a message that are kept."""
    max_query: int = 1000
    """Characters of a message that are matched."""
    languages: tuple[str, ...] = ("ru", "en")
    offer_after: int = 2
    """Failures in a row after which the talk is stuck; 0 is never."""
    form: str | None = "request"
    """The form that `/request` begins; None if there is none."""
    media_root: str | None = None
    """The folder that attachments are read from; a file outside of it is never sent."""


class Talk:
    """Answers with one base of knowledge, one set of words and one set of manners.

    Stateless: the same arguments give the same response. A hot reload makes a new `Talk`.
    """

    def __init__(
        self, faq: FaqManager, words: Words, phrases: SmallTalkPhrases, settings: TalkSettings | None = None
    ) -> None:
        self.faq = faq
        self.settings = settings or TalkSettings()
        self._words = words
        self._phrases = phrases
        self._understanding = Understanding(faq)
        self._answers = Answers(words, feedback=self.settings.feedback, media_root=self.settings.media_root)

    # -- what came in -------------------------------------------------------------------------------------

    def settled(self, text: str) -> bool:
        """Whether a text can be answered for sure as it is, without waiting for what the person may add."""
        text = text.strip()
        return text.startswith("/") or (
            bool(text) and all(part.decision.outcome is Outcome.ANSWER for part in self._understand(text))
        )

    def calls_person(self, text: str) -> bool:
        """Whether a person is asked for, in plain words."""
        return self._phrases.recognise(readable(text)) is SmallTalk.OPERATOR

    def hear(self, said: Said, talk: Conversation, around: Around) -> Response:
        """Answer a message."""
        text = readable(said.text)
        if said.start:
            return self._start(text, talk, around)
        if not text:
            return self._without_text(said, talk, around)
        if text.startswith("/"):
            return self._command(text, talk, around)
        picked = self.picked(text, around.offered)
        if picked is not None:
            return self.pick(picked, talk, around, turn_id=talk.offered)
        return self._spoken(text, said, talk, around)

    def _spoken(self, text: str, said: Said, talk: Conversation, around: Around) -> Response:
        kind = self._phrases.recognise(text)
        if kind is not None:
            return self._small_talk(kind, talk, around)
        if not split_words(text):  # an emoji, a row of question marks: nothing that a base could know
            return self._say("smalltalk", talk, self._notice("wordless.text", around.language))
        return self._question(text, said, talk, around)

    def correct(self, text: str, message_id: str | None, talk: Conversation, around: Around) -> Response:
        """Answer an edited message, if it was the last question, recently, and now asks something else."""
        text = readable(text)
        silent = Response(outcome="ignored", conversation=talk)
        if message_id is None or message_id != talk.asked or around.now - talk.asked_at > EDIT_COUNTS_MS:
            return silent
        words = split_words(text)
        if not words or text.startswith("/") or words == split_words(talk.asked_text):
            return silent
        parts = self._understand(text, talk, around.now)
        if [part.decision.entry_id for part in parts] == [talk.asked_entry] and talk.asked_entry is not None:
            return Response(outcome="ignored", conversation=replace(talk, asked_text=text))
        response = self._question(text, Said(text=text, message_id=message_id), talk, around)
        says = tuple(replace(say, reply_to=message_id) for say in response.says)
        return replace(response, outcome=f"edited_{response.outcome}", says=says)

    def pick(  # noqa: PLR0911 - a table of meanings, read row by row
        self,
        meaning: Meaning,
        talk: Conversation,
        around: Around,
        *,
        turn_id: int | None,
        message_id: str | None = None,
    ) -> Response:
        """Act on a button, or on the number typed for it.

        `turn_id` is the message that carried it; `message_id` its platform id, for menus that turn their own page.
        """
        language, size = around.language, self.settings.page_size
        wish = wish_of_meaning(meaning)
        if wish is not None:
            return Response(outcome="command", conversation=talk, cue=wish.cue, form=wish.form)
        match meaning:
            case OpenEntry(entry_id):
                return self._open(entry_id, talk, around)
            case OpenTopics(page):
                say = menu.topics(self.faq, self._words, language, page=page, size=size, replaces=message_id)
                return self._say("command", talk, say)
            case OpenCategory(category_id, page):
                say = menu.category(
                    self.faq, self._words, language, category_id, page=page, size=size, replaces=message_id
                )
                return self._say("command", talk, say)
            case NoneOfThese():
                missed = Missed(text=talk.asked_text, none_of_these=True) if talk.asked_text else None
                say = self._notice("clarify.none_reply", language, (self._all_topics(language),))
                return replace(self._say("unanswered", talk, say), missed=missed)
            case Rate(value, entry_id, version):
                return self._rated(
                    Opinion(turn_id=turn_id or 0, value=value, entry_id=entry_id, entry_version=version),
                    talk,
                    language,
                )
            case SpeakLanguage(code):
                return replace(
                    self._say("command", talk, self._notice("language.changed", code)), language=code
                )
        return self.stale(talk, around)  # a step of a form, or a request, that is not there any more

    def stale(self, talk: Conversation, around: Around) -> Response:
        """Answer a button that we do not know any more."""
        say = self._notice("choice.expired", around.language, (self._all_topics(around.language),))
        return self._say("command", talk, say)

    def flooded(self, talk: Conversation, around: Around) -> Response:
        """Say once that messages come too fast."""
        return self._say("flood", talk, self._notice("flood.notice", around.language))

    def contact(self, talk: Conversation, around: Around) -> Response:
        """Thank for a shared contact."""
        return self._say("command", talk, self._notice("contact.received", around.language))

    # -- answers ------------------------------------------------------------------------------------------

    def _question(self, text: str, said: Said, talk: Conversation, around: Around) -> Response:
        words = text[: self.settings.max_query]
        reply_to = said.message_id if said.is_group else None
        parts = self._understand(words, talk, around.now)
        says: list[Say] = []
        answered: list[str] = []
        unknown: list[Part] = []
        outcome = "clarified"
        for part in parts:
            decision, question = part.decision, part.text if len(parts) > 1 else None
            entry = self.faq.entry(decision.entry_id) if decision.entry_id is not None else None
            if entry is not None:
                score = decision.candidates[0].score if decision.candidates else None
                says.append(self._answers.say(entry, around.channels, around.language, score=score))
                answered.append(entry.id)
            elif decision.outcome is Outcome.CLARIFY and decision.candidates:
                says.append(self._clarify(decision, around.language, question=question))
            else:
                says.append(self._admit(talk.admitted, around.language, question=question))
                unknown.append(part)
        if answered:
            outcome = "answered"
        elif unknown:
            outcome = "unanswered"
        talk = talk.asking(
            said.message_id,
            words,
            around.now,
            entry=answered[0] if answered else None,
            admitted=talk.admitted + 1 if outcome == "unanswered" else 0,
            topic=topic_after(talk, parts, around.now),
        )
        return Response(
            outcome=outcome,
            conversation=talk,
            says=tuple(says) if reply_to is None else tuple(replace(say, reply_to=reply_to) for say in says),
            missed=_missed(unknown),
            parts=parts,
            cue=Cue.STUCK if self._is_stuck(talk, outcome) else None,
        )

    def _is_stuck(self, talk: Conversation, outcome: str) -> bool:
        limit = self.settings.offer_after
        return outcome == "unanswered" and limit > 0 and talk.admitted >= limit

    def _clarify(self, decision: Decision, language: str, *, question: str | None) -> Say:
        """Offer what may be meant; with `question`, the one of several that is not clear."""
        entries = [self.faq.entry(candidate.entry_id) for candidate in decision.candidates[:3]]
        rows = tuple((Choice(label=e.question, meaning=OpenEntry(e.id)),) for e in entries if e is not None)
        none = Choice(label=self._words.label("clarify.none", language), meaning=NoneOfThese())
        if question is None:
            words = self._words.text("clarify.ask", language)
        else:
            words = self._words.text("clarify.also", language, question=_quoted(question))
        return Say(kind="clarify", body=parsed(words), choices=(*rows, (none,)), purpose=Purpose.CLARIFY)

    def _admit(self, admitted: int, language: str, *, question: str | None) -> Say:
        """Say that there is no answer; with `question`, to which of several."""
        topics = (self._all_topics(language),)
        if question is not None:
            say = self._notice("admit.also", language, topics, question=_quoted(question))
        else:
            say = self._notice("admit.text" if admitted == 0 else "admit.repeat", language, topics)
        return replace(say, kind="admit")

    def _open(self, entry_id: str, talk: Conversation, around: Around) -> Response:
        entry = self.faq.entry(entry_id)
        if entry is None:
            say = self._notice("answer.gone", around.language, (self._all_topics(around.language),))
            return self._say("unanswered", talk, say)
        talk = replace(talk, admitted=0).about(Topic(entry.id, "", around.now))
        return self._say("answered", talk, self._answers.say(entry, around.channels, around.language))

    def _rated(self, opinion: Opinion, talk: Conversation, language: str) -> Response:
        if (opinion.turn_id, opinion.value) in talk.rated:
            return self._say("feedback", talk, self._notice("feedback.already", language))
        rated = replace(talk, rated=talk.with_rating(opinion.turn_id, opinion.value))
        key = "feedback.thanks_up" if opinion.value > 0 else "feedback.thanks_down"
        return replace(self._say("feedback", rated, self._notice(key, language)), opinion=opinion)

    def _small_talk(self, kind: SmallTalk, talk: Conversation, around: Around) -> Response:
        if kind is SmallTalk.OPERATOR:
            return Response(outcome="handoff", conversation=talk, cue=Cue.ASKED)
        return self._say("smalltalk", talk, self._notice(f"smalltalk.{kind.value}", around.language))

    def _without_text(self, said: Said, talk: Conversation, around: Around) -> Response:
        if not said.media:
            return self._say("smalltalk", talk, self._notice("empty.text", around.language))
        if said.album is not None and said.album == talk.album:
            return Response(outcome="ignored", conversation=talk)  # the rest of an album that has its reply
        kind = said.media[0] if said.media[0] in _MEDIA_REPLIES else "other"
        say = self._notice(f"media.{kind}", around.language)
        return self._say("media", replace(talk, album=said.album), say)

    # -- commands -----------------------------------------------------------------------------------------

    def _command(self, text: str, talk: Conversation, around: Around) -> Response:
        name, _, rest = text[1:].partition(" ")
        rest = rest.strip()
        wish = wish_of_command(name.casefold(), rest, form=self.settings.form)
        if wish is not None:
            return Response(outcome="command", conversation=talk, cue=wish.cue, form=wish.form)
        match name.casefold():
            case "start":
                return self._start(rest, talk, around)
            case "help":
                return self._say("command", talk, self._notice("help.text", around.language))
            case "faq":
                return self.pick(OpenTopics(), talk, around, turn_id=None)
            case "language" | "lang":
                return self._language(rest.casefold(), talk, around)
        say = self._notice("command.unknown", around.language, command=f"/{name[:32]}")
        return self._say("command", talk, say)

    def _start(self, payload: str, talk: Conversation, around: Around) -> Response:
        if payload and self.faq.entry(payload) is not None:
            return self._open(payload, talk, around)
        language, name = around.language, self.settings.name
        topics = (self._all_topics(language),)
        if payload:
            return self._say("command", talk, self._notice("start.unknown_entry", language, topics))
        if around.person:
            say = self._notice("start.greeting_person", language, topics, person=around.person, name=name)
        else:
            say = self._notice("start.greeting", language, topics, name=name)
        return self._say("command", talk, say)

    def _language(self, code: str, talk: Conversation, around: Around) -> Response:
        if code in self.settings.languages:
            return self.pick(SpeakLanguage(code), talk, around, turn_id=None)
        rows = tuple(
            (Choice(label=self._words.label(f"language.name.{code}", code), meaning=SpeakLanguage(code)),)
            for code in self.settings.languages
        )
        return self._say("command", talk, self._notice("language.choose", around.language, rows))

    # -- small parts --------------------------------------------------------------------------------------

    def _understand(self, text: str, talk: Conversation = EMPTY, now: int = 0) -> tuple[Part, ...]:
        """The questions of a text as it is, or as what it says after greetings and thanks, if that is clearer."""
        text = text[: self.settings.max_query]
        whole = self._understanding.parts(text, talk, now)
        if _doubt(whole) == 0 or (rest := self._phrases.after(text)) is None:
            return whole
        asked = self._understanding.parts(rest, talk, now)
        return asked if _doubt(asked) < _doubt(whole) else whole

    def picked(self, text: str, offered: Sequence[KeptChoice]) -> Meaning | None:
        """The choice that was typed instead of pressed: its number, or its very words."""
        if not offered:
            return None
        number = text.rstrip(".)").strip()
        if number.isdecimal() and len(number) <= 3 and 0 < int(number) <= len(offered):  # noqa: PLR2004 - a list number, not a phone
            return offered[int(number) - 1].meaning
        typed = split_words(text)
        return next(
            (choice.meaning for choice in offered if typed and split_words(choice.label) == typed), None
        )

    def _all_topics(self, language: str) -> tuple[Choice, ...]:
        return (Choice(label=self._words.label("faq.all_topics", language), meaning=OpenTopics()),)

    def _notice(
        self, key: str, language: str, rows: tuple[tuple[Choice, ...], ...] = (), /, **values: object
    ) -> Say:
        return Say(kind="notice", body=parsed(self._words.text(key, language, **values)), choices=rows)

    def _say(self, outcome: str, talk: Conversation, *says: Say) -> Response:
        return Response(outcome=outcome, conversation=talk, says=says)


_DOUBT = tuple(Outcome)


def _doubt(parts: Sequence[Part]) -> int:
    """How unclear the clearest part is; 0 for one that is answered."""
    return min(_DOUBT.index(part.decision.outcome) for part in parts)


def _missed(unknown: Sequence[Part]) -> Missed | None:
    """What the base does not know, for its owner."""
    if not unknown:
        return None
    near = {one.entry_id: round(one.score, 4) for part in unknown for one in part.decision.candidates}
    return Missed(text="\n".join(part.text for part in unknown), candidates=tuple(near.items()))


def _quoted(question: str) -> str:
    """A person's question as it fits into a sentence of ours."""
    line = " ".join(question.split()).rstrip("?!. ")
    return line if len(line) <= _QUOTED else f"{line[: _QUOTED - 1]}…"


_MEDIA_REPLIES = frozenset({"photo", "voice", "sticker", "video", "document", "location"})


def readable(text: str) -> str:
    """A text without what nobody can see: control and format characters, surrounding white space."""
    if text.isprintable():
        return text.strip()
    kept = (
        c for c in text if c in "\n\t\u200d" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    )
    return "".join(kept).strip()
