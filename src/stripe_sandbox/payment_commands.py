"""The commands that play everybody who is not the shop: card holders, their banks, the networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from stripe_sandbox.engine.dispute_course import NETWORK_REASON_CODES
from stripe_sandbox.engine.errors import ApiError
from stripe_sandbox.engine.fraud_warnings import FRAUD_TYPES
from stripe_sandbox.engine.intent_course import WORD
from stripe_sandbox.engine.refund_course import FAILURE_REASONS, STATUSES
from stripe_sandbox.wishes import BadFields, read_object, refuse

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox


def authenticate(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the holder of the card, for an intent that waits for 3D Secure."""
    wish, problems = read_object(wish, "payment_intent", "setup_intent", "passed")
    name = "setup_intent" if "setup_intent" in wish else "payment_intent"
    if not isinstance(wish.get(name), str):
        noun = "SetupIntent" if name == "setup_intent" else "PaymentIntent"
        problems[name] = f"must be the id of a {noun}"
    elif name == "setup_intent" and "payment_intent" in wish:
        problems["payment_intent"] = "cannot be given together with setup_intent"
    if not isinstance(wish.get("passed", True), bool):
        problems["passed"] = "must be true or false"
    refuse(problems)
    return _done(
        name,
        lambda: sandbox.engine.authenticate(
            wish[name], passed=wish.get("passed", True), now=sandbox.now()
        ),
    )


def payment_intent(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the bank, the payer's client or a person in the dashboard, who move a PaymentIntent."""
    wish, problems = read_object(wish, "payment_intent", "status")
    if not isinstance(wish.get("payment_intent"), str):
        problems["payment_intent"] = "must be the id of a PaymentIntent"
    if not isinstance(wish.get("status"), str) or not WORD.fullmatch(wish["status"]):
        problems["status"] = "must be a status: lower-case letters and underscores"
    refuse(problems)
    return _done(
        "payment_intent",
        lambda: sandbox.engine.move_intent(
            wish["payment_intent"], wish["status"], now=sandbox.now()
        ),
    )


def dispute(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the payer's bank, which disputes a payment or asks about it."""
    wish, problems = read_object(wish, "payment_intent", "reason", "amount", "inquiry")
    if not isinstance(wish.get("payment_intent"), str):
        problems["payment_intent"] = "must be the id of a PaymentIntent or of a charge"
    reason = wish.get("reason", "fraudulent")
    _check_word(problems, "reason", reason, tuple(NETWORK_REASON_CODES))
    amount = wish.get("amount")
    if amount is not None and not _is_count(amount):
        problems["amount"] = "must be an integer of at least 1"
    if not isinstance(wish.get("inquiry", False), bool):
        problems["inquiry"] = "must be true or false"
    refuse(problems)
    return _done(
        "payment_intent",
        lambda: sandbox.engine.open_dispute(
            wish["payment_intent"],
            reason,
            amount,
            inquiry=wish.get("inquiry", False),
            now=sandbox.now(),
        ),
    )


def fraud_warning(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the issuer, who warns of a payment."""
    wish, problems = read_object(wish, "payment_intent", "charge", "fraud_type")
    name = "charge" if "charge" in wish else "payment_intent"
    if not isinstance(wish.get(name), str):
        problems[name] = "must be the id of a PaymentIntent or of a charge"
    fraud_type = wish.get("fraud_type", "misc")
    _check_word(problems, "fraud_type", fraud_type, FRAUD_TYPES)
    refuse(problems)
    return _done(
        name,
        lambda: sandbox.engine.warn_of_fraud(wish[name], fraud_type, now=sandbox.now()),
    )


def refund(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the bank that a refund goes to."""
    wish, problems = read_object(wish, "refund", "status", "failure_reason")
    if not isinstance(wish.get("refund"), str):
        problems["refund"] = "must be the id of a refund"
    _check_word(problems, "status", wish.get("status"), STATUSES)
    failure_reason = wish.get("failure_reason")
    if failure_reason is not None:
        _check_word(problems, "failure_reason", failure_reason, FAILURE_REASONS)
        if wish.get("status") != "failed":
            problems["failure_reason"] = "needs the status failed"
    refuse(problems)
    return _done(
        "refund",
        lambda: sandbox.engine.move_refund(
            wish["refund"], wish["status"], failure_reason, now=sandbox.now()
        ),
    )


def card_updated(sandbox: Sandbox, wish: Any) -> dict[str, Any]:
    """Play the card network, which renews a saved card."""
    wish, problems = read_object(wish, "payment_method", "exp_month", "exp_year")
    if not isinstance(wish.get("payment_method"), str):
        problems["payment_method"] = "must be the id of a PaymentMethod"
    month, year = wish.get("exp_month"), wish.get("exp_year")
    if not _is_count(month) or month > 12:
        problems["exp_month"] = "must be an integer from 1 to 12"
    if not _is_count(year) or not 2000 <= year <= 2099:
        problems["exp_year"] = "must be an integer of four digits"
    refuse(problems)
    return _done(
        "payment_method",
        lambda: sandbox.engine.update_card(wish["payment_method"], month, year, now=sandbox.now()),
    )


def _done(name: str, act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Do it; what the engine refuses is told of under the field it is about."""
    try:
        return act()
    except ApiError as error:
        param = error.fields.get("param")
        known = param if param in ("amount", "reason", "failure_reason", "status") else name
        raise BadFields({known: str(error)}) from error


def _check_word(problems: dict[str, str], name: str, word: Any, known: tuple[str, ...]) -> None:
    if word not in known:
        problems[name] = "must be one of " + ", ".join(known)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
