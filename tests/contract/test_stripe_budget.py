"""The budget in front of Stripe, by itself: rates, fairness, patience. Time is a number here."""

from bisect import bisect_left
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.adapters.stripe.budget import (
    PAYERS_IN_A_ROW_MAX,
    WAITING_MAX,
    WINDOW_S,
    Budget,
    Rate,
    Waiter,
    Whose,
    endpoint_of,
)
from payment_service.adapters.stripe.rate import PAUSE_MAX_S

CREATE, READ = "post /v1/payment_intents", "get /v1/payment_intents/{id}"
STEP_S = 0.01


def most_in_a_second(sent: list[float]) -> int:
    """Return the most that any window of a second holds."""
    return max((bisect_left(sent, at + 1.0) - i for i, at in enumerate(sent)), default=0)


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/v1/payment_intents", "post /v1/payment_intents"),
        ("/v1/payment_intents/pi_1/confirm", "post /v1/payment_intents/{id}/confirm"),
        ("/v1/customers/cus_1", "post /v1/customers/{id}"),
        ("/v1/radar/early_fraud_warnings", "post /v1/radar/early_fraud_warnings"),
        ("/v1/radar/early_fraud_warnings/issfr_1", "post /v1/radar/early_fraud_warnings/{id}"),
    ],
)
def test_an_endpoint_is_a_method_and_a_path_without_ids(path: str, endpoint: str) -> None:
    assert endpoint_of("post", path) == endpoint


def test_what_is_within_the_rate_goes_at_once_and_the_next_a_window_later() -> None:
    rate = Rate(25)

    for _ in range(25):
        assert rate.free_at(10.0) <= 10.0
        rate.take(10.0)

    assert rate.free_at(10.0) == 10.0 + WINDOW_S


def test_no_limit_is_no_limit() -> None:
    rate = Rate(0)
    for _ in range(1000):
        rate.take(1.0)

    assert rate.free_at(1.0) <= 1.0
    assert rate.turn_at(10**6, 1.0) == 1.0


arrivals = st.lists(
    st.tuples(
        st.floats(0, 3, allow_nan=False),
        st.sampled_from([CREATE, READ, "get /v1/events", "post /v1/refunds"]),
        st.sampled_from(list(Whose)),
        st.booleans(),
    ),
    max_size=120,
)


@given(arrivals, st.integers(1, 12), st.integers(1, 12))
def test_no_second_ever_holds_more_than_the_rate_and_everybody_has_a_turn(
    coming: list[tuple[float, str, Whose, bool]], per_s: int, per_endpoint_s: int
) -> None:
    """Whatever arrives, and whoever gives up."""
    budget = Budget(per_s=per_s, per_endpoint_s=per_endpoint_s)
    sent: list[tuple[float, str]] = []
    left, gave_up = [], 0

    def let(now: float) -> None:
        sent.extend((now, waiter.endpoint) for waiter in budget.turns(now))

    for now, endpoint, whose, gives_up in sorted(coming):
        let(now)
        if budget.takes_at_once(endpoint, whose, now):
            sent.append((now, endpoint))
            continue
        waiter = budget.enter(endpoint, whose)
        if gives_up:
            gave_up += 1
            left.append(waiter)
            budget.leave(waiter)
    now = 3.0
    while (at := budget.next_at(now)) is not None:
        now = max(now, at)
        before = len(sent)
        let(now)
        assert len(sent) > before, "a turn was promised"

    assert len(sent) == len(coming) - gave_up
    assert budget.waiting == [0, 0]
    assert most_in_a_second([at for at, _ in sent]) <= per_s
    for endpoint in {endpoint for _, endpoint in sent}:
        assert most_in_a_second([at for at, to in sent if to == endpoint]) <= per_endpoint_s


def drained(budget: Budget, seconds: float) -> list[tuple[float, Waiter]]:
    """Let time pass; return who had a turn and when."""
    return [
        (step * STEP_S, waiter)
        for step in range(int(seconds / STEP_S))
        for waiter in budget.turns(step * STEP_S)
    ]


def test_within_a_class_who_came_first_goes_first() -> None:
    budget = Budget(per_s=7, per_endpoint_s=5)
    for number in range(40):
        budget.enter(CREATE if number % 3 else READ, Whose.PAYER)

    order = [waiter for _, waiter in drained(budget, 20)]

    for endpoint in (CREATE, READ):
        numbers = [waiter.number for waiter in order if waiter.endpoint == endpoint]
        assert all(one < other for one, other in pairwise(numbers))
    assert len(order) == 40


def test_payers_come_first_and_background_work_has_its_fifth() -> None:
    budget = Budget(per_s=10, per_endpoint_s=10)
    for _ in range(100):
        budget.enter(CREATE, Whose.BACKGROUND)
    for _ in range(400):
        budget.enter(CREATE, Whose.PAYER)

    turns = [waiter.whose for _, waiter in drained(budget, 21)][:200]

    assert turns[:PAYERS_IN_A_ROW_MAX] == [Whose.PAYER] * PAYERS_IN_A_ROW_MAX
    assert Counter(turns) == {Whose.PAYER: 160, Whose.BACKGROUND: 40}


