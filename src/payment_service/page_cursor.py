"""Where a page ended, as an opaque word that a caller may hand back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

INT64_MAX = 2**63 - 1


def cursor_of(created_at: int, id: str) -> str:
    """Return the cursor that stands behind this document."""
    return urlsafe_b64encode(f"{created_at}:{id}".encode()).decode().rstrip("=")


def position_of(cursor: str) -> tuple[int, str]:
    """Return `created_at` and id of the last document seen. Raises ValueError when not ours."""
    try:
        plain = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        number, separator, id_ = plain.partition(":")
        created_at = int(number)
    except ValueError as error:  # UnicodeDecodeError and binascii.Error are ValueErrors too
        raise ValueError("This cursor is not ours.") from error
    # One position has one spelling: what does not come back the same was not written by us.
    known = separator and id_ and abs(created_at) <= INT64_MAX
    if not known or cursor_of(created_at, id_) != cursor:
        raise ValueError("This cursor is not ours.")
    return created_at, id_
