"""What is told of work that ended in an exception: a bug loudly, an outage of others in a line."""

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from payment_service.ports import GatewayUnavailable, StoreInDoubt, StoreUnavailable, Unavailable
from payment_service.witness import LogWitness


def stumbles() -> float:
    return REGISTRY.get_sample_value("payment_service_stumbles_total") or 0.0


@pytest.mark.parametrize("kind", [StoreUnavailable, StoreInDoubt, GatewayUnavailable])
def test_an_outage_is_one_line_without_a_traceback_and_no_bug(kind: type[Unavailable]) -> None:
    before = stumbles()

    with capture_logs() as lines:
        LogWitness().stumbled("order-1", kind("the disk is full"))

    told = {"event": "document.waits", "log_level": "warning", "id": "order-1"}
    assert lines == [{**told, "reason": "the disk is full"}]
    assert stumbles() == before


def test_a_bug_is_told_with_its_traceback_and_counted() -> None:
    before, bug = stumbles(), AssertionError("two truths")

    with capture_logs() as lines:
        LogWitness().stumbled("order-1", bug)

    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("document.stumbled", "error")
    ]
    assert lines[0]["exc_info"] is bug
    assert stumbles() == before + 1
