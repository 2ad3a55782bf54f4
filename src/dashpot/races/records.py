"""A race on disk: the networks of every fold that is done, so that a race goes on after Ctrl-C or a kill.

A folder holds `race.json`, which says whose race it is, and one safetensors file for each run: the networks that some
candidates trained for one fold. What they predict follows from them. Nothing in the files can run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_tensors

from dashpot.arrays import described_network, network_from
from dashpot.checkpoints import fingerprint
from dashpot.errors import DashpotError, ModelFileError, UsageError
from dashpot.jobs import Examples
from dashpot.networks import Network
from dashpot.writing import write_bytes, write_text

FORMAT = 1


class Ran(NamedTuple):
    """A network that a candidate trained for a fold, and the seconds that it took."""

    network: Network
    seconds: float


class Records:
    """The folder of one race.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    examples : Examples
    settings : sequence
        All else that the networks of the race follow from.

    Raises
    ------
    UsageError
        If the folder holds another race or anything else, or cannot be written.
    ModelFileError
        If what it holds cannot be read.
    """

    def __init__(self, folder: Path, examples: Examples, settings: list[Any]) -> None:
        self.folder = folder
        self.runs = 0
        self._folds: dict[int, dict[int, Ran]] = defaultdict(dict)
        whose = json.dumps({"format": FORMAT, "fingerprint": fingerprint(examples, settings)})
        path = folder / "race.json"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = [one.name for one in folder.iterdir() if not one.name.startswith(".dashpot-")]
            if found and (path.name not in found or path.read_text() != whose):
                raise UsageError(
                    f"{self._call}: the folder holds something else, or a race of other data, settings or seed. "
                    "Choose another folder, or delete this one."
                )
        except OSError as error:
            raise UsageError(
                f"{self._call}: {error.strerror or error}. Choose a folder that you may write to."
            ) from error
        if not found:
            write_text(path, whose, "race")
        for one in sorted(folder.glob("run-*.safetensors")):
            self._read(one)

    @property
    def _call(self) -> str:
        return f"race(checkpoint={str(self.folder)!r})"

    def fold(self, number: int) -> Mapping[int, Ran]:
        """The networks of a fold that are known, by the number of their candidate."""
        return self._folds[number]

    def keep(self, fold: int, ran: Mapping[int, Ran]) -> None:
        """Write the networks of one more run."""
        tensors: dict[str, Any] = {}
        networks = {number: described_network(one.network, str(number), tensors) for number, one in ran.items()}
        described = {
            "fold": fold,
            "networks": networks,
            "seconds": {number: one.seconds for number, one in ran.items()},
        }
        content = save_tensors(tensors, {"run": json.dumps(described, allow_nan=False)})
        write_bytes(self.folder / f"run-{self.runs:05d}.safetensors", content, "race")
        self.runs += 1
        self._folds[fold] |= ran

    def _read(self, path: Path) -> None:
        """Take in the networks of one run."""
        try:
            with safe_open(path, framework="numpy") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                described = json.loads(file.metadata()["run"])
            for number, one in described["networks"].items():
                network = network_from(one, tensors, number)
                self._folds[int(described["fold"])][int(number)] = Ran(network, float(described["seconds"][number]))
            self.runs = int(path.stem.removeprefix("run-")) + 1
        except (OSError, SafetensorError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            if isinstance(error, DashpotError):
                raise
            raise ModelFileError(
                f"{self._call}: {path.name} is damaged. Delete it: what it holds is then trained anew."
            ) from error
