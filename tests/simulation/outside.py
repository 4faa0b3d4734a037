"""What others do at Stripe without us: payers, their banks, and people in the dashboard.

What cannot be done as things stand (the payment was never made, say) is not done.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from stripe_sandbox.engine import Engine, Request
from stripe_sandbox.engine.errors import ApiError
from tests.parts.virtual_time import epoch_s

Found = dict[str, Any]


@dataclass
class Outside:
    """Everybody but us. changed: the e-mails of customers whom somebody changed at Stripe.

    confirmed: the orders that their payers' clients confirmed, each with the card. captured: the
    orders whose holds were captured by hand. saved: the cards that payers' clients saved. chosen:
    those that they chose for an order, without confirming. refunded: what was refunded by hand.
    renamed: the customers that got another e-mail, by their ids.
    """

    engine: Engine
    changed: set[str] = field(default_factory=set)
    confirmed: list[tuple[str, str]] = field(default_factory=list)
    captured: set[str] = field(default_factory=set)
    saved: list[str] = field(default_factory=list)
    chosen: list[tuple[str, str]] = field(default_factory=list)
    refunded: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)

    def holder_answers(self, *, passed: bool) -> None:
        """The holder of a card answers what the page of the bank asks, of whatever intent."""
        books = self.engine.ledger()
        for intent in (*books["payment_intents"], *books["setup_intents"]):
            if intent["status"] == "requires_action":
                self.engine.authenticate(intent["id"], passed=passed, now=epoch_s())

    def payer_confirms(self, order_id: str, card: str) -> None:
        """The payer's client confirms with a card, with the secret that it was given."""
        self.confirmed.append((order_id, card))
        for intent in self.intents(order_id):
            self._post(f"/v1/payment_intents/{intent['id']}/confirm", payment_method=card)

    def chooses(self, order_id: str, card: str | None) -> None:
        """The payer's client takes a card for the payment, or takes it back, without confirming."""
        if card is not None:
            self.chosen.append((order_id, card))
        for intent in self.intents(order_id):
            self._post(f"/v1/payment_intents/{intent['id']}", payment_method=card or "")

    def moves(self, order_id: str, status: str) -> None:
        """The bank, or somebody in the dashboard, brings the payment to a status."""
        for intent in self.intents(order_id):
            with suppress(ApiError):  # it is at its end
                self.engine.move_intent(intent["id"], status, now=epoch_s())

    def payer_saves(self, card: str) -> None:
        """The payer's client completes the SetupIntents that are open; who asks once more waits."""
        self.saved.append(card)
        for setup in self.engine.ledger()["setup_intents"]:
            if setup["status"] in {"requires_payment_method", "requires_confirmation"}:
                self._post(f"/v1/setup_intents/{setup['id']}/confirm", payment_method=card)

    def captured_by_hand(self, order_id: str) -> None:
        """Somebody captures in the dashboard."""
        self.captured.add(order_id)
        for intent in self.intents(order_id):
            self._post(f"/v1/payment_intents/{intent['id']}/capture")

    def disputes(self, order_id: str, *, inquiry: bool = False) -> None:
        """The payer's bank disputes what was taken for an order, or asks about it."""
        for intent in self.intents(order_id):
            with suppress(ApiError):  # nothing was taken
                self.engine.open_dispute(intent["id"], inquiry=inquiry, now=epoch_s())

    def bank_decides(self, evidence: str) -> None:
        """Somebody hands in evidence in the dashboard, and the bank decides as it says."""
        for dispute in self.engine.ledger()["disputes"]:
            self._post(
                f"/v1/disputes/{dispute['id']}", **{"evidence[uncategorized_text]": evidence}
            )

    def warns_of_fraud(self, order_id: str) -> None:
        """The card's network expects a dispute."""
        for intent in self.intents(order_id):
            with suppress(ApiError):
                self.engine.warn_of_fraud(intent["id"], now=epoch_s())

    def detaches(self, email: str, card_id: str) -> None:
        """Somebody detaches a card in the dashboard."""
        self.changed.add(email)
        self._post(f"/v1/payment_methods/{card_id}/detach")

    def deletes(self, email: str, customer_id: str) -> None:
        """Somebody deletes a customer in the dashboard."""
        self.changed.add(email)
        self._ask("DELETE", f"/v1/customers/{customer_id}", {})

    def renames(self, customer_id: str, email: str) -> None:
        """Somebody gives a customer another e-mail in the dashboard."""
        self.changed.add(email)
        self.renamed[customer_id] = email
        self._post(f"/v1/customers/{customer_id}", email=email)

    def refunds_by_hand(self, order_id: str, amount_minor: int) -> str | None:
        """Somebody refunds a part in the dashboard; return Stripe's id of it, None if it cannot."""
        for intent in self.intents(order_id):
            made = self._post(
                "/v1/refunds",
                payment_intent=intent["id"],
                amount=str(amount_minor),
                **{"metadata[idempotency_key]": "by hand"},
            )
            if "id" in made:
                self.refunded.add(str(made["id"]))
                return str(made["id"])
        return None

    def refused_charges(self, order_id: str) -> int:
        """Return how often a card was refused for an order."""
        charges = [charge for intent in self.intents(order_id) for charge in intent["charges"]]
        return sum(charge["status"] == "failed" for charge in charges)

    def customers(self) -> set[str]:
        """Return the ids of the customers that there are at Stripe."""
        return {one["id"] for one in self._ask("GET", "/v1/customers", {})["data"]}

    def intents(self, order_id: str) -> list[Found]:
        """Return the PaymentIntents of an order that are not at their end."""
        return [
            intent
            for intent in self.engine.ledger()["payment_intents"]
            if intent["metadata"].get("order_id") == order_id and intent["status"] != "canceled"
        ]

    def _post(self, path: str, **parameters: str) -> Found:
        return self._ask("POST", path, parameters)

    def _ask(self, method: str, path: str, parameters: dict[str, str]) -> Found:
        headers = {
            "authorization": "Bearer sk_test_somebody",
            "content-type": "application/x-www-form-urlencoded",
        }
        request = Request(method, path, "", headers, urlencode(parameters).encode())
        found: Found = json.loads(self.engine.handle(request, now=epoch_s()).body)
        return found
