"""What a study asks: which regularizers, each at which strengths."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from dashpot.errors import UsageError
from dashpot.regularizers import (
    L1,
    L2,
    SMOTE,
    Dropout,
    EarlyStopping,
    ElasticNet,
    Ensemble,
    InputDropout,
    MaxNorm,
    Noise,
    Oversample,
    Recipe,
    Undersample,
    WeightDecay,
    image_recipe,
)
from dashpot.regularizers.base import Regularizer
from dashpot.studies.effects import BASELINE, BEST_NETWORK

Questions = dict[str, tuple[Recipe, ...]]

TOGETHER = "Combined recipe"

# Resampling is worth asking about where the smallest class has less than this share of the rows.
_imbalanced = 0.35
# One of each mechanism: a norm, dropped units, noise, and when to stop.
_combined_by_default = ("Weight decay", "Dropout", "Noise on inputs", "Early stopping")
# SMOTE needs neighbours of the same class among the training rows (60 % of all).
_rows_for_smote = 15


def default_questions(class_counts: np.ndarray | None, pictures: bool = False) -> Questions:
    """Every regularizer at three strengths; resampling only where classes are uneven.

    Parameters
    ----------
    class_counts : int array of shape (classes,) or None
        Rows of each class; None for regression.
    pictures : bool
        Whether rows are pictures: then small shifts, turns and zooms are asked about, too.
    """
    grids: dict[str, Iterable[Regularizer]] = {
        "L2": L2.grid(),
        "L1": L1.grid(),
        "Elastic net": ElasticNet.grid(),
        "Weight decay": WeightDecay.grid(),
        "Max norm": MaxNorm.grid(),
        "Dropout": Dropout.grid(),
        "Input dropout": InputDropout.grid(),
        "Noise on inputs": noise("inputs"),
        "Noise on weights": noise("weights"),
        "Noise on activations": noise("activations"),
        "Noise on labels": noise("labels"),
        "Early stopping": EarlyStopping.grid(),
        "Ensemble": Ensemble.grid(),
    }
    if class_counts is not None and class_counts.min() < _imbalanced * class_counts.sum():
        grids |= {"Oversampling": Oversample.grid(), "Undersampling": Undersample.grid()}
        if class_counts.min() >= _rows_for_smote:
            grids["SMOTE"] = SMOTE.grid()
    questions = {name: tuple(Recipe((part,)) for part in grid) for name, grid in grids.items()}
    if pictures:
        questions["Moved pictures"] = (image_recipe("digits"),)
    parts = {name: questions[name] for name in _combined_by_default}
    return questions | {TOGETHER: _combined(parts)}


ASKED = ("alone", "leave-one-out", "pairs", "ensemble-size")


def expanded(questions: Questions, ask: Sequence[str]) -> tuple[Questions, dict[str, str]]:
    """The questions of each kind that is asked, and against which method each is measured if not the baseline.

    Parameters
    ----------
    questions : mapping
        Each regularizer alone, and their combination.
    ask : sequence of str
        "alone": each by itself, and the combination; "leave-one-out": the combination without one of its parts,
        against the whole; "pairs": two parts of it together; "ensemble-size": 2, 4, 8 and 16 plain networks.
    """
    unknown = [word for word in ask if word not in ASKED]
    if unknown or not ask or isinstance(ask, str):
        raise UsageError(f"compare(ask={ask!r}): ask some of {', '.join(ASKED)}, in a list.")
    parts = _parts_of_combination(questions)
    asked: Questions = dict(questions) if "alone" in ask else {}
    against: dict[str, str] = {}
    if len(parts) < 2 and {"leave-one-out", "pairs"} & set(ask):
        raise UsageError("compare(ask): leave-one-out and pairs need two regularizers or more.")
    if "leave-one-out" in ask:
        asked[TOGETHER] = _combined(parts)
        for name in parts:
            without = f"All but {name}"
            asked[without] = _combined({other: grid for other, grid in parts.items() if other != name})
            against[without] = TOGETHER
    if "pairs" in ask:
        asked |= {f"{a} + {b}": _combined({a: parts[a], b: parts[b]}) for a, b in combinations(parts, 2)}
    if "ensemble-size" in ask:
        asked |= {f"Ensemble of {size}": (Recipe((Ensemble(size),)),) for size in (2, 4, 8, 16)}
    return asked, against


def _parts_of_combination(questions: Questions) -> Questions:
    """The regularizers that the combination is made of; all where there is none."""
    singles = {name: grid for name, grid in questions.items() if name != TOGETHER}
    if TOGETHER not in questions:
        return singles
    whole = set(map(repr, questions[TOGETHER][-1].parts))
    return {name: grid for name, grid in singles.items() if set(map(repr, grid[-1].parts)) <= whole}


def noise(target: str) -> tuple[Noise, ...]:
    """Noise of rising level on one target."""
    return tuple(replace(level, target=target) for level in Noise.grid())


def asked_questions(regularizers: Any) -> Questions:
    """What the user asks: a regularizer, a class (at its own strengths), or several strengths in a tuple.

    A mapping gives names of its own and is asked as it stands; of a list with two or more, their
    combination is asked about too.
    """
    exact = isinstance(regularizers, Mapping)
    named = regularizers.items() if exact else _named(regularizers)
    questions = {name: tuple(_recipe(one) for one in _strengths(asked)) for name, asked in named}
    if not questions or not all(questions.values()):
        raise UsageError("compare(regularizers): nothing to compare. Pass some, for example [Dropout(0.3), L2(0.01)].")
    for name in questions.keys() & {BASELINE, BEST_NETWORK}:
        raise UsageError(f"compare(regularizers): the name {name!r} is taken. Choose another.")
    return questions if exact or len(questions) < 2 else questions | {TOGETHER: _combined(questions)}


def _combined(questions: Questions) -> tuple[Recipe, ...]:
    """All asked about at once: everything weak, and so on to everything strong."""
    levels = max(map(len, questions.values()))
    grids = questions.values()
    return tuple(Recipe(tuple(grid[min(k, len(grid) - 1)] for grid in grids)) for k in range(levels))


def _named(regularizers: Any) -> list[tuple[str, Any]]:
    """Each regularizer with a name that no other has."""
    if isinstance(regularizers, Regularizer | type):
        regularizers = [regularizers]
    if isinstance(regularizers, str) or not isinstance(regularizers, Iterable):
        raise UsageError(f"compare(regularizers={regularizers!r}): pass a list, for example [Dropout(0.3), L2(0.01)].")
    named: dict[str, Any] = {}
    for asked in regularizers:
        name = _name(asked)
        count = sum(other == name or other.startswith(f"{name} #") for other in named)
        named[f"{name} #{count + 1}" if count else name] = asked
    return list(named.items())


def _name(asked: Any) -> str:
    """A class by its name, an instance as it is written, several strengths by their class."""
    if isinstance(asked, Recipe):
        return " + ".join(repr(part) for part in asked.parts) or "Recipe()"
    if isinstance(asked, Sequence) and not isinstance(asked, str) and asked:
        return _name(asked[0]) if len(asked) == 1 else type(asked[0]).__name__
    return asked.__name__ if isinstance(asked, type) else repr(asked)


def _strengths(asked: Any) -> Sequence[Any]:
    """The strengths to try of one question."""
    if isinstance(asked, type) and issubclass(asked, Regularizer):
        return asked.grid()
    return asked if isinstance(asked, Sequence) and not isinstance(asked, str) else (asked,)


def _recipe(one: Any) -> Recipe:
    """One strength as a recipe; `Recipe` refuses what is no regularizer."""
    return one if isinstance(one, Recipe) else Recipe((one,))


def written(recipe: Recipe) -> str:
    """A recipe as it is written in code."""
    if len(recipe.parts) == 1:
        return repr(recipe.parts[0])
    return f"Recipe(({', '.join(repr(part) for part in recipe.parts)}))"
