"""Note a deed in the audit, before it is done for good."""

from contextlib import suppress
from datetime import datetime

from payment_service.domain.audit import AuditEntry
from payment_service.ports import AlreadyExists, Store
from payment_service.storage.collections import AUDIT


async def note_audit(
    store: Store, *, once: str, what: str, who: str, why: str, subject: str, now: datetime
) -> None:
    """Write the entry durably. Raises StoreUnavailable: then the deed must not be done.

    once: names the deed, so that one that is begun again after a crash is noted once.
    """
    entry = AuditEntry(
        id=once, version=0, created_at=now, what=what, who=who, why=why, subject=subject
    )
    with suppress(AlreadyExists):
        await store.insert(AUDIT, entry)
