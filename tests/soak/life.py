"""One soak from its first start to its last answer."""

import asyncio
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from payment_service.adapters.mongo import open_store
from payment_service.storage.collections import COLLECTIONS
from tests.e2e.fleet_evidence import Readable, come_to_rest, gather
from tests.parts.at_stripe import AtStripe
from tests.parts.http import Caller
from tests.parts.processes import free_port
from tests.simulation.auditor import judge
from tests.simulation.auditor_of_later import CANCELED, REFUND_FAILED, REFUNDED
from tests.simulation.evidence import Evidence
from tests.soak.audit import Outside, events_logged, judge_outside, look, updates
from tests.soak.buyers import Buyer
from tests.soak.keeper import Keeper
from tests.soak.measures import Measures
from tests.soak.mishaps import SHORT, Mishaps, Pace
from tests.soak.order_inbox import KINDS, OrderInbox, order_inbox
from tests.soak.scene import Scene, scene

SETTLED_WITHIN_S = 120.0
LATE_S = 10.0
WORDS = frozenset({CANCELED, REFUNDED, REFUND_FAILED})
SAMPLES_MAX = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done. seconds: for how long things are bought and go wrong."""

    seconds: float
    seed: int
    pace: Pace
    mongodb: bool = False
    disk: bool = True
    clock: bool = True
    seats: int = 8


@dataclass
class Outcome:
    """What came of it. counts and measures: rows of the table; hits: by where a fault strikes."""

    plan: Plan
    counts: dict[str, int] = field(default_factory=dict)
    hits: dict[str, dict[str, int]] = field(default_factory=dict)
    measures: list[tuple[str, str]] = field(default_factory=list)
    logged: Counter[str] = field(default_factory=Counter)
    settled_s: float = 0.0
    violations: list[str] = field(default_factory=list)

    @property
    def never_struck(self) -> list[str]:
        """Return the faults that were wanted and never came."""
        return [
            f"{n}: {k}" for n, hits in self.hits.items() for k, count in hits.items() if not count
        ]


async def soak(plan: Plan, evidence: Path) -> Outcome:
    """Live through it and judge. evidence: where to leave what was seen."""
    folder = Path(tempfile.mkdtemp(prefix="payment-soak-"))
    port = free_port()
    try:
        async with order_inbox(random.Random(f"{plan.seed} orders"), port) as inbox:
            opening = scene(
                folder,
                orders_url=inbox.url,
                mongodb=plan.mongodb,
                shimmed=plan.clock or (plan.disk and not plan.mongodb),
                quicker=plan.pace == SHORT,
            )
            running = await asyncio.to_thread(opening.__enter__)
            try:
                return await _Soak(plan, running, inbox, evidence).live()
            finally:
                await asyncio.to_thread(opening.__exit__, None, None, None)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Soak:
    """The soak while it runs."""

    def __init__(self, plan: Plan, running: Scene, inbox: OrderInbox, evidence: Path) -> None:
        self.plan, self.running, self.inbox, self.evidence = plan, running, inbox, evidence
        self.buyers: list[Buyer] = []
        self.broken: list[str] = []
        self.keeper = Keeper(running.replicas)
        database = running.reader.path if running.reader else None
        self.measures = Measures(running.replicas, database)

    async def live(self) -> Outcome:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            self.stripe = AtStripe(http, self.running.sandbox_url)
            self.sandbox = Caller(http, self.running.sandbox_url)
            self.doors = [Caller(http, url) for url in self.running.doors]
            self.orders = Caller(http, self.inbox.url.removesuffix("/order"))
            plan = self.plan
            self.mishaps = Mishaps(
                keeper=self.keeper,
                sandbox=self.sandbox,
                shims=self.running.shims,
                pace=plan.pace,
                seed=plan.seed,
                disk=plan.disk and not plan.mongodb,
                clock=plan.clock,
                # With replicas that stand still it is more than can be borne (TOO_MUCH).
                forgets_keys=not plan.mongodb,
            )
            watching = [asyncio.create_task(one.watch()) for one in (self.keeper, self.measures)]
            try:
                return await self._phases()
            finally:
                for task in watching:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    async def _phases(self) -> Outcome:
        loop = asyncio.get_running_loop()
        end = loop.time() + self.plan.seconds
        async with asyncio.TaskGroup() as tasks:
            for seat in range(self.plan.seats):
                tasks.create_task(self._sit(seat, end))
            tasks.create_task(self.mishaps.happen(end))
        self.inbox.failing = False
        hits = await self._hits()

        began = loop.time()
        store = self._store()
        owed = await come_to_rest(store, self.buyers, within_s=SETTLED_WITHIN_S)
        # What is not at rest by now is a violation already: nobody waits as long for the rest.
        within_s = LATE_S if owed else SETTLED_WITHIN_S
        for buyer in self.buyers:
            await buyer.tidy_up()
        await come_to_rest(store, self.buyers, within_s=within_s)
        # What was acknowledged outlives one more power cut.
        for number in range(len(self.running.replicas)):
            await self.keeper.kill(number, 0.0)
        owed = await come_to_rest(store, self.buyers, within_s=within_s)
        settled_s = loop.time() - began
        outcome = await self._judge(store, [str(one) for one in owed])
        outcome.hits, outcome.settled_s = hits, settled_s
        return outcome

    async def _sit(self, seat: int, end: float) -> None:
        """Let one buyer after the other buy."""
        number = 0
        while asyncio.get_running_loop().time() < end:
            number += 1
            dice = random.Random(f"{self.plan.seed} {seat} {number}")
            buyer = Buyer(seat * 10_000 + number, self.doors, self.stripe, dice)
            self.buyers.append(buyer)
            try:
                await buyer.shop(end)
            except AssertionError as error:
                self.broken.append(f"{buyer.email} could not go on: {error}")

    async def _hits(self) -> dict[str, dict[str, int]]:
        """Return how often each kind of fault struck, those that never did included."""
        at_stripe = (await self.sandbox.ask("GET", "/_sandbox/faults")).body["hits"]
        webhooks = (await self.sandbox.ask("GET", "/_sandbox/webhooks")).body["hits"]
        kinds = self.mishaps.kinds()
        counted = {
            "process": (("kill -9", "SIGSTOP"), self.keeper.hits),
            "stripe": (kinds["stripe"], at_stripe),
            "webhook": (kinds["webhook"], webhooks),
            "orders": (KINDS, self.inbox.hits),
            "disk": (kinds["disk"], self.mishaps.hits),
            "clock": (kinds["clock"], self.mishaps.hits),
        }
        return {
            where: {name: hits.get(name, 0) for name in names}
            for where, (names, hits) in counted.items()
        }

    def _store(self) -> Readable:
        if self.running.mongodb_uri is None:
            assert self.running.reader is not None
            return self.running.reader
        return open_store(self.running.mongodb_uri, COLLECTIONS, pool_max=10, timeout_s=30)

    async def _judge(self, store: Readable, owed: list[str]) -> Outcome:
        outside = await look(self.sandbox, self.doors[0], self.buyers)
        seen = await gather(store, self.stripe, self.orders, self.buyers, at_rest=not owed)
        events = await self.stripe.events()
        inbox = updates(self.inbox.told, outside.intents, events)
        seen = replace(seen, words=WORDS, inbox=inbox)
        self.measures.take()
        outcome = Outcome(self.plan, measures=self.measures.rows())
        outcome.violations = [
            *self.keeper.wrongs,
            *self.broken,
            *judge(seen),
            *judge_outside(outside),
            *(f"4 left to do: {one[:500]}" for one in owed),
            *self._file_faults(),
        ]
        for replica in self.running.replicas:
            outcome.logged += events_logged(replica.log())
        outcome.counts = self._counts(outside, seen, len(events))
        self._leave(outcome, outside, seen)
        return outcome

    def _file_faults(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file."""
        if self.running.reader is None:
            return []
        found = [line for (line,) in self.running.reader.rows("PRAGMA integrity_check")]
        return [] if found == ["ok"] else [f"the file is damaged: {found}"]

    def _counts(self, outside: Outside, seen: Evidence, events: int) -> dict[str, int]:
        told = Counter(answer.word for talk in seen.told for answer in talk.answers)
        return {
            "orders": len(outside.shown),
            "PaymentIntents": len(outside.intents),
            "paid": sum(bool(one["amount_received"]) for one in outside.intents),
            "refunds": len(outside.refunds),
            "disputes": len(outside.disputes),
            "events": events,
            "updates taken by the OrderService": len(seen.inbox),
            "answers to buyers": told.total(),
            "of those 202 processing": told["processing"],
            "of those 503 or 429": told["away"],
            "of those lost": told["lost"],
            **self.keeper.exits,
        }

    def _leave(self, outcome: Outcome, outside: Outside, seen: Evidence) -> None:
        """Leave what was seen, for whoever looks into a violation or a line of the log."""
        folder = self.evidence
        folder.mkdir(parents=True, exist_ok=True)
        told = {b.email: [asdict(talk) for talk in b.told] for b in self.buyers}
        pages: dict[str, Any] = {
            "violations": outcome.violations,
            "ledger": seen.ledger,
            "intents": outside.intents,
            "refunds": outside.refunds,
            "shown": {order: heard.body for order, heard in outside.shown.items()},
            "told": told,
            "inbox": self.inbox.told,
        }
        for name, page in pages.items():
            (folder / f"{name}.json").write_text(json.dumps(page, indent=1, default=str))
        for replica in self.running.replicas:
            shutil.copy(replica.log_path, folder)
        if self.running.reader is not None:
            path = self.running.reader.path
            for file in path.parent.glob(f"{path.name}*"):
                if file.is_file():  # the socket beside it cannot be copied
                    shutil.copy(file, folder)


def as_table(outcome: Outcome) -> str:
    """Return the table for people."""
    plan = outcome.plan
    rows = [(name, str(count)) for name, count in outcome.counts.items()]
    rows += [("settled within", f"{outcome.settled_s:.1f} s"), *outcome.measures]
    for where, hits in outcome.hits.items():
        rows += [(f"{where}: {name}", str(count)) for name, count in hits.items()]
    rows += [(f"log: {event}", str(count)) for event, count in outcome.logged.most_common()]
    rows += [("violations", str(len(outcome.violations))), ("seed", str(plan.seed))]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)


def complaints(violations: Sequence[str]) -> str:
    """Return the violations as lines, not more of them than anybody reads."""
    lines = list(violations[:SAMPLES_MAX])
    if len(violations) > SAMPLES_MAX:
        lines.append(f"... and {len(violations) - SAMPLES_MAX} more")
    return "\n".join(lines)
