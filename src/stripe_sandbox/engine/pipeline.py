"""The way of a request through Stripe: key, rate, parameters, idempotency, lock, execution, saving.

The two halves of it are `begin`, up to the lock, and `finish`; between them a request is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from email.utils import formatdate
from random import Random
from typing import Any, Final

from stripe_sandbox.engine import (
    by_hand,
    endpoints,
    events,
    expand,
    intent_course,
    ledger,
    payers,
    payment_intents,
    wire,
)
from stripe_sandbox.engine.answers import check_replayed, delivery
from stripe_sandbox.engine.authentication import authenticate
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.endpoints import Endpoint
from stripe_sandbox.engine.errors import ApiError, Ordered, internal, lock_timeout, rate_limited
from stripe_sandbox.engine.exchange import Delivery, Request
from stripe_sandbox.engine.idempotency import Claim, key_of
from stripe_sandbox.engine.limiter import Limiter
from stripe_sandbox.engine.parameters import read
from stripe_sandbox.engine.records import Wire
from stripe_sandbox.engine.state import Cause, Entry, State
from stripe_sandbox.engine.versions import check_removed, read_version
from stripe_sandbox.engine.webhooks import WebhookAttempt, Webhooks
from stripe_sandbox.faults import Fault

# Where `stripe-sandbox` listens if nobody says otherwise.
BASE_URL: Final = "http://127.0.0.1:12111"


@dataclass(slots=True)
class Ticket:
    """A request under way: it holds its key and its objects until it is finished."""

    endpoint: Endpoint
    ids: tuple[str, ...]
    path: str
    parameters: dict[str, Any]
    claim: Claim | None
    locks: frozenset[str]
    entry: Entry
    answered: _Answered
    fault: Fault | None
    by_payer: bool


@dataclass(slots=True)
class _Answered:
    """What every answer to a request carries, whatever it says."""

    request_id: str
    version: str
    at: float
    key: str | None = None


class Engine:
    """One Stripe account. Nothing happens in it but through these methods."""

    def __init__(self, config: Config | None = None, seed: int = 0) -> None:
        self._config_at_start = config or Config()
        self._seed = seed
        self._base_url = (self._config_at_start.public_url or BASE_URL).rstrip("/")
        self.webhooks = Webhooks(seed)
        self.reset()

    def reset(self) -> None:
        """Begin again as if nothing had ever been asked or switched; who listens still does."""
        self._config = self._config_at_start
        self.webhooks.begin(self._config)
        random = Random(self._seed)  # noqa: S311 - reproducible, not secret
        self._state = State(self._config, random, self.webhooks, self._base_url)
        self._limiter = Limiter(self._config)

    @property
    def events(self) -> list[Wire]:
        """All events that are kept, oldest first, as GET /v1/events writes them."""
        return [events.write(self._state, event) for event in self._state.events]

    @property
    def config(self) -> Config:
        """The switches as they are."""
        return self._config

    def switch(self, **changes: Any) -> None:
        """Change switches until the next reset. What is bound at the start cannot be switched."""
        self._config = self._state.config = self._limiter.config = replace(self._config, **changes)
        self.webhooks.use(self._config)

    def due_webhooks(self, now: float, limit: int | None = None) -> list[WebhookAttempt]:
        """Return the attempts that are due, in order; each is taken until it is answered."""
        if self.webhooks.idle:
            return []
        self._state.catch_up(now)
        return self.webhooks.due(now, limit)

    def webhook_answered(
        self, attempt: WebhookAttempt, status: int | None, now: float, *, why: str | None = None
    ) -> None:
        """Say what came of an attempt: a status, or None for no answer and `why` there is none."""
        self.webhooks.answered(attempt, status, now, why)

    def next_webhook_at(self) -> float | None:
        """Return the earliest time at which an attempt may be due; None if nobody listens."""
        if self.webhooks.idle:
            return None
        times = (self.webhooks.next_at(), self._state.next_later_at())
        return min((at for at in times if at is not None), default=None)

    def resend_webhook(self, event_id: str, endpoint_id: str | None, now: float) -> int | None:
        """Deliver an event again by hand; return to how many endpoints, None if there is none."""
        event = self._state.events.get(event_id)
        return None if event is None else self.webhooks.resend(event, endpoint_id, now)

    def ledger(self) -> dict[str, Any]:
        """Return the intents, refunds and requests, oldest first."""
        return ledger.write(self._state)

    def advance(self, now: float) -> None:
        """Let happen what Stripe does by itself up to `now`, as any request at `now` would."""
        self._state.catch_up(now)

    @property
    def base_url(self) -> str:
        """Where people find the sandbox, for the pages it has them sent to."""
        return self._state.base_url

    @base_url.setter
    def base_url(self, url: str) -> None:
        self._base_url = self._state.base_url = url

    def authenticate(self, intent_id: str, *, passed: bool, now: float) -> Wire:
        """Do what the holder of the card does on the page of its bank. Raises ApiError."""
        return by_hand.authenticate(self._state, self._cause(now), intent_id, passed=passed)

    def challenge(self, intent_id: str, *, now: float) -> by_hand.Challenge | None:
        """Return what the page of the bank shows of an intent; None if there is none."""
        self._cause(now)
        return by_hand.challenge(self._state, intent_id)

    def move_intent(self, intent_id: str, status: str, *, now: float) -> Wire:
        """Have the bank, the payer's client or a person move a PaymentIntent. Raises ApiError."""
        return intent_course.move(self._state, self._cause(now), intent_id, status)

    def open_dispute(
        self,
        intent_id: str,
        reason: str = "fraudulent",
        amount: int | None = None,
        *,
        inquiry: bool = False,
        now: float,
    ) -> Wire:
        """Have the payer's bank dispute a payment, or ask about it. Raises ApiError."""
        return by_hand.open_dispute(
            self._state, self._cause(now), intent_id, reason, amount, inquiry=inquiry
        )

    def warn_of_fraud(
        self, charge_or_intent_id: str, fraud_type: str = "misc", *, now: float
    ) -> Wire:
        """Have the issuer warn of a payment. Raises ApiError."""
        cause = self._cause(now)
        return by_hand.warn_of_fraud(self._state, cause, charge_or_intent_id, fraud_type)

    def move_refund(
        self, refund_id: str, status: str, failure_reason: str | None = None, *, now: float
    ) -> Wire:
        """Bring a refund to another status. Raises ApiError."""
        cause = self._cause(now)
        return by_hand.move_refund(self._state, cause, refund_id, status, failure_reason)

    def update_card(self, method_id: str, exp_month: int, exp_year: int, *, now: float) -> Wire:
        """Have the network renew a saved card. Raises ApiError."""
        cause = self._cause(now)
        return by_hand.update_card(self._state, cause, method_id, exp_month, exp_year)

    def _cause(self, now: float) -> Cause:
        """Come to a time, and return it as the cause of what happens without any request."""
        self._state.catch_up(now)
        return Cause(int(now))

    def handle(self, request: Request, *, now: float, fault: Fault | None = None) -> Delivery:
        """Answer a request that takes no time."""
        begun = self.begin(request, now=now, fault=fault)
        return begun if isinstance(begun, Delivery) else self.finish(begun, now=now)

    def begin(
        self, request: Request, *, now: float, fault: Fault | None = None
    ) -> Ticket | Delivery:
        """Take a request in. What is refused or replayed is answered here, without a ticket."""
        state = self._state
        state.catch_up(now)
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        entry = Entry(request.method, request.path, key)
        state.entries.append(entry)
        if fault is not None and fault.kind in ("timeout_before", "reset_before"):
            return delivery(entry, 0, {}, b"", fault)
        answered = _Answered(state.ids.short("req_"), self._config.api_version, now)
        try:
            if fault is not None and fault.kind == "error_503_before":
                raise internal(503)
            return self._admit(request, now, fault, entry, answered)
        except ApiError as error:
            return self._refuse(error, entry, answered, fault)

    def finish(self, ticket: Ticket, *, now: float) -> Delivery:
        """Do what was asked, save the answer under the key, and let go of key and objects."""
        self._state.catch_up(now)
        ticket.answered.at = now
        kind = None if ticket.fault is None else ticket.fault.kind
        error: ApiError | None = None
        answer: Wire = {}
        try:
            if kind == "error_500_before":
                raise internal()
            if kind == "answer":
                assert ticket.fault is not None
                raise Ordered(ticket.fault.status, ticket.fault.body)
            answer = self._execute(ticket, now)
        except ApiError as refusal:
            error = refusal
        finally:
            self._state.locked -= ticket.locks
            if error is None and not answer and ticket.claim is not None:
                # Only a mistake of the sandbox itself comes here; the key must not stay taken.
                self._state.keys.release(ticket.claim)
        if kind == "error_500_after":
            error = internal()
        elif kind == "error_503_after_key_forgotten":
            error = internal(503)
        if error is None:
            return self._save(ticket, 200, wire.to_json(answer), {})
        body = wire.to_json(error.body(self._config.account, ticket.answered.request_id))
        if error.saved is False and ticket.claim is not None:
            self._state.keys.release(ticket.claim)
            ticket.claim = None
        return self._save(ticket, error.status, body, error.headers)

    def _admit(
        self,
        request: Request,
        now: float,
        fault: Fault | None,
        entry: Entry,
        answered: _Answered,
    ) -> Ticket | Delivery:
        """Go through all that comes before execution. Raises what is refused, none of it saved."""
        by_payer = authenticate(request, self._config)
        answered.version = read_version(
            request.headers.get("stripe-version"), self._config.api_version
        )
        endpoint, ids = endpoints.find(request.method, request.path)
        if fault is not None and fault.kind == "rate_limit":
            raise rate_limited("endpoint-rate")
        self._limiter.admit(f"{endpoint.method} {endpoint.path}", now)
        parameters = self._parameters(request, endpoint, answered.version)
        with payment_intents.shown_in_refusals(self._state, endpoint.path, ids):
            endpoint.check(parameters, self._config)
        claim = None
        if request.method == "POST":
            answered.key = key_of(request.headers)
            if answered.key is not None:
                claim = self._claim(request, answered, parameters, now)
                if not claim.in_flight:
                    check_replayed(fault)
                    return self._replay(claim, entry, answered, fault)
        ticket = Ticket(
            endpoint=endpoint,
            ids=ids,
            path=request.path,
            parameters=parameters,
            claim=claim,
            locks=frozenset(),
            entry=entry,
            answered=answered,
            fault=fault,
            by_payer=by_payer,
        )
        return self._lock(ticket)

    def _parameters(self, request: Request, endpoint: Endpoint, version: str) -> dict[str, Any]:
        """Read the parameters and refuse what they alone make impossible."""
        form = request.body.decode(errors="replace") if request.method == "POST" else request.query
        parameters = read(endpoint.schema, wire.decode(form))
        check_removed(parameters, version)
        expand.check(parameters.get("expand") or (), endpoint.answers)
        return parameters

    def _claim(
        self, request: Request, answered: _Answered, parameters: dict[str, Any], now: float
    ) -> Claim:
        wanted = Claim(
            key=answered.key or "",
            method=request.method,
            path=request.path,
            parameters=parameters,
            claimed_at=now,
            request_id=answered.request_id,
        )
        return self._state.keys.claim(wanted, self._config.in_use_type)

    def _lock(self, ticket: Ticket) -> Ticket | Delivery:
        """Take the objects, or let go of the key and refuse."""
        wanted = frozenset[str]()
        if self._config.object_locks and ticket.endpoint.method != "GET":
            wanted = self._objects_of(ticket)
        by_fault = ticket.fault is not None and ticket.fault.kind == "lock_timeout"
        if not by_fault and not wanted & self._state.locked:
            self._state.locked |= wanted
            ticket.locks = wanted
            return ticket
        error = lock_timeout(saved=self._config.lock_timeout_saved)
        if error.saved:
            body = wire.to_json(error.body(self._config.account, ticket.answered.request_id))
            return self._save(ticket, error.status, body, error.headers)
        if ticket.claim is not None:
            self._state.keys.release(ticket.claim)
        raise error

    def _objects_of(self, ticket: Ticket) -> frozenset[str]:
        """Return what a request changes; a charge and its refunds are locked with their intent."""
        named = [*ticket.ids, ticket.parameters.get("payment_intent")]
        charge = self._state.charges.get(ticket.parameters.get("charge") or "")
        if charge is not None:
            named.append(charge.payment_intent)
        return frozenset(name for name in named if name)

    def _execute(self, ticket: Ticket, now: float) -> Wire:
        call = Call(
            state=self._state,
            cause=Cause(int(now), ticket.answered.request_id, ticket.answered.key),
            now=now,
            path=ticket.path,
            ids=ticket.ids,
            parameters=ticket.parameters,
            by_payer=ticket.by_payer,
        )
        if ticket.by_payer:
            return payers.execute(ticket.endpoint.execute, call)
        with payment_intents.shown_in_refusals(self._state, ticket.endpoint.path, ticket.ids):
            answer = ticket.endpoint.execute(call)
        return expand.expand(self._state, answer, ticket.parameters.get("expand") or ())

    def _save(self, ticket: Ticket, status: int, body: bytes, extra: dict[str, str]) -> Delivery:
        """Keep the answer under the key, and deliver it."""
        if ticket.claim is not None:
            ticket.claim.status, ticket.claim.body = status, body
        headers = self._headers(ticket.answered, status, ticket.answered.request_id) | extra
        return delivery(ticket.entry, status, headers, body, ticket.fault)

    def _replay(
        self, claim: Claim, entry: Entry, answered: _Answered, fault: Fault | None
    ) -> Delivery:
        """Answer what was answered the first time, byte for byte."""
        assert claim.status is not None
        entry.replayed = True
        headers = self._headers(answered, claim.status, claim.request_id)
        headers["Idempotent-Replayed"] = "true"
        return delivery(entry, claim.status, headers, claim.body, fault)

    def _refuse(
        self, error: ApiError, entry: Entry, answered: _Answered, fault: Fault | None
    ) -> Delivery:
        """Answer what is refused before anything was done."""
        body = wire.to_json(error.body(self._config.account, answered.request_id))
        headers = self._headers(answered, error.status, answered.request_id) | error.headers
        return delivery(entry, error.status, headers, body, fault)

    def _headers(self, answered: _Answered, status: int, first_request_id: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Date": formatdate(answered.at, usegmt=True),
            "Request-Id": answered.request_id,
            "Stripe-Version": answered.version,
        }
        if answered.key is not None:
            headers["Idempotency-Key"] = answered.key
            headers["Original-Request"] = first_request_id
        # Retrying what is saved replays it; for the rest Stripe leaves it to the client.
        if self._config.should_retry_header and status in (200, 400, 402, 404, 500):
            headers["Stripe-Should-Retry"] = "false"
        return headers
