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
VERDICTS = "tests/contract/test_mongo_verdicts.py"
ANSWERS = "tests/contract/test_mongo_answers.py"
TROUBLE = "tests/contract/test_mongo_trouble.py"
REFUSALS = "tests/contract/test_mongo_refusals.py"
LATER = "test_a_write_whose_answer_was_lost_is_in_doubt_whatever_is_answered_later"
NOT_YET = "test_an_insert_that_was_kept_out_by_one_that_no_majority_has_yet_is_tried_again"
DATABASE = "tests/contract/test_mongo_database.py"

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
        "        if len(found) <= limit or not items:\n",
        "        if len(found) < limit or not items:\n",
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
        "        except ValueError:\n            id_ = json.loads(body)",
        "        except ZeroDivisionError:\n            id_ = json.loads(body)",
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

MONGO = (
    Mutant(
        "MongoDB replaces a document whatever its version is",
        "adapters/mongo/store.py",
        'place = {"_id": doc.id, "version": expected_version}',
        'place = {"_id": doc.id}',
        (f"{STALE}[mongo]",),
    ),
    Mutant(
        "MongoDB removes a document whatever its version is",
        "adapters/mongo/store.py",
        'place = {"_id": id, "version": expected_version}',
        'place = {"_id": id}',
        (f"{REMOVING}[mongo]",),
    ),
    Mutant(
        "two documents in MongoDB have the same unique value",
        "adapters/mongo/layout.py",
        '            index["unique"] = True\n',
        "            pass\n",
        (f"{UNIQUE}[mongo]",),
    ),
    Mutant(
        "MongoDB gives as due what is due tomorrow",
        "adapters/mongo/store.py",
        '{"columns.wake_at": span}',
        '{"columns.wake_at": {"$ne": None}}',
        (f"{CLAIMED}[mongo]",),
    ),
    Mutant(
        "a page of MongoDB begins with the last document of the page before",
        "adapters/mongo/layout.py",
        '"_id": {"$lt": id}',
        '"_id": {"$lte": id}',
        (f"{PAGES}[mongo]",),
    ),
    Mutant(
        "the address of MongoDB may weaken what a write promises",
        "adapters/mongo/store.py",
        '        w="majority",\n',
        "",
        (DATABASE,),
    ),
    Mutant(
        "MongoDB acknowledges a write that is not in its journal",
        "adapters/mongo/store.py",
        "journal=True,",
        "journal=False,",
        (DATABASE,),
    ),
    Mutant(
        "what a minority has written is read from MongoDB",
        "adapters/mongo/store.py",
        'readConcernLevel="majority",',
        'readConcernLevel="local",',
        (DATABASE,),
    ),
    Mutant(
        "our own write is taken for somebody else's",
        "adapters/mongo/verdict.py",
        'if found is not None and found["write"] == stored["write"]:',
        "if False:",
        (VERDICTS,),
    ),
    Mutant(
        "a write in doubt that others wrote over is called lost",
        "adapters/mongo/verdict.py",
        '    if there is None or there > stored["version"]:\n        return Verdict.UNKNOWN\n',
        '    if there is None or there > stored["version"]:\n        return Verdict.LOST\n',
        (VERDICTS,),
    ),
    Mutant(
        "a write that no majority shows yet is called lost",
        "adapters/mongo/verdict.py",
        "        return Verdict.NOT_YET\n    if not doubt",
        "        return Verdict.LOST\n    if not doubt",
        (VERDICTS,),
    ),
)

IN_DOUBT = (
    Mutant(
        "a refusal takes the doubt of an earlier try of a MongoDB write away",
        "adapters/mongo/patience.py",
        "doubt = doubt or (writes and may_be_applied(error, sent=tried.sent))",
        "doubt = writes and may_be_applied(error, sent=tried.sent)",
        (f"{ANSWERS}::{LATER}",),
    ),
    Mutant(
        "the driver repeats writes to MongoDB by itself",
        "adapters/mongo/store.py",
        "retryWrites=False,",
        "retryWrites=True,",
        (f"{ANSWERS}::{LATER}", ANSWERS),
    ),
    Mutant(
        "a write for which there was no connection to MongoDB is told as doubt",
        "adapters/mongo/errors.py",
        "    if not sent or str(error.__cause__) == CLOSED_BEFORE_SENDING:\n        return False\n",
        "",
        (f"{ANSWERS}::test_a_write_for_which_no_connection_can_be_made_is_not_doubt",),
    ),
    Mutant(
        "who waits for a connection to MongoDB is overtaken by those who have one",
        "adapters/mongo/store.py",
        "turns=pool_max)",
        "turns=100 * pool_max)",
        (f"{TROUBLE}::test_who_waits_for_a_connection_is_not_overtaken_by_those_who_have_one",),
    ),
    Mutant(
        "a write of which no majority is known is told as nothing done",
        "adapters/mongo/errors.py",
        "return isinstance(error, WriteConcernError) or code not in _REFUSED_CODES",
        "return not isinstance(error, WriteConcernError) and code not in _REFUSED_CODES",
        (f"{ANSWERS}::test_a_write_of_which_the_majority_is_not_known_is_doubt",),
    ),
    Mutant(
        "a server that is not available for a moment is given up",
        "adapters/mongo/errors.py",
        "        365,  # TemporarilyUnavailable\n        371,  # UserWritesBlocked\n        384,",
        "        371,  # UserWritesBlocked\n        384,",
        (f"{REFUSALS}::test_what_a_server_says_in_passing_is_asked_again",),
    ),
    Mutant(
        "an insert in doubt that its own unique value keeps out is called lost",
        "adapters/mongo/store.py",
        "        if values and not doubt:\n",
        "        if values:\n",
        (f"{REFUSALS}::test_an_insert_in_doubt_whose_value_another_has_by_now_is_not_called_lost",),
    ),
    Mutant(
        "an insert that one without a majority kept out is called lost",
        "adapters/mongo/store.py",
        "        return await self._is_lost(collection, stored, None, doubt=doubt)\n",
        "        return True\n",
        (f"{REFUSALS}::{NOT_YET}",),
    ),
    Mutant(
        "whoever decides by what is missing is shown an old picture",
        "adapters/mongo/store.py",
        "latest = LINEARIZABLE.get() and not self._is_alone",
        "latest = False",
        (f"{REFUSALS}::test_whoever_decides_by_what_is_missing_is_not_shown_an_old_picture",),
    ),
    Mutant(
        "a document that MongoDB does not take raises what the port does not know",
        "adapters/mongo/patience.py",
        "                except ENCODING_ERRORS as error:\n",
        "                except ZeroDivisionError as error:\n",
        (f"{REFUSALS}::test_a_document_that_no_server_takes_is_refused_in_the_ports_words",),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*SQLITE, *DISK, *MONGO, *IN_DOUBT)
