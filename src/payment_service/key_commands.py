"""`payment-service keys`: make, list and revoke API keys. The secret of a key is shown once."""

import base64
import re
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from payment_service.api.caller import Scope
from payment_service.domain.api_key import new_api_key, written
from payment_service.domain.errors import InvalidRequest, NotFound
from payment_service.flows.keep_api_key import create_api_key, list_api_keys, revoke_api_key
from payment_service.operators import By, Reason, who_acts
from payment_service.ports import Store

# 80 bits tell keys apart for ever; 256 are what nobody guesses.
ID_BYTES, SECRET_BYTES = 10, 32
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])")
_UNITS = {"h": "hours", "d": "days"}

Run = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]


def key_commands(run: Run) -> typer.Typer:
    """Return the commands. run: does something with the opened database, and says if it cannot."""
    app = typer.Typer(no_args_is_help=True, help="API keys of callers.")
    for add in (_add_create, _add_list, _add_revoke):
        add(app, run)
    return app


def _add_create(app: typer.Typer, run: Run) -> None:
    @app.command()
    def create(
        name: Annotated[str, typer.Option(help="Who will use it, for people.")],
        scopes: Annotated[str, typer.Option(help=f"With commas: {', '.join(Scope)}.")],
        expires_in: Annotated[
            str | None, typer.Option(help="Such as 90d or 12h; left out: until it is revoked.")
        ] = None,
        by: By = "",
        reason: Reason = "",
    ) -> None:
        """Make a key and show it, this once. Each scope includes those before it."""
        granted, lives_for = _scopes(scopes), _span(expires_in)
        key_id, secret = _random(ID_BYTES), _random(SECRET_BYTES)

        async def make(store: Store) -> None:
            try:
                key = new_api_key(
                    key_id, secret, name=name, scopes=granted, now=_now(), lives_for=lives_for
                )
            except InvalidRequest as error:
                raise typer.BadParameter(str(error)) from error
            await create_api_key(store, key, who=who_acts(by), why=reason)
            typer.echo(written(key_id, secret))
            typer.echo("Keep it now: only a hash of it is kept here.", err=True)

        run(make)


def _add_list(app: typer.Typer, run: Run) -> None:
    @app.command("list")
    def list_all() -> None:
        """List all keys, the newest first, without their secrets."""

        async def show(store: Store) -> None:
            for key in await list_api_keys(store):
                columns = [
                    *(key.id, key.state(_now()), ",".join(key.scopes), _moment(key.created_at)),
                    *(_moment(key.expires_at), _moment(key.used_at), key.name),
                ]
                typer.echo("\t".join(columns))

        typer.echo("id\tstate\tscopes\tcreated\texpires\tlast used\tname", err=True)
        run(show)


def _add_revoke(app: typer.Typer, run: Run) -> None:
    @app.command()
    def revoke(
        id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
        by: By = "",
        reason: Reason = "",
    ) -> None:
        """Take a key's power away, for ever; every replica refuses it within seconds."""

        async def take_away(store: Store) -> None:
            try:
                key = await revoke_api_key(store, id, _now(), who=who_acts(by), why=reason)
            except NotFound as error:
                typer.echo(error.message, err=True)
                raise typer.Exit(1) from error
            typer.echo(f"{key.id} ({key.name}) is revoked.")

        run(take_away)


def _random(size: int) -> str:
    return base64.b32encode(secrets.token_bytes(size)).decode().rstrip("=").lower()


def _scopes(text: str) -> tuple[str, ...]:
    named = [name.strip() for name in text.split(",")]
    unknown = [name for name in named if name not in list(Scope)]
    if unknown:
        raise typer.BadParameter(f"there is no scope {unknown[0]!r}; choose {', '.join(Scope)}")
    return tuple(scope.value for scope in Scope if scope in named)


def _span(text: str | None) -> timedelta | None:
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time such as 90d or 12h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="minutes") if moment is not None else "-"
