"""Fetches what an identity provider publishes, within bounds, whatever answers there."""

import aiohttp

# The provider answers from a cache of its own; requests wait for this, if they must.
FETCH_S = 5.0
# A hundred keys of 4096 bits with their certificates; real lists have a few kilobytes.
BYTES_MAX = 512 * 1024


class CannotFetch(Exception):
    """Nothing usable came; the reason is for the log."""


class Fetching:
    """GETs one address. Its connection belongs to the loop of the first call."""

    def __init__(self, url: str, *, timeout_s: float = FETCH_S) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self) -> bytes:
        """Return the body of a 200. Raises CannotFetch."""
        try:
            # A redirect would let the address be chosen by whoever answers.
            async with self._connected().get(self._url, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise CannotFetch(f"http_{answer.status}")
                body = b""
                async for chunk in answer.content.iter_chunked(64 * 1024):
                    body += chunk
                    if len(body) > BYTES_MAX:
                        raise CannotFetch("too_large")
                return body
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise CannotFetch(type(error).__name__) from error

    async def close(self) -> None:
        """Let go of the connection."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=1),
                timeout=aiohttp.ClientTimeout(total=self._timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Else a small answer could unpack to more than the bound before we see it.
                auto_decompress=False,
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            )
        return self._session
