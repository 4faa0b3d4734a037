"""Whose write stands there: every picture that the majority can show, and what follows from it."""

from typing import Any

import pytest

from payment_service.adapters.mongo.verdict import Verdict, verdict

STORED: dict[str, Any] = {"version": 7, "write": "ours"}
INSERT, REPLACE = None, 6
OURS, LOST, NOT_YET, UNKNOWN = Verdict.OURS, Verdict.LOST, Verdict.NOT_YET, Verdict.UNKNOWN


def there(version: int, write: str = "theirs") -> dict[str, Any]:
    return {"_id": "t", "version": version, "write": write}


@pytest.mark.parametrize(
    ("expected", "found", "sure", "in_doubt"),
    [
        (INSERT, there(7, "ours"), OURS, OURS),
        (INSERT, None, NOT_YET, NOT_YET),  # whoever keeps us out is not the majority's yet
        (INSERT, there(0), LOST, LOST),
        (INSERT, there(7), LOST, LOST),
        (INSERT, there(8), LOST, UNKNOWN),  # may have been written over ours
        (REPLACE, there(7, "ours"), OURS, OURS),
        (REPLACE, there(6), NOT_YET, NOT_YET),
        (REPLACE, there(7), LOST, LOST),
        (REPLACE, there(8), LOST, UNKNOWN),
        (REPLACE, None, LOST, UNKNOWN),  # may have been removed after ours
        (REPLACE, there(5), LOST, NOT_YET),  # an old picture, of a primary that has just begun
    ],
)
def test_a_write_that_found_no_place_is_judged_by_what_stands_there(
    expected: int | None, found: dict[str, Any] | None, sure: Verdict, in_doubt: Verdict
) -> None:
    assert verdict(found, STORED, expected_version=expected, doubt=False) is sure
    assert verdict(found, STORED, expected_version=expected, doubt=True) is in_doubt
