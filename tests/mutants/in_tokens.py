"""Mistakes about tokens: who is a service, whose e-mail it is, and whose key checks whose token."""

from tests.mutants.mutant import Mutant

RULES = "tests/contract/test_token_rules.py"
TOKENS = "tests/contract/test_tokens.py"
STRANGE = "tests/contract/test_strange_tokens.py"
PROVIDERS = "tests/api/test_identity_providers.py"
_RULES, _READER, _CLAIMS = (f"adapters/tokens/{name}.py" for name in ("rules", "reader", "claims"))

MUTANTS = (
    Mutant(
        "a token without an e-mail is a service's",
        _RULES,
        "    is_service = _is_marked(claims, rules, client, scopes or frozenset())\n",
        "    is_service = told_email is ABSENT\n",
        (RULES, PROVIDERS),
    ),
    Mutant(
        "a mark makes a service of an end user",
        _RULES,
        "    if is_service and (told_email is ABSENT or rules.service_may_have_email):\n",
        "    if is_service:\n",
        (RULES, PROVIDERS),
    ),
    Mutant(
        "an e-mail of which nothing is said is verified",
        _RULES,
        "    if told is ABSENT and rules.assume_email_verified:\n",
        "    if told is ABSENT:\n",
        (TOKENS,),
    ),
    Mutant(
        "end users have the default scopes where the token says none of ours",
        _RULES,
        "    allowed = rules.end_user_scopes if scopes is None else scopes\n",
        "    allowed = scopes or rules.end_user_scopes\n",
        (RULES,),
    ),
    Mutant(
        "a client and a user of the same name are one caller",
        _RULES,
        '        seed = f"client\\0{issuer}\\0{client}"\n',
        '        seed = f"{issuer}\\n{client}\\n"\n',
        (RULES,),
    ),
    Mutant(
        "a scope counts without its prefix",
        _RULES,
        " for word in words if word.startswith(prefix))",
        " for word in words)",
        (RULES,),
    ),
    Mutant(
        "the first of two entries for one audience counts",
        _READER,
        "    if len(chosen) > 1:",
        "    if False:",
        (RULES,),
    ),
    Mutant(
        "the last of two values of one claim counts",
        _CLAIMS,
        "    if len(found) < len(pairs):\n",
        "    if False:\n",
        (STRANGE,),
    ),
    Mutant(
        "a path goes before the name of a claim",
        _CLAIMS,
        "    if path in value:\n",
        '    if path in value and "." not in path:\n',
        (RULES,),
    ),
)
