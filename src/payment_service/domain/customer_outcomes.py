"""What a customer becomes by a step that was done, refused or given up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, assert_never

from payment_service.domain.customer import (
    Asked,
    Card,
    CardState,
    Customer,
    StepRefusal,
    refused_card,
    without_card,
)
from payment_service.domain.customer_emails import switched, without_update
from payment_service.domain.email_address import followed_email
from payment_service.domain.moment import Moment
from payment_service.domain.news import Denial, SeenCustomer
from payment_service.domain.steps import (
    AttachCard,
    CreateCustomer,
    CreateSetup,
    DeleteCustomer,
    DetachCard,
    NameCard,
    SetDefaultCard,
    UpdateCustomer,
)
from payment_service.domain.stripe_errors import MISSING

# Steps about a card that is there already; without them it stands as it stood.
OwedCardStep = DetachCard | NameCard | SetDefaultCard
CardStep = AttachCard | OwedCardStep
AskStep = CreateCustomer | UpdateCustomer | DeleteCustomer | CreateSetup | CardStep


def given_up(customer: Customer, step: OwedCardStep, error: Denial) -> Customer:
    """Return the customer as it stands at Stripe, where this step was not done."""
    customer = _with_refusal(customer, step, error, declined=False)
    match step:
        case DetachCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: replace(c, state=CardState.KEPT))
        case NameCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: replace(c, named=True))
        case SetDefaultCard():
            return _default_as_before(customer)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def _default_as_before(customer: Customer) -> Customer:
    """Return the customer with the default that Stripe had before it would not make it another.

    Without one ours stands, for we charge by name; looks bring it to be asked for again, less and
    less often.
    """
    before = customer.asked.default_before if customer.asked else None
    card = customer.card(before) if before else None
    chosen = before if card and card.state is CardState.KEPT else customer.default_payment_method_id
    return replace(customer, default_payment_method_id=chosen, default_at_stripe=chosen)


def updated(customer: Customer, step: UpdateCustomer, moment: Moment) -> Customer:
    """Return the customer after Stripe has taken its other e-mail or name."""
    after = replace(customer, name=step.name or customer.name, update=None)
    return switched(after, moment) if customer.email_claimed else after


def update_refused(
    customer: Customer, step: UpdateCustomer, error: Denial, moment: Moment
) -> Customer:
    """Return the customer as it was before an update that Stripe would not have."""
    after = _with_refusal(customer, step, error, declined=False)
    return without_update(after, moment.now)


def _with_refusal(
    customer: Customer, step: CardStep | UpdateCustomer, error: Denial, *, declined: bool
) -> Customer:
    made = StepRefusal(
        step=type(step).__name__,
        number=customer.calls_made,
        code=error.code,
        message=error.message,
        param=error.param,
        payment_method_id=getattr(step, "payment_method_id", None),
        declined=declined,
    )
    others = (one for one in customer.refusals if one.step != made.step)
    return replace(customer, refusals=(*others, made))


def refused(customer: Customer, step: AskStep, error: Denial, *, declined: bool) -> Customer:
    """Return the customer after Stripe refused a step, with the reason for whoever asked."""
    if isinstance(step, CardStep):
        customer = _with_refusal(customer, step, error, declined=declined)
        return _without_what_was_refused(customer, step, error, declined=declined)
    why: dict[str, Any] = {
        "refusal_code": error.code,
        "refusal_message": error.message,
        "refusal_param": error.param,
    }
    if not isinstance(step, CreateSetup):
        return replace(customer, **why)
    setup = customer.setup
    return replace(customer, setup=None if setup is None else replace(setup, **why))


def _without_what_was_refused(
    customer: Customer, step: CardStep, error: Denial, *, declined: bool
) -> Customer:
    match step:
        case AttachCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: refused_card(c, error, declined=declined))
        case DetachCard(payment_method_id=card_id):
            if error.code == MISSING or customer.is_forgotten:
                return without_card(customer, card_id)
            # It may not be attached any more, as a look will show.
            return _map_card(customer, card_id, lambda c: replace(c, state=CardState.KEPT))
        case NameCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: replace(c, named=True))
        case SetDefaultCard(payment_method_id=card_id):
            if card_id is not None and error.code == MISSING:
                return without_card(customer, card_id)  # somebody detached it at Stripe
            return _default_as_before(customer)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def done(customer: Customer, step: CardStep) -> Customer:
    """Return the customer after Stripe has done a step about a card."""
    match step:
        case AttachCard(payment_method_id=card_id):
            return _map_card(customer, card_id, lambda c: replace(c, state=CardState.KEPT))
        case DetachCard(payment_method_id=card_id):
            return without_card(customer, card_id)
        case NameCard(payment_method_id=card_id, cardholder_name=name):
            return _map_card(
                customer, card_id, lambda c: replace(c, named=(c.cardholder_name or "") == name)
            )
        case SetDefaultCard(payment_method_id=card_id):
            return replace(customer, default_at_stripe=card_id, looks=0)
        case _:  # pragma: no cover - the union is closed
            assert_never(step)


def shows(seen: SeenCustomer, asked: Asked) -> bool:
    """Whether Stripe shows the customer as this request about a card was to make it."""
    card = next((c for c in seen.cards if c.payment_method_id == asked.payment_method_id), None)
    match asked.step:
        case AttachCard.__name__:
            return card is not None
        case DetachCard.__name__:
            return card is None
        case SetDefaultCard.__name__:
            return seen.default_payment_method_id == asked.payment_method_id
        case NameCard.__name__:
            return card is not None and (card.cardholder_name or "") == asked.cardholder_name
        case UpdateCustomer.__name__:
            email = followed_email(seen.email)
            return asked.email in {None, email} and asked.name in {None, seen.name}
        case _:
            return False


def _map_card(
    customer: Customer, payment_method_id: str, change: Callable[[Card], Card]
) -> Customer:
    cards = (change(c) if c.payment_method_id == payment_method_id else c for c in customer.cards)
    return replace(customer, cards=tuple(cards))
