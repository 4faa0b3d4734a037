"""Whether a card may still be used, as far as its expiry tells."""

from datetime import datetime

from payment_service.domain.customer import Card, Customer


def is_expired(customer: Customer, card: Card, now: datetime) -> bool:
    """Whether the card's month is over, or its issuer has replaced it: the same number, later on.

    A card is good until the end of its month; which day that is where the payer lives is not
    known, so it is the end of the month in UTC.
    """
    if (card.exp_year, card.exp_month) < (now.year, now.month):
        return True
    if card.fingerprint is None:
        return False
    return any(
        other.fingerprint == card.fingerprint
        and (other.exp_year, other.exp_month) > (card.exp_year, card.exp_month)
        for other in customer.kept_cards
    )
