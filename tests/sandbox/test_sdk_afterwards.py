"""The official Python SDK reads all that comes after a payment, and keeps cards for later."""

from __future__ import annotations

import asyncio

import pytest
import stripe

from tests.sandbox.test_sdk import client, paid


def test_a_dispute_is_found_answered_and_won() -> None:
    async def run() -> None:
        async with client() as (sdk, at):
            intent = await sdk.v1.payment_intents.create_async(paid("pm_card_createDispute"))
            found = await sdk.v1.disputes.list_async({"payment_intent": intent.id})
            [dispute] = found.data
            assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
            assert dispute.balance_transactions[0].net == -2500
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await sdk.v1.refunds.create_async({"payment_intent": intent.id})
            assert refused.value.code == "charge_disputed"

            answered = await sdk.v1.disputes.update_async(
                dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}}
            )
            await at.control("POST", "/clock", {"advance_s": 5})
            won = await sdk.v1.disputes.retrieve_async(dispute.id, {"expand": ["charge"]})

            assert answered.status == "under_review"
            assert answered.evidence_details.submission_count == 1
            assert answered.evidence_details.submission_method == "manual"
            assert won.status == "won"
            assert isinstance(won.charge, stripe.Charge)
            assert won.charge.disputed

    asyncio.run(run())


def test_a_dispute_is_given_up() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            await sdk.v1.payment_intents.create_async(
                paid("pm_card_createDisputeProductNotReceived")
            )
            [dispute] = (await sdk.v1.disputes.list_async()).data
            closed = await sdk.v1.disputes.close_async(dispute.id)
            assert closed.status == "lost"

    asyncio.run(run())


def test_an_early_fraud_warning_is_read() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            intent = await sdk.v1.payment_intents.create_async(
                paid("pm_card_createIssuerFraudRecord")
            )
            found = await sdk.v1.radar.early_fraud_warnings.list_async(
                {"payment_intent": intent.id}
            )
            [warning] = found.data
            again = await sdk.v1.radar.early_fraud_warnings.retrieve_async(warning.id)

            assert isinstance(again, stripe.radar.EarlyFraudWarning)
            assert (again.actionable, again.charge) == (True, intent.latest_charge)

    asyncio.run(run())


def test_a_card_is_kept_for_later_and_charged_without_its_holder() -> None:
    async def run() -> None:
        async with client() as (sdk, at):
            customer = await sdk.v1.customers.create_async({"name": "Ann"})
            asked = await sdk.v1.setup_intents.create_async(
                {
                    "customer": customer.id,
                    "payment_method": "pm_card_authenticationRequiredOnSetup",
                    "confirm": True,
                    "return_url": "https://shop.example/back",
                }
            )
            assert asked.next_action is not None
            assert asked.next_action.redirect_to_url is not None
            page = asked.next_action.redirect_to_url.url
            assert page is not None
            async with at.session.post(
                page, data={"outcome": "complete"}, allow_redirects=False
            ) as answer:
                assert answer.status == 303
            done = await sdk.v1.setup_intents.retrieve_async(asked.id)
            assert (done.status, done.usage) == ("succeeded", "off_session")
            assert isinstance(done.payment_method, str)

            intent = await sdk.v1.payment_intents.create_async(
                paid(done.payment_method, customer=customer.id, off_session=True)
            )
            assert intent.status == "succeeded"

    asyncio.run(run())


def test_a_refused_setup_is_a_card_error() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            made = await sdk.v1.setup_intents.create_async(
                {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
            )
            with pytest.raises(stripe.CardError) as declined:
                await sdk.v1.setup_intents.confirm_async(
                    made.id, {"payment_method": "pm_card_chargeDeclined"}
                )
            assert declined.value.error is not None
            assert declined.value.error.setup_intent is not None
            assert declined.value.error.setup_intent.id == made.id
            cancelled = await sdk.v1.setup_intents.cancel_async(made.id)
            [listed] = (await sdk.v1.setup_intents.list_async()).data
            assert (cancelled.status, listed.id) == ("canceled", made.id)

    asyncio.run(run())


def test_a_pending_refund_is_cancelled() -> None:
    async def run() -> None:
        async with client() as (sdk, _):
            intent = await sdk.v1.payment_intents.create_async(paid("pm_card_pendingRefund"))
            refund = await sdk.v1.refunds.create_async({"payment_intent": intent.id})
            cancelled = await sdk.v1.refunds.cancel_async(refund.id)
            assert (refund.status, cancelled.status) == ("pending", "canceled")

    asyncio.run(run())


def test_the_payers_client_confirms_with_the_secret() -> None:
    async def run() -> None:
        async with client() as (sdk, at):
            intent = await sdk.v1.payment_intents.create_async(
                {
                    "amount": 1000,
                    "currency": "usd",
                    "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
                }
            )
            http = stripe.AIOHTTPClient()
            payer = stripe.StripeClient(
                "pk_test_x", base_addresses={"api": at.url}, http_client=http
            )
            assert intent.client_secret is not None
            seen = await payer.v1.payment_intents.retrieve_async(
                intent.id, {"client_secret": intent.client_secret}
            )
            assert seen.status == "requires_payment_method"
            with pytest.raises(stripe.AuthenticationError):
                await payer.v1.payment_intents.list_async()
            await http.close_async()  # type: ignore[no-untyped-call]  # the SDK forgot

    asyncio.run(run())
