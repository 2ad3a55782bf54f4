"""Studies: honest comparisons of many networks."""

from dashpot.studies.compare import compare
from dashpot.studies.study import Study

__all__ = ["Study", "compare"]
