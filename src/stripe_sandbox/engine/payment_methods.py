"""Payment methods: made from tokens, attached to customers, found wherever their id may stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from stripe_sandbox.engine import cards, lists, shapes
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.errors import ApiError, card_error, invalid
from stripe_sandbox.engine.parameters import merge_metadata, missing
from stripe_sandbox.engine.records import PaymentMethod, Wire
from stripe_sandbox.engine.state import Cause, State

_SPENT: Final = (
    "This PaymentMethod was previously used without being attached to a Customer or was detached "
    "from a Customer, and may not be used again."
)


def create(call: Call) -> Wire:
    """Make a payment method of a customer who is still unknown."""
    if call.get("customer") is not None:
        raise invalid(
            "You cannot attach a PaymentMethod to a Customer during PaymentMethod creation. "
            "Instead, create the PaymentMethod and then attach it to a Customer using the attach "
            "method of the PaymentMethods API.",
            param="customer",
        )
    if call.get("type") is None:
        raise missing("type")
    return shapes.payment_method(make(call, call.parameters))


def make(call: Call, given: dict[str, Any]) -> PaymentMethod:
    """Make a payment method from its parameters, or from those in payment_method_data."""
    expiry: tuple[str, int, int] = ("", 0, 0)
    if given["type"] == "card":
        expiry = _card_given(call, given.get("card") or {})
    number, exp_month, exp_year = expiry
    method = PaymentMethod(
        id=call.state.ids.dated("pm_1", call.cause.now),
        created=call.cause.now,
        type=given["type"],
        billing_details=_billing_details(given.get("billing_details"), shapes.BILLING_DETAILS),
        metadata=merge_metadata({}, given),
        number=number,
        exp_month=exp_month,
        exp_year=exp_year,
        allow_redisplay=given.get("allow_redisplay") or "unspecified",
        set_up=cards.card_of(number).set_up,
    )
    return call.state.payment_methods.put(method)


def retrieve(call: Call) -> Wire:
    """Return a payment method; reading a pm_card_ id makes one."""
    return shapes.payment_method(in_path(call))


def update(call: Call) -> Wire:
    """Change an attached payment method."""
    before = in_path(call)
    if before.customer is None:
        raise invalid(
            "You must save this PaymentMethod to a customer before you can update it.",
        )
    given = call.parameters
    changes: dict[str, Any] = {"metadata": merge_metadata(before.metadata, given)}
    if given.get("allow_redisplay") is not None:
        changes["allow_redisplay"] = given["allow_redisplay"]
    if given.get("billing_details") is not None:
        changes["billing_details"] = _billing_details(
            given["billing_details"], before.billing_details
        )
    card = given.get("card") or {}
    for name in ("exp_month", "exp_year"):
        if card.get(name) is not None:
            changes[name] = card[name]
    after = call.state.payment_methods.put(replace(before, **changes))
    if after != before:
        call.state.emit(call.cause, "payment_method.updated", after, before)
    return shapes.payment_method(after)


def attach(call: Call) -> Wire:
    """Attach a payment method to a customer."""
    method = in_path(call)
    customer_id = call.get("customer")
    if customer_id is None:
        raise invalid("Must provide customer or customer_account.", code="parameter_missing")
    customer = call.state.customers.get(customer_id)
    if customer is None or customer.deleted:
        raise lists.not_in_parameter(call, "customer", customer_id, "customer")
    if method.customer == customer_id:
        return shapes.payment_method(method)
    check_attachable(method, customer_id)
    return shapes.payment_method(attach_to(call.state, call.cause, method, customer_id))


def check_attachable(method: PaymentMethod, customer_id: str) -> None:
    """Refuse a method that is taken, used up, or that its issuer declines."""
    if method.customer not in (None, customer_id):
        raise invalid("The payment method you provided has already been attached to a customer.")
    if method.spent:
        raise invalid(_SPENT)
    card = cards.card_of(method.number)
    if method.type == "card" and card.decline is not None and not card.attachable:
        raise card_error({**decline_fields(card.decline), "param": card.decline.param or ""})


def attach_to(state: State, cause: Cause, method: PaymentMethod, customer_id: str) -> PaymentMethod:
    """Attach, which asks the network about the card."""
    after = replace(method, customer=customer_id, cvc_check=_checked(method))
    state.payment_methods.put(after)
    state.methods_of.setdefault(customer_id, []).append(after.id)
    state.emit(cause, "payment_method.attached", after)
    return after


def detach(call: Call) -> Wire:
    """Detach a payment method, for good."""
    method = in_path(call)
    if method.customer is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is "
            "impossible."
        )
    return shapes.payment_method(detach_from(call, method.id))


def detach_from(call: Call, method_id: str) -> PaymentMethod:
    """Take a method from its customer; it may not be used again."""
    before = call.state.payment_methods.get(method_id)
    assert before is not None
    assert before.customer is not None
    call.state.methods_of[before.customer].remove(method_id)
    customer = call.state.customers.get(before.customer)
    if customer is not None and customer.default_payment_method == method_id:
        call.state.customers.put(replace(customer, default_payment_method=None))
    after = call.state.payment_methods.put(replace(before, customer=None, spent=True))
    call.state.emit(call.cause, "payment_method.detached", after, before)
    return after


def list_all(call: Call) -> Wire:
    """List the payment methods of a customer; without one the list is empty."""
    customer_id = call.get("customer")
    if customer_id is None:
        return {"object": "list", "data": [], "has_more": False, "url": call.path}
    customer = call.state.customers.get(customer_id)
    if customer is None or customer.deleted:
        raise lists.not_in_parameter(call, "customer", customer_id, "customer")
    return list_of(call, customer_id)


def list_of(call: Call, customer_id: str) -> Wire:
    """List the payment methods of one customer, by type and allow_redisplay."""
    kind, redisplay = call.get("type"), call.get("allow_redisplay")
    return lists.page(
        call,
        call.state.payment_methods,
        "PaymentMethod",
        among=call.state.methods_of.get(customer_id, []),
        keep=lambda row: kind in (None, row.type) and redisplay in (None, row.allow_redisplay),
        write=shapes.payment_method,
    )


def retrieve_of(call: Call, customer_id: str, method_id: str) -> Wire:
    """Return a payment method only if it is attached to the customer."""
    method = call.state.payment_methods.get(method_id)
    if method is None:
        raise lists.not_in_path(call, "PaymentMethod", method_id, "payment_method")
    if method.customer != customer_id:
        raise invalid("Invalid request", param="customer", status=404)
    return shapes.payment_method(method)


def in_path(call: Call) -> PaymentMethod:
    """Find the payment method in the path."""
    method = _known(call, call.ids[0])
    if method is None:
        raise lists.not_in_path(call, "PaymentMethod", call.ids[0], "payment_method")
    return method


def resolve(call: Call, method_id: str, *, param: str = "payment_method") -> PaymentMethod:
    """Find the payment method a parameter names."""
    method = _known(call, method_id)
    if method is None:
        raise lists.not_in_parameter(call, "PaymentMethod", method_id, param)
    return method


def _known(call: Call, method_id: str) -> PaymentMethod | None:
    """Find a method; each use of a pm_card_ id makes a new one."""
    card = cards.by_alias(method_id, "pm_card_")
    if card is None:
        return call.state.payment_methods.get(method_id)
    return make(call, {"type": "card", "card": {"token": "tok_" + card.names[0]}})


def check_owner(method: PaymentMethod, customer_id: str | None, param: str) -> None:
    """Refuse the method of another customer."""
    if method.customer is None or method.customer == customer_id:
        return
    if customer_id is None:
        # The real API names the parameter `source` here, a name from before PaymentMethods.
        raise invalid(
            f"The `payment_method` parameter supplied {method.id} belongs to the Customer "
            f"{method.customer}. Please include the Customer in the `customer` parameter on the "
            "PaymentIntent.",
            param="source",
            code="parameter_missing",
        )
    raise invalid(
        f"The PaymentMethod {method.id} does not belong to the Customer you supplied "
        f"{customer_id}. Please use this PaymentMethod with the Customer that it belongs to "
        "instead.",
        param=param,
    )


def check_unspent(method: PaymentMethod) -> None:
    """Refuse a method that was used up."""
    if method.spent:
        raise invalid(_SPENT)


def used(state: State, method: PaymentMethod) -> PaymentMethod:
    """Note that the network has seen the card."""
    if method.cvc_check == "pass":
        return method
    return state.payment_methods.put(replace(method, cvc_check=_checked(method)))


def decline_fields(decline: cards.Decline) -> dict[str, Any]:
    """Return what an error object says of a decline."""
    return {
        "advice_code": decline.advice_code,
        "code": decline.code,
        "decline_code": decline.decline_code,
        "message": decline.message,
        "network_advice_code": decline.network_advice_code,
        "network_decline_code": decline.network_decline_code,
        "param": decline.param,
    }


def address(given: Wire | None, old: Wire | None) -> Wire | None:
    """Return an address with all its keys; None unsets it."""
    if given is None:
        return None
    return {name: given.get(name, (old or {}).get(name)) for name in shapes.ADDRESS}


def _checked(method: PaymentMethod) -> str:
    """Return what the network says of the security code."""
    decline = cards.card_of(method.number).decline
    return "fail" if decline is not None and decline.code == "incorrect_cvc" else "pass"


def _billing_details(given: Wire | None, old: Wire) -> Wire:
    if not given:
        return old
    details = {name: given.get(name, old[name]) for name in shapes.BILLING_DETAILS}
    if "address" in given:
        details["address"] = address(given["address"] or {}, old["address"])
    return details


def _card_given(call: Call, card: dict[str, Any]) -> tuple[str, int, int]:
    """Return number, month and year from a token or, where that is allowed, a number."""
    if card.get("token") is not None:
        # Test tokens expire a year after the month they are used in.
        moment = datetime.fromtimestamp(call.cause.now, tz=UTC)
        return _number_of(card["token"]), moment.month, moment.year + 1
    if card.get("number") is None:
        raise missing("card")
    config = call.state.config
    if not config.raw_card_numbers:
        raise invalid(
            "Sending credit card numbers directly to the Stripe API is generally unsafe. We "
            "suggest you use test tokens that map to the test card you are using, see "
            "https://stripe.com/docs/testing. To enable testing raw card data APIs, see "
            "https://support.stripe.com/questions/enabling-access-to-raw-card-data-apis.",
            code=config.raw_card_refusal_code,
            status=config.raw_card_refusal_status,
        )
    return _raw_card(card)


def _number_of(token: str) -> str:
    card = cards.by_alias(token, "tok_")
    if card is not None:
        return card.number
    if not token.startswith("tok_"):
        raise invalid(f"Invalid token id: {token}", param="token")
    raise invalid(f"No such token: '{token}'", param="card[token]", code="resource_missing")


def _raw_card(card: dict[str, Any]) -> tuple[str, int, int]:
    for name in ("exp_month", "exp_year"):
        if card.get(name) is None:
            raise missing(f"card[{name}]")
    number = card["number"].replace(" ", "").replace("-", "")
    right = number.isascii() and number.isdigit() and 12 <= len(number) <= 19
    if not right or not cards.luhn_holds(number):
        raise _refused_number()
    year = card["exp_year"]
    return number, card["exp_month"], year + 2000 if year < 100 else year


def _refused_number() -> ApiError:
    return card_error(decline_fields(cards.INCORRECT_NUMBER))
