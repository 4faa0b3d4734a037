"""Who is told of what becomes of an order."""

from pydantic import BaseModel, Field

from payment_service.setting_groups.spans import CALL_S_MAX, CALL_S_MIN
from payment_service.setting_kinds import (
    ClientId,
    ClientScope,
    ClientSecret,
    FieldPath,
    OrderStatus,
    OrderStatuses,
    ReadPath,
    Token,
    Url,
)


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
        description=(
            "The bearer token to tell the OrderService with, always the same. Not used when "
            "`ORDER_SERVICE_TOKEN_URL` is set. With neither the caller's own token is passed on, "
            "for the try that its request begins."
        ),
        examples=["..."],
    )
    order_service_token_url: Url = Field(
        default="",
        description=(
            "Where tokens for the OrderService are fetched by OAuth 2.0 client credentials, with "
            "`ORDER_SERVICE_CLIENT_ID` and `ORDER_SERVICE_CLIENT_SECRET`. In production it needs "
            "https, or `ALLOW_HTTP_TOKEN_URLS`. Empty: none are."
        ),
        examples=["https://login.internal.example/oauth2/token"],
    )
    order_service_client_id: ClientId = Field(
        default="",
        description="Who we are at `ORDER_SERVICE_TOKEN_URL`.",
        examples=["payment-service"],
    )
    order_service_client_secret: ClientSecret = Field(
        default=None,
        description="The client secret that goes with `ORDER_SERVICE_CLIENT_ID`.",
        examples=["..."],
    )
    order_service_scope: ClientScope = Field(
        default="",
        description="The scopes to ask a token for. Empty: those that the client has by default.",
        examples=["orders.write"],
    )
    order_service_timeout_s: float = Field(
        default=30.0,
        ge=CALL_S_MIN,
        le=CALL_S_MAX,
        description=(
            "How long to wait for the OrderService. Longer than its slowest answer: after it the "
            "update may arrive twice, and is sent again a minute later at the soonest."
        ),
        examples=["30"],
    )
    order_service_read_path: ReadPath = Field(
        default="",
        description=(
            "Where an order is read, below `ORDER_SERVICE_URL`, with `{orderId}` for its id. After "
            "an update that was not answered the order is read first, and one that shows a later "
            "status is not told again. Empty: it is told again unseen."
        ),
        examples=["/{orderId}"],
    )
    order_service_status_field: FieldPath = Field(
        default="status",
        description=(
            "The field of the answer of `ORDER_SERVICE_READ_PATH` that has the order's status; "
            "dots go down (`data.status`)."
        ),
        examples=["status"],
    )
    order_statuses_before_payment: OrderStatuses = Field(
        default="ORDER PLACED",
        description=(
            "The statuses, with commas, of an order whose payment the OrderService was not told "
            "yet. Any other that an order shows when it is read means that it was, apart from that "
            "of a cancellation which it was told before."
        ),
        examples=["ORDER PLACED,AWAITING PAYMENT"],
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
