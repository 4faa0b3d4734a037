"""Same key, same request, same answer: claims of idempotency keys and the answers kept for them."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import structlog

from payment_service.api.answers import REPLAYED, Answer, encode
from payment_service.api.client_secrets import secret_intent, setup_with_secret
from payment_service.api.incoming import Incoming
from payment_service.api.own_answers import is_anothers
from payment_service.api.presenting import SECRET_FIELDS, secret_fields
from payment_service.domain.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from payment_service.domain.stored_request import StoredRequest
from payment_service.flows.world import World
from payment_service.ports import AlreadyExists, StoreUnavailable, VersionConflict
from payment_service.storage.collections import REQUESTS

_log = structlog.get_logger("idempotency")

KEYS_LIVE_FOR = timedelta(hours=24)
# A request ends by its response deadline; what is claimed for longer than this died.
CLAIM_MARGIN_S = 10.0
# Each lost race means that another request won, so this many in a row is not contention.
LOST_RACES_MAX = 20
# The first request is most likely over by then.
IN_USE_RETRY_S = 1

# Definite answers. Invalid requests, troubles and unknown outcomes may be asked anew.
_KEPT = frozenset({402, 404, 409})

_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def key_id(caller: str, key: str) -> str:
    """Return the identity of a caller's key: nobody can guess another's, or read the key in it."""
    return hashlib.sha256(f"{caller}\n{key}".encode()).hexdigest()


def derived_id(prefix: str, seed: str) -> str:
    """Return an id that is the same for the same seed."""
    digest = hashlib.sha256(seed.encode()).digest()
    return f"{prefix}_{base64.b32encode(digest).decode().lower()[:26]}"


async def idempotently(
    world: World,
    call: Incoming,
    *,
    deadline_s: float,
    act: Callable[[], Awaitable[Answer]],
) -> Answer:
    """Return the answer of `act`, or the one that was given to this request before.

    An end user whose customer has become somebody else's is answered as if there were no key.
    Raises IdempotencyKeyReused, IdempotencyKeyInUse, Unavailable, and what `act` raises.
    """
    assert call.key is not None
    request = _request(world, call, deadline_s)
    with _running(world, request):
        return await _once(world, call, request, act)


@contextmanager
def _running(world: World, request: StoredRequest) -> Iterator[None]:
    """Count who in this process has to do with a key."""
    world.keys_in_use[request.id] += 1
    try:
        yield
    finally:
        world.keys_in_use[request.id] -= 1
        if not world.keys_in_use[request.id]:
            del world.keys_in_use[request.id]


async def _once(
    world: World, call: Incoming, request: StoredRequest, act: Callable[[], Awaitable[Answer]]
) -> Answer:
    kept = await _claim(world, request)
    if kept.status_code is not None:
        assert kept.body is not None
        told = _decoder.decode(kept.body["json"])
        if await is_anothers(world, call, told):
            return await act()
        return await _replayed(world, kept, told)
    try:
        answer = await act()
    except (Exception, asyncio.CancelledError):  # not GeneratorExit, at which nobody may wait
        await _let_go(world, kept)
        raise
    if _is_definite(answer.status):
        await _keep(world, kept, answer)
    else:
        await _let_go(world, kept)
    return answer


def _request(world: World, call: Incoming, deadline_s: float) -> StoredRequest:
    now = world.clock.now()
    asked = [call.method, call.route, call.path, call.query, call.body]
    # msgspec would not write the numbers of 20 digits that a body may hold.
    text = json.dumps(asked, sort_keys=True, default=str)
    return StoredRequest(
        id=key_id(call.caller.name, call.key or ""),
        version=0,
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        created_at=now,
        claimed_until=now + timedelta(seconds=deadline_s + CLAIM_MARGIN_S),
        expires_at=now + KEYS_LIVE_FOR,
    )


def _is_definite(status: int) -> bool:
    return (status < 300 and status != 202) or status in _KEPT


async def _claim(world: World, request: StoredRequest) -> StoredRequest:
    """Return our claim, or the finished request of before."""
    for _ in range(LOST_RACES_MAX):
        try:
            await world.store.insert(REQUESTS, request)
        except AlreadyExists:
            pass
        else:
            return request
        known = await world.store.get(REQUESTS, request.id)
        if known is None:  # the one before has let go of it
            continue
        if known.expires_at > request.created_at:
            _check(world, known, request)
            if known.status_code is not None:
                return known
        taken = replace(request, version=known.version + 1)
        try:
            await world.store.replace(REQUESTS, taken, expected_version=known.version)
        except VersionConflict:
            continue
        return taken
    raise StoreUnavailable(f"lost {LOST_RACES_MAX} races for one idempotency key")


def _check(world: World, known: StoredRequest, request: StoredRequest) -> None:
    if known.fingerprint != request.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request.")
    # On a store that serves one process, a claim of which nobody here knows is a dead process's.
    is_alive = not world.store.exclusive or world.keys_in_use[request.id] > 1
    if known.status_code is None and is_alive and known.claimed_until > request.created_at:
        raise IdempotencyKeyInUse(
            "The first request with this Idempotency-Key is still running.",
            retry_after_s=IN_USE_RETRY_S,
        )


async def _keep(world: World, claim: StoredRequest, answer: Answer) -> None:
    body = dict(answer.body)
    if answer.secret_of is not None:
        body["data"] = {
            name: value for name, value in body["data"].items() if name not in SECRET_FIELDS
        }
    # As text, for the store would write a Decimal as a string.
    finished = replace(
        claim,
        version=claim.version + 1,
        status_code=answer.status,
        body={"json": encode(body).decode()},
        secret_of=answer.secret_of,
        subject=answer.subject,
    )
    try:
        await world.store.replace(REQUESTS, finished, expected_version=claim.version)
    except (VersionConflict, StoreUnavailable) as error:
        # The answer is true all the same; asked again, what was done is found by its own identity.
        _log.warning("request.answer_not_kept", reason=type(error).__name__)


async def _let_go(world: World, claim: StoredRequest) -> None:
    try:
        await world.store.remove(REQUESTS, claim.id, expected_version=claim.version)
    except (VersionConflict, StoreUnavailable) as error:
        # The claim lapses by itself.
        _log.warning("request.claim_not_removed", reason=type(error).__name__)


async def _replayed(world: World, kept: StoredRequest, body: dict[str, Any]) -> Answer:
    assert kept.status_code is not None
    if kept.secret_of is not None:
        body["data"].update(await _secret_of(world, body["data"], kept.secret_of))
    return Answer(kept.status_code, body, {REPLAYED: "true"})


async def _secret_of(world: World, data: dict[str, Any], intent_id: str) -> dict[str, Any]:
    if "setup_intent_id" in data:
        setup = await setup_with_secret(world, intent_id)
        return {"client_secret": setup.client_secret}
    return secret_fields(await secret_intent(world, data["orderId"], intent_id))
