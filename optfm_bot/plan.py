"""From settings to what is to be run: every channel with its own settings checked, every mistake told at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from channels.contract import (
    Channel,
    ChannelContext,
    ChannelSettings,
    ChannelSpec,
    Transcript,
    Transport,
    no_transcript,
)
from channels.errors import Misconfigured
from channels.registry import ChannelRegistry, create_channel
from config.check import INSTANCE_NAME, check_settings
from config.load import LoadedConfig
from config.problem import ConfigError, Problem
from config.schema import Readiness
from config.validate import validate_section
from faq.semantic import is_installed
from optfm_bot.blueprint import ChannelPlan, HouseSettings
from optfm_bot.clock import Clock
from optfm_bot.domain.talk import TalkSettings
from optfm_bot.helpdesk.choice import DeskChoice, chosen_helpdesk
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.hints import in_both, misconfigured
from optfm_bot.i18n.overrides import check_texts
from optfm_bot.observe.readiness import ReadinessLimits
from optfm_bot.outbox.outgoing import DeliverySettings
from optfm_bot.outbox.plan import Policy
from optfm_bot.people import PeopleSettings
from optfm_bot.store.engine import database_url, sqlite_path


def plan_channels(
    loaded: LoadedConfig,
    *,
    clock: Clock,
    cwd: Path,
    registry: ChannelRegistry | None = None,
    transcript: Transcript = no_transcript,
) -> Sequence[ChannelPlan]:
    """Make every configured channel, unopened. Raises `ConfigError` with all problems of all settings, not only theirs.

    `transcript` is where channels read what was said in their talks.
    """
    registry = registry or ChannelRegistry.installed()
    problems: list[Problem] = []
    specs: dict[str, ChannelSpec] = {}
    channels: dict[str, Channel] = {}
    for name, entry in loaded.settings.channels.items():
        where = loaded.locate(("channels", name))
        try:
            spec = specs[name] = registry.spec(entry.type)
            settings = validate_section(
                spec.settings, dict(entry.options), locate=loaded.locate, prefix=("channels", name)
            )
            if not isinstance(settings, ChannelSettings):
                problems += in_both(settings)
            elif INSTANCE_NAME.fullmatch(name):  # a wrong name is told with all that is wrong across fields
                context = ChannelContext(instance=name, clock=clock.now, transcript=transcript)
                channels[name] = create_channel(
                    spec, settings, context, distribution=registry.distribution(entry.type)
                )
        except Misconfigured as error:
            problems.append(misconfigured(error, where=where, key=f"channels.{name}"))
    problems += check_settings(
        loaded.settings,
        locate=loaded.locate,
        reads_history=lambda kind: any(
            s.kind == kind and s.capabilities.reads_history for s in specs.values()
        ),
        directory_exists=lambda path: (cwd / path).is_dir(),
        semantic_installed=is_installed,
    )
    desk = chosen_helpdesk(loaded)
    problems += desk if isinstance(desk, Sequence) else ()
    problems += check_texts(loaded.settings.texts, Catalogue.load(), locate=loaded.locate)
    if problems:
        raise ConfigError(problems)
    return [
        ChannelPlan(
            channel=channel,
            delivery=_delivery(loaded, channel),
            webhook_url=_webhook_url(loaded, name, channel),
        )
        for name, channel in channels.items()
    ]


def plan_helpdesk(loaded: LoadedConfig) -> DeskChoice | None:
    """Give the configured helpdesk with its settings checked, or None. Raises `ConfigError` with its problems."""
    desk = chosen_helpdesk(loaded)
    if isinstance(desk, Sequence):
        raise ConfigError(desk)
    return desk


def house_settings(
    loaded: LoadedConfig, *, media_root: Path | None, people: PeopleSettings | None = None
) -> HouseSettings:
    """The part of the settings that the house itself lives by."""
    settings = loaded.settings
    return HouseSettings(
        talk=TalkSettings(
            name=settings.agent.name,
            page_size=settings.conversation.page_size,
            feedback=settings.conversation.feedback,
            max_text=settings.conversation.max_text,
            max_query=settings.conversation.max_query,
            offer_after=settings.handoff.offer_after,
            media_root=str(media_root) if media_root is not None else None,
        ),
        language=settings.agent.language,
        join_window=settings.conversation.join_window,
        person_per_minute=settings.limits.person_per_minute,
        readiness=readiness_limits(settings.readiness),
        database=sqlite_path(database_url(settings.database.url)),
        people=people or PeopleSettings(),
        words=Catalogue.load().with_texts(settings.texts),
    )


def readiness_limits(settings: Readiness) -> ReadinessLimits:
    """From where on the house is not ready."""
    megabyte = 1024 * 1024
    return ReadinessLimits(
        queue_age=settings.queue_age,
        queue_depth=settings.queue_depth,
        outbox_depth=settings.outbox_depth,
        disk_free=settings.disk_free_mb * megabyte,
        wal=settings.wal_mb * megabyte,
        loop_lag=settings.loop_lag,
    )


def _delivery(loaded: LoadedConfig, channel: Channel) -> DeliverySettings:
    delivery = loaded.settings.delivery_for(channel.instance)
    own = loaded.settings.channels[channel.instance].delivery
    rate = channel.capabilities.rate
    # A page of our own has no platform's limits; what the owner says for this channel still counts.
    free = not rate.per_chat and not rate.per_bot
    per_chat = own.per_chat_per_second if free else delivery.per_chat_per_second
    per_bot = own.per_bot_per_second if free else delivery.per_bot_per_second
    return DeliverySettings(
        # Where a repeated message is still one message, nothing is gained by giving it up.
        policy=Policy.AT_LEAST_ONCE if channel.capabilities.idempotent else Policy(delivery.policy.value),
        per_chat=rate.per_chat if per_chat is None else per_chat,
        per_bot=rate.per_bot if per_bot is None else per_bot,
        burst=rate.burst if delivery.burst is None else delivery.burst,
        max_attempts=delivery.max_attempts,
        concurrency=delivery.concurrency,
    )


def _webhook_url(loaded: LoadedConfig, name: str, channel: Channel) -> str | None:
    if getattr(channel.settings, "mode", None) is not Transport.WEBHOOK:
        return None
    return f"{loaded.settings.server.public_url}/{name}/webhook"
