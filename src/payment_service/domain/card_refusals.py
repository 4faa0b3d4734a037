"""How often cards were refused to somebody, so that nobody tries out stolen ones here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from payment_service.domain.customer import CardState, Customer
from payment_service.domain.moment import Policy
from payment_service.domain.payment import Failure, FailureKind, Payment
from payment_service.domain.schema import SCHEMA, Schema
from payment_service.domain.wishes import AUTHENTICATION_REQUIRED


class Kind(StrEnum):
    """By what somebody who tries cards is known again."""

    CUSTOMER = "customer"
    ADDRESS = "address"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Suspect:
    """Somebody, by one trait. name: a customer's id, an address, a card's id or fingerprint."""

    kind: Kind
    name: str

    @property
    def id(self) -> str:
        """The document's id: it neither shows an address nor needs a secret that replicas share."""
        return f"{self.kind}_{sha256(self.name.encode()).hexdigest()[:32]}"


@dataclass(frozen=True, slots=True)
class CardTally:
    """The refusals of one suspect within the window, and until when it may try no more.

    wake_at is always None: nobody works on it.
    """

    id: str
    version: int
    created_at: datetime
    expires_at: datetime
    refused_at: tuple[datetime, ...] = ()
    paused_until: datetime | None = None
    schema: Schema = SCHEMA

    @property
    def wake_at(self) -> datetime | None:
        """Never due."""
        return None


def with_refusal(
    known: CardTally | None, suspect: Suspect, now: datetime, policy: Policy
) -> CardTally:
    """Return the tally with one refusal more; as many as there may be begin a pause."""
    window = timedelta(seconds=policy.card_refusals_window_s)
    before = known.refused_at if known else ()
    refused_at = (*(at for at in before if now - at < window), now)
    paused_until = known.paused_until if known else None
    if len(refused_at) >= policy.card_refusals_max:
        paused_until = now + timedelta(seconds=policy.card_refusals_pause_s)
        refused_at = ()
    tally = known or CardTally(suspect.id, -1, now, now)
    return replace(
        tally,
        version=tally.version + 1,
        refused_at=refused_at,
        paused_until=paused_until,
        expires_at=max(now + window, paused_until or now),
    )


def paused_s(tally: CardTally, now: datetime) -> float:
    """Return for how many seconds its suspect may try no card; 0: it may."""
    if tally.paused_until is None:
        return 0.0
    return max((tally.paused_until - now).total_seconds(), 0.0)


def refused_lately(tally: CardTally, now: datetime, policy: Policy) -> int:
    """Return how many refusals count now: as many as begin a pause only during one.

    There may have been more before the setting was lowered; one try more then begins the pause.
    """
    if paused_s(tally, now):
        return policy.card_refusals_max
    window = timedelta(seconds=policy.card_refusals_window_s)
    return min(sum(now - at < window for at in tally.refused_at), policy.card_refusals_max - 1)


def refused_to(
    before: Payment | Customer, after: Payment | Customer, address: str
) -> tuple[Suspect, ...]:
    """Return to whom a card was refused between two versions of a document; mostly nobody.

    address: whence it was tried, "" unknown.
    """
    match before, after:
        case Payment(), Payment():
            names = _of_payment(before, after)
        case Customer(), Customer():
            names = _of_cards(before, after)
        case _:  # pragma: no cover - both are the same document
            raise AssertionError("a document became another kind")
    if names:
        names.append((Kind.ADDRESS, address))
    return tuple(Suspect(kind, name) for kind, name in names if name)


Names = list[tuple[Kind, str | None]]


def _of_payment(before: Payment, after: Payment) -> Names:
    """A bank that only wants to see the payer has refused nobody."""
    failure = after.failure
    if (
        failure is None
        or _is_same(before.failure, failure)
        or failure.kind is not FailureKind.DECLINED
        or failure.code == AUTHENTICATION_REQUIRED
    ):
        return []
    return [(Kind.CUSTOMER, after.terms.customer_id), (Kind.CARD, failure.payment_method_id)]


def _is_same(before: Failure | None, after: Failure) -> bool:
    """Whether no card was refused since; a look may have shown how the one before was."""
    if before is None or before.charge_outcome is not None or after.charge_outcome is None:
        return before is after
    return after == replace(before, charge_outcome=after.charge_outcome)


def _of_cards(before: Customer, after: Customer) -> Names:
    refused = [
        card
        for card in after.cards
        if card.state is CardState.REFUSED and card.declined and card not in before.cards
    ]
    names: Names = [(Kind.CARD, card.fingerprint) for card in refused]
    return [(Kind.CUSTOMER, after.customer_id), *names] if names else []
