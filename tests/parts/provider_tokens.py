"""Access tokens as identity providers make them, by the shapes that their documentation shows.

Each provider has the token of an end user and that of a service; the names in them are those of the
guide's settings. What is no business of ours is there too, for a reader must live with it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

JANE = "jane@shop.example.com"
Claims = dict[str, Any]
_TENANT = "11111111-2222-3333-4444-555555555555"
_POOL = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. heading: in the guide, over its settings. header: of its tokens, beside alg."""

    heading: str
    user: Callable[[], Claims]
    service: Callable[[], Claims]
    header: tuple[tuple[str, str], ...] = (("typ", "JWT"),)


def _keycloak(**own: Any) -> Claims:
    return {
        "iss": "https://keycloak.example.com/realms/shop",
        "jti": "trrtcc:5ba6a4b0-0c45-4f0c-a1ae-0b1a2c3d4e5f",
        "aud": ["payment-service", "account"],
        "typ": "Bearer",
        "acr": "1",
        "allowed-origins": ["https://shop.example.com"],
        "realm_access": {"roles": ["offline_access", "default-roles-shop", "uma_authorization"]},
        **own,
    }


def keycloak_user() -> Claims:
    return _keycloak(
        sub="f1d2c3b4-0000-4000-8000-00000000000a",
        azp="web-shop",
        sid="0b1a2c3d-1111-4111-8111-111111111111",
        scope="openid profile email",
        resource_access={
            "payment-service": {"roles": ["payment.write"]},
            "account": {"roles": ["manage-account", "view-profile"]},
        },
        email_verified=True,
        name="Jane Doe",
        preferred_username="jane",
        email=JANE,
    )


def keycloak_service() -> Claims:
    return _keycloak(
        sub="f1d2c3b4-0000-4000-8000-00000000000b",
        azp="checkout",
        scope="profile email",
        resource_access={"payment-service": {"roles": ["payment.admin", "payment.service"]}},
        email_verified=False,
        clientHost="10.0.0.7",
        clientAddress="10.0.0.7",
        client_id="checkout",
        preferred_username="service-account-checkout",
    )


def auth0_user() -> Claims:
    return {
        "iss": "https://shop.eu.auth0.com/",
        "sub": "auth0|6553da60a54af58e29493993",
        "aud": ["https://payments.example.com", "https://shop.eu.auth0.com/userinfo"],
        "azp": "K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja",
        "scope": "openid profile email",
        "permissions": ["payment.write"],
        "https://shop.example.com/email": JANE,
        "https://shop.example.com/email_verified": True,
    }


def auth0_service() -> Claims:
    return {
        "iss": "https://shop.eu.auth0.com/",
        "sub": "awZfdIir8YFdGZWkvCejDoUb7SjTDicx@clients",
        "aud": "https://payments.example.com",
        "azp": "awZfdIir8YFdGZWkvCejDoUb7SjTDicx",
        "scope": "payment.admin",
        "gty": "client-credentials",
        "permissions": ["payment.admin"],
    }


def _entra_v2(**own: Any) -> Claims:
    return {
        "iss": f"https://login.microsoftonline.com/{_TENANT}/v2.0",
        "aud": "66666666-7777-8888-9999-000000000000",
        "tid": _TENANT,
        "ver": "2.0",
        "uti": "AbCdEfGhIjKlMnOpQrStUv",
        "rh": "0.AAAA.",
        **own,
    }


def entra_v2_user() -> Claims:
    return _entra_v2(
        sub="AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        oid="00000000-0000-0000-66f3-3332eca7ea81",
        azp="aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb",
        azpacr="0",
        scp="payment.read payment.write",
        name="Jane Doe",
        preferred_username=JANE,
        email=JANE,
        xms_edov=True,
    )


def entra_v2_service() -> Claims:
    return _entra_v2(
        sub="cccccccc-1111-2222-3333-dddddddddddd",
        oid="cccccccc-1111-2222-3333-dddddddddddd",
        azp="eeeeeeee-1111-2222-3333-ffffffffffff",
        azpacr="1",
        roles=["payment.admin", "payment.service"],
    )


def _entra_v1(**own: Any) -> Claims:
    return {
        "iss": f"https://sts.windows.net/{_TENANT}/",
        "aud": "api://payment-service",
        "tid": _TENANT,
        "ver": "1.0",
        "aio": "E2ZgYJj9x/4JAA==",
        **own,
    }


def entra_v1_user() -> Claims:
    return _entra_v1(
        sub="HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ",
        oid="00000000-0000-0000-66f3-3332eca7ea81",
        acr="1",
        amr=["pwd", "mfa"],
        appid="aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb",
        appidacr="0",
        scp="payment.write",
        upn=JANE,
        unique_name=JANE,
    )


def entra_v1_service() -> Claims:
    return _entra_v1(
        sub="cccccccc-1111-2222-3333-dddddddddddd",
        oid="cccccccc-1111-2222-3333-dddddddddddd",
        appid="eeeeeeee-1111-2222-3333-ffffffffffff",
        appidacr="1",
        idtyp="app",
        roles=["payment.admin"],
    )


def cognito_user() -> Claims:
    return {
        "iss": _POOL,
        "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "device_key": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cognito:groups": ["shoppers"],
        "version": 2,
        "client_id": "1example23456789web",
        "origin_jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "event_id": "bbbbbbbb-bbbb-cccc-dddd-eeeeeeeeeeee",
        "token_use": "access",
        "scope": "openid email https://payments.example.com/payment.write",
        "username": "jane",
        "email": JANE,
        "email_verified": "true",
    }


def cognito_service() -> Claims:
    prefix = "https://payments.example.com"
    return {
        "iss": _POOL,
        "sub": "1example23456789checkout",
        "token_use": "access",
        "scope": f"{prefix}/payment.admin {prefix}/payment.service",
        "version": 2,
        "client_id": "1example23456789checkout",
    }


def duende_user() -> Claims:
    return {
        "iss": "https://identity.example.com",
        "aud": "payment-service",
        "client_id": "web-shop",
        "sub": "88421113",
        "idp": "local",
        "amr": ["pwd"],
        "sid": "F0F0A1B2C3D4",
        "scope": ["openid", "payment.write"],
        "email": JANE,
        "email_verified": True,
    }


def duende_service() -> Claims:
    return {
        "iss": "https://identity.example.com",
        "aud": ["payment-service"],
        "client_id": "checkout",
        "scope": ["payment.admin", "payment.service"],
    }


def platform_user() -> Claims:
    return {
        "iss": "https://shop.example.com",
        "aud": "https://shop.example.com",
        "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name": JANE,
    }


def platform_service() -> Claims:
    return {
        "iss": "https://services.example.com",
        "aud": ["https://services.example.com/resources"],
        "client_id": "order-service",
        "scope": ["orders.write", "payment.admin"],
    }


AT_JWT = (("typ", "at+jwt"),)
PROVIDERS = (
    Provider("Keycloak", keycloak_user, keycloak_service),
    Provider("Auth0", auth0_user, auth0_service),
    Provider("Microsoft Entra ID, v2.0 tokens", entra_v2_user, entra_v2_service),
    Provider(
        "Microsoft Entra ID, v1.0 tokens",
        entra_v1_user,
        entra_v1_service,
        (("typ", "JWT"), ("x5t", "key-1")),
    ),
    Provider("Amazon Cognito", cognito_user, cognito_service, ()),
    Provider("Duende IdentityServer", duende_user, duende_service, AT_JWT),
)
