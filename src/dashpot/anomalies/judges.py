"""The networks of a detector: autoencoders of several kinds, and what each finds odd about a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dashpot.anomalies.standard import Standard
from dashpot.networks import Network
from dashpot.regularizers import InputDropout, Noise, Recipe

SMALLEST = 1e-12


class Kind(NamedTuple):
    """One kind of autoencoder: widths by the number of inputs, and how it is kept from copying its input."""

    width: int
    code: float  # units of the code: a share of the inputs, or a number above 1
    activation: str
    noise: float  # standard deviation, in usual spreads of the inputs
    dropout: float = 0.0  # share of inputs that are dropped

    def hidden_layers(self, inputs: int) -> tuple[int, ...]:
        """Encoder, code, decoder."""
        code = max(1, round(self.code * inputs)) if self.code <= 1 else round(self.code)
        return self.width, code, self.width

    @property
    def recipe(self) -> Recipe:
        """Input noise, and inputs that are dropped."""
        parts = (Noise("inputs", "gaussian", self.noise), InputDropout(self.dropout))
        return Recipe(tuple(part for part in parts if not part.is_off))


KINDS = (Kind(64, 64, "relu", 0.3), Kind(64, 64, "tanh", 0.3), Kind(64, 0.5, "relu", 0.3))


@dataclass(frozen=True, eq=False)
class Judge:
    """One trained autoencoder and what it needs to judge a row.

    Attributes
    ----------
    network : Network
    usual : float array (cells,)
        Usual error of each cell on rows that were held out.
    centre, whitening : float arrays (code,), (code, directions)
        Mean and whitening of the codes of its training rows.
    """

    network: Network
    usual: np.ndarray
    centre: np.ndarray
    whitening: np.ndarray

    @classmethod
    def of(
        cls, network: Network, standard: Standard, learned: np.ndarray, held: tuple[np.ndarray, np.ndarray]
    ) -> Judge:
        """By inputs that the network learned from, in random order, and inputs and targets that it did not see."""
        encoder = network.split()[0]
        codes = encoder.outputs(learned)
        usual = standard.usual(network.outputs(held[0]), held[1])
        return cls(network, usual, codes.mean(0), whitening_of(codes))

    def measures(
        self, standard: Standard, inputs: np.ndarray, targets: np.ndarray, parts: tuple[str, ...]
    ) -> list[np.ndarray]:
        """What it finds odd about rows, (rows,) each: the residual, the distance of the code from the bulk."""
        encoder, decoder = self.network.split()
        codes = encoder.outputs(inputs)
        found = []
        if "residual" in parts:
            squares = np.square(standard.times(decoder.outputs(codes), targets, self.usual))
            found.append(squares.sum(1) / np.maximum(standard.known(targets).sum(1), 1))
        if "code" in parts:
            found.append(np.square((codes - self.centre) @ self.whitening).sum(1))
        return found


def whitening_of(codes: np.ndarray) -> np.ndarray:
    """A matrix that gives codes unit variance in every direction that they use, (code, directions)."""
    centred = codes - codes.mean(0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(codes))
    largest = max(float(variances[-1]), SMALLEST)
    kept = variances > 1e-6 * largest
    kept[-1] = True
    return np.ascontiguousarray(directions[:, kept] / np.sqrt(variances[kept] + 1e-3 * largest))
