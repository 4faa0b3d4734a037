"""Every road of the table of states is walked, and what is hard to hear is heard.

`make sim` counts all of it, over all lives, and fails on what nobody came by.
"""

from fnmatch import fnmatchcase
from functools import cache

import pytest

from tests.simulation import kinds
from tests.simulation.campaign import Tally, holes_of
from tests.simulation.coverage import (
    UNKNOWN_STATUS,
    Coverage,
    all_pairs,
    all_roads,
    heard_though_impossible,
    never_heard,
    never_walked,
    pair,
)
from tests.simulation.impossible import IMPOSSIBLE
from tests.simulation.lives import ALONE, DEEP
from tests.simulation.living import Outcome, live
from tests.simulation.plan import read_life

# Together they walk every road. The last is of a payment that was given up too early.
WALKS = (
    "authenticated/3ds/retry",
    "bank_refuses_and_the_payer_chooses/visa/retry",
    "bank_refuses_and_the_payer_confirms/visa/retry",
    "bank_works/declined/retry",
    "bank_works_for_the_payer/visa/retry",
    "bank_works_on_the_card_given/visa/retry",
    "cancel_unpaid/3ds/retry",
    "canceled_before_stripe/missing/retry",
    "canceled_by_hand/3ds/retry",
    "canceled_by_hand/visa/retry",
    "canceled_while_processing/visa/retry",
    "canceled_without_a_card/visa/retry",
    "client_is_gone/visa/retry",
    "hold_confirmed_later/visa/retry",
    "hold_is_asked_about/visa/retry",
    "hold_lapses/visa/retry",
    "not_authenticated/3ds/retry",
    "payer_holds/3ds/retry",
    "payer_holds/visa/retry",
    "payer_holds_with_the_card_given/visa/retry",
    "payer_wavers/visa/retry",
    str(ALONE[0]),
)
# Answers that nobody had ever heard, and a life in which it is heard.
HEARD = {
    pair("ReadIntent", "requires_action", "rejected"): "holder_is_gone/3ds/fault=2:rejected/retry",
    pair("ReadIntent", "confirm", "requires_capture"): (
        "hold_confirmed_later/visa/fault=6:timeout_after/retry"
    ),
    pair("ConfirmIntent", "requires_confirmation", "rejected"): (
        "confirmed_later/visa/fault=6:rejected/retry"
    ),
    pair("ConfirmIntent", "requires_action", "declined"): "another_card/declined/retry",
    pair("ConfirmIntent", "requires_confirmation", "replayed, at its end"): (
        "confirmed_later/visa/fault=6:just_late/retry"
    ),
    pair("CaptureIntent", "requires_capture", "declined"): (
        "hold_and_capture/visa/fault=2:declined/retry"
    ),
    pair("CaptureIntent", "requires_capture", "rejected"): (
        "hold_and_capture/visa/fault=2:rejected_unsaved/retry"
    ),
    pair("CaptureIntent", "requires_capture", UNKNOWN_STATUS): (
        "hold_and_capture/visa/fault=2:new_status/retry"
    ),
    pair("CreateIntent", "requires_payment_method", UNKNOWN_STATUS): (
        "pay_once/visa/fault=1:new_status/retry"
    ),
    pair("CreateRefund", "", "declined"): "refund_all/visa/fault=2:declined/retry",
    pair("CreateRefund", "", UNKNOWN_STATUS): "refund_all/visa/fault=2:new_status/retry",
    pair("FindIntent", "create", "canceled"): "canceled_without_a_card/visa/store=2:full/once",
    pair("FindRefunds", "in doubt", "rejected"): (
        "refund_all/visa/fault=2:timeout_after+3:rejected/retry"
    ),
    pair("SetDefaultCard", "", "declined"): "same_customer/visa/fault=6:declined/retry",
    pair("DetachCard", "", "rejected"): "http_card_comes_and_goes/visa/fault=10:rejected/retry",
    pair("DeleteCustomer", "", "no answer"): (
        "customer_comes_and_goes/visa/fault=5:timeout_after/retry"
    ),
    pair("TellOrders", "PAYMENT RECEIVED", "refused, for longer"): (
        "pay_once/visa/orders=1:http_404/retry"
    ),
    **{what: str(life) for what, life in DEEP.items()},
}

