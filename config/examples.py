"""How a section or a list is written, for those who wrote something else there: one line each, ready to be copied."""

from __future__ import annotations

from collections.abc import Mapping

from config.problem import KeyPath

_ANY = "*"

_EXAMPLES: Mapping[tuple[str, ...], str] = {
    ("agent",): "agent: {name: OptFM}",
    ("server",): "server: {port: 8080}",
    ("database",): "database: {url: sqlite+aiosqlite:///optfm.db}",
    ("database", "backup"): "backup: {path: backups}",
    ("faq",): "faq: {path: knowledge/}",
    ("channels",): "channels: {telegram: {token: '${TELEGRAM_BOT_TOKEN}'}}",
    ("channels", _ANY): "channels: {telegram: {token: '${TELEGRAM_BOT_TOKEN}'}}",
    ("channels", _ANY, "delivery"): "delivery: {policy: at_least_once}",
    ("conversation",): "conversation: {feedback: false}",
    ("hours",): "hours: {days: {mon-fri: 09:00-18:00}}",
    ("hours", "days"): "days: {mon-fri: 09:00-18:00}",
    ("forms",): "forms: {callback: {title: Callback, steps: [{name: phone, kind: phone}]}}",
    ("forms", _ANY): "callback: {title: Callback, steps: [{name: phone, kind: phone}]}",
    ("forms", _ANY, "steps"): "steps: [{name: phone, kind: phone}, {name: comment, kind: text}]",
    ("forms", _ANY, "steps", _ANY): "{name: phone, kind: phone}",
    ("forms", _ANY, "steps", _ANY, "options"): "options: [A, B]",
    ("notify",): "notify: {urls: ['${NOTIFY_TEAM}']}",
    ("notify", "urls"): "urls: ['${NOTIFY_TEAM}']",
    ("notify", "managers"): "managers: [{name: Anna, urls: ['${NOTIFY_ANNA}']}]",
    ("notify", "managers", _ANY): "{name: Anna, urls: ['${NOTIFY_ANNA}']}",
    ("handoff",): "handoff: {offer_after: 2}",
    ("helpdesk",): "helpdesk: {freescout: {url: https://…, api_key: '${FREESCOUT_API_KEY}', mailbox_id: 1}}",
    (
        "helpdesk",
        _ANY,
    ): "helpdesk: {freescout: {url: https://…, api_key: '${FREESCOUT_API_KEY}', mailbox_id: 1}}",
    (
        "helpdesk",
        _ANY,
        "smtp",
    ): "smtp: {host: smtp.example.ru, username: bot@example.ru, password: '${BOT_MAIL_PASSWORD}'}",
    (
        "helpdesk",
        _ANY,
        "imap",
    ): "imap: {host: imap.example.ru, username: bot@example.ru, password: '${BOT_MAIL_PASSWORD}'}",
    ("limits",): "limits: {person_per_minute: 30}",
    ("delivery",): "delivery: {policy: at_most_once}",
    ("readiness",): "readiness: {queue_age: 60}",
    ("retention",): "retention: {messages: 180}",
    ("log",): "log: {level: info}",
}


def example(path: KeyPath) -> str:
    """Give a line that is right at this place; empty where we have none."""
    return next((line for shape, line in _EXAMPLES.items() if _fits(shape, path)), "")


def _fits(shape: tuple[str, ...], path: KeyPath) -> bool:
    return len(shape) == len(path) and all(
        wanted in (_ANY, there) for wanted, there in zip(shape, path, strict=True)
    )
