"""Names of fields: what was sent under another name is understood, or refused by name.

A field that is not known is ignored, for real clients send some. But a name that is one slip away
from a known one is no such field: `amout` in a refund would give everything back. Nor is one of
Stripe's own parameters that says whom to charge, how or how much, and that this service does not
take.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from payment_service.api.stripe_parameters import STRIPES, TOLERATED
from payment_service.domain.errors import FieldError, InvalidRequest

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
    }
)
# Longer than every name that is meant; a name that is longer is a slip for none.
NAME_MAX: Final = 40
# A name as short as this is one slip from too many honest words: only its spelling counts.
SHORT_MAX: Final = 4
# More unknown names than any client has a reason to send; each is compared with all known ones.
UNKNOWN_MAX: Final = 64


def renamed(kind: type[BaseModel], sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the fields by our requests' names, where they go by those of our answers.

    What a client without types sends for a text or a truth is taken for what it means.
    Raises InvalidRequest: one is there under two names, with two values.
    """
    known = known_names(kind)
    sent = _loosened(sent)
    others = {name: _meant(name, known) for name in sent.keys() & _OF_ANSWERS.keys() - known}
    others = {name: meant for name, meant in others.items() if meant is not None}
    if not others:
        return sent
    fields = {name: value for name, value in sent.items() if name not in others}
    names = {name: name for name in fields}
    for name, meant in sorted(others.items()):
        assert meant is not None
        if meant in fields and fields[meant] != sent[name]:
            told = "says something else than {}, which is the same field"
            first = names[meant]
            raise InvalidRequest(
                FieldError(name, told.format(first)), FieldError(first, told.format(name))
            )
        fields[meant] = sent[name]
        names.setdefault(meant, name)
    return fields


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
    unknown = [name for name in sent if name not in known_names(kind)]
    if len(unknown) > UNKNOWN_MAX:
        yield FieldError("body", f"has more than {UNKNOWN_MAX} fields that are not known")
        return
    for name in unknown:
        folded = folded_name(name)
        if len(name) > NAME_MAX or folded in TOLERATED:
            continue
        meant = _nearly(kind, folded)
        if meant is None and _may_be_the_amount(kind, folded):
            meant = "amount"
        if meant is not None:
            yield FieldError(name, f"is not known; {meant} is meant, it seems")
        elif folded in STRIPES:
            yield FieldError(name, "is Stripe's and is not taken here: leave it out")


def misplaced(kind: type[BaseModel], query: Iterable[str]) -> list[FieldError]:
    """Return an error for every name in a query that is, or nearly is, a field of the body."""
    names = list(query)
    known = known_names(kind) | {name for name in _OF_ANSWERS if _meant(name, known_names(kind))}
    wrong = {bad.field for bad in slips(kind, names)} | (known & set(names))
    return [FieldError(name, "belongs in the body") for name in names if name in wrong]


def strangers(kind: type[BaseModel], sent: Iterable[str]) -> list[FieldError]:
    """Return an error for every name that is not known, for where none is ignored."""
    told = {bad.field: bad for bad in slips(kind, sent)}
    names = [name for name in sent if name not in known_names(kind)]
    return [told.get(name, FieldError(name[:NAME_MAX], "is not known")) for name in names]


@cache
def known_names(kind: type[BaseModel]) -> frozenset[str]:
    """Return the names of a request's fields on the wire."""
    return frozenset(field.alias or name for name, field in kind.model_fields.items())


def folded_name(name: str) -> str:
    """Return a name without what another style of writing would change."""
    return name.casefold().replace("_", "").replace("-", "").replace(" ", "")


def _may_be_the_amount(kind: type[BaseModel], folded: str) -> bool:
    """Whether a name speaks of an amount where leaving `amount` out means all that is there."""
    amount = kind.model_fields.get("amount")
    is_optional = amount is not None and not amount.is_required()
    return is_optional and ("amount" in folded or "amt" in folded)


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
