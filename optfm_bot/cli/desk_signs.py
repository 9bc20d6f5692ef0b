"""The examination of the helpdesk: does it know us, and how do we hear what agents write there?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from channels.contract import Channel
from channels.errors import ChannelError
from channels.http import HttpClient
from optfm_bot.cli.output import Mark
from optfm_bot.cli.probing import MARKS, Probe, close_all, probe_all
from optfm_bot.cli.sign import Sign
from optfm_bot.cli.words import Words
from optfm_bot.helpdesk.contract import Helpdesk, Hooked, Polled, Resident
from optfm_bot.i18n.hints import translate

GROUP = "helpdesk"
_POLL_SECONDS = 30.0
_HOOKED_POLL_SECONDS = 300.0
"""As the runner has them: see `optfm_bot.helpdesk.runner`."""
_HTTP_OK = 200
_ALIVE = b"is alive"
"""What our own door says to a GET."""
_LOOK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskExamination:
    """What the helpdesk answered, and everything that was found."""

    probe: Probe
    signs: Sequence[Sign]


async def examine_desk(
    desk: Helpdesk, channels: Sequence[Channel], *, public_url: str | None, words: Words
) -> DeskExamination:
    """Ask the helpdesk who we are, and the webhook's address whether it leads to us. Changes nothing there.

    The helpdesk and the `channels`, one of which it may live in, are closed at the end. Raises nothing of theirs.
    """
    try:
        [probe] = await probe_all([desk])
        access = Sign(
            group=GROUP,
            mark=MARKS[probe.health.state],
            text=_named(probe, words),
            fix=translate(probe.health.hint, words.language),
        )
        return DeskExamination(probe=probe, signs=[access, *await _news(desk, public_url, words)])
    finally:
        await close_all(channels)


async def _news(desk: Helpdesk, public_url: str | None, words: Words) -> Sequence[Sign]:
    """How we hear of what agents do."""
    if isinstance(desk, Resident):
        return [_ok(words("helpdesk.resident", channel=desk.chat[0]))]
    every = float(getattr(desk.settings, "poll_seconds", _POLL_SECONDS))
    asked = words("helpdesk.polled", seconds=f"{every:g}") if isinstance(desk, Polled) else ""
    if not isinstance(desk, Hooked):
        return [_ok(asked)] if asked else []
    if getattr(desk.settings, "webhook_secret", None) is None:
        return [_ok(asked or words("helpdesk.hook_off"), words("helpdesk.hook_off_fix"))]
    if public_url is None:
        return [_warning(words("helpdesk.hook_no_url"), words("helpdesk.hook_no_url_fix"))]
    url = f"{public_url}/{desk.instance}/webhook"
    sign = await _reached(url, words)
    if sign.mark is not Mark.OK or not asked:
        return [sign]
    rarely = words("helpdesk.polled", seconds=f"{max(every, _HOOKED_POLL_SECONDS):g}")
    return [sign, _ok(rarely)]


async def _reached(url: str, words: Words) -> Sign:
    """Whether our own door answers at its public address: as much as can be told from here."""
    client = HttpClient(timeout=_LOOK_SECONDS, connect_timeout=_LOOK_SECONDS / 2)
    fix = words("helpdesk.hook_fix")
    try:
        answer = await client.request("GET", url)
    except ChannelError as error:
        return _warning(
            words("helpdesk.hook_silent", url=url, why=translate(str(error), words.language)), fix
        )
    finally:
        await client.close()
    if answer.status == _HTTP_OK and _ALIVE in answer.body:
        return _ok(words("helpdesk.hook_ok", url=url))
    return _warning(words("helpdesk.hook_stranger", url=url, status=answer.status), fix)


def _named(probe: Probe, words: Words) -> str:
    identity = probe.health.identity if probe.health.identity != probe.instance else ""
    return f"{probe.instance} {identity}".rstrip() + f": {words(f'probe.{probe.health.state.value}')}"


def _ok(text: str, fix: str = "") -> Sign:
    return Sign(group=GROUP, mark=Mark.OK, text=text, fix=fix)


def _warning(text: str, fix: str) -> Sign:
    return Sign(group=GROUP, mark=Mark.WARNING, text=text, fix=fix)
