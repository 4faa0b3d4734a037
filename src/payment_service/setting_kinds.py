"""What one setting may be: the types of `settings`, each with its words for people.

Every check refuses without repeating the value, which may be a secret in the wrong place.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import annotated_types
from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may be, in words: for errors, the reference page and `.env.example`."""

    text: str


def allowed_of(field: FieldInfo) -> str:
    """Say in words what the field may be, from its type and its limits."""
    for item in field.metadata:
        if isinstance(item, Allowed):
            return item.text
    if field.annotation is bool:
        return "true or false"
    if field.annotation in {int, float}:
        low = next(item.ge for item in field.metadata if isinstance(item, annotated_types.Ge))
        high = next(item.le for item in field.metadata if isinstance(item, annotated_types.Le))
        noun = "a whole number" if field.annotation is int else "a number"
        return f"{noun} from {low} to {high}"
    words: tuple[Any, ...] = get_args(field.annotation)
    if words and all(isinstance(word, str) for word in words):
        return " or ".join([", ".join(words[:-1]), words[-1]])
    return "text"


def example_of(field: FieldInfo) -> str:
    return str(field.examples[0]) if field.examples else ""


def is_secret(field: FieldInfo) -> bool:
    """Say whether the field's value is hidden wherever it is shown."""
    kinds = get_args(field.annotation) or (field.annotation,)
    return SecretStr in kinds


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        port_is_sane = False
    if (
        not port_is_sane
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.username is not None
        or parts.query
        or parts.fragment
    ):
        raise ValueError
    return value.rstrip("/")


