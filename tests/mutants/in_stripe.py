"""Mistakes in the adapter of Stripe: what is sent, what an answer means, how long one may take."""

from tests.mutants.mutant import LIVES_MAX, Lives, Mutant

NEWS = "tests/contract/test_stripe_news.py"
CODES = "tests/contract/test_stripe_codes.py"
GATEWAY = "tests/contract/test_stripe_gateway.py"
REQUESTS = "tests/contract/test_stripe_requests.py"
CONNECTIONS = f"{NEWS}::test_only_a_connection_that_was_never_made_did_surely_nothing"
DOCUMENTED = f"{NEWS}::test_what_stripe_documents"
LOOKS = "tests/contract/test_stripe_looks.py"
BACK_FILLED = "tests/contract/test_back_filled_types.py"
OBJECTS = "tests/contract/test_stripe_objects.py"
TURNS = "tests/contract/test_stripe_turns.py"
BUDGET = "tests/contract/test_stripe_budget.py"
SIGNED = "tests/contract/test_signed_events.py"

ANSWERS = (
    Mutant(
        "a reset after sending is taken for unreachable",
        "adapters/stripe/news.py",
        "aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError",
        "aiohttp.ClientConnectionError | aiohttp.ConnectionTimeoutError | OSError",
        (CONNECTIONS,),
    ),
    Mutant(
        "any time-out is taken for unreachable",
        "adapters/stripe/news.py",
        "aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError",
        "aiohttp.ClientConnectorError | TimeoutError",
        (CONNECTIONS,),
    ),
    Mutant(
        "a lock on the key (409) is taken for nothing done",
        "adapters/stripe/news.py",
        "        case 429:\n",
        "        case 409 | 429:\n",
        (DOCUMENTED, CODES),
    ),
    Mutant(
        "an error of Stripe's own (500) is taken for a refusal",
        "adapters/stripe/news.py",
        "case 400 | 404:",
        "case 400 | 404 | 500:",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "too many requests (429) is taken for a refusal",
        "adapters/stripe/news.py",
        "case 400 | 404:",
        "case 400 | 404 | 429:",
        (DOCUMENTED, CODES),
    ),
    Mutant(
        "a refused API key (403) is taken for a refusal of the payment",
        "adapters/stripe/news.py",
        "case 400 | 404:",
        "case 400 | 403 | 404:",
        (DOCUMENTED, CODES),
    ),
    Mutant(
        "a refused card (402) is taken for a mistake of ours",
        "adapters/stripe/news.py",
        "        case 402:\n            return _of_decline(error)\n        case 400 | 404:",
        "        case 400 | 402 | 404:",
        (DOCUMENTED, CODES),
    ),
    Mutant(
        "a key that was used before is taken for a refusal",
        "adapters/stripe/news.py",
        "    if isinstance(error, stripe.IdempotencyError):\n",
        "    if False:\n",
        (DOCUMENTED, CODES),
    ),
    Mutant(
        "a saved error does not end the asking under its key",
        "adapters/stripe/news.py",
        "dead_end = saved_error(status) if status is not None and replay else None",
        "dead_end = None",
        (DOCUMENTED,),
    ),
    Mutant(
        "only a saved 500 ends the asking under its key",
        "adapters/stripe/news.py",
        "if status is not None and replay else None",
        "if status == 500 and replay else None",
        (DOCUMENTED, "tests/api/test_saved_errors.py"),
    ),
    Mutant(
        "any error is taken for one that Stripe has saved",
        "adapters/stripe/news.py",
        "if status is not None and replay else None",
        "if status is not None else None",
        (DOCUMENTED,),
    ),
    Mutant(
        "that an answer is a replay is not heard",
        "adapters/stripe/news.py",
        '(headers or {}).get("Idempotent-Replayed", "") == "true"',
        '(headers or {}).get("Idempotency-Replayed", "") == "true"',
        (DOCUMENTED,),
    ),
    Mutant(
        "an answer that cannot be read is taken for a refusal",
        "adapters/stripe/gateway.py",
        '            return NoNews("unreadable")\n',
        '            return Rejected(Denial("unreadable", "No."))\n',
        (LOOKS,),
    ),
    Mutant(
        "a success that cannot be read is taken for a refusal",
        "adapters/stripe/gateway.py",
        'return told_nothing("unreadable", OK, answer.request_id, replay=answer.replayed)',
        'return Rejected(Denial("unreadable", "No."))',
        (GATEWAY,),
    ),
    Mutant(
        "a request that was cut off in time is taken for one that was never sent",
        "adapters/stripe/gateway.py",
        "            return NoNews(type(error).__name__)\n",
        "            return NotExecuted(type(error).__name__)\n",
        (LOOKS, GATEWAY),
    ),
    Mutant(
        "the amount that a refund shows is that of its charge",
        "adapters/stripe/objects.py",
        '        amount_minor=body["amount"],\n'
        '        key=(body.get("metadata") or {}).get("idempotency_key"),',
        '        amount_minor=body.get("charge_amount", 0),\n'
        '        key=(body.get("metadata") or {}).get("idempotency_key"),',
        (OBJECTS,),
    ),
    Mutant(
        "what was captured is taken to be what was authorised",
        "adapters/stripe/objects.py",
        'amount_received_minor=body.get("amount_received") or 0,',
        'amount_received_minor=body["amount"],',
        (OBJECTS,),
    ),
    Mutant(
        "until when a hold can be captured is not read",
        "adapters/stripe/objects.py",
        "capture_before=_capture_before(charge),",
        "capture_before=None,",
        (OBJECTS,),
    ),
)

