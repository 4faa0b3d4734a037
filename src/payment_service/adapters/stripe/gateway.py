"""The Gateway port over the official SDK: one request a step, our own keys, no retries of its own.

Retrying is the corridor's decision, made on written-down doubt; an SDK that retries by itself would
hide its doubts from us.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import aiohttp
import stripe
import structlog

from payment_service.adapters.stripe.budget import Budget, endpoint_of
from payment_service.adapters.stripe.calls import Kind, StripeCall, call_of
from payment_service.adapters.stripe.dates import NobodysTime, Timekeeper, date_of
from payment_service.adapters.stripe.leaving import (
    NotLeft,
    check_leaving,
    last_check,
    let_leave,
)
from payment_service.adapters.stripe.legible import LegibleErrors
from payment_service.adapters.stripe.looks import Looks, LookStep
from payment_service.adapters.stripe.misconfigured import note_misconfiguration
from payment_service.adapters.stripe.news import (
    UNREADABLE,
    code_of,
    news_of,
    replayed,
    told_nothing,
)
from payment_service.adapters.stripe.objects import (
    card_of,
    customer_of,
    intent_of,
    refund_of,
    setup_of,
)
from payment_service.adapters.stripe.turns import NoTurn, Turn, Turns
from payment_service.domain.call import LAPSED
from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    Denial,
    IntentSeen,
    News,
    NoNews,
    NotExecuted,
    NothingFound,
    RefundSeen,
    Rejected,
    SetupSeen,
)
from payment_service.domain.steps import (
    CancelIntent,
    CaptureIntent,
    ConfirmIntent,
    CreateCustomer,
    CreateIntent,
    CreateRefund,
    CreateSetup,
    DeleteCustomer,
    GatewayStep,
    ReadIntent,
    ReadSetup,
    ReadTime,
    SetDefaultCard,
    UpdateCustomer,
)
from payment_service.ports import ASKED_BY, MAY_WAIT, LeaveWhile

# Above every limit per operation: the SDK's own time-out must never be the one that strikes.
SDK_TIMEOUT_S = 90

# The status of what Stripe has done; it has no other for it.
OK = 200

# Parameters with somebody's name, or with text that a caller made up.
PERSONAL = frozenset({"name", "description", "billing_details", "metadata"})
# What of the metadata is ours.
MARKS = frozenset({"service", "order_id", "idempotency_key", "request_id"})

_log = structlog.get_logger("stripe_gateway")


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long one request may take, by what it does. A request over its limit is in doubt."""

    charge_s: float = 25
    refund_s: float = 25
    write_s: float = 15
    read_s: float = 10

    def of(self, kind: Kind) -> float:
        """The limit of this kind of request, in seconds."""
        match kind:
            case Kind.CHARGE:
                return self.charge_s
            case Kind.REFUND:
                return self.refund_s
            case Kind.WRITE:
                return self.write_s
            case Kind.READ:
                return self.read_s


class Answer(NamedTuple):
    """A successful answer: its body, whether it is a replay, and Stripe's id of the request."""

    body: Mapping[str, Any]
    replayed: bool
    request_id: str | None


