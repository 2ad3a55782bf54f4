"""Where a command reads and where it may write."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dashpot.errors import UsageError, did_you_mean, shown

if TYPE_CHECKING:
    import pandas as pd


class Table(NamedTuple):
    """A file taken apart by the role of its columns."""

    inputs: "pd.DataFrame"
    target: "pd.Series"  # None where no column is the target
    weights: "pd.Series | None"
    groups: "pd.Series | None"
    test: "pd.Series | None" = None


def read_roles(
    path: Path, target: str | None, weights: str | None = None, groups: str | None = None, test: str | None = None
) -> Table:
    """Read a file and set its target, weight and group columns apart from the inputs."""
    from dashpot.tables import read_table

    roles = {"--target": target, "--weights": weights, "--groups": groups, "--test": test}
    frame = read_table(path)
    for option, name in roles.items():
        require_column(frame, name, option, path)
    chosen = [name for name in roles.values() if name is not None]
    if len(set(chosen)) < len(chosen):
        raise UsageError(
            f"{path}: --target, --weights, --groups and --test name {chosen}; each needs a column of its own."
        )
    if len(chosen) == len(frame.columns):
        raise UsageError(f"{path}: has no column beside {chosen}. Add at least one to predict from.")
    return Table(frame.drop(columns=chosen), *(None if name is None else frame[name] for name in roles.values()))


def require_column(frame: "pd.DataFrame", name: str | None, option: str, path: Path) -> None:
    """Refuse a column that the table does not have; None asks for none."""
    if name is None or name in frame.columns:
        return
    columns = [str(column) for column in frame.columns]
    hint = (
        did_you_mean(name, columns)
        or f" The columns are {', '.join(map(shown, columns[:8]))}{', ...' if len(columns) > 8 else '.'}"
    )
    raise UsageError(f"{path}: {option} {shown(name)} is not a column.{hint}")


def apart(cells: "pd.DataFrame", found: Iterable[str]) -> "pd.DataFrame":
    """The columns of a table, to stand beside those that were found; one of the same name gets "_data" behind it."""
    taken = set(found)
    names = {name: name for name in cells.columns}
    for name in names:
        while names[name] in taken or (names[name] != name and names[name] in names):
            names[name] += "_data"
    return cells.rename(columns=names)


def check_table(path: Path | None, *suffixes: str) -> None:
    """Refuse, before any work, a table that nobody could open: its content follows its suffix."""
    if path is not None and path.suffix.lower() not in suffixes:
        raise UsageError(f"{path}: the suffix is {path.suffix!r}. Choose {' or '.join(suffixes)}.")


def check_output(path: Path, *others: Path) -> None:
    """Refuse, before any work, an output named twice, a folder, or a place that cannot be written."""
    folder = path.parent
    if any(path.resolve() == other.resolve() for other in others):
        raise UsageError(f"{path}: is named twice, as output and as input or other output. Choose another name.")
    if path.is_dir():
        raise UsageError(f"{path}: this is a folder. Add a file name.")
    if not folder.is_dir():
        raise UsageError(f"{path}: the folder {folder} does not exist. Make it, or choose another.")
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{path}: no permission to write in the folder {folder}. Choose another.")


def check_outputs(paths: Iterable[Path | None], *inputs: Path) -> list[Path]:
    """The outputs that are asked for; refuse, before any work, two of the same name or one that cannot be written."""
    wanted = [path for path in paths if path is not None]
    for number, path in enumerate(wanted):
        check_output(path, *inputs, *wanted[:number])
    return wanted
