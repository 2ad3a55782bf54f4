"""Trainings on disk: a fit that was killed goes on where it was, and gives the same networks to the last bit.

A folder holds `training.json`, which says whose training it is and which networks train together, and one safetensors
file for each stack. Files are written beside their place and moved there in one step; nothing in them can run.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors
from torch import Tensor

from dashpot.arrays import network_from, network_tensors
from dashpot.errors import DashpotError, ModelFileError, UsageError
from dashpot.jobs import Examples, Prepared
from dashpot.networks import Network
from dashpot.writing import write_bytes, write_text

if TYPE_CHECKING:
    from dashpot.stack import Stack

FORMAT = 1
SECONDS = 5.0  # at least, between two writings of a stack
LARGEST_SHARE = 0.02  # of the time, at most, goes into writing
PARTS = ("parameters", "before")  # the tensors of a stack that are always there


@dataclass(frozen=True)
class Checkpoints:
    """The folder of one training.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    caller : str
        What error messages begin with.
    """

    folder: Path
    caller: str = "train"

    def arrange(self, examples: Examples, prepared: list[Prepared], work: list[list[Prepared]]) -> list[list[Prepared]]:
        """The stacks of the training that the folder holds, or `work`, which it holds from now on.

        Raises
        ------
        UsageError
            If the folder holds another training, or cannot be written.
        ModelFileError
            If what it holds cannot be read.
        """
        whose = fingerprint(examples, [one.job for one in prepared])
        path = self.folder / "training.json"
        if path.exists():
            return self._arranged(path, whose, prepared)
        numbers = [[one.number for one in stack] for stack in work]
        text = json.dumps({"format": FORMAT, "fingerprint": whose, "stacks": numbers})
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        write_text(path, text, self.caller)
        return work

    def _arranged(self, path: Path, whose: str, prepared: list[Prepared]) -> list[list[Prepared]]:
        """The stacks that are written down, if they are those of this training."""
        try:
            known = json.loads(path.read_text())
            if known["format"] != FORMAT:
                raise self._damaged(path)
            if known["fingerprint"] != whose:
                raise UsageError(
                    f"{self.caller}(checkpoint={str(self.folder)!r}): the folder holds a training of other data, "
                    "another recipe or another seed. Choose another folder, or delete this one."
                )
            if sorted(number for stack in known["stacks"] for number in stack) != list(range(len(prepared))):
                raise self._damaged(path)
            return [[prepared[number] for number in stack] for stack in known["stacks"]]
        except DashpotError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(path) from error

    def keep(self, stack: Stack, name: str) -> None:
        """Write a stack; it replaces what was there before."""
        tensors, described = stack_tensors(stack)
        content = save_tensors(tensors, {"stack": json.dumps(described)})
        write_bytes(self.folder / f"{name}.safetensors", content, self.caller)

    def restore(self, stack: Stack, name: str) -> None:
        """Put a stack that has not begun where it was when it was written; one that never was stays as it is."""
        path = self.folder / f"{name}.safetensors"
        if not path.exists():
            return
        try:
            with safe_open(path, framework="numpy") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                described = json.loads(file.metadata()["stack"])
            restore_stack(stack, tensors, described)
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
            raise self._damaged(path) from error

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(
            f"{self.caller}(checkpoint={str(self.folder)!r}): {error.strerror or error}. "
            "Choose a folder that you may write to."
        )

    def _damaged(self, path: Path) -> ModelFileError:
        return ModelFileError(
            f"{self.caller}(checkpoint={str(self.folder)!r}): {path.name} is damaged or of another version. "
            "Delete the folder: the training then begins anew."
        )


class Keeper:
    """Writes a stack now and then: not too often, never so that writing takes much of the time, and at its end."""

    def __init__(self, checkpoints: Checkpoints, stack: Stack) -> None:
        self.checkpoints, self.stack = checkpoints, stack
        self.name = f"stack-{stack.members[0].number}"
        checkpoints.restore(stack, self.name)
        self.last, self.cost = time.monotonic(), 0.0

    def keep(self) -> None:
        """Write the stack if it is time."""
        start = time.monotonic()
        if self.stack.members and start - self.last < max(SECONDS, self.cost / LARGEST_SHARE):
            return
        self.checkpoints.keep(self.stack, self.name)
        self.last = time.monotonic()
        self.cost = self.last - start


def stack_tensors(stack: Stack) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Everything about a stack that training changed: arrays, and the rest as plain JSON."""
    live = {name: getattr(stack, name) for name in PARTS} if stack.members else {}
    live |= {f"memory.{name}": tensor for name, tensor in stack.memory.items()} if stack.members else {}
    live |= {f"optimizer.{i}": tensor for i, tensor in enumerate(stack.optimizer.memory)} if stack.members else {}
    tensors = {name: np.ascontiguousarray(tensor.detach().cpu().numpy()) for name, tensor in live.items()}
    for one, history in zip(stack.members, stack.histories, strict=True):
        tensors |= _history(f"history.{one.number}", history)
    finished = []
    for number, networks in stack.finished.items():
        for place, network in enumerate(networks):
            key = f"finished.{number}.{place}"
            tensors |= network_tensors(network, key) | _history(key, network.history)
            finished.append([number, network.to_dict() | {"history": {}, "layers": len(network.layers)}])
    described = {
        "epoch": stack.epoch,
        "step": stack.optimizer.step,
        "live": [one.number for one in stack.members],
        "finished": finished,
    }
    return tensors, described


