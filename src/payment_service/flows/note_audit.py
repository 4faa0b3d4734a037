"""Note a deed in the audit, before it is done for good."""

from contextlib import suppress

from payment_service.domain.audit import AuditEntry
from payment_service.flows.world import World
from payment_service.ports import AUDIT, AlreadyExists


async def note_audit(
    world: World, *, what: str, who: str, why: str, subject: str, once: str | None = None
) -> None:
    """Write the entry durably. Raises StoreUnavailable: then the deed must not be done.

    once: names the deed, so that one that is begun again after a crash is noted once.
    """
    entry = AuditEntry(
        id=once or world.ids.new("audit"),
        version=0,
        created_at=world.clock.now(),
        what=what,
        who=who,
        why=why,
        subject=subject,
    )
    with suppress(AlreadyExists):
        await world.store.insert(AUDIT, entry)
