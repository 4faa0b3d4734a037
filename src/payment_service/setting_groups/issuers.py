"""Reads the file of several issuers, and names every mistake in it by issuer and field.

Never repeats a value: it may be a secret in the wrong place.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr, ValidationError

from payment_service.setting_files import UnusableFile, read_secret
from payment_service.setting_groups.tokens import (
    ISSUERS,
    PREFIX,
    Reason,
    TokenSettings,
    is_true,
    issuer_contradictions,
    items_of,
    secret_text,
)
from payment_service.setting_kinds import allowed_of
from payment_service.setting_placeholders import LEFT_OVER, placeholders

# Each is a start of its own with its own keys; more are another problem than this one.
ISSUERS_MAX = 50
# Stands for a file that could not be read, about which enough is said.
UNREADABLE = "="
_EXAMPLE = "/etc/payment-service/issuers.toml"
_TABLE = "issuer"
_FIELDS = {
    name.removeprefix(PREFIX): field
    for name, field in TokenSettings.model_fields.items()
    if name != ISSUERS
}
_LISTS = frozenset({"audience", "algorithms", "scope_claim", "service_clients", "end_user_scopes"})
_FILES = {"secret_file": "secret", "public_key_file": "public_key"}
# What an issuer's name may look like to be repeated: an address, or too short for a secret.
_SHOWN = re.compile(r"https?://[A-Za-z0-9._~:/-]{1,200}|[A-Za-z0-9._:/-]{1,30}")
_SHOWN_KEY = re.compile(r"[a-z_]{1,40}")
_PLACE = re.compile(r"\(at ((?:line \d+, column \d+)|end of document)\)")


class _Mistake(Exception):
    """What is wrong with the file as a whole, in words that follow the setting's name."""


def is_path(text: str) -> bool:
    """Whether the setting names a file: in TOML something is set to something."""
    return "=" not in text


def token_contradictions(
    environment: str, values: Mapping[str, str], *, is_used: bool
) -> Iterator[tuple[str, Reason]]:
    """Find what may not be together, from the raw text. is_used: whether tokens are taken at all.

    The issuer of the single settings and those of the file count side by side.
    """
    given = {
        name.removeprefix(PREFIX): text
        for name, text in values.items()
        if name.startswith(PREFIX) and name != ISSUERS and text
    }
    https_only = environment == "production" and not is_true(
        values.get("allow_http_token_urls", "")
    )
    listed = values.get(ISSUERS, "")
    is_single = bool(given.keys() & {"issuer", "audience", "jwks_url", "public_key", "secret"})
    if is_used and (is_single or not listed):
        for name, reason in issuer_contradictions(given, https_only=https_only, shown=_setting):
            yield PREFIX + name, reason
    elif listed:
        without = "has no use without AUTH_JWT_ISSUER: write it into AUTH_JWT_ISSUERS"
        for name in given if is_used else ():
            yield PREFIX + name, (without, "")
    if listed and listed != UNREADABLE:
        single = (given.get("issuer", ""), items_of(given.get("audience", "")))
        wrong = _mistakes(listed, https_only=https_only, single=single)
        if wrong:
            yield ISSUERS, (wrong, _EXAMPLE)


def issuers_of(settings: TokenSettings) -> tuple[TokenSettings, ...]:
    """Return each issuer that is set, of settings that have no contradictions."""
    single = (settings,) if settings.auth_jwt_issuer else ()
    listed = secret_text(settings.auth_jwt_issuers)
    if not listed:
        return single
    read = (_with_files(table)[0] for table in _tables(listed))
    return (*single, *(TokenSettings.model_validate(_prefixed(values)) for values in read))


def secrets_in(issuers: SecretStr | None) -> tuple[str, ...]:
    """Return the secrets that the file has in it or names, for whoever must know what to hide."""
    if issuers is None:
        return ()
    tables = (_with_files(table)[0] for table in _tables(issuers.get_secret_value()))
    return tuple(str(table["secret"]) for table in tables if table.get("secret"))


