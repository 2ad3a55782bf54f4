"""Autoencoders that begin as a map: t-SNE places rows, the encoder learns the places, the decoder to draw from them."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from dashpot.jobs import Design, Examples, Job, Prepared, Sample, prepare
from dashpot.losses import SquaredError
from dashpot.networks import Network, bends
from dashpot.optimizers import AdamW
from dashpot.regularizers import Noise, Recipe
from dashpot.regularizers.neighbors import sight
from dashpot.tables.encode import Inputs
from dashpot.training import train

FEWEST_ROWS = 8
MOST_PLACED = 3_000  # rows that t-SNE places; others go where their nearest ones of these are
NEAREST = 5  # of them
PERPLEXITY = 30.0
LESSONS = 1_500  # steps of the encoder, and of the decoder
NOISE = Noise("inputs", "gaussian", 0.3)  # while the encoder learns, in units of the columns' spread


def begun_as_map(examples: Examples, job: Job) -> Job:
    """The job of an autoencoder, with networks to begin from that place rows where t-SNE does, one for each member.

    Fewer than eight rows are no map: the job stays as it is.
    """
    if len(job.rows) < FEWEST_ROWS:
        return job
    return replace(job, start=tuple(_taught(one) for one in prepare(examples, job.recipe.plan(job))))


def _taught(one: Prepared) -> Network:
    """The network of one member."""
    design, sample = one.job.design, one.sample
    middle = len(design.hidden_layers) // 2
    code = design.hidden_layers[middle]
    bent = bends(design.activation, len(design.hidden_layers))
    half = replace(design, hidden_layers=design.hidden_layers[:middle], activation=bent[:middle], loss=SquaredError())
    encoder = _lesson(_placed(sample, code, one.job.seed), half, Recipe((NOISE,)), one.job.seed)
    codes = encoder.outputs(sample.inputs).astype(np.float32)
    axes = Inputs(tuple(f"code {k}" for k in range(code)), np.arange(code), np.zeros(code, dtype=bool))
    rest = replace(design, hidden_layers=design.hidden_layers[middle + 1 :], activation=bent[middle + 1 :], clip=0.0)
    decoder = _lesson(Examples(codes, sample.targets, axes, sample.weights), rest, Recipe(()), one.job.seed)
    return _joined(encoder, decoder, design)


def _placed(sample: Sample, code: int, seed: int) -> Examples:
    """The training rows and their places: t-SNE's, and of rows that it did not place the median of their nearest."""
    rows = sight(sample)(sample.inputs)
    chosen = np.sort(np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, 5]).permutation(len(rows))[:MOST_PLACED])
    places = t_sne_places(rows[chosen], code, seed % 2**32)
    if len(chosen) < len(rows):
        near = NearestNeighbors(n_neighbors=NEAREST).fit(rows[chosen]).kneighbors(rows, return_distance=False)
        everywhere = np.median(places[near], axis=1)
        everywhere[chosen] = places
        places = everywhere
    return Examples(sample.inputs, places.astype(np.float32), sample.examples.columns, sample.weights)


def _lesson(examples: Examples, design: Design, recipe: Recipe, seed: int) -> Network:
    """A half of the autoencoder, trained on all rows for a number of steps, but not far longer than the whole."""
    rows = np.arange(len(examples.inputs))
    epochs = min(2 * design.epochs, max(1, round(LESSONS * design.batch_size / len(rows))))
    optimizer = AdamW(learning_rate=3e-3, schedule="cosine", decay=0.0, beta2=0.95)
    design = replace(design, optimizer=optimizer, epochs=epochs, tolerance=0.0)
    ((network,),) = train(examples, [Job(recipe, rows, rows[:0], seed, design)], workers=1)
    return network


def _joined(encoder: Network, decoder: Network, design: Design) -> Network:
    """Encoder and decoder as one network: what each does to its codes becomes part of its weights."""
    (weights, biases), (first, shift) = encoder.layers[-1], decoder.layers[0]
    into = weights * encoder.target_scale, biases * encoder.target_scale + encoder.target_centre
    out = decoder.scale[:, None] * first, shift - (decoder.centre * decoder.scale) @ first
    layers = [*encoder.layers[:-1], into, out, *decoder.layers[1:]]
    return replace(
        encoder,
        layers=layers,
        activation=design.activation,
        target_centre=decoder.target_centre,
        target_scale=decoder.target_scale,
        history={},
        epochs=0,
    )


def t_sne_places(rows: np.ndarray, code: int, seed: int) -> np.ndarray:
    """Where t-SNE places rows (rows, features), (rows, code)."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, max(1.0, (len(rows) - 1) / 3))
    begin = "pca" if rows.shape[1] >= code else "random"
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        places = TSNE(code, perplexity=perplexity, init=begin, random_state=seed).fit_transform(rows)
    return np.asarray(places)
