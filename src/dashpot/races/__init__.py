"""`race`: many recipes against each other on the same folds; what survives is the ensemble."""

from dashpot.races.racing import race
from dashpot.races.result import Race

__all__ = ["Race", "race"]