class StripeGateway:
    """Asks Stripe. Made by `open_stripe`."""

    def __init__(
        self,
        client: stripe.StripeClient,
        http: stripe.HTTPClient,
        service: str,
        limits: TimeLimits,
        turns: Turns,
        time: Timekeeper,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        self._client = client
        self._http = http
        self._service = service
        self._limits = limits
        self._turns = turns
        self._time = time
        self._session = session
        self.payers_waiting = 0  # for an answer of Stripe's, or for their turn to ask

    async def ask(self, step: GatewayStep, *, leave_while: LeaveWhile | None = None) -> News:
        """Carry out one step; see the port for what it promises."""
        let_leave(leave_while)
        if MAY_WAIT.get():
            return await self._heard(step)
        asker = ASKED_BY.get()
        self.payers_waiting += 1
        asker.waits()
        try:
            return await self._heard(step)
        finally:
            asker.goes_on()
            self.payers_waiting -= 1

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK has no types here
        if self._session is not None:
            await self._session.close()

    async def _heard(self, step: GatewayStep) -> News:
        try:
            try:
                return await self._ask(step)
            except stripe.StripeError as error:
                news = news_of(error)
                note_misconfiguration(step, news, error)
                return news
        except NoTurn as error:
            return NotExecuted("no_turn", retry_after_s=error.wait_s)
        except NotLeft:
            key = getattr(step, "key", None)
            _log.warning("stripe.held_back", step=type(step).__name__, idempotency_key=key)
            return NotExecuted(LAPSED)
        except (OSError, aiohttp.ClientError) as error:  # time-outs are OSErrors too
            return NoNews(type(error).__name__)
        except UNREADABLE:
            return NoNews("unreadable")

    async def _ask(self, step: GatewayStep) -> News:
        if isinstance(step, LookStep):
            return await self._look(step)
        answer = await self._send(call_of(step, self._service))
        try:
            return _seen(step, answer)
        except UNREADABLE:
            return told_nothing("unreadable", OK, answer.request_id, replay=answer.replayed)

    async def _look(self, step: LookStep) -> News:
        """Look, and say under which id Stripe knows the last request of it."""
        request_id: str | None = None

        async def read(path: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
            nonlocal request_id
            answer = await self._send(StripeCall(Kind.READ, "get", path, params))
            request_id = answer.request_id
            return answer.body

        news = await Looks(read, self._service).look(step)
        return replace(news, request_id=request_id)

    async def _send(self, call: StripeCall) -> Answer:
        limit_s = self._limits.of(call.kind)
        over_at = asyncio.get_running_loop().time() + limit_s
        turn = await self._turns.take(endpoint_of(call.method, call.path), limit_s=limit_s)
        check_leaving()
        begun, sent = perf_counter(), self._time.mark()
        options = {"idempotency_key": call.key} if call.key else {}
        try:
            async with asyncio.timeout_at(over_at):
                answer = await self._client.raw_request_async(
                    call.method, call.path, **call.params, **options
                )
        except (stripe.StripeError, OSError, aiohttp.ClientError) as error:
            if isinstance(error.__cause__, NotLeft):
                raise NotLeft from error
            _log_failure(call, error, perf_counter() - begun)
            self._note(turn, error)
            self._note_date(getattr(error, "headers", None), sent)
            raise
        self._turns.answered(turn)
        headers = answer.headers
        self._note_date(headers, sent)
        heard = Answer(answer.data, replayed(headers), headers.get("Request-Id"))
        _log_answer(call, heard, answer.code, perf_counter() - begun)
        return heard

    def _note_date(self, headers: Mapping[str, str] | None, sent: Any) -> None:
        date = date_of(headers)
        if date is not None:
            self._time.heard(date, sent)

    def _note(self, turn: Turn, error: Exception) -> None:
        """Keep count of what Stripe lets in; of an answer that was lost there is no telling."""
        if not isinstance(error, stripe.StripeError) or error.http_status is None:
            return
        if error.http_status == 429:
            self._turns.refused(turn, error)
        else:
            self._turns.answered(turn)


def open_stripe(
    *,
    api_key: str,
    api_base: str,
    service: str,
    limits: TimeLimits,
    connections_max: int = 256,
    budget: Budget | None = None,
    http: stripe.HTTPClient | None = None,
    time: Timekeeper | None = None,
) -> StripeGateway:
    """Return a gateway; call it in the running event loop.

    budget: how often it may ask; without one as often as it likes, until Stripe refuses.
    http: the SDK's HTTP client to use instead of its aiohttp one (a sandbox in process, say).
    time: who wants to hear what time it is at Stripe.
    """
    session = None
    if http is None:
        connector = aiohttp.TCPConnector(limit=connections_max)
        session = aiohttp.ClientSession(connector=connector, trace_configs=[last_check()])
        http = stripe.AIOHTTPClient(timeout=SDK_TIMEOUT_S, session=session)
    client = stripe.StripeClient(
        api_key,
        http_client=LegibleErrors(http),
        base_addresses={"api": api_base.rstrip("/")},
        max_network_retries=0,
    )
    turns = Turns(budget or Budget(per_s=0, per_endpoint_s=0))
    return StripeGateway(client, http, service, limits, turns, time or NobodysTime(), session)


def _seen(step: GatewayStep, answer: Answer) -> News:
    match step:
        case CreateRefund():
            return RefundSeen(refund_of(answer.body), answer.replayed, answer.request_id)
        case CreateCustomer() | UpdateCustomer() | SetDefaultCard():
            return CustomerSeen(customer_of(answer.body, ()), answer.request_id)
        case DeleteCustomer():
            return _deleted(answer)
        case CreateSetup() | ReadSetup():
            return SetupSeen(setup_of(answer.body), answer.request_id)
        case CreateIntent() | ConfirmIntent() | CaptureIntent() | CancelIntent() | ReadIntent():
            return IntentSeen(intent_of(answer.body), answer.replayed, answer.request_id)
        case ReadTime():  # the date of the answer is heard already, and nothing else was asked for
            return NothingFound(answer.request_id)
    if answer.body["type"] != "card":
        return Rejected(Denial("not_a_card", "This payment method is not a card."))
    return CardSeen(card_of(answer.body), answer.request_id)


def _deleted(answer: Answer) -> NothingFound:
    if answer.body["deleted"] is not True:
        raise ValueError("a deletion was answered with what is still there")
    return NothingFound(answer.request_id)


def _log_answer(call: StripeCall, answer: Answer, status: int, took_s: float) -> None:
    _log.info(
        "stripe.answered",
        method=call.method,
        path=call.path,
        status=status,
        duration_ms=round(took_s * 1000, 1),
        stripe_request_id=answer.request_id,
        idempotency_key=call.key,
        attempt=call.attempt,
        replayed=answer.replayed,
    )
    _log.debug("stripe.asked", path=call.path, params=_impersonal(call.params))


def _impersonal(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may stand in a debug line: names and callers' own words have no shape to hide by.

    Lines outlive a customer that is forgotten.
    """
    shown = {name: value for name, value in params.items() if name not in PERSONAL}
    if "metadata" in params:
        marks = params["metadata"].items()
        shown["metadata"] = {name: value for name, value in marks if name in MARKS}
    return shown


def _log_failure(call: StripeCall, error: Exception, took_s: float) -> None:
    """Stripe's messages are prose and may repeat what was sent: only the code goes in."""
    _log.warning(
        "stripe.refused" if getattr(error, "http_status", None) else "stripe.unanswered",
        method=call.method,
        path=call.path,
        status=getattr(error, "http_status", None),
        error=type(error).__name__,
        code=code_of(error) if isinstance(error, stripe.StripeError) else None,
        duration_ms=round(took_s * 1000, 1),
        stripe_request_id=getattr(error, "request_id", None),
        idempotency_key=call.key,
        attempt=call.attempt,
    )
    _log.debug("stripe.asked", path=call.path, params=_impersonal(call.params))
