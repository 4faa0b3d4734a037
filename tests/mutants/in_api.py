"""Mistakes at the HTTP door and in the settings: who may, what is kept, what shows."""

from tests.mutants.mutant import Mutant

KEYS = "tests/api/test_idempotency.py"
USERS = "tests/api/test_end_users.py"
ACCESS = "tests/api/test_access.py"
AMOUNTS = "tests/api/test_amounts.py"
DOOR = "tests/api/test_door.py"
LIMITS = "tests/api/test_limits.py"
WEBHOOKS = "tests/api/test_webhooks.py"
FAILURES = "tests/api/test_payment_failures.py"
REFUNDS = "tests/api/test_refunds.py"
PARTS = "tests/api/test_parts_in_other_currencies.py"
REDACTION = "tests/test_redaction.py"
SETTINGS = "tests/test_settings.py"
TOKENS = "tests/contract/test_tokens.py"
API_KEY = "tests/domain/test_api_key.py"
MONEY = "tests/domain/test_money.py"

REQUESTS = (
    Mutant(
        "callers share their idempotency keys",
        "api/idempotency.py",
        'hashlib.sha256(f"{caller}\\n{key}".encode())',
        'hashlib.sha256(f"\\n{key}".encode())',
        (f"{ACCESS}::test_callers_do_not_share_idempotency_keys",),
    ),
    Mutant(
        "a key may be used for another request",
        "api/idempotency.py",
        "    if known.fingerprint != request.fingerprint:\n",
        "    if False:\n",
        (KEYS,),
    ),
    Mutant(
        "the path is no part of the request under a key",
        "api/idempotency.py",
        "asked = [call.method, call.route, call.path, call.query, call.body]",
        "asked = [call.method, call.body]",
        (KEYS,),
    ),
    Mutant(
        "an unknown outcome is kept as the answer of its key",
        "api/idempotency.py",
        "return (status < 300 and status != 202) or status in _KEPT",
        "return status < 300 or status in _KEPT",
        (KEYS,),
    ),
    Mutant(
        "a request that is still running is begun a second time",
        "api/idempotency.py",
        "known.status_code is None and is_alive and known.claimed_until > request.created_at",
        "False",
        (KEYS,),
    ),
    Mutant(
        "a client secret is kept with the answer",
        "api/idempotency.py",
        "    if answer.secret_of is not None:\n",
        "    if False:\n",
        (KEYS,),
    ),
    Mutant(
        "a request that failed holds its key for ever",
        "api/idempotency.py",
        "at which nobody may wait\n        await _let_go(world, kept)\n        raise\n",
        "at which nobody may wait\n        raise\n",
        (KEYS,),
    ),
    Mutant(
        "an answer that cannot be kept is told as a failure",
        "api/idempotency.py",
        "    except (VersionConflict, StoreUnavailable) as error:\n        # The answer is true",
        "    except VersionConflict as error:\n        # The answer is true",
        (KEYS, "tests/api/test_writes_in_doubt.py"),
    ),
    Mutant(
        "part amounts are read in the default currency",
        "api/amounts.py",
        "parse(body[field], find_currency(currency), options.amount_unit)",
        "parse(body[field], find_currency(options.default_currency), options.amount_unit)",
        (PARTS,),
    ),
    Mutant(
        "a null amount refunds everything",
        "api/amounts.py",
        '        findings.bad(field, told, "amount_null")\n',
        "        pass\n",
        (REFUNDS,),
    ),
    Mutant(
        "the currency of the request is not read",
        "api/amounts.py",
        "find_currency(default if code is None else code)",
        "find_currency(default)",
        (AMOUNTS, "tests/api/test_payments.py"),
    ),
    Mutant(
        "a part of the smallest unit is cut off",
        "domain/money.py",
        "    if noise * DOUBLE_NOISE > coefficient:\n        raise _too_precise(currency)\n",
        "",
        (MONEY,),
    ),
    Mutant(
        "an amount may be no multiple of what the currency has",
        "domain/money.py",
        "    if amount_minor % currency.step_minor:\n",
        "    if False:\n",
        (MONEY,),
    ),
    Mutant(
        "true is an amount of one cent",
        "domain/money.py",
        "    if type(value) is int:\n        return value\n    raise _refusal(\n"
        '        "amount_not_integer"',
        "    if isinstance(value, int):\n        return value\n    raise _refusal(\n"
        '        "amount_not_integer"',
        (MONEY,),
    ),
    Mutant(
        "every decimal amount is read with two decimals",
        "domain/money.py",
        "        return value * _power_of_ten(currency.decimals)\n",
        "        return value * 100\n",
        (MONEY,),
    ),
    Mutant(
        "what Stripe could not be asked is told as a refused card",
        "flows/own_attempt.py",
        "by_key if by_key in OF_OUR_KEY else ErrorClass.UNAVAILABLE",
        "by_key if by_key in OF_OUR_KEY else ErrorClass.DECLINED",
        (FAILURES,),
    ),
    Mutant(
        "Stripe's own words, which may name our key, reach the caller",
        "api/stripe_refusals.py",
        '_OPERATORS = Told(502, "stripe_refused", STRIPE_REFUSED_MESSAGE)',
        '_OPERATORS = Told(502, "stripe_refused", None)',
        (FAILURES,),
    ),
    Mutant(
        "the same refund under the same key is another refund",
        "api/refunds.py",
        "        refund_id=_refund_id(api, call, payment),\n",
        '        refund_id=api.world.ids.new("ref"),\n',
        (KEYS, REFUNDS),
    ),
)

