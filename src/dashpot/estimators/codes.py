"""The latent code of an autoencoder: where it stands in the network, and which way it is turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dashpot.jobs import Design
from dashpot.networks import Bend, Network
from dashpot.reconstruction import FURTHEST
from dashpot.regularizers.codes import WIDEST

# What an autoencoder calls its code, and the activation of the layer that holds it.
CODES = {"linear": "identity", "bounded": "tanh", "variational": "identity"}


def mirrored(design: Design, code: int, kind: str) -> Design:
    """The design of the whole autoencoder, given that of its encoder; every hidden layer has straight units, too.

    Beside the means of a variational code its layer holds as many logarithms of variances.
    """
    middle = 2 * code if kind == "variational" else code
    widths = tuple(width + code for width in design.hidden_layers)
    assert isinstance(design.activation, str)
    bent = (Bend(design.activation, code),) * len(widths)
    return replace(
        design,
        hidden_layers=(*widths, middle, *widths[::-1]),
        activation=(*bent, Bend(CODES[kind]), *bent),
        clip=FURTHEST,
    )


def turn(network: Network, centre: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Move and rotate the code of a network in place; what it reconstructs stays the same.

    Gives the axes with the signs that were chosen: each points where it loads most.
    """
    middle = len(network.layers) // 2
    (into, shift), (out, bias) = network.layers[middle - 1 : middle + 1]
    turned = axes @ out
    signs = np.where(np.take_along_axis(turned, np.abs(turned).argmax(1)[:, None], 1) < 0, -1.0, 1.0)
    axes, turned = axes * signs, turned * signs
    moved = into @ axes.T, (shift - centre) @ axes.T
    network.layers[middle - 1] = tuple(part.astype(np.float32) for part in moved)
    network.layers[middle] = turned.astype(np.float32), (bias + centre @ out).astype(np.float32)
    return np.asarray(axes)


def without_variances(network: Network) -> Network:
    """A network with a variational code as it predicts: its code holds the means only."""
    middle = len(network.layers) // 2
    (into, shift), (out, bias) = network.layers[middle - 1 : middle + 1]
    code = len(shift) // 2
    layers = list(network.layers)
    layers[middle - 1 : middle + 1] = [(into[:, :code].copy(), shift[:code].copy()), (out[:code].copy(), bias)]
    return replace(network, layers=layers)


def noise_of(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Variance of the noise of each number of a variational code, mean over rows, (code,)."""
    codes = network.split()[0].outputs(inputs)
    return np.asarray(np.exp(codes[:, codes.shape[1] // 2 :].clip(-WIDEST, WIDEST)).mean(0))
