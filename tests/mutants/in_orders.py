"""Mistakes in the adapter of the OrderService: what is told, and what its answer means."""

from tests.mutants.mutant import Mutant

ORDERS = "tests/contract/test_orders.py"
TOKEN = "tests/contract/test_orders_token.py"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "an update does not say which notice it is",
        "adapters/orders_http.py",
        'headers = {"Content-Type": "application/json", "Idempotency-Key": step.key}',
        'headers = {"Content-Type": "application/json"}',
        (ORDERS,),
    ),
    Mutant(
        "a redirect of the OrderService is taken for told",
        "adapters/orders_http.py",
        "if 200 <= http_status < 300:",
        "if 200 <= http_status < 400:",
        (ORDERS,),
    ),
    Mutant(
        "a refusal for too many updates is final",
        "adapters/orders_http.py",
        "frozenset({408, 409, 425, 429})",
        "frozenset({408, 409, 425})",
        (ORDERS,),
    ),
    Mutant(
        "an error of the OrderService is final",
        "adapters/orders_http.py",
        "final = 400 <= http_status < 500 and http_status not in _PASSING",
        "final = 400 <= http_status < 600 and http_status not in _PASSING",
        (ORDERS,),
    ),
    Mutant(
        "silence of the OrderService is taken for told",
        "adapters/orders_http.py",
        "news = NoNews(reason=_why_unanswered(error))",
        "news = OrderTold()",
        (ORDERS,),
    ),
    Mutant(
        "a refused token is used again",
        "adapters/orders_http.py",
        "                self._tokens.drop(token)\n",
        "                pass\n",
        (TOKEN,),
    ),
    Mutant(
        "a token that may not do this is used again",
        "adapters/orders_http.py",
        "_TOKEN_REFUSED = frozenset({401, 403})",
        "_TOKEN_REFUSED = frozenset({401})",
        (TOKEN,),
    ),
    Mutant(
        "an update has its whole time again after a slow token",
        "adapters/orders_http.py",
        "left_s = max(self._timeout_s - (perf_counter() - began), LEFT_S_MIN)",
        "left_s = self._timeout_s",
        (TOKEN,),
    ),
    Mutant(
        "the caller's token goes before our own",
        "adapters/orders_http.py",
        "token = await self._own_token() or bearer_token",
        "token = bearer_token or await self._own_token()",
        (ORDERS, TOKEN),
    ),
)
