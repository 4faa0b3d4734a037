"""Mistakes put in on purpose: an auditor that lets one of them pass is asleep.

He works alone here: what is watched at every commit is switched off, but where it says so.
"""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.simulation import planted, planted_customers, planted_http, planted_later
from tests.simulation.currencies import Prices
from tests.simulation.lives import THIN, Branch, Matrix, branches, grow
from tests.simulation.living import Outcome, live
from tests.simulation.plan import LISTS, SILENT, WEBHOOKS, Life, read_life
from tests.simulation.stories import AMOUNT, ORDER
from tests.simulation.town import Variant

# Killed and stopped at every gate, but only on the usual paths.
DENSE = replace(THIN, one_in=1, crash_max=60)
# Struck at every call of the store on the usual paths.
EVERY_STORE_CALL = replace(THIN, hit_max=30, crash_max=0, branches_one_in=0)
# Every mistake must show within so many lives of the thinned matrix.
WITHIN = 150


def first_caught(
    variant: Variant,
    scenarios: tuple[str, ...],
    *,
    watching: bool = False,
    replicas: int = 0,
    matrix: Matrix = THIN,
    only: Callable[[Branch], bool] = lambda _: True,
) -> tuple[int, Outcome]:
    """Live a matrix until the mistake shows; return after how many lives that was.

    replicas: how many processes, 0 as many as the matrix says.
    """

    def mistaken(life: Life) -> Outcome:
        life = replace(life, replicas=replicas or life.replicas)
        return live(life, variant, watching=watching)

    lives = 0
    for branch in branches(matrix):
        if branch.scenario not in scenarios or not only(branch):
            continue
        for outcome in grow(branch, matrix, mistaken):
            lives += 1
            if outcome.violations:
                _say(variant, lives, outcome)
                assert lives <= WITHIN
                return lives, outcome
    pytest.fail(f"nobody saw that {variant.name}, in {lives} lives")


def _say(variant: Variant, lives: int, outcome: Outcome) -> None:
    sys.stdout.write(
        f"{variant.name}: caught after {lives} lives, by {outcome.life}: {outcome.violations[0]}\n"
    )


def _price(outcome: Outcome) -> int:
    """Return what the first order of a life costs."""
    return Prices(outcome.life.scenario, outcome.life.currency).minor(ORDER, AMOUNT)


def test_asking_stripe_before_writing_is_caught() -> None:
    """Money without a record of ours: lost, or taken again by who asks again."""
    _, outcome = first_caught(planted.ASKED_FIRST, ("pay_once",))

    assert outcome.violations[0] in {
        "1 order-1 was paid 2 times",
        "4 order-1 succeeded at Stripe and is shown as nothing",
    }


def test_doubt_taken_for_failure_is_caught() -> None:
    _, outcome = first_caught(planted.DOUBT_FAILS, ("pay_once",))

    taken = _price(outcome)
    assert outcome.violations[0] == f"3 order-1 was told rejected with {taken} taken"


def test_a_write_in_doubt_that_is_told_as_not_done_is_caught() -> None:
    def is_in_doubt(branch: Branch) -> bool:
        return branch.kind == "commit_lost"

    for wish in ("pay_once", "refund_all"):
        _, outcome = first_caught(
            planted.CERTAIN, (wish,), only=is_in_doubt, matrix=EVERY_STORE_CALL
        )

        assert outcome.violations[0].startswith("3 ")


@pytest.mark.parametrize(
    ("life", "found"),
    [
        ("hold_and_capture/visa/store=4:commit_lost/once", "3 the capture of order-1 was told"),
        ("hold_and_cancel/visa/store=4:commit_lost/once", "3 the cancellation of order-1 was"),
        ("confirmed_later/visa/store=10:commit_lost/once", "3 the confirmation of order-1 was"),
    ],
)
def test_what_was_told_as_not_done_and_goes_on_is_caught(life: str, found: str) -> None:
    violations = live(read_life(life), planted.CERTAIN, watching=False).violations

    assert violations[0].startswith(found)
    assert live(read_life(life)).violations == ()


