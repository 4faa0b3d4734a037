"""The request id that a caller may choose: it goes into every line, and to Stripe as metadata."""

import re
from typing import Final

from payment_service.domain.card_number import holds_card_number, may_hold_card_number

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# What most callers send; it is never taken for a card number.
_UUID: Final = re.compile(rb"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")


def sane_request_id(sent: bytes) -> str:
    """Return the id that was sent; "" for none that is kept: a new one is made instead.

    It has 1 to 128 letters, digits and `._:-`, and does not look like a card number.
    """
    if not _REQUEST_ID.fullmatch(sent):
        return ""
    if _UUID.fullmatch(sent):
        return sent.decode()
    # A colon parts the groups of addresses elsewhere; here it is one of few marks that there are.
    digits = sent.replace(b":", b"-")
    if may_hold_card_number(digits) and holds_card_number(digits.decode()):
        return ""
    return sent.decode()
