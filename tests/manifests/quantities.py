"""Sizes as Kubernetes writes them."""

import re

_UNITS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def bytes_of(quantity: str) -> int:
    """Return how many bytes it is. Raises AssertionError for a unit that we do not use."""
    found = re.fullmatch(r"(\d+)(\D*)", quantity)
    assert found, quantity
    assert found[2] in _UNITS, quantity
    return int(found[1]) * _UNITS[found[2]]
