"""Mistakes in the order of steps: what is written before what, and who may act."""

from tests.mutants.mutant import LIVES_MAX, Lives, Mutant

ADVANCE = "tests/flows/test_advance.py"
WAITING = "tests/flows/test_pay_order_waiting.py"
WAITING_ENDS = "tests/flows/test_waiting_ends.py"
PAY = "tests/flows/test_pay_order.py"
REFUNDS = "tests/flows/test_refund_payment.py"
RECOVER = "tests/flows/test_recover.py"
LISTS = "tests/flows/test_read_lists.py"
IN_LINE = "tests/flows/test_events_in_line.py"
OF_PAYMENTS = "tests/flows/test_events_of_payments.py"
OF_REFUNDS = "tests/flows/test_events_of_refunds.py"
GUARD = "tests/flows/test_guard_cards.py"
FORGET = "tests/flows/test_forget_customer.py"
REFUSALS = "tests/flows/test_refuse_after_refresh.py"

CORRIDOR = (
    Mutant(
        "what is asked of Stripe next is not written down before",
        "flows/advance.py",
        "return Claimed(way.asking(doc, step, moment), step, until)",
        "return Claimed(doc, step, until)",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "the loser of a race writes over the winner",
        "flows/advance.py",
        "            doc = await reload(world, way, doc)\n            continue\n",
        "            doc = replace(doc, version=doc.version + 1)\n            continue\n",
        (ADVANCE,),
    ),
    Mutant(
        "a process that slept through its claim sends all the same",
        "flows/advance.py",
        "return claimed.until is not None and ",
        "return False and claimed.until is not None and ",
        (ADVANCE,),
    ),
    Mutant(
        "a process that is stopped forgets what it was asking",
        "flows/advance.py",
        '        stopped = heard(NoNews("stopped"))\n',
        '        raise\n        stopped = heard(NoNews("stopped"))\n',
        (ADVANCE,),
    ),
    Mutant(
        "an owner that lost its claim undoes the claim of whoever took over",
        "flows/advance.py",
        "if taken_over and isinstance(news_now, NoNews | NotExecuted):",
        "if False:",
        (ADVANCE,),
    ),
    Mutant(
        "a look that was overtaken is believed",
        "flows/advance.py",
        'return NoNews("overtaken") if overtaken or isinstance(step, EXACT_LOOKS) else news',
        'return NoNews("overtaken") if isinstance(step, EXACT_LOOKS) else news',
        (ADVANCE,),
    ),
    Mutant(
        "walkers of one process do not know of each other",
        "flows/advance.py",
        "    world.under_way[here] += 1\n    try:",
        "    world.under_way[here] += 0\n    try:",
        ("tests/flows/test_walkers_keep_apart.py",),
    ),
    Mutant(
        "a payer waits for the OrderService",
        "flows/advance.py",
        "world.background.spawn(_tell(world, way, claimed, claimed.step, bearer_token))",
        "await _tell(world, way, claimed, claimed.step, bearer_token)",
        (RECOVER, "tests/flows/test_advance_in_trouble.py"),
        hangs=True,
    ),
    Mutant(
        "a database that goes away after the charge is told as nothing charged",
        "flows/settle.py",
        "        return claimed.doc\n    finally:",
        "        raise\n    finally:",
        (WAITING,),
    ),
    Mutant(
        "who waits does not hear that a webhook has settled it",
        "flows/advance.py",
        "        world.changes.written(place(way.collection, written), written)\n",
        "",
        (WAITING_ENDS,),
    ),
    Mutant(
        "who waits does not see that another process has settled it",
        "flows/settle.py",
        "None if world.store.exclusive else CHANGED_EVERY_S",
        "None",
        (WAITING_ENDS,),
    ),
    Mutant(
        "a card that Stripe shows as attached goes on being waited for",
        "flows/follow_customer.py",
        "        return seen_done(current, key, news.customer, moment)",
        "        return current",
        (WAITING_ENDS,),
    ),
    Mutant(
        "an order repriced while the payer pays the old price is told as paid",
        "flows/pay_order.py",
        "        return payment.state not in UNDECIDED\n",
        "        return False\n",
        ("tests/flows/test_trouble_that_lasts.py", PAY),
    ),
    Mutant(
        "a new order is charged although another request has opened it",
        "flows/pay_order.py",
        "            await world.store.insert(PAYMENTS, claimed.doc)\n"
        "        except AlreadyExists:\n            return None\n",
        "            await world.store.insert(PAYMENTS, claimed.doc)\n"
        "        except AlreadyExists:\n            return claimed\n",
        (PAY,),
    ),
    Mutant(
        "an attempt that lost the race for the document is made all the same",
        "flows/pay_order.py",
        "        except VersionConflict:\n"
        "            return None\n        world.witness.saw(existing",
        "        except VersionConflict:\n            pass\n        world.witness.saw(existing",
        (PAY,),
    ),
    Mutant(
        "a refund is made before it is said where it is to be found",
        "flows/refund_payment.py",
        "        await world.store.insert(REFUND_PLACES, place)\n",
        "        pass\n",
        ("tests/flows/test_moves.py", REFUNDS),
    ),
    Mutant(
        "a caller confirms without a look at what the payer's client has done",
        "flows/confirm_payment.py",
        "    payment, unseen = await try_refresh(world, payment)\n",
        "    unseen = None\n",
        ("tests/api/test_payment_moves.py",),
    ),
    Mutant(
        "an order that is asked for again is not looked at first",
        "flows/pay_order.py",
        "        existing, unseen = await try_refresh(world, existing)\n",
        "        pass\n",
        ("tests/flows/test_look_again.py",),
    ),
    Mutant(
        "a payer is told that there is no card when Stripe does not say what the payer did",
        "flows/confirm_payment.py",
        "        raise unseen or refusal from None\n",
        "        raise\n",
        (REFUSALS,),
    ),
    Mutant(
        "a payer is told of the last decline when Stripe does not say what the payer did since",
        "flows/confirm_payment.py",
        "        if unseen is not None and may_have_moved(claimed.doc):\n"
        "            raise unseen\n",
        "",
        (REFUSALS,),
    ),
    Mutant(
        "an order on other terms is refused when Stripe does not say how the old ones ended",
        "flows/pay_order.py",
        "        raise unseen or refusal from None\n",
        "        raise\n",
        (REFUSALS,),
    ),
    Mutant(
        "who pays again is told of the last decline without a look whether it was the last",
        "flows/pay_order.py",
        "        existing = await refresh_payment(world, existing)\n",
        "        pass\n",
        (REFUSALS,),
    ),
    Mutant(
        "what Stripe does not say is taken for as it was before a refusal",
        "flows/look_again.py",
        "    return await act(await refresh_payment(world, known))\n",
        "    return await act((await try_refresh(world, known))[0])\n",
        (REFUSALS,),
    ),
    Mutant(
        "a capture, a cancellation or a refund is refused by what was known before others acted",
        "flows/own_attempt.py",
        "        return await refuse_after_refresh(world, payment, act)\n",
        "        return await act(payment)\n",
        (REFUSALS,),
    ),
    Mutant(
        "what could not be refreshed is shown as if it were",
        "api/lookups.py",
        "            raise RefreshUnavailable(str(unseen)) from unseen\n",
        "            pass\n",
        ("tests/api/test_lookups.py",),
    ),
)

