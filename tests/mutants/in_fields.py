"""Mistakes in what becomes of fields that are sent beside those that are asked for."""

from tests.mutants.mutant import Mutant

BESIDE = "tests/api/test_what_else_is_sent.py"
NAMES = "tests/api/test_field_names.py"
EVERY = "tests/api/test_every_bad_field.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "a slip is noted and let pass",
        "api/endpoint.py",
        "    findings.close()\n    return call\n",
        "    return call\n",
        (BESIDE,),
    ),
    Mutant(
        "a refund or a capture for another customer than the payment's is made",
        "api/contradictions.py",
        "    findings.note(_contradictions(kind, sent, payment, options))\n",
        "",
        (BESIDE,),
    ),
    Mutant(
        "a cancellation of another customer's payment than was named is made",
        "api/payment_moves.py",
        "    refuse_contradictions(AskedCancellation, call.body, payment, api.options)\n",
        "",
        (BESIDE,),
    ),
    Mutant(
        "Stripe's own parameters are ignored",
        "api/field_names.py",
        'leave it out" if folded in STRIPES else None\n',
        'leave it out" if False else None\n',
        (NAMES,),
    ),
    Mutant(
        "a refund or a capture in another currency than the payment's is made",
        "api/contradictions.py",
        "sorted(sent.keys() - (known_names(kind) - {_CURRENCY})):\n",
        "sorted(sent.keys() - known_names(kind)):\n",
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
        '    speaks_of_amount = "amount" in folded or "amt" in folded\n',
        "    speaks_of_amount = False\n",
        (BESIDE,),
    ),
    Mutant(
        "a field in the query of a request with a body is ignored",
        "api/endpoint.py",
        "            findings.note(misplaced(endpoint.asks, query))\n",
        "            pass\n",
        (BESIDE,),
    ),
    Mutant(
        "a name that is too long is ignored, amount or not",
        "api/field_names.py",
        "    if len(name) > LENGTH_MAX:\n"
        '        return f"is longer than {LENGTH_MAX} characters"\n'
        "    folded = folded_name(name)\n",
        "    if len(name) > NAME_MAX:\n        return None\n    folded = folded_name(name)\n",
        (EVERY,),
    ),
    Mutant(
        "an amount in letters of another width gives everything back",
        "api/field_names.py",
        '        plain = unicodedata.normalize("NFKD", plain)[: 4 * LENGTH_MAX]\n',
        "        plain = plain[: 4 * LENGTH_MAX]\n",
        (EVERY,),
    ),
    Mutant(
        "an amount that is written with what cannot be seen gives everything back",
        "api/field_names.py",
        '    return _NO_LETTERS.sub("", plain.casefold())\n',
        '    return plain.casefold().replace("_", "").replace("-", "").replace(" ", "")\n',
        (EVERY,),
    ),
    Mutant(
        "an amount inside another field gives everything back",
        "api/endpoint.py",
        "    findings.note(inner_amounts(kind, fields))\n",
        "",
        (EVERY,),
    ),
    Mutant(
        "an amount in a list of objects gives everything back",
        "api/field_names.py",
        "    for item in value if isinstance(value, list) else (value,):\n",
        "    for item in (value,):\n",
        (EVERY,),
    ),
    Mutant(
        "names in a metadata that is not taken are called amounts",
        "api/field_names.py",
        "[name for name in unknown if folded_name(name) != _OWN]\n",
        "unknown\n",
        (EVERY,),
    ),
    Mutant(
        "a bad key or name hides the bad fields",
        "api/endpoint.py",
        "    if findings:\n        _note_the_rest(api, endpoint, call, findings)\n",
        "",
        (EVERY,),
    ),
    Mutant(
        "a bad key or name hides what is wrong with the amount of a payment",
        "api/payments.py",
        "        reads=order_in,\n",
        "",
        (EVERY,),
    ),
    Mutant(
        "a bad key or name hides what is wrong with the amount of a refund",
        "api/refunds.py",
        "        reads=asked_in,\n",
        "",
        (EVERY,),
    ),
    Mutant(
        "a bad field hides that a customer is needed",
        "api/asked_order.py",
        "    _check_together(call, findings)\n    if asked is None or money is None:\n"
        "        return None\n",
        "    if asked is None or money is None:\n        return None\n"
        "    _check_together(call, findings)\n",
        (EVERY,),
    ),
    Mutant(
        "a contradiction hides the others",
        "api/contradictions.py",
        "    findings.note(_contradictions(kind, sent, payment, options))\n",
        "    findings.note(_contradictions(kind, sent, payment, options))\n    findings.close()\n",
        (EVERY,),
    ),
)
