"""Every mutant there is."""

from tests.mutants import (
    in_answers,
    in_api,
    in_customers,
    in_declines,
    in_domain,
    in_fields,
    in_flows,
    in_mongo,
    in_orders,
    in_owed,
    in_proofs,
    in_sqlite,
    in_stores,
    in_stripe,
    in_time,
    in_tokens,
)
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (
    *in_domain.MUTANTS,
    *in_owed.MUTANTS,
    *in_flows.MUTANTS,
    *in_stripe.MUTANTS,
    *in_orders.MUTANTS,
    *in_sqlite.MUTANTS,
    *in_time.MUTANTS,
    *in_stores.MUTANTS,
    *in_mongo.MUTANTS,
    *in_api.MUTANTS,
    *in_tokens.MUTANTS,
    *in_declines.MUTANTS,
    *in_fields.MUTANTS,
    *in_answers.MUTANTS,
    *in_customers.MUTANTS,
    *in_proofs.MUTANTS,
)
