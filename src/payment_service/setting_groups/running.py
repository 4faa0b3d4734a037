"""How the process works and what it writes about that."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from payment_service.setting_kinds import EmailKey, ServiceName, Word


class RunningSettings(BaseModel):
    """How the process works and what it writes about that."""

    worker_enabled: bool = Field(
        default=True,
        description=(
            "Whether `serve` also settles what is due. Set it to false where `payment-service "
            "worker` runs on its own."
        ),
        examples=["true"],
    )
    # Each one may hold a connection to Stripe: no more than the most of those.
    worker_concurrency: int = Field(
        default=16,
        ge=1,
        le=4096,
        description="How many due payments are settled at once.",
        examples=["16"],
    )
    # Five seconds below the 30 s that Kubernetes waits before it kills.
    shutdown_grace_s: float = Field(
        default=25.0,
        ge=0,
        le=300,
        description="How long all that is under way may take to finish after SIGTERM.",
        examples=["25"],
    )

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Word] = Field(
        default="info",
        description="The least serious log line that is written.",
        examples=["info"],
    )
    log_format: Annotated[Literal["json", "console"], Word] = Field(
        description="`json`: one object a line, for machines. `console`: coloured, for people.",
        examples=["json"],
    )
    log_email_key: EmailKey = Field(
        default=None,
        description=(
            "What e-mail addresses in the log are hashed with. With the same key everywhere the "
            "lines about one customer compare across processes. Not set: one is made up at each "
            "start."
        ),
        examples=["..."],
    )
    service_name: ServiceName = Field(
        default="payment-service",
        description=(
            "Written as `service` into the metadata of all that is made at Stripe; payments under "
            "another name are not ours. Never change it while payments are open."
        ),
        examples=["payment-service"],
    )
