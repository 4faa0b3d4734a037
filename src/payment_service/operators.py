"""Operators at the command line: what they say of themselves for the audit."""

import getpass
import os
from typing import Annotated

import typer

By = Annotated[str, typer.Option(help="Who does this, for the audit; left out: your user name.")]
Reason = Annotated[str, typer.Option(help="Why, for the audit.")]


def who_acts(by: str) -> str:
    """Return the name that was given, else that of the operating system's user."""
    if by:
        return by
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"user {os.getuid()}"
