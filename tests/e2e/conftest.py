"""Whole processes are told apart by what they do, not by which lines ran."""

import pytest


@pytest.fixture(autouse=True)
def _lines_are_not_counted(no_cover: None) -> None:
    """Run at full speed: counting doubles the time, and other tests cover domain and flows."""
