"""The budget in front of Stripe, in the shipped gateway: against a limiter that counts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import stripe

from payment_service.adapters.stripe import Budget, StripeGateway, TimeLimits, open_stripe
from payment_service.adapters.stripe.turns import WAIT_SHARE
from payment_service.domain.news import IntentSeen, News, NotExecuted, NothingFound
from payment_service.domain.steps import FindCustomer, ReadIntent
from payment_service.ports import MAY_WAIT
from stripe_sandbox.engine import Config, Engine
from tests.contract.test_stripe_budget import most_in_a_second
from tests.contract.test_stripe_gateway import CREATE, Answer, Recorder, Sent, ordinary
from tests.parts.stripe_in_process import InProcessStripe
from tests.parts.virtual_time import epoch_s, run

_keys = count()
READ_PATIENCE_S = TimeLimits().read_s * WAIT_SHARE
CHARGE_PATIENCE_S = TimeLimits().charge_s * WAIT_SHARE


class Timed(Recorder):
    """A transport that remembers when each request left."""

    def __init__(self, answer: Callable[[Sent], Answer] = ordinary, takes_s: float = 0) -> None:
        super().__init__(answer, takes_s)
        self.at: list[float] = []

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        self.at.append(asyncio.get_running_loop().time())
        return await super().request_async(method, url, headers, post_data)


def gateway(http: stripe.HTTPClient, *, per_s: int = 0, per_endpoint_s: int = 0) -> StripeGateway:
    return open_stripe(
        api_key="sk_test_budget",
        api_base="http://stripe.invalid",
        service="payment-service",
        limits=TimeLimits(),
        budget=Budget(per_s=per_s, per_endpoint_s=per_endpoint_s),
        http=http,
    )


async def charge(ours: StripeGateway) -> News:
    key = f"key-{next(_keys)}"
    return await ours.ask(
        replace(CREATE, key=key, order_id=key, customer_id=None, payment_method_id="pm_card_visa")
    )


async def in_background(asked: Iterable[Awaitable[News]]) -> list[News]:
    MAY_WAIT.set(True)
    return await asyncio.gather(*asked)


def test_the_sandboxs_limiter_never_has_to_refuse_whatever_comes_at_once() -> None:
    async def main() -> None:
        engine = Engine(Config(rate_limit_per_s=40, endpoint_rate_limit_per_s=25))
        ours = gateway(InProcessStripe(engine, epoch_s), per_s=40, per_endpoint_s=25)

        charges = asyncio.gather(*(charge(ours) for _ in range(75)))
        looks = asyncio.gather(*(ours.ask(FindCustomer(f"{n}@example.com")) for n in range(20)))
        charged, looked = await charges, await looks

        assert [type(news) for news in charged] == [IntentSeen] * 75
        assert [type(news) for news in looked] == [NothingFound] * 20
        assert asyncio.get_running_loop().time() < 5

    run(main)


def test_without_a_budget_the_same_limiter_refuses() -> None:
    async def main() -> None:
        engine = Engine(Config(endpoint_rate_limit_per_s=25))
        ours = gateway(InProcessStripe(engine, epoch_s))

        charged = await asyncio.gather(*(charge(ours) for _ in range(75)))

        refused = [news for news in charged if isinstance(news, NotExecuted)]
        assert "rate_limit" in {news.reason for news in refused}

    run(main)


def test_a_limit_lower_than_was_thought_is_found_out_and_kept() -> None:
    """Stripe's own word is the last: two refusals or three, then its pace."""

    async def main() -> None:
        engine = Engine(Config(endpoint_rate_limit_per_s=10))
        http = InProcessStripe(engine, epoch_s)
        ours = gateway(http, per_endpoint_s=25)
        refused = done = 0

        async def payer() -> None:
            nonlocal refused, done
            while asyncio.get_running_loop().time() < 30:
                news = await charge(ours)
                done += isinstance(news, IntentSeen)
                refused += isinstance(news, NotExecuted) and news.reason != "no_turn"
                await asyncio.sleep(1.0)

        await asyncio.gather(*(payer() for _ in range(40)))

        assert done > 30 * 10 * 0.6
        assert refused < done / 4

    run(main)


