"""Saved cards at the HTTP door."""

from payment_service.api.answer_models import (
    CardAnswer,
    CardsAnswer,
    DoneAnswer,
    PendingAnswer,
)
from payment_service.api.answers import Answer, about, pending, success
from payment_service.api.asked import AskedCard, AskedCardDetails, AskedCustomerId, AskedDefaultCard
from payment_service.api.belonging import own_customer
from payment_service.api.caller import Scope
from payment_service.api.endpoint import Api, Endpoint
from payment_service.api.incoming import Incoming, refuse_card_numbers
from payment_service.api.validation import checked
from payment_service.domain.customer import Card, Customer
from payment_service.domain.errors import NotFound
from payment_service.domain.owed_to_cards import default_is_owed, is_owed
from payment_service.flows.keep_card import attach_card, remove_card, set_default_card
from payment_service.flows.keep_customer import customer_by_id


async def attach(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedCard, call.body)
    customer, card = await attach_card(
        api.world,
        asked.customer_id,
        asked.payment_method_id,
        cardholder_name=None,
        is_default=False,
        deadline=api.deadline(),
    )
    return _attached(api, customer, card)


async def attach_with_details(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedCardDetails, call.body)
    customer, card = await attach_card(
        api.world,
        asked.customer_id,
        asked.payment_method_id,
        cardholder_name=asked.cardholder_name,
        is_default=bool(asked.is_default),
        deadline=api.deadline(),
    )
    return _attached(api, customer, card)


async def set_default(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedDefaultCard, call.body)
    customer = await set_default_card(
        api.world, asked.customer_id, asked.payment_method_id, deadline=api.deadline()
    )
    card = customer.card(asked.payment_method_id)
    if card is None:
        raise NotFound("This card was removed while it was being made the default.")
    if default_is_owed(customer, card.payment_method_id):  # it goes on by itself
        return pending(
            "The card is being made the default.", {"payment_method_id": asked.payment_method_id}
        )
    return about(customer.customer_id, api.show.card(customer, card))


async def remove(api: Api, call: Incoming) -> Answer:
    asked = checked(AskedCard, call.body)
    customer = await remove_card(
        api.world, asked.customer_id, asked.payment_method_id, deadline=api.deadline()
    )
    if customer.card(asked.payment_method_id) is not None:
        return pending("The card is being removed.", {"payment_method_id": asked.payment_method_id})
    return Answer(200, {"success": True, "message": "The card was removed."})


async def list_all(api: Api, call: Incoming) -> Answer:
    refuse_card_numbers(call.path)
    asked = checked(AskedCustomerId, call.path)
    customer = await customer_by_id(api.world, asked.customer_id)
    return success(api.show.cards(customer))


def _attached(api: Api, customer: Customer, card: Card) -> Answer:
    # Its name or the default may still be on their way: that goes on by itself.
    if is_owed(customer, card.payment_method_id):
        return pending(
            "The card is being added; it is in the list of cards once it is.",
            {"payment_method_id": card.payment_method_id},
        )
    return about(customer.customer_id, api.show.card(customer, card))


_ATTACHING = {
    400: ("card_not_usable",),
    402: ("card_declined",),
    404: ("not_found", "card_not_found", "customer_not_found"),
    409: ("customer_forgotten",),
    429: ("too_many_card_refusals",),
}
ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/payment-method",
        handle=attach,
        scope=Scope.WRITE,
        guard=own_customer,
        name="attach_card",
        tag="cards",
        summary="Attach a card to a customer",
        description=(
            "The first card of a customer becomes the default. A card is attached once, however "
            "often this is asked."
        ),
        asks=AskedCard,
        answers={200: CardAnswer, 202: PendingAnswer},
        refusals=_ATTACHING,
    ),
    Endpoint(
        method="POST",
        path="/payment-method-details",
        handle=attach_with_details,
        scope=Scope.WRITE,
        guard=own_customer,
        name="attach_card_with_details",
        tag="cards",
        summary="Attach a card and keep its holder's name",
        description="Brand, last digits and expiry are Stripe's, whatever is sent.",
        asks=AskedCardDetails,
        answers={200: CardAnswer, 202: PendingAnswer},
        refusals=_ATTACHING,
    ),
    Endpoint(
        method="PUT",
        path="/payment-method",
        handle=set_default,
        scope=Scope.WRITE,
        guard=own_customer,
        name="set_default_card",
        tag="cards",
        summary="Make a card the customer's default",
        asks=AskedDefaultCard,
        answers={200: CardAnswer, 202: PendingAnswer},
        refusals={
            400: ("card_detached", "card_not_usable"),
            404: ("not_found", "card_not_found"),
            409: ("customer_forgotten",),
        },
    ),
    Endpoint(
        method="DELETE",
        path="/payment-method",
        handle=remove,
        scope=Scope.WRITE,
        guard=own_customer,
        name="remove_card",
        tag="cards",
        summary="Remove a card from a customer",
        description=(
            "When the default goes, the most recently added card that is left becomes the default, "
            "here and at Stripe. The fields may be sent in the query instead of a body."
        ),
        asks=AskedCard,
        answers={200: DoneAnswer, 202: PendingAnswer},
        refusals={404: ("not_found",), 409: ("customer_forgotten", "card_not_removed")},
    ),
    Endpoint(
        method="GET",
        path="/payment-methods/{customerId}",
        handle=list_all,
        scope=Scope.READ,
        guard=own_customer,
        name="list_cards",
        tag="cards",
        summary="List a customer's cards, the default first",
        answers={200: CardsAnswer},
        refusals={404: ("not_found",), 409: ("customer_forgotten",), 502: ("stripe_refused",)},
    ),
)
