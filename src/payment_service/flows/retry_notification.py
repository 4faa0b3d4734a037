"""Send a notification of the OrderService again because a person says so, and note who did."""

from dataclasses import replace
from datetime import datetime

from payment_service.domain.errors import NotFound, NotificationNotRetryable
from payment_service.domain.moment import Door, Moment
from payment_service.domain.notice import Notice
from payment_service.domain.payment import Payment
from payment_service.domain.sending_again import notice_with_key, sent_again
from payment_service.flows.advance import PAYMENT, advance, commit
from payment_service.flows.note_audit import note_audit
from payment_service.flows.world import World
from payment_service.ports import Store, VersionConflict
from payment_service.storage.collections import PAYMENTS


async def retry_notification(
    world: World, payment: Payment, key: str, *, again: bool, who: str
) -> tuple[Payment, Notice]:
    """Send the payment's notification with this key now; return both as they are written.

    again: also one that was delivered. Each time is a line of its own in the audit. Raises
    NotFound, NotificationNotRetryable, Unavailable.
    """

    def change(payment: Payment, moment: Moment) -> Payment:
        return sent_again(payment, key, moment.now, again=again)

    now = world.clock.now()
    # What cannot be is not noted, nor what is done already.
    if sent_again(payment, key, now, again=again) is payment:
        return payment, notice_with_key(payment, key)
    once = world.ids.new("retry")
    await note_retry(world.store, payment.id, once=once, who=who, why="", now=now)
    claimed = await commit(world, PAYMENT, payment, change, Door.OPERATOR)
    written = await advance(world, PAYMENT, claimed, Door.OPERATOR)
    return written, notice_with_key(written, key)


async def retry_stored(
    store: Store,
    payment: Payment,
    key: str,
    now: datetime,
    *,
    who: str,
    why: str,
    rehearse: bool = False,
) -> str | None:
    """Owe the notification anew in the database alone; whoever works on it sends it.

    Return why it is not sent again, None when it is. rehearse: only say that. Raises
    StoreUnavailable.
    """
    while True:  # whoever wins a race has brought it further
        try:
            after = sent_again(payment, key, now, again=False)
        except (NotFound, NotificationNotRetryable) as refusal:
            return str(refusal)
        if after is payment:
            return "It is being sent at this moment."
        if rehearse:
            return None
        once = f"notification-retried-{key}-{payment.version}"
        await note_retry(store, payment.id, once=once, who=who, why=why, now=now)
        written = replace(after, version=payment.version + 1)
        try:
            await store.replace(PAYMENTS, written, expected_version=payment.version)
        except VersionConflict:
            found = await store.get(PAYMENTS, payment.id)
            assert found is not None, "a payment was removed"
            payment = found
        else:
            return None


async def note_retry(
    store: Store, order_id: str, *, once: str, who: str, why: str, now: datetime
) -> None:
    """Note in the audit that a notification of this order is sent again."""
    await note_audit(
        store,
        once=once,
        what="notification.retried",
        who=who,
        why=why,
        subject=order_id,
        now=now,
    )
