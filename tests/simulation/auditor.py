"""The auditor: sees only the outside, and judges what must always hold.

The ten invariants are those of the architecture. Here are those about the money of payments; what
comes after it is in `auditor_of_later`.
"""

from collections.abc import Iterator

from tests.simulation import auditor_of_later, auditor_of_terms
from tests.simulation.evidence import Evidence, refunds_of, talks_of
from tests.simulation.talking import FAILED, Conversation, Heard

# Wishes about a payment's money.
MONEY = ("pay", "confirm", "capture", "cancel")
HELD = "requires_capture"
# What a cancellation says of money. That it was refused says nothing: the payment may be paid.
CANCELLATIONS_NO = frozenset({"canceled", "away"})


def judge(seen: Evidence) -> list[str]:
    """Return every violation, each with the number of its invariant."""
    rules = (
        _asked_money_only,
        _success_is_true,
        _failure_is_true,
        _nothing_done_is_true,
        _cancelled_stays_so,
        _all_is_settled,
        _shown_is_true,
        *auditor_of_later.RULES,
        *auditor_of_terms.RULES,
    )
    return [violation for rule in rules for violation in rule(seen)]


def _asked_money_only(seen: Evidence) -> Iterator[str]:
    for order, intents in seen.by_order().items():
        paid = [intent for intent in intents if intent["amount_received"]]
        asked = _asked(seen, order)
        if len(paid) > 1:
            yield f"1 {order} was paid {len(paid)} times"
        if any(intent["amount_received"] not in asked for intent in paid):
            yield f"1 {order} was charged what nobody asked for"
        charges = [c for i in intents for c in i["charges"] if c["amount_captured"]]
        if len(charges) > 1:
            yield f"1 {order} has {len(charges)} charges that succeeded"


def _asked(seen: Evidence, order: str) -> set[int]:
    """Return the amounts that somebody wanted to be taken for an order."""
    talks = [*talks_of(seen, "pay", order=order), *talks_of(seen, "capture", order=order)]
    return {talk.amount_minor for talk in talks} - {0}


def _success_is_true(seen: Evidence) -> Iterator[str]:
    for talk in talks_of(seen, *MONEY):
        for heard in talk.answers:
            # A part that was captured is what another one wanted.
            right = talk.wish == "pay" and not talks_of(seen, "capture", order=talk.order_id)
            asked = {talk.amount_minor} if right else _asked(seen, talk.order_id)
            if heard.word == "succeeded" and heard.money not in asked:
                yield f"2 {talk.order_id} was told succeeded with {heard.money} at Stripe"
        if "succeeded" in talk.words and seen.shown_state(talk.order_id) != "succeeded":
            yield f"2 {talk.order_id} was told succeeded and is shown as something else"
    for talk in talks_of(seen, "refund"):
        if "succeeded" in talk.words and not refunds_of(seen, talk, live=False):
            yield f"2 {talk.refund_id} was told succeeded and is not at Stripe"


def _failure_is_true(seen: Evidence) -> Iterator[str]:
    for talk in talks_of(seen, *MONEY):
        others = talks_of(seen, *MONEY, order=talk.order_id)
        for heard in _of_money(talk):
            if heard.money and _says_no(heard, others):
                yield f"3 {talk.order_id} was told {heard.word} with {heard.money} taken"
        if talk.wish == "capture" and any(h.word == HELD and h.money for h in talk.answers):
            yield f"3 {talk.order_id} was told that nothing was captured, with money taken"
    for order, intents in seen.by_order().items():
        talks = talks_of(seen, "pay", "confirm", order=order)
        for amount in {i["amount_received"] for i in intents} - {0}:
            asked = [talk for talk in talks if talk.amount_minor in {0, amount}]
            if asked and all(_says_no(talk.answers[-1], asked) for talk in asked):
                words = sorted({talk.last for talk in asked})
                yield f"3 {order}: the last words were {words}, and {amount} was taken"
    for talk in talks_of(seen, "refund"):
        if _says_no(talk.answers[-1], [talk]) and refunds_of(seen, talk, live=True):
            yield f"3 {talk.refund_id} was told {talk.last} and money was given back"


