"""How a refused charge ended: told by a look, kept with the refusal that it belongs to."""

from dataclasses import replace

from payment_service.domain.card_refusals import refused_to
from payment_service.domain.corridor_attempts import heard_of
from payment_service.domain.news import ChargeOutcome, Declined, Denial, Intent
from payment_service.domain.outcome import stands
from payment_service.domain.payment import Payment, State
from tests.domain.papers import DENIAL, canceled, created, heard, intent, moment, opened

BLOCKED = ChargeOutcome("blocked", "highest", "highest_risk_level")
OPEN = intent("requires_payment_method", charge_id="ch_1")
SHOWN = replace(OPEN, charge_outcome=BLOCKED)


def refused(denial: Denial | None = None) -> Payment:
    """Return a payment whose card was refused with a charge."""
    denial = denial or replace(DENIAL, charge_id="ch_1")
    return heard(opened(), Declined(denial, OPEN), 0)


def looked_at(payment: Payment, shown: Intent = SHOWN) -> Payment:
    return heard_of(payment, shown, moment(5), seen_with=None)


def test_what_stripe_says_of_a_refusal_is_kept_with_the_payment_and_the_attempt() -> None:
    said = Denial("c", "m", "d", "p", "do_not_try_again", "03", "43", BLOCKED, "ch_1")
    payment = refused(said)

    assert payment.failure is not None
    assert payment.failure.denial == said
    assert payment.past_attempts[-1].denial == replace(said, charge_id=None)


def test_a_look_that_shows_the_charge_tells_its_outcome_once() -> None:
    before = refused()
    after = looked_at(before)

    assert not stands(before, SHOWN)
    assert stands(after, SHOWN)
    assert after.failure is not None
    assert (after.failure.charge_outcome, after.past_attempts[-1].charge_outcome) == (
        BLOCKED,
        BLOCKED,
    )
    assert (after.status, len(after.history)) == (before.status, len(before.history))


def test_the_outcome_of_another_charge_is_not_told_of_this_refusal() -> None:
    before = refused(DENIAL)  # it left no charge: the payer was not there to authenticate

    assert stands(before, SHOWN)
    assert looked_at(before).failure == before.failure


def test_the_outcome_of_a_try_of_the_payers_client_is_kept_with_the_payment_alone() -> None:
    denial = replace(DENIAL, charge_id="ch_1")
    tried = looked_at(created(), replace(OPEN, last_error=denial))
    assert tried.failure is not None
    assert tried.failure.charge_outcome is None

    after = looked_at(tried)

    assert after.failure is not None
    assert after.failure.charge_outcome == BLOCKED
    assert [past.charge_outcome for past in after.past_attempts] == [None]


def test_of_what_is_canceled_nothing_more_is_told() -> None:
    ended = replace(refused(), status=State.CANCELED)

    assert stands(ended, replace(SHOWN, status="canceled"))
    assert stands(canceled(), intent("canceled"))


def test_that_the_outcome_became_known_is_no_second_refusal_and_another_charge_is() -> None:
    before = refused()
    after = looked_at(before)
    denial = replace(DENIAL, charge_id="ch_2", charge_outcome=BLOCKED)
    again = looked_at(before, replace(OPEN, charge_id="ch_2", last_error=denial))

    assert refused_to(opened(), before, "") != ()
    assert refused_to(before, after, "") == ()
    assert refused_to(before, again, "") != ()
    assert refused_to(after, again, "") != ()
