"""What to raise when a question to Stripe brought no answer: nothing was changed by asking."""

from payment_service.domain.errors import StripeRefused
from payment_service.domain.news import News, NotExecuted
from payment_service.ports import GatewayUnavailable


def no_answer(news: News) -> GatewayUnavailable | StripeRefused:
    """Return StripeRefused when our key is refused, which no caller can mend by trying again."""
    if isinstance(news, NotExecuted) and not news.retryable:
        return StripeRefused("Stripe does not take this service's key.", code=news.reason)
    return GatewayUnavailable("Stripe does not answer.")
