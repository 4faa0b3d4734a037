"""What a write and a read of the SQLite store cost: CPU of the whole process, threads included.

    python -m bench.store [payments] [folder]

The folder decides what a commit costs; a memory file system shows the CPU alone.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from payment_service.adapters.sqlite import SqliteStore, open_store
from payment_service.domain.moment import Door, Moment, Policy
from payment_service.domain.payment import Order, Payment, State, Terms, noted
from payment_service.domain.wishes import open_payment
from payment_service.records import to_json
from payment_service.storage.collections import COLLECTIONS, PAYMENTS

Work = Callable[[Payment], Awaitable[object]]


def payments(count: int) -> list[Payment]:
    """Return payments as they are written ahead, a millisecond apart."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = []
    for number in range(count):
        terms = Terms(1999, "eur", f"cus_{uuid4().hex[:14]}", metadata={"order": str(number)})
        order = Order(uuid4().hex, terms, "pm_1", "req_1")
        moment = Moment(start + timedelta(milliseconds=number), Door.REQUEST, Policy())
        made.append(open_payment(order, uuid4().hex, moment))
    return made


def settled(payment: Payment) -> Payment:
    """Return the payment with its news, as the second write has it."""
    done = replace(
        payment,
        version=payment.version + 1,
        attempt=None,
        status=State.SUCCEEDED,
        intent_id=f"pi_{payment.uid}",
        charge_id=f"ch_{payment.uid}",
        received_minor=payment.terms.amount_minor,
    )
    return noted(
        done, "payment.succeeded", Moment(payment.created_at, Door.REQUEST, Policy()), "req_2"
    )


async def measure(name: str, docs: list[Payment], work: Work, *, at_once: int) -> None:
    """Print CPU and rate of the work, with so many callers that each wait for their answer."""
    waiting = iter(docs)

    async def caller() -> None:
        for doc in waiting:
            await work(doc)

    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(
        f"{name:<18} c={at_once:<4} {1000 * cpu / len(docs):.4f} CPU ms  {len(docs) / wall:8.0f}/s"
    )


async def run(store: SqliteStore, count: int, at_once: int) -> None:
    """Measure one store at one concurrency."""
    first = payments(count)
    second = [settled(p) for p in first]
    third = [replace(p, version=p.version + 1) for p in second]
    ways: list[tuple[str, list[Payment], Work]] = [
        ("insert", first, lambda p: store.insert(PAYMENTS, p)),
        ("replace", second, lambda p: store.replace(PAYMENTS, p, expected_version=p.version - 1)),
        ("replace, same keys", third, lambda p: store.replace(PAYMENTS, p, expected_version=1)),
        ("get", first, lambda p: store.get(PAYMENTS, p.id)),
        ("find_one", first, lambda p: store.find_one(PAYMENTS, "intent_id", f"pi_{p.uid}")),
    ]
    for name, docs, work in ways:
        await measure(name, docs, work, at_once=at_once)


async def main(count: int, folder: str | None) -> None:
    """Measure the store in a file and in memory."""
    print(f"{count} payments of {len(to_json(settled(payments(1)[0])))} bytes")
    for at_once in (1, 16, 200):
        with tempfile.TemporaryDirectory(dir=folder) as made:
            store = open_store(str(Path(made) / "bench.db"), COLLECTIONS)
            await store.ensure_schema()
            await run(store, count, at_once)
            await store.close()
    print("in memory")
    store = open_store(":memory:", COLLECTIONS)
    await store.ensure_schema()
    await run(store, count, 16)
    await store.close()


if __name__ == "__main__":
    asyncio.run(
        main(
            int(sys.argv[1]) if len(sys.argv) > 1 else 5000,
            sys.argv[2] if len(sys.argv) > 2 else None,
        )
    )
