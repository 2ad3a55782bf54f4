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
from dashpot.scaling import scaling
from dashpot.stack import first_layers

MOST_ROWS = 20_000  # rows that the components are taken from


class Components(NamedTuple):
    """What a network sees and is to give, to first order."""

    scales: tuple[np.ndarray, ...]  # centre and scale of inputs and of targets
    encoder: np.ndarray  # offset and weights, (1 + inputs, components)
    decoder: np.ndarray  # offset and weights, (1 + components, outputs)
    shares: np.ndarray  # of the variance, (components,)


def begun_as_components(examples: Examples, job: Job) -> Job:
    """The job, with networks to begin from that are PCA, one for each member."""
    members = prepare(examples, job.recipe.plan(job))
    components = _components(members[0])
    return replace(job, start=tuple(_begun(examples, one, components) for one in members))


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
    values, axes = np.linalg.svd(scaled, full_matrices=False)[1:]
    middle = seen.mean(0)
    pull = ((seen - middle) * scaled).sum(0) / ((seen - middle) ** 2).sum(0).clip(min=1e-12)  # each aim by its input
    shift = scaled.mean(0) - pull * middle
    encoder = np.vstack([shift @ axes.T, pull[:, None] * axes.T])
    return Components(scales, encoder, np.vstack([offset, axes * slope]), values**2 / (values**2).sum().clip(min=1e-12))


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


def _begun(examples: Examples, one: Prepared, components: Components) -> Network:
    """A network whose straight path is given, and whose bent units begin at random and add nothing yet."""
    design, widths = one.job.design, one.job.widths(examples)
    empty = layers_of(torch.zeros(1, parameter_count(widths)), widths)
    random = first_layers(empty, design.activation, one.job.recipe, one.job.seed)
    layers = [(layer.weights[0].numpy().copy(), layer.biases[0, 0].numpy().copy()) for layer in random]
    last, code = len(layers) - 1, design.hidden_layers[len(layers) // 2 - 1]
    used = min(code, len(components.shares))
    for depth, (weights, biases) in enumerate(layers):
        before = slice(None) if depth == 0 else slice(-code, weights.shape[0] - code + used)
        after = slice(None) if depth == last else slice(-code, weights.shape[1] - code + used)
        given = np.eye(used + 1, used, -1)
        if depth == 0:
            given = components.encoder[:, :used]
        if depth == last:
            given = components.decoder[: used + 1]
        weights[:, slice(None) if depth in (len(layers) // 2 - 1, last) else slice(-code, None)] = 0.0
        weights[before, after], biases[after] = given[1:], given[0]
    centre, scale, target_centre, target_scale = components.scales
    return Network(layers, design.activation, centre, scale, design.clipping, target_centre, target_scale)
