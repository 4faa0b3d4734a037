"""Whoever has much under way begins more only while the processor is idle for a part."""

import pytest

from payment_service.domain.processor_share import (
    BUSY_MAX,
    CREDIT_MAX_S,
    DEBT_MAX_S,
    EXPECTED_S,
    ProcessorShare,
)


def begun(share: ProcessorShare, seconds: float, cost_s: float) -> float:
    """Return how busy the processor is with what begins as soon as it may."""
    now = used_s = 0.0
    while now < seconds:
        while share.begins(now, used_s):
            used_s += cost_s
            now += cost_s
        now += 0.001
    return used_s / now


@pytest.mark.parametrize("cost_s", [0.0002, 0.001, 0.005])
def test_the_processor_is_left_idle_for_a_part_whatever_requests_cost(cost_s: float) -> None:
    busy = begun(ProcessorShare(), 20, cost_s)

    assert busy <= BUSY_MAX
    assert busy >= BUSY_MAX * cost_s / (cost_s + EXPECTED_S) * 0.8


def test_a_burst_has_what_was_left_idle_and_no_more() -> None:
    share = ProcessorShare()
    share.begins(0.0, 0.0)

    burst = sum(share.begins(1000.0, 0.0) for _ in range(100))

    assert burst == pytest.approx(CREDIT_MAX_S / EXPECTED_S, abs=1)


def test_one_long_pause_holds_nobody_up_for_long() -> None:
    share = ProcessorShare()
    share.begins(0.0, 0.0)

    assert not share.begins(10.0, 20.0)
    assert share.begins(10.01 + DEBT_MAX_S / BUSY_MAX, 20.0)
