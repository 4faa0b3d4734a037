"""Whom a token names by the rules of its issuer: an end user, a service, or nobody."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from payment_service.adapters.tokens import JwtReader
from payment_service.domain.errors import CredentialsRefused, NeitherUserNorService, Refusal
from payment_service.domain.identity import Identity
from tests.parts.identity_provider import AUDIENCE, ISSUER, IdentityProvider

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
JANE = "jane@example.com"
UNMARKED = {"gty": None}
OTHER = "https://other.example.com/"


@pytest.fixture
def provider() -> IdentityProvider:
    return IdentityProvider(lambda: NOON)


async def read(provider: IdentityProvider, token: str, **rules: Any) -> Identity:
    return await provider.reader(**rules).read(token, NOON)


async def reason_of(provider: IdentityProvider, token: str, **rules: Any) -> str:
    with pytest.raises(Refusal) as refused:
        await read(provider, token, **rules)
    assert "reason" not in refused.value.details
    return refused.value.log_fields["reason"]


# ---------------------------------------------------------------- who it is


async def test_a_token_with_a_subject_has_the_name_that_it_always_had(
    provider: IdentityProvider,
) -> None:
    """Idempotency keys belong to it."""
    service = await read(provider, provider.token(sub="checkout", client_id="other"))
    user = await read(provider, provider.user(JANE, sub="7"))

    assert service.name == "jwt:" + sha256(f"{ISSUER}\ncheckout\n".encode()).hexdigest()[:32]
    assert user.name == "jwt:" + sha256(f"{ISSUER}\n7\n{JANE}".encode()).hexdigest()[:32]


@pytest.mark.parametrize("claim", ["client_id", "azp", "appid", "cid"])
async def test_a_service_needs_no_subject_where_its_client_is_named(
    provider: IdentityProvider, claim: str
) -> None:
    def token(client: str, **changed: Any) -> str:
        return provider.token(**{"sub": None, claim: client, **changed})

    first = await read(provider, token("checkout"))
    again = await read(provider, token("checkout", exp=2e9))
    other = await read(provider, token("back-office"))

    assert first.is_service
    assert first.name == again.name != other.name
    assert "checkout" not in first.name


async def test_a_client_and_a_user_of_the_same_name_are_two_callers(
    provider: IdentityProvider,
) -> None:
    named = JANE
    tokens = [
        provider.token(sub=None, client_id=named),
        provider.token(sub=named),
        provider.user(named, sub=None),
        provider.user(named, sub=named),
        provider.token(sub=f"client\0{ISSUER}".replace("\0", "?") + named),
    ]

    names = {(await read(provider, token)).name for token in tokens}

    assert len(names) == len(tokens)


async def test_an_end_user_without_a_subject_is_known_by_the_email(
    provider: IdentityProvider,
) -> None:
    one = await read(provider, provider.user(JANE, sub=None, client_id="web"))
    same = await read(provider, provider.user(JANE.upper(), sub=None, azp="app"))
    other = await read(provider, provider.user("bob@example.com", sub=None, client_id="web"))

    assert one.name == same.name != other.name


async def test_a_token_that_names_nobody_is_refused(provider: IdentityProvider) -> None:
    assert await reason_of(provider, provider.token(sub=None)) == "no_subject"
    emailed = provider.token(sub=None, email=JANE)
    assert await reason_of(provider, emailed, service_may_have_email=True) == "no_subject"


# ---------------------------------------------------------------- what makes a service


async def test_what_a_token_lacks_makes_nobody_a_service(provider: IdentityProvider) -> None:
    lacking: tuple[dict[str, Any], ...] = (
        {},
        {"sub": None, "client_id": "web"},
        {"sub": "web", "client_id": "web"},
    )
    for claims in lacking:
        token = provider.token(**{**UNMARKED, **claims})
        with pytest.raises(NeitherUserNorService):
            await read(provider, token)
        assert await reason_of(provider, token) == "neither_user_nor_service"


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({"scope": "payment.read payment.service"}, {}),
        ({"scope": "a/payment.service a/payment.read"}, {"scope_prefix": "a/"}),
        ({"scope": "internal payment.read"}, {"service_scope": "internal"}),
        ({"azp": "checkout"}, {"service_clients": frozenset({"checkout"})}),
        ({"grant": "client"}, {"service_claim": ("grant", "client")}),
        ({"kinds": ["a", "b"]}, {"service_claim": ("kinds", "b")}),
        ({"machine": True}, {"service_claim": ("machine", "true")}),
        ({"ext": {"kind": "app"}}, {"service_claim": ("ext.kind", "app")}),
    ],
)
async def test_a_mark_makes_a_service_and_an_end_user_stays_one(
    provider: IdentityProvider, claims: dict[str, Any], rules: dict[str, Any]
) -> None:
    marked = await read(provider, provider.token(**UNMARKED, **claims), **rules)
    user = await read(provider, provider.user(JANE, **claims), **rules)

    assert (marked.is_service, marked.email) == (True, None)
    assert (user.is_service, user.email) == (False, JANE)


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({"scope": "payment.service2 openid/payment.service"}, {}),
        ({"scope": "payment.service"}, {"service_scope": ""}),
        ({"scope": ""}, {"service_scope": ""}),
        ({"scope": "payment.service"}, {"scope_prefix": "a/"}),
        ({"azp": "web"}, {"service_clients": frozenset({"checkout"})}),
        ({"client_id": "web", "azp": "checkout"}, {"service_clients": frozenset({"checkout"})}),
        ({"grant": "user"}, {"service_claim": ("grant", "client")}),
        ({"grant": None}, {"service_claim": ("grant", "None")}),
        ({"grant": {"client": 1}}, {"service_claim": ("grant", "client")}),
    ],
)
async def test_what_only_resembles_a_mark_makes_nothing(
    provider: IdentityProvider, claims: dict[str, Any], rules: dict[str, Any]
) -> None:
    token = provider.token(**{**UNMARKED, **claims})

    assert await reason_of(provider, token, **rules) == "neither_user_nor_service"


async def test_a_service_with_an_email_is_one_only_if_a_setting_says_so(
    provider: IdentityProvider,
) -> None:
    token = provider.token(email="sa@project.example.com", email_verified=True)

    assert not (await read(provider, token)).is_service
    allowed = await read(provider, token, service_may_have_email=True)
    assert (allowed.is_service, allowed.email) == (True, None)


# ---------------------------------------------------------------- where things are


@pytest.mark.parametrize(
    ("claim", "claims"),
    [
        ("scope", {"scope": "openid payment.read payment.write"}),
        ("scope", {"scope": "payment.read,payment.write,openid"}),
        ("scope", {"scope": ["openid", "payment.read payment.write"]}),
        ("realm_access.roles", {"realm_access": {"roles": "openid payment.read payment.write"}}),
        ("a.b.c.roles", {"a.b": {"c": {"roles": ["openid payment.read payment.write"]}}}),
        ("a.b", {"a.b": "openid payment.read payment.write", "a": {"b": "payment.admin"}}),
        ("https://shop.example/s", {"https://shop.example/s": "openid payment.read,payment.write"}),
    ],
)
async def test_scopes_are_found_wherever_they_are(
    provider: IdentityProvider, claim: str, claims: dict[str, Any]
) -> None:
    token = provider.token(**{"scope": None, **claims})

    identity = await read(provider, token, scope_claims=(claim,))

    assert identity.scopes == {"openid", "payment.read", "payment.write"}


async def test_scopes_of_several_claims_count_together(provider: IdentityProvider) -> None:
    token = provider.token(scope="a", permissions=["b"])

    assert (await read(provider, token, scope_claims=("scope", "x", "permissions"))).scopes == {
        "a",
        "b",
    }


async def test_an_end_user_has_default_scopes_only_where_the_token_has_no_such_claim(
    provider: IdentityProvider,
) -> None:
    rules = {"end_user_scopes": frozenset({"payment.write"}), "scope_claims": ("scope", "scp")}
    silent, empty = provider.user(JANE, scope=None), provider.user(JANE, scope="")
    service = provider.token(scope=None)

    assert (await read(provider, silent, **rules)).scopes == {"payment.write"}
    assert (await read(provider, empty, **rules)).scopes == frozenset()
    assert (await read(provider, service, **rules)).scopes == frozenset()


@pytest.mark.parametrize("told", [JANE, [JANE]])
async def test_the_email_may_be_under_a_url_and_in_a_list_of_one(
    provider: IdentityProvider, told: Any
) -> None:
    claim = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
    token = provider.token(**{**UNMARKED, claim: told, "email_verified": True})

    assert (await read(provider, token, email_claim=claim)).email == JANE


async def test_the_audience_may_be_in_another_claim(provider: IdentityProvider) -> None:
    token = provider.token(aud=None, client_id="web")
    rules = {"audience_claim": "client_id", "audiences": frozenset({"web", "app"})}

    assert (await read(provider, token, **rules)).is_service
    other = provider.token(aud="web", client_id="other")
    assert await reason_of(provider, other, **rules) == "audience"


# ---------------------------------------------------------------- several issuers


async def test_the_keys_of_one_issuer_check_no_tokens_of_another() -> None:
    ours, theirs = IdentityProvider(lambda: NOON), IdentityProvider(lambda: NOON)
    theirs.kids = ["key-2"]
    reader = JwtReader(ours.trusted(), theirs.trusted(issuer=OTHER))

    assert (await reader.read(ours.token(), NOON)).is_service
    assert (await reader.read(theirs.token(kid="key-2", iss=OTHER), NOON)).is_service
    for token, reason in (
        (ours.token(iss=OTHER), "unknown_key"),
        (theirs.token(kid="key-2"), "unknown_key"),
        (ours.token(iss="https://third.example.com/"), "issuer"),
        (ours.token(iss=[ISSUER]), "issuer"),
        (ours.token(iss=None), "issuer"),
    ):
        with pytest.raises(CredentialsRefused) as refused:
            await reader.read(token, NOON)
        assert refused.value.log_fields["reason"] == reason


async def test_one_provider_that_is_away_keeps_out_nobody_elses_callers() -> None:
    ours, away = IdentityProvider(lambda: NOON), IdentityProvider(lambda: NOON)
    away.is_away = True
    reader = JwtReader(away.trusted(issuer=OTHER), ours.trusted())

    assert (await reader.read(ours.token(), NOON)).is_service


async def test_the_same_subject_of_two_issuers_is_two_callers(provider: IdentityProvider) -> None:
    reader = JwtReader(provider.trusted(), provider.trusted(issuer=OTHER))

    names = {(await reader.read(provider.token(iss=iss), NOON)).name for iss in (ISSUER, OTHER)}

    assert len(names) == 2


async def test_the_audience_chooses_between_two_entries_of_one_issuer(
    provider: IdentityProvider,
) -> None:
    reader = JwtReader(
        provider.trusted(service_scope="", service_claim=None),
        provider.trusted(audiences=frozenset({"machines"})),
    )

    assert (await reader.read(provider.token(aud="machines"), NOON)).is_service
    with pytest.raises(NeitherUserNorService):
        await reader.read(provider.token(), NOON)
    with pytest.raises(CredentialsRefused) as refused:
        await reader.read(provider.token(aud=[AUDIENCE, "machines"]), NOON)
    assert refused.value.log_fields["reason"] == "audience_of_two_entries"


@pytest.mark.parametrize(
    ("issuer", "shown"),
    [
        (ISSUER, ISSUER),
        ("http://id.example.com:8080/realms/x", "http://id.example.com:8080/realms/x"),
        ("https://id.example.com/?user=jane@example.com", "not shown"),
        ("https://id.example.com/" + "x" * 500, "not shown"),
        ("jane@example.com\n", "not shown"),
        (7, "not shown"),
        (None, "none"),
    ],
)
async def test_an_issuer_is_shown_as_far_as_it_is_an_address(
    provider: IdentityProvider, issuer: Any, shown: str
) -> None:
    with pytest.raises(CredentialsRefused) as refused:
        await read(provider, provider.token(iss=issuer, aud="x"))
    assert refused.value.log_fields["issuer"] == shown
