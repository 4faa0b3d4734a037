"""Every mutant there is."""

from tests.mutants import in_domain, in_flows
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*in_domain.MUTANTS, *in_flows.MUTANTS)
