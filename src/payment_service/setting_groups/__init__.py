"""The settings by what they are about; `settings` puts them together and reads them."""

from payment_service.setting_groups.access import AccessSettings
from payment_service.setting_groups.database import DatabaseSettings
from payment_service.setting_groups.limits import LimitSettings
from payment_service.setting_groups.orders import OrderSettings
from payment_service.setting_groups.payments import PaymentSettings
from payment_service.setting_groups.proofs import ProofSettings
from payment_service.setting_groups.running import RunningSettings
from payment_service.setting_groups.serving import Environment, ServingSettings
from payment_service.setting_groups.stripe import STRIPE_URL, StripeSettings
from payment_service.setting_groups.tokens import TokenSettings

__all__ = [
    "STRIPE_URL",
    "AccessSettings",
    "DatabaseSettings",
    "Environment",
    "LimitSettings",
    "OrderSettings",
    "PaymentSettings",
    "ProofSettings",
    "RunningSettings",
    "ServingSettings",
    "StripeSettings",
    "TokenSettings",
]
