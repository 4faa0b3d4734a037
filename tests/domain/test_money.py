"""Amounts: what is read, what is refused and why, and that nothing is lost on the way."""

from collections.abc import Callable
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.domain.currencies import CURRENCIES, Currency, find_currency
from payment_service.domain.errors import FieldError, InvalidRequest
from payment_service.domain.money import (
    AmountUnit,
    Money,
    format_amount,
    parse_amount,
    parse_refund_amount,
)
from tests.parts.growth import processor_s

MINOR, MAJOR = AmountUnit.MINOR, AmountUnit.MAJOR
USD, JPY, KWD, ISK, HUF = (CURRENCIES[code] for code in ("usd", "jpy", "kwd", "isk", "huf"))


USD_EXAMPLE = "for usd: cents; 65.22 dollars is 6522"


def refusal(value: object, currency: Currency, unit: AmountUnit) -> tuple[str, str]:
    """Return the code and message a charge is refused with."""
    with pytest.raises(InvalidRequest) as refused:
        parse_amount(value, currency, unit)
    assert [bad.field for bad in refused.value.fields] == ["amount"]
    return refused.value.reason_code, refused.value.message


def refusal_code(value: object, currency: Currency, unit: AmountUnit) -> str:
    return refusal(value, currency, unit)[0]