@pytest.mark.parametrize(
    ("variant", "life", "found"),
    [
        (planted_http.IGNORED, "http_refund_parts/visa/retry", "7 /payment/"),
        (planted_http.IGNORED, "http_refund_parts/visa/fault=7:timeout_after/retry", "7 /payment/"),
        (planted_http.TAKEN, "http_refund_parts/visa/retry", "7 /payment/refund: it was answered"),
        (planted_http.NOT_COMPARED, "http_pay_once/visa/retry", "7 /payment/"),
    ],
)
def test_mistakes_about_the_keys_of_callers_are_caught(
    variant: Variant, life: str, found: str
) -> None:
    violations = live(read_life(life), variant, watching=False).violations

    assert any(violation.startswith(found) for violation in violations)
    assert live(read_life(life)).violations == ()


def test_an_order_told_from_memory_is_caught() -> None:
    _, outcome = first_caught(planted.FROM_MEMORY, ("pay_once",))

    assert outcome.violations == ("6 order-1 is paid and the OrderService does not know",)


def test_a_fresh_key_on_each_retry_is_caught() -> None:
    """Looking first covers much of it: not what an earlier try did under another key, or late."""
    _, outcome = first_caught(planted.FRESH_KEY, ("pay_once",))

    assert outcome.violations[0] == "1 order-1 was paid 2 times"


def test_a_fresh_key_is_caught_by_a_request_that_arrives_late_without_any_crash() -> None:
    late = read_life("pay_once/visa/fault=1:late/once")

    assert live(late, planted.FRESH_KEY, watching=False).violations[0] == (
        "1 order-1 was paid 2 times"
    )
    assert live(late).violations == ()


@pytest.mark.parametrize(
    ("variant", "scenarios"),
    [
        (planted.NO_LOOK, ("pay_once",)),
        (planted.BLIND_REFUNDS, ("refund_all",)),
        (planted.LOST_IS_UNSENT, ("pay_once",)),
        (planted.NO_WORKER, ("pay_once",)),
    ],
    ids=lambda value: value.name if isinstance(value, Variant) else "",
)
def test_taking_away_what_the_service_does_about_doubt_is_caught(
    variant: Variant, scenarios: tuple[str, ...]
) -> None:
    first_caught(variant, scenarios)


def test_a_lease_shorter_than_a_request_is_seen_by_the_watch() -> None:
    """The key saves the money, so only the watch of every call can see it."""
    _, outcome = first_caught(planted.SHORT_LEASE, ("pay_once",), watching=True, replicas=2)

    assert outcome.violations[0].startswith("S7 two requests at once")


@pytest.mark.parametrize(
    ("variant", "scenario", "where", "news", "found"),
    [
        (planted_later.ANSWERED_FIRST, "pay_once", "none", WEBHOOKS, "9 "),
        (planted_later.SEEN_IS_DONE, "asked_about", "none", WEBHOOKS, "5 order-1: the disputes"),
        (planted_later.SNAPSHOT, "decline_then_pay", "none", WEBHOOKS, "6 order-1 is paid"),
        (planted_later.CAPTURE_FAILED, "hold_and_capture", "fault", SILENT, "3 order-1 was told"),
        (planted_later.CANCEL_WINS, "captured_by_hand", "none", SILENT, "3 order-1 was told"),
        (planted_later.RETURNED, "refund_comes_back", "none", SILENT, "5 order-1: PRICE is shown"),
        (planted_later.NO_DISPUTES, "dispute_lost", "none", WEBHOOKS, "5 order-1: the disputes"),
        (planted_later.HELD, "hold_lapses", "none", SILENT, "4 order-1 is shown as"),
        (planted_later.HASTY, "asked_about", "none", LISTS, "5 order-1: the disputes"),
        (planted_customers.SPLIT, "renamed_at_stripe", "none", WEBHOOKS, "8 a@example.com was"),
    ],
    ids=lambda value: value.name if isinstance(value, Variant) else "",
)
def test_mistakes_about_what_comes_later_are_caught(
    variant: Variant, scenario: str, where: str, news: str, found: str
) -> None:
    def fits(branch: Branch) -> bool:
        return (branch.where, branch.news) == (where, news)

    _, outcome = first_caught(variant, (scenario,), matrix=DENSE, only=fits)

    found = found.replace("PRICE", str(_price(outcome)))
    assert any(violation.startswith(found) for violation in outcome.violations)
    assert live(outcome.life).violations == ()