def _of_money(talk: Conversation) -> list[Heard]:
    """Return the answers that say something of money."""
    if talk.wish != "cancel":
        return talk.answers
    return [heard for heard in talk.answers if heard.word in CANCELLATIONS_NO]


def _nothing_done_is_true(seen: Evidence) -> Iterator[str]:
    """What was answered with 503 each time, whoever asked, was not done, then or later."""
    for order, intents in seen.by_order().items():
        taken = {i["amount_received"] for i in intents if i["capture_method"] == "manual"} - {0}
        is_others = order in seen.others.captured or seen.captures_itself
        if taken and not is_others and _only_away(seen, "capture", order):
            yield f"3 the capture of {order} was told as not done, and {taken} was captured"
        reasons = {intent["cancellation_reason"] for intent in intents} - {None}
        asked = {t.asked.get("cancellation_reason") for t in talks_of(seen, "cancel", order=order)}
        if reasons & asked and _only_away(seen, "cancel", order):
            yield f"3 the cancellation of {order} was told as not done, and it is canceled"
        paid = talks_of(seen, "pay", order=order)
        waits = not any(talk.asked.get("confirm", True) for talk in paid)
        is_others = order in {one for one, _ in seen.others.confirmed}
        confirmed = any(intent["confirmations"] for intent in intents)
        if confirmed and waits and not is_others and _only_away(seen, "confirm", order):
            yield f"3 the confirmation of {order} was told as not done, and it is confirmed"


def _only_away(seen: Evidence, wish: str, order: str) -> bool:
    """Whether it was asked for, and each answer was that nothing was done."""
    words = {word for talk in talks_of(seen, wish, order=order) for word in talk.words}
    return words == {"away"}


def _says_no(heard: Heard, talks: list[Conversation]) -> bool:
    """Whether this answer says that no money moved.

    A 503 says so of its own request. It does for the payment when no other request about it was
    under way or had been left in doubt.
    """
    if heard.word != "away":
        return heard.word in FAILED
    before = [a for talk in talks for a in talk.answers if a.asked_at < heard.heard_at]
    return all(answer.word in FAILED | {"away"} for answer in before)


def _cancelled_stays_so(seen: Evidence) -> Iterator[str]:
    """Nobody who was told that it is cancelled may find it paid, unless it was paid again."""
    for talk in talks_of(seen, "cancel"):
        for heard in talk.answers:
            others = talks_of(seen, "pay", "confirm", order=talk.order_id)
            again = any(a.heard_at > heard.asked_at for other in others for a in other.answers)
            paid = any(i["amount_received"] for i in seen.by_order().get(talk.order_id, ()))
            if heard.word == "canceled" and paid and not again:
                yield f"3 {talk.order_id} was told canceled and is paid"


def _all_is_settled(seen: Evidence) -> Iterator[str]:
    if not seen.at_rest:
        yield "4 there was still something to do after a day"
    intents = {intent["id"]: intent for intent in seen.ledger["payment_intents"]}
    for intent in intents.values():
        if intent["status"] not in {"succeeded", "canceled"}:
            yield f"4 {intent['id']} is left {intent['status']} at Stripe"
        order = intent["metadata"].get("order_id")
        if intent["status"] == "succeeded" and seen.shown_state(order) != "succeeded":
            yield f"4 {order} succeeded at Stripe and is shown as {seen.shown_state(order)}"


def _shown_is_true(seen: Evidence) -> Iterator[str]:
    """Every hold was captured, let go of or lapsed in the end, and it is shown which."""
    intents = {intent["id"]: intent for intent in seen.ledger["payment_intents"]}
    for order, payment in seen.shown.items():
        if payment is None:
            continue
        intent = intents.get(payment.intent_id or "", {})
        if payment.intent_id is None:
            if payment.state not in {"canceled", "requires_payment_method"}:
                yield f"4 {order} is shown as {payment.state}, with nothing at Stripe"
        elif intent.get("status") != payment.state:
            yield f"4 {order} is shown as {payment.state}, which Stripe does not say"
        elif payment.cancellation_reason != intent["cancellation_reason"]:
            yield f"4 {order} was canceled for another reason than shown"
