"""The command line: one command for each way to run. Parses, calls, and says what went wrong."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from payment_service import copy_command, forget_command
from payment_service.domain.card_refusals import Kind, Suspect
from payment_service.key_commands import key_commands
from payment_service.logs import catch_strays, configure_logs
from payment_service.notification_commands import notification_commands
from payment_service.ports import Store
from payment_service.settings import InvalidSettings, Settings, load_settings

# What the operator must mend (settings, port, database): the same for every command.
EXIT_UNUSABLE = 2
# The database file is not the one that was used last: starting anyway would charge again.
EXIT_OUTDATED = 3
# Nobody knows whether it was done: a script must look before it goes on, and not just run it again.
EXIT_IN_DOUBT = 4
_ONLY_SERVE = "\nMETRICS_PORT is 0: only `serve` answers there; set it, and a `worker` answers too."

app = typer.Typer(
    name="payment-service",
    help="A payment service over Stripe. Configured by the environment; see `settings`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def serve() -> None:
    """Serve the HTTP API, and settle what is due unless WORKER_ENABLED=false."""
    from payment_service import main  # noqa: PLC0415 - the other commands start without it

    _run(main.serve)


@app.command()
def worker() -> None:
    """Settle what is due, without serving HTTP."""
    from payment_service import main  # noqa: PLC0415 - the other commands start without it

    _run(main.work)


@app.command()
def migrate() -> None:
    """Make the tables and indexes of the database. Does nothing when they are there."""
    from payment_service import main  # noqa: PLC0415 - the other commands start without it

    _run(main.migrate)
    typer.echo("The database is up to date.")


@app.command("lift-refusals")
def lift_refusals(
    kind: Annotated[Kind, typer.Argument(help="By what somebody is known.")],
    name: Annotated[str, typer.Argument(help="The customer's id, address, card id or fingerprint")],
) -> None:
    """Let somebody try cards again to whom too many were refused."""
    from payment_service import main  # noqa: PLC0415 - the other commands start without it

    _run_once(lambda settings: main.lift_refusals(settings, Suspect(kind, name)))
    typer.echo("There are no refusals of it any more.")


@app.command()
def healthy(
    url: Annotated[
        str | None,
        typer.Option(
            help="What to ask; without it, /livez on METRICS_PORT, or on PORT without one."
        ),
    ] = None,
) -> None:
    """Ask a running process whether it is up; end with 1, and say why, unless it answers 200."""
    from payment_service.children import url_here, why_unhealthy  # noqa: PLC0415 - as above

    hint = ""
    if url is None:
        in_force = _settings()
        # `serve` and `worker` both open it; 0 is none.
        url = url_here(in_force.host, in_force.metrics_port or in_force.port) + "/livez"
        if not in_force.metrics_port:
            hint = _ONLY_SERVE
    if why := why_unhealthy(url):
        typer.echo(f"{url}: {why}{hint}", err=True)
        raise typer.Exit(1)


@app.command()
def dev(
    sandbox_port: Annotated[int, typer.Option(help="Port of the Stripe sandbox.")] = 12111,
    orders_port: Annotated[int, typer.Option(help="Port of the demo OrderService.")] = 9001,
) -> None:
    """Run everything on this machine: Stripe sandbox, demo OrderService and the service."""
    from payment_service.dev import run_dev  # noqa: PLC0415 - the other commands start without it

    _settings()
    raise typer.Exit(run_dev(dict(os.environ), sandbox_port=sandbox_port, orders_port=orders_port))


@app.command("demo-orders")
def demo_orders(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 9001,
) -> None:
    """Run an OrderService that remembers what it was told, for demos and tests."""
    from payment_service.demo_orders import run_demo_orders  # noqa: PLC0415 - as above

    raise typer.Exit(run_demo_orders(host, port))


@app.command()
def settings() -> None:
    """Print every setting with the value in force; secrets are hidden."""
    in_force = _settings()
    for name in type(in_force).model_fields:
        typer.echo(f"{name.upper()}={getattr(in_force, name)}")
    for warning in in_force.warnings():
        typer.echo(f"warning: {warning}", err=True)


def _with_store(act: Callable[[Store], Coroutine[Any, Any, None]]) -> None:
    """Do something with the database alone, beside a service that runs, if it is shared."""
    from payment_service.databases import ready_database  # noqa: PLC0415 - as above
    from payment_service.ports import StoreInDoubt, Unavailable  # noqa: PLC0415

    async def opened() -> None:
        async with ready_database(in_force) as store:
            await act(store)

    in_force = _settings()
    try:
        asyncio.run(opened())
    except StoreInDoubt as error:
        raise _in_doubt(error) from error
    except Unavailable as error:
        typer.echo(f"The database cannot be opened: {error}", err=True)
        raise typer.Exit(EXIT_UNUSABLE) from error


app.add_typer(key_commands(_with_store), name="keys")
app.add_typer(notification_commands(_with_store), name="notifications")


def main() -> None:
    """Run the command line."""
    # With it the Stripe library prints what it sends and gets, client secrets included, past every
    # logger. It is read when that library is imported, so it must be gone by then.
    os.environ.pop("STRIPE_LOG", None)
    app()


def _settings() -> Settings:
    try:
        return load_settings(os.environ)
    except InvalidSettings as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(EXIT_UNUSABLE) from error


def _run(command: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run the command in a fast event loop; an Unavailable database or port is said in one line."""
    import structlog  # noqa: PLC0415 - `--help` needs none of it

    from payment_service.listening import StartError  # noqa: PLC0415
    from payment_service.ports import StoreOutdated, Unavailable  # noqa: PLC0415

    in_force = _settings()
    # A terminal is coloured; so is the pipe of somebody who says that a terminal is behind it.
    colours = bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()
    email_key = in_force.log_email_key
    configure_logs(
        in_force.log_level,
        in_force.log_format,
        email_key=email_key.get_secret_value().encode() if email_key else None,
        known_secrets=in_force.secret_values(),
        colours=colours,
        remember=True,
    )
    catch_strays()
    for warning in in_force.warnings():
        structlog.get_logger("settings").warning("settings.doubtful", what=warning)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(command(in_force))
    except (StartError, Unavailable) as error:
        typer.echo(f"payment-service cannot start: {error}", err=True)
        outdated = isinstance(error, StoreOutdated)
        raise typer.Exit(EXIT_OUTDATED if outdated else EXIT_UNUSABLE) from error


def _run_once(command: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run a command that changes something; that nobody knows whether it did is said so."""
    from payment_service.ports import StoreInDoubt  # noqa: PLC0415 - `--help` needs none of it

    async def told(settings: Settings) -> None:
        try:
            await command(settings)
        except StoreInDoubt as error:
            raise _in_doubt(error) from error

    _run(told)


def _in_doubt(error: Exception) -> typer.Exit:
    """Say that it may have been done; return how the command ends."""
    typer.echo(f"It may have been done: {error}. Look before you run it again.", err=True)
    return typer.Exit(EXIT_IN_DOUBT)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop  # noqa: PLC0415 - not on every platform

    return uvloop.new_event_loop


forget_command.add_to(app, _run_once)
copy_command.add_to(app, _settings)
