"""Who may call."""

from pydantic import BaseModel


class AccessSettings(BaseModel):
    """How callers show who they are."""
