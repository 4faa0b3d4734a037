"""How much anybody may ask for, and how much we ask of Stripe."""

from collections.abc import Iterator

from pydantic import BaseModel, Field

from payment_service.setting_kinds import Rate

DAY_S = 86_400  # longer than that is a block list, and kept elsewhere


class LimitSettings(BaseModel):
    """Limits against abuse and overload."""

    # Some 50 MB of requests. 40 a second that Stripe keeps waiting for 25 s are as many.
    requests_in_flight_max: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description=(
            "How many requests may be under way in this process, however little they cost; one "
            "more is refused with 503 `overloaded`. What costs more than there is, is refused "
            "sooner, by how late the process is."
        ),
        examples=["1000"],
    )
    # A payer does not notice a tenth of a second beside Stripe's own; below a fiftieth every burst
    # looks like overload, and seconds are no service any more.
    shed_delay_s: float = Field(
        default=0.1,
        ge=0,
        le=10,
        description=(
            "How long requests may queue for this process's processor before a part of them is "
            "refused with 503 `overloaded`, early and cheaply, so that the others are answered in "
            "time; ten times as long when it is the database they wait for, and time at Stripe is "
            "not counted. 0: none is refused for being late."
        ),
        examples=["0.1"],
    )
    # Each open file is one; a thousand is the least that systems allow a process, and some are
    # needed for Stripe and the database.
    connections_max: int = Field(
        default=2000,
        ge=10,
        le=100_000,
        description=(
            "How many connections of clients may be open. For one more, the one that has waited "
            "longest without a request under way is closed; when all have one, the new one is "
            "answered 503. The system's limit on open files must be some hundreds above it; the "
            "process raises its own as far as it may."
        ),
        examples=["2000"],
    )
    # 500 a second is more than a shop's peak, and about what one process does: it stops what runs
    # in a loop, and nobody honest.
    rate_limit_per_caller: Rate = Field(
        default="30000/minute",
        description=(
            "How many requests one authenticated caller may make to this process; more is refused "
            "with 429 until the minute is over. Empty: as many as it likes."
        ),
        examples=["30000/minute"],
    )
    # As high as for a caller, since behind a proxy that is not in TRUSTED_PROXIES, or in front of a
    # shop's own server, all requests come from one address.
    rate_limit_per_address: Rate = Field(
        default="30000/minute",
        description=(
            "How many requests one client address may make to this process. Where payers' browsers "
            "call directly, and `TRUSTED_PROXIES` is right, 600/minute is plenty. Empty: no limit."
        ),
        examples=["600/minute"],
    )
    # A chain of more proxies than a handful is a mistake.
    trusted_proxies: int = Field(
        default=0,
        ge=0,
        le=16,
        description=(
            "How many proxies of yours stand before the service. The client's address is so many "
            "entries from the right of X-Forwarded-For; 0 never believes that header. Refused "
            "cards are counted by address only where it is no proxy's: not where it is loopback, "
            "private, link-local or shared (100.64.0.0/10), or where entries are missing."
        ),
        examples=["1"],
    )

    # A person mistypes three times, or has three cards that are empty; a tester has hundreds.
    card_refusals_max: int = Field(
        default=10,
        ge=0,
        le=1000,
        description=(
            "After so many refused cards of one customer, from one payer's address, or of one "
            "card within `CARD_REFUSALS_WINDOW_S`, no other is tried for `CARD_REFUSALS_PAUSE_S` "
            "(429 `too_many_card_refusals`); 0 never. It holds for all replicas."
        ),
        examples=["10"],
    )
    card_refusals_window_s: float = Field(
        default=3600.0,
        ge=1,
        le=DAY_S,
        description="The time within which refused cards are counted together.",
        examples=["3600"],
    )
    card_refusals_pause_s: float = Field(
        default=3600.0,
        ge=1,
        le=DAY_S,
        description="How long nothing is tried after too many refused cards.",
        examples=["3600"],
    )
    # Stripe raises its limits on request; nobody is known to have more than some thousands.
    stripe_requests_per_s: int = Field(
        default=100,
        ge=0,
        le=10_000,
        description=(
            "How many requests a second this process sends to Stripe; 0 is no limit. Stripe takes "
            "100 from a live account and 25 in test mode: divide by the number of processes."
        ),
        examples=["50"],
    )
    stripe_requests_per_endpoint_s: int = Field(
        default=25,
        ge=0,
        le=10_000,
        description=(
            "How many of them to one endpoint (a method and a path without its ids); 0 is no "
            "limit. Stripe takes 25 unless it agreed to more: divide by the number of processes."
        ),
        examples=["12"],
    )


def limit_warnings(settings: LimitSettings, *, production: bool) -> Iterator[str]:
    """Say what of this group is worth a look at the start."""
    counts_addresses = bool(settings.rate_limit_per_address or settings.card_refusals_max)
    if production and not settings.trusted_proxies and counts_addresses:
        yield (
            "TRUSTED_PROXIES is 0: behind a load balancer or an ingress all callers have one "
            "address, RATE_LIMIT_PER_ADDRESS holds for all of them together, and no refused card "
            "is counted by address"
        )
