"""Which notices a person may have sent again, and what the payment becomes by that."""

from dataclasses import replace
from datetime import datetime

from payment_service.domain import notice as notices
from payment_service.domain.errors import NotFound, NotificationNotRetryable
from payment_service.domain.notice import Notice, NoticeState
from payment_service.domain.payment import Payment


def sent_again(payment: Payment, key: str, now: datetime, *, again: bool) -> Payment:
    """Return the payment with this notification due at once; unchanged while it is being sent.

    again: though it was delivered, or a later one follows it. Raises NotFound: there is none with
    this key; NotificationNotRetryable: without `again` it is not, or it is not true any more.
    """
    notice = notice_with_key(payment, key)
    _check(payment, notice, again=again)
    if notice.state is NoticeState.OWED and notice.call.in_flight:
        return payment  # it is being sent at this moment
    after = notices.sent_again(notice, now)
    changed = tuple(after if n is notice else n for n in payment.notices)
    return replace(payment, notices=changed, updated_at=now)


def notice_with_key(payment: Payment, key: str) -> Notice:
    """Return the payment's notice with this key. Raises NotFound."""
    found = next((n for n in payment.notices if n.call.key == key), None)
    if found is None:
        raise NotFound("This payment has no notification with this key.")
    return found


def _check(payment: Payment, notice: Notice, *, again: bool) -> None:
    if notice.state is NoticeState.DROPPED or notice.is_overtaken:
        raise NotificationNotRetryable("What this notification tells is not true any more.")
    if again:
        return
    if notice.state is NoticeState.TOLD:
        raise NotificationNotRetryable(
            "This notification was delivered. The API sends it once more with `again: true`."
        )
    later = payment.notices[payment.notices.index(notice) + 1 :]
    if any(n.state is NoticeState.TOLD for n in later):
        raise NotificationNotRetryable(
            "A later notification of this order was delivered, and this one would throw its status "
            "back. The API sends it all the same with `again: true`."
        )
    if any(n.state is NoticeState.OWED and n.call.in_flight for n in later):
        raise NotificationNotRetryable(
            "A later notification of this order is being sent, and this one would throw its status "
            "back. The API sends it after that all the same with `again: true`."
        )
