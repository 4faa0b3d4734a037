"""What a command to the sandbox asks for, as decoded JSON, and the refusal of what it cannot be."""

from __future__ import annotations

from typing import Any


class BadFields(Exception):
    """A command that cannot be followed: each bad field with what is wrong with it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("bad fields")
        self.problems = problems


def read_object(wish: Any, *known: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of a command and a problem for each that is not known."""
    if not isinstance(wish, dict):
        raise BadFields({"": "must be a JSON object"})
    return wish, {str(name): "is not known" for name in wish if name not in known}


def refuse(problems: dict[str, str]) -> None:
    """Raise if there is any problem."""
    if problems:
        raise BadFields(problems)
