"""How much anybody may ask for, and how much we ask of Stripe."""

from pydantic import BaseModel


class LimitSettings(BaseModel):
    """Limits against abuse and overload."""
