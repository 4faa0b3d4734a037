"""Mistakes in whose an e-mail is, and in which customer is whose."""

from tests.mutants.mutant import Mutant

RULES = "tests/domain/test_customer_emails.py"
FOLLOWED = "tests/flows/test_customer_emails.py"
TROUBLE = "tests/flows/test_customer_emails_in_trouble.py"
CLAIMS = "tests/flows/test_hold_email.py"
REKEYED = "tests/flows/test_rekey_customers.py"
CHANGED = "tests/api/test_customer_changes.py"
UPDATES = "tests/domain/test_customer_update.py"
SEEMS_SO = "tests/api/test_changes_that_seem_so.py"
OLD_TOKENS = "tests/api/test_old_tokens.py"
OVERTAKEN = "tests/flows/test_change_customer.py"
GIVEN_UP = "tests/domain/test_card_steps_given_up.py"
STORED = "tests/contract/test_store_customers.py"
SPELLED = "tests/domain/test_email_address.py"

FOLLOWING = (
    Mutant(
        "what our key may not do is shown as done for good",
        "domain/corridor_customers.py",
        "        return _with_next_call(looking_after_refusal(done, moment.now), moment)\n",
        "        return _with_next_call(done, moment)\n",
        (GIVEN_UP,),
    ),
    Mutant(
        "a change that another one goes before is refused at once",
        "flows/change_customer.py",
        "            if world.clock.now() >= deadline:\n                raise\n",
        "            raise\n",
        (CHANGED,),
    ),
    Mutant(
        "an e-mail that was changed at Stripe is not followed",
        "domain/following.py",
        "    return moved_at_stripe(after, seen.email, moment)\n",
        "    return after\n",
        (FOLLOWED,),
    ),
    Mutant(
        "the old e-mail leads to the customer until the new one is claimed",
        "domain/customer_emails.py",
        "    after = replace(customer, held_email=None, released_emails=released)\n",
        "    after = replace(customer, released_emails=released)\n",
        (FOLLOWED,),
    ),
    Mutant(
        "an e-mail that becomes free later is never followed",
        "domain/customer_emails.py",
        "        return _waiting(_unheld(",
        "        return (lambda one, _: one)(_unheld(",
        (RULES, FOLLOWED),
    ),
    Mutant(
        "the old e-mail is never released",
        "domain/customer_emails.py",
        "    if customer.released_emails:\n        return ReleaseEmail",
        "    if False:\n        return ReleaseEmail",
        (FOLLOWED,),
    ),
    Mutant(
        "a claim for a wish that is over is switched to",
        "domain/customer_emails.py",
        "(customer.next_email, customer.email_claims) == (step.email, step.number)",
        "customer.next_email is not None",
        (RULES,),
    ),
    Mutant(
        "a customer is asked of Stripe before it has its e-mail",
        "domain/corridor_customers.py",
        "    if customer.is_founding:  # whether there is a customer is not known yet\n",
        "    if False:\n",
        (RULES,),
    ),
    Mutant(
        "a customer that was deleted at Stripe is made anew by being put under our id",
        "domain/corridor_customers.py",
        "        return begin_call(after, moment) if is_wanted else after\n",
        "        return begin_call(after, moment)\n",
        (REKEYED,),
    ),
    Mutant(
        "the claim of a process that died is never made again",
        "domain/customer.py",
        "        return min(filter(None, (due, self.email_due_at)), default=None)\n",
        "        return due\n",
        (TROUBLE,),
    ),
    Mutant(
        "whoever asks by the new e-mail gets a second document",
        "flows/keep_customer.py",
        "    known = await customer_of_id(world, news.customer.id)\n",
        "    known = None\n",
        (FOLLOWED,),
    ),
)
CLAIMING = (
    Mutant(
        "an e-mail that another customer has is taken from it",
        "flows/hold_email.py",
        "if place is not None and place.uid != step.uid and await customer_wanting(world, place):",
        "if False:",
        (CLAIMS,),
    ),
    Mutant(
        "an e-mail that leads nowhere keeps everybody out",
        "flows/hold_email.py",
        "if place is not None and place.uid != step.uid and await customer_wanting(world, place):",
        "if place is not None and place.uid != step.uid:",
        (CLAIMS,),
    ),
    Mutant(
        "a claim that is there already is not written anew",
        "flows/hold_email.py",
        "        claimed = await _written(world, step, place)\n",
        "        claimed = place or await _written(world, step, place)\n",
        (CLAIMS,),
    ),
    Mutant(
        "who has lost the e-mail stays a customer",
        "flows/hold_email.py",
        "            if step.is_founding:\n",
        "            if False:\n",
        (CLAIMS,),
    ),
    Mutant(
        "an e-mail that is wanted again is released",
        "flows/hold_email.py",
        "if place is None or place.uid != uid or await customer_wanting(world, place):",
        "if place is None or place.uid != uid:",
        (CLAIMS,),
    ),
    Mutant(
        "a customer that is not wanted any more leaves its claim behind",
        "flows/hold_email.py",
        "        await remove_place(world, claimed)  # it was forgotten",
        "        pass  # it was forgotten",
        (CLAIMS,),
    ),
    Mutant(
        "an e-mail leads to a customer that says otherwise",
        "flows/find_customer.py",
        "        if customer is not None and customer.email == email:\n",
        "        if customer is not None:\n",
        (TROUBLE, FOLLOWED),
    ),
    Mutant(
        "two documents may have one customer of Stripe's",
        "storage/collections.py",
        '    unique=frozenset({"stripe_id"}),\n',
        "",
        (STORED,),
    ),
)
CHANGING = (
    Mutant(
        "an e-mail is changed here before Stripe has taken it",
        "domain/customer_emails.py",
        "            if customer.update is not None:  # Stripe may refuse it yet\n",
        "            if False:\n",
        (RULES, CHANGED),
    ),
    Mutant(
        "what Stripe refuses keeps the e-mail claimed",
        "domain/customer_emails.py",
        "    return replace(without_next_email(customer, now), update=None, look_at=look_at)\n",
        "    return replace(customer, update=None, look_at=look_at)\n",
        (CHANGED,),
    ),
    Mutant(
        "a look while a change waits for its e-mail is the last one",
        "domain/corridor_customers.py",
        "    if customer.call is not None or customer.awaits_claim:\n",
        "    if customer.call is not None:\n",
        (RULES,),
    ),
    Mutant(
        "nobody looks at Stripe after a change that came to nothing",
        "domain/customer_emails.py",
        "update=None, look_at=look_at)\n",
        "update=None)\n",
        (RULES,),
    ),
    Mutant(
        "a taken e-mail is told as a success",
        "flows/change_customer.py",
        "    if claimed.doc.awaits_claim and customer.refused_since(",
        "    if False and customer.refused_since(",
        (CHANGED,),
    ),
    Mutant(
        "a change takes the place of one that is under way",
        "domain/customer_update.py",
        "    if is_changing(customer):\n",
        "    if False:\n",
        (OVERTAKEN,),
    ),
    Mutant(
        "what is so here is taken for so at Stripe",
        "domain/customer_update.py",
        "_email_is_so(customer, wanted) and followed_email(seen.email) == email:",
        "_email_is_so(customer, wanted):",
        (UPDATES, SEEMS_SO),
    ),
    Mutant(
        "a refusal of another e-mail before is taken for one of this",
        "flows/change_customer.py",
        "    if claimed.doc.awaits_claim and customer.refused_since(",
        "    if email is not None and customer.refused_since(",
        (SEEMS_SO,),
    ),
    Mutant(
        "an end user brings their old e-mail back to Stripe",
        "domain/customer_update.py",
        "    if email is not None and not may_move:\n",
        "    if False:\n",
        (UPDATES, SEEMS_SO),
    ),
    Mutant(
        "a name that was changed at Stripe is not followed",
        "domain/following.py",
        "        name=seen.name or None,\n",
        "        name=customer.name or seen.name,\n",
        (SEEMS_SO,),
    ),
    Mutant(
        "an end user may change the e-mail of a customer",
        "api/belonging.py",
        '        raise EmailNotYours("Only a service may change the e-mail of a customer.")\n',
        "        pass\n",
        (CHANGED,),
    ),
    Mutant(
        "a key of before gives an old token the payment of somebody else",
        "api/idempotency.py",
        "        if await is_anothers(world, call, told):\n",
        "        if False:\n",
        (OLD_TOKENS,),
    ),
    Mutant(
        "a key gives nothing again of a customer that was forgotten",
        "api/own_answers.py",
        "if customer is not None and customer.email != call.caller.email:",
        "if customer is None or customer.email != call.caller.email:",
        (OLD_TOKENS,),
    ),
    Mutant(
        "an e-mail that Stripe will not look for is taken for our fault",
        "flows/keep_customer.py",
        "if field_of(Action.CREATE_CUSTOMER, error) is not None:",
        "if False:",
        ("tests/flows/test_keep_customer.py",),
    ),
    Mutant(
        "a default card that Stripe will not have is taken for our fault",
        "domain/stripe_errors.py",
        "param in CARD_PARAMS or denial.param == _DEFAULT_CARD_PARAM",
        "param in CARD_PARAMS",
        ("tests/api/test_truth_about_cards.py",),
    ),
    Mutant(
        "a customer is found at Stripe by the normalised e-mail only",
        "adapters/stripe/looks.py",
        "dict.fromkeys((step.email, step.spelling or step.email))",
        "(step.email,)",
        (CHANGED,),
    ),
    Mutant(
        "letters that look like others are other letters",
        "domain/email_address.py",
        "    if not given.isascii() and looks_like_another(given):\n",
        "    if False:\n",
        (SPELLED,),
    ),
    Mutant(
        "the sign of Kelvin is a k",
        "domain/look_alikes.py",
        "    if any(unicodedata.normalize(",
        "    if False and any(unicodedata.normalize(",
        (SPELLED,),
    ),
    Mutant(
        "letters of full width are other letters",
        "domain/look_alikes.py",
        "    if any(_folds(char) for char in composed if not char.isascii()):\n",
        "    if False:\n",
        (SPELLED,),
    ),
    Mutant(
        "small capitals and what is not seen make another e-mail",
        "domain/look_alikes.py",
        "    if not all(map(_is_of_words, others)):\n",
        "    if False:\n",
        (SPELLED,),
    ),
    Mutant(
        "a word may have letters of two scripts",
        "domain/look_alikes.py",
        "        return all(map(_goes_with_latin, others))\n",
        "        return True\n",
        (SPELLED,),
    ),
)
FORGETTING = (
    Mutant(
        "forgetting reaches who had the e-mail until it was changed at Stripe",
        "flows/forget_customer.py",
        "    elif not await _has_moved(world, customer, email):\n",
        "    else:\n",
        ("tests/flows/test_forget_who_moved.py",),
    ),
    Mutant(
        "forgetting leaves the e-mail behind",
        "flows/forget_customer.py",
        "            if place.uid != customer.uid or await remove_place(world, place):\n",
        "            if True:\n",
        (FOLLOWED,),
    ),
    Mutant(
        "forgetting leaves a document of an older release behind",
        "flows/forget_customer.py",
        "            await _remove_document(world, left)\n",
        "            break\n",
        (REKEYED,),
    ),
    Mutant(
        "an old document is removed though somebody has written it since",
        "flows/rekey_customers.py",
        "        return await world.store.get(CUSTOMERS, old.id) is None",
        "        return True",
        (REKEYED,),
    ),
    Mutant(
        "an old document is put away while something is under way for it",
        "flows/rekey_customers.py",
        "not found.is_old or found.call is not None:",
        "not found.is_old:",
        (REKEYED,),
    ),
)
MUTANTS = (*FOLLOWING, *CLAIMING, *CHANGING, *FORGETTING)
