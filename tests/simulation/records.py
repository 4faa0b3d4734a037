"""What the callers of a life asked for, as records that the auditor's tables can be held against.

Where more than one wish may have brought something about, each gives a record, and what is there
must be as one of them says.
"""

from itertools import combinations
from typing import Any, Final

from tests.simulation.comparing import Record, email_of
from tests.simulation.evidence import Evidence, Found, refunds_of, talks_of
from tests.simulation.talking import AGAIN, Conversation

# How the service marks at Stripe what is its own.
OURS: Final = "payment-service"
# The last digits of Stripe's test cards, by what they are called in requests.
LAST4: Final = {
    "pm_card_visa": "4242",
    "pm_card_mastercard": "4444",
    "pm_card_visa_chargeDeclined": "0002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "9995",
    "pm_card_chargeDeclinedExpiredCard": "0069",
    "pm_card_chargeDeclinedProcessingError": "0119",
    "pm_card_radarBlock": "0019",
    "pm_card_authenticationRequired": "3184",
    "pm_card_threeDSecureRequiredChargeDeclined": "1629",
    "pm_card_authenticationRequiredOnSetup": "3155",
    "pm_card_pendingRefund": "7726",
    "pm_card_refundFail": "5126",
    "pm_card_createDispute": "0259",
    "pm_card_createDisputeInquiry": "1976",
    "pm_card_createIssuerFraudRecord": "5423",
    "pm_card_chargeDeclined": "0002",
    "pm_card_threeDSecure2Required": "3220",
}

# Words after which whoever heard nothing else does not know whether anything was begun.
UNKNOWN: Final = AGAIN - {"processing"}


def payment_records(
    seen: Evidence, order: str, intent: Found | None, talk: Conversation | None = None
) -> list[Record]:
    """Return what was asked for by whoever had this PaymentIntent made.

    Stripe's metadata says whose request that was. A confirmation goes on with the terms of the
    payment; who keeps no record of its requests may have been anybody. intent: None for any of the
    order's. talk: only what this one asked.
    """
    talks = talks_of(seen, "pay", order=order) if talk is None else [talk]
    if intent is not None:
        request_id = intent["metadata"].get("request_id")
        own = [one for one in talks if one.asked.get("request_id") == request_id]
        unknown = [one for one in talks if "request_id" not in one.asked]
        confirmed = any(
            one.asked.get("request_id") == request_id
            for one in talks_of(seen, "confirm", order=order)
        )
        talks = own or unknown or (talks if confirmed else [])
    return [_of_payment(seen, one) for one in talks]


def _of_payment(seen: Evidence, talk: Conversation) -> Record:
    record: dict[str, Any] = {"amount": talk.amount_minor, "service": OURS, **talk.asked}
    if "customer" in record:
        record["customer"] = email_of(seen, record["customer"])
    if "return_url" in record:
        record["comes_back"] = record["return_url"] is not None
    return record


def confirmation_records(seen: Evidence, order: str) -> list[Record]:
    """Return the ways in which somebody wanted the order's card to be charged."""
    talks = talks_of(seen, "pay", "confirm", order=order)
    urls = {talk.asked.get("return_url") for talk in talks}
    records: list[Record] = [
        {"card": LAST4[card], "off_session": False, "return_url": None}
        for confirmed, card in seen.others.confirmed
        if confirmed == order
    ]
    for talk in talks:
        if "card" not in talk.asked:  # its caller keeps no record of cards
            records.append(talk.asked)
            continue
        # Without a place of its own to come back to a confirmation goes on with the payment's.
        places = {talk.asked["return_url"]} if talk.asked["return_url"] else urls
        records += [
            {**talk.asked, "card": card, "return_url": url}
            for card in _cards(seen, talk, order)
            for url in places
        ]
    return records