@pytest.mark.parametrize(
    ("variant", "life", "found"),
    [
        (
            planted_http.CAPTURE_REFUSED,
            "http_capture_part/visa/fault=3:declined/once",
            "2 capture of order-1 was answered 200, and nothing was captured",
        ),
        (
            planted_http.CAPTURE_REFUSED,
            "http_capture_part/visa/fault=3:rejected/once",
            "2 capture of order-1 was answered 200, and nothing was captured",
        ),
        (
            planted_http.CANCEL_REFUSED,
            "http_cancel_meanwhile/visa/news=lists/retry",
            "2 cancel of order-1 was answered 200, and the payment is succeeded",
        ),
        (
            planted_http.CONFIRM_REFUSED,
            "http_confirmed_later/visa/fault=10:rejected/once",
            "2 confirm of order-1 was answered 200, and the payment is requires_confirmation",
        ),
        (
            planted.OLD_CARD,
            "http_another_card/mastercard/once",
            "2 confirm of order-1 was answered 200, and the card that was named was not used",
        ),
        (
            planted_customers.UNASKED_DEFAULT,
            "http_another_default/visa/once",
            "2 attach of cus_jiO14o5Wln3P8F was answered 200, and the card is not the default",
        ),
        (
            planted_http.REFUSED_AS_PENDING,
            "http_capture_part/visa/fault=3:declined/once",
            "2 capture of order-1 was answered 202, and nothing is under way",
        ),
        (
            planted_http.REFUSED_AS_PENDING,
            "http_capture_or_cancel/visa/once",
            "2 cancel of order-1 was answered 202, and nothing is under way",
        ),
        (
            planted_http.REFUSED_AS_PENDING,
            "http_confirmed_later/visa/fault=3:declined/once",
            "2 confirm of order-1 was answered 202, and nothing is under way",
        ),
        (
            planted_http.REFUSED_AS_PENDING,
            "http_refund_parts/visa/fault=3:declined/once",
            "2 refund of order-1 was answered 202, and nothing is under way",
        ),
        (
            planted_http.REFUSED_AS_PENDING,
            "http_another_default/declined/once",
            "2 attach of cus_jiO14o5Wln3P8F was answered 202, and nothing is owed",
        ),
    ],
)
def test_a_status_that_is_not_true_of_what_was_asked_is_caught(
    variant: Variant, life: str, found: str
) -> None:
    assert found in live(read_life(life), variant, watching=False).violations
    assert live(read_life(life)).violations == ()


def test_a_notification_that_is_dropped_because_of_a_404_is_caught() -> None:
    life = read_life("pay_once/visa/orders=1:http_404/retry")

    assert live(life, planted_later.DROPPED_ON_404).violations == (
        "6 order-1 is paid and the OrderService does not know",
    )
    assert live(life).violations == ()


def test_an_owner_that_does_not_see_that_it_stood_still_is_seen_by_the_watch() -> None:
    """The key and the version save the money again, so only the watch of every call can see it."""
    _, outcome = first_caught(
        planted_later.STANDING_CLOCK,
        ("pay_once",),
        watching=True,
        matrix=DENSE,
        only=lambda branch: branch.where == "pause",
    )

    assert outcome.life.pause
    assert outcome.violations[0].startswith(("S5", "S7"))
    assert live(outcome.life).violations == ()


def test_the_honest_service_passes_where_the_mistaken_ones_fail() -> None:
    for variant in (planted.ASKED_FIRST, planted.DOUBT_FAILS, planted.FROM_MEMORY):
        _, outcome = first_caught(variant, ("pay_once",))
        assert live(read_life(str(outcome.life))).violations == ()
