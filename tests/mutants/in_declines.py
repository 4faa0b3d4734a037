"""Mistakes in what a refused card tells to whom, in what is taken for an event, and in copies."""

from tests.mutants.mutant import Mutant

DECLINES = "tests/api/test_declines.py"
DECLINE = "tests/domain/test_decline.py"
EVENTS = "tests/api/test_strange_events.py"
THIN = "tests/api/test_thin_events.py"
COPIES = "tests/flows/test_copied_intents.py"
COPIES_RESTORED = "tests/domain/test_restoring.py"
GUARD = "tests/flows/test_guard_cards.py"

TOLD = (
    Mutant(
        "a payer is shown what a service is",
        "api/endpoint.py",
        "        api = replace(api, show=api.show.for_payer())\n",
        "        pass\n",
        (DECLINES,),
    ),
    Mutant(
        "a code that is new to us is told to the payer",
        "domain/decline.py",
        "    if codes <= PAYER_SAFE_CODES:\n",
        '    if not codes & {"stolen_card", "lost_card", "fraudulent", "pickup_card"}:\n',
        (DECLINE,),
    ),
    Mutant(
        "the card network's code tells the payer that the card is stolen",
        "domain/decline.py",
        "        network_decline_code=None,\n",
        "",
        (DECLINE,),
    ),
    Mutant(
        "an answer kept for a service is given again to a payer as it is",
        "api/presenting.py",
        "return _payer_safe(body) if self.to_payer else dict(body)",
        "return dict(body)",
        (DECLINES,),
    ),
    Mutant(
        "a payment that asks the payer is a success whatever is set",
        "api/payments.py",
        "    if api.options.requires_action_status == 200 and not is_away:\n",
        "    if True:\n",
        (DECLINES,),
    ),
    Mutant(
        "that a look showed how a card was refused counts as another refusal",
        "domain/card_refusals.py",
        "        or _is_same(before.failure, failure)\n",
        "        or failure is before.failure\n",
        (GUARD,),
    ),
)
TAKEN = (
    Mutant(
        "an event of a connected account is taken for ours",
        "domain/event.py",
        "    if seen.livemode is not livemode or seen.account is not None:\n",
        "    if seen.livemode is not livemode:\n",
        (THIN,),
    ),
    Mutant(
        "a thin event is foreign because it bears no mark",
        "domain/event.py",
        "    if seen.object_type is not None:  # a thin event says nothing of marks\n",
        "    if False:\n",
        (THIN,),
    ),
    Mutant(
        "a signed post with a field of a wrong type is a bug of ours",
        "adapters/stripe/webhooks.py",
        "        except (LookupError, TypeError, ValueError, AttributeError, RecursionError):\n",
        "        except LookupError:\n",
        (EVENTS,),
    ),
    Mutant(
        "what Stripe answers is written down whatever its type",
        "adapters/stripe/objects.py",
        "    msgspec.json.decode(written, type=type(seen))\n",
        "",
        ("tests/contract/test_stripe_objects.py",),
    ),
    Mutant(
        "a document that cannot be read makes SQLite's lists unreadable",
        "adapters/sqlite/store.py",
        "        items = list(self._readable(collection, found[:limit]))\n",
        "        items = [from_json(body, collection.kind) for body in found[:limit] if body]\n",
        (EVENTS,),
    ),
)
COPIED = (
    Mutant(
        "an order that was paid by a copy is told to be canceled",
        "domain/outcome.py",
        "    is_over = status is State.CANCELED and payment.late_intent_id is None\n",
        "    is_over = status is State.CANCELED\n",
        (COPIES,),
    ),
    Mutant(
        "that an order is canceled is told though a copy has taken its money since",
        "domain/corridor_attempts.py",
        "overtaken(notice) if occasion_of(notice, moment.policy) is Occasion.CANCELED else notice",
        "notice",
        (COPIES,),
    ),
    Mutant(
        "a canceled PaymentIntent of a clone takes the place of what may still be paid",
        "domain/restoring.py",
        "(is_anothers and is_nearer)",
        "is_anothers",
        (COPIES_RESTORED,),
    ),
    Mutant(
        "of several PaymentIntents under one key the newest counts",
        "domain/restoring.py",
        "    return max(reversed(intents), key=lambda intent: nearness(intent.status))\n",
        "    return intents[0]\n",
        (COPIES_RESTORED,),
    ),
)
MUTANTS = (*TOLD, *TAKEN, *COPIED)
