"""The endpoints about people: who has the word, tickets, requests, proposals."""

from __future__ import annotations

from optfm_bot.api.endpoint import IDEMPOTENCY_KEY, Endpoint
from optfm_bot.api.people_models import (
    AskProposals,
    AskRequests,
    AskTickets,
    ChangeRequest,
    ChangeStage,
    ConversationView,
    DecideProposal,
    ProposalList,
    ProposalView,
    RequestDetails,
    RequestList,
    RequestRefused,
    StageAccepted,
    TicketList,
)
from optfm_bot.api.refusals import STATUSES
from optfm_bot.api.tokens import Scope

_REQUESTS = frozenset({Scope.REQUESTS_READ, Scope.REQUESTS_WRITE})

PEOPLE_ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="conversation",
        method="GET",
        path="/conversations/{chat}",
        summary="Look who has the word in a conversation",
        scopes=frozenset({Scope.CONVERSATIONS_READ, Scope.CONVERSATIONS_WRITE}),
        gives=ConversationView,
        codes=("no_conversation",),
    ),
    Endpoint(
        name="change_stage",
        method="POST",
        path="/conversations/{chat}/stage",
        summary="Take a conversation over, silence the bot in it, or let it speak again",
        scopes=frozenset({Scope.CONVERSATIONS_WRITE}),
        takes=ChangeStage,
        gives=StageAccepted,
        status=202,
        answers="It is stored and will be done after what the conversation has brought before, also after a crash.",
        codes=("no_conversation", "no_channel", "bad_key", "key_reused"),
        headers={
            IDEMPOTENCY_KEY: "Makes a repeated request safe: the same key with the same request does nothing again. "
            "1 to 255 printable ASCII characters."
        },
    ),
    Endpoint(
        name="tickets",
        method="GET",
        path="/tickets",
        summary="List tickets",
        scopes=frozenset({Scope.TICKETS_READ}),
        asks=AskTickets,
        gives=TicketList,
    ),
    Endpoint(
        name="requests",
        method="GET",
        path="/requests",
        summary="List requests",
        scopes=_REQUESTS,
        asks=AskRequests,
        gives=RequestList,
    ),
    Endpoint(
        name="request",
        method="GET",
        path="/requests/{number}",
        summary="Read a request and its life",
        scopes=_REQUESTS,
        gives=RequestDetails,
        codes=("no_request",),
    ),
    Endpoint(
        name="change_request",
        method="PATCH",
        path="/requests/{number}",
        summary="Change a request",
        scopes=frozenset({Scope.REQUESTS_WRITE}),
        takes=ChangeRequest,
        gives=RequestDetails,
        codes=("no_request", "request_refused"),
        refuses={STATUSES["request_refused"]: RequestRefused},
    ),
    Endpoint(
        name="proposals",
        method="GET",
        path="/proposals",
        summary="List answers of our people that the base may learn",
        scopes=frozenset({Scope.PROPOSALS_READ, Scope.PROPOSALS_WRITE}),
        asks=AskProposals,
        gives=ProposalList,
    ),
    Endpoint(
        name="decide_proposal",
        method="PATCH",
        path="/proposals/{id}",
        summary="Take or reject such an answer",
        scopes=frozenset({Scope.PROPOSALS_WRITE}),
        takes=DecideProposal,
        gives=ProposalView,
        codes=("no_proposal",),
    ),
)
