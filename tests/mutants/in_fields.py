"""Mistakes in what becomes of fields that are sent beside those that are asked for."""

from tests.mutants.mutant import Mutant

BESIDE = "tests/api/test_what_else_is_sent.py"
NAMES = "tests/api/test_field_names.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a kept answer is given to a request with a slip",
        "api/endpoint.py",
        "            refuse_slips(endpoint.asks, body)\n",
        "            pass\n",
        (BESIDE,),
    ),
    Mutant(
        "a refund for another customer than the payment's is made",
        "api/refunds.py",
        "    refuse_contradictions(AskedRefund, call.body, payment, api.options)\n",
        "",
        (BESIDE,),
    ),
    Mutant(
        "a capture for another customer than the payment's is made",
        "api/payment_moves.py",
        "    refuse_contradictions(AskedCapture, call.body, payment, api.options)\n",
        "",
        (BESIDE,),
    ),
    Mutant(
        "Stripe's own parameters are ignored",
        "api/field_names.py",
        "        elif folded in STRIPES:\n",
        "        elif False:\n",
        (NAMES,),
    ),
    Mutant(
        "a refund or a capture in another currency than the payment's is made",
        "api/amounts.py",
        "    if told is not None and find_currency(told).code != currency:\n",
        "    if False:\n",
        ("tests/api/test_refunds.py",),
    ),
    Mutant(
        "a slip of a name of our answers is ignored",
        "api/field_names.py",
        "    meant = {folded_name(name): _meant(name, known) for name in _OF_ANSWERS}\n",
        "    meant: dict[str, str | None] = {}\n",
        (BESIDE,),
    ),
    Mutant(
        "an amount under another name gives everything back",
        "api/field_names.py",
        "        if meant is None and _may_be_the_amount(kind, folded):\n",
        "        if False:\n",
        (BESIDE,),
    ),
    Mutant(
        "a field in the query of a request with a body is ignored",
        "api/endpoint.py",
        "            if wrong:\n",
        "            if False:\n",
        (BESIDE,),
    ),
)
