"""Who may call, how they show who they are, and what else of the doors can be set."""

from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from payment_service.setting_kinds import (
    Allowed,
    AuthKinds,
    ClaimName,
    JwtAlgorithms,
    JwtSecret,
    Origins,
    PublicKey,
    Url,
)

AUTH_UNSET = (
    (
        "is not set, and in production nobody else can decide who may call: choose api-key (keys "
        "that `payment-service keys create` makes), jwt (tokens of your identity provider), both "
        "with a comma, or none where a gateway lets only trusted callers through"
    ),
    "api-key,jwt",
)

_HS = frozenset({"HS256", "HS384", "HS512"})
_SOURCES = ("auth_jwt_jwks_url", "auth_jwt_public_key", "auth_jwt_secret")


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
    auth_jwt_jwks_url: Url = Field(
        default="",
        description=(
            "Where the identity provider publishes its keys (its `jwks_uri`). One of this, "
            "`AUTH_JWT_PUBLIC_KEY` and `AUTH_JWT_SECRET` is needed with `jwt`. https in production."
        ),
        examples=["https://id.example.com/.well-known/jwks.json"],
    )
    auth_jwt_public_key: PublicKey = Field(
        default="",
        description=(
            "The one public key that signs tokens, where there is no address to fetch keys from. "
            "Its line breaks may be written as `\\n`."
        ),
        examples=["-----BEGIN PUBLIC KEY-----\\n...\\n-----END PUBLIC KEY-----"],
    )
    auth_jwt_secret: JwtSecret = Field(
        default=None,
        description=(
            "The secret that tokens are signed with (HS256). Whoever can check tokens with it can "
            "make them too: prefer public keys."
        ),
        examples=["..."],
    )
    auth_jwt_issuer: Annotated[str, Allowed("the `iss` claim, exactly")] = Field(
        default="",
        description="Who must have issued a token. Needed with `jwt`.",
        examples=["https://id.example.com/"],
    )
    auth_jwt_audience: Annotated[str, Allowed("one of the `aud` claims, exactly")] = Field(
        default="",
        description=(
            "For whom a token must have been issued: this service, by its name at the identity "
            "provider. Needed with `jwt`: without it a token for any other application would do."
        ),
        examples=["payment-service"],
    )
    auth_jwt_algorithms: JwtAlgorithms = Field(
        default="",
        description=(
            "The algorithms that a token may be signed with. Not set: `RS256,ES256` for public "
            "keys, `HS256` for a secret. Never taken from the token."
        ),
        examples=["RS256"],
    )
    auth_jwt_email_claim: ClaimName = Field(
        default="email",
        description=(
            "The claim that makes a token an end user's, who reaches only what belongs to the "
            "customer of that e-mail. A token without it is a service's."
        ),
        examples=["email"],
    )
    auth_jwt_scope_claim: ClaimName = Field(
        default="scope",
        description=(
            "The claim with the scopes, as a list or as text with spaces between them. Some "
            "providers call it `scp` or `permissions`."
        ),
        examples=["scope"],
    )
    # Clocks that are kept by NTP differ by far less; past minutes an expiry means nothing.
    auth_jwt_leeway_s: float = Field(
        default=30.0,
        ge=0,
        le=300,
        description="By how much the identity provider's clock may differ from ours.",
        examples=["30"],
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
    if "jwt" in kinds:
        yield from _jwt_contradictions(environment, values)


def _jwt_contradictions(
    environment: str, values: Mapping[str, str]
) -> Iterator[tuple[str, tuple[str, str]]]:
    sources = [name for name in _SOURCES if values.get(name)]
    if not sources:
        reason = (
            "is not set, nor AUTH_JWT_PUBLIC_KEY or AUTH_JWT_SECRET: with AUTH=jwt one of them "
            "must say whose signature counts"
        )
        yield _SOURCES[0], (reason, "https://id.example.com/.well-known/jwks.json")
    for extra in sources[1:]:
        yield extra, (f"is a second source of keys beside {sources[0].upper()}; keep one", "")
    for name, example in (
        ("auth_jwt_issuer", "https://id.example.com/"),
        ("auth_jwt_audience", "payment-service"),
    ):
        if not values.get(name):
            yield name, ("is not set, and AUTH=jwt needs it", example)
    url = values.get("auth_jwt_jwks_url", "")
    if environment == "production" and url and not url.startswith("https://"):
        reason = "must be https in production, or anybody between could bring keys of their own"
        yield "auth_jwt_jwks_url", (reason, "https://id.example.com/.well-known/jwks.json")
    named = {name.strip().upper() for name in values.get("auth_jwt_algorithms", "").split(",")}
    named.discard("")
    symmetric = sources[:1] == ["auth_jwt_secret"]
    if symmetric and named - _HS:
        reason = "must be HS256, HS384 or HS512 with AUTH_JWT_SECRET"
        yield "auth_jwt_algorithms", (reason, "HS256")
    elif sources and not symmetric and named & _HS:
        reason = "must not be HS… with public keys: anybody could sign with what is public"
        yield "auth_jwt_algorithms", (reason, "RS256")


def access_warnings(settings: AccessSettings, *, production: bool) -> Iterator[str]:
    """Say what of this group is worth a look at the start."""
    if production and settings.auth == "none":
        yield "AUTH is none: whoever reaches this port may charge cards and refund"
    if production and not settings.metrics_port:
        yield "METRICS_PORT is 0: whoever reaches the main port may read /metrics"


def jwt_algorithms(settings: AccessSettings) -> frozenset[str]:
    """Return the algorithms that are pinned: those that are set, else those of the keys' kind."""
    default = "RS256,ES256" if settings.auth_jwt_secret is None else "HS256"
    named = settings.auth_jwt_algorithms or default
    return frozenset(name.strip() for name in named.split(","))


def secret_text(secret: SecretStr | None) -> str:
    """Return what is kept in it, "" when there is none."""
    return secret.get_secret_value() if secret is not None else ""
