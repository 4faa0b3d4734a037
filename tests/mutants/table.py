"""Every mutant there is."""

from tests.mutants import in_domain
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*in_domain.MUTANTS,)
