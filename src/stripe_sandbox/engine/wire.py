"""The form encoding Stripe speaks: brackets for depth, `a[0]=` and `a[]=` for lists; and JSON out.

Decoding keeps strings: what they mean is for `parameters` to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from stripe_sandbox.engine.errors import invalid

# Deeper than any parameter of Stripe; beyond it is a mistake or an attack.
DEPTH_MAX = 12

Raw = dict[str, Any]


def decode(form: str) -> Raw:
    """Turn a form into nested maps and lists of strings."""
    root: Raw = {}
    if form:
        for pair in form.split("&"):
            if pair:
                name, _, value = pair.partition("=")
                _put(root, _path(unquote_plus(name)), unquote_plus(value))
        for name, value in root.items():
            if not isinstance(value, str):
                root[name] = _listed(value)
    return root


def encode(parameters: Mapping[str, Any]) -> bytes:
    """Turn nested maps and lists into a form, the way the official SDKs do."""
    return "&".join(
        f"{quote_plus(name, safe='[]')}={quote_plus(value)}"
        for name, value in _flatten(parameters, "")
    ).encode()


def to_json(value: Any) -> bytes:
    """Write an answer."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _path(name: str) -> list[str]:
    """Split `a[b][]` into a, b and the empty string."""
    head, bracket, rest = name.partition("[")
    if not bracket:
        return [name]
    if not rest.endswith("]"):
        return [name]
    path = [head, *rest[:-1].split("][")]
    if len(path) > DEPTH_MAX:
        raise invalid(f"Invalid parameter: {name} is nested too deeply.", param=head)
    return path


def _put(root: Raw, path: list[str], value: str) -> None:
    """Place one value, making the maps and lists on the way."""
    place: Any = root
    for index, step in enumerate(path[:-1]):
        place = _step_into(place, step, path[index + 1 :], path)
    last = path[-1]
    if isinstance(place, list):
        if last != "":
            raise _confused(path)
        place.append(value)
    elif isinstance(place.get(last), dict | list):
        raise _confused(path)
    else:
        place[last] = value


def _step_into(place: Any, step: str, rest: list[str], path: list[str]) -> Any:
    """Go down one level; `rest` says whether a map or a list is wanted there."""
    wanted = list if rest[0] == "" else dict
    if isinstance(place, list):
        if step != "":
            raise _confused(path)
        # `a[][x]=1&a[][y]=2` is one element, a second `a[][x]=` begins the next one.
        if wanted is list or not place or not isinstance(place[-1], dict) or rest[0] in place[-1]:
            place.append(wanted())
        return place[-1]
    found = place.setdefault(step, wanted())
    if not isinstance(found, wanted):
        raise _confused(path)
    return found


def _confused(path: list[str]) -> Exception:
    return invalid(f"Invalid parameter: {path[0]} is given in more than one shape.", param=path[0])


def _listed(value: Any) -> Any:
    """Make lists of maps whose keys are 0, 1, 2 and so on."""
    if isinstance(value, list):
        return [_listed(element) for element in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(element) for key, element in value.items()}
    indexes = [str(index) for index in range(len(inner))]
    return [inner[index] for index in indexes] if inner.keys() == set(indexes) else inner


def _flatten(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flatten(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _flatten(inner, f"{name}[{index}]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)
