"""All that can be set from outside, read once from the environment into one frozen value.

The names of the environment are the names of the fields in capitals; a secret may stand in a file
instead, which `<NAME>_FILE` names. Everything but secrets has a
default, so a fresh clone runs with none of them. Nobody but `main` and `cli` may import this; the
rest of the program is handed plain values.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import ConfigDict, SecretStr, ValidationError

from payment_service.setting_files import (
    UnusableFile,
    example_path,
    file_setting,
    read_secret,
    read_secrets,
)
from payment_service.setting_groups import (
    STRIPE_URL,
    AccessSettings,
    DatabaseSettings,
    Environment,
    LimitSettings,
    OrderSettings,
    PaymentSettings,
    ProofSettings,
    RunningSettings,
    ServingSettings,
    StripeSettings,
    TokenSettings,
)
from payment_service.setting_groups.access import (
    AUTH_UNSET,
    access_contradictions,
    access_warnings,
)
from payment_service.setting_groups.issuers import (
    UNREADABLE,
    is_path,
    issuers_of,
    secrets_in,
)
from payment_service.setting_groups.limits import limit_warnings
from payment_service.setting_groups.proofs import proof_contradictions, proof_warnings
from payment_service.setting_groups.stripe import is_live_key, is_stripe
from payment_service.setting_groups.tokens import ISSUERS, is_true
from payment_service.setting_kinds import allowed_of, example_of, is_secret
from payment_service.setting_placeholders import LEFT_OVER, placeholders

Reason = tuple[str, str]  # what is wrong with a setting, and an example of what is right

# Where `stripe-sandbox` and `payment-service demo-orders` listen when nothing else is said.
SANDBOX_URL = "http://127.0.0.1:12111"
DEMO_ORDERS_URL = "http://127.0.0.1:9001/order"

SANDBOX_KEY = "sk_test_sandbox"
SANDBOX_WEBHOOK_SECRET = "whsec_sandbox"  # noqa: S105 - of a sandbox on this machine


# The password of an address.
_PASSWORD = re.compile(r"://[^/:@]*:([^@]+)@")


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting. Never carries the value: it may be a secret in the wrong place."""

    name: str
    message: str
    example: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}, for example {self.name}={self.example}"


class InvalidSettings(Exception):
    """The settings cannot be used; every wrong one is named at once."""

    def __init__(self, *problems: Problem) -> None:
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n  ".join([f"{count} wrong:", *map(str, problems)]))
        self.problems = problems


class Settings(  # the page of settings shows the last group first
    RunningSettings,
    PaymentSettings,
    LimitSettings,
    OrderSettings,
    ProofSettings,
    StripeSettings,
    TokenSettings,
    AccessSettings,
    DatabaseSettings,
    ServingSettings,
):
    """Made by `load_settings` only, which knows the defaults that depend on the environment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True
    )

    def secret_values(self) -> tuple[str, ...]:
        """Return every secret in force, for whoever must know what to hide."""
        fields = [getattr(self, name) for name in secret_fields()]
        whole = [field.get_secret_value() for field in fields if field is not None]
        # One of several webhook secrets, or an address's password, is as secret by itself.
        signing = [part for value in whole for part in re.split(r",\s*", value) if "whsec_" in part]
        if self.order_proof_secret is not None:
            signing += re.split(r",\s*", self.order_proof_secret.get_secret_value())
        passwords = [found[1] for value in whole if (found := _PASSWORD.search(value))]
        listed = secrets_in(self.auth_jwt_issuers)
        return tuple(dict.fromkeys([*whole, *signing, *passwords, *listed]))

    def warnings(self) -> tuple[str, ...]:
        """Say what may be meant, but is worth a look at the start."""
        return tuple(_warnings(self))


# What depends on the environment. A name that is absent here and has no default must be set.
DEFAULTS: Mapping[Environment, Mapping[str, str]] = MappingProxyType(
    {
        "development": {
            "host": "127.0.0.1",
            "stripe_secret_key": SANDBOX_KEY,
            "stripe_webhook_secret": SANDBOX_WEBHOOK_SECRET,
            "stripe_api_base": SANDBOX_URL,
            "order_service_url": DEMO_ORDERS_URL,
            "log_format": "console",
            "auth": "none",
            "metrics_port": "0",
        },
        "production": {
            "host": "0.0.0.0",  # noqa: S104 - a container's own network; the manifests narrow it
            "stripe_api_base": STRIPE_URL,
            "order_service_url": "",
            "log_format": "json",
            "metrics_port": "9090",
        },
    }
)

# Elsewhere an empty variable means one that is not set, as compose files produce them.
_MAY_BE_EMPTY = frozenset(
    {"api_prefix", "order_service_url", "rate_limit_per_caller", "rate_limit_per_address"}
    | {"auth_jwt_service_scope"}
)


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raise `InvalidSettings` that names all wrong ones at once."""
    names = {field: field.upper() for field in Settings.model_fields}
    if not environ.get("ENVIRONMENT", "").strip() and environ.get("NODE_ENV", "").strip():
        names["environment"] = "NODE_ENV"
    given = {
        field: environ[name].strip()
        for field, name in names.items()
        if name in environ and (environ[name].strip() or field in _MAY_BE_EMPTY)
    }
    by_file, unusable = _secrets_in_files(environ)
    given |= by_file
    no_issuers = {} if ISSUERS in by_file else _issuers_at_their_path(given)
    if ISSUERS in unusable:
        given[ISSUERS] = UNREADABLE
    environment = given.get("environment", "development").lower()
    known: Environment = "production" if environment == "production" else "development"
    values = _defaults(known, given) | given
    settings, wrong = _validated(values)
    wrong |= no_issuers
    if "auth" not in values:
        wrong["auth"] = AUTH_UNSET
    for field, reason in _contradictions(environment, values):
        wrong.setdefault(field, reason)
    single = {field: value for field, value in given.items() if field != ISSUERS}  # a whole file
    for field in placeholders(single, secret_fields()):
        wrong[field] = LEFT_OVER, example_of(Settings.model_fields[field])
    for field in by_file.keys() & wrong.keys():
        unusable[field] = f"names a file whose content {wrong.pop(field)[0]}"
    if settings is None or wrong or unusable:
        raise InvalidSettings(*_problems(names, wrong, unusable))
    return settings


