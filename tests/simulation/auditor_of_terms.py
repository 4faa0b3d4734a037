"""What the auditor judges of *what* was done: the right sum, of whom, by which card.

Everything that was asked, by the callers' own record, is compared with everything that Stripe holds
and with what the service shows and says; `comparing` has the tables. The numbers are those of the
invariants: 1 payments, 3 cancellations, 5 refunds and disputes, 6 the OrderService, 8 customers.
"""

from collections.abc import Iterator
from typing import Final

from payment_service.domain.payment import FailureKind, Payment
from tests.simulation.comparing import (
    CARD,
    CONFIRMATION,
    CUSTOMER,
    DISPUTE,
    PAYMENT,
    PAYMENT_AS_IT_STANDS,
    REFUND,
    REFUND_AS_IT_STANDS,
    SETUP,
    WARNING,
    Field,
    Record,
    differences,
    email_of,
    unlike,
)
from tests.simulation.evidence import Evidence, Found, refund_asked, talks_of
from tests.simulation.records import (
    OURS,
    cancel_reasons,
    card_records,
    confirmation_records,
    payment_records,
    refund_records,
)
from tests.simulation.talking import AGAIN

# A payment that was canceled sooner than this was not left alone: somebody asked for it.
LEFT_ALONE_S: Final = 600
# The codes of a bank that wants to see the holder of the card: they leave no charge.
UNCHARGED: Final = {"authentication_required", "payment_intent_authentication_failure"}
# A refund without an amount: what that comes to depends on the others.
ALL_LEFT: Final = ("amount", None)
# What goes with a person who is forgotten.
WORDS: Final = {"description", "metadata"}
# What makes two wishes to pay an order the same deal; the words of the first one stay.
DEAL: Final = tuple(row for row in PAYMENT if row.name in {"amount", "currency", "customer"})


def payments_are_as_asked(seen: Evidence) -> Iterator[str]:
    for order, intents in seen.by_order().items():
        for intent in intents:
            records = payment_records(seen, order, intent)
            if not records:
                yield f"1 {order}: nobody asked for {intent['id']}"
            for told in differences(seen, PAYMENT, records, intent, "at_stripe"):
                yield f"1 {order}: {told}"


def payments_are_shown_as_asked(seen: Evidence) -> Iterator[str]:
    intents = {intent["id"]: intent for intent in seen.ledger["payment_intents"]}
    for order, payment in seen.shown.items():
        if payment is None:
            continue
        intent = intents.get(payment.intent_id or "")
        records = payment_records(seen, order, intent)
        fields = _still_shown(seen, payment)
        for told in differences(seen, fields, records, payment, "shown"):
            yield f"1 {order}: {told}"
        if intent is not None:
            for told in (
                *unlike(seen, fields, intent, payment),
                *unlike(seen, PAYMENT_AS_IT_STANDS, intent, payment),
            ):
                yield f"1 {order}: {told}"


def _still_shown(seen: Evidence, payment: Payment) -> tuple[Field, ...]:
    """Return what is compared of a document: not the words about somebody who was forgotten."""
    email = email_of(seen, payment.terms.customer_id)
    if not talks_of(seen, "forget", order=email):
        return PAYMENT
    return tuple(row for row in PAYMENT if row.name not in WORDS)


def cards_are_charged_as_asked(seen: Evidence) -> Iterator[str]:
    for order, intents in seen.by_order().items():
        records = confirmation_records(seen, order)
        for intent in intents:
            for confirmation in intent["confirmations"]:
                if not records:
                    yield f"1 {order}: nobody asked for a card to be charged"
                for told in differences(seen, CONFIRMATION, records, confirmation, "at_stripe"):
                    yield f"1 {order}: {told}"
            confirmed = {one["payment_method"] for one in intent["confirmations"]}
            if {charge["payment_method"] for charge in intent["charges"]} - confirmed:
                yield f"1 {order}: a card was charged that nobody confirmed with"


def captures_are_as_asked(seen: Evidence) -> Iterator[str]:
    for order, intents in seen.by_order().items():
        for intent in intents:
            taken, asked = intent["amount_received"], _captures(seen, order, intent)
            if taken and taken not in asked:
                yield f"1 {order}: {taken} was captured, {sorted(asked)} was asked for"


def _captures(seen: Evidence, order: str, intent: Found) -> set[int]:
    """Return how much may have been taken of what a PaymentIntent held."""
    whole: int = intent["amount"]
    talks = talks_of(seen, "capture", order=order)
    asked = {talk.asked.get("amount") or talk.amount_minor or whole for talk in talks}
    if (
        intent["capture_method"] != "manual"
        or order in seen.others.captured
        or seen.captures_itself
    ):
        asked.add(whole)
    return asked


