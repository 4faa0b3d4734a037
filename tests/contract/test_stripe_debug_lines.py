"""What a debug line says of a request to Stripe: nobody's name, and no words of a caller's."""

from dataclasses import replace

from structlog.testing import capture_logs

from payment_service.domain.steps import CreateCustomer
from tests.contract.test_stripe_gateway import CREATE, Recorder, asked, ordinary


def test_names_and_callers_words_are_in_no_line() -> None:
    """They have no shape to hide by, and lines outlive a customer that is forgotten."""
    told = replace(CREATE, description="a hat for Ann", metadata={"for": "Ann"})

    with capture_logs() as lines:
        asked(Recorder(ordinary), told)
        asked(Recorder(ordinary), CreateCustomer("key-1", "x@example.com", "Ann"))

    assert [line["event"] for line in lines].count("stripe.asked") == 2
    assert "Ann" not in str(lines)
