"""The file of several issuers: each with its own rules, and every mistake named at once."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from payment_service.setting_groups.issuers import ISSUERS_MAX, issuers_of
from payment_service.settings import InvalidSettings, Settings, load_settings
from tests.parts.identity_provider import public_pem
from tests.parts.live_settings import LIVE

SECRET = "verysecret" * 4
SINGLE = {
    "AUTH_JWT_ISSUER": "https://id.example.com/",
    "AUTH_JWT_AUDIENCE": "payment-service",
    "AUTH_JWT_JWKS_URL": "https://id.example.com/keys",
}
ONE = """
[[issuer]]
issuer = "https://one.example.com"
audience = ["payment-service", "api://payments"]
jwks_url = "https://one.example.com/keys"
scope_claim = ["scp", "roles"]
service_clients = ["checkout", "back-office"]
email_verified = "assumed"
service_may_have_email = true
leeway_s = 5
"""
TWO = f"""
[[issuer]]
issuer = "https://two.example.com"
audience = "payment-service"
secret = "{SECRET}"
end_user_scopes = ["payment.read"]
"""


def loaded(toml: str, **beside: str) -> Settings:
    return load_settings({"AUTH": "jwt", "AUTH_JWT_ISSUERS": toml, **beside})


def refused(environ: Mapping[str, str]) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as caught:
        load_settings({"AUTH": "jwt", **environ})
    assert "verysecret" not in str(caught.value)
    return {problem.name: problem.message for problem in caught.value.problems}


def mistakes(toml: str, **beside: str) -> str:
    told = refused({"AUTH_JWT_ISSUERS": toml, **beside})
    assert list(told) == ["AUTH_JWT_ISSUERS"]
    return told["AUTH_JWT_ISSUERS"]


def test_each_issuer_has_its_own_rules_and_all_else_by_default() -> None:
    one, two = issuers_of(loaded(ONE + TWO))

    assert one.auth_jwt_audience == "payment-service,api://payments"
    assert one.auth_jwt_scope_claim == "scp,roles"
    assert one.auth_jwt_service_clients == "checkout,back-office"
    assert (one.auth_jwt_email_verified, one.auth_jwt_leeway_s) == ("assumed", 5.0)
    assert one.auth_jwt_service_may_have_email
    assert (two.auth_jwt_email_verified, two.auth_jwt_leeway_s) == ("required", 30.0)
    assert (two.auth_jwt_service_scope, two.auth_jwt_scope_claim) == ("payment.service", "scope")
    assert not two.auth_jwt_service_may_have_email


def test_the_file_may_be_named_by_its_path_in_either_way(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text((ONE + TWO).strip() + "\n")

    for environ in ({"AUTH_JWT_ISSUERS": str(path)}, {"AUTH_JWT_ISSUERS_FILE": str(path)}):
        assert len(issuers_of(load_settings({"AUTH": "jwt", **environ}))) == 2
    missing = str(tmp_path / "verysecret")
    assert refused({"AUTH_JWT_ISSUERS": missing}) == {
        "AUTH_JWT_ISSUERS": "names a file that cannot be read: No such file or directory"
    }
    path.write_text("nothing at all")
    by_file = refused({"AUTH_JWT_ISSUERS_FILE": str(path)})
    assert by_file["AUTH_JWT_ISSUERS_FILE"].startswith("names a file whose content is not TOML")
    assert list(refused({"AUTH_JWT_ISSUERS_FILE": missing})) == ["AUTH_JWT_ISSUERS_FILE"]


def test_secrets_and_keys_may_be_in_files_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "key.pem").write_text(public_pem("key-1").decode())
    toml = ONE.replace('jwks_url = "https://one.example.com/keys"', "FILE")
    by_secret = toml.replace("FILE", f'secret_file = "{tmp_path}/secret"')
    by_key = toml.replace("FILE", f'public_key_file = "{tmp_path}/key.pem"')

    settings = loaded(by_secret)
    (issuer,) = issuers_of(settings)
    assert issuer.auth_jwt_secret is not None
    assert issuer.auth_jwt_secret.get_secret_value() == SECRET
    assert SECRET in settings.secret_values()
    assert SECRET not in f"{settings!r} {settings.model_dump_json()}"
    assert issuers_of(loaded(by_key))[0].auth_jwt_public_key.startswith("-----BEGIN")
    (tmp_path / "secret").write_text("verysecret")
    said = mistakes(by_secret)
    assert "secret_file names a file whose content must be at least 32 printable" in said
    assert "; secret " not in said
    gone = mistakes(toml.replace("FILE", f'secret_file = "{tmp_path}/verysecret"'))
    assert "secret_file names a file that cannot be read" in gone
    both = mistakes(toml.replace("FILE", f'secret = "{SECRET}"\nsecret_file = "{tmp_path}/secret"'))
    assert "secret_file is set, and so is secret" in both


def test_secrets_in_the_file_are_known_for_what_they_are() -> None:
    settings = loaded(ONE + TWO)

    assert SECRET in settings.secret_values()
    assert SECRET not in f"{settings!r} {settings.model_dump_json()}"


def test_the_single_settings_are_one_more_issuer() -> None:
    single, one, _ = issuers_of(loaded(ONE + TWO, **SINGLE, AUTH_JWT_SCOPE_CLAIM="scp"))

    assert single.auth_jwt_issuer == "https://id.example.com/"
    assert (single.auth_jwt_scope_claim, one.auth_jwt_email_claim) == ("scp", "email")
    half = {name: SINGLE[name] for name in ("AUTH_JWT_ISSUER", "AUTH_JWT_AUDIENCE")}
    assert list(refused({"AUTH_JWT_ISSUERS": ONE, **half})) == ["AUTH_JWT_JWKS_URL"]


def test_a_single_rule_without_a_single_issuer_is_refused_rather_than_ignored() -> None:
    told = refused({"AUTH_JWT_ISSUERS": ONE, "AUTH_JWT_EMAIL_CLAIM": "upn"})

    assert told == {
        "AUTH_JWT_EMAIL_CLAIM": (
            "has no use without AUTH_JWT_ISSUER: write it into AUTH_JWT_ISSUERS"
        )
    }


def test_every_mistake_is_named_by_issuer_and_field_and_without_its_value() -> None:
    said = mistakes(
        """
        [[issuer]]
        issuer = "https://one.example.com"
        jwks_url = "ftp://verysecret"
        audiences = ["x"]
        email_verified = "verysecret"
        leeway_s = 7000
        service_clients = ["verysecret,verysecret"]
        service_may_have_email = "verysecret"

        [[issuer]]
        issuer = 7
        audience = ["a", 7]
        secret = "verysecret"
        algorithms = ["RS256"]
        scope_claim = "verysecret verysecret"
        end_user_scopes = ["payment.admin"]

        [[issuer]]
        issuer = "https://login.microsoftonline.com/{tenantid}/v2.0"
        audience = "a"
        email_claim = true
        """
    )

    first, second, third = said.removeprefix("has mistakes: ").split(". issuer")
    assert first.startswith("issuer 1 (https://one.example.com): ")
    wrong = {
        first: (
            *(
                "audiences is no field",
                "audience is not set",
                "jwks_url must be an http(s) address",
            ),
            *("email_verified must be required or assumed", "leeway_s must be a number from 0"),
            *("service_clients must be a list of texts", "service_may_have_email must be true or"),
        ),
        second: (
            *("issuer must be", "audience must be a list of texts", "secret must be at least 32"),
            *("algorithms must be HS256", "scope_claim must be", "end_user_scopes must be payment"),
        ),
        third: (
            *("issuer must be the `iss` claim, exactly; a template", "jwks_url is not set, nor"),
            "email_claim must be the name of a claim",
        ),
    }
    for text, phrases in wrong.items():
        assert [phrase for phrase in phrases if phrase not in text] == [], text


def test_a_file_that_is_none_is_said_to_be_none() -> None:
    assert mistakes("issuer =") == "is not TOML: see end of document"
    assert mistakes(f'[[issuer]]\n"{SECRET}" "x" =').startswith("is not TOML: see line 2, column")
    assert mistakes("a = " + "[" * 5000).startswith("is not TOML")
    for toml in ('issuer = "x"', "issuer = []", "issuer = [1]", "x = 1", ONE + "[issuers]\na = 1"):
        assert mistakes(toml) == "must have tables [[issuer]] and nothing beside them"
    assert mistakes(TWO * (ISSUERS_MAX + 1)) == f"has more than {ISSUERS_MAX} issuers"


def test_one_issuer_may_stand_there_twice_but_for_one_audience_only_once() -> None:
    other = TWO.replace("payment-service", "machines")

    assert len(issuers_of(loaded(TWO + other))) == 2
    assert "issuer 2 (https://two.example.com): audience is also that of" in mistakes(TWO + TWO)
    beside = {**SINGLE, "AUTH_JWT_ISSUER": "https://two.example.com"}
    assert "issuer 1 (https://two.example.com): audience is also" in mistakes(TWO, **beside)


def test_keys_come_over_https_in_production_unless_a_setting_says_so() -> None:
    plain = ONE.replace("https://one.example.com/keys", "http://id.cluster.local/keys")
    orders = {
        "ORDER_SERVICE_TOKEN_URL": "http://login/token",
        "ORDER_SERVICE_CLIENT_ID": "us",
        "ORDER_SERVICE_CLIENT_SECRET": "x",
    }
    environ = {**LIVE, **orders, **SINGLE, "AUTH_JWT_JWKS_URL": "http://id/keys"}
    del environ["ORDER_SERVICE_TOKEN"]

    assert loaded(plain).warnings() == loaded(ONE).warnings()  # development
    told = refused({**environ, "AUTH_JWT_ISSUERS": plain})
    assert list(told) == ["AUTH_JWT_ISSUERS", "AUTH_JWT_JWKS_URL", "ORDER_SERVICE_TOKEN_URL"]
    allowed = loaded(plain, **environ, ALLOW_HTTP_TOKEN_URLS="true")
    assert [line.split(":")[0] for line in allowed.warnings()] == [
        "ORDER_SERVICE_TOKEN_URL is http",
        "AUTH_JWT_JWKS_URL is http",
        "an address in AUTH_JWT_ISSUERS is http",
    ]
    assert "ALLOW_HTTP_TOKEN_URLS" in refused({**environ, "ALLOW_HTTP_TOKEN_URLS": "maybe"})


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("AUTH_JWT_SERVICE_CLAIM", "https://x.example/kind=a=b", "gty"),
        ("AUTH_JWT_SERVICE_CLAIM", "gty=client-credentials", "=x"),
        ("AUTH_JWT_EMAIL_CLAIM", "http://schemas.xmlsoap.org/ws/x#name?y~z", "a b"),
        ("AUTH_JWT_SCOPE_CLAIM", "scope, realm_access.roles", "a,,b"),
        ("AUTH_JWT_END_USER_SCOPES", "payment.read, payment.write", "payment.admin"),
        ("AUTH_JWT_SCOPE_PREFIX", "api://x/", "a b"),
        ("AUTH_JWT_EMAIL_VERIFIED", "assumed", "true"),
        ("AUTH_JWT_ISSUER", "My Company", "https://x/{tenantid}/v2.0"),
    ],
)
def test_rules_are_checked_at_the_start(name: str, good: str, bad: str) -> None:
    environ = {"AUTH": "jwt", **SINGLE}

    load_settings({**environ, name: good})
    assert list(refused({**environ, name: bad})) == [name]


def test_no_scope_makes_a_service_where_the_setting_is_empty() -> None:
    settings = load_settings({"AUTH": "jwt", **SINGLE, "AUTH_JWT_SERVICE_SCOPE": ""})

    assert settings.auth_jwt_service_scope == ""
