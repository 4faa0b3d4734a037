"""What is still to be done at Stripe about one card of a customer: nobody waits for another's."""

from payment_service.domain.customer import CardState, Customer


def is_owed(customer: Customer, payment_method_id: str) -> bool:
    """Whether anything about this card goes on: it is being attached, named, chosen or removed."""
    card = customer.card(payment_method_id)
    if card is None or card.state is CardState.REFUSED:
        return False
    return (
        card.state is not CardState.KEPT
        or not card.named
        or default_is_owed(customer, payment_method_id)
    )


def default_is_owed(customer: Customer, payment_method_id: str) -> bool:
    """Whether this card is to be the default, and Stripe does not have it as that yet."""
    is_wanted = customer.default_payment_method_id == payment_method_id
    return is_wanted and customer.default_at_stripe != payment_method_id


def removal_is_owed(customer: Customer, payment_method_id: str) -> bool:
    """Whether this card is still being removed."""
    card = customer.card(payment_method_id)
    return card is not None and card.state is CardState.REMOVING