def _origin(value: str) -> str:
    url = _url(value)
    if urlsplit(url).path:
        raise ValueError
    return url


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _matching(pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError
        return value

    return AfterValidator(check)


def _secret_matching(pattern: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: SecretStr | None) -> SecretStr | None:
        if value is not None and not compiled.fullmatch(value.get_secret_value()):
            raise ValueError
        return value

    return AfterValidator(check)


def _public_key(value: str) -> str:
    """Return the PEM text with its lines, if it is a public key of a kind that signs tokens."""
    if not value:
        return value
    # Loaded only where a key is set: it takes longer than all the rest of the settings.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    pem = value.replace("\\n", "\n")
    try:
        key = load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError from error
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_BITS_MIN:
        raise ValueError
    return pem


def _origins(value: str) -> str:
    if "*" in value:  # would let every web page call
        raise ValueError
    return ",".join(_origin(one.strip()).lower() for one in value.split(",")) if value else value


def _listed(words: tuple[str, ...]) -> AfterValidator:
    """Return the check of a list with commas, whose items are these words, each once."""

    def check(value: str) -> str:
        items = [item.strip() for item in value.split(",")] if value else []
        if not set(items) <= set(words) or len(set(items)) < len(items):
            raise ValueError
        return ",".join(items)

    return AfterValidator(check)


Word = BeforeValidator(_lower)
Origin = Annotated[str, AfterValidator(_origin), Allowed("an http(s) address without a path")]
Url = Annotated[
    str,
    AfterValidator(lambda value: _url(value) if value else value),
    Allowed("an http(s) address without user or query, or empty"),
]
Host = Annotated[str, _matching(r"[A-Za-z0-9._:-]+"), Allowed("a host name or address")]
Prefix = Annotated[
    str,
    _matching(r"(/[A-Za-z0-9._~-]+)*"),
    Allowed("a path that begins with / and does not end with it, or empty"),
]
FilePath = Annotated[str, _matching(r"[^\0]+"), Allowed("a file's path")]
Currency = Annotated[
    str, Word, _matching(r"[a-z]{3}"), Allowed("a three-letter currency code of ISO 4217")
]
ServiceName = Annotated[
    str,
    _matching(r"[A-Za-z0-9._-]{1,50}"),
    Allowed("1 to 50 letters, digits, dots, dashes or underscores"),
]
StripeKey = Annotated[
    SecretStr,
    _secret_matching(r"(sk|rk)_(test|live)_[A-Za-z0-9_]+"),
    Allowed("a secret (sk_) or restricted (rk_) key of Stripe"),
]
# RFC 6750's alphabet of a bearer token; anything else cannot travel in the header.
Token = Annotated[
    SecretStr | None,
    _secret_matching(r"[A-Za-z0-9._~+/=-]+"),
    Allowed("a bearer token: letters, digits and -._~+/="),
]
MongoAddress = Annotated[
    SecretStr | None,
    _secret_matching(r"mongodb(\+srv)?://\S+"),
    Allowed("an address that begins with mongodb:// or mongodb+srv://"),
]
# RFC 6749's alphabets (appendix A): visible ASCII; a scope is a word of it without quotes.
ClientId = Annotated[
    str, _matching(r"[\x20-\x7e]{0,500}"), Allowed("up to 500 visible ASCII characters, or empty")
]
ClientSecret = Annotated[
    SecretStr | None,
    _secret_matching(r"[\x20-\x7e]{1,4096}"),
    Allowed("up to 4096 visible ASCII characters"),
]
ClientScope = Annotated[
    str,
    _matching(r"([!#-\[\]-~]+( [!#-\[\]-~]+)*)?"),
    Allowed("scopes separated by single spaces, or empty"),
]
# How often, in the notation of the limits library, as far as anybody needs it.
Rate = Annotated[
    str,
    Word,
    _matching(r"([1-9][0-9]{0,8}/(second|minute|hour|day))?"),
    Allowed("a number, / and second, minute, hour or day, or empty"),
]
# Stripe's secrets of webhook endpoints; while one is rotated the old one lives on beside it.
WebhookSecrets = Annotated[
    SecretStr | None,
    _secret_matching(r"whsec_[A-Za-z0-9+/=_-]+(,\s*whsec_[A-Za-z0-9+/=_-]+){0,3}"),
    Allowed("one to four signing secrets (whsec_), separated by commas"),
]
# Below 16 characters a key can be guessed from one known address; BLAKE2 takes up to 64 bytes.
EmailKey = Annotated[
    SecretStr | None,
    _secret_matching(r"[A-Za-z0-9._~+/=-]{16,64}"),
    Allowed("16 to 64 letters, digits and -._~+/="),
]
# What the OrderService calls a status: words in capitals, as a rule.
OrderStatus = Annotated[
    str,
    _matching(r"[A-Za-z0-9 _-]{0,50}"),
    Allowed("up to 50 letters, digits, spaces, dashes or underscores, or empty"),
]
OrderStatuses = Annotated[
    str,
    _matching(r"[A-Za-z0-9 _-]{1,50}(,[A-Za-z0-9 _-]{1,50}){0,19}"),
    Allowed("up to 20 statuses separated by commas, each as an order's status may be"),
]
# What a path may hold without being encoded (RFC 3986, 3.3), and a query after it.
ReadPath = Annotated[
    str,
    _matching(r"(?=.*\{orderId\})/([A-Za-z0-9._~!$&'()*+,;=:@/?%-]|\{orderId\}){0,200}|"),
    Allowed("a path that begins with / and has {orderId} in it, or empty"),
]
FieldPath = Annotated[
    str,
    _matching(r"[A-Za-z0-9_-]{1,50}(\.[A-Za-z0-9_-]{1,50}){0,7}"),
    Allowed("up to 8 names of letters, digits, dashes or underscores, separated by dots"),
]
# NIST SP 800-131A: shorter ones are not to be trusted any more.
RSA_BITS_MIN = 2048
# RFC 7518; `none` is not among them, and never can be.
JWT_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
    *("HS256", "HS384", "HS512"),
)
# RFC 7518 section 3.2: a key for HS256 has at least the size of the hash.
JWT_SECRET_BYTES_MIN = 32
AuthKinds = Annotated[
    str,
    Word,
    _listed(("none", "api-key", "jwt")),
    Allowed("none, or api-key, or jwt, or the last two with a comma between them"),
]
JwtAlgorithms = Annotated[
    str,
    _listed(JWT_ALGORITHMS),
    Allowed(f"one or more of {', '.join(JWT_ALGORITHMS)}, with commas between them"),
]
JwtSecret = Annotated[
    SecretStr | None,
    _secret_matching(rf"[\x21-\x7e]{{{JWT_SECRET_BYTES_MIN},}}"),
    Allowed(f"at least {JWT_SECRET_BYTES_MIN} printable characters without spaces"),
]
# While one is rotated the old one lives on beside it.
ProofSecrets = Annotated[
    SecretStr | None,
    _secret_matching(
        rf"[\x21-\x2b\x2d-\x7e]{{{JWT_SECRET_BYTES_MIN},}}"
        rf"(,\s*[\x21-\x2b\x2d-\x7e]{{{JWT_SECRET_BYTES_MIN},}}){{0,3}}"
    ),
    Allowed(
        f"one to four secrets of at least {JWT_SECRET_BYTES_MIN} printable characters without "
        "spaces, separated by commas"
    ),
]
PublicKey = Annotated[
    str,
    AfterValidator(_public_key),
    Allowed(f"a public key in PEM (RSA: at least {RSA_BITS_MIN} bits), or empty"),
]
# Visible ASCII without what parts names in lists and names from values. Names may be URLs.
_CLAIM = r"[!#-+\--<>-~]{1,200}"
ClaimName = Annotated[
    str, _matching(_CLAIM), Allowed("the name of a claim, or a path to it with dots")
]
ClaimNames = Annotated[
    str,
    _matching(rf"{_CLAIM}(,\s*{_CLAIM}){{0,4}}"),
    Allowed("up to 5 names of claims, or paths to them with dots, with commas between them"),
]
ClaimAndValue = Annotated[
    str,
    _matching(rf"({_CLAIM}=[\x20-\x7e]{{1,200}})?"),
    Allowed("the name of a claim, = and its value, or empty"),
]
# No control characters: a caller's name is made from it, and a log may show it.
TokenIssuer = Annotated[
    str,
    _matching(r"[^\x00-\x1f\x7f{}]{0,500}"),
    Allowed("the `iss` claim, exactly; a template such as {tenantid} is not filled in"),
]
_NAME = r"[^\x00-\x1f\x7f,]{1,500}"
TokenAudiences = Annotated[
    str,
    _matching(rf"({_NAME}(,{_NAME}){{0,19}})?"),
    Allowed("up to 20 of the `aud` claims, exactly, with commas between them"),
]
ClientIds = Annotated[
    str,
    _matching(rf"({_NAME}(,{_NAME}){{0,99}})?"),
    Allowed("up to 100 client ids with commas between them, or empty"),
]
# RFC 6749, 3.3, without the comma.
_SCOPE = r"[!#-+\--\[\]-~]"
TokenScope = Annotated[
    str, _matching(rf"{_SCOPE}{{0,200}}"), Allowed("a scope without spaces or commas, or empty")
]
EndUserScopes = Annotated[
    str,
    _listed(("payment.read", "payment.write")),
    Allowed("payment.read, payment.write, or both with a comma between them, or empty"),
]
TokenIssuers = Annotated[
    SecretStr | None,
    Allowed("TOML with a table [[issuer]] for each issuer, or the path of a file with it"),
]
Origins = Annotated[
    str,
    AfterValidator(_origins),
    Allowed("http(s) addresses without a path or *, with commas between them, or empty"),
]
