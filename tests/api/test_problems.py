"""Every way to say no has a status, a code and an example, and none is forgotten."""

from collections.abc import Iterator
from typing import TypeVar

from payment_service.api import problems
from payment_service.api.examples import problem_examples
from payment_service.api.options import ApiOptions
from payment_service.api.presenting import Presenter
from payment_service.domain.errors import InvalidRequest, Refusal
from payment_service.domain.money import AmountUnit
from payment_service.domain.stripe_errors import RefusedByStripe
from payment_service.ports import Unavailable

SHOW = Presenter(AmountUnit.MINOR)


E = TypeVar("E", bound=Exception)


def below(kind: type[E]) -> Iterator[type[E]]:
    for child in kind.__subclasses__():
        yield child
        yield from below(child)


def ours(kind: type[E]) -> set[type[E]]:
    return {found for found in below(kind) if found.__module__.startswith("payment_service.")}


def test_every_refusal_has_a_status() -> None:
    # What Stripe refuses has one by the operation.
    assert ours(Refusal) - problems.STATUSES.keys() == {RefusedByStripe}


def test_every_refusal_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in ours(Refusal) - {RefusedByStripe}]

    assert len(set(codes)) == len(codes)


def test_every_code_of_a_refusal_has_an_example() -> None:
    shown = problem_examples(ApiOptions()).keys()

    assert {kind.code for kind in problems.STATUSES} - {"unknown_path", "method_not_allowed"} <= (
        shown
    )
    assert {code for code, _ in problems.UNAVAILABLE.values()} - {"unavailable"} <= shown


def test_every_kind_of_unavailable_is_503_with_retry_after() -> None:
    for kind in ours(Unavailable) | {Unavailable}:
        answer = problems.problem(kind("the reason"), "req_1", SHOW)

        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert "the reason" not in str(answer.body)


def test_only_an_invalid_request_lists_errors() -> None:
    without = problems.problem(InvalidRequest(message="no field to name"), "req_1", SHOW)

    assert without.body == {
        "success": False,
        "message": "no field to name",
        "code": "invalid_request",
        "requestId": "req_1",
    }
