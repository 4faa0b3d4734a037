"""What is known of the database before anybody asks."""

import asyncio
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge

from payment_service.api.problems import Overloaded
from payment_service.api.readiness import (
    KNOWN_FOR_S,
    METRICS_ANSWERS_PER_S,
    RENDERING_S,
    MetricsText,
    Readiness,
    ReadyAnswers,
)
from payment_service.ports import StoreUnavailable
from tests.parts.virtual_time import VirtualClock


class Database:
    """A store that can be silent or away."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.error: Exception | None = None

    async def ping(self) -> None:
        self.asked += 1
        await self.answers.wait()
        if self.error is not None:
            raise self.error


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_probe_is_answered_from_what_is_known_and_asks_nobody() -> None:
    database: Any = Database()
    readiness = Readiness(database)
    watching = asyncio.create_task(readiness.watch())
    await turns()

    for _ in range(1000):
        await readiness.check()

    assert database.asked == 1
    watching.cancel()


async def test_a_silent_database_is_not_ready_and_is_not_asked_twice() -> None:
    database: Any = Database()
    database.answers.clear()
    readiness = Readiness(database)
    watching = asyncio.create_task(readiness.watch())
    await asyncio.sleep(1.0)

    with pytest.raises(StoreUnavailable, match="does not answer"):
        await readiness.check()
    assert ReadyAnswers(readiness, VirtualClock(), lambda: True).of(b"/readyz") is None
    assert database.asked == 1
    database.answers.set()
    await asyncio.sleep(1.2)
    await readiness.check()
    watching.cancel()


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("a bug, with a secret")])
async def test_a_database_that_fails_is_not_ready(error: Exception) -> None:
    database: Any = Database()
    database.error = error

    with pytest.raises(StoreUnavailable) as caught:
        await Readiness(database).check()

    assert "secret" not in str(caught.value)


async def test_what_was_found_long_ago_is_not_known() -> None:
    now = [0.0]
    database: Any = Database()
    readiness = Readiness(database, lambda: now[0])

    assert readiness.known_trouble() == ""
    now[0] += KNOWN_FOR_S + 1
    assert readiness.known_trouble() != ""


def test_metrics_are_written_down_for_a_part_of_each_second_only() -> None:
    now = [10.0]

    def clock() -> float:
        now[0] += RENDERING_S / 4  # each look at the clock takes so long
        return now[0]

    registry = CollectorRegistry()
    gauge = Gauge("made_up", "A number.", registry=registry)
    text = MetricsText(registry, clock)
    shown = []
    for number in range(12):
        gauge.set(number)
        shown.append(text.now().split(b"made_up ")[-1].strip())

    assert shown[:2] == [b"0.0", b"1.0"]
    assert shown[-1] != b"11.0"
    now[0] += 1.0
    assert text.now().split(b"made_up ")[-1].strip() == b"11.0"


def test_metrics_are_answered_so_often_a_second() -> None:
    registry = CollectorRegistry()
    text = MetricsText(registry, lambda: 10.0)
    for _ in range(METRICS_ANSWERS_PER_S):
        text.now()

    with pytest.raises(Overloaded):
        text.now()
    database: Any = None
    answers = ReadyAnswers(Readiness(database), VirtualClock(), lambda: True, text)
    ready = answers.of(b"/metrics")
    assert ready is not None
    assert ready[0].startswith(b"HTTP/1.1 503")


async def test_a_process_that_does_not_work_is_not_ready_but_lives() -> None:
    database: Any = Database()
    answers = ReadyAnswers(Readiness(database), VirtualClock(), lambda: False)

    assert answers.of(b"/readyz") is None
    assert answers.of(b"/livez") is not None
    assert answers.of(b"/metrics") is None