@st.composite
def charges(draw: st.DrawFn) -> Money:
    """Any amount that can be charged, in any currency."""
    currency = draw(st.sampled_from(list(CURRENCIES.values())))
    step = currency.step_minor
    steps = draw(st.integers(-(-currency.minimum_minor // step), currency.maximum_minor // step))
    return Money(steps * step, currency.code)


amounts_minor = st.integers(0, 10**15)


# Reading and writing


@given(charges(), st.sampled_from(AmountUnit))
def test_what_is_written_is_read_back_the_same_in_every_currency_and_unit(
    money: Money, unit: AmountUnit
) -> None:
    written = format_amount(money, unit)

    assert type(written) is (int if unit is MINOR else Decimal)
    assert parse_amount(written, CURRENCIES[money.currency], unit) == money


@given(charges())
def test_a_major_amount_survives_json_text_and_a_careless_decimal_context(money: Money) -> None:
    currency = CURRENCIES[money.currency]

    with localcontext() as context:
        context.prec = 1
        written = format_amount(money, MAJOR)
        read = parse_amount(Decimal(str(written)), currency, MAJOR)

    assert read == money
    assert Decimal(written) * 10**currency.decimals == money.amount_minor


@pytest.mark.parametrize(
    ("value", "code", "amount_minor"),
    [
        (Decimal("65.22"), "usd", 6522),  # 65.22 * 100 is 6521.999999999999 in floating point
        (Decimal("1.15"), "usd", 115),
        (Decimal("0.29") + 1, "usd", 129),
        (65, "usd", 6500),
        (Decimal("65.2200"), "usd", 6522),
        (Decimal("1E+2"), "usd", 10000),
        (Decimal(500), "jpy", 500),  # 50000 would be the refund of 100 times too much
        (Decimal("500.0"), "jpy", 500),
        (5, "isk", 500),
        (500, "jpy", 500),  # a whole number is in major units, too
        (5, "kwd", 5000),
        (Decimal("5000.00"), "ugx", 500000),
        (Decimal("5.12"), "kwd", 5120),  # 512 would be a tenth
        (Decimal("5.120"), "kwd", 5120),
        (Decimal("175.5"), "huf", 17550),
        (Decimal("100.55"), "twd", 10055),
        (Decimal("9999999999.99"), "idr", 999999999999),
    ],
)
def test_major_units_become_exactly_these_minor_units(
    value: object, code: str, amount_minor: int
) -> None:
    assert parse_amount(value, CURRENCIES[code], MAJOR) == Money(amount_minor, code)


@pytest.mark.parametrize(
    ("money", "major"),
    [
        (Money(6520, "usd"), "65.20"),
        (Money(5, "usd"), "0.05"),
        (Money(500, "jpy"), "500"),
        (Money(500, "isk"), "5.00"),
        (Money(5120, "kwd"), "5.120"),
        (Money(0, "usd"), "0.00"),
    ],
)
def test_major_units_are_written_with_all_decimals_of_the_currency(
    money: Money, major: str
) -> None:
    assert str(format_amount(money, MAJOR)) == major
    assert format_amount(money, MINOR) == money.amount_minor


# Refusing


@pytest.mark.parametrize(
    "value",
    [Decimal("65.22"), Decimal("65.00"), 65.0, 65.22, "65", "6522", "", True, None, [65], {}],
)
def test_only_an_integer_is_minor_units_and_nothing_is_guessed(value: object) -> None:
    assert refusal(value, USD, MINOR) == (
        "amount_not_integer",
        f"amount must be an integer in the currency's minor unit ({USD_EXAMPLE})",
    )


@pytest.mark.parametrize(
    ("currency", "example"),
    [
        (JPY, "for jpy: 65 JPY is 65"),
        (KWD, "for kwd: 65.220 KWD is 65220"),
        (ISK, "for isk: 65.00 ISK is 6500"),
        (HUF, "for huf: 65.22 HUF is 6522"),
    ],
)
def test_the_message_says_what_to_send_in_the_currency_that_was_meant(
    currency: Currency, example: str
) -> None:
    assert example in refusal("65", currency, MINOR)[1]


@given(st.sampled_from(list(CURRENCIES.values())))
def test_the_example_in_the_message_could_be_sent(currency: Currency) -> None:
    example = refusal(None, currency, MINOR)[1].rsplit(" ", 1)[1].rstrip(")")

    assert parse_refund_amount(int(example), currency, MINOR) == Money(int(example), currency.code)


@pytest.mark.parametrize(
    "value",
    ["65.22", "65", True, None, 65.22, [], Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")],
)
def test_only_a_finite_decimal_is_major_units(value: object) -> None:
    assert refusal(value, USD, MAJOR) == (
        "amount_not_decimal",
        "amount must be a number in the currency's major unit (for usd: 65.22)",
    )


@pytest.mark.parametrize(
    ("value", "code", "message"),
    [
        ("65.221", "usd", "amount must have 2 decimals at most: usd has no smaller unit"),
        ("65.5", "jpy", "amount must have no decimals at most: jpy has no smaller unit"),
        ("1.0001", "kwd", "amount must have 3 decimals at most: kwd has no smaller unit"),
        ("1E-31", "usd", "amount must have 2 decimals at most: usd has no smaller unit"),
    ],
)
def test_more_decimals_than_the_currency_has_are_refused_and_not_rounded(
    value: str, code: str, message: str
) -> None:
    assert refusal(Decimal(value), CURRENCIES[code], MAJOR) == ("amount_too_precise", message)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("1E+999999999999999999", "amount_too_large"),
        ("-1E+999999999999999999", "amount_not_positive"),
        ("0E+999999999999999999", "amount_not_positive"),
        ("1E-999999999999999999", "amount_too_precise"),
        ("1." + "0" * 100_000, "amount_too_precise"),
        ("9" * 100_000, "amount_too_large"),
    ],
)
def test_a_number_made_to_exhaust_memory_is_refused_at_once(value: str, code: str) -> None:
    codes: list[str | None] = []

    spent_s = processor_s(lambda: codes.append(refusal_code(Decimal(value), USD, MAJOR)))

    assert codes == [code]
    assert spent_s < 1


@pytest.mark.parametrize("unit", AmountUnit)
@pytest.mark.parametrize("value", [0, -1, -(10**30)])
def test_zero_is_refused_as_zero_and_less_than_zero_too(value: int, unit: AmountUnit) -> None:
    assert refusal(value, USD, unit) == ("amount_not_positive", "amount must be more than 0")


@pytest.mark.parametrize("value", ["0", "0.00", "-0.00", "-65.22"])
def test_a_decimal_zero_is_refused_as_zero(value: str) -> None:
    assert refusal_code(Decimal(value), USD, MAJOR) == "amount_not_positive"


@pytest.mark.parametrize(
    ("code", "invalid", "valid", "step"),
    [
        ("isk", 550, 500, "100"),  # 5.50 ISK: there is no such coin
        ("ugx", 250050, 250000, "100"),
        ("kwd", 5123, 5120, "10"),
        ("tnd", 1001, 1000, "10"),
    ],
)
def test_an_amount_between_the_steps_of_its_currency_is_refused(
    code: str, invalid: int, valid: int, step: str
) -> None:
    assert refusal(invalid, CURRENCIES[code], MINOR) == (
        "amount_invalid_for_currency",
        f"amount must be a multiple of {step} in {code}",
    )
    assert parse_amount(valid, CURRENCIES[code], MINOR) == Money(valid, code)


def test_the_step_is_named_in_the_unit_of_the_caller() -> None:
    assert refusal(Decimal("5.50"), ISK, MAJOR)[1] == "amount must be a multiple of 1.00 in isk"


def test_payouts_alone_need_whole_forints_and_taiwan_dollars() -> None:
    assert parse_amount(17550, HUF, MINOR) == Money(17550, "huf")
    assert parse_amount(10055, CURRENCIES["twd"], MINOR) == Money(10055, "twd")


@pytest.mark.parametrize(
    ("code", "least_minor"),
    [("usd", 50), ("gbp", 30), ("jpy", 50), ("huf", 17500), ("czk", 1500), ("dkk", 250)],
)
def test_less_than_stripes_minimum_is_refused_for_a_charge_but_not_for_a_refund(
    code: str, least_minor: int
) -> None:
    currency = CURRENCIES[code]

    assert refusal(least_minor - 1, currency, MINOR) == (
        "amount_too_small",
        f"amount must be at least {least_minor} in {code}",
    )
    assert parse_amount(least_minor, currency, MINOR) == Money(least_minor, code)
    assert parse_refund_amount(1, currency, MINOR) == Money(1, code)


def test_the_minimum_is_named_in_the_unit_of_the_caller() -> None:
    assert refusal(Decimal("0.49"), USD, MAJOR)[1] == "amount must be at least 0.50 in usd"


@pytest.mark.parametrize("parse", [parse_amount, parse_refund_amount])
@pytest.mark.parametrize(
    ("code", "digits"),
    [("usd", 8), ("inr", 9), ("jpy", 10), ("huf", 10), ("cop", 10), ("lbp", 11), ("idr", 12)],
)
def test_an_amount_may_have_as_many_digits_as_stripe_takes(
    parse: Callable[[object, Currency, AmountUnit], Money], code: str, digits: int
) -> None:
    most = int("9" * digits)

    assert parse(most, CURRENCIES[code], MINOR) == Money(most, code)
    assert refusal(most + 1, CURRENCIES[code], MINOR) == (
        "amount_too_large",
        f"amount must be at most {most} in {code}",
    )


def test_the_maximum_is_named_in_the_unit_of_the_caller() -> None:
    assert refusal(10**6, USD, MAJOR)[1] == "amount must be at most 999999.99 in usd"
    assert refusal(Decimal("1E+12"), JPY, MAJOR)[1] == "amount must be at most 9999999999 in jpy"


@pytest.mark.parametrize("value", [0, -1, True, "1", None, Decimal(1)])
def test_a_refund_amount_is_no_less_strict_otherwise(value: object) -> None:
    with pytest.raises(InvalidRequest):
        parse_refund_amount(value, USD, MINOR)


# Currencies


def test_stripes_currencies_are_all_there() -> None:
    assert len(CURRENCIES) == 140
    assert " ".join(c.code for c in CURRENCIES.values() if c.decimals == 0) == (
        "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
    )
    assert [(c.code, c.decimals) for c in CURRENCIES.values() if c.step_minor != 1] == [
        ("bhd", 3),
        ("isk", 2),
        ("jod", 3),
        ("kwd", 3),
        ("omr", 3),
        ("tnd", 3),
        ("ugx", 2),
    ]


@given(st.sampled_from(list(CURRENCIES.values())))
def test_every_currency_has_something_that_can_be_charged(currency: Currency) -> None:
    assert CURRENCIES[currency.code] is currency
    assert 0 < currency.step_minor <= currency.minimum_minor < currency.maximum_minor
    assert currency.minimum_minor % currency.step_minor == 0


@pytest.mark.parametrize("code", ["usd", "USD", "Usd"])
def test_a_currency_is_found_in_small_or_capital_letters(code: str) -> None:
    assert find_currency(code) is USD


@pytest.mark.parametrize(
    "code", ["", "us", " usd", "xxx", "btc", "dollars", "\u212awd", "u\u0455d", None, 840, ["usd"]]
)
def test_an_unknown_currency_is_refused(code: object) -> None:
    with pytest.raises(InvalidRequest) as refused:
        find_currency(code)

    text = 'must be the three-letter code of a currency that Stripe charges in, such as "usd"'
    assert refused.value.reason_code == "currency_not_supported"
    assert refused.value.fields == (FieldError("currency", text),)


# Money


@given(amounts_minor, amounts_minor, amounts_minor)
def test_sums_do_not_depend_on_their_order_and_can_be_undone(a: int, b: int, c: int) -> None:
    one, two, three = Money(a, "usd"), Money(b, "usd"), Money(c, "usd")

    assert one.plus(two) == two.plus(one) == Money(a + b, "usd")
    assert one.plus(two).plus(three) == one.plus(two.plus(three))
    assert one.plus(two).minus(two) == one
    assert one.plus(Money(0, "usd")) == one


@given(amounts_minor, amounts_minor)
def test_order_is_that_of_the_amounts(a: int, b: int) -> None:
    one, two = Money(a, "usd"), Money(b, "usd")

    assert (one < two, one <= two, one > two, one >= two) == (a < b, a <= b, a > b, a >= b)
    assert (one == two) is (a == b)


def test_two_currencies_are_never_reckoned_together() -> None:
    dollar, euro = Money(100, "usd"), Money(100, "eur")

    for reckon in (
        dollar.plus,
        dollar.minus,
        dollar.__lt__,
        dollar.__le__,
        dollar.__gt__,
        dollar.__ge__,
    ):
        with pytest.raises(ValueError, match="usd and eur cannot be reckoned together"):
            reckon(euro)
    assert dollar != euro


def test_nothing_can_be_owed() -> None:
    with pytest.raises(ValueError, match="never negative"):
        Money(100, "usd").minus(Money(101, "usd"))
    assert Money(100, "usd").minus(Money(100, "usd")) == Money(0, "usd")


@pytest.mark.parametrize("amount", [True, 65.0, Decimal(65), "65", None])
def test_money_is_made_of_an_int_alone(amount: int) -> None:
    with pytest.raises(TypeError, match="int of minor units"):
        Money(amount, "usd")


@pytest.mark.parametrize("code", ["USD", "us", "usdt", "us1", "", "u\u0455d"])
def test_money_is_of_a_currency_as_stripe_writes_it(code: str) -> None:
    with pytest.raises(ValueError, match="three lower case letters"):
        Money(65, code)
