"""Mistakes about whose an order is, and who says what it costs."""

from tests.mutants.mutant import Mutant

CLAIMS = "tests/api/test_order_claims.py"
RULES = "tests/domain/test_claims.py"
PROOFS = "tests/api/test_order_proofs.py"
SIGNED = "tests/contract/test_order_proofs.py"
COMPARED = "tests/api/test_orders_compared.py"
ORACLE = "tests/api/test_no_oracle.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a claim without proof lasts for ever",
        "domain/claims.py",
        "    return ends_at is not None and ends_at <= moment.now\n",
        "    return False\n",
        (CLAIMS, RULES),
    ),
    Mutant(
        "what an end user holds at a bank lapses as a claim",
        "domain/claims.py",
        "_UNPAID = OPEN | {State.REQUIRES_ACTION}\n",
        "_UNPAID = OPEN | {State.REQUIRES_ACTION, State.REQUIRES_CAPTURE}\n",
        (CLAIMS, RULES),
    ),
    Mutant(
        "the shop waits for the bank of whoever claimed its order",
        "domain/claims.py",
        "    return is_asked and (order.is_proved or has_lapsed(payment, moment))\n",
        "    return is_asked and has_lapsed(payment, moment)\n",
        (CLAIMS,),
    ),
    Mutant(
        "an end user changes what the shop has said that an order costs",
        "domain/claims.py",
        "    if is_the_shops(payment) and not order.is_proved:\n",
        "    if False:\n",
        (CLAIMS, RULES),
    ),
    Mutant(
        "the OrderService hears that an order is canceled which an end user only claimed",
        "domain/outcome.py",
        "    return is_over and not claims.is_unpaid_claim(payment)\n",
        "    return is_over\n",
        (CLAIMS,),
    ),
    Mutant(
        "a claim of before an older release replaced the terms still counts",
        "domain/claims.py",
        "claim.generation == payment.generation else None",
        "claim.generation else None",
        (RULES,),
    ),
    Mutant(
        "who comes too late with a proof sees the payment of another",
        "api/own_orders.py",
        '            refusal.details.pop("payment", None)\n',
        "            pass\n",
        (CLAIMS,),
    ),
    Mutant(
        "whose order it is comes before what is wrong with the request",
        "api/own_orders.py",
        "        await check_payable(api.world, read(api, call, order_in))\n",
        "",
        (ORACLE,),
    ),
    Mutant(
        "a payment of somebody else's costs fewer reads than none",
        "flows/find_payment.py",
        "    if payment is None or payment.terms.customer_id not in customer_ids:\n",
        "    if payment is None:\n",
        (ORACLE,),
    ),
    Mutant(
        "a proof for somebody else will do",
        "api/proving.py",
        "    if not all(is_callers(one, call, own_ids) for one in proof.customers):\n",
        "    if not any(proof.customers):\n",
        (PROOFS,),
    ),
    Mutant(
        "the browser says what it pays beside a proof",
        "api/proving.py",
        "    if amount is not None and _money(said, options) != right:\n",
        "    if False:\n",
        (PROOFS, COMPARED),
    ),
    Mutant(
        "a proof never ends",
        "adapters/tokens/order_proofs.py",
        '    if _seconds(claims["exp"]) + LEEWAY_S <= present:\n',
        "    if False:\n",
        (SIGNED,),
    ),
    Mutant(
        "any signature will do",
        "adapters/tokens/order_proofs.py",
        "        if not any(hmac.compare_digest(sent, one) for one in made):\n",
        "        if not made:\n",
        (SIGNED,),
    ),
    Mutant(
        "an order of somebody else's is paid by whoever asks",
        "api/proving.py",
        "isinstance(customer, str) or not is_callers(customer, call, own_ids):\n",
        "isinstance(customer, str):\n",
        (COMPARED,),
    ),
    Mutant(
        "an end user charges a card whose holder is away",
        "api/service_fields.py",
        'if sent.get("offSession") is True else []',
        "if False else []",
        (PROOFS,),
    ),
)
