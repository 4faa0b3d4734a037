"""Whose write stands there: decides about a write that found no place, or whose answer was lost."""

from enum import Enum, auto

from payment_service.adapters.mongo.layout import Found


class Verdict(Enum):
    """What became of a write of ours."""

    OURS = auto()  # it was applied, and stands
    LOST = auto()  # it was not applied: somebody else was there first
    NOT_YET = auto()  # what was there before it still shows: try again
    UNKNOWN = auto()  # somebody wrote after it, or after the one that kept it out: nobody can tell


def verdict(
    found: Found | None, stored: Found, *, expected_version: int | None, doubt: bool
) -> Verdict:
    """Judge by what the majority shows of the document.

    expected_version: what the write was to replace, None for an insert. doubt: whether an earlier
    try of the same write may have been applied.
    """
    if found is not None and found["write"] == stored["write"]:
        return Verdict.OURS
    there: int | None = None if found is None else found["version"]
    if there == expected_version:
        return Verdict.NOT_YET
    if not doubt or there == stored["version"]:
        return Verdict.LOST
    if there is None or there > stored["version"]:
        return Verdict.UNKNOWN
    # An older picture than the one the write was made from: of a primary that has just begun.
    return Verdict.LOST if expected_version is None else Verdict.NOT_YET