REQUESTED = (
    Mutant(
        "the idempotency key is not sent",
        "adapters/stripe/gateway.py",
        'options = {"idempotency_key": call.key} if call.key else {}',
        "options: dict[str, str] = {}",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "the currency of a charge is always the dollar on the wire",
        "adapters/stripe/calls.py",
        '"currency": step.currency,',
        '"currency": "usd",',
        (GATEWAY,),
    ),
    Mutant(
        "a refund gives back all, whatever part was asked for",
        "adapters/stripe/calls.py",
        '        "amount": step.amount_minor,\n        "metadata": metadata,',
        '        "metadata": metadata,',
        (GATEWAY, REQUESTS),
    ),
    Mutant(
        "a capture takes all, whatever part was asked for",
        "adapters/stripe/calls.py",
        '                params["amount_to_capture"] = step.amount_minor\n',
        "                pass\n",
        (GATEWAY, REQUESTS),
    ),
    Mutant(
        "the caller's metadata does not reach Stripe",
        "adapters/stripe/calls.py",
        "            **step.metadata,\n",
        "",
        (GATEWAY, REQUESTS),
    ),
    Mutant(
        "the caller's metadata overwrites our marks",
        "adapters/stripe/calls.py",
        '            **step.metadata,\n            "service": service,\n'
        '            "order_id": step.order_id,\n            "idempotency_key": step.key,\n'
        '            "request_id": step.request_id,\n',
        '            "service": service,\n'
        '            "order_id": step.order_id,\n            "idempotency_key": step.key,\n'
        '            "request_id": step.request_id,\n            **step.metadata,\n',
        (GATEWAY, REQUESTS),
    ),
    Mutant(
        "a charge is not marked with its key, so that no look can find it",
        "adapters/stripe/calls.py",
        '            "idempotency_key": step.key,\n            "request_id": step.request_id,\n',
        '            "request_id": step.request_id,\n',
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "a refund is not marked with its key",
        "adapters/stripe/calls.py",
        '    metadata = {"service": service, "order_id": step.order_id, '
        '"idempotency_key": step.key}\n',
        '    metadata = {"service": service, "order_id": step.order_id}\n',
        Lives(("refund_all",), LIVES_MAX),
    ),
    Mutant(
        "a hold is not asked for until when it can be captured",
        "adapters/stripe/calls.py",
        '        params["expand"] = [CHARGE]\n    if step.description:',
        "    if step.description:",
        (GATEWAY,),
    ),
    Mutant(
        "a charge that was agreed off session is made as if the payer were there",
        "adapters/stripe/calls.py",
        '        params["confirm"] = True\n        if step.off_session:\n'
        '            params["off_session"] = True\n',
        '        params["confirm"] = True\n',
        (REQUESTS, GATEWAY),
    ),
    Mutant(
        "a payment is confirmed although the payer's client will",
        "adapters/stripe/calls.py",
        '    if step.confirm:\n        params["confirm"] = True',
        '    if step.payment_method_id:\n        params["confirm"] = True',
        (GATEWAY, REQUESTS),
    ),
    Mutant(
        "the SDK asks again by itself",
        "adapters/stripe/gateway.py",
        "max_network_retries=0",
        "max_network_retries=2",
        (LOOKS,),
    ),
    Mutant(
        "what Stripe refuses for too many requests slows nobody down",
        "adapters/stripe/gateway.py",
        "            self._turns.refused(turn, error)\n",
        "            self._turns.answered(turn)\n",
        (TURNS,),
    ),
    Mutant(
        "whoever gives up in line takes a turn all the same",
        "adapters/stripe/turns.py",
        "                self._budget.leave(waiter)\n",
        "                pass\n",
        (TURNS,),
    ),
    Mutant(
        "background work has no share while payers wait",
        "adapters/stripe/budget.py",
        "return self.payers_in_a_row >= PAYERS_IN_A_ROW_MAX",
        "return False",
        (BUDGET,),
    ),
)

