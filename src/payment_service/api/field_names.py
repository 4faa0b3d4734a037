"""Names of fields: what was sent under another name is understood, or refused by name.

A field that is not known is ignored, for real clients send some. But a name that is one slip away
from a known one is no such field: `amout` in a refund would give everything back. Nor is one of
Stripe's own parameters that says whom to charge, how or how much, and that this service does not
take.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from payment_service.api.stripe_parameters import STRIPES, TOLERATED
from payment_service.domain.errors import FieldError

# Names in our answers that go by another one in our requests; a caller may send back what it read.
_OF_ANSWERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "payment_method": ("paymentMethodId",),
        "payment_method_id": ("paymentMethodId",),
        "payment_intent": ("paymentIntentId",),
        "payment_intent_id": ("paymentIntentId",),
        "capture_method": ("captureMethod",),
        "cancellation_reason": ("reason",),
        "cardholder_name": ("cardholderName",),
        "card_last4": ("last4",),
        "card_brand": ("cardType",),
        "expiry_date": ("expiryDate",),
        "is_default": ("isDefault",),
        # Of no answer: other names that a shop may give it.
        "order_proof": ("orderProof",),
        "order_token": ("orderProof",),
        "orderToken": ("orderProof",),
    }
)
# Longer than every name that is meant, when it is folded; a longer one is a slip for none.
NAME_MAX: Final = 40
# Longer than any client's field. What is longer is refused: no name is too long to be looked at.
LENGTH_MAX: Final = 100
# A field name is the caller's text: enough of it to find it.
SHOWN_MAX: Final = 60
# A name as short as this is one slip from too many honest words: only its spelling counts.
SHORT_MAX: Final = 4
# More unknown names than any client has a reason to send; each is compared with all known ones.
UNKNOWN_MAX: Final = 64
# As many names inside unknown fields, each in one of them, are looked at for an amount.
INNER_MAX: Final = 128
# What says how much, where it is not at the top of the body.
_MONEY: Final = frozenset({"amount", "currency", "expectedRefundable"})
_NO_LETTERS: Final = re.compile(r"[\W_]+")
# The caller's own, where it is taken and where it is not.
_OWN: Final = "metadata"


def renamed(kind: type[BaseModel], sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields by our requests' names, where they go by those of our answers.

    What a client without types sends for a text or a truth is taken for what it means.
    """
    sent = _loosened(sent)
    others = _of_answers(kind, sent)
    fields = {name: value for name, value in sent.items() if name not in others}
    for name, meant in others.items():
        fields.setdefault(meant, sent[name])
    return fields


def twice_named(kind: type[BaseModel], sent: Mapping[str, Any]) -> Iterator[FieldError]:
    """Give an error for both names of a field that is there under two names, with two values."""
    sent = _loosened(sent)
    told = "says something else than {}, which is the same field"
    first: dict[str, str] = {}
    for name, meant in _of_answers(kind, sent).items():
        other = meant if meant in sent else first.setdefault(meant, name)
        if sent[other] != sent[name]:
            yield FieldError(name, told.format(other))
            yield FieldError(other, told.format(name))


