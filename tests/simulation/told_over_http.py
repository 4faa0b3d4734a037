"""What a caller was told by the status of an answer, judged against Stripe when it is heard.

200 and 201 with `success: true` say that what was asked for has happened, 202 that it goes on by
itself. Which state the payment happens to be in is no answer.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from stripe_sandbox.engine import Engine, cards
from tests.api.asgi import Heard
from tests.simulation.talking import Conversation

# What a payment whose card was to be charged may be shown as: charged, held, or on its way there.
CHARGED: Final = frozenset({"succeeded", "requires_capture", "requires_action", "processing"})
# What a payment that was only to be created may be shown as besides.
CREATED: Final = CHARGED | {"requires_payment_method", "requires_confirmation"}
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
    rule = RULES.get(talk.wish)
    if answer.status == 202 or rule is None:
        return None
    told = rule(engine, talk, body.get("data") or {})
    return None if told is None else f"was answered {answer.status}, and {told}"


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
    card = str(data.get("payment_method_id"))
    # It may have been removed by another request meanwhile, for good.
    if card in _cards(engine, str(talk.asked["customer"])) or _was_removed(engine, card):
        return None
    return "the card is not attached"


def _detached(engine: Engine, talk: Conversation, _data: Found) -> str | None:
    card = str(talk.asked["card"])
    return "the card is attached" if card in _cards(engine, talk.order_id) else None


def _known(engine: Engine, _talk: Conversation, data: Found) -> str | None:
    made = {customer["id"] for customer in engine.ledger()["customers"]}
    return None if data.get("customerId") in made else "there is no such customer"


def _cards(engine: Engine, customer_id: str) -> set[str]:
    customers = engine.ledger()["customers"]
    return {card["id"] for one in customers if one["id"] == customer_id for card in one["cards"]}


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