@pytest.mark.parametrize("per_endpoint_s", [3, 5])
def test_a_fifth_is_had_at_each_endpoint_whatever_goes_on_at_others(per_endpoint_s: int) -> None:
    """Turns of background work elsewhere must not count as its turn here."""
    budget = Budget(per_s=100, per_endpoint_s=per_endpoint_s)
    for _ in range(60):
        budget.enter(CREATE, Whose.PAYER)
        budget.enter(CREATE, Whose.BACKGROUND)
        budget.enter(READ, Whose.BACKGROUND)

    here = [w.whose for _, w in drained(budget, 10) if w.endpoint == CREATE]

    assert Counter(here)[Whose.BACKGROUND] == len(here) // 5


def test_a_fifth_is_had_of_the_whole_when_payers_use_up_the_account() -> None:
    budget = Budget(per_s=10, per_endpoint_s=10)
    for number in range(200):
        budget.enter(f"post /v1/{number % 4}", Whose.PAYER)
        budget.enter("get /v1/events", Whose.BACKGROUND)

    turns = Counter(waiter.whose for _, waiter in drained(budget, 10))

    assert turns[Whose.BACKGROUND] >= sum(turns.values()) // 5


def test_an_endpoint_that_is_full_holds_up_no_other() -> None:
    budget = Budget(per_s=100, per_endpoint_s=2)
    while budget.takes_at_once(CREATE, Whose.PAYER, 0.0):
        pass
    budget.enter(CREATE, Whose.PAYER)

    assert budget.takes_at_once(READ, Whose.BACKGROUND, 0.0)


@pytest.mark.parametrize("whose", list(Whose))
def test_the_wait_that_is_told_is_the_wait_that_comes(whose: Whose) -> None:
    """While nobody else comes."""
    budget = Budget(per_s=8, per_endpoint_s=5)
    for number in range(30):
        budget.enter(CREATE, Whose(number % 2))
    told = budget.wait_s(CREATE, whose, 0.0)
    last = budget.enter(CREATE, whose)

    waited = next(at for at, waiter in drained(budget, 20) if waiter is last)

    assert waited == pytest.approx(told, abs=WINDOW_S / 2)


def test_the_line_has_an_end() -> None:
    budget = Budget(per_s=1, per_endpoint_s=1)
    for _ in range(WAITING_MAX):
        budget.enter(CREATE, Whose.PAYER)

    with pytest.raises(OverflowError):
        budget.enter(CREATE, Whose.PAYER)


def test_after_a_refusal_there_is_a_pause_and_then_half_the_rate_until_it_has_grown_back() -> None:
    rate = Rate(24)

    rate.refused(10.0, sent_at=9.9, retry_after_s=2.0, spread=0.5)

    assert rate.free_at(10.0) == 12.0
    assert rate.limit(10.0) == 12
    assert 12 < rate.limit(20.0) < 24
    assert rate.limit(26.0) == 24


def test_those_refused_together_count_once() -> None:
    rate = Rate(24)

    for _ in range(20):
        rate.refused(10.0, sent_at=9.9, retry_after_s=None, spread=0.0)

    assert rate.limit(10.0) == 12
    assert rate.free_at(10.0) == pytest.approx(10.125)


def test_refusals_in_a_row_make_the_pauses_longer_up_to_a_bound_and_the_rate_never_nothing() -> (
    None
):
    rate = Rate(24)
    pauses = []
    now = 10.0
    for _ in range(8):
        rate.refused(now, sent_at=now - 0.01, retry_after_s=None, spread=1.0)
        pauses.append(rate.free_at(now) - now)
        now += pauses[-1] + 0.1

    assert pauses[:3] == pytest.approx([0.25, 0.5, 1.0])
    assert max(pauses) == pytest.approx(PAUSE_MAX_S)
    assert rate.limit(now) >= 1

    rate.accepted(sent_at=now)
    rate.refused(now + 1, sent_at=now + 0.9, retry_after_s=None, spread=1.0)

    assert rate.free_at(now + 1) - (now + 1) == pytest.approx(0.25)


def test_a_refused_account_pauses_every_endpoint_and_a_refused_endpoint_only_itself() -> None:
    budget = Budget(per_s=0, per_endpoint_s=0)

    budget.rate_of(CREATE).refused(1.0, sent_at=0.9, retry_after_s=5.0, spread=0.0)
    assert not budget.takes_at_once(CREATE, Whose.PAYER, 2.0)
    assert budget.takes_at_once(READ, Whose.PAYER, 2.0)

    budget.rate_of(None).refused(2.0, sent_at=1.9, retry_after_s=5.0, spread=0.0)
    assert not budget.takes_at_once(READ, Whose.PAYER, 3.0)
    assert budget.takes_at_once(READ, Whose.PAYER, 7.0)
