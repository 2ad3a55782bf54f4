"""Fields within their ranges: one line that names call, rule and value, or nothing."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashpot.errors import UsageError


def require(
    regularizer: Any,
    name: str,
    *,
    at_least: float = -math.inf,
    above: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
    whole: bool = False,
) -> None:
    """Refuse a field outside its range, in one line that names call, rule, value and way out."""
    value = getattr(regularizer, name)
    limits = [
        f"{words} {limit:g}"
        for words, limit in (("at least", at_least), ("above", above), ("at most", at_most), ("below", below))
        if math.isfinite(limit)
    ]
    rule = f"{name} must be a {'whole ' if whole else ''}number{' ' if limits else ''}{' and '.join(limits)}"
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool) and not math.isnan(value)
    inside = number and at_least <= value <= at_most and (value > above) and (value < below or math.isinf(below))
    if not inside or (whole and math.isfinite(value) and value != int(value)):
        raise UsageError(f"{type(regularizer).__name__}({name}={value!r}): {rule}.")


def require_choice(regularizer: Any, name: str, choices: Sequence[str]) -> None:
    """Refuse a word that is not among the choices."""
    value = getattr(regularizer, name)
    if value not in choices:
        raise UsageError(f"{type(regularizer).__name__}({name}={value!r}): {name} must be one of {', '.join(choices)}.")


def whole_numbers(estimator: Any, name: str, besides: str = "") -> tuple[int, ...]:
    """The value of a parameter, one or several whole numbers of at least 1; `besides` says what else it may be."""
    given = getattr(estimator, name)
    numbers = tuple(np.atleast_1d(np.asarray(given, dtype=object)))
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            call = f"{type(estimator).__name__}({name}={given!r})"
            raise UsageError(f"{call}: must be whole numbers of at least 1{besides}.")
    return tuple(int(number) for number in numbers)
