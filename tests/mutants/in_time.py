"""Mistakes about time: whose clock is believed, and whether a request may still leave."""

from tests.mutants.mutant import Mutant

CLOCK = "tests/contract/test_disciplined_clock.py"
LEAVING = "tests/contract/test_leaving.py"
LOOKS = "tests/contract/test_stripe_looks.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "the machine's clock is believed, whatever Stripe's answers say",
        "adapters/disciplined_clock.py",
        "self._offset_s = min(max(self._offset_s, earliest), latest)",
        "self._offset_s = received.apart_s",
        (CLOCK,),
    ),
    Mutant(
        "a claim is judged by the clock that did not count a sleep",
        "adapters/disciplined_clock.py",
        "max(at.monotonic_s + self._offset_s, at.wall_s - self._ahead_s)",
        "min(at.monotonic_s + self._offset_s, at.wall_s - self._ahead_s)",
        (CLOCK,),
    ),
    Mutant(
        "Stripe's time counts as known before Stripe has answered",
        "adapters/disciplined_clock.py",
        "return self._is_confirmed and abs(",
        "return abs(",
        (CLOCK,),
    ),
    Mutant(
        "Stripe's time counts as known though one of the machine's clocks was set",
        "adapters/disciplined_clock.py",
        "return self._is_confirmed and abs(self.mark().apart_s - self._apart_s) <= APART_MAX_S",
        "return self._is_confirmed",
        (CLOCK,),
    ),
    Mutant(
        "an answer during which the machine stood still says the time",
        "adapters/disciplined_clock.py",
        "            return  # one of the clocks was set meanwhile",
        "            pass  # one of the clocks was set meanwhile",
        (CLOCK,),
    ),
    Mutant(
        "the date of a proxy's page is taken for Stripe's",
        "adapters/stripe/dates.py",
        'if not headers or not headers.get("Request-Id"):',
        "if not headers:",
        (LEAVING,),
    ),
    Mutant(
        "a request leaves though its claim lapsed while it waited",
        "adapters/stripe/leaving.py",
        "    if leave_while is not None and not leave_while():\n",
        "    if False:\n",
        (LEAVING,),
    ),
    Mutant(
        "whether a request may leave is not asked when its connection is there",
        "adapters/stripe/leaving.py",
        "        check_leaving()\n\n    trace",
        "        pass\n\n    trace",
        (LEAVING,),
    ),
    Mutant(
        "a request that was held back is told as doubt",
        "adapters/stripe/gateway.py",
        "            return NotExecuted(LAPSED)\n",
        "            return NoNews(LAPSED)\n",
        (LEAVING,),
    ),
    Mutant(
        "the wait for a turn does not count against the time limit",
        "adapters/stripe/gateway.py",
        "async with asyncio.timeout_at(over_at):",
        "async with asyncio.timeout(limit_s):",
        (LEAVING,),
    ),
    Mutant(
        "a customer's payments are looked for in a window of our clock",
        "adapters/stripe/looks.py",
        "return await self._match_intent(step, whose, pages_max=CUSTOMER_PAGES_MAX)",
        "return await self._match_intent(step, whose | _window(step, WINDOW_MARGIN))",
        (LOOKS,),
    ),
    Mutant(
        "something is decided before it is known what time it is at Stripe",
        "flows/stripe_time.py",
        "    if world.clock.is_known():\n        return\n",
        "    if world.clock:\n        return\n",
        ("tests/flows/test_stripe_time.py",),
    ),
)
