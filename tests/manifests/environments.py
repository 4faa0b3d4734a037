"""The environment that a manifest gives to its process, with placeholders filled in."""

from typing import Any

from tests.manifests.kustomized import Manifest, Manifests
from tests.parts.dockerfile import image_environ

# The keys of installations that are older than this service; theirs must go on to work.
EXISTING_KEYS = {
    "payment-service-configmap": {"port", "order_service_url", "node_env"},
    "payment-service-secret": {"db_url", "stripe_secret_key"},
}
# What an operator puts where the files have placeholders.
WELL_FORMED = {
    "db_url": "mongodb+srv://user:password@cluster.example/payments?retryWrites=true&w=majority\n",
    "stripe_secret_key": "rk_live_madeup\n",
    "stripe_webhook_secret": "whsec_madeup",
}
_REFERENCES = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}


def references(container: Manifest) -> dict[str, tuple[str, str, str, bool]]:
    """Return kind, name, key and whether it may be absent, for each variable that is elsewhere."""
    found = {}
    for variable in container.get("env", []):
        for how, where in variable.get("valueFrom", {}).items():
            optional = where.get("optional", False)
            found[variable["name"]] = _REFERENCES[how], where["name"], where["key"], optional
    return found


def named(container: Manifest, manifests: Manifests) -> set[str]:
    """Return every name that the manifest gives a value to, absent or not."""
    return {*_all_of(container, manifests), *(one["name"] for one in container.get("env", []))}


def environ_of(
    container: Manifest,
    manifests: Manifests,
    *,
    filled_in: bool = True,
    existing_only: bool = False,
) -> dict[str, str]:
    """Return what the process finds, image included.

    existing_only: as with the ConfigMap and the Secret of an older installation.
    """
    environ = {**image_environ(), **_all_of(container, manifests)}
    for variable in container.get("env", []):
        if "value" in variable:
            environ[variable["name"]] = variable["value"]
    for name, (kind, holder, key, _) in references(container).items():
        held = _held(manifests[kind, holder])
        if key in held and not (existing_only and key not in EXISTING_KEYS[holder]):
            placeholder = filled_in and held[key].startswith("<")
            environ[name] = WELL_FORMED[key] if placeholder else held[key]
    return environ


def _held(one: Manifest) -> dict[str, Any]:
    return {**one.get("data", {}), **one.get("stringData", {})}


def _all_of(container: Manifest, manifests: Manifests) -> dict[str, str]:
    """Return what whole ConfigMaps give."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= _held(manifests["ConfigMap", source["configMapRef"]["name"]])
    return found
