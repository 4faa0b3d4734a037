"""Each caller has a share in front of Stripe: a flood of one leaves the others their turn."""

import asyncio
from collections.abc import Awaitable, Callable
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.adapters.stripe import StripeGateway
from payment_service.adapters.stripe.budget import WAITING_MAX, WINDOW_S, Budget, Whose
from payment_service.domain.news import IntentSeen, News
from payment_service.domain.steps import ReadIntent
from payment_service.ports import ASKED_BY, MAY_WAIT, Asker
from tests.contract.test_stripe_budget import CREATE, READ, drained, most_in_a_second
from tests.contract.test_stripe_turns import Timed, charge, gateway
from tests.parts.virtual_time import run

SECONDS = 12
ENDPOINTS = [f"post /v1/{number}" for number in range(8)]


class Named(Asker):
    """A caller by its name."""

    def __init__(self, name: str) -> None:
        self.name = name


async def read(ours: StripeGateway) -> News:
    return await ours.ask(ReadIntent("ord_1", "pi_1"))


def waits_beside_a_flood(
    floods: list[Callable[[StripeGateway], Awaitable[News]]], *, a_second: float, begins_s: float
) -> tuple[list[float], Timed]:
    """Return how long the charges of a caller took beside 300 askers of another one, in seconds."""
    waited: list[float] = []
    http = Timed()

    async def flood(ours: StripeGateway, ask: Callable[[StripeGateway], Awaitable[News]]) -> None:
        ASKED_BY.set(Named("flood"))
        while asyncio.get_running_loop().time() < SECONDS:
            await ask(ours)
            await asyncio.sleep(0.3)

    async def one(ours: StripeGateway) -> None:
        ASKED_BY.set(Named("shop"))
        began = asyncio.get_running_loop().time()
        assert isinstance(await charge(ours), IntentSeen)
        waited.append(asyncio.get_running_loop().time() - began)

    async def main() -> None:
        ours = gateway(http, per_s=100, per_endpoint_s=25)
        flooding = [asyncio.create_task(flood(ours, ask)) for ask in floods for _ in range(300)]
        await asyncio.sleep(begins_s)
        paying = []
        while asyncio.get_running_loop().time() < SECONDS:
            paying.append(asyncio.create_task(one(ours)))
            await asyncio.sleep(1 / a_second)
        await asyncio.gather(*flooding, *paying)

    run(main)
    return waited, http


