"""What a caller was told by the status of an answer, judged against Stripe when it is heard.

200 and 201 with `success: true` say that what was asked for has happened, 202 that it goes on by
itself. Which state the payment happens to be in is no answer.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from payment_service.domain.customer import Customer
from payment_service.domain.payment import Payment
from payment_service.domain.refund import RELEASED
from stripe_sandbox.engine import Engine, cards
from tests.api.asgi import Heard
from tests.simulation.talking import Conversation

# What a payment whose card was to be charged may be shown as: charged, held, or on its way there.
CHARGED: Final = frozenset({"succeeded", "requires_capture", "requires_action", "processing"})
# What a payment that was only to be created may be shown as besides.
CREATED: Final = CHARGED | {"requires_payment_method", "requires_confirmation"}
# What a payment is in when what was asked for is done, or is the payer's or the bank's turn.
DONE_BY: Final = {
    "pay": CREATED,
    "confirm": CHARGED,
    "capture": frozenset({"succeeded"}),
    "cancel": frozenset({"canceled"}),
}
REFUNDED: Final = frozenset({"succeeded", "pending", "requires_action"})

Found = Mapping[str, Any]
Rule = Callable[[Engine, Conversation, Found], str | None]


def untrue(engine: Engine, talk: Conversation, answer: Heard) -> str | None:
    """Return what is not so of an answer's status; None: it is true, or no rule speaks of it."""
    body = answer.body if isinstance(answer.body, dict) else {}
    is_done = body.get("success") is True
    if is_done != (answer.status < 300):
        return f"was answered {answer.status} with success: {is_done}"
    if not is_done:
        return None
    if (answer.status == 202) != (body.get("pending") is True):
        return f"was answered {answer.status} with pending: {body.get('pending')}"
    if answer.status == 202:
        return None  # what it says is looked up in the documents, see `stands_still`
    rule = RULES.get(talk.wish)
    if rule is None:
        return None
    told = rule(engine, talk, body.get("data") or {})
    return None if told is None else f"was answered {answer.status}, and {told}"


def stands_still(documents: Iterable[Any], talk: Conversation) -> str | None:
    """Return what is not so of a 202: that it goes on by itself; None: it does, or is done.

    documents: all that is kept when the answer is heard.
    """
    for doc in documents:
        if isinstance(doc, Payment) and doc.id == talk.order_id:
            goes_on = _refund_goes_on if talk.wish == "refund" else _payment_goes_on
            return None if goes_on(doc, talk) else "was answered 202, and nothing is under way"
        if isinstance(doc, Customer) and talk.order_id in {doc.customer_id, doc.email}:
            return None if _customer_goes_on(doc, talk) else "was answered 202, and nothing is owed"
    return "was answered 202, and nothing is kept of it"


def _payment_goes_on(payment: Payment, talk: Conversation) -> bool:
    return payment.attempt is not None or payment.state in DONE_BY[talk.wish]


def _refund_goes_on(payment: Payment, talk: Conversation) -> bool:
    own = [r for r in payment.refunds if r.request_id == talk.asked["request_id"]]
    return any(refund.status not in RELEASED for refund in own) or payment.attempt is not None


def _customer_goes_on(customer: Customer, talk: Conversation) -> bool:
    if customer.wake_at is not None:
        return True
    card = str(talk.asked.get("card"))
    return talk.wish == "detach" and customer.card(card) is None


def _paid(engine: Engine, talk: Conversation, data: Found) -> str | None:
    is_charged = talk.asked.get("confirm", True)
    if data.get("status") not in (CHARGED if is_charged else CREATED):
        return f"the payment is {data.get('status')}"
    return _by_another_card(engine, talk) if is_charged else None


def _confirmed(engine: Engine, talk: Conversation, data: Found) -> str | None:
    # Without a card a payment may still wait for its payer's client, who alone can go on.
    waits = talk.asked.get("card") is None and data.get("status") == "requires_payment_method"
    if data.get("status") not in CHARGED and not waits:
        return f"the payment is {data.get('status')}"
    return _by_another_card(engine, talk)


def _by_another_card(engine: Engine, talk: Conversation) -> str | None:
    """Say so if the card that was named has not been confirmed with, whatever has been."""
    name = talk.asked.get("card")
    card = cards.by_alias(name, "pm_card_") if isinstance(name, str) else None
    if card is None:
        return None
    used = [one["card"] for i in _intents(engine, talk.order_id) for one in i["confirmations"]]
    number = cards.fingerprint(card.number)
    is_used = any(one is not None and one["fingerprint"] == number for one in used)
    return None if is_used else "the card that was named was not used"


def _captured(engine: Engine, talk: Conversation, _data: Found) -> str | None:
    taken = any(intent["amount_received"] for intent in _intents(engine, talk.order_id))
    return None if taken else "nothing was captured"


def _canceled(_engine: Engine, _talk: Conversation, data: Found) -> str | None:
    status = data.get("status")
    return None if status == "canceled" else f"the payment is {status}"


def _refunded(engine: Engine, talk: Conversation, data: Found) -> str | None:
    if data.get("status") not in REFUNDED:
        return f"the refund is {data.get('status')}"
    made = {refund["id"] for refund in engine.ledger()["refunds"]}
    return None if data.get("refund_id") in made else "there is no such refund"


def _attached(engine: Engine, talk: Conversation, data: Found) -> str | None:
    card, customer = str(data.get("payment_method_id")), str(talk.asked["customer"])
    # It may have been removed by another request meanwhile, for good.
    if _was_removed(engine, card):
        return None
    if card not in _cards(engine, customer):
        return "the card is not attached"
    is_chosen = bool(talk.asked.get("is_default"))
    if is_chosen and (
        data.get("is_default") is not True or card not in _defaults(engine, customer)
    ):
        return "the card is not the default"
    return None


def _detached(engine: Engine, talk: Conversation, _data: Found) -> str | None:
    card = str(talk.asked["card"])
    return "the card is attached" if card in _cards(engine, talk.order_id) else None


def _known(engine: Engine, _talk: Conversation, data: Found) -> str | None:
    made = {customer["id"] for customer in engine.ledger()["customers"]}
    return None if data.get("customerId") in made else "there is no such customer"


def _cards(engine: Engine, customer_id: str) -> set[str]:
    customers = engine.ledger()["customers"]
    return {card["id"] for one in customers if one["id"] == customer_id for card in one["cards"]}


def _defaults(engine: Engine, customer_id: str) -> set[str]:
    customers = engine.ledger()["customers"]
    return {one["default_payment_method"] for one in customers if one["id"] == customer_id}


def _was_removed(engine: Engine, card: str) -> bool:
    path = f"/v1/payment_methods/{card}/detach"
    return any(request["path"] == path for request in engine.ledger()["requests"])


def _intents(engine: Engine, order_id: str) -> list[Found]:
    intents = engine.ledger()["payment_intents"]
    return [one for one in intents if one["metadata"].get("order_id") == order_id]


RULES: Final[Mapping[str, Rule]] = {
    "pay": _paid,
    "confirm": _confirmed,
    "capture": _captured,
    "cancel": _canceled,
    "refund": _refunded,
    "attach": _attached,
    "detach": _detached,
    "customer": _known,
}
