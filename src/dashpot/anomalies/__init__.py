"""Odd rows of a table: which they are, and what makes them odd."""

from dashpot.anomalies.detector import AnomalyDetector
from dashpot.anomalies.judges import Kind

__all__ = ["AnomalyDetector", "Kind"]
