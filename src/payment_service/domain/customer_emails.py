"""How a customer comes by its e-mail: claimed, switched to, and the one before released.

Each is one write to one document, may be done twice, and is due until it is done. An e-mail leads
to a customer only while both documents say so: the claim is written after the wish for it, and the
customer switches only if the wish has stood since.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from payment_service.domain.customer import Customer, StepRefusal
from payment_service.domain.email_address import EMAIL_MAX, followed_email
from payment_service.domain.history import Entry, with_entry
from payment_service.domain.moment import Moment
from payment_service.domain.news import EmailClaimed, EmailReleased, EmailTaken, News
from payment_service.domain.steps import ClaimEmail, EmailStep, ReleaseEmail

EMAIL_TAKEN = "email_taken"
# How its time line says that another customer has its e-mail.
TAKEN = "customer.email_taken"
# Two customers may have exchanged their e-mails at Stripe: each is free as soon as the other one
# was looked at.
TAKEN_LOOK_S = 60.0
# Later it becomes free when a person sees to it. Each wait is as long again as the e-mail has been
# taken, and this at most: two requests to Stripe an hour for a customer of whom somebody was told.
TAKEN_LOOK_MAX_S = 3600.0
# The worker's, not of whoever meets an old document first and waits.
REKEYED_LOOK_S = 5.0


def rekeyed(old: Customer, now: datetime) -> Customer:
    """Return the document of schema 2 as it is today: under our own id, its e-mail to be claimed.

    It is looked at, too: somebody may have changed its e-mail at Stripe long ago.
    """
    is_there = old.customer_id is not None and not old.is_forgotten
    look_at = now + timedelta(seconds=REKEYED_LOOK_S) if is_there else None
    return replace(wanting_email(replace(old, id=old.uid, version=0), old.id, now), look_at=look_at)


def wanting_email(customer: Customer, email: str, now: datetime) -> Customer:
    """Return the customer that is to have this e-mail, and none that it wanted before."""
    before = without_next_email(customer, now)
    return replace(
        before,
        next_email=email,
        email_claims=customer.email_claims + 1,
        released_emails=tuple(one for one in before.released_emails if one != email),
        email_due_at=now,
    )


def without_next_email(customer: Customer, now: datetime) -> Customer:
    """Return the customer that wants no other e-mail, whether or not that was claimed."""
    if customer.next_email is None:
        return customer
    released = _released(customer, customer.next_email)
    after = replace(customer, next_email=None, email_claimed=False, released_emails=released)
    return _due(after, now)


def moved_at_stripe(customer: Customer, shown: str | None, moment: Moment) -> Customer:
    """Return the customer after a look that shows this e-mail at Stripe.

    The e-mail before is nobody's at once. None at Stripe is no other one: it stays as it is. While
    a change is under way it is looked at again after that.
    """
    if customer.is_old or not shown:
        return customer
    email = followed_email(shown)
    if email is not None and email == customer.email:
        return customer
    if customer.update is not None:
        return replace(customer, look_at=moment.now)
    released = customer.released_emails
    if customer.held_email is not None:
        released = _released(customer, customer.held_email)
    after = replace(customer, held_email=None, released_emails=released)
    if email is None:
        after = _due(without_next_email(after, moment.now), moment.now)
        history = with_entry(after.history, "customer.email_unusable", moment)
        return _unheld(after, shown[:EMAIL_MAX], history, moment)
    return wanting_email(after, email, moment.now)


def next_email_step(customer: Customer, now: datetime) -> EmailStep | None:
    """Say what is to be done about e-mails now, or None when nothing is due."""
    if customer.email_due_at is None or customer.email_due_at > now:
        return None
    if customer.next_email is not None and not customer.email_claimed:
        return ClaimEmail(
            customer.next_email, customer.uid, customer.email_claims, customer.is_founding
        )
    if customer.released_emails:
        return ReleaseEmail(customer.released_emails[0], customer.uid)
    return None


def doing(customer: Customer, moment: Moment) -> Customer:
    """Return the document to write before a step about an e-mail is done."""
    return replace(customer, email_due_at=moment.now + timedelta(seconds=moment.policy.lease_s))


def decide_email(customer: Customer, step: EmailStep, news: News, moment: Moment) -> Customer:
    """Return the customer after a step about one of its e-mails."""
    match step, news:
        case ReleaseEmail(), EmailReleased():
            left = tuple(one for one in customer.released_emails if one != step.email)
            return _due(replace(customer, released_emails=left), moment.now)
        case ClaimEmail(), EmailClaimed() if _is_wanted(customer, step):
            if customer.update is not None:  # Stripe may refuse it yet
                return _due(replace(customer, email_claimed=True), moment.now)
            return switched(customer, moment)
        case ClaimEmail(), EmailTaken() if _is_wanted(customer, step):
            return _taken(customer, step, moment)
        case _:
            return _due(customer, moment.now)


def switched(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with the e-mail that it has claimed as its own."""
    is_other = bool(customer.held_email or customer.released_emails or customer.taken_email)
    released = customer.released_emails
    if customer.held_email is not None:
        released = _released(customer, customer.held_email)
    history = customer.history
    if is_other:
        history = with_entry(history, "customer.email_moved", moment)
    after = replace(
        customer,
        held_email=customer.next_email,
        next_email=None,
        email_claimed=False,
        released_emails=released,
        is_founding=False,
        taken_email=None,
        history=history,
    )
    return _due(after, moment.now)