def _cards(seen: Evidence, talk: Conversation, order: str) -> set[str]:
    """Return the last digits of the cards that this wish may have meant."""
    named = talk.asked.get("card")
    if named in LAST4:
        return {LAST4[named]}
    if talk.wish == "confirm" and named is None:
        return _cards_at_hand(seen, order)
    pays = [talk, *talks_of(seen, "pay", order=order)]
    emails = {email_of(seen, one.asked.get("customer")) for one in pays} - {None}
    kept = [one for email in emails for one in card_records(seen, email or "")]
    if named is not None:
        return {one["card"] for one in kept if one["made"] == named}
    removals = [
        one
        for one in talks_of(seen, "detach")
        if one.answers
        and talk.answers
        and one.answers[0].asked_at < talk.answers[0].asked_at
        # Of one that was told 503 each time nothing was begun.
        and set(one.words) != {"away"}
    ]
    known = [one for one in removals if not UNKNOWN.issuperset(one.words)]
    return _chosen(kept, removals) | _chosen(kept, known)


def _chosen(kept: list[dict[str, Any]], removals: list[Conversation]) -> set[str]:
    """Return the last digits of the cards that may be the default one after these removals."""
    gone = {one.asked["card"] for one in removals}
    left = [one for one in kept if one["made"] is None or one["made"] not in gone]
    chosen = [one for one in left if one["is_default"] and one["is_kept"]]
    return {one["card"] for one in chosen[-1:] or left}


def _cards_at_hand(seen: Evidence, order: str) -> set[str]:
    """Return the cards that wait for nothing but a confirmation that names none."""
    chosen = {LAST4[card] for chosen, card in seen.others.chosen if chosen == order}
    pays = talks_of(seen, "pay", order=order)
    return chosen.union(*(_cards(seen, talk, order) for talk in pays))


def card_records(seen: Evidence, email: str) -> list[dict[str, Any]]:
    """Return the cards that somebody saved for a customer. made: its id, if it was told."""
    records = [
        {
            "made": talk.made,
            "card": LAST4[talk.asked["card"]],
            "name": talk.asked["name"],
            "is_default": talk.asked["is_default"],
            "is_kept": talk.last == "kept",
        }
        for talk in talks_of(seen, "attach")
        if email_of(seen, talk.asked.get("customer")) == email
    ]
    setups = [s["customer"] for s in seen.ledger["setup_intents"]]
    if email in {email_of(seen, customer) for customer in setups}:
        records += [
            {"made": None, "card": LAST4[card], "name": None, "is_default": False, "is_kept": True}
            for card in seen.others.saved
        ]
    return records


def refund_records(seen: Evidence, talk: Conversation, refund: Found) -> list[Record]:
    """Return what was asked for by a refund. All that is left depends on the others by then."""
    own = {"amount": talk.amount_minor, "service": OURS, "named_order": talk.order_id}
    record: dict[str, Any] = {**own, **talk.asked}
    if record["amount"]:
        return [record]
    books = seen.ledger
    intents = [one for one in books["payment_intents"] if one["id"] == refund["payment_intent"]]
    taken = sum(intent["amount_received"] for intent in intents)
    others = [
        one["amount"]
        for one in books["refunds"]
        if one["payment_intent"] == refund["payment_intent"] and one["id"] != refund["id"]
    ]
    # One that Stripe refused in the end held its amount until then.
    others += [
        one.amount_minor
        for one in talks_of(seen, "refund", order=talk.order_id)
        if one.refund_id != talk.refund_id and not refunds_of(seen, one, live=False)
    ]
    held = {sum(some) for n in range(len(others) + 1) for some in combinations(others, n)}
    return [{**record, "amount": taken - some} for some in sorted(held)]


def cancel_reasons(seen: Evidence, order: str) -> set[str]:
    """Return the reasons that somebody gave for cancelling the order's payment."""
    talks = talks_of(seen, "cancel", order=order)
    return {t.asked["cancellation_reason"] for t in talks if "cancellation_reason" in t.asked}
