"""What the operator set for one identity provider, and whom its claims then name."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from payment_service.adapters.tokens.claims import (
    ABSENT,
    find,
    refused,
    text_claim,
    texts_claim,
)
from payment_service.domain.email_address import normalised_email
from payment_service.domain.errors import (
    EmailNotVerified,
    InvalidRequest,
    NeitherUserNorService,
)
from payment_service.domain.identity import Identity

# The scope that makes a service, unless another one is set.
SERVICE_SCOPE = "payment.service"
# Where providers name the client: RFC 9068, OpenID Connect and Entra v2, Entra v1, Okta.
_CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What the tokens of one issuer must say, and where they say it.

    algorithms: all that a token may be signed with, whatever it says. audience_claim: where one of
    the audiences must stand. email_verified_claim: must be true; assume_email_verified: or absent.
    scope_prefix: what every scope of ours begins with there. A caller is a service by the
    service_scope, by its client's name, or by a claim with this value; with an e-mail it is an end
    user all the same, unless service_may_have_email. end_user_scopes: of end users whose tokens
    have no scope claim at all.
    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str]
    audience_claim: str = "aud"
    email_claim: str = "email"
    email_verified_claim: str = "email_verified"
    assume_email_verified: bool = False
    scope_claims: tuple[str, ...] = ("scope",)
    scope_prefix: str = ""
    service_scope: str = SERVICE_SCOPE
    service_clients: frozenset[str] = frozenset()
    service_claim: tuple[str, str] | None = None
    service_may_have_email: bool = False
    end_user_scopes: frozenset[str] = frozenset()
    leeway_s: float = 30.0


def identity_of(claims: dict[str, Any], rules: TokenRules) -> Identity:
    """Return whom these claims name, which were signed by the issuer of these rules.

    Raises CredentialsRefused, EmailNotVerified, NeitherUserNorService, each with its reason.
    """
    subject, client = text_claim(claims, "sub"), _client(claims)
    scopes = _scopes(claims, rules)
    told_email = find(claims, rules.email_claim)
    if subject is None and client is None and told_email is ABSENT:
        raise refused("no_subject")
    is_service = _is_marked(claims, rules, client, scopes or frozenset())
    if is_service and (told_email is ABSENT or rules.service_may_have_email):
        if subject is None and client is None:
            raise refused("no_subject")
        name = _name(rules.issuer, subject, client, None)
        return Identity(name, scopes or frozenset(), is_service=True)
    if told_email is ABSENT:
        raise NeitherUserNorService().noting(reason="neither_user_nor_service")
    email = _email(told_email)
    _check_verified(claims, rules)
    name = _name(rules.issuer, subject, client, email)
    allowed = rules.end_user_scopes if scopes is None else scopes
    return Identity(name, allowed, is_service=False, email=email)


def _client(claims: dict[str, Any]) -> str | None:
    named = [text_claim(claims, name) for name in _CLIENT_CLAIMS]
    return next((client for client in named if client is not None), None)


def _scopes(claims: dict[str, Any], rules: TokenRules) -> frozenset[str] | None:
    """Return the scopes by our names, None when the token has no such claim at all."""
    present = [name for name in rules.scope_claims if find(claims, name) is not ABSENT]
    if not present:
        return None
    # RFC 8693, 4.2 parts them by spaces. Some write commas, which no scope of ours has in it.
    texts = [text for name in present for text in texts_claim(claims, name)]
    words = {word for text in texts for word in text.replace(",", " ").split()}
    prefix = rules.scope_prefix
    return frozenset(word.removeprefix(prefix) for word in words if word.startswith(prefix))


def _is_marked(
    claims: dict[str, Any], rules: TokenRules, client: str | None, scopes: frozenset[str]
) -> bool:
    """Whether the operator said that whoever has such a token is a service."""
    if rules.service_scope and rules.service_scope in scopes:
        return True
    if client in rules.service_clients:
        return True
    if rules.service_claim is None:
        return False
    name, wanted = rules.service_claim
    value = find(claims, name)
    listed = value if isinstance(value, list) else [value]
    return any(_as_text(one) == wanted for one in listed)


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    return value if isinstance(value, str) else None


def _email(told: Any) -> str:
    """Return an end user's e-mail. Who has a claim that is none is nobody, and no service."""
    if isinstance(told, list) and len(told) == 1:  # so some write claims that may have several
        told = told[0]
    if not isinstance(told, str):
        raise refused("email")
    try:
        email = normalised_email(told)
    except InvalidRequest as error:
        raise refused("email") from error
    # The sign of Kelvin becomes a plain k: another mailbox, and maybe another person's.
    if email.isascii() != told.isascii():
        raise refused("email")
    return email


def _check_verified(claims: dict[str, Any], rules: TokenRules) -> None:
    """Raise EmailNotVerified unless the provider says it, or the operator said it needs not."""
    told = find(claims, rules.email_verified_claim)
    if told is ABSENT and rules.assume_email_verified:
        return
    # Some providers write all claims as text, and some of those "True".
    if told is True or (isinstance(told, str) and told.lower() == "true"):
        return
    refusal = EmailNotVerified("The identity provider has not verified this e-mail address.")
    is_absent = told is ABSENT
    raise refusal.noting(reason="email_verified_absent" if is_absent else "email_not_verified")


def _name(issuer: str, subject: str | None, client: str | None, email: str | None) -> str:
    """Return the caller's name: of the issuer, of what kind the subject is, and of the subject.

    Subjects may be e-mails. Whoever gets another e-mail is another caller, to whom no answer that
    was kept under an idempotency key is given again. A client's name and a user's are never alike:
    no issuer has a NUL in it.
    """
    if subject is not None:
        seed = "\n".join((issuer, subject, email or ""))
    elif email is not None:
        seed = f"email\0{issuer}\0{email}"
    else:
        seed = f"client\0{issuer}\0{client}"
    return f"jwt:{sha256(seed.encode()).hexdigest()[:32]}"
