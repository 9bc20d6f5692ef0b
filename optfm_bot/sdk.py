"""The one door for third parties: everything that code outside this project may rely on.

That is a channel, a helpdesk, a matcher, the tests of one, or a program that runs the bot inside itself.

Import from here and from nowhere else. `channels`, `faq` and `config` are common names for packages and may be renamed;
what this module gives keeps its name and its promise while `SDK_VERSION` stays the same. A name that is added does not
change the version; one that is removed, renamed or promises something else does.

Each name is imported from its home on first use, so a `spec.py` that only describes a channel stays cheap to read.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from channels.body import parse_body, plain_text, text_body
    from channels.capabilities import Buttons, Capabilities, DialectName, Rate, TextUnit
    from channels.contract import (
        Addressable,
        Batch,
        BotCommand,
        Channel,
        ChannelContext,
        ChannelSettings,
        ChannelSpec,
        Cursor,
        Downloads,
        Health,
        HealthState,
        Login,
        LoginState,
        LoginStep,
        Operable,
        Operation,
        Pages,
        Polling,
        Receive,
        Reconciling,
        Shared,
        Topics,
        Transcript,
        Transport,
        Verifiable,
        Webhook,
        WebhookRequest,
    )
    from channels.dialects import register_dialect
    from channels.dialects.writer import Dialect, Writer
    from channels.errors import (
        BadPayload,
        ChannelError,
        Conflict,
        Gone,
        MarkupRejected,
        Misconfigured,
        Moved,
        Rejected,
        RetryLater,
        TooLarge,
        TopicGone,
        Unauthorized,
        Unreachable,
    )
    from channels.greenapi.facade import GreenApi
    from channels.http import HttpAnswer, HttpClient
    from channels.model import (
        Action,
        ActionIn,
        Block,
        Body,
        Bold,
        Break,
        ChatRef,
        Code,
        ContactIn,
        EchoIn,
        EditedIn,
        Inbound,
        Inline,
        Italic,
        LeftIn,
        Link,
        ListBlock,
        Media,
        MediaIn,
        MediaKind,
        Outbound,
        OwnerIn,
        Paragraph,
        Past,
        Purpose,
        Quote,
        RawUpdate,
        Receipt,
        RemovedIn,
        Rendered,
        SenderRef,
        StartIn,
        Text,
        TextIn,
        TopicIn,
        UndeliveredIn,
    )
    from channels.testing.conformance.platform import (
        Answered,
        Asked,
        Button,
        Platform,
        ScriptedPlatform,
        Sent,
        ServerPlatform,
        Update,
        reply,
    )
    from channels.testing.conformance.subject import Deviation
    from channels.testing.quality import Quality, load_quality
    from channels.testing.recording import Scrubber
    from config.problem import ConfigError
    from config.secret import Secret
    from faq import (
        EVERYTHING,
        Attachment,
        AttachmentType,
        Candidate,
        Category,
        Connection,
        Decision,
        EntryButton,
        Evidence,
        ExactMatcher,
        Explanation,
        FaqEntry,
        FaqManager,
        How,
        Judgement,
        JudgingMatcher,
        KnowledgeBase,
        KnowledgeError,
        Matcher,
        MatcherFactory,
        Origin,
        Outcome,
        Policy,
        Problem,
        Query,
        Reading,
        ReadingMatcher,
        Reason,
        Scope,
        Status,
        Thresholds,
        Via,
        WordMatch,
        load_knowledge,
    )
    from optfm_bot.app import Address
    from optfm_bot.embedding import Bot, serving
    from optfm_bot.errors import SchemaMismatch, StartRefused, StoreUnavailable
    from optfm_bot.helpdesk.contract import (
        AgentFile,
        AgentReplied,
        Assigned,
        Closed,
        Customer,
        DeskFile,
        DeskMessage,
        Helpdesk,
        HelpdeskContext,
        HelpdeskEvent,
        HelpdeskSettings,
        HelpdeskSpec,
        Hooked,
        KnownTicket,
        Merged,
        Polled,
        Removed,
        Reopened,
        Resident,
        ThreadRef,
        TicketDraft,
        TicketRef,
        ticket_lane,
    )
    from optfm_bot.observe.redact import Redactor
    from optfm_bot.testing.conformance import ChannelConformance
    from optfm_bot.testing.desk_conformance import HelpdeskConformance
    from optfm_bot.testing.desk_stage import HelpdeskStage, Seen
    from optfm_bot.testing.platform import WITH_BUTTONS, WITHOUT_BUTTONS, Delivered, MemoryPlatform
    from optfm_bot.testing.stage import Person, Stage

SDK_VERSION: Final = 1
"""Grows when something that third parties use changes in a way that can break them."""

__all__ = [
    "EVERYTHING",
    "SDK_VERSION",
    "WITHOUT_BUTTONS",
    "WITH_BUTTONS",
    "Action",
    "ActionIn",
    "Address",
    "Addressable",
    "AgentFile",
    "AgentReplied",
    "Answered",
    "Asked",
    "Assigned",
    "Attachment",
    "AttachmentType",
    "BadPayload",
    "Batch",
    "Block",
    "Body",
    "Bold",
    "Bot",
    "BotCommand",
    "Break",
    "Button",
    "Buttons",
    "Candidate",
    "Capabilities",
    "Category",
    "Channel",
    "ChannelConformance",
    "ChannelContext",
    "ChannelError",
    "ChannelSettings",
    "ChannelSpec",
    "ChatRef",
    "Closed",
    "Code",
    "ConfigError",
    "Conflict",
    "Connection",
    "ContactIn",
    "Cursor",
    "Customer",
    "Decision",
    "Delivered",
    "DeskFile",
    "DeskMessage",
    "Deviation",
    "Dialect",
    "DialectName",
    "Downloads",
    "EchoIn",
    "EditedIn",
    "EntryButton",
    "Evidence",
    "ExactMatcher",
    "Explanation",
    "FaqEntry",
    "FaqManager",
    "Gone",
    "GreenApi",
    "Health",
    "HealthState",
    "Helpdesk",
    "HelpdeskConformance",
    "HelpdeskContext",
    "HelpdeskEvent",
    "HelpdeskSettings",
    "HelpdeskSpec",
    "HelpdeskStage",
    "Hooked",
    "How",
    "HttpAnswer",
    "HttpClient",
    "Inbound",
    "Inline",
    "Italic",
    "Judgement",
    "JudgingMatcher",
    "KnowledgeBase",
    "KnowledgeError",
    "KnownTicket",
    "LeftIn",
    "Link",
    "ListBlock",
    "Login",
    "LoginState",
    "LoginStep",
    "MarkupRejected",
    "Matcher",
    "MatcherFactory",
    "Media",
    "MediaIn",
    "MediaKind",
    "MemoryPlatform",
    "Merged",
    "Misconfigured",
    "Moved",
    "Operable",
    "Operation",
    "Origin",
    "Outbound",
    "Outcome",
    "OwnerIn",
    "Pages",
    "Paragraph",
    "Past",
    "Person",
    "Platform",
    "Policy",
    "Polled",
    "Polling",
    "Problem",
    "Purpose",
    "Quality",
    "Query",
    "Quote",
    "Rate",
    "RawUpdate",
    "Reading",
    "ReadingMatcher",
    "Reason",
    "Receipt",
    "Receive",
    "Reconciling",
    "Redactor",
    "Rejected",
    "Removed",
    "RemovedIn",
    "Rendered",
    "Reopened",
    "Resident",
    "RetryLater",
    "SchemaMismatch",
    "Scope",
    "ScriptedPlatform",
    "Scrubber",
    "Secret",
    "Seen",
    "SenderRef",
    "Sent",
    "ServerPlatform",
    "Shared",
    "Stage",
    "StartIn",
    "StartRefused",
    "Status",
    "StoreUnavailable",
    "Text",
    "TextIn",
    "TextUnit",
    "ThreadRef",
    "Thresholds",
    "TicketDraft",
    "TicketRef",
    "TooLarge",
    "TopicGone",
    "TopicIn",
    "Topics",
    "Transcript",
    "Transport",
    "Unauthorized",
    "UndeliveredIn",
    "Unreachable",
    "Update",
    "Verifiable",
    "Via",
    "Webhook",
    "WebhookRequest",
    "WordMatch",
    "Writer",
    "load_knowledge",
    "load_quality",
    "parse_body",
    "plain_text",
    "register_dialect",
    "reply",
    "serving",
    "text_body",
    "ticket_lane",
]

_NAMES = {
    "channels.body": "parse_body plain_text text_body",
    "channels.capabilities": "Buttons Capabilities DialectName Rate TextUnit",
    "channels.contract": (
        "Addressable Batch BotCommand Channel ChannelContext ChannelSettings ChannelSpec Cursor Downloads"
        " Health HealthState Login LoginState LoginStep Operable Operation Pages Polling Receive Reconciling"
        " Shared Topics Transcript Transport Verifiable Webhook WebhookRequest"
    ),
    "channels.dialects": "register_dialect",
    "channels.dialects.writer": "Dialect Writer",
    "channels.errors": (
        "BadPayload ChannelError Conflict Gone MarkupRejected Misconfigured Moved Rejected RetryLater"
        " TooLarge TopicGone Unauthorized Unreachable"
    ),
    "channels.greenapi.facade": "GreenApi",
    "channels.http": "HttpAnswer HttpClient",
    "channels.model": (
        "Action ActionIn Block Body Bold Break ChatRef Code ContactIn EchoIn EditedIn Inbound Inline Italic"
        " LeftIn Link ListBlock Media MediaIn MediaKind Outbound OwnerIn Paragraph Past Purpose Quote"
        " RawUpdate Receipt RemovedIn Rendered SenderRef StartIn Text TextIn TopicIn UndeliveredIn"
    ),
    "channels.testing.conformance.platform": (
        "Answered Asked Button Platform ScriptedPlatform Sent ServerPlatform Update reply"
    ),
    "channels.testing.conformance.subject": "Deviation",
    "channels.testing.quality": "Quality load_quality",
    "channels.testing.recording": "Scrubber",
    "config.problem": "ConfigError",
    "config.secret": "Secret",
    "faq": (
        "EVERYTHING Attachment AttachmentType Candidate Category Connection Decision EntryButton Evidence"
        " ExactMatcher Explanation FaqEntry FaqManager How Judgement JudgingMatcher KnowledgeBase"
        " KnowledgeError Matcher MatcherFactory Origin Outcome Policy Problem Query Reading ReadingMatcher"
        " Reason Scope Status Thresholds Via WordMatch load_knowledge"
    ),
    "optfm_bot.app": "Address",
    "optfm_bot.embedding": "Bot serving",
    "optfm_bot.errors": "SchemaMismatch StartRefused StoreUnavailable",
    "optfm_bot.helpdesk.contract": (
        "AgentFile AgentReplied Assigned Closed Customer DeskFile DeskMessage Helpdesk HelpdeskContext"
        " HelpdeskEvent HelpdeskSettings HelpdeskSpec Hooked KnownTicket Merged Polled Removed Reopened"
        " Resident ThreadRef TicketDraft TicketRef ticket_lane"
    ),
    "optfm_bot.observe.redact": "Redactor",
    "optfm_bot.testing.conformance": "ChannelConformance",
    "optfm_bot.testing.desk_conformance": "HelpdeskConformance",
    "optfm_bot.testing.desk_stage": "HelpdeskStage Seen",
    "optfm_bot.testing.platform": "WITHOUT_BUTTONS WITH_BUTTONS Delivered MemoryPlatform",
    "optfm_bot.testing.stage": "Person Stage",
}
_HOMES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Name what the door gives, also before it was used."""
    return sorted(__all__)
