"""How much anybody may ask for, and how much we ask of Stripe."""

from pydantic import BaseModel, Field


class LimitSettings(BaseModel):
    """Limits against abuse and overload."""

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
