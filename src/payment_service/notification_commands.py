"""`payment-service notifications`: what the OrderService was not told, and telling it again."""

import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import typer

from payment_service.domain.notice import Notice, wire_state
from payment_service.domain.payment import Payment
from payment_service.flows.every import every
from payment_service.flows.retry_notification import retry_stored
from payment_service.operators import By, Reason, who_acts
from payment_service.ports import Store
from payment_service.storage.collections import PAYMENTS

_AGE = re.compile(r"([1-9][0-9]{0,4})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

# Where notifications of a state may be: a payment is filed under what needs most care.
_FILED_UNDER = {
    "dead": ("dead",),
    "pending": ("pending", "dead"),
    "delivered": ("delivered", "pending", "dead"),
}

Run = Callable[[Callable[[Store], Coroutine[Any, Any, None]]], None]
State = Literal["pending", "delivered", "dead"]
StateOption = Annotated[State, typer.Option(help="How the OrderService stands with them.")]
Code = Annotated[
    str, typer.Option(help="Only those whose last try failed like this, such as http_404.")
]
Since = Annotated[
    str,
    typer.Option(help="Only those owed since: an age such as 30m, 2h, 3d, or an ISO 8601 time."),
]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which notifications a command is about."""

    state: State
    code: str
    since: datetime | None

    async def found(self, store: Store) -> AsyncIterator[tuple[Payment, Notice]]:
        """Yield them, those of the newest payments first."""
        for filed in _FILED_UNDER[self.state]:
            async for payment in every(store, PAYMENTS, {"notification": filed}):
                for notice in self._of(payment):
                    yield payment, notice

    def _of(self, payment: Payment) -> Iterator[Notice]:
        for notice in payment.notices:
            is_old = self.since is not None and notice.call.begun_at < self.since
            is_other = self.code and notice.failure != self.code
            if wire_state(notice) == self.state and not is_old and not is_other:
                yield notice


def notification_commands(run: Run) -> typer.Typer:
    """Return the commands. run: does something with the opened database, and says if it cannot."""
    app = typer.Typer(no_args_is_help=True, help="Notifications of the OrderService.")
    _add_list(app, run)
    _add_retry(app, run)
    return app


def _add_list(app: typer.Typer, run: Run) -> None:
    @app.command("list")
    def list_all(state: StateOption = "pending", code: Code = "", since: Since = "") -> None:
        """List notifications: of which order, how they stand, and why the last try failed."""
        wanted = _Wanted(state, code, _moment(since))

        async def show(store: Store) -> None:
            async for payment, notice in wanted.found(store):
                typer.echo("\t".join(_columns(payment, notice)))

        typer.echo("order\tkey\tstatus\tstate\ttries\tfailure\towed since\tnext try", err=True)
        run(show)


def _add_retry(app: typer.Typer, run: Run) -> None:
    @app.command()
    def retry(
        state: Annotated[
            Literal["dead", "pending"], typer.Option(help="How they stand now.")
        ] = "dead",
        code: Code = "",
        since: Since = "",
        by: By = "",
        reason: Reason = "",
        *,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Only say which would be sent again.")
        ] = False,
    ) -> None:
        """Send notifications again: the service tries them within seconds, for three days."""
        wanted = _Wanted(state, code, _moment(since))

        async def send(store: Store) -> None:
            count = skipped = 0
            who = who_acts(by)
            async for payment, notice in wanted.found(store):
                key = notice.call.key
                why_not = await retry_stored(
                    store, payment, key, _now(), who=who, why=reason, rehearse=dry_run
                )
                if why_not is None:
                    count += 1
                    typer.echo("\t".join(_columns(payment, notice)))
                else:
                    skipped += 1
                    typer.echo(f"{payment.id}\t{key}\tskipped: {why_not}", err=True)
            does = "would be sent again" if dry_run else "will be sent again"
            typer.echo(f"{count} notifications {does}, {skipped} skipped.", err=True)

        run(send)


def _columns(payment: Payment, notice: Notice) -> list[str]:
    call = notice.call
    next_try = call.due_at.isoformat(timespec="seconds") if wire_state(notice) == "pending" else "-"
    return [
        payment.id,
        call.key,
        notice.status,
        wire_state(notice),
        str(call.tries),
        notice.failure or "-",
        call.begun_at.isoformat(timespec="seconds"),
        next_try,
    ]


def _moment(text: str) -> datetime | None:
    """Return since when, None for ever."""
    if not text:
        return None
    if age := _AGE.fullmatch(text):
        return _now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        words = f"{text!r} is no age such as 2h, and no ISO 8601 time"
        raise typer.BadParameter(words) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
