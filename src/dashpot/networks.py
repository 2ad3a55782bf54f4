"""Layers, activations and the forward pass: in torch for a stack of networks, in NumPy for a fitted one.

In training every tensor begins with the axis `networks`. All parameters of a stack lie in one flat buffer,
(networks, size), and layers are views into it, so an optimizer updates them in one operation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import erf, expit
from torch import Tensor
from torch.nn import functional

from dashpot.embeddings import Embedding

WHOLE = Embedding()  # numbers as they are
CLIP = 3.0  # standardized inputs beyond are pulled in, in units of their spread
BLOCK = 4096  # rows that are embedded at once in prediction
ALIGNMENT = 64  # parameters of a network are padded to this many numbers, so that vector loops never straddle two
VECTOR = 16  # numbers that a processor handles at once, at most


class Layer(NamedTuple):
    """Weights (networks, inputs, outputs) and biases (networks, 1, outputs)."""

    weights: Tensor
    biases: Tensor


class Activation(NamedTuple):
    """One nonlinearity, twice: for training in torch, where it may change its argument, and for prediction in NumPy."""

    train: Callable[[Tensor], Tensor]
    predict: Callable[[np.ndarray], np.ndarray]


def _softplus(units: np.ndarray) -> np.ndarray:
    return np.logaddexp(units, 0)


def _elu(units: np.ndarray) -> np.ndarray:
    return np.where(units > 0, units, np.expm1(np.minimum(units, 0)))


def _selu(units: np.ndarray) -> np.ndarray:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return scale * np.where(units > 0, units, alpha * np.expm1(np.minimum(units, 0)))


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu_, lambda u: np.maximum(u, 0)),
    "leaky_relu": Activation(lambda u: functional.leaky_relu(u, 0.01), lambda u: np.where(u > 0, u, 0.01 * u)),
    "elu": Activation(functional.elu, _elu),
    "selu": Activation(functional.selu, _selu),
    "gelu": Activation(functional.gelu, lambda u: u * 0.5 * (1 + erf(u / np.sqrt(2)))),
    "mish": Activation(functional.mish, lambda u: u * np.tanh(_softplus(u))),
    "tanh": Activation(torch.tanh, np.tanh),
    "sigmoid": Activation(torch.sigmoid, expit),
    "identity": Activation(lambda u: u, lambda u: u),
}


NORMS = ("none", "batch", "layer")
LEAST_SPREAD = 1e-5  # added to the variance that weighted sums are divided by


class Bend(NamedTuple):
    """What a hidden layer makes of what it reads.

    Weighted sums are normalized (`norm`), biases are added, all but the last `straight` of them are bent, and with
    `skip` what was read is added. `mix` is the share of the activation in each unit, the rest is the identity; () is
    the activation alone.
    """

    name: str
    straight: int = 0
    skip: bool = False
    norm: str = "none"
    mix: Any = ()  # floats, one for each unit; in training a tensor (networks, 1, units)

    def sums(self, units: Tensor, layer: Layer, shares: Tensor | None = None) -> Tensor:
        """Weighted sums plus biases, (networks, batch, outputs).

        A batch norm counts rows by `shares`, (networks, batch, 1), that sum to one; None is all rows alike.
        """
        if self.norm == "none":
            return linear(units, layer)
        found = without_biases(units, layer)
        if self.norm == "layer":
            return functional.layer_norm(found, found.shape[-1:], eps=LEAST_SPREAD) + layer.biases
        mean, factor = over_rows(found, shares)
        return (found - mean) * factor + layer.biases

    def sums_of_arrays(self, units: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """The same in NumPy for one network, whose batch norm is part of its weights."""
        found = units @ weights
        if self.norm == "layer":
            apart = found - found.mean(-1, keepdims=True)
            found = apart / np.sqrt((apart * apart).mean(-1, keepdims=True) + LEAST_SPREAD)
        return np.asarray(found + biases)

    def train(self, units: Tensor) -> Tensor:
        """The activation in torch; without straight units and mix it may change its argument."""
        if len(self.mix):
            return torch.lerp(
                units, self._replace(mix=()).train(units.clone()), torch.as_tensor(self.mix, dtype=units.dtype)
            )
        activate = ACTIVATIONS[self.name].train
        if not self.straight:
            return activate(units)
        bent, straight = units.split([units.shape[-1] - self.straight, self.straight], dim=-1)
        return torch.cat([activate(bent.clone()), straight], dim=-1)

    def predict(self, units: np.ndarray) -> np.ndarray:
        """The same in NumPy."""
        if len(self.mix):
            return np.asarray(units + np.asarray(self.mix) * (self._replace(mix=()).predict(units) - units))
        if not self.straight:
            return ACTIVATIONS[self.name].predict(units)
        bend = units.shape[-1] - self.straight
        return np.concatenate([ACTIVATIONS[self.name].predict(units[..., :bend]), units[..., bend:]], axis=-1)


def over_rows(sums: Tensor, shares: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean of each unit and one over its spread, (networks, 1, units), over rows that count by `shares`."""
    counts = sums.new_full((1, 1, 1), 1 / sums.shape[1]) if shares is None else shares
    mean = (sums * counts).sum(1, keepdim=True)
    return mean, (((sums - mean).square() * counts).sum(1, keepdim=True) + LEAST_SPREAD).rsqrt()


