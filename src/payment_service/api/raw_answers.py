"""Answers as bytes, for a connection to write that has no request to hand to the application."""

from itertools import cycle

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from payment_service.api.answers import Answer, encode
from payment_service.api.presenting import Presenter
from payment_service.api.problems import Overloaded, problem
from payment_service.domain.money import AmountUnit

SHOW = Presenter(AmountUnit.MINOR)
# Those who are refused together must not come back together.
_RETRY_AFTER_S = cycle((1, 3, 2, 4))

# The refusal of which there are most, ready but for its id: whatever it costs, a flood costs often.
_SHED_HEAD = STATUS_LINE[503] + b"content-type: application/json\r\n"
_SHED_BODY = encode(problem(Overloaded(), "", SHOW).body).partition(b'"requestId"')[0]


def shed_answer(request_id: str) -> tuple[bytes, bytes]:
    """Return the head, which lacks its end and the request id, and the body of a refusal."""
    body = b'%s"requestId":"%s"}' % (_SHED_BODY, request_id.encode())
    head = b"%scontent-length: %d\r\nretry-after: %d\r\n" % (
        _SHED_HEAD,
        len(body),
        next(_RETRY_AFTER_S),
    )
    return head, body


def last_answer(answer: Answer) -> bytes:
    """Return the last answer of a connection."""
    body = encode(answer.body)
    lines = [
        STATUS_LINE[answer.status],
        b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body),
        b"x-request-id: %s\r\n" % answer.body["requestId"].encode(),
        *(f"{name}: {value}\r\n".encode() for name, value in answer.headers.items()),
        b"connection: close\r\n\r\n",
        body,
    ]
    return b"".join(lines)
