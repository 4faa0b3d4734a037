"""Say in the log what the operator must mend: the key, a permission of it, a setting, the account.

A caller who is answered 502 can do nothing; whoever runs this service must find out which.
"""

import re

import stripe
import structlog

from payment_service.adapters.stripe.news import code_of, param_of
from payment_service.domain.news import Declined, News, Rejected
from payment_service.domain.steps import GatewayStep
from payment_service.domain.stripe_errors import ACTION_OF, MISSING, OPERATORS, class_of

# Stripe names the permission that a restricted key lacks in its message, and nowhere else.
_PERMISSION = re.compile(r"\b(?:[a-z]{1,30}_){1,8}(?:read|write)\b", re.ASCII)
# Its messages are a few lines long.
_MESSAGE_MAX = 1000
_HINTS = {
    401: "Stripe does not take STRIPE_SECRET_KEY: it was rolled, deleted or has expired.",
    403: "STRIPE_SECRET_KEY may not do this: give the restricted key this permission.",
    MISSING: "Stripe does not know it: is STRIPE_SECRET_KEY of another account, or another mode?",
}
_HINT = "Look the code up in Stripe's list of error codes, and the request in Stripe's dashboard."

_log = structlog.get_logger("stripe_gateway")


def note_misconfiguration(step: GatewayStep, news: News, error: stripe.StripeError) -> None:
    """Write a line when Stripe refused a step for a reason that only the operator can mend."""
    status = error.http_status or 0
    if status not in {401, 403} and not _is_operators(step, news):
        return
    code = code_of(error)
    found = _PERMISSION.search((error.user_message or "")[:_MESSAGE_MAX]) if status == 403 else None
    _log.error(
        "stripe.misconfigured",
        step=type(step).__name__,
        status=status,
        code=code,
        param=param_of(error),
        permission=found.group() if found else None,
        hint=_HINTS.get(status) or _HINTS.get(code or "") or _HINT,
        stripe_request_id=error.request_id,
    )


def _is_operators(step: GatewayStep, news: News) -> bool:
    action = ACTION_OF.get(type(step))
    if action is None or not isinstance(news, Declined | Rejected):
        return False
    return class_of(action, news.error, declined=isinstance(news, Declined)) in OPERATORS
