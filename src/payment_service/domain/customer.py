"""A customer: a person at Stripe, its cards and which of them is the default, in one document.

The document says what is wanted; what Stripe has is brought to it one call at a time.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from payment_service.domain.call import Call
from payment_service.domain.errors import CardNotUsable, NotFound
from payment_service.domain.history import Entry
from payment_service.domain.news import Denial, SeenCard, SeenCustomer
from payment_service.domain.schema import SCHEMA, Schema
from payment_service.domain.setup import Setup

# More cards than this on one customer is a program gone wrong, and would outgrow the document.
CARDS_MAX = 50


class CardState(StrEnum):
    """Where a card stands between the caller's wish and Stripe."""

    ADDING = "adding"
    KEPT = "kept"
    REFUSED = "refused"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a customer: what may be shown of it, and what is still to be done at Stripe.

    named: whether Stripe's billing details carry `cardholder_name` already.
    declined: whether the issuer refused it; the refusal says why Stripe would not have it, in
    Stripe's own words where a release has written them. All are kept until a card is added again.
    """

    payment_method_id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str | None
    cardholder_name: str | None
    added_at: datetime
    state: CardState
    named: bool = True
    declined: bool = False
    refusal_code: str | None = None
    refusal_message: str | None = None
    refusal: Denial | None = None
    display_brand: str | None = None


# No card has this id: what Stripe has as the default while that is not known.
DEFAULT_IN_DOUBT = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about a customer, apart from its key: the step by its name, and its values.

    default_before: what Stripe had as the default before it was asked to make it another card.
    """

    step: str
    payment_method_id: str | None = None
    cardholder_name: str | None = None
    default_before: str | None = None
    email: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Another e-mail or name that a caller wants for a customer; None leaves it as it is."""

    email: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class StepRefusal:
    """Why a step about a customer was refused, the last time. number: of its call."""

    step: str
    number: int
    code: str
    message: str
    param: str | None = None
    payment_method_id: str | None = None
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Customer:
    """The document of one customer at Stripe.

    id: our own, the same as `uid` but in documents of schema 2, where it is the normalised e-mail.
    customer_id: Stripe's id, None until Stripe gave one.
    held_email: the normalised e-mail that leads here. next_email: the one that is to, claimed once
    `email_claimed`. released_emails: those that may still lead here and must not. email_due_at:
    when somebody must work on that. email_claims: how many e-mails were wanted, so far.
    is_founding: nobody was told of it: without its e-mail it is none.
    taken_email: what Stripe has as the e-mail, and another customer here has or nobody may have.
    update: what a caller wants changed, until it is.
    default_at_stripe: what Stripe was last known to have as default, empty while that is in doubt.
    call: the one call under way for this customer; calls_made numbers their keys.
    asked: what the call was last sent with, which its key belongs to.
    look_at: when to look how it stands at Stripe though nothing is in doubt; looks counts those.
    former_customer_id: Stripe's id before it was deleted there; callers may still know it.
    is_forgotten: whether it is being forgotten, which nothing may stop or undo.
    refusals: the last of each kind of step.
    """

    id: str
    uid: str
    version: int
    created_at: datetime
    updated_at: datetime
    name: str | None
    customer_id: str | None = None
    default_payment_method_id: str | None = None
    default_at_stripe: str | None = None
    cards: tuple[Card, ...] = ()
    call: Call | None = None
    calls_made: int = 0
    asked: Asked | None = None
    refusal_code: str | None = None
    refusal_message: str | None = None
    refusal_param: str | None = None
    request_id: str | None = None
    setup: Setup | None = None
    look_at: datetime | None = None
    looks: int = 0
    former_customer_id: str | None = None
    history: tuple[Entry, ...] = ()
    is_forgotten: bool = False
    refusals: tuple[StepRefusal, ...] = ()
    held_email: str | None = None
    next_email: str | None = None
    email_claimed: bool = False
    released_emails: tuple[str, ...] = ()
    email_due_at: datetime | None = None
    email_claims: int = 0
    is_founding: bool = False
    taken_email: str | None = None
    update: Update | None = None
    schema: Schema = SCHEMA

    def refused_since(
        self, number: int, step: str, payment_method_id: str | None = None
    ) -> StepRefusal | None:
        """Why Stripe refused this step, about this card, in the call with this number or later."""
        found = (
            refusal
            for refusal in self.refusals
            if (refusal.step, refusal.payment_method_id) == (step, payment_method_id)
            and refusal.number >= number
        )
        return next(found, None)

    @property
    def is_old(self) -> bool:
        """Whether it still lies under its e-mail, as schema 2 has it."""
        return self.id != self.uid

    @property
    def email(self) -> str | None:
        """The normalised e-mail, None for a customer whose e-mail is another one's here."""
        if self.is_old:
            return self.id
        return self.held_email or (self.next_email if self.update is None else None)

    def wants(self, email: str) -> bool:
        """Whether this document says that the e-mail leads to it, or is to."""
        return email in {self.held_email, self.next_email, self.id}

    @property
    def awaits_claim(self) -> bool:
        """Whether a change waits for its e-mail: a look is followed only after that."""
        is_wanted = self.update is not None and self.next_email is not None
        return is_wanted and not self.email_claimed

    @property
    def wake_at(self) -> datetime | None:
        """When somebody must work on this document next."""
        look_at = None if self.awaits_claim else self.look_at
        due = self.call.due_at if self.call else look_at
        return min(filter(None, (due, self.email_due_at)), default=None)

    @property
    def kept_cards(self) -> tuple[Card, ...]:
        """The cards that may be used, the default first, then the newest."""
        kept = [c for c in reversed(self.cards) if c.state is CardState.KEPT]
        kept.sort(key=lambda c: c.added_at, reverse=True)
        kept.sort(key=lambda c: c.payment_method_id != self.default_payment_method_id)
        return tuple(kept)

    def card(self, payment_method_id: str) -> Card | None:
        """The card with this id, in whatever state."""
        found = (c for c in self.cards if c.payment_method_id == payment_method_id)
        return next(found, None)


