"""Whose tokens count and what they must say: one issuer by settings, several by a small file.

A table of the file has the names of these settings without `AUTH_JWT_`, and is checked as they are.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field, SecretStr

from payment_service.setting_kinds import (
    ClaimAndValue,
    ClaimName,
    ClaimNames,
    ClientIds,
    EndUserScopes,
    JwtAlgorithms,
    JwtSecret,
    PublicKey,
    TokenAudiences,
    TokenIssuer,
    TokenIssuers,
    TokenScope,
    Url,
)

PREFIX = "auth_jwt_"
ISSUERS = "auth_jwt_issuers"
# RFC 7518, 3.2: a key has at least the size of the hash, in bytes.
_HS_BYTES_MIN = {"HS256": 32, "HS384": 48, "HS512": 64}
_HS = frozenset(_HS_BYTES_MIN)
_SOURCES = ("jwks_url", "public_key", "secret")
_NEEDED = {"issuer": "https://id.example.com/", "audience": "payment-service"}
_JWKS_EXAMPLE = "https://id.example.com/.well-known/jwks.json"
# As pydantic reads them.
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})

Reason = tuple[str, str]  # what is wrong, and an example of what is right


class TokenSettings(BaseModel):
    """One identity provider: its keys, and what its tokens say where."""

    auth_jwt_issuers: TokenIssuers = Field(
        default=None,
        description=(
            "Several identity providers, each with its own keys, audience and rules: TOML with a "
            "table `[[issuer]]` for each, or the path of a file with it. The keys of a table are "
            "the names of the settings that begin with `AUTH_JWT_`, in small letters and without "
            "that; `secret_file` and `public_key_file` name files. The one issuer of "
            "`AUTH_JWT_ISSUER` counts beside them."
        ),
        examples=["/etc/payment-service/issuers.toml"],
    )
    auth_jwt_jwks_url: Url = Field(
        default="",
        description=(
            "Where the identity provider publishes its keys (its `jwks_uri`). One of this, "
            "`AUTH_JWT_PUBLIC_KEY` and `AUTH_JWT_SECRET` is needed with `jwt`. In production it "
            "needs https, or `ALLOW_HTTP_TOKEN_URLS`."
        ),
        examples=[_JWKS_EXAMPLE],
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
    auth_jwt_issuer: TokenIssuer = Field(
        default="",
        description="Who must have issued a token. Needed with `jwt`.",
        examples=[_NEEDED["issuer"]],
    )
    auth_jwt_audience: TokenAudiences = Field(
        default="",
        description=(
            "For whom a token must have been issued: this service, by its name at the identity "
            "provider. Needed with `jwt`: without it a token for any other application would do."
        ),
        examples=[_NEEDED["audience"]],
    )
    auth_jwt_audience_claim: ClaimName = Field(
        default="aud",
        description=(
            "The claim with the audience. Access tokens of Amazon Cognito have none but their "
            "`client_id`: then `AUTH_JWT_AUDIENCE` names the clients whose tokens count."
        ),
        examples=["client_id"],
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
            "The claim with an end user's e-mail, as text or a list of one: an end user reaches "
            "only what belongs to the customer of that e-mail. It may be a URL."
        ),
        examples=["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"],
    )
    auth_jwt_email_verified: Literal["required", "assumed"] = Field(
        default="required",
        description=(
            "What it means when a token does not say whether its e-mail is verified. `required`: "
            "it is not, and the token is refused. `assumed`: it is, because nobody gets an account "
            "there whose e-mail was not checked. A token that says it is not is refused always."
        ),
        examples=["assumed"],
    )
    auth_jwt_email_verified_claim: ClaimName = Field(
        default="email_verified",
        description="The claim that says whether the e-mail is verified: true, or that as text.",
        examples=["https://shop.example.com/email_verified"],
    )
    auth_jwt_scope_claim: ClaimNames = Field(
        default="scope",
        description=(
            "The claims with the scopes, each as a list, or as text with spaces or commas between "
            "them. Providers call it `scope`, `scp`, `permissions` or `roles`; dots lead into "
            "objects (`realm_access.roles`), unless a claim has that very name."
        ),
        examples=["scope,permissions"],
    )
    auth_jwt_scope_prefix: TokenScope = Field(
        default="",
        description=(
            "What the provider writes before each scope of this service; scopes without it do not "
            "count."
        ),
        examples=["https://payments.example.com/"],
    )
    auth_jwt_end_user_scopes: EndUserScopes = Field(
        default="",
        description=(
            "The scopes of end users whose tokens have no claim for scopes at all. Empty: they may "
            "do nothing."
        ),
        examples=["payment.write"],
    )
    auth_jwt_service_scope: TokenScope = Field(
        default="payment.service",
        description=(
            "The scope that makes a caller without an e-mail a service, which may act for every "
            "customer. A token that has neither an e-mail nor this, nor is a service by "
            "`AUTH_JWT_SERVICE_CLIENTS` or `AUTH_JWT_SERVICE_CLAIM`, is refused. May be empty: "
            "then no scope does."
        ),
        examples=["payment.service"],
    )
    auth_jwt_service_clients: ClientIds = Field(
        default="",
        description=(
            "The clients whose tokens without an e-mail are a service's, by `client_id`, `azp`, "
            "`appid` or `cid`. Only clients with which no end user signs in."
        ),
        examples=["checkout,back-office"],
    )
    auth_jwt_service_claim: ClaimAndValue = Field(
        default="",
        description=(
            "A claim, and its value, that only tokens of services have; without an e-mail such a "
            "token is a service's."
        ),
        examples=["gty=client-credentials"],
    )
    auth_jwt_service_may_have_email: bool = Field(
        default=False,
        description=(
            "Whether a service's token may have an e-mail, as service accounts have at some "
            "providers. If not, whoever has one is an end user, whatever else the token says."
        ),
        examples=["true"],
    )
    # Clocks that are kept by NTP differ by far less; past minutes an expiry means nothing.
    auth_jwt_leeway_s: float = Field(
        default=30.0,
        ge=0,
        le=300,
        description="By how much the identity provider's clock may differ from ours.",
        examples=["30"],
    )


def is_true(text: str) -> bool:
    """Whether the raw text of a setting means true."""
    return text.strip().lower() in _TRUE


def issuer_contradictions(
    values: Mapping[str, Any], *, https_only: bool, shown: Callable[[str], str]
) -> Iterator[tuple[str, Reason]]:
    """Find what one issuer lacks or may not have together, by names without `AUTH_JWT_`.

    values: as they were written. shown: how a name is written where they stand.
    """
    sources = [name for name in _SOURCES if values.get(name)]
    if not sources:
        others = f"{shown('public_key')} or {shown('secret')}"
        reason = f"is not set, nor {others}: one of them must say whose signature counts"
        yield _SOURCES[0], (reason, _JWKS_EXAMPLE)
    for extra in sources[1:]:
        yield extra, (f"is a second source of keys beside {shown(sources[0])}; keep one", "")
    for name, example in _NEEDED.items():
        if not values.get(name):
            yield name, ("is not set, and tokens need it", example)
    url = str(values.get("jwks_url", "")).lower()
    if https_only and url and not url.startswith("https://"):
        reason = "must be https in production, or anybody between could bring keys of their own"
        yield "jwks_url", (reason, _JWKS_EXAMPLE)
    named = {name.strip().upper() for name in str(values.get("algorithms", "")).split(",")}
    named.discard("")
    symmetric = sources[:1] == ["secret"]
    if symmetric and named - _HS:
        reason = f"must be HS256, HS384 or HS512 with {shown('secret')}"
        yield "algorithms", (reason, "HS256")
    elif symmetric and len(str(values["secret"])) < (
        least := max((_HS_BYTES_MIN[name] for name in named), default=0)
    ):
        yield "secret", (f"must have {least} characters at least for these algorithms", "...")
    elif sources and not symmetric and named & _HS:
        reason = "must not be HS… with public keys: anybody could sign with what is public"
        yield "algorithms", (reason, "RS256")


def jwt_algorithms(settings: TokenSettings) -> frozenset[str]:
    """Return the algorithms that are pinned: those that are set, else those of the keys' kind."""
    default = "RS256,ES256" if settings.auth_jwt_secret is None else "HS256"
    return frozenset(items_of(settings.auth_jwt_algorithms or default))


def items_of(listed: str) -> tuple[str, ...]:
    """Return the items of a list with commas."""
    return tuple(item.strip() for item in listed.split(",") if item.strip())


def secret_text(secret: SecretStr | None) -> str:
    """Return what is kept in it, "" when there is none."""
    return secret.get_secret_value() if secret is not None else ""
