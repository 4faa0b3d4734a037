"""`payment-service forget`: a customer goes, the books stay. Asks first, tells what it did."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Annotated, Any

import typer

from payment_service.operators import By, Reason, who_acts
from payment_service.settings import Settings

# A customer with fifty cards takes a hundred calls to Stripe of a third of a second each.
PATIENCE_S = 120.0
PATIENCE_MAX_S = 3600.0
# Past its patience the flow has still to write what it knows.
ANSWER_S = 30.0
# Said after a customer was forgotten by the process that has the file open: writing a file anew
# stops every payment meanwhile.
STILL_IN_THE_FILE = (
    "The SQLite file may still hold what was removed, in parts that are free to be written over. "
    "To write it anew, stop the service and run the same command again."
)
# What was asked cannot be done now, or must not be.
EXIT_REFUSED = 1

Run = Callable[[Callable[[Settings], Coroutine[Any, Any, None]]], None]


def add_to(app: typer.Typer, run: Run) -> None:
    """Add the command. run: how the other commands run theirs."""

    @app.command()
    def forget(
        email: Annotated[str, typer.Argument(help="The e-mail of the customer.")],
        by: By = "",
        reason: Reason = "",
        patience_s: Annotated[
            float,
            typer.Option(
                min=0, max=PATIENCE_MAX_S, help="How long to wait for Stripe, in seconds."
            ),
        ] = PATIENCE_S,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Forget a customer, here and at Stripe, for good. Payments stay, without the person.

        The service may run. Only with SQLite, and while it is stopped, the file is written anew, so
        that no byte of what was removed is left in it.
        """
        if not yes:
            typer.confirm(
                f"Forget {email}? Its cards are detached and the customer is deleted at Stripe. "
                "This cannot be undone",
                abort=True,
            )
        asked = partial(_forget, email=email, who=who_acts(by), why=reason, wait_s=patience_s)
        run(asked)


async def _forget(settings: Settings, *, email: str, who: str, why: str, wait_s: float) -> None:
    from payment_service.databases import running_service  # noqa: PLC0415 - see `cli`

    arguments = {"email": email, "who": who, "why": why, "wait_s": wait_s}
    service = await running_service(settings)
    if service is None:
        done = await _forget_alone(settings, arguments)
    else:
        try:
            done = await service.do("forget", arguments, limit_s=wait_s + ANSWER_S)
        finally:
            await service.close()
    if "why_not" in done:
        typer.echo(done["why_not"], err=True)
        raise typer.Exit(EXIT_REFUSED)
    typer.echo("Forgotten: the customer and its cards, here and at Stripe.")
    under = f", under the customer id {done['customer_id']}" if done["customer_id"] else ""
    typer.echo(f"Kept: {done['payments']} payments{under}.")
    typer.echo(
        f"Dropped: callers' words in {done['worded']} of them, {done['answers']} kept answers."
    )
    if service is not None:
        typer.echo(STILL_IN_THE_FILE, err=True)


async def _forget_alone(settings: Settings, arguments: dict[str, Any]) -> dict[str, Any]:
    """Forget with the database opened by this command, and write a SQLite file anew."""
    from payment_service.composing import open_world  # noqa: PLC0415 - see `cli`
    from payment_service.databases import erase_removed  # noqa: PLC0415
    from payment_service.operations import forget  # noqa: PLC0415

    async with open_world(settings) as world:
        done = await forget(world, arguments)
    # Of nobody too: an earlier try may have ended just before this.
    if "why_not" not in done or done.get("nothing"):
        erase_removed(settings)
    return done