def new_customer(
    email: str, name: str | None, uid: str, now: datetime, *, request_id: str | None = None
) -> Customer:
    """Return a customer that is wanted, whose e-mail is to be claimed before Stripe is asked."""
    return Customer(
        id=uid,
        uid=uid,
        version=0,
        created_at=now,
        updated_at=now,
        name=name,
        request_id=request_id,
        next_email=email,
        email_due_at=now,
        email_claims=1,
        is_founding=True,
    )


def adopted(email: str, seen: SeenCustomer, uid: str, now: datetime) -> Customer:
    """Return the document of a customer that only Stripe knew, with its cards."""
    blank = new_customer(email, seen.name, uid, now)
    return with_stripe_customer(blank, seen)


def with_stripe_customer(customer: Customer, seen: SeenCustomer) -> Customer:
    """Return the customer tied to the one at Stripe, with the cards that are there already."""
    known = {c.payment_method_id for c in customer.cards}
    cards = tuple(kept(c) for c in seen.cards if c.payment_method_id not in known)
    customer = replace(
        customer,
        customer_id=seen.id,
        name=customer.name or seen.name,
        cards=(*customer.cards, *cards),
        default_at_stripe=seen.default_payment_method_id,
        default_payment_method_id=seen.default_payment_method_id,
    )
    return with_valid_default(customer)


def kept(seen: SeenCard) -> Card:
    """Return the record of a card that is attached at Stripe."""
    return Card(
        payment_method_id=seen.payment_method_id,
        brand=seen.brand,
        last4=seen.last4,
        exp_month=seen.exp_month,
        exp_year=seen.exp_year,
        fingerprint=seen.fingerprint,
        cardholder_name=seen.cardholder_name,
        added_at=seen.created_at,
        state=CardState.KEPT,
        display_brand=seen.display_brand,
    )