CALLERS = (
    Mutant(
        "an end user sees payments of others",
        "api/belonging.py",
        'await find_own_payment(api.world, call.path["id"], await own_ids_of(api, call))\n',
        'await find_payment(api.world, call.path["id"])\n',
        (USERS,),
    ),
    Mutant(
        "an end user sees refunds of others",
        "flows/find_refund.py",
        "    if payment is not None and payment.terms.customer_id in customer_ids:\n",
        "    if payment is not None:\n",
        (USERS,),
    ),
    Mutant(
        "an end user lists payments of others",
        "api/belonging.py",
        '"customerId": asked if asked in own_ids and asked else NOBODYS_ID}',
        '"customerId": asked or NOBODYS_ID}',
        (USERS,),
    ),
    Mutant(
        "an end user pays with somebody else's customer",
        "api/own_orders.py",
        "    if customer_id is not None and customer_id not in own_ids:\n",
        "    if False:\n",
        (USERS,),
    ),
    Mutant(
        "an end user's order is looked at only before it is paid",
        "api/own_orders.py",
        "    if not may_ask:\n",
        "    if False:\n",
        (USERS,),
    ),
    Mutant(
        "an end user takes back what is held for the shop",
        "api/belonging.py",
        "        if payment.state is State.REQUIRES_CAPTURE:\n",
        "        if False:\n",
        (USERS,),
    ),
    Mutant(
        "a revoked key holds while it is in use",
        "api/callers.py",
        "if known is not None and now < known[1]:",
        "if known is not None:",
        (ACCESS,),
    ),
    Mutant(
        "the secret of a key is not looked at",
        "domain/api_key.py",
        "    if not is_its:\n",
        "    if key is None:\n",
        (API_KEY,),
    ),
    Mutant(
        "a key holds after its end",
        "domain/api_key.py",
        'if key.state(now) == "expired":',
        'if key.state(now) == "over":',
        (API_KEY,),
    ),
    Mutant(
        "a body is read before it is known who sends it",
        "api/door.py",
        '            if self._callers is not None and not self._is_open(scope["path"]):\n',
        "            visit.body = await self._body(receive, length, 1 << 30)\n"
        '            if self._callers is not None and not self._is_open(scope["path"]):\n',
        (ACCESS,),
    ),
    Mutant(
        "a process that stops lets new requests in",
        "api/door.py",
        "if not self._gate.is_open and path not in ALWAYS_OPEN:",
        "if False:",
        (DOOR,),
    ),
    Mutant(
        "who has left the door is counted as inside",
        "api/door.py",
        "            self._gate.inside -= 1\n",
        "            pass\n",
        (LIMITS,),
    ),
    Mutant(
        "a body may be as long as it likes when its length is not said",
        "api/door.py",
        "                    if size > limit:\n                        raise _too_large(limit)\n",
        "",
        (DOOR, LIMITS),
    ),
    Mutant(
        "a bad signature is answered as if the event were kept",
        "api/webhooks.py",
        "        except WebhookRefused:\n            bad_posts.count(now)\n            raise\n",
        "        except WebhookRefused:\n            bad_posts.count(now)\n"
        '            return Answer(200, {"success": True, "received": "ignored"})\n',
        (WEBHOOKS,),
    ),
    Mutant(
        "bad posts hold back good ones",
        "api/webhooks.py",
        "        try:\n            seen = reader.read(call.raw, call.signature, now)\n",
        "        bad_posts.count(now)\n        try:\n"
        "            seen = reader.read(call.raw, call.signature, now)\n",
        (WEBHOOKS,),
    ),
)

