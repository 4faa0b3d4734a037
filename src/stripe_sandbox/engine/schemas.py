"""Which parameters each endpoint takes. What is FREE is accepted and has no effect here."""

from __future__ import annotations

from typing import Final

from stripe_sandbox.engine.parameters import (
    FLAG,
    FREE,
    INTEGER,
    METADATA,
    RANGE,
    REQUIRED_INTEGER,
    REQUIRED_TEXT,
    TEXT,
    TEXTS,
    Field,
    Schema,
    choice,
    mapping,
)
from stripe_sandbox.engine.shapes import EVIDENCE

EXPAND: Final[Schema] = {"expand": TEXTS}
_PAGE: Final[Schema] = {
    **EXPAND,
    "limit": INTEGER,
    "starting_after": TEXT,
    "ending_before": TEXT,
    "created": RANGE,
}
_ADDRESS: Final = mapping(
    city=TEXT, country=TEXT, line1=TEXT, line2=TEXT, postal_code=TEXT, state=TEXT
)
_BILLING: Final = mapping(address=_ADDRESS, email=TEXT, name=TEXT, phone=TEXT, tax_id=TEXT)
_REDISPLAY: Final = choice("always", "limited", "unspecified")
_CAPTURE_METHOD: Final = choice("automatic", "automatic_async", "manual")
_FUTURE_USAGE: Final = choice("off_session", "on_session")
_SHIPPING: Final = mapping(
    address=_ADDRESS, carrier=TEXT, name=TEXT, phone=TEXT, tracking_number=TEXT
)
_CARD: Final = mapping(
    cvc=TEXT, exp_month=INTEGER, exp_year=INTEGER, networks=FREE, number=TEXT, token=TEXT
)
# The ways to pay that are no card can be made, so that clients can be seen to refuse them.
_OTHER_NAMES: Final = (
    "affirm afterpay_clearpay alipay alma amazon_pay bancontact blik boleto cashapp eps giropay "
    "grabpay ideal kakao_pay klarna konbini link mobilepay multibanco oxxo p24 paynow paypal pix "
    "promptpay revolut_pay sepa_debit swish twint us_bank_account wechat_pay zip"
)
_OTHER_TYPES: Final = tuple(_OTHER_NAMES.split())
_METHOD_FIELDS: Final[dict[str, Field]] = {
    "allow_redisplay": _REDISPLAY,
    "billing_details": _BILLING,
    "card": _CARD,
    "metadata": METADATA,
    "radar_options": FREE,
    **dict.fromkeys(_OTHER_TYPES, FREE),
}
_METHOD_TYPE: Final = choice("card", *_OTHER_TYPES)
_METHOD_DATA: Final = Field(
    "map",
    fields={
        **_METHOD_FIELDS,
        "type": Field("choice", required=True, clearable=False, choices=_METHOD_TYPE.choices),
    },
)

CUSTOMER: Final[Schema] = {
    **EXPAND,
    "address": _ADDRESS,
    "balance": INTEGER,
    "business_name": TEXT,
    "cash_balance": FREE,
    "description": TEXT,
    "email": TEXT,
    "individual_name": TEXT,
    "invoice_prefix": TEXT,
    "invoice_settings": mapping(
        custom_fields=FREE, default_payment_method=TEXT, footer=TEXT, rendering_options=FREE
    ),
    "metadata": METADATA,
    "name": TEXT,
    "next_invoice_sequence": INTEGER,
    "phone": TEXT,
    "preferred_locales": TEXTS,
    "shipping": _SHIPPING,
    "tax": FREE,
    "tax_exempt": choice("exempt", "none", "reverse"),
    "validate": FLAG,
}
CUSTOMER_CREATE: Final[Schema] = {
    **CUSTOMER,
    "payment_method": TEXT,
    "tax_id_data": FREE,
}
CUSTOMER_LIST: Final[Schema] = {**_PAGE, "email": TEXT}