def cancellations_are_as_asked(seen: Evidence) -> Iterator[str]:
    """A reason is one that somebody gave, unless the payment was left alone for long enough."""
    for order, intents in seen.by_order().items():
        reasons = cancel_reasons(seen, order)
        for intent in intents:
            ended_at = intent["canceled_at"]
            if not reasons or ended_at is None or not seen.clocks_agree:
                continue
            soon = ended_at - intent["created"] < LEFT_ALONE_S
            if (
                soon
                and _is_known(seen, order, intent)
                and intent["cancellation_reason"] not in reasons
            ):
                yield (
                    f"3 {order} was canceled as {intent['cancellation_reason']}, "
                    f"{sorted(reasons)} was asked for"
                )


def _is_known(seen: Evidence, order: str, intent: Found) -> bool:
    """Whether who cancelled knew what was there: what was in doubt may be given up by itself."""
    if any(charge["paid"] for charge in intent["charges"]):
        return True
    asked_at = min(talk.answers[0].asked_at for talk in talks_of(seen, "cancel", order=order))
    answers = [a for talk in talks_of(seen, "pay", order=order) for a in talk.answers]
    return any(a.heard_at <= asked_at and a.word not in AGAIN for a in answers)


def refunds_are_as_asked(seen: Evidence) -> Iterator[str]:
    for refund in seen.ledger["refunds"]:
        if refund["id"] in seen.others.refunded:
            continue
        talk = refund_asked(seen, refund)
        if talk is None:
            if _all_refunds_are_recorded(seen):
                yield f"5 nobody asked for {refund['id']}"
            continue
        records = refund_records(seen, talk, refund)
        payment = seen.shown.get(talk.order_id)
        made = [one for one in payment.refunds if one.id == talk.refund_id] if payment else []
        told = differences(seen, REFUND, records, refund, "at_stripe")
        for one in made:
            told += differences(seen, REFUND, records, one, "shown")
            told += unlike(seen, REFUND_AS_IT_STANDS, refund, one)
        if not made:
            told.append(f"{refund['id']} is at Stripe and not shown")
        yield from (f"5 {talk.order_id} {talk.refund_id} {one}" for one in told)


def _all_refunds_are_recorded(seen: Evidence) -> bool:
    """Whether every caller knows by which ids its refunds go."""
    return all("order" in talk.asked for talk in talks_of(seen, "refund"))


def disputes_are_shown_as_they_are(seen: Evidence) -> Iterator[str]:
    disputes = {dispute["id"]: dispute for dispute in seen.ledger["disputes"]}
    warnings = {warning["id"]: warning for warning in seen.ledger["early_fraud_warnings"]}
    for order, payment in seen.shown.items():
        for dispute in payment.disputes if payment else ():
            if dispute.id in disputes:
                for told in unlike(seen, DISPUTE, disputes[dispute.id], dispute):
                    yield f"5 {order}: the dispute's {told}"
        for warning in payment.warnings if payment else ():
            if warning.id in warnings:
                for told in unlike(seen, WARNING, warnings[warning.id], warning):
                    yield f"5 {order}: the fraud warning's {told}"


def declines_are_shown_as_they_were(seen: Evidence) -> Iterator[str]:
    """The code of a refused card is one that Stripe gave for this payment."""
    intents = {intent["id"]: intent for intent in seen.ledger["payment_intents"]}
    for order, payment in seen.shown.items():
        failure = payment.failure if payment else None
        intent = intents.get(payment.intent_id or "") if payment else None
        if failure is None or intent is None or failure.kind is not FailureKind.DECLINED:
            continue
        if seen.answers_are_made_up:
            continue
        given = {charge["failure_code"] for charge in intent["charges"]} | UNCHARGED
        if failure.code not in given:
            yield f"1 {order} is shown as refused with {failure.code}, which Stripe did not say"


def customers_are_as_asked(seen: Evidence) -> Iterator[str]:
    for email, shown in seen.shown_customers.items():
        if email in seen.renamed.values():
            continue  # it was asked for under another one
        talks = talks_of(seen, "customer", order=email)
        records: list[Record] = [{**talk.asked, "service": OURS} for talk in talks]
        known = {talk.made for talk in talks} | {shown.customer_id if shown else None}
        known -= seen.renamed.keys()
        living = [
            one
            for one in seen.ledger["customers"]
            if not one["deleted"] and (one["email"] == email or one["id"] in known)
        ]
        if shown is not None:
            for told in differences(seen, CUSTOMER, records, shown, "shown"):
                yield f"8 {email}: {told}"
        for customer in living:
            for told in differences(seen, CUSTOMER, records, customer, "at_stripe"):
                yield f"8 {email}: {told}"
            yield from _cards_are_as_asked(seen, email, customer)
            if shown is not None and (seen.all_is_heard or email not in seen.changed):
                yield from _cards_are_shown(seen, email, customer)


