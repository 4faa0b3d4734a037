"""The page of the bank, where the holder of a card completes or fails 3D Secure by hand.

It stands alone: no script, no asset, two plain buttons. Asked again, or too late, it says how
things stand.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from aiohttp import web

from stripe_sandbox.engine.by_hand import Challenge
from stripe_sandbox.engine.currencies import money
from stripe_sandbox.engine.errors import ApiError

if TYPE_CHECKING:
    from stripe_sandbox.http import Sandbox

PREFIX: Final = "/_sandbox/3ds/"
_WAITING: Final = "requires_action"
_GONE_WELL: Final = ("succeeded", "requires_capture", "requires_confirmation")
_STANDINGS: Final = {
    "succeeded": "It is done: your bank has agreed.",
    "requires_capture": "It is done: your bank has agreed and holds the money.",
    "requires_confirmation": "Your bank has agreed. The shop has to confirm.",
    "requires_payment_method": "It was not completed. The shop can ask you for another card.",
    "processing": "It is being worked on.",
    "canceled": "The shop has cancelled this. There is nothing to do.",
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    # With none at all a browser would not even tell ourselves who posts the form.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; display: grid; min-height: 100vh; place-items: center; }
main { width: min(24rem, 100% - 2rem); padding: 1.5rem; border: 1px solid; border-radius: .5rem; }
h1 { font-size: 1.25rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dd { margin: 0; text-align: right; }
form { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; min-height: 2.75rem; font: inherit; cursor: pointer; }
small { display: block; margin-top: 1.5rem; }
"""


async def answer(sandbox: Sandbox, request: web.BaseRequest) -> web.Response:
    """Show the page, or take what was pressed on it."""
    intent_id = request.path.removeprefix(PREFIX)
    challenge = sandbox.engine.challenge(intent_id, now=sandbox.now())
    if challenge is None:
        return _page(404, "Not found", f"<p>There is nothing called {escape(intent_id)}.</p>")
    if request.method == "GET":
        return _shown(challenge)
    if request.method != "POST":
        return _page(405, "Not possible", "<p>This page can be read and its buttons pressed.</p>")
    pressed = parse_qs((await request.read()).decode(errors="replace")).get("outcome", [""])[0]
    if pressed not in ("complete", "fail"):
        return _page(400, "Not understood", "<p>The outcome is complete or fail.</p>")
    if challenge.status != _WAITING:
        return _shown(challenge)
    try:
        sandbox.engine.authenticate(intent_id, passed=pressed == "complete", now=sandbox.now())
    except ApiError as error:
        return _page(400, "Not possible", f"<p>{escape(str(error))}</p>")
    after = sandbox.engine.challenge(intent_id, now=sandbox.now())
    assert after is not None
    if after.return_url is None:
        return _shown(after)
    return web.Response(status=303, headers={**_HEADERS, "Location": _way_back(after)})


def _shown(challenge: Challenge) -> web.Response:
    """Show what is to be decided or, when that is over, how it went."""
    if challenge.status == _WAITING:
        return _page(200, "Confirm with your bank", _facts(challenge) + _buttons())
    standing = _STANDINGS.get(challenge.status, "There is nothing to do here.")
    link = ""
    if challenge.return_url is not None:
        link = f'<p><a href="{escape(_way_back(challenge))}">Back to the shop</a></p>'
    body = f'{_facts(challenge)}<p role="status">{escape(standing)}</p>{link}'
    return _page(200, "Confirm with your bank", body)


def _facts(challenge: Challenge) -> str:
    facts = [("Merchant", challenge.merchant)]
    if challenge.amount is not None and challenge.currency is not None:
        amount = money(challenge.amount, challenge.currency)
        facts.append(("Amount", f"{amount} {challenge.currency.upper()}"))
    else:
        facts.append(("Purpose", "To keep the card for later"))
    if challenge.last4 is not None:
        facts.append(("Card", f"ending in {challenge.last4}"))
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    return f"<dl>{rows}</dl>"


def _buttons() -> str:
    # Without an action a form is posted to the page it stands on.
    return (
        '<form method="post">'
        '<button name="outcome" value="complete">Complete</button>'
        '<button name="outcome" value="fail">Fail</button>'
        "</form>"
    )


def _way_back(challenge: Challenge) -> str:
    """Return the shop's own URL with what Stripe adds to it."""
    assert challenge.return_url is not None
    parts = urlsplit(challenge.return_url)
    waits = "pending" if challenge.status in (_WAITING, "processing") else "failed"
    query = [
        *parse_qsl(parts.query, keep_blank_values=True),
        (challenge.kind, challenge.id),
        (f"{challenge.kind}_client_secret", challenge.client_secret),
        ("redirect_status", "succeeded" if challenge.status in _GONE_WELL else waits),
    ]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _page(status: int, title: str, body: str) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}"
        "<small>A page of the Stripe sandbox. No money moves.</small></main></body></html>"
    )
    return web.Response(status=status, text=text, content_type="text/html", headers=_HEADERS)
