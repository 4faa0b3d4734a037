"""Mistakes in what may be asked for and what is owed: refunds, deals, captures, notices, events."""

from tests.mutants.mutant import Mutant

CAPTURE = "tests/domain/test_capture_in_doubt.py"
REFUND = "tests/domain/test_refund.py"
WISHES = "tests/domain/test_wishes.py"
PAYMENT = "tests/domain/test_payment.py"
NOTICE = "tests/domain/test_notice.py"
EVENT = "tests/domain/test_event.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "two refunds under way may give back more than was taken",
        "domain/refund.py",
        "return self.status not in RELEASED",
        "return self.status is RefundStatus.SUCCEEDED",
        (REFUND, WISHES),
    ),
    Mutant(
        "a refund may be larger than what is left",
        "domain/wishes.py",
        "if left <= 0 or amount > left:",
        "if left <= 0:",
        (PAYMENT,),
    ),
    Mutant(
        "a refund in doubt is ended by a refusal of its second try",
        "domain/refund.py",
        "if call.doubts <= 1:",
        "if call.doubts <= 9:",
        (REFUND,),
    ),
    Mutant(
        "a refund that succeeded never fails again",
        "domain/refund.py",
        "RefundStatus.SUCCEEDED: RELEASED,",
        "RefundStatus.SUCCEEDED: frozenset[RefundStatus](),",
        ("tests/domain/test_refund_notices.py",),
    ),
    Mutant(
        "a refund under way is judged by a look that was not made for it",
        "domain/corridor_refunds.py",
        "if refund.call and refund.call.key in step.keys:",
        "if refund.call:",
        (REFUND,),
    ),
    Mutant(
        "a refund that never came to Stripe holds its amount for ever",
        "domain/refund.py",
        "    if calls.is_over(call, now, ask_for_s=calls.KEY_HELD_S):\n",
        "    if False:\n",
        ("tests/flows/test_refund_payment.py",),
    ),
    Mutant(
        "a disputed payment can be refunded",
        "domain/dispute.py",
        "return self.status not in HARMLESS | INQUIRIES and not self.refundable",
        "return False",
        ("tests/domain/test_dispute.py",),
    ),
    Mutant(
        "an order that was paid on other terms is told as paid on these",
        "domain/wishes.py",
        "if not same and payment.state is State.SUCCEEDED:",
        "if False:",
        (PAYMENT,),
    ),
    Mutant(
        "a card that was declined is charged again for whoever names none",
        "domain/wishes.py",
        "    if payment.state is State.REQUIRES_CONFIRMATION:\n        return payment",
        "    if True:\n        return payment",
        (WISHES,),
    ),
    Mutant(
        "the currency is no part of the deal",
        "domain/payment.py",
        "return ours == (other.amount_minor, other.currency, other.customer_id)\n",
        "return ours == (other.amount_minor, self.currency, other.customer_id)\n",
        (PAYMENT,),
    ),
    Mutant(
        "a new deal is charged before the old PaymentIntent is out of the way",
        "domain/wishes.py",
        "if payment.intent_id and (not same or _has_another_card(payment, order)):",
        "if False:",
        (PAYMENT,),
    ),
    Mutant(
        "more is captured than is held",
        "domain/wishes.py",
        "if amount_minor is not None and amount_minor > payment.capturable_minor:",
        "if False:",
        (WISHES, "tests/domain/test_hold.py"),
    ),
    Mutant(
        "an order that is paid anew still shows the charge of the canceled payment",
        "domain/generation.py",
        "        charge_id=None,\n        payment_method_id=None,\n",
        "        payment_method_id=None,\n",
        (PAYMENT,),
    ),
    Mutant(
        "a second capture of another amount is taken for the first",
        "domain/wishes.py",
        "attempt.operation is Operation.CAPTURE and attempt.amount_minor == amount_minor:",
        "attempt.operation is Operation.CAPTURE:",
        (WISHES, CAPTURE),
    ),
    Mutant(
        "a notice is given up after three days in which it was hardly tried",
        "domain/notice.py",
        "DEAD_AFTER_TRIES = 20",
        "DEAD_AFTER_TRIES = 2",
        (NOTICE,),
    ),
    Mutant(
        "a notice that was told still shows why it was not",
        "domain/notice.py",
        "state=NoticeState.TOLD, told_at=now, failure=None, not_before=None",
        "state=NoticeState.TOLD, told_at=now, not_before=None",
        (NOTICE,),
    ),
    Mutant(
        "a refund in doubt is given up as soon as a payer would not expect a charge any more",
        "domain/refund.py",
        "ask_for_s=calls.KEY_HELD_S",
        "ask_for_s=900",
        (REFUND,),
    ),
    Mutant(
        "a notice is dropped when the OrderService does not answer",
        "domain/notice.py",
        "        case _ if notice.is_overtaken:\n",
        "        case _ if not isinstance(news, OrderRefused):\n",
        (NOTICE,),
    ),
    Mutant(
        "one refusal that may last ends a notice for ever",
        "domain/notice.py",
        "if now - call.begun_at >= DEAD_AFTER and call.tries >= DEAD_AFTER_TRIES:",
        "if isinstance(news, OrderRefused) and news.lasting:",
        (NOTICE,),
    ),
    Mutant(
        "a later notice is told before an earlier one",
        "domain/notice.py",
        "first = next((notice for notice in owed if not notice.is_overtaken), None)",
        "first = next((notice for notice in reversed(owed) if not notice.is_overtaken), None)",
        (NOTICE,),
    ),
    Mutant(
        "an event is dead after three days though nobody has tried it",
        "domain/event.py",
        "if moment.now - event.created_at >= DEAD_AFTER and tries >= DEAD_AFTER_TRIES:",
        "if moment.now - event.created_at >= DEAD_AFTER:",
        (EVENT,),
    ),
    Mutant(
        "an event that could not be applied is dropped like an applied one",
        "domain/event.py",
        "done = self.ended_at is not None and self.state is not EventState.DEAD",
        "done = True",
        (EVENT,),
    ),
    Mutant(
        "an event of the other mode of the account is taken for ours",
        "domain/event.py",
        "    if seen.livemode is not livemode or seen.account is not None:\n",
        "    if seen.account is not None:\n",
        (EVENT,),
    ),
    Mutant(
        "an end that Stripe tells of is old news to a payment that ended otherwise",
        "domain/event.py",
        "return not claims_an_end or seen.status == payment.status",
        "return True",
        (EVENT,),
    ),
)
