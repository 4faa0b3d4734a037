"""Values that a template left where the real ones belong, such as `change-me` and `<password>`.

Such a value has the right form often enough, and then a service would start with a secret that
everybody knows. Nothing here repeats a value: beside a placeholder a real secret may stand.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

LEFT_OVER = "is a placeholder that was left: put the real value in its place"

# What is longer than this is a key or a token that somebody made, and no template's words.
PLACEHOLDER_CHARACTERS_MAX = 200

# The prefixes that Stripe's secrets have: a template keeps them.
_PREFIX = re.compile(r"(?:(?:sk|rk|pk)_(?:test|live)|whsec)_")
# Where an address falls into its names, passwords, hosts and folders, and a list into its items.
_BETWEEN = re.compile(r"[/:@,]+")
_BRACKETED = re.compile(
    r"<[^<>]*>|\[[^\[\]]*\]|\{\{[^{}]*\}\}|\$?\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_]\w*|%\w+%"
)
# Neither < nor { may stand in an address, so there a part of a name is enough.
_BRACKETED_WITHIN = re.compile(r"<[^<>]*>|\{[^{}]*\}")
# Dots, stars or x where the characters would be. A longer row of x was counted off to pass for a
# key: that is a weak secret, and no template's.
_FILLED = re.compile(r"[*.…_#?-]{3,}|…|[x_-]{3,24}", re.IGNORECASE)
# An order to whoever fills it in, with anything after it: change-me-in-production, REPLACE_ME; or
# whose it should be: your-secret-key, secret_here.
_ORDER = re.compile(
    r"(?:change|replace|insert|fill)[-_. ]*(?:me|it|this|in|here|with|by|your)(?![a-z])[-\w. !]*"
    r"|(?:put|enter|add|set|paste)[-_. ]+(?:me|this|here|your)(?![a-z])[-\w. !]*"
    r"|to[-_ ]be[-_ ](?:changed|replaced|filled|set|added|defined|provided)(?![a-z])[-\w. !]*"
    r"|your[-_ ][-\w ]*"
    r"|[a-z]+(?:[-_ ][a-z]+)*[-_ ]here",
    re.IGNORECASE,
)
# A word for what is missing. In an address it may be a name: a database may well be called `todo`.
_MISSING = re.compile(
    r"(?:placeholder|todo|fixme|tbd|redacted|null|none|nil|undefined|dummy|example)[-_. !0-9]*",
    re.IGNORECASE,
)


def placeholders(values: Mapping[str, str], secrets: Iterable[str]) -> Iterator[str]:
    """Give the names of what was not filled in: of secrets, and of whatever is an address.

    Nothing else is looked at: a word such as `example` is a good name for a service.
    """
    secret = frozenset(secrets)
    for name, value in values.items():
        if (name in secret or "://" in value) and is_placeholder(value):
            yield name


def is_placeholder(value: str) -> bool:
    """Say whether a secret or an address is what a template had there, as a whole or in a part.

    Of an address its options, after the question mark, are not looked at: `none` may be one.
    """
    whole = value.strip()
    if _is_left_over(whole, _MISSING):
        return True
    if "://" in whole:
        address = whole.partition("?")[0]
        parts = map(unquote, _BETWEEN.split(address))
        return _BRACKETED_WITHIN.search(address) is not None or any(map(_is_left_over, parts))
    return any(_is_left_over(part, _MISSING) for part in whole.split(","))


def _is_left_over(text: str, *besides: re.Pattern[str]) -> bool:
    if len(text) > PLACEHOLDER_CHARACTERS_MAX:
        return False
    prefix = _PREFIX.match(text.strip())
    body = text.strip()[prefix.end() :] if prefix else text.strip()
    body = body.strip("\"'`")
    if not body:
        return prefix is not None
    kinds = (_BRACKETED, _FILLED, _ORDER, *besides)
    return body.endswith(("...", "…")) or any(kind.fullmatch(body) for kind in kinds)