WORKERS = (
    Mutant(
        "a worker does not look at what is due",
        "flows/recover.py",
        "    payments = await _recover(world, PAYMENT, busy, concurrency)\n",
        "    payments = 0\n",
        Lives(("pay_once",), LIVES_MAX),
    ),
    Mutant(
        "a document under work is taken up a second time",
        "flows/recover.py",
        "fresh = [doc for doc in due if place(collection, doc) not in taken]",
        "fresh = list(due)",
        (RECOVER,),
    ),
    Mutant(
        "claims in a database that others use are taken for dead",
        "flows/recover.py",
        "    if world.store.exclusive:\n        await _take_over(world, PAYMENTS",
        "    if True:\n        await _take_over(world, PAYMENTS",
        (RECOVER,),
    ),
    Mutant(
        "one document that cannot be worked on ends the round of all",
        "flows/recover.py",
        "        world.witness.stumbled(doc.id, error)\n"
        "        await world.clock.sleep(STUMBLED_REST_S)\n",
        "        raise\n",
        (RECOVER,),
    ),
    Mutant(
        "of two workers both apply an event that is due",
        "flows/recover.py",
        "    except VersionConflict:\n        return\n    await apply_in_line(world, claimed)",
        "    except VersionConflict:\n        pass\n    await apply_in_line(world, claimed)",
        (IN_LINE,),
    ),
    Mutant(
        "an event that was seen is taken for applied",
        "flows/take_event.py",
        "    world.background.spawn(_apply(world, event))\n    return Taken.KEPT",
        "    return Taken.KEPT",
        (OF_PAYMENTS,),
    ),
    Mutant(
        "an event is answered before it is kept",
        "flows/take_event.py",
        "        await world.store.insert(EVENTS, event)\n",
        "        world.background.spawn(world.store.insert(EVENTS, event))\n",
        ("tests/flows/test_attempts_and_events.py", OF_PAYMENTS),
    ),
    Mutant(
        "an event whose look brought no answer is applied",
        "flows/look_at.py",
        "    if not isinstance(news, RefundsSeen):\n        raise NotSeen(_why(news))\n",
        "    if not isinstance(news, RefundsSeen):\n        return payment\n",
        (OF_REFUNDS,),
    ),
    Mutant(
        "a look at disputes that was overtaken is believed",
        "flows/look_at.py",
        "            if current.version != version:\n                raise Overtaken\n",
        "",
        (OF_REFUNDS,),
    ),
    Mutant(
        "an event that cannot be applied is lost",
        "flows/apply_event.py",
        "            change = _as_put_off(str(error))\n",
        "            change = _as_ended(EventState.APPLIED)\n",
        (OF_PAYMENTS,),
    ),
    Mutant(
        "a time of which no event could be read counts as read",
        "flows/read_lists.py",
        "        return False, None\n    for seen in news.events:\n        await take_event",
        "        return True, None\n    for seen in news.events:\n        await take_event",
        (LISTS,),
    ),
    Mutant(
        "a list of events is read from now on after a long absence, and nobody is told",
        "flows/read_lists.py",
        "        world.witness.missed(cursor)\n",
        "        pass\n",
        (LISTS,),
    ),
    Mutant(
        "a card tester's fingerprint is not asked for when a card is saved",
        "flows/keep_card.py",
        "        await card_try.let(card=seen.fingerprint)\n",
        "",
        (GUARD,),
    ),
    Mutant(
        "an address from which many cards were refused may go on",
        "flows/guard_cards.py",
        "(Kind.CARD, card), (Kind.ADDRESS, TRIED_FROM.get()))",
        "(Kind.CARD, card))",
        (GUARD,),
    ),
    Mutant(
        "a refused card counts on one replica only",
        "flows/guard_cards.py",
        "        known = await world.store.get(CARD_TALLIES, suspect.id)\n        moment",
        "        known = None\n        moment",
        (GUARD,),
    ),
    Mutant(
        "a customer that is being forgotten comes back when it is used",
        "flows/keep_customer.py",
        "    if customer.is_forgotten:\n        raise CustomerForgotten",
        "    if False:\n        raise CustomerForgotten",
        ("tests/flows/test_forget_customer_in_trouble.py", FORGET),
    ),
)

LATEST: tuple[Mutant, ...] = (
    Mutant(
        "what is not shown is not there",
        "flows/newest.py",
        "    if found is not None:\n        return found\n",
        "    if found is None:\n        return found\n",
        ("tests/flows/test_newest.py",),
    ),
    Mutant(
        "a payment that is not shown yet is told as missing",
        "flows/find_payment.py",
        "        with as_new_as_can_be():\n            payment = await _find(world, id)",
        "        payment = await _find(world, id)",
        ("tests/flows/test_newest.py",),
    ),
    Mutant(
        "a customer that was forgotten meanwhile is a contradiction",
        "flows/advance.py",
        "if found is None and isinstance(doc, Customer):",
        "if found is None and isinstance(doc, Payment):",
        ("tests/flows/test_newest.py",),
    ),
)

MUTANTS: tuple[Mutant, ...] = (*CORRIDOR, *WORKERS, *LATEST)
