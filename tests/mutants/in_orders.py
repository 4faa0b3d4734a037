"""Mistakes in the adapter of the OrderService: what is told, and what its answer means."""

from tests.mutants.mutant import Mutant

ORDERS = "tests/contract/test_orders.py"
ANSWERS = "tests/contract/test_orders_answers.py"
NOTICE = "tests/domain/test_notice.py"
OCCASIONS = "tests/domain/test_notice_occasions.py"
NOTIFICATIONS = "tests/flows/test_notifications.py"
TOKEN = "tests/contract/test_orders_token.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "an update does not say which notice it is",
        "adapters/order_service/client.py",
        'headers |= {"Content-Type": "application/json", "Idempotency-Key": trying.step.key}',
        'headers |= {"Content-Type": "application/json"}',
        (ORDERS,),
    ),
    Mutant(
        "an update that was held up for long leaves all the same",
        "flows/advance.py",
        "min(lease_of(step, moment.policy), moment.policy.lease_s)",
        "lease_of(step, moment.policy)",
        (NOTIFICATIONS,),
    ),
    Mutant(
        "a redirect of the OrderService is taken for told",
        "adapters/order_service/answer.py",
        "if not 200 <= http_status < 300:",
        "if not 200 <= http_status < 400:",
        (ORDERS,),
    ),
    Mutant(
        "too many updates are taken for what a person must mend",
        "adapters/order_service/answer.py",
        "frozenset({408, 409, 425, 429})",
        "frozenset({408, 409, 425})",
        (ORDERS,),
    ),
    Mutant(
        "an error of the OrderService is taken for what a person must mend",
        "adapters/order_service/answer.py",
        "lasting = http_status < 500 and http_status not in _PASSING",
        "lasting = http_status < 600 and http_status not in _PASSING",
        (ORDERS,),
    ),
    Mutant(
        "silence of the OrderService is taken for told",
        "adapters/order_service/client.py",
        "news = NoNews(reason) if trying.is_sent else NotExecuted(reason)",
        "news = OrderTold()",
        (ORDERS,),
    ),
    Mutant(
        "a refused token is used again",
        "adapters/order_service/client.py",
        "            self._tokens.drop(token)\n",
        "            pass\n",
        (TOKEN,),
    ),
    Mutant(
        "a token that may not do this is used again",
        "adapters/order_service/client.py",
        "_TOKEN_REFUSED = frozenset({401, 403})",
        "_TOKEN_REFUSED = frozenset({401})",
        (TOKEN,),
    ),
    Mutant(
        "an update has its whole time again after a slow token",
        "adapters/order_service/client.py",
        "left_s = max(trying.ends_at - perf_counter(), LEFT_S_MIN)",
        "left_s = self._timeout_s",
        (TOKEN,),
    ),
    Mutant(
        "the caller's token goes before our own",
        "adapters/order_service/client.py",
        "method, url, body, token or trying.bearer_token)",
        "method, url, body, trying.bearer_token or token)",
        (ORDERS, TOKEN),
    ),
    Mutant(
        "a 2xx that says no is taken for told",
        "adapters/order_service/answer.py",
        'return "success_false" if _says_no(answer) else None',
        "return None",
        (ANSWERS,),
    ),
    Mutant(
        "a page of a gateway is taken for told",
        "adapters/order_service/answer.py",
        'return "answered_html" if is_html else None',
        "return None",
        (ANSWERS,),
    ),
    Mutant(
        "a gateway that gave up waiting is taken for a refusal",
        "adapters/order_service/answer.py",
        "_GATEWAY_TIMEOUT = 504",
        "_GATEWAY_TIMEOUT = 505",
        (ANSWERS,),
    ),
    Mutant(
        "an order that shows a later status is told all the same",
        "adapters/order_service/client.py",
        "return OrderTold(was_shown=True) if trying.step.is_shown_by(shown) else None",
        "return None",
        (ANSWERS,),
    ),
    Mutant(
        "an order that is paid counts as told of its refund",
        "domain/steps.py",
        "return self.opens_order and shown.casefold() not in before",
        "return shown.casefold() not in before",
        (ANSWERS,),
    ),
    Mutant(
        "an order that was told canceled and is paid anew counts as told when it shows that",
        "domain/corridor_refunds.py",
        "return policy.order_statuses_before_payment.union(told)",
        "return policy.order_statuses_before_payment",
        (OCCASIONS,),
    ),
    Mutant(
        "that an order is paid is thrown back when a failed refund is called so too",
        "domain/notice.py",
        "return occasion_of(notice, policy) in _OPENING",
        "return notice.status != policy.order_status_refund_failed",
        (OCCASIONS,),
    ),
    Mutant(
        "an OrderService that is in trouble when it is read is told",
        "adapters/order_service/client.py",
        'return NotExecuted(f"read_{told.reason}", retry_after_s=_wait_s(told))',
        "return None",
        (ANSWERS,),
    ),
    Mutant(
        "what did not leave in time is taken for sent",
        "adapters/order_service/client.py",
        "news = NoNews(reason) if trying.is_sent else NotExecuted(reason)",
        "news = NoNews(reason)",
        (ANSWERS,),
    ),
    Mutant(
        "a try that was not answered is followed at once by another",
        "domain/notice.py",
        "asked_s = UNANSWERED_WAIT_S",
        "asked_s = 0.0",
        (NOTICE,),
    ),
    Mutant(
        "a Retry-After is passed over",
        "domain/notice.py",
        "return max(wait_s, min(asked_s, RETRY_AFTER_MAX_S) * more)",
        "return wait_s",
        (NOTICE,),
    ),
    Mutant(
        "a refusal wipes out that an earlier try may have arrived",
        "domain/notice.py",
        "return max(call.doubts - 1, 0) if was_nothing else call.doubts",
        "return 0 if was_nothing else call.doubts",
        (NOTICE,),
    ),
    Mutant(
        "what waits is not hastened when the OrderService is mended",
        "flows/mended.py",
        "        await _hasten_all(world)\n",
        "        pass\n",
        (NOTIFICATIONS,),
    ),
    Mutant(
        "every update that is taken hastens those that are refused",
        "flows/mended.py",
        "receiver.is_mended or was_refused or receiver.refusals >= TROUBLE_FROM",
        "True",
        (NOTIFICATIONS,),
    ),
    Mutant(
        "a caller's token is tried for what may be at work still",
        "domain/notice.py",
        "if call.doubts and now - call.asked_at < timedelta(seconds=UNANSWERED_WAIT_S):",
        "if False:",
        (NOTICE,),
    ),
    Mutant(
        "a notification that was delivered is sent again without being told to",
        "domain/sending_again.py",
        "    if notice.state is NoticeState.TOLD:\n",
        "    if False:\n",
        (NOTIFICATIONS,),
    ),
    Mutant(
        "an update is repeated by the library when its connection ends",
        "adapters/order_service/client.py",
        "        if sending.has_left:\n",
        "        if False:\n",
        (ANSWERS,),
    ),
    Mutant(
        "a reading that failed shows a status",
        "adapters/order_service/answer.py",
        "    if _says_no(found):\n",
        "    if False:\n",
        (ANSWERS,),
    ),
)
