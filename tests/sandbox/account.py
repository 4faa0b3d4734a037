"""A short way to speak to the engine: typed parameters in, decoded answers out, time by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from stripe_sandbox.engine import Config, Delivery, Engine, Fault, Request, Ticket
from stripe_sandbox.engine.wire import encode

# In September 2026, when the answers of the real API were recorded.
START = 1_790_000_000.0
KEY = "Bearer sk_test_sandbox"
# What every create+confirm carries, so that the redirect trap stays shut.
NO_REDIRECT = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, decoded."""

    status: int
    headers: dict[str, str]
    body: Any
    raw: bytes

    @property
    def error(self) -> Any:
        return self.body["error"]


@dataclass(slots=True)
class Account:
    """One account and its clock."""

    config: Config = field(default_factory=Config)
    now: float = START
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(config=self.config, seed=7)

    def post(
        self,
        path: str,
        parameters: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        fault: Fault | None = None,
        version: str | None = None,
    ) -> Reply:
        sent = request("POST", path, parameters, key=key, version=version)
        return reply(self.engine.handle(sent, now=self.now, fault=fault))

    def get(
        self, path: str, parameters: dict[str, Any] | None = None, *, fault: Fault | None = None
    ) -> Reply:
        return reply(
            self.engine.handle(request("GET", path, parameters), now=self.now, fault=fault)
        )

    def delete(self, path: str) -> Reply:
        return reply(self.engine.handle(request("DELETE", path), now=self.now))

    def customer(self, **parameters: Any) -> str:
        return self.made("/v1/customers", parameters)

    def card(self, customer: str, name: str = "visa") -> str:
        """Attach a test card, and return its id."""
        return self.made(f"/v1/payment_methods/pm_card_{name}/attach", {"customer": customer})

    def pay(self, amount: int = 1000, card: str = "visa", **parameters: Any) -> Reply:
        """Create and confirm in one step."""
        return self.post(
            "/v1/payment_intents",
            {
                "amount": amount,
                "currency": "usd",
                "payment_method": f"pm_card_{card}",
                "confirm": True,
                **NO_REDIRECT,
                **parameters,
            },
        )

    def made(self, path: str, parameters: dict[str, Any] | None = None) -> str:
        """Post what must succeed, and return the id."""
        answer = self.post(path, parameters)
        assert answer.status == 200, answer.body
        made_id = answer.body["id"]
        assert isinstance(made_id, str)
        return made_id

    def event_types(self) -> list[str]:
        return [event["type"] for event in self.engine.events]

    def books(self) -> Any:
        """The ledger without the log of requests: what must not move on a refusal."""
        ledger = self.engine.ledger()
        return {name: ledger[name] for name in ("payment_intents", "refunds")}


def request(
    method: str,
    path: str,
    parameters: dict[str, Any] | None = None,
    *,
    key: str | None = None,
    version: str | None = None,
) -> Request:
    """Write a request the way the SDK does."""
    form = encode(parameters or {})
    headers = {"authorization": KEY}
    if key is not None:
        headers["idempotency-key"] = key
    if version is not None:
        headers["stripe-version"] = version
    posts = method == "POST"
    return Request(method, path, "" if posts else form.decode(), headers, form if posts else b"")


def reply(delivery: Delivery) -> Reply:
    """Decode an answer; what is cut or never sent has no body."""
    whole = delivery.outcome == "answer"
    body = json.loads(delivery.body) if whole else None
    return Reply(delivery.status, delivery.headers, body, delivery.body)


def begun(account: Account, sent: Request) -> Ticket:
    """Begin a request that must not be answered at once."""
    ticket = account.engine.begin(sent, now=account.now)
    assert isinstance(ticket, Ticket)
    return ticket


def refused(account: Account, sent: Request) -> Reply:
    """Begin a request that must be answered at once."""
    delivery = account.engine.begin(sent, now=account.now)
    assert isinstance(delivery, Delivery)
    return reply(delivery)