def _setting(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _mistakes(text: str, *, https_only: bool, single: tuple[str, tuple[str, ...]]) -> str:
    """Return everything that is wrong, in words that follow the setting's name; "" for nothing."""
    try:
        tables = _tables(text)
    except _Mistake as mistake:
        return str(mistake)
    said = []
    taken = {(single[0], audience) for audience in single[1]}
    for number, table in enumerate(tables, start=1):
        values, wrong = _with_files(table)
        found = issuer_contradictions(values, https_only=https_only, shown=str)
        by_form = {name: reason for name, (reason, _) in found} | _wrong_fields(values)
        texts = {name: value for name, value in values.items() if isinstance(value, str)}
        left = list(placeholders(texts, {"secret"}))
        if "secret" in left:  # that it is too short as well is beside the point
            by_form.pop("secret", None)
        single_wrong = dict.fromkeys(left, LEFT_OVER) | by_form
        wrong |= _said_of_files(table, single_wrong, wrong)
        issuer = str(values.get("issuer"))
        mine = {(issuer, one) for one in items_of(str(values.get("audience", "")))}
        if taken & mine:
            wrong.setdefault("audience", "is also that of another entry with this issuer")
        taken |= mine
        whole = "; ".join(f"{name} {reason}" for name, reason in wrong.items())
        if whole:
            said.append(f"{_called(number, values)}: {whole}")
    return f"has mistakes: {'. '.join(said)}" if said else ""


def _tables(text: str) -> list[dict[str, Any]]:
    """Return the tables of the file. Raises _Mistake."""
    try:
        whole = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        place = _PLACE.search(str(error))
        raise _Mistake(f"is not TOML: see {place[1] if place else 'its brackets'}") from None
    tables = whole.pop(_TABLE, None)
    if whole or not isinstance(tables, list) or not tables:
        raise _Mistake("must have tables [[issuer]] and nothing beside them")
    if len(tables) > ISSUERS_MAX:
        raise _Mistake(f"has more than {ISSUERS_MAX} issuers")
    if not all(isinstance(table, dict) for table in tables):
        raise _Mistake("must have tables [[issuer]] and nothing beside them")
    return tables


def _with_files(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the table as the settings would be written, and what is wrong with it before that."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for key, value in table.items():
        if key in _FILES:
            _read_file(key, value, values, wrong)
        elif key not in _FIELDS:
            shown = key if _SHOWN_KEY.fullmatch(key) else "a key"
            wrong[shown] = "is no field"
        elif isinstance(value, list) and key in _LISTS:
            if all(isinstance(item, str) and item and "," not in item for item in value):
                values[key] = ",".join(value)
            else:
                wrong[key] = "must be a list of texts without commas"
        elif isinstance(value, bool) and _FIELDS[key].annotation is not bool:
            wrong[key] = f"must be {allowed_of(_FIELDS[key])}"
        else:
            values[key] = value
    for key, name in _FILES.items():
        if key in table and name in table:
            wrong[key] = f"is set, and so is {name}: set one of them"
    return values, wrong


def _read_file(key: str, value: Any, values: dict[str, Any], wrong: dict[str, str]) -> None:
    try:
        values[_FILES[key]] = read_secret(value if isinstance(value, str) else "")
    except UnusableFile as error:
        values[_FILES[key]] = "unreadable"  # that it lacks a source of keys would be said twice
        wrong[key] = str(error)


def _said_of_files(
    table: Mapping[str, Any], wrong: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, str]:
    """Return what is wrong by the keys that are there: where a file is, the file must be mended."""
    by_file = {name: key for key, name in _FILES.items() if key in table and name not in table}
    said = {
        by_file.get(name, name): f"names a file whose content {reason}"
        if name in by_file
        else reason
        for name, reason in wrong.items()
    }
    return {name: reason for name, reason in said.items() if name not in before}


def _wrong_fields(values: Mapping[str, Any]) -> dict[str, str]:
    try:
        TokenSettings.model_validate(_prefixed(values))
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        names = (str(detail["loc"][0]).removeprefix(PREFIX) for detail in details)
        return {name: f"must be {allowed_of(_FIELDS[name])}" for name in names}
    return {}


def _prefixed(values: Mapping[str, Any]) -> dict[str, Any]:
    return {PREFIX + name: value for name, value in values.items()}


def _called(number: int, values: Mapping[str, Any]) -> str:
    """Return how an entry is called: by its place, and by its name where that is no secret."""
    name = values.get("issuer")
    if isinstance(name, str) and _SHOWN.fullmatch(name):
        return f"issuer {number} ({name})"
    return f"issuer {number}"
