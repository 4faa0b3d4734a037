"""The Gateway port over the official SDK: one request a step, our own keys, no retries of its own.

Retrying is the corridor's decision, made on written-down doubt; an SDK that retries by itself would
hide its doubts from us.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter
from typing import Any, NamedTuple

import aiohttp
import stripe
import structlog

from payment_service.adapters.stripe.calls import Kind, StripeCall, call_of, customer_path
from payment_service.adapters.stripe.news import news_of, replayed
from payment_service.adapters.stripe.objects import card_of, customer_of, intent_of, refund_of
from payment_service.domain.steps import (
    CancelIntent,
    CardSeen,
    ConfirmIntent,
    CreateCustomer,
    CreateIntent,
    CreateRefund,
    CustomerSeen,
    Denial,
    FindCustomer,
    FindIntent,
    FindRefunds,
    GatewayStep,
    IntentSeen,
    News,
    NoNews,
    NothingFound,
    ReadCustomer,
    ReadIntent,
    RefundSeen,
    RefundsSeen,
    Rejected,
    SetDefaultCard,
)

# A look reads at most this many pages of 100: what a busy account makes in the minutes around an
# attempt. If there are more we have not seen all, which is doubt, not absence.
PAGES_MAX = 50
PAGE_LIMIT = 100
# Stripe's clock and ours may differ, and a request may be under way for minutes.
CLOCK_SKEW = timedelta(minutes=10)
# One customer's list is short, so there a clock that was wrong by hours hides nothing either.
CUSTOMER_CLOCK_SKEW = timedelta(days=1)
# Above every limit per operation: the SDK's own time-out must never be the one that strikes.
SDK_TIMEOUT_S = 90

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
        self, client: stripe.StripeClient, http: stripe.HTTPClient, service: str, limits: TimeLimits
    ) -> None:
        self._client = client
        self._http = http
        self._service = service
        self._limits = limits

    async def ask(self, step: GatewayStep) -> News:
        """Carry out one step; see the port for what it promises."""
        try:
            try:
                return await self._ask(step)
            except stripe.StripeError as error:
                return news_of(error)
        except (OSError, aiohttp.ClientError) as error:  # time-outs are OSErrors too
            return NoNews(type(error).__name__)
        except (KeyError, TypeError, ValueError, AttributeError):
            return NoNews("unreadable")

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]  # the SDK has no types here

    async def _ask(self, step: GatewayStep) -> News:
        match step:
            case FindIntent():
                return await self._find_intent(step)
            case FindRefunds():
                params = {"payment_intent": step.intent_id}
                found = [refund_of(r) async for r in self._all("/v1/refunds", params)]
                return RefundsSeen(tuple(found))
            case FindCustomer():
                return await self._find_customer(step)
            case ReadCustomer():
                answer = await self._send(
                    StripeCall(Kind.READ, "get", customer_path(step.customer_id))
                )
                return await self._with_cards(answer.body)
            case _:
                answer = await self._send(call_of(step, self._service))
                return _seen(step, answer)

    async def _find_intent(self, step: FindIntent) -> News:
        if step.customer_id:
            whose = {"customer": step.customer_id}
            with suppress(stripe.InvalidRequestError):  # the customer is gone; its payments are not
                return await self._match_intent(step, whose, CUSTOMER_CLOCK_SKEW)
        return await self._match_intent(step, {}, CLOCK_SKEW)

    async def _match_intent(
        self, step: FindIntent, whose: Mapping[str, Any], skew: timedelta
    ) -> News:
        since = int((step.since - skew).timestamp())
        until = int((step.until + skew).timestamp())
        params = {"created": {"gte": since, "lte": until}, **whose}
        async for body in self._all("/v1/payment_intents", params):
            if (body.get("metadata") or {}).get("idempotency_key") == step.key:
                return IntentSeen(intent_of(body))
        return NothingFound()

    async def _find_customer(self, step: FindCustomer) -> News:
        """Several customers may share an e-mail: ours comes first, then the oldest."""
        found = [c async for c in self._all("/v1/customers", {"email": step.email})]
        if not found:
            return NothingFound()
        ours = [c for c in found if (c.get("metadata") or {}).get("service") == self._service]
        return await self._with_cards((ours or found)[-1])

    async def _with_cards(self, customer: Mapping[str, Any]) -> News:
        if customer.get("deleted"):
            return NothingFound()
        params = {"customer": customer["id"], "type": "card"}
        cards = [card async for card in self._all("/v1/payment_methods", params)]
        return CustomerSeen(customer_of(customer, cards))

    async def _all(self, path: str, params: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
        """Yield a list's elements, newest first. Raises ValueError when it is too long to read."""
        query: dict[str, Any] = {**params, "limit": PAGE_LIMIT}
        for _ in range(PAGES_MAX):
            answer = await self._send(StripeCall(Kind.READ, "get", path, query))
            page = answer.body["data"]
            for element in page:
                yield element
            if not answer.body["has_more"]:
                return
            query = {**query, "starting_after": page[-1]["id"]}
        raise ValueError("the list is longer than a look may read")

    async def _send(self, call: StripeCall) -> Answer:
        begun = perf_counter()
        options = {"idempotency_key": call.key} if call.key else {}
        try:
            async with asyncio.timeout(self._limits.of(call.kind)):
                answer = await self._client.raw_request_async(
                    call.method, call.path, **call.params, **options
                )
        except (stripe.StripeError, OSError, aiohttp.ClientError) as error:
            _log_failure(call, error, perf_counter() - begun)
            raise
        headers = answer.headers
        heard = Answer(answer.data, replayed(headers), headers.get("Request-Id"))
        _log_answer(call, heard, answer.code, perf_counter() - begun)
        return heard


