"""Tokens of identity providers: whose signature counts, and whom they vouch for."""

from payment_service.adapters.tokens.fetching import Fetching
from payment_service.adapters.tokens.keys import FixedKey, Keys, PublishedKeys
from payment_service.adapters.tokens.reader import JwtReader, TrustedIssuer
from payment_service.adapters.tokens.rules import TokenRules

__all__ = [
    "Fetching",
    "FixedKey",
    "JwtReader",
    "Keys",
    "PublishedKeys",
    "TokenRules",
    "TrustedIssuer",
]
