"""How a customer goes on: from what Stripe has to what is wanted, one call at a time.

All calls but the creation are idempotent by themselves (attaching twice changes nothing), so after
doubt they are simply asked again under the same key; the creation is looked for first.
"""

from dataclasses import replace
from datetime import timedelta

from payment_service.domain import call as calls
from payment_service.domain import customer_outcomes as outcomes
from payment_service.domain.call import Call, Move
from payment_service.domain.customer import (
    DEFAULT_IN_DOUBT,
    Asked,
    CardState,
    Customer,
    with_stripe_customer,
    with_valid_default,
)
from payment_service.domain.customer_emails import decide_email, doing, next_email_step
from payment_service.domain.customer_outcomes import AskStep, CardStep, OwedCardStep
from payment_service.domain.following import (
    followed,
    gone_at_stripe,
    looked_in_vain,
    looking_after_refusal,
    looking_on,
)
from payment_service.domain.moment import Moment
from payment_service.domain.news import (
    CardSeen,
    CustomerSeen,
    Declined,
    Denial,
    News,
    NotExecuted,
    NothingFound,
    Rejected,
    SeenCustomer,
    SeenSetup,
    SetupSeen,
)
from payment_service.domain.steps import (
    AttachCard,
    CreateCustomer,
    CreateSetup,
    DeleteCustomer,
    DetachCard,
    EmailStep,
    FindCustomer,
    NameCard,
    ReadCustomer,
    SetDefaultCard,
    UpdateCustomer,
)
from payment_service.domain.stripe_errors import CUSTOMER_PARAM, MISSING, UNAVAILABLE

OwedStep = AskStep | FindCustomer | ReadCustomer | EmailStep


