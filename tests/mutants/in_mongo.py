"""Mistakes in the MongoDB store: whose write it was, what is in doubt, who waits."""

from tests.mutants.mutant import Mutant

STORE = "tests/contract/test_store.py"
QUERIES = "tests/contract/test_store_queries.py"
STALE = f"{STORE}::test_a_stale_version_replaces_nothing"
REMOVING = f"{STORE}::test_removing_takes_the_expected_version_only"
UNIQUE = f"{STORE}::test_a_unique_value_belongs_to_one_document"
CLAIMED = f"{QUERIES}::test_a_claimed_document_is_not_due_until_its_lease_ends"
PAGES = f"{QUERIES}::test_pages_show_everything_once_while_others_insert"
VERDICTS = "tests/contract/test_mongo_verdicts.py"
ANSWERS = "tests/contract/test_mongo_answers.py"
TROUBLE = "tests/contract/test_mongo_trouble.py"
REFUSALS = "tests/contract/test_mongo_refusals.py"
LATER = "test_a_write_whose_answer_was_lost_is_in_doubt_whatever_is_answered_later"
NOT_YET = "test_an_insert_that_was_kept_out_by_one_that_no_majority_has_yet_is_tried_again"
DATABASE = "tests/contract/test_mongo_database.py"

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
        "a write to MongoDB is sent when hardly any time is left to hear of it",
        "adapters/mongo/patience.py",
        "SHORTEST_TRY = 0.25",
        "SHORTEST_TRY = 0.0",
        (f"{ANSWERS}::test_a_write_is_not_sent_with_hardly_any_time_left_to_hear_of_it",),
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

MUTANTS: tuple[Mutant, ...] = (*MONGO, *IN_DOUBT)