Activations = str | tuple[Bend, ...]  # one name for all hidden layers, or each its own


def bends(activation: Activations, hidden: int) -> tuple[Bend, ...]:
    """The activation of each hidden layer."""
    return (Bend(activation),) * hidden if isinstance(activation, str) else activation


def built(activation: Activations, widths: Sequence[int], skip: bool, norm: str) -> Activations:
    """The activation of hidden layers of these widths with skips and norms; without any it stays as it is."""
    if not skip and norm == "none":
        return activation
    before = (None, *widths[:-1])
    return tuple(
        bend._replace(skip=skip and own == previous, norm=norm)
        for bend, own, previous in zip(bends(activation, len(widths)), widths, before[: len(widths)], strict=True)
    )


def finished(activation: Activations) -> Activations:
    """The activation after training, when `settled` has made batch norms part of the weights."""
    if isinstance(activation, str):
        return activation
    norms = ["none" if bend.norm == "batch" else bend.norm for bend in activation]
    return tuple(bend._replace(norm=norm) for bend, norm in zip(activation, norms, strict=True))


@torch.no_grad()
def settled(
    layers: Sequence[Layer], seen: Tensor, activation: Activations, shares: Tensor | None = None
) -> Sequence[Layer]:
    """Layers that need no batch norm: what it does to these rows is part of their weights and biases.

    Rows are what the first layer reads, (networks, rows, features); `shares` (networks, rows, 1) is how they count.
    """
    found = list(layers)
    for depth, bend in enumerate(bends(activation, len(layers) - 1)):
        if bend.norm == "batch":
            mean, factor = over_rows(without_biases(seen, layers[depth]), shares)
            weights, biases = layers[depth]
            found[depth] = Layer(weights * factor, biases - mean * factor)
        plain = bend._replace(norm="none" if bend.norm == "batch" else bend.norm)
        new = plain.train(plain.sums(seen, found[depth]))
        seen = seen + new if bend.skip else new
    return found


def layers_size(widths: Sequence[int]) -> int:
    """Weights and biases of one network whose layers have these widths, inputs and outputs included."""
    return sum(inputs * outputs + outputs for inputs, outputs in pairwise(widths))


def distinct(networks: Sequence[Network]) -> tuple[list[Network], list[int]]:
    """The networks without those that are there again, and the place of each among these."""
    once = {id(network): network for network in networks}
    places = dict(zip(once, range(len(once)), strict=True))
    return list(once.values()), [places[id(network)] for network in networks]


