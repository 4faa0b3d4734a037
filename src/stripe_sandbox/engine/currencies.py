"""Currencies: which there are, their decimals, the least and the most that can be charged."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine.errors import invalid

_ZERO = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE = "bhd jod kwd omr tnd"
ZERO_DECIMAL: Final = frozenset(_ZERO.split())
THREE_DECIMAL: Final = frozenset(_THREE.split())
# Least amounts in the smallest unit, as docs.stripe.com/currencies prints them.
MINIMUM: Final = {
    "aed": 200,
    "aud": 50,
    "brl": 50,
    "cad": 50,
    "chf": 50,
    "czk": 1500,
    "dkk": 250,
    "eur": 50,
    "gbp": 30,
    "hkd": 400,
    "huf": 17500,
    "inr": 50,
    "jpy": 50,
    "mxn": 1000,
    "myr": 200,
    "nok": 300,
    "nzd": 50,
    "pln": 200,
    "ron": 200,
    "sek": 300,
    "sgd": 50,
    "thb": 1000,
    "usd": 50,
}
# The most digits an amount may have, where it is not eight.
_DIGITS_MAX: Final = {"idr": 12, "inr": 9, "jpy": 10, "huf": 10, "cop": 10, "lbp": 11}
_SYMBOLS: Final = {
    "usd": "$",
    "aud": "A$",
    "cad": "CA$",
    "eur": "€",
    "gbp": "£",
    "jpy": "¥",
    "inr": "₹",
}
_OTHERS = (
    "afn all amd ang aoa ars awg azn bam bbd bdt bgn bmd bnd bob bsd bwp byn bzd cdf cny cop "
    "crc cve dop dzd egp etb fjd fkp gel gip gmd gtq gyd hnl htg idr ils isk jmd kes kgs khr "
    "kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mzn nad ngn nio npr pab "
    "pen pgk php pkr qar rsd rub sar sbd scr shp sle sos srd std szl tjs top try ttd twd tzs "
    "uah ugx uyu uzs wst xcd yer zar zmw"
)
SUPPORTED: Final = ZERO_DECIMAL | THREE_DECIMAL | MINIMUM.keys() | frozenset(_OTHERS.split())


def check_currency(currency: str) -> None:
    """Refuse what is no currency."""
    if currency.lower() not in SUPPORTED:
        raise invalid(
            f"Invalid currency: {currency}. Stripe currently supports these currencies: "
            f"{', '.join(sorted(SUPPORTED))}",
            param="currency",
        )


def check_amount(amount: int, currency: str, *, minimum: bool) -> None:
    """Refuse an amount that cannot be charged."""
    if amount < 1:
        raise invalid(
            "The amount must be greater than or equal to the minimum charge amount allowed for "
            "your account and the currency set "
            "(https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts).  If you "
            "want to save a Payment Method for future use without an immediate payment, use a "
            "Setup Intent instead: https://docs.stripe.com/payments/setup-intents",
            param="amount",
            code="parameter_invalid_integer",
        )
    if minimum and amount < MINIMUM.get(currency, 1):
        raise invalid(
            f"Amount must be at least {money(MINIMUM[currency], currency)} {currency}",
            param="amount",
            code="amount_too_small",
        )
    most = 10 ** _DIGITS_MAX.get(currency, 8) - 1
    if amount > most:
        raise invalid(
            f"Amount must be no more than {money(most, currency)} {currency}",
            param="amount",
            code="amount_too_large",
        )
    if currency in THREE_DECIMAL and amount % 10:
        raise invalid(
            f"Invalid amount: the last digit of an amount in {currency} must be 0.",
            param="amount",
        )


def money(amount: int, currency: str) -> str:
    """Write an amount the way error messages do, such as $30.00."""
    decimals = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return f"{_SYMBOLS.get(currency, '')}{amount / 10**decimals:,.{decimals}f}"