def open_stripe(
    *,
    api_key: str,
    api_base: str,
    service: str,
    limits: TimeLimits,
    connections_max: int = 256,
    http: stripe.HTTPClient | None = None,
) -> StripeGateway:
    """Return a gateway; call it in the running event loop.

    http: the SDK's HTTP client to use instead of its aiohttp one (a sandbox in process, say).
    """
    if http is None:
        connector = aiohttp.TCPConnector(limit=connections_max)
        http = stripe.AIOHTTPClient(timeout=SDK_TIMEOUT_S, connector=connector)
    client = stripe.StripeClient(
        api_key,
        http_client=http,
        base_addresses={"api": api_base.rstrip("/")},
        max_network_retries=0,
    )
    return StripeGateway(client, http, service, limits)


def _seen(step: GatewayStep, answer: Answer) -> News:
    match step:
        case CreateRefund():
            return RefundSeen(refund_of(answer.body), answer.replayed, answer.request_id)
        case CreateCustomer() | SetDefaultCard():
            return CustomerSeen(customer_of(answer.body, ()), answer.request_id)
        case CreateIntent() | ConfirmIntent() | CancelIntent() | ReadIntent():
            return IntentSeen(intent_of(answer.body), answer.replayed, answer.request_id)
    if answer.body["type"] != "card":
        return Rejected(Denial("not_a_card", "This payment method is not a card."))
    return CardSeen(card_of(answer.body), answer.request_id)


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
    _log.debug("stripe.asked", path=call.path, params=call.params)


def _log_failure(call: StripeCall, error: Exception, took_s: float) -> None:
    """Stripe's messages are prose and may repeat what was sent: only the code goes in."""
    _log.warning(
        "stripe.refused" if getattr(error, "http_status", None) else "stripe.unanswered",
        method=call.method,
        path=call.path,
        status=getattr(error, "http_status", None),
        error=type(error).__name__,
        code=getattr(error, "code", None),
        duration_ms=round(took_s * 1000, 1),
        stripe_request_id=getattr(error, "request_id", None),
        idempotency_key=call.key,
        attempt=call.attempt,
    )
    _log.debug("stripe.asked", path=call.path, params=call.params)
