"""What cannot be heard where, each with the reason. Patterns as a shell has them."""

from collections.abc import Mapping
from typing import Final

IMPOSSIBLE: Final[Mapping[str, str]] = {}