SHOWN = (
    Mutant(
        "a client secret is written into the log",
        "redaction.py",
        '    (("_secret_",), _CLIENT_SECRET, rf"\\1{_HIDDEN}"),\n',
        "",
        (REDACTION,),
    ),
    Mutant(
        "a card number is written into the log",
        "redaction.py",
        "        return _without_cards(text) if has_digits else text\n",
        "        return text\n",
        (REDACTION,),
    ),
    Mutant(
        "names and callers' words are written into a debug line",
        "adapters/stripe/gateway.py",
        "if name not in PERSONAL}",
        "if name}",
        ("tests/contract/test_stripe_debug_lines.py",),
    ),
    Mutant(
        "fields that a newer release wrote are lost when an older one writes",
        "records.py",
        "    return replace(document, schema=NewerSchema(document.schema, beyond(raw, known)))",
        "    return document",
        ("tests/test_records.py",),
    ),
    Mutant(
        "a page ends one document too early",
        "page_cursor.py",
        'return urlsafe_b64encode(f"{created_at}:{id}".encode()).decode().rstrip("=")',
        'return urlsafe_b64encode(f"{created_at - 1}:{id}".encode()).decode().rstrip("=")',
        ("tests/contract/test_store_queries.py",),
    ),
)

STARTED = (
    Mutant(
        "a claim ends before the slowest try does",
        "composing.py",
        "lease_s=slowest_s + claiming_s + LEASE_MARGIN_S,",
        "lease_s=20.0,",
        ("tests/test_composing.py",),
    ),
    Mutant(
        "how long an unpaid payment waits is not taken from the settings",
        "composing.py",
        "        payment_expires_s=settings.payment_expires_s,\n",
        "",
        ("tests/test_composing.py",),
    ),
    Mutant(
        "a live key works in development",
        "settings.py",
        '    if live and environment == "development":\n',
        "    if False:\n",
        (SETTINGS,),
    ),
    Mutant(
        "production takes a test key",
        "settings.py",
        '    if key.startswith(("sk_test_", "rk_test_")) and environment == "production":\n',
        "    if False:\n",
        (SETTINGS,),
    ),
    Mutant(
        "the sandbox's signing secret is good in production",
        "settings.py",
        "    if in_earnest and SANDBOX_WEBHOOK_SECRET in secrets:\n",
        "    if False:\n",
        (SETTINGS,),
    ),
    Mutant(
        "a live key travels in the clear",
        "settings.py",
        '    if live and environment == "production" and not base.startswith("https://"):\n',
        "    if False:\n",
        (SETTINGS,),
    ),
    Mutant(
        "production starts without being told who may call",
        "settings.py",
        '    if "auth" not in values:\n        wrong["auth"] = AUTH_UNSET\n',
        '    values.setdefault("auth", "none")\n',
        ("tests/test_access_settings.py",),
    ),
    Mutant(
        "only the first of two signing secrets is kept out of the log",
        "settings.py",
        'for part in re.split(r",\\s*", value) if "whsec_" in part]',
        'for part in re.split(r",\\s*", value)[:1] if "whsec_" in part]',
        (SETTINGS,),
    ),
    Mutant(
        "of two signing secrets only the first is read from the settings",
        "composing.py",
        'settings.stripe_webhook_secret.get_secret_value().split(",")',
        'settings.stripe_webhook_secret.get_secret_value().split(",")[:1]',
        ("tests/test_composing.py",),
    ),
    Mutant(
        "the unit of amounts is not taken from the settings",
        "composing.py",
        "        amount_unit=AmountUnit(settings.amount_unit),\n",
        "        amount_unit=AmountUnit.MINOR,\n",
        ("tests/test_composing.py",),
    ),
    Mutant(
        "the default currency is not taken from the settings",
        "composing.py",
        "        default_currency=settings.default_currency,\n",
        '        default_currency="usd",\n',
        ("tests/test_composing.py",),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*REQUESTS, *CALLERS, *SHOWN, *STARTED)
