"""Mistakes in what is told of an operation: a status that speaks of something else."""

from tests.mutants.mutant import Mutant

TRUTH = "tests/api/test_truth_of_answers.py"
CARDS = "tests/api/test_truth_about_cards.py"
NAMES = "tests/api/test_field_names.py"
NAMED = "tests/api/test_only_what_was_named.py"
KEYS = "tests/api/test_keys_that_may_not.py"
APART = "tests/api/test_cards_apart.py"
SAVED = "tests/api/test_saved_errors.py"

MUTANTS = (
    Mutant(
        "who asks for a hold is charged",
        "domain/wishes.py",
        "    return payment.terms.is_held == order.terms.is_held or payment.state in _CHARGED\n",
        "    return True\n",
        (NAMED,),
    ),
    Mutant(
        "a card that is named for later is dropped",
        "domain/wishes.py",
        "    return waits and _is_another(payment, order)\n",
        "    return False\n",
        (NAMED,),
    ),
    Mutant(
        "a confirmation with another card than the one that is charged is a success",
        "domain/wishes.py",
        "        case State.SUCCEEDED if _is_another(payment, order):\n",
        "        case State.SUCCEEDED if False:\n",
        (NAMED,),
    ),
    Mutant(
        "a key that may not read is told as Stripe being away",
        "flows/look_again.py",
        "raise why if isinstance(why, StripeRefused) else GatewayLost(str(unseen)) from unseen",
        "raise GatewayLost(str(unseen)) from unseen",
        (KEYS,),
    ),
    Mutant(
        "what goes on about one card holds up another",
        "domain/corridor_customers.py",
        "    return replace(customer, call=replace(call, due_at=min(call.due_at, moment.now)))\n",
        "    return customer\n",
        (APART,),
    ),
    Mutant(
        "a card is taken for attached under another id though that was detached",
        "flows/keep_card.py",
        "    is_gone = at_stripe.customer_id != customer.customer_id\n",
        "    is_gone = False\n",
        (APART,),
    ),
    Mutant(
        "a default that was ours is never set at Stripe again",
        "domain/customer.py",
        "        default_at_stripe=DEFAULT_IN_DOUBT if is_ours else customer.default_at_stripe,\n",
        "        default_at_stripe=customer.default_at_stripe,\n",
        (APART,),
    ),
    Mutant(
        "a capture that Stripe refused is told as done",
        "flows/own_attempt.py",
        "    if is_free and begun.wish(payment, world.moment(Door.REQUEST)) is None:\n",
        "    if is_free:\n",
        (TRUTH,),
    ),
    Mutant(
        "the first card is charged though another was named",
        "domain/wishes.py",
        "    return order.terms.confirm and order.names_card and _is_another(payment, order)\n",
        "    return False\n",
        (TRUTH,),
    ),
    Mutant(
        "a card that was refused passes for the one that waits for its holder",
        "domain/wishes.py",
        "if p.outcome in _HAS_CARD)",
        "if p.operation)",
        (TRUTH,),
    ),
    Mutant(
        "the default card is charged though nobody said so",
        "api/asked_order.py",
        '    return sent.get("paymentMethodId") is not None or sent.get("offSession") is True\n',
        "    return True\n",
        (CARDS,),
    ),
    Mutant(
        "a double click refunds twice",
        "domain/wishes.py",
        "    if expected_minor not in {None, left}:\n",
        "    if False:\n",
        (TRUTH,),
    ),
    Mutant(
        "a cancellation that our key may not do is asked for for ever",
        "domain/corridor_attempts.py",
        "        tired = not news.retryable and payment.status is not State.CANCELED\n",
        "        tired = False\n",
        (TRUTH,),
    ),
    Mutant(
        "a card that was detached at Stripe stays in the list",
        "flows/card_at_stripe.py",
        "            kind = ErrorClass.CARD_DETACHED\n",
        "            return ErrorClass.CARD_DETACHED\n",
        (CARDS,),
    ),
    Mutant(
        "who joined another's try is told of that card's decline",
        "flows/own_attempt.py",
        "return joined.operation in NO_CHARGE or card not in {None, joined.payment_method_id}",
        "return False",
        (TRUTH,),
    ),
    Mutant(
        "a default that Stripe refused is shown as the default",
        "domain/customer_outcomes.py",
        "replace(customer, default_payment_method_id=chosen, default_at_stripe=chosen)",
        "replace(customer, default_at_stripe=customer.default_payment_method_id)",
        ("tests/domain/test_corridor_customers.py",),
    ),
    Mutant(
        "what our key may not do with a card is asked for for ever",
        "domain/corridor_customers.py",
        "not news.retryable and not customer.is_forgotten\n",
        "False\n",
        (CARDS,),
    ),
    Mutant(
        "an empty balance is told as the operator's fault",
        "flows/refund_payment.py",
        "ErrorClass.BALANCE_INSUFFICIENT if empty else",
        "ErrorClass.MISCONFIGURED if empty else",
        (TRUTH,),
    ),
    Mutant(
        "a slip in the name of a field is ignored",
        "api/endpoint.py",
        "    findings.note((strangers if is_strict else slips)(kind, fields))\n",
        "    findings.note(strangers(kind, fields) if is_strict else ())\n",
        (NAMES,),
    ),
    Mutant(
        "a filter that nobody knows is ignored",
        "api/endpoint.py",
        "is_strict = api.options.strict_requests or not endpoint.reads_body\n",
        "is_strict = api.options.strict_requests\n",
        (NAMES,),
    ),
    Mutant(
        "the noise of a double is refused as precision",
        "domain/money.py",
        "DOUBLE_NOISE = 10**9\n",
        "DOUBLE_NOISE = 10**30\n",
        (NAMES,),
    ),
    Mutant(
        "what the SDK cannot read loses its headers",
        "adapters/stripe/legible.py",
        "            body = NO_DETAILS\n",
        "            pass\n",
        ("tests/contract/test_stripe_illegible.py", SAVED),
    ),
    Mutant(
        "a refund that met a saved error is told as the operator's fault",
        "domain/stripe_errors.py",
        "    if kind is None and is_saved_error(denial.code):\n",
        "    if False:\n",
        (SAVED,),
    ),
)
