"""An endpoint as a value, and the one way every request walks: read, once only, act, answer."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from payment_service.api.answers import Answer, pending, respond
from payment_service.api.caller import ANYBODY, Caller, Scope
from payment_service.api.field_names import (
    inner_amounts,
    misplaced,
    renamed,
    slips,
    strangers,
    twice_named,
)
from payment_service.api.idempotency import idempotently
from payment_service.api.incoming import (
    Incoming,
    read_bearer_token,
    read_body,
    read_key,
    read_query,
)
from payment_service.api.options import ApiOptions
from payment_service.api.presenting import Presenter
from payment_service.api.problems import UnknownPath, problem
from payment_service.api.validation import Findings, note_unknown
from payment_service.api.visit import Visit, visit_of
from payment_service.domain.errors import InsufficientScope, Refusal
from payment_service.flows.guard_cards import TRIED_FROM
from payment_service.flows.stripe_time import know_time
from payment_service.flows.tell_with_token import tell_with_token
from payment_service.flows.world import World
from payment_service.ports import StoreInDoubt, Unavailable

READING = frozenset({"GET"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Api:
    """What every endpoint works with."""

    world: World
    options: ApiOptions
    show: Presenter

    def deadline(self) -> datetime:
        """When the caller must have an answer, whatever is known by then."""
        return self.world.clock.now() + timedelta(seconds=self.options.response_deadline_s)


Handle = Callable[[Api, Incoming], Awaitable[Answer]]
# Reads what is asked, and notes every fault that the request has by itself; None when it has one.
Reading = Callable[[Api, Incoming, Findings], T | None]
# Acts for an end user, on what is that user's own; see `api/belonging.py`.
Guard = Callable[[Api, Incoming, Handle], Awaitable[Answer]]


async def everybodys(api: Api, call: Incoming, handle: Handle) -> Answer:
    """Act: there is nothing of anybody's in it."""
    return await handle(api, call)


