"""Where a command reads and where it may write."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dashpot.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd


class Problem(NamedTuple):
    """A table taken apart by the role of its columns."""

    frame: "pd.DataFrame"
    target: "pd.Series"
    weights: "pd.Series | None"
    groups: "pd.Series | None"


def read_problem(path: Path, target: str, weights: str | None = None, groups: str | None = None) -> Problem:
    """Read a table and set its target, weight and group columns apart from the inputs."""
    from dashpot.tables import read_table

    roles = {"--target": target, "--weights": weights, "--groups": groups}
    frame = read_table(path)
    for option, name in roles.items():
        require_column(frame, name, option, path)
    chosen = [name for name in roles.values() if name is not None]
    if len(set(chosen)) < len(chosen):
        raise UsageError(f"{path}: --target, --weights and --groups name {chosen}. Name three different columns.")
    inputs = frame.drop(columns=chosen)
    return Problem(inputs, *(frame[name] if name is not None else None for name in roles.values()))


def require_column(frame: "pd.DataFrame", name: str | None, option: str, path: Path) -> None:
    """Refuse a column that the table does not have; None asks for none."""
    if name is None or name in frame.columns:
        return
    columns = [str(column) for column in frame.columns]
    raise UsageError(f"{path}: {option} {name!r} is not a column.{did_you_mean(name, columns)}")


def check_output(path: Path, *inputs: Path) -> None:
    """Refuse, before any work is done, an output that is an input, a folder, or in no writable folder."""
    folder = path.parent
    if any(path.exists() and source.exists() and path.samefile(source) for source in inputs):
        raise UsageError(f"{path}: this is the file being read. Choose another name for the output.")
    if path.is_dir():
        raise UsageError(f"{path}: this is a folder. Add a file name.")
    if not folder.is_dir():
        raise UsageError(f"{path}: the folder {folder} does not exist. Make it, or choose another.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{path}: no permission to write in the folder {folder}. Choose another.")
