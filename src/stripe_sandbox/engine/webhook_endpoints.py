"""Webhook endpoints: where events are sent, which of them, and the secrets they are signed with."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from stripe_sandbox.engine import lists
from stripe_sandbox.engine.call import Call
from stripe_sandbox.engine.config import Config
from stripe_sandbox.engine.errors import ApiError, invalid
from stripe_sandbox.engine.parameters import merge_metadata
from stripe_sandbox.engine.records import SigningSecret, WebhookEndpoint, Wire
from stripe_sandbox.engine.versions import read_version
from stripe_sandbox.engine.webhook_secrets import new_secret

_EVENT_TYPE: Final = re.compile(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+")


def create(call: Call) -> Wire:
    """Make an endpoint. This answer alone shows the secret."""
    secret = new_secret(call.state.ids)
    endpoint = WebhookEndpoint(
        id=call.state.ids.dated("we_1", call.cause.now),
        created=call.cause.now,
        url=call.get("url"),
        enabled_events=tuple(call.get("enabled_events")),
        secrets=(SigningSecret(secret),),
        metadata=merge_metadata({}, call.parameters),
        api_version=call.get("api_version"),
        description=call.get("description"),
    )
    written = shape(call.state.webhooks.put(endpoint))
    return dict(sorted({**written, "secret": secret}.items(), key=_place))


def retrieve(call: Call) -> Wire:
    """Return an endpoint."""
    return shape(_in_path(call))


def update(call: Call) -> Wire:
    """Change an endpoint, or switch it off or on."""
    before = _in_path(call)
    given = call.parameters
    changes: dict[str, Any] = {
        name: given[name] for name in ("description", "disabled", "url") if name in given
    }
    if "enabled_events" in given:
        changes["enabled_events"] = tuple(given["enabled_events"])
    metadata = merge_metadata(before.metadata, given)
    return shape(call.state.webhooks.put(replace(before, metadata=metadata, **changes)))


def delete(call: Call) -> Wire:
    """Delete an endpoint; what was on its way to it is not sent."""
    endpoint = call.state.webhooks.put(replace(_in_path(call), deleted=True))
    return {"id": endpoint.id, "object": "webhook_endpoint", "deleted": True}


def list_all(call: Call) -> Wire:
    """List the endpoints."""
    return lists.page(
        call,
        call.state.webhooks.endpoints,
        "webhook endpoint",
        keep=lambda row: not row.deleted,
        write=shape,
    )


def shape(endpoint: WebhookEndpoint) -> Wire:
    """Write an endpoint, without its secret."""
    return {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": None,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": list(endpoint.enabled_events),
        "livemode": False,
        "metadata": endpoint.metadata,
        "status": "disabled" if endpoint.disabled else "enabled",
        "url": endpoint.url,
    }


def check(parameters: dict[str, Any], _config: Config) -> None:
    """Refuse an address that is none, types that are none, and a version that is none."""
    if "url" in parameters:
        check_url(parameters["url"])
    for index, name in enumerate(parameters.get("enabled_events") or ()):
        if not isinstance(name, str) or _EVENT_TYPE.fullmatch(name) is None:
            raise invalid(
                f"Invalid enabled_events[{index}]: {name} is not the type of an event.",
                param="enabled_events",
            )
    if parameters.get("api_version") is not None:
        read_version(parameters["api_version"], "")


def check_url(url: str) -> None:
    """Refuse an address that nothing can be posted to."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        raise _bad_url("The address cannot be read.") from None
    if parts.scheme not in ("http", "https"):
        raise _bad_url("An explicit scheme (such as https) must be provided.")
    if not parts.hostname:
        raise _bad_url("The address names no host.")


def _bad_url(why: str) -> ApiError:
    return invalid(f"Invalid URL: {why}", param="url", code="url_invalid")


def _in_path(call: Call) -> WebhookEndpoint:
    endpoint = call.state.webhooks.endpoints.get(call.ids[0])
    if endpoint is None or endpoint.deleted:
        raise lists.not_in_path(call, "webhook endpoint", call.ids[0], "id")
    return endpoint


def _place(item: tuple[str, Any]) -> tuple[bool, bool, str]:
    """Order the keys of an object as Stripe does: id and object first, then the alphabet."""
    return item[0] != "id", item[0] != "object", item[0]
