"""Mistakes in the SQLite store: what is durable, what is in doubt, and which file it is."""

from tests.mutants.mutant import Mutant

BROKEN = "tests/contract/test_sqlite_broken_disk.py"
IDENTITY = "tests/contract/test_sqlite_identity.py"
LOG = "tests/contract/test_sqlite_log.py"
DAMAGE = "tests/contract/test_sqlite_damage.py"
CAREFUL = f"{IDENTITY}::test_every_connection_of_the_store_is_as_careful_as_promised"
COUNTED = f"{IDENTITY}::test_every_transaction_is_counted_and_the_marker_never_leads"
NOT_SEEN_AGAIN = (
    f"{IDENTITY}::test_what_goes_into_a_file_that_nobody_will_see_again_is_not_acknowledged"
)
WITHOUT_WRITES = f"{IDENTITY}::test_the_loss_of_the_file_is_seen_and_said_without_any_write"
WRITTEN_OVER = (
    f"{IDENTITY}::test_a_copy_that_is_written_over_the_file_in_use_is_never_mixed_with_it"
)
REFUSED = (
    f"{IDENTITY}::test_a_start_on_a_file_that_was_not_used_last_is_refused_until_it_has_caught_up"
)
IN_DOUBT = (
    f"{BROKEN}::test_a_batch_whose_sync_fails_for_good_is_in_doubt_and_not_told_as_nothing_done"
)
WRITER, STORE = "adapters/sqlite/writer.py", "adapters/sqlite/store.py"
CONNECTING, STARTING = "adapters/sqlite/connecting.py", "adapters/sqlite/starting.py"

DURABLE = (
    Mutant(
        "no PRAGMA reaches the connection",
        CONNECTING,
        'connection.execute(f"PRAGMA {name} = {value}")',
        'assert f"PRAGMA {name} = {value}"',
        (CAREFUL,),
    ),
)
DOUBTFUL = (
    Mutant(
        "a commit in doubt is acknowledged",
        WRITER,
        "        if is_in is None:\n            return _doubt(answers, str(error))\n",
        "",
        (IN_DOUBT,),
    ),
    Mutant(
        "writing goes on while a commit is in doubt",
        WRITER,
        "if not self._file.settled or self._why_lost:",
        "if self._file.writer is None or self._why_lost:",
        (IN_DOUBT,),
    ),
    Mutant(
        "a document in doubt is shown as it was",
        STORE,
        "        if self._is_in_doubt(collection, id):\n            raise StoreInDoubt(f",
        "        if False:\n            raise StoreInDoubt(f",
        (IN_DOUBT,),
    ),
    Mutant(
        "what came of a failed commit is guessed, not read",
        "adapters/sqlite/open_file.py",
        "return found.writes == expected",
        "return True",
        (f"{BROKEN}::test_a_batch_whose_sync_fails_once_is_known_and_survives_as_told",),
    ),
)
WHICH_FILE = (
    Mutant(
        "only the database counts, not its log",
        "adapters/sqlite/identity.py",
        "return self.database == other.database and self.log == other.log",
        "return self.database == other.database",
        (NOT_SEEN_AGAIN,),
    ),
    Mutant(
        "another state that was restored into the file is written on",
        "adapters/sqlite/identity.py",
        "return connection.execute(_COUNT, values).rowcount == 1",
        "return connection.execute(_COUNT, values).rowcount < 2",
        ("tests/contract/test_sqlite_restored.py",),
    ),
    Mutant(
        "what is in the file under the log is not looked at while it is used",
        "adapters/sqlite/open_file.py",
        "if self._overwritten or not is_ours or is_cut or writes < self.marker.folded:",
        "if self._overwritten or not is_ours or is_cut:",
        (WRITTEN_OVER,),
    ),
    Mutant(
        "a log that somebody cut is taken for a folded one",
        "adapters/sqlite/open_file.py",
        "is_ours or is_cut or",
        "is_ours or",
        (LOG,),
    ),
    Mutant(
        "a new file does not show by itself that it was used",
        STARTING,
        "            file.show_use()\n",
        "            pass\n",
        (REFUSED,),
    ),
    Mutant(
        "a file is used by two names",
        STARTING,
        "found.st_nlink > 1:",
        "found.st_nlink > 2:",
        ("tests/contract/test_sqlite_open.py",),
    ),
    Mutant(
        "a start goes on with a file that was written over",
        "adapters/sqlite/open_file.py",
        "        self.marker.disown(self.identity.writes)\n",
        "",
        (WRITTEN_OVER,),
    ),
    Mutant(
        "what is in the file under the log is not looked at before it is opened",
        STARTING,
        "or folded.writes < mark.folded:",
        "or folded.writes < 0:",
        (REFUSED,),
    ),
    Mutant(
        "the marker is not compared at the start",
        STARTING,
        "why = why or _difference(found, mark)",
        "why = why or ''",
        (REFUSED,),
    ),
    Mutant(
        "an accepted older file is the last one at once",
        STARTING,
        "signed = _sign(path, found, lacks_since_ms=_lacks_since_ms(found))",
        "signed = found or _sign(path, found, lacks_since_ms=_lacks_since_ms(found))",
        (REFUSED,),
    ),
    Mutant(
        "the marker leads: it is written before the commit",
        WRITER,
        '        try:\n            connection.execute("COMMIT")\n',
        "        self._file.marker.note(self._file.identity.writes + 1)\n"
        '        try:\n            connection.execute("COMMIT")\n',
        (f"{BROKEN}::test_what_had_no_room_in_the_log_is_not_in_the_marker_either",),
    ),
)
DAMAGED = (
    Mutant(
        "a damaged page fails the whole batch",
        WRITER,
        "if len(batch) > 1 and self._file.settled and is_of_one_place(error):",
        "if len(batch) < 1:",
        (DAMAGE,),
    ),
    Mutant(
        "one damaged document ends a list",
        STORE,
        "            if not is_of_one_place(error.__cause__):\n"
        "                raise\n        else:",
        "            raise\n        else:",
        (DAMAGE,),
    ),
)
CAUGHT_UP = (
    Mutant(
        "a lost payment is not made again",
        "flows/restore_payments.py",
        "            await world.store.insert(PAYMENTS, payment)\n",
        "",
        ("tests/flows/test_restore_payments.py",),
    ),
    Mutant(
        "refunds are restored as somebody else's",
        "flows/restore_payments.py",
        "current = replace(current, refunds=(*current.refunds, *found))",
        "current = replace(current, refunds=current.refunds)",
        ("tests/flows/test_restore_payments.py",),
    ),
    Mutant(
        "a later PaymentIntent of a canceled order is left out",
        "domain/restoring.py",
        "    if not is_later and not (is_anothers and is_nearer):\n",
        "    if not (is_anothers and is_nearer):\n",
        ("tests/domain/test_restoring.py", "tests/flows/test_restore_payments.py"),
    ),
)
MUTANTS = (*DURABLE, *DOUBTFUL, *WHICH_FILE, *DAMAGED, *CAUGHT_UP)