@pytest.mark.parametrize("begins_s", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("floods", [[charge], [read], [charge, read]])
def test_who_asks_for_less_than_a_share_never_waits_beside_a_flood(
    floods: list[Callable[[StripeGateway], Awaitable[News]]], begins_s: float
) -> None:
    """Also when nothing was heard of it before the flood began."""
    waited, http = waits_beside_a_flood(floods, a_second=4, begins_s=begins_s)

    assert max(waited) == 0
    assert len(http.at) > SECONDS * 25 * 0.7 * len(floods), "most of what is left is the flood's"
    assert most_in_a_second(http.at) <= 25 * len(floods)


def test_who_asks_for_nearly_half_waits_for_single_turns_and_no_window() -> None:
    waited, _ = waits_beside_a_flood([charge], a_second=11, begins_s=2.0)

    assert median(waited) == 0
    assert max(waited) <= WINDOW_S / 4


def test_a_flood_over_many_endpoints_leaves_a_share_of_the_account() -> None:
    budget = Budget(per_s=100, per_endpoint_s=25)
    for endpoint in ENDPOINTS:
        while budget.takes_at_once(endpoint, Whose.PAYER, 0.0, "flood"):
            pass
        for _ in range(100):
            budget.enter(endpoint, Whose.PAYER, "flood")

    taken = [budget.takes_at_once(CREATE, Whose.PAYER, 0.1, "shop") for _ in range(20)]

    assert all(taken)


def test_while_two_flood_each_has_half() -> None:
    budget = Budget(per_s=100, per_endpoint_s=10)
    for caller in ("one", "other"):
        budget.takes_at_once(CREATE, Whose.PAYER, 0.0, caller)
        for _ in range(100):
            budget.enter(CREATE, Whose.PAYER, caller)

    callers = [waiter.caller for _, waiter in drained(budget, 12)]

    assert len(callers) > 12 * 7
    assert abs(callers.count("one") - callers.count("other")) <= 2


def test_only_one_caller_has_the_whole_window_after_an_hour_alone() -> None:
    budget = Budget(per_s=100, per_endpoint_s=10)

    def at_once(now: float) -> int:
        return sum(budget.takes_at_once(CREATE, Whose.PAYER, now, "shop") for _ in range(20))

    assert (at_once(0.0), at_once(3599.0), at_once(3601.0)) == (8, 8, 10)
    assert budget.takes_at_once(READ, Whose.PAYER, 3602.0, "other")
    assert at_once(3603.0) == 8


def test_who_cannot_be_told_apart_has_the_whole_window() -> None:
    budget = Budget(per_s=100, per_endpoint_s=10)

    assert all(budget.takes_at_once(CREATE, Whose.PAYER, 0.0) for _ in range(10))


def test_who_has_nobody_of_his_own_ahead_is_told_a_short_wait_and_the_flood_its_own() -> None:
    budget = Budget(per_s=100, per_endpoint_s=10)
    for caller in ("flood", "shop"):
        while budget.takes_at_once(CREATE, Whose.PAYER, 0.0, caller):
            pass
    for _ in range(200):
        budget.enter(CREATE, Whose.PAYER, "flood")

    assert budget.wait_s(CREATE, Whose.PAYER, 0.5, "shop") <= WINDOW_S
    assert budget.wait_s(CREATE, Whose.PAYER, 0.5, "flood") > 20


def test_one_caller_cannot_take_all_places_to_wait() -> None:
    budget = Budget(per_s=1, per_endpoint_s=1)
    for _ in range(WAITING_MAX // 2):
        budget.enter(CREATE, Whose.PAYER, "flood")

    with pytest.raises(OverflowError):
        budget.enter(CREATE, Whose.PAYER, "flood")
    budget.enter(CREATE, Whose.PAYER, "shop")


def test_background_work_leaves_a_share_too_and_has_its_fifth_beside_a_flood() -> None:
    budget = Budget(per_s=100, per_endpoint_s=10)
    budget.takes_at_once(READ, Whose.PAYER, 0.0, "shop")
    burst = sum(budget.takes_at_once(CREATE, Whose.BACKGROUND, 0.0) for _ in range(20))
    paid = [budget.takes_at_once(CREATE, Whose.PAYER, 0.1, "shop") for _ in range(2)]
    for _ in range(100):
        budget.enter(CREATE, Whose.PAYER, "flood")
        budget.enter(CREATE, Whose.BACKGROUND)

    turns = [waiter.whose for _, waiter in drained(budget, 10)]

    assert (burst, paid) == (8, [True, True])
    assert turns.count(Whose.BACKGROUND) >= len(turns) // 5


@given(
    st.lists(
        st.tuples(
            st.floats(0, 3),
            st.sampled_from([CREATE, READ, *ENDPOINTS[:2]]),
            st.sampled_from(list(Whose)),
            st.sampled_from(["", "one", "other", "third"]),
        ),
        max_size=120,
    ),
    st.integers(1, 12),
    st.integers(1, 12),
)
def test_whoever_asks_no_second_holds_more_than_the_rate_and_everybody_has_a_turn(
    coming: list[tuple[float, str, Whose, str]], per_s: int, per_endpoint_s: int
) -> None:
    budget = Budget(per_s=per_s, per_endpoint_s=per_endpoint_s)
    sent: list[tuple[float, str]] = []

    for now, endpoint, whose, caller in sorted(coming):
        sent += [(now, waiter.endpoint) for waiter in budget.turns(now)]
        if budget.takes_at_once(endpoint, whose, now, caller):
            sent.append((now, endpoint))
        else:
            assert budget.wait_s(endpoint, whose, now, caller) >= 0
            budget.enter(endpoint, whose, caller)
    now = 3.0
    while (at := budget.next_at(now)) is not None:
        now = max(now, at)
        given_now = [(now, waiter.endpoint) for waiter in budget.turns(now)]
        assert given_now, "a turn was promised"
        sent += given_now

    assert len(sent) == len(coming)
    assert most_in_a_second([at for at, _ in sent]) <= per_s
    for endpoint in {endpoint for _, endpoint in sent}:
        assert most_in_a_second([at for at, to in sent if to == endpoint]) <= per_endpoint_s


def test_work_that_may_wait_is_nobodys_share() -> None:
    async def main() -> None:
        http = Timed()
        ours = gateway(http, per_endpoint_s=10)
        ASKED_BY.set(Named("shop"))
        MAY_WAIT.set(True)
        await asyncio.gather(*(charge(ours) for _ in range(10)))

        assert http.at == [0.0] * 10

    run(main)
