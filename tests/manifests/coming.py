"""What the manifests name ahead of the code: each leaves this list when the code reads it."""

from collections.abc import Mapping

COMING = frozenset(
    {
        "AUTH",
        "AUTH_JWT_SECRET",
        "LOG_EMAIL_KEY",
        "METRICS_PORT",
        "MONGODB_URI",  # a field already, and refused so far
        "ORDER_SERVICE_CLIENT_ID",
        "ORDER_SERVICE_CLIENT_SECRET",
        "ORDER_SERVICE_SCOPE",
        "ORDER_SERVICE_TOKEN_URL",
    }
)


def here(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the code reads by now."""
    return {name: value for name, value in environ.items() if name not in COMING}
