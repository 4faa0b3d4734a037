"""A customer with something in every field."""

from dataclasses import replace

from payment_service.domain.call import Call
from payment_service.domain.customer import Asked, Customer, StepRefusal, Update
from payment_service.domain.history import Entry
from payment_service.domain.moment import Door
from payment_service.domain.news import ChargeOutcome, Denial
from payment_service.domain.setup import Setup
from tests.contract.things import NOON, after, customer

CALL = Call(
    key="key-1",
    begun_at=NOON,
    due_at=after(1),
    asked_at=after(2),
    in_flight=True,
    tries=3,
    doubts=2,
    looks=1,
    unanswered=4,
    dead_end="http_500",
    quiet_at=after(3),
)
OUTCOME = ChargeOutcome("blocked", "highest", "rule", "Zu riskant.", "not_sent", "rule_1")


def whole_customer() -> Customer:
    card = replace(
        customer().cards[0],
        fingerprint="print",
        named=False,
        declined=True,
        refusal_code="c",
        refusal_message="m",
        refusal=Denial("c", "m", "d", "param", "advice", "03", "43", OUTCOME, "ch_0"),
        display_brand="cartes_bancaires",
    )
    return Customer(
        id="cust_1",
        uid="cust_1",
        version=2,
        created_at=NOON,
        updated_at=after(1),
        name="Zoë",
        customer_id="cus_2",
        default_payment_method_id="pm_1",
        default_at_stripe="pm_2",
        cards=(card,),
        call=CALL,
        calls_made=3,
        asked=Asked("NameCard", "pm_1", "Zoë", "pm_0", "zoë@example.org", "Zoë"),
        refusal_code="c",
        refusal_message="m",
        refusal_param="p",
        refusals=(StepRefusal("NameCard", 2, "c", "m", "p", "pm_1", declined=True),),
        request_id="req_1",
        setup=Setup(NOON, "req_2", "seti_1", "requires_action", "c", "m", "p"),
        look_at=after(2),
        looks=4,
        former_customer_id="cus_1",
        history=(Entry(NOON, "customer.followed", Door.WEBHOOK, "req_3"),),
        is_forgotten=True,
        held_email="zoë@example.org",
        next_email="zoe@example.org",
        email_claimed=True,
        released_emails=("quill@example.org",),
        email_due_at=after(3),
        email_claims=2,
        is_founding=True,
        taken_email="ann@example.org",
        update=Update("zoe@example.org", "Zoe"),
    )