def _cards_are_as_asked(seen: Evidence, email: str, customer: Found) -> Iterator[str]:
    records = card_records(seen, email)
    for card in customer["cards"]:
        own = [one for one in records if one["made"] == card["id"]] or records
        if not own:
            continue  # its callers keep no record of cards
        for told in differences(seen, _of_card(seen), own, card, "at_stripe"):
            yield f"8 {email}: a card's {told}"
    # Of a card that was still being attached when its caller was answered nobody chose anything.
    wanted = [one["made"] for one in records if one["is_default"] and one["is_kept"]]
    elsewhere = {
        card["id"]
        for other in seen.ledger["customers"]
        for card in other["cards"]
        if other["email"] != email
    }
    if elsewhere & {one["made"] for one in records}:
        yield f"8 {email}: a card was saved for somebody else"
    there = {card["id"] for card in customer["cards"]}
    if wanted and wanted[-1] in there and customer["default_payment_method"] != wanted[-1]:
        yield f"8 {email}: the default card is another than was asked for"


def _of_card(seen: Evidence) -> tuple[Field, ...]:
    """Return what is compared of a card and what was asked: Stripe may have refused the name."""
    return tuple(row for row in CARD if row.name != "name" or not seen.names_are_refused)


def _cards_are_shown(seen: Evidence, email: str, customer: Found) -> Iterator[str]:
    document = seen.shown_customers[email]
    shown = {card.payment_method_id: card for card in document.kept_cards} if document else {}
    for card in customer["cards"]:
        if card["id"] in shown:
            for told in unlike(seen, CARD, card, shown[card["id"]]):
                yield f"8 {email}: a card's {told}"


def setups_are_as_asked(seen: Evidence) -> Iterator[str]:
    records: list[Record] = [
        {**talk.asked, "customer": email_of(seen, talk.asked.get("customer"))}
        for talk in talks_of(seen, "set_up")
    ]
    for setup in seen.ledger["setup_intents"]:
        for told in differences(seen, SETUP, records, setup, "at_stripe"):
            yield f"8 {setup['id']}: {told}"


def orders_told_are_ours(seen: Evidence) -> Iterator[str]:
    """The OrderService is told which order, and its status: no other order, none under two keys."""
    ours = {talk.order_id for talk in talks_of(seen, "pay")}
    meant: dict[str, tuple[str, str]] = {}
    for update in seen.inbox:
        if update.order_id not in ours:
            yield f"6 the OrderService was told of {update.order_id}, which nobody paid"
        told = (update.order_id, update.status)
        if meant.setdefault(update.key, told) != told:
            yield f"6 one key told the OrderService {meant[update.key]} and {told}"


def answers_show_the_payment_asked_for(seen: Evidence) -> Iterator[str]:
    for talk in talks_of(seen, "pay", "confirm", "capture", "cancel"):
        anybodys = payment_records(seen, talk.order_id, None)
        for heard in talk.answers:
            payment = heard.said.payment if heard.said else None
            if payment is None:
                continue
            # Who pays is told of its own terms as soon as the money is there.
            own = talk.wish == "pay" and heard.word in {"succeeded", "requires_capture"}
            records = payment_records(seen, talk.order_id, None, talk) if own else anybodys
            fields = DEAL if own else _still_shown(seen, payment)
            for told in differences(seen, fields, records, payment, "shown"):
                yield f"2 {talk.order_id} was answered {told}"
            if heard.word == "succeeded" and payment.received_minor != heard.money:
                told = f"{payment.received_minor}, {heard.money} was taken"
                yield f"2 {talk.order_id} was answered {told}"


def answers_show_the_refund_asked_for(seen: Evidence) -> Iterator[str]:
    for talk in talks_of(seen, "refund"):
        asked = {name: value for name, value in talk.asked.items() if (name, value) != ALL_LEFT}
        for heard in talk.answers:
            refund = heard.said.refund if heard.said else None
            if refund is not None:
                for told in differences(seen, REFUND, [asked], refund, "shown"):
                    yield f"2 {talk.order_id} {talk.refund_id} was answered {told}"


RULES: Final = (
    payments_are_as_asked,
    payments_are_shown_as_asked,
    cards_are_charged_as_asked,
    captures_are_as_asked,
    cancellations_are_as_asked,
    refunds_are_as_asked,
    declines_are_shown_as_they_were,
    disputes_are_shown_as_they_are,
    customers_are_as_asked,
    setups_are_as_asked,
    orders_told_are_ours,
    answers_show_the_payment_asked_for,
    answers_show_the_refund_asked_for,
)
