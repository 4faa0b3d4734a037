"""What is sent beside the payment that a request names, and says something else about it.

A refund of 10 with `currency: eur` of a payment in dollars is a mistake that moves money; to leave
the field out of account would be to guess. What agrees is as good as left out.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from payment_service.api.amounts import read_part
from payment_service.api.field_names import folded_name, known_names
from payment_service.api.options import ApiOptions
from payment_service.api.validation import Findings
from payment_service.domain.currencies import find_currency
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.money import parse_refund_amount
from payment_service.domain.payment import Payment

# Also where a request takes it: it is there to agree.
_CURRENCY: Final = "currency"

Agrees = Callable[[object, Payment, ApiOptions], bool]


def _is_currency(value: object, payment: Payment, _options: ApiOptions) -> bool:
    return isinstance(value, str) and value.strip().lower() == payment.terms.currency


def _is_customer(value: object, payment: Payment, _options: ApiOptions) -> bool:
    return value == payment.terms.customer_id


def _is_order(value: object, payment: Payment, _options: ApiOptions) -> bool:
    return (str(value) if type(value) is int else value) == payment.id


def _is_intent(value: object, payment: Payment, _options: ApiOptions) -> bool:
    return value == payment.intent_id


def _is_capture_method(value: object, payment: Payment, _options: ApiOptions) -> bool:
    return value == payment.terms.capture_method


def _is_amount(value: object, payment: Payment, options: ApiOptions) -> bool:
    currency = find_currency(payment.terms.currency)
    try:
        money = parse_refund_amount(value, currency, options.amount_unit)
    except InvalidRequest:
        return False
    return money.amount_minor == payment.terms.amount_minor


# By the folded name: the style of writing does not matter.
_AGREES: Final[Mapping[str, Agrees]] = MappingProxyType(
    {
        "amount": _is_amount,
        "capturemethod": _is_capture_method,
        _CURRENCY: _is_currency,
        "customerid": _is_customer,
        "orderid": _is_order,
        "paymentintent": _is_intent,
        "paymentintentid": _is_intent,
    }
)


def refuse_contradictions(
    kind: type[BaseModel], sent: Mapping[str, Any], payment: Payment, options: ApiOptions
) -> None:
    """Raise InvalidRequest naming all that says something else than the payment."""
    read_parts(kind, sent, payment, options, ())


def read_parts(
    kind: type[BaseModel],
    sent: Mapping[str, Any],
    payment: Payment,
    options: ApiOptions,
    fields: Iterable[str],
) -> list[int | None]:
    """Return parts of a payment in minor units, None for all that is there.

    Raises InvalidRequest naming all that says something else than the payment, and every part that
    is none of its currency.
    """
    findings = Findings()
    findings.note(_contradictions(kind, sent, payment, options))
    code = payment.terms.currency
    parts = [findings.value(partial(read_part, sent, code, options, field)) for field in fields]
    findings.close()
    return parts


def _contradictions(
    kind: type[BaseModel], sent: Mapping[str, Any], payment: Payment, options: ApiOptions
) -> Iterator[FieldError]:
    """Give an error for what says something else than the payment.

    Of the fields that the request takes only the currency is looked at: what the others say is
    done, or refused by itself.
    """
    for name in sorted(sent.keys() - (known_names(kind) - {_CURRENCY})):
        agrees = _AGREES.get(folded_name(name))
        if agrees is None or sent[name] in (None, "") or agrees(sent[name], payment, options):
            continue
        yield FieldError(name, "says something else than the payment does; leave it out")
