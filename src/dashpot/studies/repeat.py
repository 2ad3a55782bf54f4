"""`run.toml`: the exact settings of a study, to read, to keep, and to run again."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

from dashpot.errors import DataError, UsageError
from dashpot.regularizers import Recipe, parse

_options = (
    "task",
    "splits",
    "test_size",
    "hidden_layers",
    "epochs",
    "random_state",
    "level",
    "intervals",
    "max_rows",
    "ask",
    "yardsticks",
    "image_shape",
)


def run_text(settings: dict[str, Any], data: dict[str, str] | None = None) -> str:
    """The settings of a study as TOML.

    Parameters
    ----------
    settings : dict
        `Study.settings`.
    data : dict of str or None
        Where the table is: `file`, `sha256`, and the columns `target`, `weights`, `groups`, `test`.
    """
    lines = [f"# dashpot {settings['version']}: repeat with  dashpot compare --from run.toml", ""]
    if data:
        lines += ["[data]", *(f"{name} = {_value(value)}" for name, value in data.items()), ""]
    if settings.get("partial"):  # to repeat it is to do what there was no time for
        settings = settings | {"splits": settings["planned_splits"]}
    known = {name: settings[name] for name in _options if settings.get(name) is not None}
    lines += ["[compare]", *(f"{name} = {_value(value)}" for name, value in known.items())]
    lines += ["max_rows = 0  # every row"] if settings.get("max_rows") is None else []
    lines += [f"metric = {_value(settings['metrics'])}", "", "[regularizers]"]
    lines += [f"{_value(name)} = {_value(list(strengths))}" for name, strengths in settings["singles"].items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A TOML value; JSON writes text, lists and numbers the same way."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=True)


def sha256(path: Path) -> str:
    """The fingerprint of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_run(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The data section and the arguments of `compare` from a `run.toml`.

    Raises
    ------
    DataError, UsageError
        If the file cannot be read as what `run_text` writes.
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}. Name a run.toml that dashpot compare wrote.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is no TOML file ({error}). Name a run.toml that dashpot compare wrote.") from error
    sections = [found.get(name, {}) for name in ("data", "compare", "regularizers")]
    if not all(isinstance(section, dict) for section in sections) or not sections[1] or not sections[2]:
        raise DataError(f"{path}: has no [compare] and [regularizers]. Name a run.toml that dashpot compare wrote.")
    unknown = [name for name in sections[1] if name not in (*_options, "metric")]
    if unknown:
        raise UsageError(f"{path}: {unknown[0]!r} is not a setting of compare. Remove it.")
    options = dict(sections[1])
    if "max_rows" in options:
        options["max_rows"] = options["max_rows"] or None
    if "hidden_layers" in options:
        options["hidden_layers"] = tuple(options["hidden_layers"])
    options["regularizers"] = {name: tuple(map(_recipe, texts)) for name, texts in sections[2].items()}
    return sections[0], options


def _recipe(text: Any) -> Any:
    """A regularizer, or a recipe of several, from its text."""
    if not isinstance(text, str):
        raise UsageError(f"run.toml: {text!r} is no regularizer. Write text such as 'Dropout(0.3)'.")
    found = parse(text)
    return found if isinstance(found, Recipe) else Recipe((found,))
