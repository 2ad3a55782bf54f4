"""Autoencoders that begin as principal component analysis, and learn what it misses.

Beside its bent units every hidden layer has straight ones, as many as the code has numbers. At the start the straight
path holds the principal components, and the bent units add nothing yet.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from dashpot.jobs import Examples, Job, Prepared, prepare
from dashpot.networks import Network, layers_of, parameter_count, standardize
from dashpot.reconstruction import FURTHEST, Reconstruction
from dashpot.regularizers import TiedWeights, VariationalCode
from dashpot.scaling import scaling
from dashpot.step import first_layers

MOST_ROWS = 20_000  # rows that the components are taken from
WITHIN = 0.4  # spread of a bounded code at the beginning: nearly straight


class Components(NamedTuple):
    """What a network sees and is to give, to first order."""

    scales: tuple[np.ndarray, ...]  # centre and scale of inputs and of targets
    encoder: np.ndarray  # offset and weights, (1 + inputs, components)
    decoder: np.ndarray  # offset and weights, (1 + components, outputs)
    variances: np.ndarray  # summed over the outputs, (components,)
    noise: np.ndarray | None = None  # logarithms of variances of a variational code, (components,)

    @property
    def spreads(self) -> np.ndarray:
        """Standard deviation of each, (components,); those that are next to nothing, a hundredth of the first."""
        return np.asarray(np.sqrt(self.variances.clip(min=max(1e-4 * self.variances[0], 1e-12))))

    @property
    def shares(self) -> np.ndarray:
        """What each has of the variance, (components,)."""
        return np.asarray(self.variances / self.variances.sum().clip(min=1e-12))


def begun_as_components(examples: Examples, job: Job, code: int) -> tuple[Job, Network]:
    """The job, with a network to begin from for each member, and principal component analysis as such a network.

    They are the same but for tied weights, for variational codes, which begin as probabilistic components, and for
    bounded ones, which begin where their bend is nearly straight.
    """
    members = prepare(examples, job.recipe.plan(job))
    components = _components(members[0])
    plain = _straightened(_begun(examples, members[0], components, code))
    noise = next((part.strength for part in job.recipe.parts if isinstance(part, VariationalCode)), 0.0)
    if noise:
        components = _probabilistic(components, noise * _cells(members[0]))
    elif plain.activation != job.design.activation:
        components = _scaled(components, WITHIN / components.spreads, components.spreads / WITHIN)
    begun = [_begun(examples, one, components, code) for one in members]
    if any(isinstance(part, TiedWeights) and part.strength for part in job.recipe.parts):
        begun = [_tied(one) for one in begun]
    return replace(job, start=tuple(begun)), plain


def code_for_share(examples: Examples, job: Job, share: float) -> int:
    """The fewest components that explain a share of the variance."""
    shares = _components(prepare(examples, job.recipe.plan(job))[0]).shares
    return min(len(shares), int(np.searchsorted(shares.cumsum(), share)) + 1)


def _components(one: Prepared) -> Components:
    """Principal components of the training rows of a network."""
    design = one.job.design
    assert isinstance(design.loss, Reconstruction)
    centre, scale, target_centre, target_scale = scales = scaling(one.sample, design)
    chosen = slice(None, None, -(-len(one.sample) // MOST_ROWS))
    inputs, targets = one.sample.inputs[chosen], one.sample.targets[chosen]
    seen = standardize(inputs.astype(np.float64), centre, scale, design.clipping)
    aims = ((targets - target_centre) / target_scale).clip(-FURTHEST, FURTHEST)
    known = ~np.isnan(aims)
    mean = np.where(known, aims, 0).sum(0) / known.sum(0).clip(min=1)
    weight, slope, offset = _units_of(design.loss, mean)
    scaled = np.where(known, aims - mean, 0.0) * weight
    variances, axes = _principal(scaled)
    middle = seen.mean(0)
    pull = ((seen - middle) * scaled).sum(0) / ((seen - middle) ** 2).sum(0).clip(min=1e-12)  # each aim by its input
    shift = scaled.mean(0) - pull * middle
    encoder = np.vstack([shift @ axes.T, pull[:, None] * axes.T])
    return Components(scales, encoder, np.vstack([offset, axes * slope]), variances / len(seen))


def _principal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of squares along the principal axes of rows (rows, columns), and the axes (components, columns)."""
    if len(rows) <= rows.shape[1]:
        values, axes = np.linalg.svd(rows, full_matrices=False)[1:]
        return values**2, axes
    sums, vectors = np.linalg.eigh(rows.T @ rows)  # ten times faster where there are many rows
    return sums[::-1].clip(min=0), vectors[:, ::-1].T


