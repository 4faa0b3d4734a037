"""Stripe's webhook: checked before anything is looked at, kept before it is answered."""

from collections import deque
from datetime import datetime, timedelta

from payment_service.api.answer_models import TakenAnswer
from payment_service.api.answers import Answer
from payment_service.api.endpoint import Api, Endpoint, Handle, everybodys
from payment_service.api.incoming import Incoming
from payment_service.api.options import WEBHOOK_PATH
from payment_service.api.problems import TooManyRequests, WebhooksNotConfigured
from payment_service.domain.errors import WebhookRefused
from payment_service.domain.moment import Door
from payment_service.flows.take_event import take_event

# A secret that was rotated wrongly shows in Stripe's retries, some a minute; this is an attack.
BAD_POSTS_MAX = 60
BAD_POSTS_WINDOW_S = 60


class BadPosts:
    """Counts posts with bad signatures; good ones pass whatever it has counted."""

    def __init__(self) -> None:
        self._at: deque[datetime] = deque(maxlen=BAD_POSTS_MAX)

    def count(self, now: datetime) -> None:
        """Count one. Raises TooManyRequests."""
        full = len(self._at) == BAD_POSTS_MAX
        if full and now - self._at[0] < timedelta(seconds=BAD_POSTS_WINDOW_S):
            raise TooManyRequests(
                "Too many posts with bad signatures.", retry_after_s=BAD_POSTS_WINDOW_S
            )
        self._at.append(now)


def taking(bad_posts: BadPosts) -> Handle:
    """Return the endpoint that takes events."""

    async def take(api: Api, call: Incoming) -> Answer:
        reader = api.world.event_reader
        if reader is None:
            raise WebhooksNotConfigured("STRIPE_WEBHOOK_SECRET is not set.")
        now = api.world.clock.now()
        try:
            seen = reader.read(call.raw, call.signature, now)
        except WebhookRefused:
            bad_posts.count(now)
            raise
        taken = await take_event(api.world, seen, Door.WEBHOOK)
        return Answer(200, {"success": True, "received": str(taken)})

    return take


def endpoints() -> tuple[Endpoint, ...]:
    """Return the endpoint that Stripe posts to, with a count of bad posts of its own."""
    return (
        Endpoint(
            method="POST",
            path=WEBHOOK_PATH,
            handle=taking(BadPosts()),
            scope=None,
            guard=everybodys,
            name="take_event",
            tag="events",
            summary="Take an event of Stripe's",
            description=(
                "For Stripe only: the body is checked against `Stripe-Signature` and our signing "
                "secrets. 200 means that the event is kept durably; it is applied apart from the "
                "answer. Snapshot and thin events are taken. Events of other systems on the same "
                "account, and of connected accounts, are answered 200 as well."
            ),
            answers={200: TakenAnswer},
            refusals={
                400: ("webhook_signature_invalid", "invalid_event"),
                404: ("webhooks_not_configured",),
                408: ("body_too_slow",),
                413: ("body_too_large",),
                429: ("too_many_requests",),
            },
            signed=True,
        ),
    )
