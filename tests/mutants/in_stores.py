"""Mistakes in the stores: what is written over, what is due, what is dropped, what is durable."""

from tests.mutants.mutant import Mutant

STORE = "tests/contract/test_store.py"
QUERIES = "tests/contract/test_store_queries.py"
STALE = f"{STORE}::test_a_stale_version_replaces_nothing"
SECOND = f"{STORE}::test_a_second_insert_of_an_id_changes_nothing"
REMOVING = f"{STORE}::test_removing_takes_the_expected_version_only"
UNIQUE = f"{STORE}::test_a_unique_value_belongs_to_one_document"
DUE = f"{QUERIES}::test_due_documents_come_longest_due_first"
CLAIMED = f"{QUERIES}::test_a_claimed_document_is_not_due_until_its_lease_ends"
OVER = f"{QUERIES}::test_what_is_over_is_dropped_and_nothing_else"
PAGES = f"{QUERIES}::test_pages_show_everything_once_while_others_insert"
FULL_PAGE = f"{QUERIES}::test_a_last_page_that_is_full_says_that_it_is_the_last"
OPEN = "tests/contract/test_sqlite_open.py"
BROKEN_DISK = "tests/contract/test_sqlite_broken_disk.py"
IDENTITY = "tests/contract/test_sqlite_identity.py"
CAREFUL = f"{IDENTITY}::test_every_connection_of_the_store_is_as_careful_as_promised"
FOR_GOOD = (
    f"{BROKEN_DISK}"
    "::test_a_batch_whose_sync_fails_for_good_is_in_doubt_and_not_told_as_nothing_done"
)
FAILS_ONCE = f"{BROKEN_DISK}::test_a_batch_whose_sync_fails_once_is_known_and_survives_as_told"
STARTS = (
    f"{IDENTITY}::test_a_start_on_a_file_that_was_not_used_last_is_refused_until_it_has_caught_up"
)
COUNTED = f"{IDENTITY}::test_every_transaction_is_counted_and_the_marker_never_leads"
SAID_ONCE = (
    "tests/contract/test_sqlite_file.py"
    "::test_why_the_disk_takes_no_writes_is_said_once_and_not_with_every_write"
)

SQLITE = (
    Mutant(
        "SQLite replaces a document whatever its version is",
        "adapters/sqlite/tables.py",
        'f"UPDATE {table} SET {changes} WHERE id = ? AND version = ?"',
        'f"UPDATE {table} SET {changes} WHERE id = ? AND ? IS NOT NULL"',
        (STALE,),
    ),
    Mutant(
        "SQLite removes a document whatever its version is",
        "adapters/sqlite/tables.py",
        'f"DELETE FROM {table} WHERE id = ? AND version = ?"',
        'f"DELETE FROM {table} WHERE id = ? AND ? IS NOT NULL"',
        (REMOVING,),
    ),
    Mutant(
        "a second insert into SQLite takes the place of the first",
        "adapters/sqlite/tables.py",
        'f"INSERT INTO {table} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"',
        'f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})"',
        (SECOND,),
    ),
    Mutant(
        "two documents in SQLite have the same unique value",
        "adapters/sqlite/tables.py",
        'unique = "UNIQUE " if name in collection.unique else ""',
        'unique = ""',
        (UNIQUE,),
    ),
    Mutant(
        "what is due the shortest comes first from SQLite",
        "adapters/sqlite/tables.py",
        '"ORDER BY wake_at, rowid LIMIT ?"',
        '"ORDER BY wake_at DESC, rowid LIMIT ?"',
        (DUE,),
    ),
    Mutant(
        "SQLite drops what is not over for a day yet",
        "adapters/sqlite/tables.py",
        "WHERE expires_at <= ? LIMIT",
        "WHERE expires_at - 86400000 <= ? LIMIT",
        (OVER,),
    ),
    Mutant(
        "a page of SQLite begins with the last document of the page before",
        "adapters/sqlite/tables.py",
        'terms.append("(created_at, id) < (?, ?)")',
        'terms.append("(created_at, id) <= (?, ?)")',
        (PAGES,),
    ),
    Mutant(
        "SQLite says of a full last page that another one follows",
        "adapters/sqlite/store.py",
        "        if len(found) <= limit:\n",
        "        if len(found) < limit:\n",
        (FULL_PAGE,),
    ),
    Mutant(
        "a claim that is renewed in SQLite stays due at its old time",
        "adapters/sqlite/tables.py",
        "return (doc.version, to_json(doc), *self.values(doc), doc.id, expected_version)",
        "return (doc.version, to_json(doc), *[v if n else 0 for n, v in "
        "enumerate(self.values(doc))], doc.id, expected_version)",
        (CLAIMED,),
    ),
    Mutant(
        "two processes open the same database file",
        "adapters/sqlite/lock.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        (OPEN,),
    ),
    Mutant(
        "a database of another program is taken over",
        "adapters/sqlite/schema.py",
        "if owner != APPLICATION_ID and (owner or tables):",
        "if False:",
        (OPEN,),
    ),
    Mutant(
        "a database of a newer release is opened",
        "adapters/sqlite/schema.py",
        "    if version > len(STEPS):\n",
        "    if False:\n",
        (OPEN,),
    ),
    Mutant(
        "a document that cannot be read stops all that are due",
        "adapters/sqlite/store.py",
        "            except ValueError:\n                self._unreadable",
        "            except ZeroDivisionError:\n                self._unreadable",
        (OPEN,),
    ),
)