async def services_only(_api: Api, _call: Incoming, _handle: Handle) -> Answer:
    """Be no endpoint at all, for end users."""
    raise UnknownPath("There is no such path.")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One method of one path, what it does, and what the document says of it.

    path: below the prefix. scope: what its callers must be allowed, None when it is open to anybody
    and takes no credentials. guard: how its things belong to a customer. asks: the fields of the
    body, or of the query when there is no body. answers: by status, the model of the body.
    refusals: the codes it may refuse with, by status. signed: whether the body is somebody else's,
    taken as it is with its signature, and no JSON of ours. body_optional: whether a request without
    a body is one with no fields. reads: reads them, where more is to be checked than each field.
    """

    method: str
    path: str
    handle: Handle
    scope: Scope | None
    guard: Guard
    name: str
    tag: str
    summary: str
    answers: Mapping[int, type[BaseModel]]
    description: str = ""
    asks: type[BaseModel] | None = None
    refusals: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    at_root: bool = False
    signed: bool = False
    body_optional: bool = False
    reads: Reading[object] | None = None

    @property
    def reads_body(self) -> bool:
        """Whether what is asked comes as JSON."""
        return self.method not in READING and not self.signed


def read(api: Api, call: Incoming, reading: Reading[T]) -> T:
    """Return what a request asks. Raises InvalidRequest that names every bad field."""
    findings = Findings()
    asked = reading(api, call, findings)
    findings.close()
    assert asked is not None
    return asked


async def serve(api: Api, endpoint: Endpoint, route: str, request: Request) -> Response:
    """Answer one request, refusals included; what else is raised is a bug, which the door hides."""
    visit = visit_of(request.scope)
    visit.route = route
    if visit.caller.is_end_user:
        api = replace(api, show=api.show.for_payer())
    TRIED_FROM.set("" if endpoint.signed else _payer_address(visit, api.options))

    async def act() -> Answer:
        try:
            if call.caller.is_end_user:
                return await endpoint.guard(api, call, endpoint.handle)
            return await endpoint.handle(api, call)
        except StoreInDoubt as error:
            return _in_doubt(endpoint, call) or problem(error, visit.request_id, api.show)
        except (Refusal, Unavailable) as error:
            return problem(error, visit.request_id, api.show)

    try:
        _check_scope(endpoint, visit.caller)
        call = _read(api, endpoint, route, request, visit)
        if endpoint.method not in READING:  # deadlines and what is written are in Stripe's time
            await know_time(api.world)
        if call.key is None:
            answer = await act()
        else:
            deadline_s = api.options.response_deadline_s
            answer = await idempotently(api.world, call, deadline_s=deadline_s, act=act)
            if answer.is_replay:
                answer = replace(answer, body=api.show.told_again(answer.body))
        _tell_with_token(api, call, answer)
    except (Refusal, Unavailable) as error:
        answer = problem(error, visit.request_id, api.show)
    visit.code = answer.body.get("code")
    return respond(answer)


def _in_doubt(endpoint: Endpoint, call: Incoming) -> Answer | None:
    """Return that nobody knows whether it was begun: what may be charged is not called a failure.

    None where nothing is asked that could go on by itself.
    """
    if 202 not in endpoint.answers:
        return None
    order_id = call.body.get("orderId")
    return pending(
        "The database has not said whether this was begun. If it was, it goes on by itself: look "
        "how it stands before asking for it anew.",
        {"orderId": order_id} if isinstance(order_id, str) else {},
    )


def _tell_with_token(api: Api, call: Incoming, answer: Answer) -> None:
    """Tell with the caller's token what is owed of the order that the answer speaks of.

    Only where there is none of our own; the caller does not wait for it.
    """
    token, data = call.bearer_token, answer.body.get("data")
    if token is None or not isinstance(data, dict) or not api.world.orders.needs_callers_token:
        return
    order_id = data.get("orderId")
    if isinstance(order_id, str):
        api.world.background.spawn(tell_with_token(api.world, order_id, token))


def _check_scope(endpoint: Endpoint, caller: Caller) -> None:
    """Raise InsufficientScope, or UnknownPath to an end user where only services may go."""
    if caller.is_end_user and endpoint.guard is services_only:
        raise UnknownPath("There is no such path.")
    if endpoint.scope is not None and endpoint.scope not in caller.scopes:
        raise InsufficientScope(f"This needs the scope {endpoint.scope}.", scope=endpoint.scope)


def _read(api: Api, endpoint: Endpoint, route: str, request: Request, visit: Visit) -> Incoming:
    """Return the request by the names of its fields.

    Raises InvalidRequest if its key or a name is bad, with all else that is bad, for the answer
    that is kept for a key is none to a slip. What its fields say is else looked at where it is
    acted on. What cannot be read at all is refused alone.
    """
    headers, raw = request.headers, visit.body
    query = read_query(request.scope["query_string"])
    body: Mapping[str, Any] = query
    findings = Findings()
    key = None
    if endpoint.reads_body:
        # A DELETE may carry its fields in the query instead: not every client can send a body.
        if not raw and endpoint.body_optional:
            body = {}
        elif raw or endpoint.method != "DELETE":
            body = read_body(raw, headers.get("content-type", ""))
        key = findings.value(lambda: read_key(headers))
    if endpoint.asks is not None:
        if body is not query:
            findings.note(misplaced(endpoint.asks, query))
        is_strict = api.options.strict_requests or not endpoint.reads_body
        body = _named(endpoint.asks, body, findings, is_strict=is_strict)
    call = Incoming(
        method=endpoint.method,
        route=route,
        request_id=visit.request_id,
        path=request.path_params,
        query=query if endpoint.reads_body else dict(body),
        body=body,
        key=key,
        bearer_token=read_bearer_token(headers),
        caller=visit.caller,
        raw=raw if endpoint.signed else b"",
        signature=headers.get("stripe-signature", "") if endpoint.signed else "",
    )
    if findings:
        _note_the_rest(api, endpoint, call, findings)
    findings.close()
    return call


def _named(
    kind: type[BaseModel], sent: Mapping[str, Any], findings: Findings, *, is_strict: bool
) -> Mapping[str, Any]:
    """Return the fields by their names, and note those that are none.

    A filter that is ignored would show everybody's.
    """
    findings.note(twice_named(kind, sent))
    fields = renamed(kind, sent)
    findings.note((strangers if is_strict else slips)(kind, fields))
    findings.note(inner_amounts(kind, fields))
    if not findings:
        note_unknown(kind, fields)
    return fields


def _note_the_rest(api: Api, endpoint: Endpoint, call: Incoming, findings: Findings) -> None:
    """Note what is wrong with the fields of a request that is refused anyhow."""
    if endpoint.reads is not None:
        endpoint.reads(api, call, findings)
    elif endpoint.asks is not None:
        findings.fields(endpoint.asks, call.body)


def _payer_address(visit: Visit, options: ApiOptions) -> str:
    """Return whence a payer comes. A shop's own server speaks for all payers from one address.

    A caller without a name may be either; it is a payer where proxies of ours say whence it comes.
    An address that may be a proxy's is nobody's: everybody behind it would be stopped for one.
    """
    is_payer = visit.caller.is_end_user or (visit.caller is ANYBODY and options.trusted_proxies > 0)
    return visit.payer if is_payer else ""
