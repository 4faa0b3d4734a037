"""Who asks for an order again is told what the payer did meanwhile, past us."""

from payment_service.domain.payment import FailureKind, State
from stripe_sandbox.faults import Fault
from tests.flows.buying import AUTHENTICATING, VISA, charges, order, pay, quiet, requests
from tests.flows.moving import confirm_as_the_payer
from tests.parts.shop import open_shop
from tests.parts.virtual_time import epoch_s, run


def test_a_payment_that_the_client_confirmed_is_paid_when_it_is_asked_for_again() -> None:
    async def main() -> None:
        shop = await open_shop()
        opened = await pay(shop, order(None))
        assert confirm_as_the_payer(shop, opened.intent_id, VISA) == "succeeded"

        again = await pay(shop, order(None))
        await quiet(shop)

        assert again.state is State.SUCCEEDED
        assert shop.orders.statuses_of("ord_1") == ["PAYMENT RECEIVED"]
        assert len(charges(shop)) == 1

    run(main)


def test_after_a_failed_challenge_another_card_is_tried_at_once() -> None:
    async def main() -> None:
        shop = await open_shop()
        challenged = await pay(shop, order(AUTHENTICATING))
        assert challenged.state is State.REQUIRES_ACTION
        assert challenged.intent_id is not None
        shop.engine.authenticate(challenged.intent_id, passed=False, now=epoch_s())

        paid = await pay(shop, order(VISA))

        assert (paid.state, paid.intent_id) == (State.SUCCEEDED, challenged.intent_id)

    run(main)


def test_a_challenge_that_is_still_open_is_answered_as_it_is() -> None:
    async def main() -> None:
        shop = await open_shop()
        challenged = await pay(shop, order(AUTHENTICATING))

        again = await pay(shop, order(AUTHENTICATING))

        assert again == challenged

    run(main)


def test_a_stripe_that_does_not_say_changes_nothing() -> None:
    async def main() -> None:
        shop = await open_shop()
        challenged = await pay(shop, order(AUTHENTICATING))
        shop.stripe.pick = lambda method, _path: Fault("reset_before") if method == "GET" else None

        assert await pay(shop, order(AUTHENTICATING)) == challenged

    run(main)


def test_a_card_that_we_know_to_be_refused_is_not_looked_at_first() -> None:
    async def main() -> None:
        shop = await open_shop()
        refused = await pay(shop, order("pm_card_chargeCustomerFail"))
        assert refused.failure is not None
        assert refused.failure.kind is FailureKind.DECLINED

        paid = await pay(shop, order(VISA))

        assert paid.state is State.SUCCEEDED
        assert requests(shop, "GET") == []

    run(main)