def _is_wanted(customer: Customer, step: ClaimEmail) -> bool:
    """Whether the wish for this e-mail has stood since the step was begun, and still does."""
    is_same = (customer.next_email, customer.email_claims) == (step.email, step.number)
    return is_same and not customer.email_claimed


def _taken(customer: Customer, step: ClaimEmail, moment: Moment) -> Customer:
    bare = replace(customer, next_email=None)
    if customer.update is None:
        history = with_entry(bare.history, TAKEN, moment)
        return _waiting(_unheld(_due(bare, moment.now), step.email, history, moment), moment)
    refusal = StepRefusal(
        step=type(step).__name__, number=step.number, code=EMAIL_TAKEN, message=""
    )
    others = (one for one in customer.refusals if one.step != refusal.step)
    bare = replace(bare, refusals=(*others, refusal))
    return _due(without_update(bare, moment.now), moment.now)


def looked_at_after(customer: Customer, moment: Moment) -> Customer:
    """Return the customer that is looked at once its change has its e-mail, or has it not."""
    return replace(customer, look_at=moment.now) if customer.awaits_claim else customer


def without_update(customer: Customer, now: datetime) -> Customer:
    """Return the customer after a change of its e-mail that came to nothing.

    It is looked at: its e-mail may have been changed at Stripe while ours was under way.
    """
    assert customer.update is not None, "a change was under way"
    look_at = customer.look_at if customer.update.email is None else now
    return replace(without_next_email(customer, now), update=None, look_at=look_at)


def _unheld(customer: Customer, shown: str, history: tuple[Entry, ...], moment: Moment) -> Customer:
    """Return the customer that nobody finds by an e-mail; the first time it is looked at again."""
    if customer.taken_email == shown:
        return customer
    look_at = moment.now + timedelta(seconds=TAKEN_LOOK_S)
    look_at = min(customer.look_at or look_at, look_at)
    return replace(customer, taken_email=shown, look_at=look_at, history=history)


def _waiting(customer: Customer, moment: Moment) -> Customer:
    """Return the customer that is looked at again: the e-mail that another one has may be free."""
    lines = (line for line in reversed(customer.history) if line.what == TAKEN)
    since = next(lines, None)
    taken_s = (moment.now - since.at).total_seconds() if since else TAKEN_LOOK_MAX_S
    wait_s = min(max(taken_s, TAKEN_LOOK_S), TAKEN_LOOK_MAX_S)
    look_at = moment.now + timedelta(seconds=wait_s)
    return replace(customer, look_at=min(customer.look_at or look_at, look_at))


def _released(customer: Customer, email: str) -> tuple[str, ...]:
    return (*(one for one in customer.released_emails if one != email), email)


def _due(customer: Customer, now: datetime) -> Customer:
    claims = customer.next_email is not None and not customer.email_claimed
    is_due = claims or customer.released_emails
    return replace(customer, email_due_at=now if is_due else None)
