"""Answers that are no success: a code for programs, a sentence and what to do for people, in their language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from aiohttp import web

from channels.errors import (
    ChannelError,
    Conflict,
    Gone,
    Misconfigured,
    Rejected,
    RetryLater,
    Unauthorized,
    Unreachable,
)
from config.problem import Problem as FieldProblem
from optfm_bot.api.models import Error, Problem
from optfm_bot.i18n.catalogue import Catalogue
from optfm_bot.i18n.hints import translate

STATUSES: Mapping[str, int] = {
    "bad_json": 400,
    "bad_request": 400,
    "no_phone": 400,
    "no_groups": 400,
    "nothing_to_show": 400,
    "not_storable": 400,
    "bad_key": 400,
    "bad_token": 401,
    "wrong_scope": 403,
    "no_address": 404,
    "no_channel": 404,
    "no_message": 404,
    "no_conversation": 404,
    "no_request": 404,
    "no_proposal": 404,
    "no_operations": 404,
    "no_operation": 404,
    "no_login": 404,
    "no_login_running": 404,
    "nobody_there": 404,
    "wrong_method": 405,
    "too_slow": 408,
    "login_running": 409,
    "request_refused": 409,
    "conflict": 409,
    "too_large": 413,
    "wrong_type": 415,
    "key_reused": 422,
    "platform_refused": 422,
    "too_many_failures": 429,
    "internal": 500,
    "platform_unauthorized": 502,
    "platform_error": 502,
    "not_now": 503,
    "store_unavailable": 503,
    "platform_busy": 503,
    "platform_unreachable": 504,
    "platform_unclear": 504,
}
"""Every code that an answer may have, and its HTTP status."""

_AGAIN_SECONDS = 5.0
_UNAVAILABLE = 503


class Refusal(Exception):
    """A request is not done. `code` is one of `STATUSES`; `values` fill its words.

    `detail` is what a platform says of it, `problems` what is wrong with the request: they take the place of the hint.
    `masked` takes secrets out of the detail.
    `after`: when to come again, in seconds. `headers` go with the answer.
    """

    def __init__(
        self,
        code: str,
        *,
        detail: str = "",
        masked: Callable[[str], str] = str,
        problems: Sequence[FieldProblem] = (),
        after: float | None = None,
        headers: Mapping[str, str] | None = None,
        **values: str,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = STATUSES[code]
        self.detail = detail
        self.masked = masked
        self.problems = problems
        self.after = _AGAIN_SECONDS if after is None and self.status == _UNAVAILABLE else after
        self.headers = dict(headers or {})
        self.values = values

    def body(self, problem: Problem) -> Error:
        """What is written as the answer."""
        return Error(error=problem)

    def response(self, language: str) -> web.Response:
        """Write the answer."""
        words = Catalogue.load("api")
        # Translated first: a mask gives plain text, which nobody can translate.
        detail = self.masked(translate(self.detail, language))
        hint = detail or "; ".join(_described(problem, words, language) for problem in self.problems)
        problem = Problem(
            code=self.code,
            message=words.label(f"{self.code}.message", language, **self.values),
            hint=hint or words.label(f"{self.code}.hint", language, **self.values),
        )
        headers = dict(self.headers)
        if self.after is not None:
            headers["Retry-After"] = str(max(1, ceil(self.after)))
        return web.Response(
            body=self.body(problem).model_dump_json().encode(),
            status=self.status,
            content_type="application/json",
            headers=headers,
        )


def refused_by_channel(error: ChannelError, masked: Callable[[str], str] = str) -> Refusal:
    """What a failed call to a platform means for whoever asked. `masked` takes secrets out of what was said of it."""
    after: float | None = None
    match error:
        case RetryLater():
            code, after = "platform_busy", error.after.total_seconds() if error.after is not None else None
        case Unauthorized() | Misconfigured():
            code = "platform_unauthorized"
        case Gone():
            code = "nobody_there"
        case Rejected():
            code = "platform_refused"
        case Conflict():
            code = "conflict"
        case Unreachable():
            # Of a call without an answer nobody knows whether it was done: repeating it is the caller's decision.
            code = "platform_unclear" if error.maybe_sent else "platform_unreachable"
        case _:
            code = "platform_error"
    return Refusal(code, detail=str(error), masked=masked, after=after)


def _described(problem: FieldProblem, words: Catalogue, language: str) -> str:
    if problem.message not in words.keys:
        return problem.describe(language)
    said = words.label(problem.message, language)
    return f"{problem.key}: {said}" if problem.key else said
