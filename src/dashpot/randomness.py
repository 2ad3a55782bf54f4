"""Counter-based random draws: the same numbers for a network, whoever its neighbours are.

Every draw is an integer hash of (network seed, step, place, position), computed for the whole stack in
a few int32 tensor operations. There is no state to carry, so a network draws the same numbers alone, in
any stack, on any worker and after a resume. The hash is the `lowbias32` mixer of C. Wellons, keyed twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod

import numpy as np
import torch
from scipy.special import ndtri
from torch import Tensor

GOLDEN, FIRST, SECOND = 0x9E3779B1, 0x7FEB352D, 0x846CA68B
MASK = 0xFFFFFFFF


def signed(number: int) -> int:
    """The 32 low bits of a number, read as a signed integer: torch has no full uint32 arithmetic."""
    number &= MASK
    return number - (1 << 32) if number >> 31 else number


def mixed(number: np.ndarray) -> np.ndarray:
    """`lowbias32` on uint64 arrays that hold 32-bit numbers."""
    number = (number ^ (number >> 16)) * FIRST & MASK
    number = (number ^ (number >> 15)) * SECOND & MASK
    return number ^ (number >> 16)


def keys(seeds: Sequence[int], steps: Sequence[int]) -> Tensor:
    """Two independent 32-bit keys for each step and network, shape (steps, 2, networks), int32."""
    low = np.array([int(seed) & MASK for seed in seeds], dtype=np.uint64)
    high = np.array([(int(seed) >> 32) & MASK for seed in seeds], dtype=np.uint64)
    step = np.asarray(steps, dtype=np.uint64)[:, None] & MASK
    first = mixed(mixed(low) ^ step)
    second = mixed(mixed(high + low * GOLDEN & MASK) ^ (step * GOLDEN & MASK))
    return torch.from_numpy(np.stack([first, second], axis=1).astype(np.uint32).view(np.int32))


@lru_cache(maxsize=256)
def constant(number: int, device: torch.device) -> Tensor:
    """An int32 scalar; a Python number would be turned into a tensor again at every operation."""
    return torch.tensor(signed(number), dtype=torch.int32, device=device)


@lru_cache(maxsize=64)
def counters(count: int, device: torch.device) -> Tensor:
    """0, 1, 2, ... times the golden ratio, modulo 2**32: far apart before the mixing begins."""
    numbers = (np.arange(count, dtype=np.uint64) * GOLDEN & MASK).astype(np.uint32).view(np.int32)
    return torch.from_numpy(numbers).to(device)


@lru_cache(maxsize=4)
def normal_quantiles(device: torch.device) -> Tensor:
    """The middle of each of 65,536 equally probable slices of the standard normal, rescaled to variance 1."""
    quantiles = ndtri((np.arange(65536) + 0.5) / 65536)
    return torch.from_numpy((quantiles / quantiles.std()).astype(np.float32)).to(device)


@dataclass(frozen=True)
class Draws:
    """Random numbers for each network of a stack.

    Draws are pure: asking twice gives the same numbers. `at(place)` gives draws independent of these.

    Parameters
    ----------
    keys : int32 tensor, shape (2, networks)
        One step of `keys(seeds, steps)`.
    """

    keys: Tensor
    place: int = 0

    def at(self, place: str | int) -> Draws:
        """Draws of another place: each regularizer, hook and layer has its own."""
        number = zlib.crc32(place.encode()) if isinstance(place, str) else place * GOLDEN
        return Draws(self.keys, self.place ^ (number & MASK))

    @cached_property
    def here(self) -> Tensor:
        """The keys of this place, int32 (2, networks, 1)."""
        return (self.keys ^ constant(self.place, self.keys.device)).unsqueeze(-1)

    def bits(self, count: int) -> Tensor:
        """`count` random 32-bit integers for each network, int32 (networks, count)."""
        device = self.keys.device
        first, second = self.here
        number = counters(count, device) + first
        shifted = torch.bitwise_right_shift(number, constant(16, device))
        number.bitwise_xor_(shifted).mul_(constant(FIRST, device)).add_(second)
        torch.bitwise_right_shift(number, constant(15, device), out=shifted)
        number.bitwise_xor_(shifted).mul_(constant(SECOND, device))
        torch.bitwise_right_shift(number, constant(16, device), out=shifted)
        shifted.bitwise_and_(constant(0xFFFF, device))  # a logical shift: the sign must not spread
        return number.bitwise_xor_(shifted)

    def uniform(self, shape: Sequence[int]) -> Tensor:
        """Uniform in [0, 1) with 24-bit resolution; shape (networks, ...)."""
        number = self.bits(prod(shape[1:])).bitwise_right_shift_(constant(8, self.keys.device))
        return number.to(torch.float32).mul_(2.0**-24).add_(0.5).view(*shape)

    def normal(self, shape: Sequence[int]) -> Tensor:
        """Standard normal with 65,536 levels (largest 4.3); shape (networks, ...)."""
        count = prod(shape[1:])
        halves = self.bits((count + 1) // 2).view(torch.int16)[:, :count]
        index = halves.to(torch.int32).add_(32768).flatten()
        return normal_quantiles(index.device).index_select(0, index).view(*shape)

    def chance(self, probability: float | Tensor, shape: Sequence[int], value: float | Tensor = 1.0) -> Tensor:
        """`value` with a probability, else 0: float32 of shape (networks, ...).

        Four decisions share one 32-bit hash, a byte each, of which 7 bits are compared. The threshold is rounded at
        random, per network and step, so that the probability is kept exactly on average: a rate of 0.1 is 0.1.

        Parameters
        ----------
        probability : number or tensor (networks,), in [0, 1]
        value : number or tensor (networks,)
        """
        count = prod(shape[1:])
        dither = self.here[1].to(torch.float32).mul_(2.0**-32).add_(0.5)
        probability = probability.view(-1, 1) if isinstance(probability, Tensor) else probability
        threshold = dither.add_(probability * 128).to(torch.uint8)
        # a number below 128 plus the threshold reaches 128, the highest bit of a byte, with the probability wanted
        decisions = torch.bitwise_right_shift(self.bits((count + 3) // 4).view(torch.uint8), 1)
        decisions.add_(threshold).bitwise_right_shift_(7)
        drawn = decisions[:, :count].to(torch.float32)
        return drawn.mul_(value.view(-1, 1) if isinstance(value, Tensor) else value).view(*shape)


def draws(seed: int | Sequence[int] = 0, step: int = 0) -> Draws:
    """Draws for one network (an integer) or for a stack of networks (a sequence of integers).

    Examples
    --------
    >>> draws(seed=0).uniform((1, 3)).shape
    torch.Size([1, 3])
    """
    seeds = [seed] if isinstance(seed, int | np.integer) else list(seed)
    return Draws(keys(seeds, [step])[0])
