"""The names that the environment may have for us, as manifests must spell them."""

from pydantic import SecretStr

from payment_service.settings import Settings


def known_names() -> set[str]:
    """Return every setting, and for each secret the name that reads it from a file."""
    names = {name.upper() for name in Settings.model_fields}
    secrets = {
        f"{name.upper()}_FILE"
        for name, field in Settings.model_fields.items()
        if SecretStr in {field.annotation, *getattr(field.annotation, "__args__", ())}
    }
    return names | secrets | {"NODE_ENV"}
