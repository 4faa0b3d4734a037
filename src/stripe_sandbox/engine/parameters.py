"""Reading parameters against the fields an endpoint knows: typed, or refused as Stripe does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from stripe_sandbox.engine.errors import ApiError, invalid

METADATA_KEYS_MAX = 50
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500

Kind = Literal["text", "integer", "flag", "choice", "map", "list", "metadata", "range", "free"]
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """What one parameter may be. Those that are not `clearable` refuse an empty string."""

    kind: Kind
    required: bool = False
    clearable: bool = True
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Field] | None = None
    element: Field | None = None


Schema = Mapping[str, Field]

TEXT: Final = Field("text")
INTEGER: Final = Field("integer")
FLAG: Final = Field("flag", clearable=False)
METADATA: Final = Field("metadata")
# Parameters of features that are not here: taken, and without effect.
FREE: Final = Field("free")
REQUIRED_TEXT: Final = Field("text", required=True, clearable=False)
REQUIRED_INTEGER: Final = Field("integer", required=True, clearable=False)
TEXTS: Final = Field("list", element=TEXT)
RANGE: Final = Field("range")


def choice(*choices: str) -> Field:
    """Make a field that is one of a few words."""
    return Field("choice", choices=choices)


def mapping(**fields: Field) -> Field:
    """Make a field that is a map whose keys are known."""
    return Field("map", fields=fields)


def read(schema: Schema, raw: Mapping[str, Any]) -> Parameters:
    """Return the typed parameters. Unknown names are refused first, then missing, then types."""
    unknown = list(_unknown(schema, raw, ""))
    if unknown:
        raise _unknown_parameters(unknown)
    for name, field in schema.items():
        if field.required and name not in raw:
            raise missing(name)
    return {name: _read(schema[name], value, name) for name, value in raw.items()}


def missing(name: str) -> ApiError:
    """Refuse a request that lacks a parameter."""
    return invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def too_small(name: str) -> ApiError:
    """Refuse an integer below 1."""
    return invalid(
        "This value must be greater than or equal to 1.",
        param=name,
        code="parameter_invalid_integer",
    )


def _unknown(schema: Schema, raw: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in raw.items():
        path = f"{prefix}[{name}]" if prefix else name
        field = schema.get(name)
        if field is None:
            yield path
        elif field.fields is not None and isinstance(value, dict):
            yield from _unknown(field.fields, value, path)


def _unknown_parameters(names: list[str]) -> ApiError:
    plural = "s" if len(names) > 1 else ""
    return invalid(
        f"Received unknown parameter{plural}: {', '.join(names)}",
        param=names[0],
        code="parameter_unknown",
    )


def _read(field: Field, value: Any, name: str) -> Any:
    """Read one value; an empty string means to unset."""
    if value == "" and field.kind not in ("metadata", "free"):
        if field.clearable:
            return None
        raise invalid(
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{name}' cannot be unset. You should remove '{name}' from "
            "your request or supply a non-empty value.",
            param=name,
            code="parameter_invalid_empty",
        )
    match field.kind:
        case "text" | "integer" | "flag" | "choice":
            return _read_word(field, value, name)
        case "map":
            return _read_map(field, value, name)
        case "list":
            return _read_list(field, value, name)
        case "metadata":
            return _read_metadata(value, name)
        case "range":
            return _read_range(value, name)
        case "free":
            return value


def _read_word(field: Field, value: Any, name: str) -> str | int | bool:
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {value}", param=name)
    match field.kind:
        case "integer":
            return _read_integer(value, name)
        case "flag":
            if value not in ("true", "false"):
                raise invalid(f"Invalid boolean: {value}", param=name)
            return value == "true"
        case "choice" if value not in field.choices:
            raise invalid(f"Invalid {name}: must be one of {_either(field.choices)}", param=name)
    return value


def _read_integer(value: str, name: str) -> int:
    digits = value.removeprefix("-")
    # Nineteen digits hold any 64 bit integer; beyond it int() itself becomes an attack.
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):
        raise invalid(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
    return int(value)


def _read_map(field: Field, value: Any, name: str) -> Parameters:
    if not isinstance(value, dict):
        raise invalid("Invalid object", param=name)
    fields = field.fields or {}
    for inner, inner_field in fields.items():
        if inner_field.required and inner not in value:
            raise missing(f"{name}[{inner}]")
    return {inner: _read(fields[inner], item, f"{name}[{inner}]") for inner, item in value.items()}


def _read_list(field: Field, value: Any, name: str) -> list[Any]:
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        value = [value[key] for key in sorted(value, key=int)]
    if not isinstance(value, list):
        raise invalid("Invalid array", param=name)
    element = field.element or FREE
    return [_read(element, item, f"{name}[{index}]") for index, item in enumerate(value)]


def _read_metadata(value: Any, name: str) -> dict[str, str]:
    """Read metadata to set; an empty string unsets it all, which comes out as an empty map."""
    if value == "":
        return {}
    if isinstance(value, list):
        value = {str(index): item for index, item in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise invalid("Invalid object", param=name)
    for key, item in value.items():
        if len(key) > METADATA_KEY_LENGTH_MAX:
            raise invalid(
                f"Metadata keys can have up to {METADATA_KEY_LENGTH_MAX} characters, but you "
                f"passed in a key that is {len(key)} characters. Invalid key: {key}",
                param=name,
            )
        if len(item) > METADATA_VALUE_LENGTH_MAX:
            raise invalid(
                f"Metadata values can have up to {METADATA_VALUE_LENGTH_MAX} characters, but you "
                f"passed in a value that is {len(item)} characters. Invalid value: {item}",
                param=name,
            )
    return value


def _read_range(value: Any, name: str) -> dict[str, int]:
    """Read a moment, or bounds of it, into bounds."""
    if isinstance(value, str):
        moment = _read_integer(value, name)
        return {"gte": moment, "lte": moment}
    bounds = mapping(gt=INTEGER, gte=INTEGER, lt=INTEGER, lte=INTEGER)
    unknown = list(_unknown(bounds.fields or {}, value, name)) if isinstance(value, dict) else []
    if unknown:
        raise _unknown_parameters(unknown)
    return _read_map(bounds, value, name)


def _either(choices: tuple[str, ...]) -> str:
    if len(choices) <= 2:
        return " or ".join(choices)
    return f"{', '.join(choices[:-1])}, or {choices[-1]}"


def merge_metadata(old: Mapping[str, str], parameters: Parameters) -> Mapping[str, str]:
    """Apply `metadata`: empty values remove their key, an empty map removes them all."""
    if "metadata" not in parameters:
        return old
    wanted: dict[str, str] = parameters["metadata"]
    if not wanted:
        return {}
    merged = {**old, **wanted}
    kept = {key: value for key, value in merged.items() if value != ""}
    if len(kept) > METADATA_KEYS_MAX:
        raise invalid(
            f"You can have up to {METADATA_KEYS_MAX} metadata keys, but you would have "
            f"{len(kept)}.",
            param="metadata",
        )
    return kept
