"""Tokens for the OrderService by OAuth 2.0 client credentials (RFC 6749, 4.4), fetched and kept.

Knows nothing of the OrderService itself, and never says more of a failure than its kind.
"""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from urllib.parse import quote_plus

import aiohttp
import msgspec
import structlog

from payment_service.domain.news import NoNews

# A token and what is said of it: some identity providers' tokens are several kilobytes long.
ANSWER_BYTES_MAX = 64 * 1024
# RFC 6749 leaves `expires_in` out at will. The shortest life that is common is a minute, and a
# request a minute is nothing; a token that lived less long is refused, and dropped for that.
LIFE_UNTOLD_S = 60.0
# However long a token may live, a client that was closed or given other rights shows in a day.
LIFE_MAX_S = 86_400.0
# A token must outlive its request on the way; of a short life at least half is used.
EARLY_S = 30.0
# While the token endpoint fails, each notice would ask it: a client that is refused that often is
# locked out by some. A notice's own first back-off is as long.
FAILURE_HELD_S = 1.0

# What RFC 6749 (5.2) may call the reason. Anything else in an answer is prose that may repeat what
# was sent.
_REASONS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    }
)
# RFC 6750's alphabet; anything else cannot travel in the header.
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Client:
    """Who we are at the token endpoint, and what for. scope: empty asks for the client's own."""

    token_url: str
    id: str
    secret: str = field(repr=False)
    scope: str = ""


class _Answer(msgspec.Struct):
    access_token: str = ""
    token_type: str = "bearer"  # noqa: S105 - a kind of token, by RFC 6749
    expires_in: float | str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Held:
    """What the last fetch brought, until when it holds."""

    news: str | NoNews
    until: float


class ClientTokens:
    """Keeps the promise of `client.Tokens`, in the loop of its first use.

    timeout_s: for one fetch. now: seconds that only go forward.
    """

    def __init__(
        self, client: Client, *, timeout_s: float, now: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._now = now
        self._held: _Held | None = None
        self._fetching: asyncio.Task[str | NoNews] | None = None

    async def token(self) -> str | NoNews:
        """Return a token that is good for now; all who come while one is fetched wait for it."""
        if self._held is not None and self._now() < self._held.until:
            return self._held.news
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        return await asyncio.shield(self._fetching)

    def drop(self, token: str) -> None:
        """Never give this token out again."""
        if self._held is not None and self._held.news == token:
            self._held = None

    async def close(self) -> None:
        """Let go of a fetch under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait({self._fetching})

    async def _fetch(self) -> str | NoNews:
        began = perf_counter()
        try:
            status, answer = await self._ask()
        except (aiohttp.ClientError, OSError) as error:
            reason = "timeout" if isinstance(error, TimeoutError) else type(error).__name__
            news: str | NoNews = NoNews(f"token_{reason}")
            life_s = FAILURE_HELD_S
            _log.warning("token.unanswered", reason=reason, **_took(began))
        else:
            news, life_s = _heard(status, answer)
            if isinstance(news, NoNews):
                error_code = answer.error if answer.error in _REASONS else None
                _log.warning(
                    "token.refused",
                    reason=news.reason,
                    http_status=status,
                    code=error_code,
                    **_took(began),
                )
            else:
                _log.info("token.fetched", held_s=life_s, **_took(began))
        finally:
            self._fetching = None
        self._held = _Held(news, self._now() + life_s)
        return news

    async def _ask(self) -> tuple[int, _Answer]:
        form = {"grant_type": "client_credentials"}
        if self._client.scope:
            form["scope"] = self._client.scope
        headers = {
            "Authorization": _basic(self._client.id, self._client.secret),
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # what is compressed has no bound that we can see
        }
        # A fetch is rare: a connection kept open for the next one would be closed by then.
        async with (
            aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            ) as session,
            session.post(
                self._client.token_url, data=form, headers=headers, allow_redirects=False
            ) as answer,
        ):
            return answer.status, await _read(answer)


async def _read(answer: aiohttp.ClientResponse) -> _Answer:
    body = b""
    while chunk := await answer.content.read(ANSWER_BYTES_MAX):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            return _Answer()
    try:
        return msgspec.json.decode(body, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Answer()


def _heard(status: int, answer: _Answer) -> tuple[str | NoNews, float]:
    """Return what the answer means, and for how many seconds."""
    if not 200 <= status < 300:
        return NoNews(f"token_http_{status}"), FAILURE_HELD_S
    if not _BEARER.fullmatch(answer.access_token):
        return NoNews("token_unreadable"), FAILURE_HELD_S
    if answer.token_type.lower() != "bearer":
        return NoNews("token_not_bearer"), FAILURE_HELD_S
    life_s = _life_s(answer.expires_in)
    return answer.access_token, life_s - min(EARLY_S, life_s / 2)


def _life_s(told: float | str | None) -> float:
    """Return how long a token lives. Some providers write the number as a string."""
    try:
        life_s = float(told if told is not None else LIFE_UNTOLD_S)
    except ValueError:
        return LIFE_UNTOLD_S
    return min(life_s, LIFE_MAX_S) if life_s > 0 else 0.0


def _basic(id: str, secret: str) -> str:
    """Return the header; RFC 6749 (2.3.1) has id and secret form-encoded before they are joined."""
    pair = f"{quote_plus(id)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _took(began: float) -> dict[str, float]:
    return {"duration_ms": round((perf_counter() - began) * 1000, 1)}