METHOD_CREATE: Final[Schema] = {
    **EXPAND,
    **_METHOD_FIELDS,
    "customer": TEXT,
    "type": _METHOD_TYPE,
}
METHOD_UPDATE: Final[Schema] = {
    **EXPAND,
    "allow_redisplay": _REDISPLAY,
    "billing_details": _BILLING,
    "card": mapping(exp_month=INTEGER, exp_year=INTEGER, networks=FREE),
    "metadata": METADATA,
}
METHOD_ATTACH: Final[Schema] = {**EXPAND, "customer": TEXT, "customer_account": TEXT}
METHOD_LIST_OF_CUSTOMER: Final[Schema] = {
    **EXPAND,
    "limit": INTEGER,
    "starting_after": TEXT,
    "ending_before": TEXT,
    "allow_redisplay": _REDISPLAY,
    "type": _METHOD_TYPE,
}
METHOD_LIST: Final[Schema] = {**METHOD_LIST_OF_CUSTOMER, "customer": TEXT}

# On intents: what create, update and confirm share.
_INTENT: Final[Schema] = {
    **EXPAND,
    "allowed_payment_method_types": TEXTS,
    "amount_details": FREE,
    "capture_method": _CAPTURE_METHOD,
    "excluded_payment_method_types": TEXTS,
    "hooks": FREE,
    "payment_details": FREE,
    "payment_method": TEXT,
    "payment_method_data": _METHOD_DATA,
    "payment_method_options": FREE,
    "payment_method_types": TEXTS,
    "receipt_email": TEXT,
    "setup_future_usage": _FUTURE_USAGE,
    "shipping": _SHIPPING,
}
# Only with confirm=true, so on create and on confirm.
_CONFIRMING: Final[Schema] = {
    "confirmation_token": TEXT,
    "error_on_requires_action": FLAG,
    "mandate": TEXT,
    "mandate_data": FREE,
    "off_session": choice("true", "false", "one_off", "recurring"),
    "radar_options": FREE,
    "return_url": TEXT,
    "use_stripe_sdk": FLAG,
}
_DESCRIBING: Final[Schema] = {
    "application_fee_amount": INTEGER,
    "customer": TEXT,
    "description": TEXT,
    "metadata": METADATA,
    "payment_method_configuration": TEXT,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_data": FREE,
    "transfer_group": TEXT,
}
INTENT_CREATE: Final[Schema] = {
    **_INTENT,
    **_CONFIRMING,
    **_DESCRIBING,
    "amount": REQUIRED_INTEGER,
    "automatic_payment_methods": mapping(
        allow_redirects=choice("always", "never"),
        enabled=Field("flag", required=True, clearable=False),
    ),
    "confirm": FLAG,
    "confirmation_method": choice("automatic", "manual"),
    "currency": REQUIRED_TEXT,
    "on_behalf_of": TEXT,
}
INTENT_UPDATE: Final[Schema] = {
    **_INTENT,
    **_DESCRIBING,
    "amount": INTEGER,
    "currency": TEXT,
}
INTENT_CONFIRM: Final[Schema] = {
    **_INTENT,
    **_CONFIRMING,
    "amount_to_confirm": INTEGER,
    # These are the payer's client's.
    "client_secret": TEXT,
    "expected_payment_method_type": TEXT,
}
INTENT_CAPTURE: Final[Schema] = {
    **EXPAND,
    "amount_details": FREE,
    "amount_to_capture": INTEGER,
    "application_fee_amount": INTEGER,
    "final_capture": FLAG,
    "metadata": METADATA,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_data": FREE,
}
INTENT_CANCEL: Final[Schema] = {
    **EXPAND,
    "cancellation_reason": choice("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
}
INTENT_RETRIEVE: Final[Schema] = {**EXPAND, "client_secret": TEXT}
INTENT_LIST: Final[Schema] = {**_PAGE, "customer": TEXT}

# On setup intents: what create, update and confirm share.
_SETUP: Final[Schema] = {
    **EXPAND,
    "allowed_payment_method_types": TEXTS,
    "excluded_payment_method_types": TEXTS,
    "payment_method": TEXT,
    "payment_method_data": _METHOD_DATA,
    "payment_method_options": FREE,
    "payment_method_types": TEXTS,
}
_SETUP_CONFIRMING: Final[Schema] = {
    "confirmation_token": TEXT,
    "mandate_data": FREE,
    "return_url": TEXT,
    "use_stripe_sdk": FLAG,
}
_SETUP_DESCRIBING: Final[Schema] = {
    "attach_to_self": FLAG,
    "customer": TEXT,
    "customer_account": TEXT,
    "description": TEXT,
    "flow_directions": TEXTS,
    "metadata": METADATA,
    "payment_method_configuration": TEXT,
}
SETUP_CREATE: Final[Schema] = {
    **_SETUP,
    **_SETUP_CONFIRMING,
    **_SETUP_DESCRIBING,
    "automatic_payment_methods": INTENT_CREATE["automatic_payment_methods"],
    "confirm": FLAG,
    "on_behalf_of": TEXT,
    "single_use": FREE,
    # Recorded: anything is taken, and off_session is answered.
    "usage": FREE,
}
SETUP_UPDATE: Final[Schema] = {**_SETUP, **_SETUP_DESCRIBING}
SETUP_CONFIRM: Final[Schema] = {
    **_SETUP,
    **_SETUP_CONFIRMING,
    "client_secret": TEXT,
    "expected_payment_method_type": TEXT,
}
SETUP_CANCEL: Final[Schema] = {
    **EXPAND,
    "cancellation_reason": choice("abandoned", "requested_by_customer", "duplicate"),
}
SETUP_LIST: Final[Schema] = {
    **_PAGE,
    "attach_to_self": FLAG,
    "customer": TEXT,
    "payment_method": TEXT,
}

CHARGE_LIST: Final[Schema] = {
    **_PAGE,
    "customer": TEXT,
    "payment_intent": TEXT,
}
_CHARGE: Final[Schema] = {
    **EXPAND,
    "description": TEXT,
    "metadata": METADATA,
    "receipt_email": TEXT,
    "shipping": _SHIPPING,
    "transfer_group": TEXT,
}
CHARGE_CREATE: Final[Schema] = {
    **_CHARGE,
    "amount": REQUIRED_INTEGER,
    "application_fee_amount": INTEGER,
    "capture": FLAG,
    "currency": REQUIRED_TEXT,
    "customer": TEXT,
    "on_behalf_of": TEXT,
    "payment_method": TEXT,
    "radar_options": FREE,
    "source": TEXT,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_data": FREE,
}
CHARGE_UPDATE: Final[Schema] = {**_CHARGE, "customer": FREE, "fraud_details": FREE}
CHARGE_CAPTURE: Final[Schema] = {
    **EXPAND,
    "amount": INTEGER,
    "application_fee_amount": INTEGER,
    "receipt_email": TEXT,
    "statement_descriptor": TEXT,
    "statement_descriptor_suffix": TEXT,
    "transfer_data": FREE,
    "transfer_group": TEXT,
}
REFUND_CREATE: Final[Schema] = {
    **EXPAND,
    "amount": INTEGER,
    "charge": TEXT,
    "instructions_email": TEXT,
    "metadata": METADATA,
    "payment_intent": TEXT,
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "refund_application_fee": FLAG,
    "reverse_transfer": FLAG,
}
REFUND_UPDATE: Final[Schema] = {**EXPAND, "metadata": METADATA}
# What is found by the charge it is about: refunds, disputes, early fraud warnings.
OF_CHARGE_LIST: Final[Schema] = {**_PAGE, "charge": TEXT, "payment_intent": TEXT}
_EVIDENCE: Final = {name: FREE if name == "enhanced_evidence" else TEXT for name in EVIDENCE}
DISPUTE_UPDATE: Final[Schema] = {
    **EXPAND,
    "evidence": Field("map", fields=_EVIDENCE),
    "intended_submission_method": FREE,
    "metadata": METADATA,
    "submit": FLAG,
}
BALANCE_LIST: Final[Schema] = {**_PAGE, "currency": TEXT, "source": TEXT, "type": TEXT}
EVENT_LIST: Final[Schema] = {
    **_PAGE,
    "delivery_success": FLAG,
    "type": TEXT,
    "types": TEXTS,
}
_WEBHOOK_ENDPOINT: Final[Schema] = {**EXPAND, "description": TEXT, "metadata": METADATA}
WEBHOOK_ENDPOINT_CREATE: Final[Schema] = {
    **_WEBHOOK_ENDPOINT,
    "api_version": TEXT,
    "connect": FLAG,
    "enabled_events": Field("list", required=True, clearable=False, element=REQUIRED_TEXT),
    "url": REQUIRED_TEXT,
}
WEBHOOK_ENDPOINT_UPDATE: Final[Schema] = {
    **_WEBHOOK_ENDPOINT,
    "disabled": FLAG,
    "enabled_events": Field("list", clearable=False, element=REQUIRED_TEXT),
    "url": Field("text", clearable=False),
}
WEBHOOK_ENDPOINT_LIST: Final[Schema] = {
    name: field for name, field in _PAGE.items() if name != "created"
}
