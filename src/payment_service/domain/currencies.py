"""What Stripe takes in each currency: decimals, smallest step, least and most in one charge.

It is a table and one look-up; it knows nothing of requests, rates or settlement. Source: Stripe's
documentation on currencies (presentment currencies, zero-decimal currencies, special cases, minimum
and maximum charge amounts), https://docs.stripe.com/currencies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from payment_service.domain.errors import FieldError, InvalidRequest


@dataclass(frozen=True, slots=True)
class Currency:
    """How Stripe wants amounts of one currency. All amounts are in its minor unit, as on the wire.

    code: lower case ISO 4217, as Stripe writes it.
    decimals: how many decimals the minor unit is worth (2: one hundredth, 0: the unit itself).
    minimum_minor: the least of one charge by Stripe's table, else one step. Stripe applies its
        minimum in the settlement currency after conversion, so it may still refuse more than this.
    maximum_minor: the most of one charge or refund.
    step_minor: every amount is a multiple of this.
    """

    code: str
    decimals: int
    minimum_minor: int
    maximum_minor: int
    step_minor: int


# Stripe's presentment currencies. A code is never taken out again, for stored payments need theirs
# to be read; if Stripe has stopped taking one (ang and bgn are being retired), Stripe says so.
_CODES: Final = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq
    gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd
    lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk
    php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top
    try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xcg xof xpf yer zar zmw
"""

# UGX is in Stripe's printed list of these too, but is sent with two decimals (see _STEPS_MINOR).
_ZERO_DECIMAL: Final = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMAL: Final = "bhd jod kwd omr tnd"

# ISK and UGX have no decimals but are sent as if they had two: 5 ISK is 500. The last digit of the
# three-decimal ones must be 0. HUF and TWD are not here: only their payouts are multiples of 100.
_STEPS_MINOR: Final = {
    "isk": 100,
    "ugx": 100,
    "bhd": 10,
    "jod": 10,
    "kwd": 10,
    "omr": 10,
    "tnd": 10,
}

# Stripe's table gives these in major units: 0.50 USD, 175 HUF, 50 JPY.
_MINIMUMS_MINOR: Final = {
    "aed": 2_00,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 15_00,
    "dkk": 2_50,
    "eur": 50,
    "gbp": 30,
    "hkd": 4_00,
    "huf": 175_00,
    "inr": 50,
    "jpy": 50,
    "mxn": 10_00,
    "myr": 2_00,
    "nok": 3_00,
    "nzd": 50,
    "pln": 2_00,
    "ron": 2_00,
    "sek": 3_00,
    "sgd": 50,
    "thb": 10_00,
    "usd": 50,
}

# How many digits the amount may have on the wire.
_DIGITS_MAX: Final = 8
_DIGITS_MAX_OF: Final = {"cop": 10, "huf": 10, "idr": 12, "inr": 9, "jpy": 10, "lbp": 11}


def _decimals(code: str) -> int:
    if code in _ZERO_DECIMAL.split():
        return 0
    return 3 if code in _THREE_DECIMAL.split() else 2


def _currency(code: str) -> Currency:
    step_minor = _STEPS_MINOR.get(code, 1)
    return Currency(
        code=code,
        decimals=_decimals(code),
        minimum_minor=_MINIMUMS_MINOR.get(code, step_minor),
        maximum_minor=10 ** _DIGITS_MAX_OF.get(code, _DIGITS_MAX) - 1,
        step_minor=step_minor,
    )


CURRENCIES: Final[Mapping[str, Currency]] = MappingProxyType(
    {code: _currency(code) for code in _CODES.split()}
)


def find_currency(code: object) -> Currency:
    """Find the currency a request names, in small or capital letters. A default is the caller's.

    Raises InvalidRequest `currency_not_supported` for anything else, also for null.
    """
    # Only ASCII is lowered: the Kelvin sign would become a k.
    if isinstance(code, str) and code.isascii():
        currency = CURRENCIES.get(code.lower())
        if currency is not None:
            return currency
    text = 'must be the three-letter code of a currency that Stripe charges in, such as "usd"'
    raise InvalidRequest(
        FieldError("currency", text), message=f"currency {text}", code="currency_not_supported"
    )
