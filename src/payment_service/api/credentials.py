"""What a caller shows to be known: at most one bearer token or API key, as the headers bring it."""

from collections.abc import Iterable

from payment_service.api.problems import AmbiguousCredentials
from payment_service.domain.api_key import PREFIX
from payment_service.domain.errors import CredentialsMissing, CredentialsRefused

# A token of 8 KiB and its scheme; nothing longer can be one.
_HEADER_MAX = 9 * 1024
NEEDED = "Credentials are needed: send Authorization: Bearer ..., or X-API-Key."


def read_credentials(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the one token or key that was sent.

    Raises CredentialsMissing, CredentialsRefused (a scheme that is not ours), AmbiguousCredentials:
    two that differ, of which another reader might take the other one.
    """
    shown: set[bytes] = set()
    for name, value in headers:
        if name == b"authorization":
            shown.add(_bearer(value))
        elif name == b"x-api-key":
            shown.add(_api_key(value))
    if not shown:
        raise CredentialsMissing(NEEDED)
    if len(shown) > 1:
        raise AmbiguousCredentials("Two different credentials were sent; send one.")
    return shown.pop().decode("latin-1")


def is_api_key(credentials: str) -> bool:
    """Whether it claims to be a key of ours, which must never be passed on to anybody."""
    return credentials.startswith(PREFIX)


def _bearer(value: bytes) -> bytes:
    scheme, _, token = value.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token:
        raise CredentialsRefused().noting(reason="scheme")
    if len(token) > _HEADER_MAX:
        raise CredentialsRefused().noting(reason="too_long")
    return token


def _api_key(value: bytes) -> bytes:
    """Only a key may come this way: a token would be taken for one of somebody else's here."""
    if not value.startswith(PREFIX.encode()):
        raise CredentialsRefused().noting(reason="no_api_key_of_ours")
    return value
