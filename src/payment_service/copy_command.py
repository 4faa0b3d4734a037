"""`payment-service copy`: move a shop from one database to another, and verify that it arrived."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payment_service.flows.copy_shop import Comparison, Progressed, compare_shops, copy_shop
from payment_service.ports import Store, StoreUnavailable
from payment_service.settings import Settings
from payment_service.storage.collections import COLLECTIONS

# The target is not what the source is.
EXIT_DIFFERENT = 1
EXIT_UNUSABLE = 2
# What the settings name, so that no password need stand in a command.
FROM_SETTINGS = "sqlite:SQLITE_PATH", "mongodb:MONGODB_URI"

Read = Callable[[], Settings]


def add_to(app: typer.Typer, settings: Read) -> None:
    """Add the command. settings: reads them, and says which are wrong."""

    @app.command()
    def copy(
        source: Annotated[
            str, typer.Option("--from", help="sqlite:PATH or mongodb://…")
        ] = FROM_SETTINGS[0],
        target: Annotated[
            str, typer.Option("--to", help="mongodb://… or sqlite:PATH")
        ] = FROM_SETTINGS[1],
    ) -> None:
        """Copy every document, then compare both databases. Stop the service before.

        Run it again after it was cut off: what is there already is passed over.
        """
        in_force = settings()
        if source == target:
            raise typer.BadParameter("--from and --to are the same")
        try:
            found = asyncio.run(_copy(in_force, source, target))
        except (StoreUnavailable, ValueError) as error:
            typer.echo(f"Not copied: {error}", err=True)
            raise typer.Exit(EXIT_UNUSABLE) from error
        _tell(found)
        if not found.is_same:
            raise typer.Exit(EXIT_DIFFERENT)


async def _copy(settings: Settings, source: str, target: str) -> Comparison:
    async with AsyncExitStack() as opened:
        ours = await _opened(opened, settings, source)
        theirs = await _opened(opened, settings, target)
        await theirs.ensure_schema()
        with _shown("copying") as progress:
            copied = await copy_shop(ours, theirs, COLLECTIONS, _now(), progress)
        typer.echo(f"{copied} documents copied; comparing both databases.", err=True)
        with _shown("comparing") as progress:
            return await compare_shops(ours, theirs, COLLECTIONS, _now(), progress)


async def _opened(opened: AsyncExitStack, settings: Settings, address: str) -> Store:
    from payment_service.databases import open_database_at  # noqa: PLC0415 - as in `cli`

    if address == FROM_SETTINGS[0]:
        address = f"sqlite:{settings.sqlite_path}"
    elif address == FROM_SETTINGS[1]:
        if settings.mongodb_uri is None:
            raise StoreUnavailable("MONGODB_URI is not set; set it, or say where with --to")
        address = settings.mongodb_uri.get_secret_value()
    store = open_database_at(settings, address)
    opened.push_async_callback(store.close)
    return store


@contextmanager
def _shown(what: str) -> Iterator[Progressed]:
    """Show how far it is, one line for each collection."""
    columns = (TextColumn("{task.description:>26}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, TimeElapsedColumn(), console=console) as bars:
        tasks = {c.name: bars.add_task(f"{what} {c.name}", total=None) for c in COLLECTIONS}

        def progressed(name: str, done: int, *, is_all: bool) -> None:
            bars.update(tasks[name], completed=done, total=done if is_all else None)

        yield progressed


def _tell(found: Comparison) -> None:
    for name in (collection.name for collection in COLLECTIONS):
        counts = found.source.documents[name], found.target.documents[name]
        typer.echo(f"{name}\t{counts[0]} here\t{counts[1]} there")
    for currency in sorted({*found.source.received_minor, *found.target.received_minor}):
        for word, ours, theirs in (
            ("received", found.source.received_minor, found.target.received_minor),
            ("refunded", found.source.refunded_minor, found.target.refunded_minor),
        ):
            sums = ours[currency], theirs[currency]
            typer.echo(f"{currency} {word} (minor units)\t{sums[0]} here\t{sums[1]} there")
    for difference in found.differences:
        typer.echo(f"different: {difference}", err=True)
    typer.echo("Both are the same." if found.is_same else "They are NOT the same.")


def _now() -> datetime:
    return datetime.now(UTC)
