"""Mistakes in the rules: when to ask, what an answer means, what is owed because of it."""

from tests.mutants.mutant import LIVES_MAX, Lives, Mutant

CALL = "tests/domain/test_call.py"
EVIDENCE = "tests/domain/test_corridor_evidence.py"
TIME = "tests/domain/test_corridor_time.py"
DOORS = "tests/domain/test_corridor_doors.py"
CORRIDOR = "tests/domain/test_corridor.py"
ASKED = "tests/domain/test_what_is_asked.py"
BOUNDED = "tests/domain/test_waits_are_bounded.py"
HEARD = "tests/domain/test_heard_of.py"
LATE = "tests/domain/test_late_money.py"

CALLS = (
    Mutant(
        "a call in doubt is asked again before anybody has looked",
        "domain/call.py",
        "    if call.doubts and not call.looks:\n        return Move.LOOK\n",
        "",
        (CALL,),
    ),
    Mutant(
        "a request that is about to leave is not written down as in doubt",
        "domain/call.py",
        "doubts=call.doubts + 1,",
        "doubts=call.doubts,",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "a lost answer takes its doubt away",
        "domain/call.py",
        "        looks=0,\n        unanswered=0,\n        dead_end=dead_end or call.dead_end,",
        "        looks=0,\n        doubts=0,\n        unanswered=0,\n"
        "        dead_end=dead_end or call.dead_end,",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "a try that surely did nothing clears the doubt of the tries before it",
        "domain/call.py",
        "doubts=max(call.doubts - 1, 0),",
        "doubts=0,",
        (CALL,),
    ),
    Mutant(
        "the cap of the back-off's steps is gone",
        "domain/call.py",
        "min(call.tries + call.looks + call.unanswered, 12)",
        "call.tries + call.looks + call.unanswered",
        (BOUNDED,),
    ),
    Mutant(
        "the back-off is not bounded by its ceiling",
        "domain/call.py",
        "min(BACKOFF_FIRST_S * 2**steps, ceiling)",
        "BACKOFF_FIRST_S * 2**steps",
        (CALL,),
    ),
    Mutant(
        "a look that found nothing is the last word at once",
        "domain/call.py",
        "return not call.doubts or call.asked_at is None or now >= _final_at(call, call.asked_at)",
        "return True",
        (CALL, EVIDENCE),
    ),
    Mutant(
        "an unanswered try is given up as soon as an answered one",
        "domain/call.py",
        "quiet_s = ANSWERED_IS_FINAL_AFTER_S if answered else UNANSWERED_IS_FINAL_AFTER_S",
        "quiet_s = ANSWERED_IS_FINAL_AFTER_S",
        (CALL, EVIDENCE),
    ),
    Mutant(
        "any dead end counts as an error saved under the key",
        "domain/call.py",
        "answered = call.dead_end is not None and is_saved_error(call.dead_end)",
        "answered = call.dead_end is not None",
        (CALL, EVIDENCE),
    ),
    Mutant(
        "a key is used for longer than Stripe keeps it",
        "domain/call.py",
        "KEY_HELD_S = 23 * 3600",
        "KEY_HELD_S = 25 * 3600",
        (CALL, TIME),
    ),
    Mutant(
        "the claim of a dead owner is given up together with its doubt",
        "domain/call.py",
        "return replace(call, due_at=now, in_flight=False, quiet_at=quiet_at)",
        "return replace(call, due_at=now, in_flight=False, doubts=0, quiet_at=None)",
        (CALL,),
    ),
    Mutant(
        "a look before a dead owner's request can have ended counts as a look",
        "domain/call.py",
        "    if call.quiet_at is not None and now < call.quiet_at:",
        "    if call.quiet_at is not None and now < call.begun_at:",
        (CALL,),
    ),
    Mutant(
        "a look is not claimed, so that a start does not free it",
        "domain/call.py",
        "return replace(call, due_at=now + timedelta(seconds=lease_s), in_flight=True)",
        "return replace(call, due_at=now + timedelta(seconds=lease_s))",
        (CALL,),
    ),
    Mutant(
        "a call that waits for its next try is still claimed",
        "domain/call.py",
        "return replace(call, due_at=due_at, in_flight=False, looks=looks, unanswered=0)",
        "return replace(call, due_at=due_at, looks=looks, unanswered=0)",
        (CALL,),
    ),
    Mutant(
        "a Retry-After is not waited for",
        "domain/call.py",
        "wait_s = max(backoff_s(call, now), retry_after_s or 0.0)",
        "wait_s = backoff_s(call, now)",
        (CALL,),
    ),
)

