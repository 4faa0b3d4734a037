"""Which shape of documents this program writes, and what a newer one wrote that it does not know.

While a new version is rolled out both work on the same documents. The older one must carry what it
cannot read, or its next write would wipe it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Raised by one whenever a field is added to a document of any kind.
SCHEMA = 5


@dataclass(frozen=True, slots=True)
class NewerSchema:
    """The shape of a document that a newer program wrote, and what only that one understands.

    unknown: its fields that this program has not, in the form that `records` gives and takes.
    """

    number: int
    unknown: Mapping[str, Any]


Schema = int | NewerSchema