def parameter_count(widths: Sequence[int], beside: int = 0) -> int:
    """Parameters of one network, with what it learns beside weights and biases, padded."""
    count = layers_size(widths) + beside
    return -(-count // ALIGNMENT) * ALIGNMENT


def layers_of(parameters: Tensor, widths: Sequence[int]) -> list[Layer]:
    """The layers as views into a flat buffer (networks, size)."""
    networks, layers, start = len(parameters), [], 0
    for inputs, outputs in pairwise(widths):
        middle, end = start + inputs * outputs, start + inputs * outputs + outputs
        weights = parameters[:, start:middle].view(networks, inputs, outputs)
        layers.append(Layer(weights, parameters[:, middle:end].view(networks, 1, outputs)))
        start = end
    return layers


def unperturbed(units: Tensor, depth: int) -> Tensor:
    """Leave the units of a layer as they are: how a network runs outside training."""
    return units


def linear(units: Tensor, layer: Layer) -> Tensor:
    """units @ weights + biases, (networks, batch, outputs)."""
    # A matrix with an axis of length 1 takes another path in the linear algebra library when its network is alone
    # in the stack, and rounds differently there. Written out, it gives the same bits in every stack.
    if layer.weights.shape[2] == 1:
        return (units * layer.weights.transpose(1, 2)).sum(-1, keepdim=True) + layer.biases
    if layer.weights.shape[1] == 1:
        return units * layer.weights + layer.biases
    inputs, outputs = layer.weights.shape[1:]
    if inputs * outputs % VECTOR == 0:
        return torch.baddbmm(layer.biases, units, layer.weights)
    # Gradients of the weights lie one behind the other, and on some processors a matrix product rounds differently
    # where its result does not begin at a whole vector: columns of zeros let every network's begin at one.
    wide = functional.pad(layer.weights, (0, -outputs % VECTOR))
    return torch.bmm(units, wide)[..., :outputs] + layer.biases


def without_biases(units: Tensor, layer: Layer) -> Tensor:
    """units @ weights, (networks, batch, outputs)."""
    return linear(units, Layer(layer.weights, torch.zeros_like(layer.biases)))


def forward(
    layers: Sequence[Layer],
    inputs: Tensor,
    activation: Activations,
    perturb_units: Callable[[Tensor, int], Tensor] = unperturbed,
    embedding: Embedding = WHOLE,
    shares: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Outputs (networks, batch, outputs), and the units of every layer from depth 0, the input, on.

    Inputs are embedded on their way into the first layer, after noise and dropout. `shares` (networks, batch, 1) is how
    much each row counts in a batch norm.
    """
    hidden = bends(activation, len(layers) - 1)
    units = [perturb_units(inputs, 0)]
    seen = embedding(units[0])
    for depth, (layer, bend) in enumerate(zip(layers[:-1], hidden, strict=True), start=1):
        new = perturb_units(bend.train(bend.sums(seen, layer, shares)), depth)
        seen = seen + new if bend.skip else new
        units.append(seen)
    return linear(seen, layers[-1]), units


@dataclass
class Network:
    """One trained network in NumPy: all that prediction needs.

    Attributes
    ----------
    layers : list of (weights (inputs, outputs), biases (outputs,)), float32
    activation : str, or tuple of Bend, one for each hidden layer (an encoder has one more: its code's)
        Between the layers; the outputs are raw (logits, log rates, or standardized values).
    centre, scale : float32 arrays, shape (inputs,)
        Standardization of the inputs; scale 0 silences an input.
    clip : float
        Where standardized inputs are clipped smoothly; 0 is nowhere.
    target_centre, target_scale : float32 arrays, shape (outputs,)
        Outputs times scale plus centre are in the target's units.
    history : dict of str to list of float
        "loss" (training, with noise and dropout), "validation_loss", "validation_error"; one entry an epoch.
    epochs : int
        Epochs trained.
    best_epoch : int or None
        The epoch whose weights were kept, if an earlier one than the last.
    diverged : int or None
        The epoch at which the loss stopped being finite; the weights are those before it.
    snapshot : bool
        Whether it is a copy from along the training of the network before it (`Snapshots`).
    embedding : Embedding
        What the first layer reads of numbers beside their standardized values.
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    activation: Activations
    centre: np.ndarray
    scale: np.ndarray
    clip: float
    target_centre: np.ndarray
    target_scale: np.ndarray
    history: dict[str, list[float]] = field(default_factory=dict)
    epochs: int = 0
    best_epoch: int | None = None
    diverged: int | None = None
    snapshot: bool = False
    embedding: Embedding = WHOLE

    @property
    def widths(self) -> tuple[int, ...]:
        """What the first layer reads, hidden layers, outputs."""
        return len(self.layers[0][0]), *(len(biases) for _, biases in self.layers)

    def seen(self, inputs: np.ndarray, clip: float | None = None) -> np.ndarray:
        """Standardized inputs, float64 (rows, inputs), pulled in at the network's own clip or at another."""
        given = np.asarray(inputs, dtype=np.float64)
        return np.asarray(standardize(given, self.centre, self.scale, self.clip if clip is None else clip))

    def read(self, inputs: np.ndarray) -> np.ndarray:
        """What the first layer reads, float64 (rows, features): standardized inputs, embedded."""
        return np.asarray(self.embedding(self.seen(inputs)))

    def used(self) -> np.ndarray:
        """Which inputs the network looks at, bool (inputs,): some weight is not 0, and the input varies."""
        owners = np.concatenate([np.arange(len(self.scale)), self.embedding.further])
        weights = np.bincount(owners, (self.layers[0][0] != 0).any(1))
        return np.asarray((weights > 0) & (self.scale != 0))

    def outputs(self, inputs: np.ndarray) -> np.ndarray:
        """Raw outputs in the target's units, float64 (rows, outputs), for (rows, inputs) with NaN for missing."""
        if len(self.embedding.numbers) and len(inputs) > BLOCK:
            return np.vstack([self.outputs(inputs[start : start + BLOCK]) for start in range(0, len(inputs), BLOCK)])
        units = self.read(inputs)
        hidden = bends(self.activation, len(self.layers) - 1)
        for (weights, biases), bend in zip(self.layers, (*hidden, Bend("identity")), strict=False):
            new = bend.predict(bend.sums_of_arrays(units, weights, biases))
            units = units + new if bend.skip else new
        return np.asarray(units * self.target_scale + self.target_centre)

    def split(self) -> tuple[Network, Network]:
        """The encoder and the decoder of an autoencoder: the network up to its middle layer, and from there on."""
        middle = len(self.layers) // 2
        hidden = bends(self.activation, len(self.layers) - 1)
        code = len(self.layers[middle][0])
        centre, scale = np.zeros(code, dtype=np.float32), np.ones(code, dtype=np.float32)
        encoder = replace(self, layers=self.layers[:middle], activation=hidden[:middle])
        decoder = replace(self, layers=self.layers[middle:], activation=hidden[middle:])
        return (
            replace(encoder, target_centre=centre, target_scale=scale),
            replace(decoder, centre=centre, scale=scale, clip=0.0),
        )

    def scaling(self) -> tuple[np.ndarray, ...]:
        """Centre and scale of the inputs, centre and scale of the targets."""
        return self.centre, self.scale, self.target_centre, self.target_scale

    def to_dict(self) -> dict[str, Any]:
        """All but the arrays, as plain JSON."""
        return {
            "activation": self.activation,
            "clip": self.clip,
            "history": self.history,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "diverged": self.diverged,
            "snapshot": self.snapshot,
            "embedding": self.embedding.kind,
        }


def standardize(inputs: Any, centre: Any, scale: Any, clip: float) -> Any:
    """(inputs - centre) * scale, missing as 0, and extremes pulled in smoothly: x / sqrt(1 + (x / clip)^2).

    NumPy arrays and torch tensors have the same operations under other names; a tensor is changed in place.
    Source of the clip: RealMLP (Holzmüller et al. 2024).
    """
    if isinstance(inputs, Tensor):
        units = inputs.sub_(centre).mul_(scale).nan_to_num_(0.0)
        if not clip:
            return units
        units.clamp_(-1e9, 1e9)  # or the square of 1e20, a fill value say, would overflow and count as missing
        return units.mul_(torch.addcmul(units.new_ones(()), units, units, value=1 / clip**2).rsqrt_())
    values = (inputs - centre) * scale
    values = np.where(np.isnan(values), 0.0, values)
    return values / np.sqrt(1 + values * values / clip**2) if clip else values