def begin_call(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with its next call begun, if anything is to be done and nothing is.

    A call that nothing wants any more is dropped; what it may have done is wanted, or harmless.
    """
    if _wanted(customer, "") is None:
        return customer if customer.call is None else replace(customer, call=None)
    if customer.call is not None:
        return _hastened(customer, customer.call, moment)
    number = customer.calls_made + 1
    call = calls.begin_call(f"{customer.uid}-{number}", moment.now)
    return replace(customer, call=call, calls_made=number, updated_at=moment.now)


def _hastened(customer: Customer, call: Call, moment: Moment) -> Customer:
    """Return the customer with its call due now, if what is wanted next is not what it waits for.

    Nobody waits for the back-off of somebody else's wish; what is in doubt comes first all the
    same.
    """
    wanted, asked = _wanted(customer, ""), customer.asked
    if call.in_flight or call.doubts or not call.tries or wanted is None or asked is None:
        return customer
    if _is_the_same(wanted, asked):
        return customer
    return replace(customer, call=replace(call, due_at=min(call.due_at, moment.now)))


def next_step(customer: Customer, moment: Moment) -> OwedStep | None:
    """Say what is to be done about its e-mail or asked of Stripe now, or None when nothing is due.

    The e-mail comes first: without one nobody is made a customer.
    """
    return next_email_step(customer, moment.now) or _next_at_stripe(customer, moment)


def _next_at_stripe(
    customer: Customer, moment: Moment
) -> AskStep | FindCustomer | ReadCustomer | None:
    call = customer.call
    may_look = call is None and not customer.awaits_claim
    if may_look and customer.look_at and customer.look_at <= moment.now:
        assert customer.customer_id is not None
        return ReadCustomer(customer.customer_id, customer.setup.id if customer.setup else None)
    if call is None or call.due_at > moment.now:
        return None
    creating = customer.customer_id is None
    move = calls.next_move(call, moment.now, ask_for_s=calls.KEY_HELD_S)
    if creating and move is Move.LOOK:
        assert customer.email is not None, "nobody is made a customer without an e-mail"
        return FindCustomer(email=customer.email)
    wanted = _wanted(customer, call.key)
    asked = customer.asked
    if wanted is None or asked is None or not call.tries or _is_the_same(wanted, asked):
        return wanted
    if call.doubts:
        # A later wish must wait: what is in doubt might be done after it, and undo it.
        return _again(customer, asked, call.key)
    return replace(wanted, key=f"{customer.uid}-{customer.calls_made + 1}")


def _asked(step: AskStep) -> Asked:
    """Return what the document keeps of a step."""
    if isinstance(step, UpdateCustomer):
        return Asked(type(step).__name__, email=step.email, name=step.name)
    card_id = getattr(step, "payment_method_id", None)
    return Asked(type(step).__name__, card_id, getattr(step, "cardholder_name", None))


def _is_the_same(step: AskStep, asked: Asked) -> bool:
    return _asked(step) == replace(asked, default_before=None)


def _again(customer: Customer, asked: Asked, key: str) -> AskStep:
    """Return the step that is in doubt. A creation never is: nothing else can be wanted then."""
    customer_id, card_id = customer.customer_id, asked.payment_method_id
    assert customer_id is not None
    if asked.step == CreateSetup.__name__:
        return CreateSetup(key, customer_id, customer.setup.request_id if customer.setup else None)
    if asked.step == SetDefaultCard.__name__:
        return SetDefaultCard(key, customer_id, card_id)
    if asked.step == UpdateCustomer.__name__:
        return UpdateCustomer(key, customer_id, asked.email, asked.name)
    assert card_id is not None
    if asked.step == AttachCard.__name__:
        return AttachCard(key, customer_id, card_id)
    if asked.step == DetachCard.__name__:
        return DetachCard(key, card_id)
    return NameCard(key, card_id, asked.cardholder_name or "")


def _wanted(customer: Customer, key: str) -> AskStep | None:
    """Return what Stripe is to be asked next for this customer, under this key."""
    if customer.is_founding:  # whether there is a customer is not known yet
        return None
    wanted = _wanted_to_forget if customer.is_forgotten else _wanted_to_keep
    return wanted(customer, key)


def _wanted_to_keep(customer: Customer, key: str) -> AskStep | None:
    if customer.customer_id is None:
        if customer.refusal_code or customer.email is None:
            return None
        return CreateCustomer(key, customer.email, customer.name, customer.request_id)
    update = customer.update
    if update is not None and not customer.awaits_claim:
        return UpdateCustomer(key, customer.customer_id, update.email, update.name)
    return _wanted_of_cards(customer, customer.customer_id, key)


def _wanted_of_cards(customer: Customer, customer_id: str, key: str) -> AskStep | None:
    for card in customer.cards:
        if card.state is CardState.ADDING:
            return AttachCard(key, customer_id, card.payment_method_id)
    if customer.setup is not None and customer.setup.is_wanted:
        return CreateSetup(key, customer_id, customer.setup.request_id)
    if customer.default_payment_method_id != customer.default_at_stripe:
        return SetDefaultCard(key, customer_id, customer.default_payment_method_id)
    for card in customer.cards:
        if card.state is CardState.REMOVING:
            return DetachCard(key, card.payment_method_id)
    for card in customer.cards:
        if card.state is CardState.KEPT and not card.named:
            return NameCard(key, card.payment_method_id, card.cardholder_name or "")
    return None


def _wanted_to_forget(customer: Customer, key: str) -> AskStep | None:
    """First the names, which Stripe takes from attached cards only; then the cards; then it."""
    if customer.customer_id is None or customer.refusal_code:
        return None
    for card in customer.cards:
        if not card.named:
            return NameCard(key, card.payment_method_id, "")
        return DetachCard(key, card.payment_method_id)
    return DeleteCustomer(key, customer.customer_id)


def asking(customer: Customer, step: OwedStep, moment: Moment) -> Customer:
    """Return the document to write before the step leaves."""
    now, lease_s = moment.now, moment.policy.lease_s
    if isinstance(step, EmailStep):
        return doing(customer, moment)
    if isinstance(step, ReadCustomer):
        return replace(customer, look_at=now + timedelta(seconds=lease_s))
    assert customer.call is not None
    call = customer.call
    if isinstance(step, FindCustomer):
        return replace(customer, call=calls.looking(call, now, lease_s=lease_s))
    asked = _asked(step)
    if isinstance(step, SetDefaultCard):  # until there is news either may be Stripe's default
        before = customer.default_at_stripe
        if before == DEFAULT_IN_DOUBT and customer.asked is not None:
            # Of one that was tried already; else it is our own default that is told once more.
            before = customer.asked.default_before if call.tries else step.payment_method_id
        asked = replace(asked, default_before=before)
        customer = replace(customer, default_at_stripe=DEFAULT_IN_DOUBT)
    if step.key != call.key:
        call = calls.begin_call(step.key, now)
        customer = replace(customer, calls_made=customer.calls_made + 1)
    call = calls.asked(call, now, lease_s=lease_s)
    return replace(customer, call=call, asked=asked)


def orphaned(customer: Customer, moment: Moment) -> Customer:
    """Return the customer with its claim given up: the owner is known to be dead."""
    if customer.email_due_at is not None:
        customer = replace(customer, email_due_at=moment.now)
    if customer.call is None:
        return customer
    return replace(customer, call=calls.orphaned(customer.call, moment.now))


def decide(customer: Customer, step: OwedStep, news: News, moment: Moment) -> Customer:
    """Return the document after the news, with the next call begun when one is wanted."""
    if isinstance(step, EmailStep):
        after = decide_email(customer, step, news, moment)
        # One that was deleted at Stripe is made anew when it is next used, never by itself.
        is_wanted = customer.is_founding or after.customer_id is not None
        return begin_call(after, moment) if is_wanted else after
    if isinstance(step, ReadCustomer):
        return _after_look(customer, step, news, moment)
    return _decide_call(customer, step, news, moment)


def _decide_call(
    customer: Customer, step: AskStep | FindCustomer, news: News, moment: Moment
) -> Customer:
    call = customer.call
    if call is None or getattr(step, "key", call.key) != call.key:  # another door was faster
        return customer
    match news:
        case NothingFound() if isinstance(step, DeleteCustomer):
            done = gone_at_stripe(customer, moment)
        case NothingFound():
            return _found_nothing(customer, call, moment)
        case NotExecuted() if not isinstance(step, FindCustomer):
            return _not_executed(customer, call, step, news, moment)
        case Rejected() | Declined() if not isinstance(step, FindCustomer):
            return _denied(customer, call, step, news, moment)
        case SetupSeen(setup=setup):
            done = _with_setup(customer, setup, moment)
        case CustomerSeen(customer=seen) if isinstance(step, CreateCustomer | FindCustomer):
            done = with_stripe_customer(customer, seen)
        case CustomerSeen() | CardSeen() if isinstance(step, CardStep | UpdateCustomer):
            done = _done(customer, step, moment)
        case _:
            return _doubted(customer, call, step, moment, getattr(news, "dead_end", None))
    return _with_next_call(done, moment)


def seen_done(customer: Customer, key: str, seen: SeenCustomer, moment: Moment) -> Customer:
    """Return the customer after a look that shows what its call under this key was to bring about.

    What the call itself hears later changes nothing: each of these may be done twice.
    """
    call, asked = customer.call, customer.asked
    if call is None or call.key != key or asked is None or not call.doubts:
        return customer
    if not outcomes.shows(seen, asked):
        return customer
    step = _again(customer, asked, key)
    assert isinstance(step, CardStep | UpdateCustomer), "a look shows it and its cards"
    return _with_next_call(_done(customer, step, moment), moment)


def _done(customer: Customer, step: CardStep | UpdateCustomer, moment: Moment) -> Customer:
    if isinstance(step, UpdateCustomer):
        return outcomes.updated(customer, step, moment)
    return outcomes.done(customer, step)


def _denied(
    customer: Customer, call: Call, step: AskStep, news: Rejected | Declined, moment: Moment
) -> Customer:
    if isinstance(step, CreateCustomer) and call.doubts > 1:
        return _refused_in_doubt(customer, call, news.error, moment)
    if isinstance(step, DeleteCustomer) and news.error.code == MISSING:
        return gone_at_stripe(customer, moment)  # an earlier try did it
    is_made = customer.customer_id is not None
    if is_made and _says_customer_is_gone(news.error, step):
        return replace(customer, call=None, look_at=moment.now)
    if isinstance(step, UpdateCustomer):
        done = outcomes.update_refused(customer, step, news.error, moment)
        # What an earlier try in doubt has done is not known.
        done = looking_after_refusal(done, moment.now) if call.doubts > 1 else done
        return _with_next_call(done, moment)
    done = outcomes.refused(customer, step, news.error, declined=isinstance(news, Declined))
    attached_before = isinstance(step, AttachCard) and call.doubts > 1
    if isinstance(step, OwedCardStep) or attached_before:
        # What Stripe has instead is not known; nor is what an earlier try in doubt has done.
        done = looking_after_refusal(done, moment.now)
    return _with_next_call(done, moment)


def _after_look(customer: Customer, step: ReadCustomer, news: News, moment: Moment) -> Customer:
    """Follow what Stripe shows, unless something of ours has begun since: then look after it."""
    if customer.customer_id != step.customer_id:
        return customer
    if customer.call is not None or customer.awaits_claim:
        return replace(customer, look_at=moment.now)
    match news:
        case CustomerSeen() if customer.is_forgotten:  # nothing of it may come back
            return begin_call(replace(customer, look_at=None), moment)
        case CustomerSeen(customer=seen, setup=setup):
            return begin_call(followed(customer, seen, setup, moment), moment)
        case NothingFound():
            gone = gone_at_stripe(customer, moment)
            waits = any(card.state is CardState.ADDING for card in gone.cards)
            return begin_call(gone, moment) if waits else gone
        case _:
            return looked_in_vain(customer, moment.now)


def _says_customer_is_gone(error: Denial, step: OwedStep) -> bool:
    """Whether Stripe does not know the customer any more. Nothing else is taken for that."""
    named = error.code == MISSING and error.param == CUSTOMER_PARAM
    gone = error.code == MISSING and error.param == "id"
    return named or (gone and isinstance(step, SetDefaultCard | UpdateCustomer))


def _with_setup(customer: Customer, seen: SeenSetup, moment: Moment) -> Customer:
    if customer.setup is None:
        return customer
    made = replace(customer.setup, id=seen.id, status=seen.status)
    return looking_on(replace(customer, setup=made), moment.now)


def _with_next_call(customer: Customer, moment: Moment) -> Customer:
    return begin_call(with_valid_default(replace(customer, call=None)), moment)


def _found_nothing(customer: Customer, call: Call, moment: Moment) -> Customer:
    looked = calls.found_nothing(call, moment.now)
    if calls.is_over(looked, moment.now, ask_for_s=calls.KEY_HELD_S):
        return _with_next_call(customer, moment)  # nothing came of it, so it may begin anew
    return replace(customer, call=looked)


def _refused_in_doubt(customer: Customer, call: Call, error: Denial, moment: Moment) -> Customer:
    """A refusal proves nothing about an earlier try: look what came of that."""
    call = calls.was_not_executed(call, moment.now)
    return replace(customer, call=replace(call, due_at=moment.now, dead_end=error.code))


def _doubted(
    customer: Customer, call: Call, step: OwedStep, moment: Moment, dead_end: str | None
) -> Customer:
    if isinstance(step, FindCustomer):
        return replace(customer, call=calls.look_failed(call, moment.now))
    doubted = calls.heard_nothing(call, moment.now)
    if dead_end is None:
        return replace(customer, call=doubted)
    # An error is saved under this key; a new one is safe, since these calls repeat without harm
    # and the creation is looked for first.
    number = customer.calls_made + 1
    doubted = replace(doubted, key=f"{customer.uid}-{number}")
    return replace(customer, call=doubted, calls_made=number)


def _not_executed(
    customer: Customer, call: Call, step: AskStep, news: NotExecuted, moment: Moment
) -> Customer:
    call = calls.was_not_executed(call, moment.now, retry_after_s=news.retry_after_s)
    tired = call.tries >= calls.NOT_EXECUTED_TRIES_MAX or not news.retryable
    if call.doubts == 0 and tired and isinstance(step, CreateCustomer | AttachCard | CreateSetup):
        # Somebody waits for these; the others bring Stripe up to date whenever they can.
        code = UNAVAILABLE if news.retryable else news.reason
        error = Denial(code, news.reason)
        return _with_next_call(outcomes.refused(customer, step, error, declined=False), moment)
    is_final = call.doubts == 0 and not news.retryable and not customer.is_forgotten
    # Our key may not do it, today or tomorrow: whoever asked is told, and nothing is owed.
    error = Denial(news.reason, "Stripe does not let this service's key do this.")
    if is_final and isinstance(step, UpdateCustomer):
        return _with_next_call(outcomes.update_refused(customer, step, error, moment), moment)
    if is_final and isinstance(step, OwedCardStep):
        done = outcomes.given_up(customer, step, error)
        return _with_next_call(looking_after_refusal(done, moment.now), moment)
    return replace(customer, call=call)
