"""The one door for third parties: everything that a channel, a matcher or a test outside this project may rely on.

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
    from config.secret import Secret
    from faq import (
        Attachment,
        AttachmentType,
        Candidate,
        Category,
        Connection,
        Decision,
        EntryButton,
        Evidence,
        Explanation,
        FaqEntry,
        FaqManager,
        KnowledgeBase,
        KnowledgeError,
        Matcher,
        Origin,
        Outcome,
        Policy,
        Problem,
        Query,
        Scope,
        Status,
        Thresholds,
        load_knowledge,
    )
    from optfm_bot.testing.conformance import ChannelConformance
    from optfm_bot.testing.platform import WITH_BUTTONS, WITHOUT_BUTTONS, Delivered, MemoryPlatform
    from optfm_bot.testing.stage import Person, Stage

SDK_VERSION: Final = 1
"""Grows when something that third parties use changes in a way that can break them."""

__all__ = [
    "SDK_VERSION",
    "WITHOUT_BUTTONS",
    "WITH_BUTTONS",
    "Action",
    "ActionIn",
    "Addressable",
    "Answered",
    "Asked",
    "Attachment",
    "AttachmentType",
    "BadPayload",
    "Batch",
    "Block",
    "Body",
    "Bold",
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
    "Code",
    "Conflict",
    "Connection",
    "ContactIn",
    "Cursor",
    "Decision",
    "Delivered",
    "Deviation",
    "Dialect",
    "DialectName",
    "Downloads",
    "EchoIn",
    "EditedIn",
    "EntryButton",
    "Evidence",
    "Explanation",
    "FaqEntry",
    "FaqManager",
    "Gone",
    "GreenApi",
    "Health",
    "HealthState",
    "HttpAnswer",
    "HttpClient",
    "Inbound",
    "Inline",
    "Italic",
    "KnowledgeBase",
    "KnowledgeError",
    "LeftIn",
    "Link",
    "ListBlock",
    "Login",
    "LoginState",
    "LoginStep",
    "MarkupRejected",
    "Matcher",
    "Media",
    "MediaIn",
    "MediaKind",
    "MemoryPlatform",
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
    "Polling",
    "Problem",
    "Purpose",
    "Quality",
    "Query",
    "Quote",
    "Rate",
    "RawUpdate",
    "Receipt",
    "Receive",
    "Reconciling",
    "Rejected",
    "RemovedIn",
    "Rendered",
    "RetryLater",
    "Scope",
    "ScriptedPlatform",
    "Scrubber",
    "Secret",
    "SenderRef",
    "Sent",
    "ServerPlatform",
    "Shared",
    "Stage",
    "StartIn",
    "Status",
    "Text",
    "TextIn",
    "TextUnit",
    "Thresholds",
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
    "Webhook",
    "WebhookRequest",
    "Writer",
    "load_knowledge",
    "load_quality",
    "parse_body",
    "plain_text",
    "register_dialect",
    "reply",
    "text_body",
]

_NAMES = {
    "channels.body": "parse_body plain_text text_body",
    "channels.capabilities": "Buttons Capabilities DialectName Rate TextUnit",
    "channels.contract": (
        "Addressable Batch BotCommand Channel ChannelContext ChannelSettings ChannelSpec Cursor Downloads Health"
        " HealthState Login LoginState LoginStep Operable Operation Pages Polling Receive Reconciling Shared Topics"
        " Transcript Transport Verifiable Webhook WebhookRequest"
    ),
    "channels.dialects": "register_dialect",
    "channels.dialects.writer": "Dialect Writer",
    "channels.errors": (
        "BadPayload ChannelError Conflict Gone MarkupRejected Misconfigured Moved Rejected RetryLater TooLarge"
        " TopicGone Unauthorized Unreachable"
    ),
    "channels.greenapi.facade": "GreenApi",
    "channels.http": "HttpAnswer HttpClient",
    "channels.model": (
        "Action ActionIn Block Body Bold Break ChatRef Code ContactIn EchoIn EditedIn Inbound Inline Italic LeftIn"
        " Link ListBlock Media MediaIn MediaKind Outbound OwnerIn Paragraph Past Purpose Quote RawUpdate Receipt"
        " RemovedIn Rendered SenderRef StartIn Text TextIn TopicIn UndeliveredIn"
    ),
    "channels.testing.conformance.platform": (
        "Answered Asked Button Platform ScriptedPlatform Sent ServerPlatform Update reply"
    ),
    "channels.testing.conformance.subject": "Deviation",
    "channels.testing.quality": "Quality load_quality",
    "channels.testing.recording": "Scrubber",
    "config.secret": "Secret",
    "faq": (
        "Attachment AttachmentType Candidate Category Connection Decision EntryButton Evidence Explanation FaqEntry"
        " FaqManager KnowledgeBase KnowledgeError Matcher Origin Outcome Policy Problem Query Scope Status Thresholds"
        " load_knowledge"
    ),
    "optfm_bot.testing.conformance": "ChannelConformance",
    "optfm_bot.testing.platform": "Delivered MemoryPlatform WITHOUT_BUTTONS WITH_BUTTONS",
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
