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
VERDICTS = "tests/contract/test_mongo_verdicts.py"
LOST = "tests/contract/test_mongo_lost_answers.py"
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
        "        if len(found) <= limit:\n            return Page(items, None)",
        "        if len(found) < limit:\n            return Page(items, None)",
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
        '{"columns.wake_at": {"$lte": now}}',
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

MUTANTS: tuple[Mutant, ...] = (*SQLITE, *MONGO)