def adding_card(
    customer: Customer, seen: SeenCard, now: datetime, *, cardholder_name: str | None
) -> Customer:
    """Return the customer with the card wanted. A card that is there already only gets its name.

    The same physical card under another id of Stripe's is there already.
    Raises CardNotUsable: it belongs to somebody else, or there are too many.
    """
    if seen.customer_id not in {None, customer.customer_id}:
        raise CardNotUsable("This card belongs to another customer.", foreign=True)
    twin = twin_of(customer, seen)
    if twin is not None:
        return _renamed(customer, twin, cardholder_name)
    old = customer.card(seen.payment_method_id)
    if old is not None and old.state is CardState.REMOVING:
        raise CardNotUsable("This card is being removed.")
    held = [c for c in customer.cards if c.state is not CardState.REFUSED]
    if old not in held and len(held) >= CARDS_MAX:
        raise CardNotUsable(f"A customer may have at most {CARDS_MAX} cards.")
    attached = seen.customer_id is not None and seen.customer_id == customer.customer_id
    state = CardState.KEPT if attached else CardState.ADDING
    card = replace(kept(seen), state=state, added_at=old.added_at if old else now)
    if cardholder_name is not None and cardholder_name != card.cardholder_name:
        card = replace(card, cardholder_name=cardholder_name, named=False)
    cards = tuple(
        c
        for c in customer.cards
        if c.payment_method_id != seen.payment_method_id and c.state is not CardState.REFUSED
    )
    return with_valid_default(replace(customer, cards=(*cards, card)))


def twin_of(customer: Customer, seen: SeenCard) -> Card | None:
    """Return the customer's card that is the same piece of plastic under another id, if any.

    Stripe gives some cards no fingerprint; those have no twin.
    """
    if seen.fingerprint is None or seen.customer_id is not None:
        return None
    same = (seen.fingerprint, seen.exp_month, seen.exp_year)
    return next(
        (
            card
            for card in customer.cards
            if card.state in {CardState.KEPT, CardState.ADDING}
            and card.payment_method_id != seen.payment_method_id
            and (card.fingerprint, card.exp_month, card.exp_year) == same
        ),
        None,
    )


def _renamed(customer: Customer, card: Card, cardholder_name: str | None) -> Customer:
    if cardholder_name in {None, card.cardholder_name}:
        return customer
    named = replace(card, cardholder_name=cardholder_name, named=False)
    return replace(customer, cards=tuple(named if c is card else c for c in customer.cards))


def removing_card(customer: Customer, payment_method_id: str) -> Customer:
    """Return the customer without the card; its default goes to the newest card that is left.

    Raises NotFound.
    """
    usable_card(customer, payment_method_id)
    cards = tuple(
        replace(c, state=CardState.REMOVING) if c.payment_method_id == payment_method_id else c
        for c in customer.cards
    )
    return with_valid_default(replace(customer, cards=cards))


def with_default(customer: Customer, payment_method_id: str) -> Customer:
    """Return the customer with this card as its default, whatever Stripe had. Raises NotFound.

    Somebody may have chosen another one at Stripe, so Stripe is told even if ours was that already.
    """
    usable_card(customer, payment_method_id)
    is_ours = customer.default_at_stripe == payment_method_id
    return replace(
        customer,
        default_payment_method_id=payment_method_id,
        default_at_stripe=DEFAULT_IN_DOUBT if is_ours else customer.default_at_stripe,
    )


def without_card(customer: Customer, payment_method_id: str) -> Customer:
    """Return the customer without a card that is not attached at Stripe any more."""
    cards = tuple(c for c in customer.cards if c.payment_method_id != payment_method_id)
    return replace(customer, cards=cards)


def usable_card(customer: Customer, payment_method_id: str) -> Card:
    """Return one of the customer's cards that may be used. Raises NotFound."""
    card = customer.card(payment_method_id)
    if card is None or card.state is not CardState.KEPT:
        raise NotFound("This customer has no such card.")
    return card


def with_valid_default(customer: Customer) -> Customer:
    """Keep the promise: exactly one default card while there are cards, none otherwise."""
    cards = customer.kept_cards
    if any(c.payment_method_id == customer.default_payment_method_id for c in cards):
        return customer
    heir = cards[0].payment_method_id if cards else None
    return replace(customer, default_payment_method_id=heir)


def refused_card(card: Card, denial: Denial, *, declined: bool) -> Card:
    """Return the card as Stripe left it: not attached, with the reason."""
    return replace(
        card,
        state=CardState.REFUSED,
        declined=declined,
        refusal_code=denial.decline_code or denial.code,
        refusal_message=denial.message,
        refusal=denial,
    )
