"""The rows of a stack, as its networks see them: each by its own scaling and embedding, in its own order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from dashpot.embeddings import Embedding, together
from dashpot.jobs import Examples, Prepared
from dashpot.networks import standardize
from dashpot.scaling import embedding_of, scaling, silenced
from dashpot.step import shares_of

SETTLING = 1024  # training rows that first weights are fitted to, and batch norms settled by, at most
EVERY = slice(None)


class Feed:
    """What the networks of a stack learn from and are judged by.

    Rows are numbers. Members that share their weights stand one by one: `networks` counts all of them here.

    Attributes
    ----------
    members : list of Prepared, one for each network
    seeds : list of int, likewise
        For its draws and the order of its rows.
    inputs, targets : tensors (rows, ...)
        All rows, those of each network's own making behind.
    rows, weights : lists of arrays
        Numbers and weights of each network's training rows.
    scales : list of tensors (networks, 1, ...)
        Centre and scale of inputs, centre and scale of targets.
    embedding : Embedding
    validation : row numbers and weights of each network's validation rows, (networks, chunks * batch) each
    typical : row numbers and shares that batch norms are settled by, (networks, rows, ...), or ()
    """

    def __init__(self, examples: Examples, prepared: list[Prepared], device: torch.device) -> None:
        self.design = prepared[0].job.design
        self.steps, self.batch, each = prepared[0].steps, prepared[0].batch_width, self.design.shared
        self.device = device
        self.members = [one for one in prepared for _ in range(each)]
        self.seeds = [member_seed(one.job.seed, place) for one in prepared for place in range(each)]
        self._load(examples, prepared)
        scales = [scale for scale in self._scalings(examples, prepared) for _ in range(each)]
        self.scales = [torch.from_numpy(np.stack(part)[:, None]).to(device) for part in zip(*scales, strict=True)]
        self.embedding = together(self._embeddings(scales), device)
        self.validation = self._validation(examples)
        self.typical: tuple[Tensor, ...] = self._typical() if self.design.norm == "batch" else ()

    def _load(self, examples: Examples, prepared: list[Prepared]) -> None:
        """Inputs and targets of all rows on the device, and which of them each network trains on."""
        loss, each = self.design.loss, self.design.shared
        made = [one.sample.made for one in prepared if one.sample.made is not None]
        inputs = np.vstack([examples.inputs, *(m.inputs for m in made)])
        targets = np.vstack([loss.encode(examples.targets), *(loss.encode(m.targets) for m in made)])
        self.inputs = torch.from_numpy(inputs).to(self.device)
        self.targets = torch.from_numpy(targets).to(self.device)
        start, rows = len(examples.inputs), []
        for one in prepared:
            count = len(one.sample) - len(one.sample.rows)
            rows.append(np.concatenate([one.sample.rows, np.arange(start, start + count)]))
            start += count
        self.rows = [own for own in rows for _ in range(each)]
        self.weights = [one.sample.weights for one in self.members]

    def _scalings(self, examples: Examples, prepared: list[Prepared]) -> list[tuple[np.ndarray, ...]]:
        """The scaling of each network; networks with the same rows share the work."""
        known: dict[tuple[bytes | None, ...], tuple[np.ndarray, ...]] = {}
        scales = []
        for one in prepared:
            rows = one.sample.key()
            if one.job.start:
                scales.append(one.job.start[0].scaling())
            elif one.sample.made is not None:
                scales.append(scaling(one.sample, self.design))
            else:
                if rows not in known:
                    known[rows] = scaling(one.sample, self.design)
                scales.append(known[rows])
        return [silenced(one.job, examples.columns, scale) for one, scale in zip(prepared, scales, strict=True)]

    def _embeddings(self, scales: list[tuple[np.ndarray, ...]]) -> list[Embedding]:
        """The embedding of each network."""
        return [
            one.job.start[0].embedding if one.job.start else embedding_of(one.sample, self.design, scale, one.job.seed)
            for one, scale in zip(self.members, scales, strict=True)
        ]

    def _validation(self, examples: Examples) -> tuple[Tensor, Tensor]:
        """Validation rows and weights of each network, padded to chunks of one batch."""
        most = max(len(one.job.validation) for one in self.members)
        chunks = -(-most // self.batch)
        rows = np.zeros((len(self.members), chunks * self.batch), dtype=np.int64)
        weights = np.zeros(rows.shape, dtype=np.float32)
        for i, one in enumerate(self.members):
            own = one.job.validation
            given = np.ones(len(own)) if examples.weights is None else examples.weights[own]
            rows[i] = own[0] if len(own) else one.job.rows[0]
            rows[i, : len(own)] = own
            weights[i, : len(own)] = given / given.sum() if given.any() else np.nan
        return torch.from_numpy(rows).to(self.device), torch.from_numpy(weights).to(self.device)

    def _typical(self) -> tuple[Tensor, Tensor]:
        """Rows of each network that its batch norms are settled by, spread over all, and how much each counts."""
        count = min(SETTLING, self.steps * self.batch)
        places = [np.arange(count) * len(rows) // count for rows in self.rows]
        rows = np.stack([own[place] for own, place in zip(self.rows, places, strict=True)])
        weights = [w[place] / np.bincount(place)[place] for w, place in zip(self.weights, places, strict=True)]
        shares = shares_of(torch.from_numpy(np.stack(weights).astype(np.float32)))
        return torch.from_numpy(rows).to(self.device), shares.to(self.device)

    def some_inputs(self, i: int) -> Tensor:
        """Some training rows of one network, spread over all, as its first layer reads them, (1, rows, features)."""
        rows = self.rows[i][:: -(-len(self.rows[i]) // SETTLING)]
        centre, scale = (part[i : i + 1] for part in self.scales[:2])
        inputs = self.inputs.index_select(0, torch.from_numpy(rows).to(self.device))[None]
        seen = torch.as_tensor(standardize(inputs, centre, scale, self.design.clipping))
        return torch.as_tensor(self.embedding.each(lambda part: part[i : i + 1])(seen))

    def batches(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Row numbers and row weights of an epoch's batches, (networks, steps, batch); weight 0 fills up."""
        shape = (len(self.members), self.steps, self.batch)
        order, weights = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.float32)
        every = zip(self.members, self.seeds, self.rows, self.weights, strict=True)
        for i, (one, seed, rows, given) in enumerate(every):
            # the epoch counts in the upper half: streams of neighbouring counters overlap, and so would the orders
            philox = np.random.Philox(key=seed, counter=epoch << 128)
            places, shares = batch_places(len(rows), self.steps, self.batch)
            taken = one.job.recipe.order(one.sample, np.random.Generator(philox))[places]
            order[i], weights[i] = rows[taken], given[taken] * shares
        return torch.from_numpy(order).to(self.device), torch.from_numpy(weights).to(self.device)

    def gather(self, rows: Tensor, own: slice = EVERY) -> tuple[Tensor, Tensor]:
        """Standardized inputs and targets of some rows of each network, (networks, batch, ...)."""
        centre, scale, target_centre, target_scale = (part[own] for part in self.scales)
        flat = rows.reshape(-1)
        inputs = self.inputs.index_select(0, flat).view(*rows.shape, -1)
        targets = self.targets.index_select(0, flat).view(*rows.shape, -1)
        if self.design.loss.standardizes:
            targets = (targets - target_centre) / target_scale
        return standardize(inputs, centre, scale, self.design.clipping), targets

    def take(self, keep: Tensor) -> None:
        """Some of the networks only, `keep` (networks,)."""
        stays = torch.nonzero(keep).flatten().tolist()
        self.members, self.seeds = [self.members[i] for i in stays], [self.seeds[i] for i in stays]
        self.rows, self.weights = [self.rows[i] for i in stays], [self.weights[i] for i in stays]
        self.scales = [scale[keep] for scale in self.scales]
        self.embedding = self.embedding.each(lambda part: part[keep])
        self.validation = self.validation[0][keep], self.validation[1][keep]
        self.typical = tuple(part[keep] for part in self.typical)


@lru_cache(maxsize=256)
def batch_places(rows: int, steps: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each place of an epoch's batches, (steps, batch), finds its row in the shuffled rows, and its weight.

    Batches are equal to one row. Places beyond a batch's own rows repeat them with weight 0: no other network's rows
    may fill up, since even at weight 0 an infinite number does harm.
    """
    sizes = np.full(steps, rows // steps)
    sizes[: rows % steps] += 1
    place = np.arange(batch)
    starts = np.cumsum(sizes) - sizes
    shares = np.where(place < sizes[:, None], 1 / sizes[:, None], 0.0)
    return starts[:, None] + place % sizes[:, None], shares.astype(np.float32)


@lru_cache(maxsize=4096)
def member_seed(seed: int, place: int) -> int:
    """The seed of a member of a network that shares its weights: its draws and the order of its rows."""
    return seed if not place else int(np.random.default_rng([seed & 0xFFFFFFFF, seed >> 32, 7, place]).integers(2**62))
