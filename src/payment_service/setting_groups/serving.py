"""Where the service listens."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from payment_service.setting_kinds import Host, Prefix, Word

Environment = Literal["development", "production"]


class ServingSettings(BaseModel):
    """Where the service listens."""

    environment: Annotated[Environment, Word] = Field(
        default="development",
        description=(
            "Decides which defaults hold and which Stripe keys are accepted. `NODE_ENV` is read "
            "when this is not set, for deployments that have it already."
        ),
        examples=["production"],
    )
    port: int = Field(
        default=9000, ge=1, le=65_535, description="The port to listen on.", examples=["9000"]
    )
    host: Host = Field(
        description="The address to listen on. A container must listen on all of them.",
        examples=["0.0.0.0"],  # noqa: S104 - what production wants, and only there the default
    )
    api_prefix: Prefix = Field(
        default="/payment",
        description="The path before every endpoint but the health checks.",
        examples=["/payment"],
    )
