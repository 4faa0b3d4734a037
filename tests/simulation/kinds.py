"""Kinds of lives: what must have happened in some life, each counted where it really happens.

A fault is counted when it strikes; these when somebody was served, refused or shown something.
"""

from typing import Final

ANSWERED: Final = "http: a wish was answered"
REPLAYED: Final = "http: a key was replayed"
REUSED: Final = "http: a key was refused for another body"
KEY_ROTATED: Final = "keys: what one key asked, the next one was told"
KEY_REVOKED: Final = "keys: a key in use was revoked and is refused"
REVOKED_WORK: Final = "keys: what a revoked key had begun was done"
FORGOTTEN: Final = "a customer was forgotten"
COPIED: Final = "a copy took the place of the store"
PAUSED: Final = "cards: a pause refused somebody"
ON_A_FILE: Final = "a file was written by its thread"
TWO_RELEASES: Final = "releases: the older one wrote over the newer one"
OLDER_PICTURE: Final = "store: an older picture was shown"

KINDS: Final = (
    ANSWERED,
    REPLAYED,
    REUSED,
    KEY_ROTATED,
    KEY_REVOKED,
    REVOKED_WORK,
    FORGOTTEN,
    COPIED,
    PAUSED,
    ON_A_FILE,
    TWO_RELEASES,
    OLDER_PICTURE,
)
