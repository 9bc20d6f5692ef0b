"""From settings to channels that can be run; every mistake is told at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from config import ConfigError, load_config
from optfm_bot.blueprint import ChannelPlan
from optfm_bot.clock import ManualClock
from optfm_bot.observe.readiness import ReadinessLimits
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.outbox.plan import Policy
from optfm_bot.plan import house_settings, plan_channels, plan_helpdesk

Plan = Callable[..., Sequence[ChannelPlan]]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Plan the channels of a YAML text."""

    def run(text: str) -> Sequence[ChannelPlan]:
        (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
        loaded = load_config(None, env={}, cwd=tmp_path)
        return plan_channels(loaded, clock=ManualClock(), cwd=tmp_path)

    return run


def test_each_channel_is_made_under_its_own_name(plan: Plan) -> None:
    plans = plan("channels: {site: {type: webchat}, console: {}}")

    assert [(one.channel.instance, one.channel.spec.kind) for one in plans] == [
        ("site", "webchat"),
        ("console", "console"),
    ]
    assert [one.webhook_url for one in plans] == [None, None]


def test_a_page_of_our_own_is_not_paced_unless_its_owner_says_so(plan: Plan) -> None:
    free, paced = plan(
        "delivery: {per_chat_per_second: 5}\n"
        "channels: {a: {type: webchat}, b: {type: webchat, delivery: {per_chat_per_second: 2, burst: 7}}}"
    )

    assert (free.delivery.per_chat, free.delivery.per_bot, free.delivery.burst) == (0, 0, 1)
    assert (paced.delivery.per_chat, paced.delivery.per_bot, paced.delivery.burst) == (2, 0, 7)


def test_delivery_settings_are_the_common_ones_with_the_channels_own_over_them(plan: Plan) -> None:
    (one,) = plan(
        "delivery: {policy: at_least_once, max_attempts: 5, concurrency: 9}\n"
        "channels: {a: {type: webchat, delivery: {max_attempts: 2}}}"
    )

    assert one.delivery == DeliverySettings(
        policy=Policy.AT_LEAST_ONCE, per_chat=0, per_bot=0, burst=1, max_attempts=2, concurrency=9
    )


def test_a_platforms_own_pace_counts_until_the_owner_sets_another(plan: Plan) -> None:
    telegram = "telegram: {token: '1:abc'}"
    (own,) = plan(f"channels: {{{telegram}}}")
    (common,) = plan(f"delivery: {{per_chat_per_second: 5, burst: 2}}\nchannels: {{{telegram}}}")
    rate = own.channel.capabilities.rate

    assert (own.delivery.per_chat, own.delivery.per_bot, own.delivery.burst) == (
        rate.per_chat,
        rate.per_bot,
        rate.burst,
    )
    assert (common.delivery.per_chat, common.delivery.per_bot, common.delivery.burst) == (5, rate.per_bot, 2)


def test_all_problems_of_all_channels_are_told_together(plan: Plan) -> None:
    with pytest.raises(ConfigError) as caught:
        plan("channels: {a: {type: webchat, histroy: 5}, b: {type: pigeon}, admin: {type: webchat}}")
    told = "\n".join(str(problem) for problem in caught.value.problems)

    assert len(caught.value.problems) >= 3
    for words in ("histroy", "history", "pigeon", "admin"):
        assert words in told


def test_without_any_channel_the_page_of_our_own_is_there(plan: Plan) -> None:
    assert [one.channel.spec.kind for one in plan("agent: {name: X}")] == ["webchat"]


def test_history_cannot_be_looked_into_where_there_is_none(plan: Plan) -> None:
    with pytest.raises(ConfigError):
        plan("channels: {a: {type: webchat, delivery: {policy: verify}}}")


def test_a_helpdesk_is_found_by_its_kind_and_its_settings_are_checked(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "helpdesk: {desk: {type: freescout, url: https://d.ru, api_key: 0123456789abcdef, mailbox_id: 4}}",
        encoding="utf-8",
    )
    desk = plan_helpdesk(load_config(None, env={}, cwd=tmp_path))

    assert desk is not None
    assert (desk.name, desk.spec.kind) == ("desk", "freescout")
    assert getattr(desk.settings, "mailbox_id") == 4  # noqa: B009 - a setting of that kind alone
    (tmp_path / "config.yaml").write_text("agent: {}", encoding="utf-8")
    assert plan_helpdesk(load_config(None, env={}, cwd=tmp_path)) is None


@pytest.mark.parametrize(
    ("helpdesk", "told"),
    [
        ("freescout: {}", ["helpdesk.freescout.url: is required", "helpdesk.freescout.api_key: is required"]),
        ("freescout:\n    mailbox: 4", ["config.yaml:3: helpdesk.freescout.mailbox: unknown key"]),
        (
            "mial: {}",
            ["config.yaml:2: helpdesk.mial: There is no helpdesk 'mial'", "freescout, mail, telegram"],
        ),
        (
            "agents: {type: telegram, channel: staff, group: -1001234567890}",
            ["config.yaml:2: helpdesk.agents.channel: there is no channel `staff` (there are: shop)"],
        ),
    ],
    ids=["nothing is set", "a wrong key", "a wrong kind", "a channel that is not there"],
)
def test_a_wrong_helpdesk_keeps_the_channels_from_being_planned_too(
    plan: Plan, tmp_path: Path, helpdesk: str, told: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(f"helpdesk:\n  {helpdesk}\nchannels: {{shop: {{type: webchat}}}}")
    with pytest.raises(ConfigError) as alone:
        plan_helpdesk(load_config(None, env={}, cwd=tmp_path))

    assert str(alone.value) == str(caught.value)
    assert not [words for words in told if words not in str(caught.value)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("channels:\n  shop: {type: telegram, token: '1:A B'}", "shop.token: это не токен Telegram"),
        (
            "channels:\n  shop: {type: telegram, token: '1:ABC', proxy: x}",
            "адрес proxy начинается с одного из: http",
        ),
        ("helpdesk:\n  mail: {address: x}", "helpdesk.mail.address: нужен один адрес вида"),
        ("helpdesk:\n  g: {type: telegram, channel: c, group: 5}", "g.group: это не номер супергруппы"),
    ],
)
def test_what_a_channel_or_a_helpdesk_finds_wrong_is_said_in_russian_too(
    plan: Plan, settings: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan(settings)

    assert told in caught.value.describe("ru")


def test_what_the_house_lives_by_comes_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "agent: {name: Шеф, language: en}\n"
        "conversation: {join_window: 0.5, feedback: false, page_size: 7, max_text: 999, max_query: 99}\n"
        "limits: {person_per_minute: 12}\nchannels: {console: {}}\n"
        "database: {url: sqlite:///data/bot.db}\n"
        "readiness: {queue_age: 5, queue_depth: 6, outbox_depth: 7, disk_free_mb: 8, wal_mb: 9, loop_lag: 0.5}",
        encoding="utf-8",
    )
    settings = house_settings(load_config(None, env={}, cwd=tmp_path), media_root=tmp_path)

    assert (settings.language, settings.join_window, settings.person_per_minute) == ("en", 0.5, 12)
    assert (settings.talk.name, settings.talk.feedback, settings.talk.page_size) == ("Шеф", False, 7)
    assert (settings.talk.max_text, settings.talk.max_query) == (999, 99)
    assert settings.talk.media_root == str(tmp_path)
    assert settings.database == Path("data/bot.db")
    assert settings.readiness == ReadinessLimits(
        queue_age=5, queue_depth=6, outbox_depth=7, disk_free=8 * 1024**2, wal=9 * 1024**2, loop_lag=0.5
    )