ATTEMPTS = (
    Mutant(
        "every charge is made in dollars",
        "domain/corridor.py",
        "currency=terms.currency,",
        'currency="usd",',
        (ASKED,),
    ),
    Mutant(
        "what the payer agreed to off session is not said to Stripe",
        "domain/corridor.py",
        "        attempt=attempt.call.tries + 1,\n        off_session=terms.off_session,",
        "        attempt=attempt.call.tries + 1,",
        (ASKED,),
    ),
    Mutant(
        "the description of a payment is lost on the way to Stripe",
        "domain/corridor.py",
        "description=terms.description,",
        "description=None,",
        (ASKED,),
    ),
    Mutant(
        "a part capture takes all that is held",
        "domain/corridor.py",
        "CaptureIntent(key, payment.id, payment.intent_id, attempt.amount_minor, number)",
        "CaptureIntent(key, payment.id, payment.intent_id, None, number)",
        (ASKED,),
    ),
    Mutant(
        "a look for a charge in doubt is for any customer's",
        "domain/corridor.py",
        "        customer_id=payment.terms.customer_id,\n        since",
        "        customer_id=None,\n        since",
        (ASKED,),
    ),
    Mutant(
        "a refusal ends the payment though an earlier try is in doubt",
        "domain/corridor_attempts.py",
        "    if attempt.call.doubts > 1:  # a refusal proves nothing about an earlier try\n",
        "    if attempt.call.doubts > 99:\n",
        (EVIDENCE,),
    ),
    Mutant(
        "a replayed answer is trusted though it is not final",
        "domain/corridor_attempts.py",
        "case IntentSeen(intent=intent, replayed=True) if intent.status not in FINAL:",
        "case IntentSeen(intent=intent, replayed=True) if False:",
        (CORRIDOR,),
    ),
    Mutant(
        "a late success of any attempt opens the payment again",
        "domain/corridor_attempts.py",
        'newest = step.key == f"{payment.uid}-{payment.attempts_made}-{Operation.CREATE}"',
        "newest = True",
        (HEARD,),
    ),
    Mutant(
        "an old look settles a new attempt",
        "domain/corridor_attempts.py",
        "    if step.key != attempt.call.key:  # an old look must not settle a new attempt\n"
        "        return payment\n",
        "",
        (DOORS,),
    ),
    Mutant(
        "an event settles an attempt whose answer is still to come",
        "domain/corridor_attempts.py",
        "seen_with == attempt.call.key and _is_surely_its_doing(payment, attempt, intent)",
        "seen_with == attempt.call.key",
        (HEARD,),
    ),
    Mutant(
        "an answer that nobody expected is not taken for doubt",
        "domain/corridor_attempts.py",
        "            return _in_doubt(payment, attempt, _as_doubt(news), moment)",
        "            return payment",
        (CORRIDOR,),
    ),
    Mutant(
        "money of an attempt that was left behind is passed over in silence",
        "domain/corridor_attempts.py",
        "    return noted(payment, CONTRADICTED, moment, request_id)",
        "    return payment",
        (HEARD, DOORS),
    ),
    Mutant(
        "a final state is left when news comes late",
        "domain/outcome.py",
        "if payment.intent_id not in {None, intent.id} or payment.status in FINAL:",
        "if payment.intent_id not in {None, intent.id}:",
        ("tests/domain/test_transitions.py", HEARD, DOORS, CORRIDOR),
    ),
    Mutant(
        "news of another PaymentIntent changes the payment",
        "domain/outcome.py",
        "if payment.intent_id not in {None, intent.id} or payment.status in FINAL:",
        "if payment.status in FINAL:",
        (DOORS,),
    ),
    Mutant(
        "an unknown word of Stripe's is taken for canceled",
        "domain/outcome.py",
        "if intent.status in set(State) else State.PROCESSING",
        "if intent.status in set(State) else State.CANCELED",
        (CORRIDOR,),
    ),
    Mutant(
        "a paid order owes the OrderService nothing",
        "domain/outcome.py",
        "entered = owing(replace(entered, failure=None), Occasion.PAID, moment)",
        "entered = replace(entered, failure=None)",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "news that names no charge takes the charge away",
        "domain/outcome.py",
        "charge_id=intent.charge_id or payment.charge_id,",
        "charge_id=intent.charge_id,",
        (CORRIDOR,),
    ),
    Mutant(
        "a paid order still shows the card that was refused before",
        "domain/outcome.py",
        "owing(replace(entered, failure=None), Occasion.PAID",
        "owing(entered, Occasion.PAID",
        (CORRIDOR,),
    ),
    Mutant(
        "what was received is what was agreed, whatever Stripe says",
        "domain/outcome.py",
        "received_minor=intent.amount_received_minor,",
        "received_minor=payment.terms.amount_minor,",
        ("tests/domain/test_hold.py",),
    ),
    Mutant(
        "an old look undoes newer news",
        "domain/outcome.py",
        "if payment.attempt is None and not may_become(payment.status, status):",
        "if False:",
        ("tests/domain/test_transitions.py",),
    ),
)

LATE_MONEY = (
    Mutant(
        "an order whose money was taken late is charged again",
        "domain/wishes.py",
        "    if payment.was_paid_late:\n",
        "    if False:\n",
        (LATE,),
    ),
    Mutant(
        "a hold is captured beside money that was taken late",
        "domain/wishes.py",
        "    _check_never_paid(payment)\n    attempt = payment.attempt\n",
        "    attempt = payment.attempt\n",
        (LATE,),
    ),
    Mutant(
        "an attempt is sent though the money was taken late meanwhile",
        "domain/corridor_attempts.py",
        "    if payment.was_paid_late and attempt.operation is not Operation.CANCEL:\n"
        "        return 0\n",
        "",
        (LATE,),
    ),
    Mutant(
        "a capture goes on though the money was taken late meanwhile",
        "domain/corridor_attempts.py",
        "    if payment.was_paid_late or (operation not in PATIENT",
        "    if (operation not in PATIENT",
        (LATE,),
    ),
    Mutant(
        "the payer may pay a second time what was paid late",
        "domain/watching.py",
        "    if payment.was_paid_late:\n        return 0\n",
        "",
        (LATE,),
    ),
    Mutant(
        "a hold beside money that was taken late is kept",
        "domain/watching.py",
        " and not payment.was_paid_late:",
        ":",
        (LATE,),
    ),
    Mutant(
        "what could still be paid beside late money is left until its next look",
        "domain/corridor_attempts.py",
        "        payment = replace(payment, look_at=moment.now)\n    return noted",
        "        pass\n    return noted",
        (LATE,),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*CALLS, *ATTEMPTS, *LATE_MONEY)
