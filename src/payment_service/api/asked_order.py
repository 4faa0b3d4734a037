"""What is to be paid, as far as the request says it: its fields, and which of them go together."""

from collections.abc import Mapping
from typing import Any

from payment_service.api.amounts import read_charge
from payment_service.api.asked import AskedPayment
from payment_service.api.belonging import INTENT_PREFIX, is_called_like_a_payment
from payment_service.api.endpoint import Api
from payment_service.api.idempotency import key_id
from payment_service.api.incoming import Incoming
from payment_service.api.validation import Findings
from payment_service.domain.payment import Order, Terms


def order_in(api: Api, call: Incoming, findings: Findings) -> Order | None:
    """Return what is to be paid, as far as the request says it."""
    asked = findings.fields(AskedPayment, call.body)
    money = read_charge(call.body, findings, api.options)
    _check_together(call, findings)
    if asked is None or money is None:
        return None
    return Order(
        id=asked.order_id,
        terms=Terms(
            amount_minor=money.amount_minor,
            currency=money.currency,
            customer_id=asked.customer_id,
            confirm=_is_to_be_confirmed(call.body),
            capture_method=asked.capture_method or "automatic",
            return_url=asked.return_url,
            description=asked.description,
            metadata=asked.metadata or {},
            off_session=asked.off_session is True,
        ),
        payment_method_id=asked.payment_method_id,
        request_id=call.request_id,
        retry_key=key_id(call.caller.name, call.key) if call.key else None,
        is_proved=call.caller.is_service or call.is_proved,
    )


def _check_together(call: Incoming, findings: Findings) -> None:
    """Note what is wrong with fields that go together, whatever else is wrong with the others."""
    sent = call.body
    is_end_user = call.caller.is_end_user  # whose customer is known
    if sent.get("customerId") is None and _is_to_be_confirmed(sent) and not is_end_user:
        findings.bad("customerId", "is required when a card is to be charged")
    if sent.get("offSession") is True and sent.get("confirm") is False:
        findings.bad("offSession", "needs a payment that is confirmed at once")
    if is_end_user and is_called_like_a_payment(sent.get("orderId")):
        findings.bad("orderId", f"must not begin with {INTENT_PREFIX}")


def _is_to_be_confirmed(sent: Mapping[str, Any]) -> bool:
    """Whether a card is to be charged now. A default card is only when that is said."""
    confirm = sent.get("confirm")
    if confirm is not None:
        return confirm is True
    return sent.get("paymentMethodId") is not None or sent.get("offSession") is True
