"""What the auditor judges besides the money of payments: refunds, disputes, orders, cards."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from payment_service.domain.event import EventState
from payment_service.domain.payment import Payment
from tests.simulation.evidence import LIVE, CustomerAtStripe, Evidence, Found, talks_of
from tests.simulation.talking import Conversation

PAID: Final = "PAYMENT RECEIVED"
CANCELED, REFUNDED, REFUND_FAILED = "CANCELED", "REFUNDED", "REFUND FAILED"
OURS: Final = "payment-service"
# What may stand nowhere: client secrets, API keys, webhook secrets, card numbers.
_SECRETS = re.compile(rb"_secret_|sk_test_|sk_live_|rk_test_|whsec_|\b[0-9]{13,19}\b|\bcvc\b")


def refunds_are_stripes(seen: Evidence) -> Iterator[str]:
    for order, intents in seen.by_order().items():
        refunds = _of_intents(seen.ledger["refunds"], intents)
        taken = sum(intent["amount_received"] for intent in intents)
        if sum(r["amount"] for r in refunds if r["status"] in LIVE) > taken:
            yield f"5 {order}: more was refunded than captured"
        payment = seen.shown.get(order)
        heard_of = [r for r in refunds if not _is_unheard(seen, r, payment)]
        live = sum(r["amount"] for r in heard_of if r["status"] in LIVE)
        done = sum(r["amount"] for r in heard_of if r["status"] == "succeeded")
        shown = payment.refunded_minor if payment else 0
        if shown != done:
            yield f"5 {order}: {shown} is shown as refunded, Stripe refunded {done}"
        if payment and payment.received_minor and payment.unrefunded_minor != taken - live:
            yield (
                f"5 {order}: {payment.unrefunded_minor} is left to refund, at Stripe {taken - live}"
            )


def _is_unheard(seen: Evidence, refund: Found, payment: Payment | None) -> bool:
    """Whether a refund was made by hand, nothing could tell us so, and we do not show it."""
    if seen.all_is_heard or refund["id"] not in seen.others.refunded:
        return False
    shown = payment.refunds if payment else ()
    return all(one.stripe_refund_id != refund["id"] for one in shown)


def disputes_are_stripes(seen: Evidence) -> Iterator[str]:
    """What a bank did without us is shown, if we could hear of it; nothing else ever is."""
    for order, intents in seen.by_order().items():
        payment = seen.shown.get(order)
        disputes = _of_intents(seen.ledger["disputes"], intents)
        stripes = {one["id"]: one["status"] for one in disputes}
        shown = {one.id: one.status for one in payment.disputes} if payment else {}
        if shown != stripes and (seen.all_is_heard or not shown.items() <= stripes.items()):
            yield f"5 {order}: the disputes shown are {shown}, Stripe's are {stripes}"
        warnings = _of_intents(seen.ledger["early_fraud_warnings"], intents)
        ids = {one["id"] for one in warnings}
        shown_ids = {one.id for one in payment.warnings} if payment else set()
        if shown_ids != ids and (seen.all_is_heard or not shown_ids <= ids):
            yield f"5 {order}: {len(shown_ids)} fraud warnings are shown, Stripe has {len(ids)}"


def _of_intents(found: list[Found], intents: list[Found]) -> list[Found]:
    ids = {intent["id"] for intent in intents}
    return [one for one in found if one["payment_intent"] in ids]


def orders_are_told(seen: Evidence) -> Iterator[str]:
    told: dict[str, list[str]] = {}
    for update in seen.inbox:
        told.setdefault(update.order_id, []).append(update.status)
        if update.status == PAID and not update.paid_minor:
            yield f"6 {update.order_id} was told paid before it was"
        if update.status == CANCELED and update.paid_minor:
            yield f"6 {update.order_id} was told canceled after it was paid"
    for order, words in told.items():
        if wrong := set(words) - {PAID, *seen.words}:
            yield f"6 the OrderService was told {', '.join(sorted(wrong))} of {order}"
    for order in seen.by_order():
        words, wanted = told.get(order, []), _last_words(seen, order)
        if PAID in wanted and PAID not in words:
            yield f"6 {order} is paid and the OrderService does not know"
        if words and words[-1] not in wanted:
            yield f"6 the last that the OrderService was told of {order} is {words[-1]}"


def _last_words(seen: Evidence, order: str) -> set[str]:
    """Return what may be the last word about an order."""
    intents = seen.by_order()[order]
    taken = sum(intent["amount_received"] for intent in intents)
    if not taken:
        return {CANCELED}
    refunds = _of_intents(seen.ledger["refunds"], intents)
    given = sum(r["amount"] for r in refunds if r["status"] == "succeeded")
    if REFUNDED in seen.words and given == taken:
        return {REFUNDED}
    return {PAID, REFUND_FAILED}


def one_key_one_effect(seen: Evidence) -> Iterator[str]:
    for kind in ("payment_intents", "refunds"):
        keys = Counter(one["metadata"].get("idempotency_key") for one in seen.ledger[kind])
        for key, count in keys.items():
            if key is None:
                yield f"7 one of the {kind} does not say whose it is"
            elif count > 1:
                yield f"7 the key {key} made {count} {kind}"


def one_customer(seen: Evidence) -> Iterator[str]:
    emails = Counter(customer.email for customer in seen.customers)
    for email, count in emails.items():
        if count > 1:
            yield f"8 {email} has {count} customers at Stripe"
    for customer in seen.customers:
        # What somebody else did to a customer cannot be known if nothing told us.
        if seen.all_is_heard or customer.email not in seen.changed:
            yield from _of_customer(seen, customer)


def _of_customer(seen: Evidence, customer: CustomerAtStripe) -> Iterator[str]:
    shown = seen.shown_customers[customer.email]
    if shown is None and any(t.last != "done" for t in _forgets(seen, customer.email)):
        return  # it is being forgotten, which Stripe refused: whoever asked for it was told so
    if shown is None:
        yield f"8 {customer.email} is at Stripe and not shown"
        return
    if (customer.default_card in customer.cards) != bool(customer.cards):
        yield f"8 {customer.email} has cards at Stripe and no default among them, or the reverse"
    if shown.default_payment_method_id != customer.default_card:
        yield f"8 {customer.email} has another default here than at Stripe"
    if {card.payment_method_id for card in shown.kept_cards} != customer.cards:
        yield f"8 {customer.email} has other cards here than at Stripe"


def _forgets(seen: Evidence, email: str) -> list[Conversation]:
    return talks_of(seen, "forget", order=email)


def nobody_is_given_anothers_customer(seen: Evidence) -> Iterator[str]:
    """Whoever comes with an e-mail that its customer has left behind is another person."""
    for talk in talks_of(seen, "customer"):
        email = seen.renamed.get(talk.made or "")
        earlier = [other for other in seen.told if other.made == talk.made]
        is_first = bool(earlier) and earlier[0] is talk
        if email is not None and email != talk.order_id and seen.all_is_heard and not is_first:
            yield f"8 {talk.order_id} was given the customer of {email}"


def no_event_is_lost(seen: Evidence) -> Iterator[str]:
    for event in seen.acknowledged:
        kept = seen.events.get(event.id)
        if kept is None and event.service in {None, OURS}:
            yield f"9 {event.type} {event.id} was answered 200 and is not kept"
    for kept in seen.events.values():
        if kept.state is EventState.KEPT:
            yield f"9 {kept.seen.type} {kept.id} was never applied"
        if kept.state is EventState.DEAD and not kept.failure:
            yield f"9 {kept.seen.type} {kept.id} is dead without a reason"


def no_secrets(seen: Evidence) -> Iterator[str]:
    for document in seen.documents:
        if found := _SECRETS.search(document):
            yield f"10 a document holds {found[0]!r}"


RULES: Final = (
    refunds_are_stripes,
    disputes_are_stripes,
    orders_are_told,
    one_key_one_effect,
    one_customer,
    nobody_is_given_anothers_customer,
    no_event_is_lost,
    no_secrets,
)
