"""Whether an order is the end user's who asks to pay it: by the shop's own word, or not known."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import structlog

from payment_service.api.amounts import read_charge
from payment_service.api.asked import AskedPayment
from payment_service.api.endpoint import Api
from payment_service.api.incoming import Incoming
from payment_service.api.options import ApiOptions
from payment_service.api.validation import Findings
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import (
    FieldError,
    InvalidRequest,
    NotFound,
    OrderProofDiffers,
    OrderProofInvalid,
    OrderProofRequired,
)
from payment_service.domain.money import Money
from payment_service.domain.order_proof import OrderProof
from payment_service.ports import OrdersUnavailable

# How an order's terms are proved; see the setting ORDER_PROOF.
SIGNED, ORDER_SERVICE = "signed", "order-service"
PROOF = "orderProof"
DIFFERS = "says something else than the proof of the order: leave it out"
NOT_PROVED = "This order needs a proof (`orderProof`) that it is yours."
INVALID = "This proof of the order is not valid."

_log = structlog.get_logger("order_proof")


async def with_proof(api: Api, call: Incoming, own_ids: frozenset[str]) -> Incoming:
    """Return the request on the terms that the shop has signed, where it has.

    Raises OrderProofRequired, OrderProofInvalid, OrderProofDiffers.
    """
    proofs, sent = api.world.order_proofs, call.body.get(PROOF)
    is_required = api.options.order_proof == SIGNED
    if proofs is None or sent is None:
        if is_required:
            raise _not_proved("missing")
        return call
    try:
        proof = proofs.read(_text(sent), api.world.clock.now())
        terms = _terms(proof, api.options)
    except OrderProofInvalid as refusal:
        _log.info("order_proof.refused", reason=refusal.details.get("reason"))
        raise
    if not all(is_callers(one, call, own_ids) for one in proof.customers):
        raise _not_proved("another_customer")
    _check_same(call.body, terms, own_ids, api.options)
    return replace(call, body={**call.body, **terms}, is_proved=True)


async def as_ordered(api: Api, call: Incoming, own_ids: frozenset[str]) -> Incoming:
    """Return the request, if the OrderService shows the same order for the caller.

    Raises NotFound: it is nobody's or somebody else's; OrderProofDiffers, OrdersUnavailable.
    """
    if api.options.order_proof != ORDER_SERVICE or call.is_proved:
        return call
    reader = api.world.order_reader
    if reader is None:
        raise OrdersUnavailable("there is no OrderService")
    order = await reader.read(call.body["orderId"])
    customer = order.customer if order is not None else None
    if order is None or not isinstance(customer, str) or not is_callers(customer, call, own_ids):
        raise NotFound("There is no such order.")
    currency = order.currency or api.options.default_currency
    ordered = _money({"amount": order.amount, "currency": currency}, api.options)
    if ordered is None:
        _log.warning("orders.not_read", reason="amount_unreadable")
        raise OrdersUnavailable("the order's amount cannot be read")
    bad = list(_differing(call.body, ordered, "is not what the order says", api.options))
    if bad:
        raise OrderProofDiffers(*bad)
    return replace(call, body={**call.body, "currency": ordered.currency}, is_proved=True)


def is_callers(customer: str, call: Incoming, own_ids: frozenset[str]) -> bool:
    """Whether a customer's id or e-mail is that of the caller's."""
    if customer in own_ids:
        return True
    try:
        return normalised_email(customer) == call.caller.email
    except InvalidRequest:
        return False


def _text(sent: object) -> str:
    if not isinstance(sent, str):
        raise OrderProofInvalid(INVALID, reason="no_text")
    return sent


def _not_proved(reason: str) -> OrderProofRequired:
    """Return the refusal: whose order it is instead is nobody's to know."""
    _log.info("order_proof.refused", reason=reason)
    return OrderProofRequired(NOT_PROVED)


def _terms(proof: OrderProof, options: ApiOptions) -> Mapping[str, Any]:
    """Return what the shop says, by our fields' names. Raises OrderProofInvalid."""
    order_id = proof.order_id
    is_number = isinstance(order_id, int) and not isinstance(order_id, bool)
    terms = {
        "orderId": str(order_id) if is_number else order_id,
        "amount": proof.amount,
        "currency": proof.currency,
        "captureMethod": proof.capture_method or "automatic",
    }
    findings = Findings()
    findings.fields(AskedPayment, terms)
    read_charge(terms, findings, options)
    try:
        findings.close()
    except InvalidRequest as error:
        named = ",".join(bad.field for bad in error.fields)
        raise OrderProofInvalid(INVALID, reason=named) from None
    return terms


def _check_same(
    sent: Mapping[str, Any],
    terms: Mapping[str, Any],
    own_ids: frozenset[str],
    options: ApiOptions,
) -> None:
    """Raise OrderProofDiffers if the request says other terms than its proof."""
    bad = []
    if sent.get("orderId") is not None and sent["orderId"] != terms["orderId"]:
        bad.append(FieldError("orderId", DIFFERS))
    customer = sent.get("customerId")
    if customer is not None and not (isinstance(customer, str) and customer in own_ids):
        bad.append(FieldError("customerId", DIFFERS))
    wanted = sent.get("captureMethod")
    if wanted is not None and wanted != terms["captureMethod"]:
        bad.append(FieldError("captureMethod", DIFFERS))
    proved = _money(terms, options)
    assert proved is not None, "it was read before"
    bad += _differing(sent, proved, DIFFERS, options)
    if bad:
        raise OrderProofDiffers(*bad)


def _differing(
    sent: Mapping[str, Any], right: Money, told: str, options: ApiOptions
) -> Iterator[FieldError]:
    """Give an error for amount and currency, where one is said and is not the right one."""
    currency, amount = sent.get("currency"), sent.get("amount")
    if currency is not None and not (
        isinstance(currency, str) and currency.strip().lower() == right.currency
    ):
        yield FieldError("currency", told)
    said = {"amount": amount, "currency": right.currency}
    if amount is not None and _money(said, options) != right:
        yield FieldError("amount", told)


def _money(terms: Mapping[str, Any], options: ApiOptions) -> Money | None:
    return read_charge(terms, Findings(), options)
