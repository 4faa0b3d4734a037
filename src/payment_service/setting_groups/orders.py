"""Who is told of what becomes of an order."""

from pydantic import BaseModel, Field

from payment_service.setting_groups.spans import CALL_S_MAX, CALL_S_MIN
from payment_service.setting_kinds import OrderStatus, Token, Url


class OrderSettings(BaseModel):
    """Who is told of what becomes of an order."""

    order_service_url: Url = Field(
        description=(
            "The OrderService: it is told at `<this>/updateStatus` when an order is paid. Empty: "
            "nobody is told, and the start warns of it."
        ),
        examples=["https://orders.internal.example/order"],
    )
    order_service_token: Token = Field(
        default=None,
        description="The bearer token to tell the OrderService with. Not set: none is sent.",
        examples=["..."],
    )
    order_service_timeout_s: float = Field(
        default=10.0,
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
        description="How long to wait for the OrderService; after it the update is sent again.",
        examples=["10"],
    )

    order_status_canceled: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when a payment ends canceled, a lapsed hold "
            "included. Empty: it is not told."
        ),
        examples=["CANCELLED"],
    )
    order_status_refunded: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when a payment is refunded wholly. Empty: it "
            "is not told."
        ),
        examples=["REFUNDED"],
    )
    order_status_refund_failed: OrderStatus = Field(
        default="",
        description=(
            "The status that the OrderService is told when the bank returns a refund after the "
            "payment was refunded wholly. Empty: it is not told."
        ),
        examples=["REFUND FAILED"],
    )