DISK = (
    Mutant(
        "SQLite acknowledges a write before the disk has it (synchronous NORMAL)",
        "adapters/sqlite/connecting.py",
        '"synchronous": 2,',
        '"synchronous": 1,',
        (CAREFUL,),
    ),
    Mutant(
        "SQLite never asks the disk to keep anything (synchronous OFF)",
        "adapters/sqlite/connecting.py",
        '"synchronous": 2,',
        '"synchronous": 0,',
        (CAREFUL,),
    ),
    Mutant(
        "a write-ahead log that has grown stays so",
        "adapters/sqlite/connecting.py",
        '"journal_size_limit": WAL_KEPT_BYTES,',
        '"journal_size_limit": -1,',
        (CAREFUL,),
    ),
    Mutant(
        "a failed COMMIT whose outcome nobody knows is told as nothing done",
        "adapters/sqlite/writer.py",
        "            return _doubt(answers, str(error))\n",
        "            return [(future, unavailable(error)) for future, _ in answers]\n",
        (FOR_GOOD,),
    ),
    Mutant(
        "any failed COMMIT is told as nothing done, and the connection goes on",
        "adapters/sqlite/writer.py",
        "        is_in = self._settle()\n        if is_in is None:\n            return _doubt",
        "        is_in: bool | None = False\n        if is_in is None:\n            return _doubt",
        (FAILS_ONCE,),
    ),
    Mutant(
        "after a failed sync the next sync is believed",
        "adapters/sqlite/open_file.py",
        '        try:\n            _write_anew(f"{self.path}-wal")\n        finally:',
        "        try:\n            pass\n        finally:",
        (FOR_GOOD, FAILS_ONCE),
    ),
    Mutant(
        "what goes into a file that was replaced is acknowledged",
        "adapters/sqlite/writer.py",
        "        if not self._is_ours():\n            return _doubt(answers, self._why_lost)\n",
        "",
        (IDENTITY,),
    ),
    Mutant(
        "nobody looks whether the file is still in its place while nothing is written",
        "adapters/sqlite/writer.py",
        "            self._looked_at = now\n            self._is_ours()\n",
        "            self._looked_at = now\n",
        (IDENTITY,),
    ),
    Mutant(
        "transactions are not counted in the file",
        "adapters/sqlite/writer.py",
        "            if not count_write(connection, self._file.identity):\n",
        "            if False:\n",
        (COUNTED,),
    ),
    Mutant(
        "a start goes on with an older copy of the database",
        "adapters/sqlite/starting.py",
        "    if found.writes < mark.writes:\n",
        "    if False:\n",
        (STARTS,),
    ),
    Mutant(
        "a start goes on without the database that was there",
        "adapters/sqlite/starting.py",
        '        return "it is missing, and was here before"\n',
        '        return ""\n',
        (STARTS,),
    ),
    Mutant(
        "SQLite mixes an older file with the log of a newer one",
        "adapters/sqlite/starting.py",
        "    if found.st_ino != mark.inode:\n",
        "    if False:\n",
        (IDENTITY,),
    ),
    Mutant(
        "a start goes on with the database of another installation",
        "adapters/sqlite/starting.py",
        "if found is None or found.store_id != mark.store_id:",
        "if found is None:",
        (STARTS,),
    ),
    Mutant(
        "the cause of a failing database is said at every request",
        "adapters/sqlite/health.py",
        "        if cause not in self._causes:\n",
        "        if True:\n",
        (SAID_ONCE,),
    ),
    Mutant(
        "a database that takes no writes is ready",
        "adapters/sqlite/store.py",
        "        if not self._writer.wrote_within(PROOF_LASTS_S):\n",
        "        if False:\n",
        (FOR_GOOD,),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*SQLITE, *DISK)
