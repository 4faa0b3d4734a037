"""Whether a command line can be parsed by the program it names; nothing of it is run."""

from collections.abc import Sequence

import typer
from typer.core import TyperGroup
from typer.main import get_command

from payment_service.cli import app
from stripe_sandbox.cli import listen

_sandbox = typer.Typer()
_sandbox.command()(listen)
_PROGRAMS = {"payment-service": get_command(app), "stripe-sandbox": get_command(_sandbox)}


def commands_of(program: str) -> set[str]:
    """Return what the program can be told to do."""
    known = _PROGRAMS[program]
    return set(known.commands) if isinstance(known, TyperGroup) else set()


def parse(words: Sequence[str]) -> str:
    """Return the name of the command. Raises what the program itself would: it ends with 2."""
    program, *arguments = words
    known = _PROGRAMS[program]
    if not isinstance(known, TyperGroup):
        known.make_context(program, list(arguments))
        return program
    context = known.make_context(program, list(arguments[:1]))
    name, chosen, _ = known.resolve_command(context, list(arguments[:1]))
    assert chosen is not None
    chosen.make_context(name, list(arguments[1:]), parent=context)
    return str(name)
