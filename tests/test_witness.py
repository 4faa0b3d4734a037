"""What is told of work that ended in an exception: a bug loudly, an outage of others in a line."""

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from structlog.testing import capture_logs

from payment_service.domain.corridor_attempts import CONTRADICTED, heard_of
from payment_service.domain.moment import Door
from payment_service.ports import GatewayUnavailable, StoreInDoubt, StoreUnavailable, Unavailable
from payment_service.witness import LogWitness
from tests.domain.papers import canceled, intent, moment


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


def test_money_that_another_payment_intent_took_is_an_error_that_names_it_and_is_counted() -> None:
    def told() -> float:
        labels = {"what": CONTRADICTED, "door": "webhook"}
        return REGISTRY.get_sample_value("payment_service_changes_total", labels) or 0.0

    before, known = told(), canceled()
    late = heard_of(
        known,
        intent("succeeded", id="pi_copy"),
        moment(60, door=Door.WEBHOOK),
        seen_with=None,
    )

    with capture_logs() as lines:
        LogWitness().saw(known, late, Door.WEBHOOK)

    (line,) = lines
    assert (line["event"], line["log_level"]) == (CONTRADICTED, "error")
    assert (line["intent_id"], line["late_intent_id"]) == ("pi_1", "pi_copy")
    assert told() == before + 1


def test_no_series_tells_when_it_was_made() -> None:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc()
    Histogram("spans", "Spans.", registry=registry).observe(1)

    shown = f"{generate_latest(registry)!r} {generate_latest(REGISTRY)!r}"

    assert "_created" not in shown
    assert "things_total 1.0" in shown