def _probabilistic(components: Components, noise: float) -> Components:
    """The same with scores that are standard normal once noise is added, where each cell has noise of this variance.

    Source: Tipping and Bishop (1999), JRSS B 61. Components below the noise are kept small, and not nothing, so that
    training may find more in them.
    """
    variances = components.spreads**2
    kept = np.sqrt(np.maximum(variances - noise, 0.05 * variances))
    return _scaled(components, kept / variances, kept)._replace(noise=np.log(np.minimum(noise / variances, 1.0)))


def _scaled(components: Components, into: np.ndarray, out: np.ndarray) -> Components:
    """The same with scores times a factor for each component, and what is drawn of them times another."""
    decoder = np.vstack([components.decoder[:1], components.decoder[1:] * out[:, None]])
    return components._replace(encoder=components.encoder * into, decoder=decoder)


def _straightened(network: Network) -> Network:
    """The same with a code that is not bent: principal component analysis has no bounds."""
    assert not isinstance(network.activation, str)
    middle = len(network.layers) // 2 - 1
    before, bend, after = network.activation[:middle], network.activation[middle], network.activation[middle + 1 :]
    return replace(network, activation=(*before, bend._replace(name="identity"), *after))


def _cells(one: Prepared) -> float:
    """Cells of a row for each input: what the penalty of a variational code counts by."""
    assert isinstance(one.job.design.loss, Reconstruction)
    return len(one.job.design.loss.cells) / one.sample.inputs.shape[1]


def _tied(network: Network) -> Network:
    """The same with a decoder that is the encoder, transposed; its bent units give nothing, since none comes in."""
    layers = list(network.layers)
    for place in range(len(layers) // 2):
        image = -1 - place
        given, other = layers[place][0], layers[image][0].T
        weights = np.where(other == 0, given, (given + other) / 2) if place == 0 else given
        layers[place], layers[image] = (weights, layers[place][1]), (weights.T.copy(), layers[image][1])
    return replace(network, layers=layers)


def _units_of(loss: Reconstruction, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weight of each aim in the components, and the slope and the offset that bring components back to outputs.

    An amount is itself. A level of a category is a share p that a logit gives: near p, it moves by 1 / p of it.
    """
    weight, slope, offset = np.zeros(len(mean)), np.zeros(len(mean)), np.zeros(len(mean))
    for cell in loss.cells:
        own = slice(cell.first, cell.past)
        if not cell.category:
            weight[own], slope[own], offset[own] = 1.0, 1.0, mean[own]
            continue
        share = mean[own].clip(0.01, 0.99)
        spread = np.sqrt(share * (1 - share))
        weight[own] = 1 / spread / np.sqrt(cell.past - cell.first)
        single = cell.past - cell.first == 1
        slope[own] = 0.5 / weight[own] / (share * (1 - share) if single else share)
        offset[own] = np.log(share / (1 - share)) if single else np.log(share)
    return weight, slope, offset


def _begun(examples: Examples, one: Prepared, components: Components, code: int) -> Network:
    """A network whose straight path is given, and whose bent units begin at random and add nothing yet."""
    design, widths = one.job.design, one.job.widths(examples)
    empty = layers_of(torch.zeros(1, parameter_count(widths)), widths)
    random = first_layers(empty, design.activation, one.job.recipe, one.job.seed)
    layers = [(layer.weights[0].numpy().copy(), layer.biases[0, 0].numpy().copy()) for layer in random]
    last, middle, used = len(layers) - 1, len(layers) // 2, min(code, len(components.variances))

    def straight(depth: int) -> slice:
        """Where the units of a depth are straight that the components use."""
        start = 0 if depth == middle else widths[depth] - code
        return slice(None) if depth in (0, last + 1) else slice(start, start + used)

    for depth, (weights, biases) in enumerate(layers):
        given = np.eye(used + 1, used, -1)
        if depth == 0:
            given = components.encoder[:, :used]
        if depth == last:
            given = components.decoder[: used + 1]
        weights[:, slice(None) if depth in (middle - 1, last) else slice(-code, None)] = 0.0
        weights[straight(depth), straight(depth + 1)], biases[straight(depth + 1)] = given[1:], given[0]
    _quiet(layers, code, components.noise)
    centre, scale, target_centre, target_scale = components.scales
    return Network(layers, design.activation, centre, scale, design.clipping, target_centre, target_scale)


def _quiet(layers: list[tuple[np.ndarray, np.ndarray]], code: int, noise: np.ndarray | None) -> None:
    """The variances of a variational code, behind its means: the same for all rows, and seen by no layer."""
    middle = len(layers) // 2
    layers[middle][0][code:] = 0.0
    if noise is not None:
        used = min(code, len(noise))
        layers[middle - 1][1][code : code + used] = noise[:used]