LOOKED = (
    Mutant(
        "a page begins with the last element of the page before the last",
        "adapters/stripe/looks.py",
        'query = {**query, "starting_after": page[-1]["id"]}',
        'query = {**query, "starting_after": page[-2]["id"]}',
        (LOOKS,),
    ),
    Mutant(
        "only the first page of a list is read",
        "adapters/stripe/looks.py",
        'if not body["has_more"]:',
        "if body:",
        (LOOKS,),
    ),
    Mutant(
        "a list too long to be read whole shows nothing",
        "adapters/stripe/looks.py",
        '"starting_after": page[-1]["id"]}\n        raise ',
        '"starting_after": page[-1]["id"]}\n        return\n        raise ',
        (LOOKS,),
    ),
    Mutant(
        "a charge is found by its order, and not by its key",
        "adapters/stripe/looks.py",
        '(body.get("metadata") or {}).get("idempotency_key") == step.key',
        '(body.get("metadata") or {}).get("order_id") == step.order_id',
        (LOOKS,),
    ),
    Mutant(
        "canceled payments are not back-filled",
        "adapters/stripe/looks.py",
        '        "payment_intent.canceled",\n',
        "",
        (BACK_FILLED,),
    ),
    Mutant(
        "failed refunds are not back-filled",
        "adapters/stripe/looks.py",
        '        "refund.failed",\n',
        "",
        (BACK_FILLED,),
    ),
    Mutant(
        "the last second of a time is read twice, and the last of all never",
        "adapters/stripe/looks.py",
        'return {"gte": int(step.since.timestamp()), "lt": int(step.until.timestamp())}',
        'return {"gt": int(step.since.timestamp()), "lt": int(step.until.timestamp())}',
        (REQUESTS,),
    ),
    Mutant(
        "events are applied newest first",
        "adapters/stripe/looks.py",
        "return EventsSeen(tuple(sorted(events, key=lambda seen: seen.happened_at)))",
        "return EventsSeen(tuple(reversed(sorted(events, key=lambda seen: seen.happened_at))))",
        (REQUESTS,),
    ),
    Mutant(
        "a signature of the future is taken",
        "adapters/stripe/webhooks.py",
        "abs(signed_at - now.timestamp()) > self._tolerance_s",
        "now.timestamp() - signed_at > self._tolerance_s",
        (SIGNED,),
    ),
    Mutant(
        "an old signature is taken",
        "adapters/stripe/webhooks.py",
        "abs(signed_at - now.timestamp()) > self._tolerance_s",
        "signed_at - now.timestamp() > self._tolerance_s",
        (SIGNED,),
    ),
    Mutant(
        "of two signing secrets only the first counts",
        "adapters/stripe/webhooks.py",
        "for secret in self._secrets)",
        "for secret in self._secrets[:1])",
        (SIGNED,),
    ),
    Mutant(
        "whoever knows no secret signs when none is set",
        "adapters/stripe/webhooks.py",
        "if not any(_is_signed(text, signature, secret) for secret in self._secrets):",
        "if self._secrets and not any("
        "_is_signed(text, signature, secret) for secret in self._secrets):",
        (SIGNED,),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*ANSWERS, *REQUESTED, *LOOKED)
