"""What only the shop may say of a payment: an end user who says it is refused by name."""

from payment_service.api.incoming import Incoming
from payment_service.domain.errors import FieldError, ServiceRequired

ONLY_SERVICES = "only a service may send this"


def check_fields_of_services(call: Incoming) -> None:
    """Refuse what only the shop may say of a payment. Raises ServiceRequired."""
    sent, told = call.body, ONLY_SERVICES
    # To charge a card whose holder is away is for whoever has their mandate.
    bad = [FieldError("offSession", told)] if sent.get("offSession") is True else []
    # The shop's own programs and reports go by it.
    bad += [FieldError("metadata", told)] if sent.get("metadata") else []
    # Makes Stripe take the card for a stolen one.
    bad += [FieldError("reason", told)] if sent.get("reason") == "fraudulent" else []
    if bad:
        raise ServiceRequired(*bad)
