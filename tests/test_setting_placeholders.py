"""What a template left in place of a secret or an address: refused at the start, by name."""

from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_service.setting_files import file_setting
from payment_service.setting_placeholders import (
    LEFT_OVER,
    PLACEHOLDER_CHARACTERS_MAX,
    is_placeholder,
)
from payment_service.settings import InvalidSettings, Settings, load_settings, secret_fields

# The issuers' file holds several values, each of which is looked at by itself.
SECRETS = [name.upper() for name in secret_fields() if name != "auth_jwt_issuers"]

# One a line.
WORDS = """
change-me
changeme
CHANGE_ME
ChangeMe!
changeme123
changeit
change this
change-me-in-production
change_me_change_me_change_me_change_me_change_me
REPLACE_ME
replace with key
<secret>
<…>
<>
[secret]
${SECRET}
$SECRET
$(SECRET)
%SECRET%
{{ .Values.key }}
...
…
***
xxx
XXXXXXXXXXXX
todo
Fixme
tbd
placeholder
PLACEHOLDER_1
redacted
null
None
example
your-secret-key
YOUR_API_KEY_HERE
your key
insert-key-here
secret_here
put-your-key-here
set_me
to-be-replaced
"change-me"
'<secret>'
""".strip().splitlines()
REAL = (
    *("sk_test_sandbox", "sk_test_madeup", "rk_live_abcdef123456", "sk_test_51Habc", "sk_test_x"),
    *("whsec_abc123", "whsec_new,whsec_old", "of-ours", "correct-horse-battery-staple-there"),
    *("replacement-key-of-autumn", "changeling-9", "settings-token", "additive", "yours-truly-17"),
    *(
        "to-be-or-not-to-be-that-is-the-question",
        "exchange-me-not-17",
        "nonesuch",
        "xx",
        "a<b>c",
        "x" * 32,
    ),
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
    "mongodb://user:password@mongo-0,mongo-1/todo?replicaSet=rs0&compressors=none",
    "mongodb+srv://user:password@cluster.example/payments?retryWrites=true&w=majority",
    "mongodb://[::1]:27017/example",
    "https://id.example.com/realms/shop/protocol/openid-connect/token",
)
ADDRESSES = (
    "mongodb+srv://<user>:<password>@cluster0.abc.mongodb.net/payments",
    "mongodb+srv://payments:<db_password>@cluster0.abc.mongodb.net/payments?retryWrites=true",
    "mongodb://payments:%3Cpassword%3E@mongo-0/payments",
    "mongodb://payments:change-me@mongo-0/payments",
    "mongodb://payments:REPLACE_ME@mongo-0/payments",
    "mongodb://payments:${PASSWORD}@mongo-0,mongo-1/payments",
    "mongodb://payments:xxxxxx@mongo-0/payments",
    "mongodb://payments:***@mongo-0/payments",
    "mongodb://payments:s3cret@<host>:27017/payments",
    "mongodb+srv://...",
    "<mongodb+srv://user:password@cluster.example/payments>",
)


def refused(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(environ)
    return {problem.name: problem.message for problem in caught.value.problems}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("word", WORDS)
def test_a_placeholder_in_a_secret_is_refused_and_the_setting_is_named(
    name: str, word: str
) -> None:
    assert refused({name: word})[name] == LEFT_OVER
    assert refused({"ENVIRONMENT": "production", name: word})[name] == LEFT_OVER


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("prefix", ["sk_test_", "sk_live_", "rk_test_", "rk_live_"])
def test_a_placeholder_behind_the_prefix_of_a_key_is_one(prefix: str, word: str) -> None:
    assert refused({"STRIPE_SECRET_KEY": prefix + word})["STRIPE_SECRET_KEY"] == LEFT_OVER


@pytest.mark.parametrize("secrets", ["whsec_...", "whsec_change_me", "whsec_", "whsec_a,whsec_…"])
def test_a_placeholder_among_the_signing_secrets_is_refused(secrets: str) -> None:
    assert refused({"STRIPE_WEBHOOK_SECRET": secrets})["STRIPE_WEBHOOK_SECRET"] == LEFT_OVER


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_placeholder_in_a_part_of_an_address_is_refused(address: str) -> None:
    assert refused({"MONGODB_URI": address})["MONGODB_URI"] == LEFT_OVER


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("ORDER_SERVICE_URL", "http://<order service>/order"),
        ("ORDER_SERVICE_URL", "https://REPLACE_ME/order"),
        ("AUTH_JWT_JWKS_URL", "https://login.example.com/{tenant}/keys"),
        ("AUTH_JWT_ISSUER", "https://<your tenant>.example.com/"),
        ("ORDER_SERVICE_TOKEN_URL", "https://${HOST}/oauth2/token"),
    ],
)
def test_a_placeholder_in_any_other_address_is_refused(name: str, address: str) -> None:
    assert refused({name: address})[name] == LEFT_OVER


def test_a_placeholder_in_a_file_is_said_of_the_file(tmp_path: Path) -> None:
    for name in SECRETS:
        path = tmp_path / name
        path.write_text("change-me\n")
        found = refused({file_setting(name): str(path)})
        assert found[file_setting(name)] == f"names a file whose content {LEFT_OVER}"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('secret = "change-me-change-me-change-me-change-me"', "secret"),
        ('secret = "<the provider\'s secret, of 32 characters>"', "secret"),
        ('jwks_url = "https://<tenant>.example.com/keys"', "jwks_url"),
        ('jwks_url = "https://login.example.com/{tenant}/keys"', "jwks_url"),
    ],
)
def test_a_placeholder_in_the_file_of_issuers_is_said_of_its_field(line: str, field: str) -> None:
    entry = f'[[issuer]]\nissuer = "https://id.example.com/"\naudience = "payments"\n{line}\n'

    said = refused({"AUTH": "jwt", "AUTH_JWT_ISSUERS": entry})["AUTH_JWT_ISSUERS"]

    assert f"{field} {LEFT_OVER}" in said


def test_every_placeholder_is_named_at_once_and_none_is_repeated() -> None:
    with pytest.raises(InvalidSettings) as caught:
        load_settings(dict.fromkeys(SECRETS, "change-me-verysecret"))

    assert {problem.name for problem in caught.value.problems} >= set(SECRETS)
    assert "verysecret" not in f"{caught.value} {caught.value.problems!r}"


@pytest.mark.parametrize("value", REAL)
def test_what_somebody_made_is_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)


def test_the_name_of_a_service_may_be_any_word() -> None:
    assert load_settings({"SERVICE_NAME": "todo"}).service_name == "todo"


@given(
    st.text(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWabcdefghijklmnopqrstuvw123456789"), min_size=16)
)
def test_random_letters_and_digits_are_no_placeholder(value: str) -> None:
    assert not is_placeholder(value)


@pytest.mark.parametrize("unit", ["change-me", "a_", "<", "${", "x", "sk_test_", "my-", ":", ","])
def test_the_look_at_a_long_value_is_short(unit: str) -> None:
    values = [unit * (65_536 // len(unit)), (unit * PLACEHOLDER_CHARACTERS_MAX)[:200] + "!"]
    for value in [*values, f"mongodb://{values[0]}", f"mongodb://{values[1]}"]:
        begun = process_time()
        is_placeholder(value)
        assert process_time() - begun < 0.5


def test_no_example_of_a_secret_can_be_used_as_it_is() -> None:
    for name in map(str.lower, SECRETS):
        for example in Settings.model_fields[name].examples or ():
            assert name == "mongodb_uri" or is_placeholder(str(example)), name