def _of_answers(kind: type[BaseModel], sent: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the names there that are our answers', in order, and the fields that they mean."""
    known = known_names(kind)
    names = sorted(sent.keys() & _OF_ANSWERS.keys() - known)
    meant = {name: _meant(name, known) for name in names}
    return {name: field for name, field in meant.items() if field is not None}


def _loosened(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields as they are meant by clients that have no types, or send empty texts."""
    loose = {name: value for name, value in sent.items() if name in _LOOSE}
    if not loose:
        return sent
    meant = {name: _LOOSE[name](value) for name, value in loose.items()}
    fields = {**sent, **meant}
    return {name: value for name, value in fields.items() if not (name in _BLANK and value == "")}


def _text(value: object) -> object:
    is_number = type(value) is int and 0 <= value < NUMBER_MAX
    return str(value) if is_number else value


def _truth(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _same(value: object) -> object:
    return value


# Optional texts: an empty one is none.
_BLANK: Final = frozenset({"description", "name", "reason", "returnUrl"})
# A number that is an order's id; more digits than these are no number that anybody counts with.
NUMBER_MAX: Final = 10**18
_LOOSE: Final[Mapping[str, Callable[[object], object]]] = MappingProxyType(
    {
        **dict.fromkeys(("orderId", "last4"), _text),
        **dict.fromkeys(("isDefault", "confirm", "offSession"), _truth),
        **dict.fromkeys(_BLANK, _same),
    }
)


def _meant(name: str, known: frozenset[str]) -> str | None:
    return next((meant for meant in _OF_ANSWERS[name] if meant in known), None)


def slips(kind: type[BaseModel], sent: Iterable[str]) -> Iterator[FieldError]:
    """Give an error for every name that is nearly a known one, or that moves money at Stripe."""
    return _judged(kind, sent, None)


def strangers(kind: type[BaseModel], sent: Iterable[str]) -> Iterator[FieldError]:
    """Give an error for every name that is not known, for where none is ignored."""
    return _judged(kind, sent, "is not known")


def _judged(
    kind: type[BaseModel], sent: Iterable[str], otherwise: str | None
) -> Iterator[FieldError]:
    """Give an error for every unknown name that is none of the caller's own; or say `otherwise`."""
    unknown = _unknown(kind, sent)
    if len(unknown) > UNKNOWN_MAX:
        yield FieldError("body", f"has more than {UNKNOWN_MAX} fields that are not known")
        return
    for name in unknown:
        told = _wrong_with(kind, name) or otherwise
        if told is not None:
            yield FieldError(name[:SHOWN_MAX], told)


def _unknown(kind: type[BaseModel], sent: Iterable[str]) -> list[str]:
    known = known_names(kind)
    return [name for name in sent if name not in known]


def _wrong_with(kind: type[BaseModel], name: str) -> str | None:
    """Return what is wrong with a name that is not known; None when it means nothing here."""
    if len(name) > LENGTH_MAX:
        return f"is longer than {LENGTH_MAX} characters"
    folded = folded_name(name)
    if folded in TOLERATED:
        return None
    meant = _field_meant(kind, folded)
    if meant is not None:
        return f"is not known; {meant} is meant, it seems"
    return "is Stripe's and is not taken here: leave it out" if folded in STRIPES else None


def misplaced(kind: type[BaseModel], query: Iterable[str]) -> Iterator[FieldError]:
    """Give an error for every name in a query that is, or nearly is, a field of the body."""
    known = known_names(kind)
    for name in query:
        is_field = name in known or (name in _OF_ANSWERS and _meant(name, known) is not None)
        told = "belongs in the body" if is_field else _wrong_with(kind, name)
        if told is not None:
            yield FieldError(name[:SHOWN_MAX], told)


def inner_amounts(kind: type[BaseModel], sent: Mapping[str, Any]) -> Iterator[FieldError]:
    """Give an error for every amount in an object under a name that is not known.

    Only where leaving `amount` out means all that is there.
    """
    if not _means_all(kind):
        return
    unknown = _unknown(kind, sent)
    if len(unknown) > UNKNOWN_MAX:
        return  # which is said of the names themselves
    looked_into = [name for name in unknown if folded_name(name) != _OWN]
    pairs = dict.fromkeys((name, inner) for name in looked_into for inner in _names_in(sent[name]))
    if len(pairs) > INNER_MAX:
        many = f"has more than {INNER_MAX} fields inside fields that are not known"
        yield FieldError("body", many)
        return
    for name, inner in pairs:
        told = _wrong_inside(kind, inner)
        if told is not None:
            yield FieldError(f"{name[:SHOWN_MAX]}.{inner[:SHOWN_MAX]}", told)


def _names_in(value: object) -> Iterator[str]:
    """Give the names in an object, or in the objects of a list, no deeper."""
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            yield from item


def _wrong_inside(kind: type[BaseModel], name: str) -> str | None:
    if len(name) > LENGTH_MAX:
        return f"is longer than {LENGTH_MAX} characters"
    meant = _field_meant(kind, folded_name(name))
    return f"is not looked at there; {meant} belongs at the top" if meant in _MONEY else None


@cache
def known_names(kind: type[BaseModel]) -> frozenset[str]:
    """Return the names of a request's fields on the wire."""
    return frozenset(field.alias or name for name, field in kind.model_fields.items())


def folded_name(name: str) -> str:
    """Return a name without what another style of writing would change: its letters and digits.

    Full-width letters are plain ones, and accents and what cannot be seen are none. Of more than
    LENGTH_MAX characters the first.
    """
    plain = name[:LENGTH_MAX]
    if not plain.isascii():
        # An accented letter becomes three characters at most; a few ornaments become eighteen.
        plain = unicodedata.normalize("NFKD", plain)[: 4 * LENGTH_MAX]
    return _NO_LETTERS.sub("", plain.casefold())


def _field_meant(kind: type[BaseModel], folded: str) -> str | None:
    """Return the field that a name which is not known may be meant for."""
    near = _nearly(kind, folded) if len(folded) <= NAME_MAX else None
    speaks_of_amount = "amount" in folded or "amt" in folded
    return "amount" if near is None and speaks_of_amount and _means_all(kind) else near


def _means_all(kind: type[BaseModel]) -> bool:
    """Whether leaving `amount` out means all that is there."""
    amount = kind.model_fields.get("amount")
    return amount is not None and not amount.is_required()


@cache
def _spellings(kind: type[BaseModel]) -> Mapping[str, Mapping[str, str]]:
    """Return what is left of each spelling without one letter, and of all of it.

    Each leads to the spellings that it may be, and those to the fields that they mean: the known
    names, and those of our answers.
    """
    known = known_names(kind)
    meant = {folded_name(name): _meant(name, known) for name in _OF_ANSWERS}
    meant |= {folded_name(name): name for name in known}
    found: dict[str, dict[str, str]] = {}
    for spelling, name in sorted((one, name) for one, name in meant.items() if name is not None):
        for rest in (spelling, *(_shorter(spelling) if len(spelling) > SHORT_MAX else ())):
            found.setdefault(rest, {})[spelling] = name
    return found


def _shorter(name: str) -> Iterator[str]:
    return (name[:at] + name[at + 1 :] for at in range(len(name)))


def _nearly(kind: type[BaseModel], folded: str) -> str | None:
    """Return the field whose spelling is this one but for one letter more, less, other, swapped."""
    near = _spellings(kind)
    for candidate in (folded, *_shorter(folded)):
        for spelling, name in near.get(candidate, {}).items():
            if _is_one_slip(folded, spelling):
                return name
    return None


def _is_one_slip(one: str, other: str) -> bool:
    if one == other:
        return True
    if len(other) <= SHORT_MAX or abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True  # one letter more at the end
    if len(one) != len(other):
        longer, shorter = (one, other) if len(one) > len(other) else (other, one)
        return longer[start + 1 :] == shorter[start:]
    swapped = other[:start] + other[start : start + 2][::-1] + other[start + 2 :]
    return one == swapped or one[start + 1 :] == other[start + 1 :]
