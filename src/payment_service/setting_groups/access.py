"""Who may call, how they show who they are, and what else of the doors can be set."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field

from payment_service.setting_groups.issuers import token_contradictions
from payment_service.setting_kinds import AuthKinds, Origins

AUTH_UNSET = (
    (
        "is not set, and in production nobody else can decide who may call: choose api-key (keys "
        "that `payment-service keys create` makes), jwt (tokens of your identity provider), both "
        "with a comma, or none where a gateway lets only trusted callers through"
    ),
    "api-key,jwt",
)


class AccessSettings(BaseModel):
    """How callers show who they are."""

    auth: AuthKinds = Field(
        description=(
            "How callers show who they are. `api-key`: with a key that `payment-service keys "
            "create` made. `jwt`: with a bearer token of an identity provider. `none`: not at all, "
            "for development, or behind a gateway that lets only trusted callers through."
        ),
        examples=["api-key,jwt"],
    )
    allow_http_token_urls: bool = Field(
        default=False,
        description=(
            "Whether in production `AUTH_JWT_JWKS_URL` and `ORDER_SERVICE_TOKEN_URL` may be http. "
            "For addresses within a cluster whose network lets nobody listen or answer in "
            "another's name; the start warns of each."
        ),
        examples=["true"],
    )
    docs_enabled: bool = Field(
        default=True,
        description=(
            "Whether the pages for people who write clients (`/api-docs`) are served. They need "
            "no credentials and show nothing but the contract."
        ),
        examples=["true"],
    )
    cors_origins: Origins = Field(
        default="",
        description=(
            "The web pages that may call from a browser, by their exact origins. Empty: none."
        ),
        examples=["https://shop.example.com,https://admin.example.com"],
    )
    metrics_port: int = Field(
        ge=0,
        le=65_535,
        description=(
            "The port of `/metrics`, `/livez` and `/readyz` for those who watch over the process; "
            "`serve` and `worker` both open it. 0: `serve` shows `/metrics` on the main port, and "
            "`worker` opens nothing."
        ),
        examples=["9090"],
    )


def access_contradictions(
    environment: str, values: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    """Find what may not be together, from the raw text, as (setting, (reason, example))."""
    kinds = {kind.strip().lower() for kind in values.get("auth", "").split(",")}
    if "none" in kinds and len(kinds) > 1:
        reason = "asks for nothing and for something at once: none stands alone", "api-key,jwt"
        yield "auth", reason
    if values.get("metrics_port") == values.get("port", "9000"):
        reason = "is PORT itself; set another one, or 0 to have /metrics on the main port", "9090"
        yield "metrics_port", reason
    yield from token_contradictions(environment, values, is_used="jwt" in kinds)


def access_warnings(settings: AccessSettings, *, production: bool) -> Iterator[str]:
    """Say what of this group is worth a look at the start."""
    if production and settings.auth == "none":
        yield "AUTH is none: whoever reaches this port may charge cards and refund"
    if production and not settings.metrics_port:
        yield "METRICS_PORT is 0: whoever reaches the main port may read /metrics"