BLAMELESS = tuple(
    "/".join(parts)
    for parts in (
        ("refunded_by_hand/visa/store=10:away/down_s=40/skew_s=4/leases/once",),
        (
            "http_cancel_meanwhile/3ds/fault=6:just_late+8:declined/store=13:in_doubt",
            "orders=2:http_404+3:http_404/crash=16b+35b+36a/pause=10a/down_s=40/seed=9462",
            "news=every/retry",
        ),
        (
            "http_capture_or_cancel/visa/fault=7:error_503_after_key_forgotten/crash=36a/pause=9a",
            "suspend=9a/jump=36a:3600/skew_s=-300/leases/once",
        ),
        (
            "everything_confirmed/no_funds/fault=9:new_status+10:timeout_after",
            "store=4:commit_lost+23:slow/pause=1a+32b/jump=1b:-3600/down_s=90000/skew_s=-300",
            "seed=20584/replicas=2/retry",
        ),
    )
)
# A life of each kind. Whether it is one is noted where it happens, so a fault can take it away.
LIVES_OF_A_KIND = {
    kinds.ANSWERED: "http_pay_once/visa/retry",
    kinds.REPLAYED: "http_pay_once/visa/retry",
    kinds.REUSED: "http_pay_once/visa/retry",
    kinds.KEY_ROTATED: "keys_rotated/visa/retry",
    kinds.KEY_REVOKED: "keys_rotated/visa/retry",
    kinds.REVOKED_WORK: "keys_rotated/visa/retry",
    kinds.FORGOTTEN: "customer_forgotten/visa/retry",
    kinds.COPIED: "moves_house/visa/retry",
    kinds.PAUSED: "cards_tried/declined/retry",
    kinds.ON_A_FILE: "file_refund_parts/visa/retry",
    kinds.TWO_RELEASES: "releases_refund_parts/visa/replicas=2/retry",
    kinds.OLDER_PICTURE: "refund_parts/visa/store=4:fails_over/retry",
}


@cache
def lived(life: str) -> Outcome:
    known = read_life(life)
    return live(known, watching=known not in ALONE)


@pytest.mark.parametrize("life", [*WALKS, *HEARD.values()])
def test_a_road_that_nobody_took_is_as_safe_as_any_other(life: str) -> None:
    assert lived(life).violations == ()


def test_every_road_of_the_table_is_walked() -> None:
    seen = Coverage()
    for life in WALKS:
        seen.add(lived(life).coverage)

    assert never_walked(seen) == []


@pytest.mark.parametrize(("what", "life"), HEARD.items())
def test_what_had_never_been_heard_is_heard(what: str, life: str) -> None:
    assert lived(life).coverage.heard[what]


@pytest.mark.parametrize("life", [*WALKS, *HEARD.values()])
def test_nothing_is_heard_that_cannot_be(life: str) -> None:
    assert heard_though_impossible(lived(life).coverage) == []


@pytest.mark.parametrize("pattern", IMPOSSIBLE)
def test_what_cannot_be_is_something_that_could_be_counted(pattern: str) -> None:
    assert any(fnmatchcase(one, pattern) for one in all_pairs())
    assert IMPOSSIBLE[pattern]


def test_a_campaign_names_what_nobody_came_by() -> None:
    seen = Coverage()
    for road in all_roads():
        seen.roads[road] += 1
    for one in [*all_pairs(), "CreateIntent in succeeded: succeeded"]:
        seen.heard[one] += 1
    lost = "CaptureIntent in requires_capture: declined"
    del seen.heard[lost], seen.roads["canceled -> succeeded"]

    holes = dict(holes_of(Tally(coverage=seen)))

    assert never_heard(seen) == [lost]
    assert holes["nobody heard this"] == [lost]
    assert holes["nobody took these roads"] == ["canceled -> succeeded"]
    assert (
        "CreateIntent in requires_payment_method: canceled" in holes["this was heard and cannot be"]
    )
    assert "CreateIntent in succeeded: succeeded" in holes["this was heard and cannot be"]


@pytest.mark.parametrize("life", BLAMELESS)
def test_nobody_is_blamed_for_what_could_not_be_known(life: str) -> None:
    """A refund that nothing told of; an answer that Stripe had kept; an answer that was too old."""
    assert lived(life).violations == ()


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_each_kind_of_life_is_lived(kind: str) -> None:
    outcome = lived(LIVES_OF_A_KIND[kind])

    assert kind in outcome.kinds
    assert outcome.violations == ()


def test_a_life_that_is_of_no_kind_is_not_counted_as_one() -> None:
    assert lived("pay_once/visa/retry").kinds == ()
    assert lived("keys_rotated/declined/retry").kinds == tuple(
        sorted({*lived("http_pay_once/visa/retry").kinds, kinds.KEY_ROTATED, kinds.KEY_REVOKED})
    )


def test_a_campaign_names_the_kinds_that_nobody_lived() -> None:
    tally = Tally()
    for life in LIVES_OF_A_KIND.values():
        tally.count(lived(life))
    tally.hits.pop(kinds.KEY_REVOKED)

    holes = dict(holes_of(tally))

    assert [one for one in holes["this never happened"] if one in kinds.KINDS] == [
        kinds.KEY_REVOKED
    ]