def test_a_payer_that_would_wait_too_long_hears_soon_that_nothing_was_done() -> None:
    async def main() -> None:
        http = Timed()
        ours = gateway(http, per_endpoint_s=1)

        charged = await asyncio.gather(*(charge(ours) for _ in range(20)))
        refused = [news for news in charged if isinstance(news, NotExecuted)]

        assert len(http.sent) == 20 - len(refused)
        assert max(http.at) <= CHARGE_PATIENCE_S
        assert {news.reason for news in refused} == {"no_turn"}
        assert all(news.retryable and news.retry_after_s for news in refused)
        assert asyncio.get_running_loop().time() <= CHARGE_PATIENCE_S

    run(main)


def test_a_turn_that_was_promised_and_does_not_come_is_given_up_in_time() -> None:
    """A pause begins while somebody is in line."""

    def refuse_the_first(sent: Sent) -> Answer:
        return 429, {"error": {"code": "rate_limit", "type": "invalid_request_error"}}

    async def main() -> None:
        http = Timed(refuse_the_first, takes_s=0.9)
        ours = gateway(http, per_endpoint_s=1)
        first = asyncio.create_task(charge(ours))
        await asyncio.sleep(0)
        second = asyncio.create_task(ours.ask(ReadIntent("ord_1", "pi_1")))
        await asyncio.sleep(0)
        third = asyncio.create_task(ours.ask(ReadIntent("ord_1", "pi_1")))
        fourth = asyncio.create_task(ours.ask(ReadIntent("ord_1", "pi_1")))

        news = [await task for task in (first, second, third, fourth)]

        assert len(http.sent) in {3, 4}
        assert all(isinstance(one, NotExecuted) for one in news)
        assert asyncio.get_running_loop().time() <= READ_PATIENCE_S + 0.9

    run(main)


def test_whoever_gives_up_takes_no_turn() -> None:
    async def main() -> None:
        http = Timed()
        ours = gateway(http, per_endpoint_s=1)
        await charge(ours)
        leaver, stayer = asyncio.create_task(charge(ours)), asyncio.create_task(charge(ours))
        await asyncio.sleep(0.1)

        leaver.cancel()
        await stayer

        assert len(http.sent) == 2
        assert asyncio.get_running_loop().time() < 1.2

    run(main)


def test_payers_pass_background_work_that_was_there_before_them() -> None:
    async def main() -> None:
        http = Timed()
        ours = gateway(http, per_endpoint_s=5)
        works = in_background(charge(ours) for _ in range(8))
        janitor = asyncio.create_task(works)
        await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().time()
        payers = await asyncio.gather(*(charge(ours) for _ in range(4)))
        payers_waited_s = asyncio.get_running_loop().time() - began
        await janitor

        assert [type(news) for news in payers] == [IntentSeen] * 4
        assert payers_waited_s < 1.1
        assert most_in_a_second(http.at) == 5

    run(main)


@pytest.mark.parametrize("code", ["lock_timeout", "rate_limit"])
def test_a_lock_on_one_object_slows_nobody_down_and_a_rate_does(code: str) -> None:
    refusals = iter([429])

    def answer(sent: Sent) -> Answer:
        if next(refusals, None):
            return 429, {"error": {"code": code, "type": "invalid_request_error"}}
        return ordinary(sent)

    async def main() -> None:
        http = Timed(answer)
        ours = gateway(http)

        assert isinstance(await charge(ours), NotExecuted)
        assert isinstance(await charge(ours), IntentSeen)
        waited = asyncio.get_running_loop().time() > 0.1

        assert waited is (code == "rate_limit")

    run(main)


def test_a_thousand_payers_and_the_janitor_share_out_what_there_is() -> None:
    """Ten minutes of more than there is room for: the rate is used up, kept, and nobody starves."""

    async def main() -> None:
        http = Timed()
        ours = gateway(http, per_s=20, per_endpoint_s=10)
        settled = {"payer": 0, "janitor": 0}

        async def ask_on(who: str) -> None:
            MAY_WAIT.set(who == "janitor")
            while asyncio.get_running_loop().time() < 600:
                news = await charge(ours)
                settled[who] += isinstance(news, IntentSeen)
                await asyncio.sleep((isinstance(news, NotExecuted) and news.retry_after_s) or 0.1)

        await asyncio.gather(*(ask_on("payer") for _ in range(100)), *map(ask_on, ["janitor"] * 5))

        assert most_in_a_second(http.at) <= 10
        assert sum(settled.values()) > 600 * 10 * 0.9
        assert settled["janitor"] > 600 * 10 * 0.1
        assert settled["payer"] > settled["janitor"] * 3

    run(main)
