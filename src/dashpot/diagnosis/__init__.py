"""Initialization made visible: units and gradients of each layer, before training and after it."""

from dashpot.diagnosis.initializers import diagnose_initializers, initializer_table
from dashpot.diagnosis.network import Diagnosis, diagnose
from dashpot.diagnosis.pictures import plot_initializers

__all__ = ["Diagnosis", "diagnose", "diagnose_initializers", "initializer_table", "plot_initializers"]
