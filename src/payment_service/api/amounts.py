"""Amounts and currencies of requests, read by the domain's rules and in the operator's unit."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from payment_service.api.options import ApiOptions
from payment_service.api.validation import Findings
from payment_service.domain.currencies import Currency, find_currency
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.money import AmountUnit, Money, parse_amount, parse_refund_amount

Parse = Callable[[object, Currency, AmountUnit], Money]

# What is wrong with an amount whatever its currency; the rest depends on the currency.
_ANY_CURRENCY = frozenset({"amount_not_integer", "amount_not_decimal", "amount_not_positive"})


def read_charge(body: Mapping[str, Any], findings: Findings, options: ApiOptions) -> Money | None:
    """Return what is to be charged; None when it cannot be read, which is then noted."""
    code = body.get("currency")
    default = options.default_currency
    currency = findings.value(lambda: find_currency(default if code is None else code))
    if "amount" not in body:
        return None  # noted as missing by the fields' own check
    amount, unit = body["amount"], options.amount_unit
    if currency is None:
        findings.value(lambda: _check_in_any_currency(parse_amount, amount, options))
        return None
    return findings.value(lambda: parse_amount(amount, currency, unit))


def check_parts(
    body: Mapping[str, Any], findings: Findings, options: ApiOptions, fields: Iterable[str]
) -> None:
    """Note what is wrong with parts of a payment, and a currency beside them, whatever its own is.

    Missing means all that is there; null may be a mistake, and a costly one.
    """
    code = body.get("currency")
    if code is not None:
        findings.value(lambda: find_currency(code))
    for field in fields:
        _check_part(body, findings, options, field)


def _check_part(
    body: Mapping[str, Any], findings: Findings, options: ApiOptions, field: str
) -> None:
    if field not in body:
        return
    amount = body[field]
    if amount is None:
        told = "is null: leave it out for all that is there, or send a number"
        findings.bad(field, told, "amount_null")
        return
    parse = _as(field, parse_refund_amount)
    findings.value(lambda: _check_in_any_currency(parse, amount, options))


def read_part(
    body: Mapping[str, Any], currency: str, options: ApiOptions, field: str
) -> int | None:
    """Return the minor units of a part, None for all that is there. Raises InvalidRequest."""
    if field not in body:
        return None
    parse = _as(field, parse_refund_amount)
    return parse(body[field], find_currency(currency), options.amount_unit).amount_minor


def _as(field: str, parse: Parse) -> Parse:
    """Return the same, for an amount that goes by another name."""

    def parsed(amount: object, currency: Currency, unit: AmountUnit) -> Money:
        try:
            return parse(amount, currency, unit)
        except InvalidRequest as error:
            bad = (FieldError(field, one.message) for one in error.fields)
            raise InvalidRequest(*bad, code=error.reason_code) from None

    return parsed


def _check_in_any_currency(parse: Parse, amount: object, options: ApiOptions) -> None:
    try:
        parse(amount, find_currency(options.default_currency), options.amount_unit)
    except InvalidRequest as error:
        if error.reason_code in _ANY_CURRENCY:
            raise
