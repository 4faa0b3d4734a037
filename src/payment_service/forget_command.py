"""`payment-service forget`: a customer goes, the books stay. Asks first, tells what it did."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Annotated, Any

import typer

from payment_service.operators import By, Reason, who_acts
from payment_service.settings import Settings

# A customer with fifty cards takes a hundred calls to Stripe of a third of a second each.
PATIENCE_S = 120.0
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
            float, typer.Option(min=0, help="How long to wait for Stripe, in seconds.")
        ] = PATIENCE_S,
        *,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Forget a customer, here and at Stripe, for good. Payments stay, without the person.

        With SQLite the service must be stopped; with MongoDB it may run.
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
    from payment_service.composing import erase_removed, open_world  # noqa: PLC0415 - see `cli`
    from payment_service.domain.errors import NotFound, Refusal  # noqa: PLC0415
    from payment_service.flows.forget_customer import forget_customer  # noqa: PLC0415
    from payment_service.flows.stripe_time import know_time  # noqa: PLC0415
    from payment_service.ports import GatewayUnavailable  # noqa: PLC0415

    try:
        async with open_world(settings) as world:
            await know_time(world)
            deadline = world.clock.now() + timedelta(seconds=wait_s)
            done = await forget_customer(world, email, who=who, why=why, deadline=deadline)
        erase_removed(settings)
    except NotFound as nothing:
        erase_removed(settings)  # an earlier try may have ended just before this
        raise _not_done(f"Nothing to forget: {nothing.message}") from nothing
    except Refusal as refusal:
        raise _not_done(f"Not forgotten: {refusal.message}") from refusal
    except GatewayUnavailable as trouble:
        raise _not_done(f"Not finished: {trouble} Run it again.") from trouble
    typer.echo("Forgotten: the customer and its cards, here and at Stripe.")
    under = f", under the customer id {done.customer_id}" if done.customer_id else ""
    typer.echo(f"Kept: {done.payments} payments{under}.")
    typer.echo(f"Dropped: callers' words in {done.worded} of them, {done.answers} kept answers.")


def _not_done(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(EXIT_REFUSED)
