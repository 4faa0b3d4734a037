"""The way to Stripe and back: the sandbox's engine behind the SDK, under the faults of a plan.

What has been sent is carried out whatever becomes of the sender, as it is on the real way.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, cast

import aiohttp
import stripe
from aiohttp.client_reqrep import ConnectionKey

from payment_service.adapters.stripe import TimeLimits
from payment_service.adapters.stripe.leaving import check_leaving
from stripe_sandbox.engine import Delivery, Engine, Fault, Request
from stripe_sandbox.faults import FAULT_KINDS, FaultKind
from tests.parts.stripe_in_process import InProcessStripe, heard, request_of
from tests.parts.virtual_time import epoch_s
from tests.simulation.plan import FaultCounter, Latency
from tests.simulation.process import Process
from tests.simulation.watch import Watch

# What the engine cannot do, since it happens on the way:
# late: the request hangs for us and reaches Stripe long after we gave up.
# just_late: the request hangs for us, and reaches Stripe when we have looked and are asking again.
# slow: Stripe begins at once and takes long, so that the key is in use meanwhile.
# rejected_unsaved: Stripe refuses the request for what it says, before it looks at its key.
# new_status: what is shown has a status that Stripe has had since yesterday only.
LATE: Final = "late"
JUST_LATE: Final = "just_late"
OWN_KINDS: Final = (
    LATE,
    JUST_LATE,
    "slow",
    "key_in_use",
    "unauthorized",
    "refused",
    "html_502_before",
    "html_502_after",
    "rejected_unsaved",
    "new_status",
)
# Errors that Stripe answers in place of doing what was asked, and keeps under the key.
ANSWERS: Final = {"declined": 402, "rejected": 400}
STRIPE_FAULTS: Final = (
    *(kind for kind in FAULT_KINDS if kind != "answer"),
    *ANSWERS,
    *OWN_KINDS,
)
# outage: this request is carried out and its answer lost, and then every connection breaks for so
# long that Stripe has forgotten all keys. It takes hours of looking, so it has no matrix.
OUTAGE: Final = "outage"
OUTAGE_S = 25 * 3600.0
# stalled: something in between holds this request for so long that we have given the payment up
# when Stripe carries it out, and meanwhile keeps us from looking and from asking again. Nobody but
# Stripe can tell of it then, so it is lived only where Stripe does.
STALLED: Final = "stalled"
STALLED_S = 2400.0
# Longer than a payer expects the charge (15 min).
KEPT_AWAY_S = 960.0
# Longer than every time-out of ours, and than the lease.
LATE_S = 40.0
_HELD_S: Final = {LATE: LATE_S, STALLED: STALLED_S}
# After the time-out of a request comes a look, a tenth of a second there, one at work, one back.
LOOK_OVER_S = 0.15
_LIMITS = TimeLimits()

# After this one Stripe holds no answer under the key.
FORGOTTEN: Final = "error_503_after_key_forgotten"

_HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
_IN_USE = (
    b'{"error": {"code": "idempotency_key_in_use", "type": "invalid_request_error", '
    b'"message": "There is currently another in-progress request using this key."}}'
)

_REJECTED = (
    b'{"error": {"code": "parameter_unknown", "type": "invalid_request_error", '
    b'"message": "Received unknown parameter."}}'
)
# Objects whose status is a word of Stripe's, to which it may add.
_WITH_STATUS = frozenset({"payment_intent", "refund"})
NEW_STATUS: Final = "requires_reflection"


@dataclass
class StripeLine:
    """What all processes of a life share on the way to Stripe. `under_way`: requests at work."""

    engine: Engine
    faults: FaultCounter
    latency: Latency
    watch: Watch
    documents: Mapping[Any, Any]
    under_way: int = 0
    back_at: float = 0.0

    def send(self, request: Request, answer: "asyncio.Future[Delivery]") -> None:
        """Send a request off; the answer comes when it comes, or never. Raises if unreachable."""
        kind = self._next_fault()
        if kind == "refused":
            raise _refused()
        trip = _Trip(self, request, answer, kind)
        self.under_way += 1
        self.watch.left(request)
        wait_s = _HELD_S.get(kind or "", 0.0)
        if kind == JUST_LATE:
            wait_s = _time_out_s(request) + LOOK_OVER_S
        _later(wait_s + self.latency.stripe_s(), trip.arrive)

    def _next_fault(self) -> str | None:
        now = asyncio.get_running_loop().time()
        kind = self.faults.next()
        if kind == OUTAGE:
            self.back_at = now + OUTAGE_S
            return "reset_after"
        if kind == STALLED:
            self.back_at = now + KEPT_AWAY_S
            return kind
        return "reset_before" if now < self.back_at else kind


@dataclass
class _Trip:
    """One request on its way."""

    line: StripeLine
    request: Request
    answer: "asyncio.Future[Delivery]"
    kind: str | None
    fault: Fault | None = field(init=False)

    def __post_init__(self) -> None:
        if self.kind in ANSWERS:
            self.fault = Fault("answer", status=ANSWERS[self.kind])
        else:
            known = self.kind in FAULT_KINDS
            self.fault = Fault(cast("FaultKind", self.kind)) if known else None

    def arrive(self) -> None:
        """Stripe takes the request in."""
        if self.kind == "key_in_use":
            return self._back(_made_up(409, _IN_USE))
        if self.kind == "rejected_unsaved":
            return self._back(_made_up(400, _REJECTED))
        if self.kind == "html_502_before":
            return self._back(_made_up(502, _HTML))
        if self.kind == "unauthorized":
            headers = {**self.request.headers, "authorization": "Bearer sk_live_revoked"}
            self.request = replace(self.request, headers=headers)
        if self.kind in ANSWERS and self.line.watch.holds_an_answer(self.request):
            self.fault = None  # what is kept under its key is said again, and nothing else
        engine = self.line.engine
        begun = engine.begin(self.request, now=epoch_s(), fault=self.fault)
        if isinstance(begun, Delivery):
            return self._back(begun)
        wait_s = LATE_S if self.kind == "slow" else self.line.latency.stripe_s()
        is_kept = self.kind != FORGOTTEN
        _later(wait_s, lambda: self._back(engine.finish(begun, now=epoch_s()), is_kept=is_kept))
        return None

    def _back(self, delivery: Delivery, *, is_kept: bool = False) -> None:
        """Stripe is done with it, and may hold the answer under its key."""
        self.line.under_way -= 1
        self.line.watch.done(self.request, is_kept=is_kept)
        self.line.watch.answered(self.request, delivery.body)
        if self.kind == "html_502_after":
            delivery = _made_up(502, _HTML)
        if self.kind == "new_status":
            delivery = replace(delivery, body=_with_new_status(delivery.body))
        if self.kind not in _HELD_S and self.kind != JUST_LATE:
            _later(self.line.latency.stripe_s(), lambda: self._hand_over(delivery))

    def _hand_over(self, delivery: Delivery) -> None:
        if not self.answer.done():  # else nobody waits any more
            self.answer.set_result(delivery)


class SimulatedStripe(InProcessStripe):
    """The SDK's HTTP client of one process. sent: what becomes of a request on its way."""

    def __init__(
        self,
        process: Process,
        line: StripeLine,
        sent: Callable[[Request], Request] = lambda request: request,
    ) -> None:
        super().__init__(line.engine, epoch_s)
        self._process = process
        self._line = line
        self._sent = sent

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request, between its gates."""
        request = self._sent(request_of(method, url, headers, post_data))
        if is_about_time(request):
            return await self._tell_time(request)
        what = f"stripe {request.method} {request.path}"
        try:
            return await self._process.call(what, lambda: self._exchange(what, request))
        finally:
            self._line.watch.given_up(request, self._process)

    async def _tell_time(self, request: Request) -> tuple[bytes, int, Mapping[str, str]]:
        """Answer what time it is. Planned faults pass by: whoever dies here just asks again."""
        await self._process.wake_up()
        if asyncio.get_running_loop().time() < self._line.back_at:
            raise _refused()
        return await heard(self._line.engine.handle(request, now=epoch_s()))

    async def _exchange(self, what: str, request: Request) -> tuple[bytes, int, Mapping[str, str]]:
        check_leaving()  # as the shipped transport does, with a connection in hand
        self._line.watch.sent(request, self._process, epoch_s(), self._line.documents)
        answer: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        self._line.send(request, answer)
        await self._process.sent(what)
        return await heard(await answer)


def _time_out_s(request: Request) -> float:
    """Return how long we wait for the answer to this request."""
    if request.method == "GET":
        return _LIMITS.read_s
    if request.path == "/v1/refunds":
        return _LIMITS.refund_s
    moves_money = request.path.startswith("/v1/payment_intents")
    return _LIMITS.charge_s if moves_money else _LIMITS.write_s


def is_about_time(request: Request) -> bool:
    """Whether a request only asks what time it is."""
    return (request.method, request.path, request.query) == (
        "GET",
        "/v1/payment_intents",
        "limit=1",
    )


def _later(seconds: float, act: Callable[[], object]) -> None:
    asyncio.get_running_loop().call_later(seconds, act)


def _with_new_status(body: bytes) -> bytes:
    """Return an answer whose objects all have a status that nobody knows yet."""
    try:
        answer = json.loads(body)
    except ValueError:  # cut, or empty
        return body
    for one in [answer, *answer.get("data", [])]:
        if one.get("object") in _WITH_STATUS:
            one["status"] = NEW_STATUS
    return json.dumps(answer).encode()


def _made_up(status: int, body: bytes) -> Delivery:
    return Delivery(status, {"Content-Type": "text/html"}, body, "answer", 0.0)


def _refused() -> stripe.APIConnectionError:
    where = ConnectionKey("stripe.invalid", 443, True, True, None, None, None)  # noqa: FBT003
    error = stripe.APIConnectionError("connection refused", should_retry=True)  # type: ignore[no-untyped-call]  # the SDK's
    error.__cause__ = aiohttp.ClientConnectorError(where, OSError(111, "Connection refused"))
    return error