def secret_fields() -> tuple[str, ...]:
    """Return the names of all settings that are secrets."""
    return tuple(name for name, field in Settings.model_fields.items() if is_secret(field))


def _defaults(environment: Environment, given: Mapping[str, str]) -> dict[str, str]:
    defaults = dict(DEFAULTS[environment])
    if is_stripe(given.get("stripe_api_base", "")):
        defaults.pop("stripe_webhook_secret", None)  # everybody knows the sandbox's
    return defaults


def _secrets_in_files(environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the secrets that files hold, and what is wrong with such files, by field."""
    fields = {field.upper(): field for field in secret_fields()}
    found, wrong = read_secrets(environ, fields)
    return (
        {fields[name]: value for name, value in found.items()},
        {fields[name]: reason for name, reason in wrong.items()},
    )


def _issuers_at_their_path(given: dict[str, str]) -> dict[str, Reason]:
    """Put the issuers' file in the place of its path; return what is wrong with it, by field."""
    path = given.get(ISSUERS, "=")
    if not is_path(path):
        return {}
    try:
        given[ISSUERS] = read_secret(path)
    except UnusableFile as error:
        given[ISSUERS] = UNREADABLE
        return {ISSUERS: (str(error), example_of(Settings.model_fields[ISSUERS]))}
    return {}


def _problems(
    names: Mapping[str, str], wrong: Mapping[str, Reason], unusable: Mapping[str, str]
) -> Iterator[Problem]:
    for field, name in names.items():
        if field in unusable:  # then the file is what must be mended
            yield Problem(file_setting(name), unusable[field], example_path(name))
        elif field in wrong:
            yield Problem(name, *wrong[field])


def _validated(values: Mapping[str, str]) -> tuple[Settings | None, dict[str, Reason]]:
    try:
        return Settings.model_validate(values), {}
    except ValidationError as error:
        wrong: dict[str, Reason] = {}
        for detail in error.errors(include_url=False, include_context=False, include_input=False):
            name = str(detail["loc"][0])
            field = Settings.model_fields[name]
            missing = detail["type"] == "missing"
            wrong[name] = (
                "is not set, and production has no default for it"
                if missing
                else f"must be {allowed_of(field)}",
                example_of(field),
            )
        return None, wrong


def _contradictions(environment: str, values: Mapping[str, str]) -> Iterator[tuple[str, Reason]]:
    """Find what each setting may be alone, but not together.

    Reads the raw text, so that it speaks up even while another setting is wrong.
    """
    key, base = values.get("stripe_secret_key", ""), values.get("stripe_api_base", "")
    live = is_live_key(key)
    if live and environment == "development":
        reason = "is a live key, which only ENVIRONMENT=production may use", "sk_test_..."
        yield "stripe_secret_key", reason
    if key.startswith(("sk_test_", "rk_test_")) and environment == "production":
        reason = "is a test key, with which production would take no money", "rk_live_..."
        yield "stripe_secret_key", reason
    if key == SANDBOX_KEY and is_stripe(base):
        reason = "is the sandbox's key, which Stripe does not know", "sk_test_..."
        yield "stripe_secret_key", reason
    if live and environment == "production" and not base.startswith("https://"):
        reason = "must be https, or a live key travels in the clear", STRIPE_URL
        yield "stripe_api_base", reason
    secrets = re.split(r",\s*", values.get("stripe_webhook_secret", ""))
    in_earnest = environment == "production" or is_stripe(base)
    if in_earnest and SANDBOX_WEBHOOK_SECRET in secrets:
        reason = "is the sandbox's secret, with which anybody could sign", "whsec_..."
        yield "stripe_webhook_secret", reason
    yield from access_contradictions(environment, values)
    yield from _client_contradictions(environment, values)
    yield from proof_contradictions(values)


def _client_contradictions(
    environment: str, values: Mapping[str, str]
) -> Iterator[tuple[str, Reason]]:
    """The OrderService's OAuth client is whole, or it is none."""
    url = values.get("order_service_token_url", "")
    halves = ("order_service_client_id", "payment-service"), ("order_service_client_secret", "...")
    for name, example in halves:
        if url and not values.get(name):
            yield name, ("is not set, and ORDER_SERVICE_TOKEN_URL needs it", example)
        if values.get(name) and not url:
            yield name, ("has no use without ORDER_SERVICE_TOKEN_URL; set that too, or neither", "")
    if (
        environment == "production"
        and url.lower().startswith("http://")
        and not is_true(values.get("allow_http_token_urls", ""))
    ):
        reason = "must be https, or the client secret travels in the clear"
        yield "order_service_token_url", (reason, "https://login.internal.example/oauth2/token")


def _warnings(settings: Settings) -> Iterator[str]:
    token = settings.order_service_token is not None
    client = bool(settings.order_service_token_url)
    in_the_clear = settings.order_service_url.startswith("http://")
    production = settings.environment == "production"
    if production and settings.mongodb_uri and _names_one_server(settings.mongodb_uri):
        yield "MONGODB_URI names no replicaSet: right for routers, but one server cannot fail over"
    if not settings.order_service_url:
        yield "ORDER_SERVICE_URL is empty: orders are paid and nobody is told"
    if settings.stripe_webhook_secret is None:
        yield "STRIPE_WEBHOOK_SECRET is not set: the truth comes by polling alone, only slower"
    if not settings.back_fill_every_s and not settings.stripe_webhook_secret:
        yield "BACK_FILL_EVERY_S is 0 and there is no webhook: only the sweep finds disputes"
    if production and (token or client) and in_the_clear:
        yield "ORDER_SERVICE_URL is not https: the token for it travels in the clear"
    if token and client:
        yield "ORDER_SERVICE_TOKEN is not used: ORDER_SERVICE_TOKEN_URL goes before it"
    # The demo takes whatever comes.
    if settings.order_service_url not in {"", DEMO_ORDERS_URL} and not (token or client):
        yield (
            "neither ORDER_SERVICE_TOKEN_URL nor ORDER_SERVICE_TOKEN is set: the OrderService is "
            "told with the caller's token the first time, and after it without credentials until "
            "somebody asks about the order with a token"
        )
    yield from access_warnings(settings, production=production)
    yield from proof_warnings(settings, auth=settings.auth, production=production)
    yield from limit_warnings(settings, production=production)
    if production:
        yield from _http_warnings(settings)


def _http_warnings(settings: Settings) -> Iterator[str]:
    """Say which addresses of tokens and keys are http, as ALLOW_HTTP_TOKEN_URLS lets them be."""
    if settings.order_service_token_url.lower().startswith("http://"):
        yield "ORDER_SERVICE_TOKEN_URL is http: the client secret travels in the clear"
    if "jwt" not in settings.auth.split(","):
        return
    for issuer in issuers_of(settings):
        if issuer.auth_jwt_jwks_url.lower().startswith("http://"):
            where = "AUTH_JWT_JWKS_URL" if issuer is settings else "an address in AUTH_JWT_ISSUERS"
            yield f"{where} is http: whoever is on the way can bring keys, and so tokens, of theirs"


def _names_one_server(uri: SecretStr) -> bool:
    address = uri.get_secret_value().lower()
    return address.startswith("mongodb://") and "replicaset=" not in address