def restore_stack(stack: Stack, tensors: dict[str, np.ndarray], described: dict[str, Any]) -> None:
    """Bring a fresh stack to where another was written."""
    finished: dict[int, tuple[Network, ...]] = {}
    for number, one in described["finished"]:
        key = f"finished.{number}.{len(finished.get(number, ()))}"
        network = network_from(one, tensors, key)
        network.history = _history_of(tensors, key)
        finished[number] = (*finished.get(number, ()), network)
    live = list(described["live"])
    if sorted([*live, *finished]) != sorted(one.number for one in stack.members):
        raise ValueError("networks")
    keep = torch.tensor([one.number in live for one in stack.members], device=stack.device)
    stack.take(keep)
    stack.finished = finished
    stack.epoch = int(described["epoch"])
    stack.optimizer.step = int(described["step"])
    if stack.members:
        for name in PARTS:
            _fill(getattr(stack, name), tensors[name])
        for i, tensor in enumerate(stack.optimizer.memory):
            _fill(tensor, tensors[f"optimizer.{i}"])
        stack.memory = {name: _fill(old.clone(), tensors[f"memory.{name}"]) for name, old in stack.memory.items()}
        stack.histories = [_history_of(tensors, f"history.{one.number}") for one in stack.members]


def _fill(tensor: Tensor, values: np.ndarray) -> Tensor:
    """Write values of the same shape and type into a tensor."""
    given = torch.from_numpy(values)
    if given.shape != tensor.shape or given.dtype != tensor.dtype:
        raise ValueError("shapes")
    return tensor.copy_(given)


def _history(key: str, history: dict[str, list[float]]) -> dict[str, np.ndarray]:
    return {f"{key}.history.{name}": np.array(values, dtype=np.float64) for name, values in history.items()}


def _history_of(tensors: dict[str, np.ndarray], key: str) -> dict[str, list[float]]:
    start = f"{key}.history."
    return {name.removeprefix(start): tensors[name].tolist() for name in tensors if name.startswith(start)}


def fingerprint(examples: Examples, jobs: Sequence[Any]) -> str:
    """A number that differs where data, recipe, seed or anything else of a training differs."""
    found = hashlib.sha256()
    for thing in (torch.__version__, examples, *jobs):
        _digest(thing, found)
    return found.hexdigest()


def _digest(thing: Any, found: Any) -> None:
    """Take in a thing: arrays by their bytes, dataclasses field by field, others as they are written."""
    if isinstance(thing, np.ndarray):
        found.update(f"{thing.dtype}{thing.shape}".encode())
        found.update(np.ascontiguousarray(thing).tobytes())
    elif is_dataclass(thing) and not isinstance(thing, type):
        found.update(type(thing).__name__.encode())
        for field in fields(thing):
            if field.init:
                found.update(f"{field.name}=".encode())
                _digest(getattr(thing, field.name), found)
    elif isinstance(thing, list | tuple):
        found.update(f"[{len(thing)}]".encode())
        for part in thing:
            _digest(part, found)
    else:
        found.update(re.sub(r" at 0x[0-9a-f]+", "", repr(thing)).encode() + b";")
