"""The request id that a caller may choose: it goes into every line, and to Stripe as metadata."""

import re
from typing import Final

from payment_service.domain.card_number import holds_card_number, may_hold_card_number

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


def sane_request_id(sent: bytes) -> str:
    """Return the id that was sent; "" for none that is kept: a new one is made instead.

    It has 1 to 128 letters, digits and `._:-`, and does not look like a card number.
    """
    if not _REQUEST_ID.fullmatch(sent):
        return ""
    given = sent.decode()
    return "" if may_hold_card_number(sent) and holds_card_number(given) else given
