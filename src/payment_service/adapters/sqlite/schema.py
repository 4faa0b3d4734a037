"""The shape of the file: whose it is, which version, and tables as the collections declare them.

Everything here runs inside the writer's transaction, so that a file has the old shape or the new.
"""

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

from payment_service.adapters.sqlite.errors import NotOurStore, StoreTooNew
from payment_service.adapters.sqlite.tables import FIXED, Table
from payment_service.records import from_json

# "PaYS" as an integer, in SQLite's header: tells our files from anybody else's.
APPLICATION_ID = 0x50615953
# Documents whose new columns are computed in one go: bounds memory, not time.
FILL_BATCH = 500


def check_owner(connection: sqlite3.Connection, path: str) -> None:
    """Look before writing anything. Raises NotOurStore, StoreTooNew, sqlite3.DatabaseError."""
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        raise NotOurStore(f"{path} is a SQLite database of another program; it was not touched.")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        raise StoreTooNew(
            f"{path} was written by a newer version of this program "
            f"(schema {version}, this one knows {len(STEPS)})."
        )


def ensure_schema(connection: sqlite3.Connection, tables: Iterable[Table[Any]]) -> None:
    """Bring the file to the present shape, wholly or not at all."""
    connection.execute("SAVEPOINT shape")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, step in enumerate(STEPS[version:], start=version + 1):
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
        for table in tables:
            _ensure_table(connection, table)
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back everything already
            connection.execute("ROLLBACK TO shape")
            connection.execute("RELEASE shape")
        raise
    connection.execute("RELEASE shape")


def sign(connection: sqlite3.Connection) -> None:
    """Say that the file is ours."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


# Numbered from 1; one that was released is never changed, only followed by another. A step is for
# what a declaration cannot say: tables, columns and indexes follow the collections by themselves.
STEPS: tuple[Callable[[sqlite3.Connection], None], ...] = (sign,)


def _ensure_table(connection: sqlite3.Connection, table: Table[Any]) -> None:
    here = [row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')]
    if not here:
        connection.execute(table.create)
    new = [name for name in table.derived if here and name not in here]
    gone = [name for name in here if name not in {*FIXED, *table.derived}]
    _drop_indexes(connection, table)
    for name in gone:  # nobody would keep it up to date, and a stale column lies
        connection.execute(f'ALTER TABLE "{table.name}" DROP COLUMN "{name}"')
    for name in new:
        connection.execute(f'ALTER TABLE "{table.name}" ADD COLUMN "{name}"')
    if new:
        _fill(connection, table, new)
    for sql in table.indexes.values():
        connection.execute(sql.replace("INDEX", "INDEX IF NOT EXISTS", 1))


def _drop_indexes(connection: sqlite3.Connection, table: Table[Any]) -> None:
    """Drop the indexes that are not, or no longer, as declared."""
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql NOTNULL",
        (table.name,),
    ).fetchall()
    for name, sql in rows:
        if table.indexes.get(name) != sql:
            connection.execute(f'DROP INDEX "{name}"')


def _fill(connection: sqlite3.Connection, table: Table[Any], names: list[str]) -> None:
    """Compute new columns for the documents that are there."""
    changes = ", ".join(f'"{name}" = ?' for name in names)
    update = f'UPDATE "{table.name}" SET {changes} WHERE rowid = ?'  # noqa: S608
    select = (
        f'SELECT rowid, body FROM "{table.name}" WHERE rowid > ? '  # noqa: S608
        f"ORDER BY rowid LIMIT {FILL_BATCH}"
    )
    last = -1
    while rows := connection.execute(select, (last,)).fetchall():
        for row_id, body in rows:
            doc = from_json(body, table.kind)
            computed = [table.derived[name](doc) for name in names]
            connection.execute(update, (*computed, row_id))
        last = rows[-1][0]
