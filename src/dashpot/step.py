"""What the networks of a stack do at each batch, and the weights that they begin with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from dashpot.embeddings import Embedding
from dashpot.learned import PLAIN, Learned
from dashpot.networks import WHOLE, Activations, Layer, forward
from dashpot.randomness import Draws, draws
from dashpot.regularizers.initializers import default_initializer
from dashpot.regularizers.recipe import Recipe


def step(
    layers: Sequence[Layer],
    inputs: Tensor,
    targets: Tensor,
    weights: Tensor,
    recipe: Recipe,
    design: Any,
    rng: Draws,
    embedding: Embedding = WHOLE,
    learned: Learned = PLAIN,
) -> tuple[Tensor, list[Tensor]]:
    """Losses of a batch, (networks,), and the gradient of each network's loss plus penalty by all that it learns."""
    inputs, targets = augmented(inputs, targets, recipe, design, rng)
    shares = shares_of(weights) if design.norm == "batch" else None
    scaled, activation = learned.layers(layers), learned.activation(design.built)
    embedding = learned.embedding(embedding)
    inputs = recipe.oppose(inputs, lambda at: slope(scaled, at, targets, design, embedding, shares, activation), rng)
    seen = recipe.perturb_weights(scaled, rng)
    outputs, units = forward(
        seen, inputs, activation, lambda units, depth: recipe.perturb_units(units, depth, rng), embedding, shares
    )
    losses = (design.loss.per_row(outputs, targets) * weights).sum(1)
    total = losses + recipe.penalty(scaled if learned.members else layers, units)
    # a sum, so that no network scales another's gradient; a mean over members that share their weights
    gradients = torch.autograd.grad(
        total.sum() / design.shared, [*(part for layer in layers for part in layer), *learned.tensors()]
    )
    return losses.detach(), list(gradients)


def augmented(inputs: Tensor, targets: Tensor, recipe: Recipe, design: Any, rng: Draws) -> tuple[Tensor, Tensor]:
    """A batch after `augment`; what is to be reconstructed changes as the inputs do, by the same draws."""
    seen, aims = recipe.augment(inputs, targets, rng)
    return seen, recipe.augment(targets, targets, rng)[0] if design.loss.reconstructs else aims


def shares_of(weights: Tensor) -> Tensor:
    """How much each row counts in a batch norm, (networks, batch, 1), by its weight in the loss, (networks, batch)."""
    return (weights / weights.sum(1, keepdim=True).clamp(min=1e-12)).unsqueeze(-1)


def slope(
    layers: Sequence[Layer],
    inputs: Tensor,
    targets: Tensor,
    design: Any,
    embedding: Embedding = WHOLE,
    shares: Tensor | None = None,
    activation: Activations | None = None,
) -> Tensor:
    """The gradient of each row's loss by its own inputs, shaped like them."""
    inputs = inputs.detach().requires_grad_()
    outputs, _ = forward(layers, inputs, activation or design.built, embedding=embedding, shares=shares)
    return torch.autograd.grad(design.loss.per_row(outputs, targets).sum(), inputs)[0]


def first_layers(
    layers: Sequence[Layer], activation: Activations, recipe: Recipe, seed: int, inputs: Tensor | None = None
) -> Sequence[Layer]:
    """The weights with which a network of this seed begins, shaped like `layers`, a stack of one.

    `inputs` (1, rows, features) are training rows as the first layer reads them; without them nothing is fitted.
    """
    rng = draws([seed], step=0)
    begun = recipe.initialize(default_initializer(activation).initialize(layers, rng.at("initial")), rng)
    if inputs is None or not inputs.shape[1]:
        return begun
    return recipe.settle(begun, lambda current: forward(current, inputs, activation)[1])


def write(values: Sequence[Layer], layers: Sequence[Layer]) -> None:
    """Write weights and biases into layers; those that are the same already stay."""
    for value, layer in zip(values, layers, strict=True):
        if value is not layer:
            layer.weights.copy_(value.weights)
            layer.biases.copy_(value.biases)
