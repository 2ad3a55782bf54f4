"""The latent code of an autoencoder: where it stands in the network, and which way it is turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashpot.jobs import Design
from dashpot.networks import Bend, Network
from dashpot.reconstruction import FURTHEST


def mirrored(design: Design, code: int, activation: str) -> Design:
    """The design of the whole autoencoder, given that of its encoder; every hidden layer has straight units, too."""
    widths = tuple(width + code for width in design.hidden_layers)
    assert isinstance(design.activation, str)
    bent = (Bend(design.activation, code),) * len(widths)
    return replace(
        design,
        hidden_layers=(*widths, code, *widths[::-1]),
        activation=(*bent, Bend(activation), *bent),
        clip=FURTHEST,
    )


def turn(network: Network, centre: np.ndarray, axes: np.ndarray) -> None:
    """Move and rotate the code of a network in place; what it reconstructs stays the same."""
    middle = len(network.layers) // 2
    (into, shift), (out, bias) = network.layers[middle - 1 : middle + 1]
    turned = axes @ out
    signs = np.where(np.take_along_axis(turned, np.abs(turned).argmax(1)[:, None], 1) < 0, -1.0, 1.0)
    axes, turned = axes * signs, turned * signs
    moved = into @ axes.T, (shift - centre) @ axes.T
    network.layers[middle - 1] = tuple(part.astype(np.float32) for part in moved)
    network.layers[middle] = turned.astype(np.float32), (bias + centre @ out).astype(np.float32)
