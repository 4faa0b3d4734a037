"""Lives are lived in silence; what is logged in them has a test of its own."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.campaign import be_quiet


@pytest.fixture(autouse=True)
def _lines_are_not_counted(no_cover: None) -> None:
    """Live at full speed: counting doubles the time, and other tests cover domain and flows."""


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    before = structlog.get_config()
    be_quiet()
    yield
    structlog.configure(**before)
