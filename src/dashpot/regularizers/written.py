"""Regularizers as text: `parse(repr(r)) == r`. Only constants are read; nothing is evaluated."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any

from dashpot.errors import UsageError, did_you_mean
from dashpot.regularizers.base import Regularizer


def known() -> dict[str, type[Regularizer]]:
    """The public regularizer classes by name, and those of one's own that were imported: the closed registry."""
    from dashpot import regularizers

    classes = {name: getattr(regularizers, name) for name in regularizers.__all__ if name != "Regularizer"}
    own = {cls.__name__: cls for cls in _subclasses(Regularizer) if not cls.__module__.startswith("dashpot.")}
    return own | {name: cls for name, cls in classes.items() if isinstance(cls, type)}


def _subclasses(cls: type[Regularizer]) -> Iterator[type[Regularizer]]:
    """All classes below one, except those that are only beginnings of others."""
    for own in cls.__subclasses__():
        yield from _subclasses(own)
        if is_dataclass(own) and not own.__name__.startswith("_"):
            yield own


def parse(text: str) -> Regularizer:
    """A regularizer from its text.

    Parameters
    ----------
    text : str
        A call with constant arguments, for example "Dropout(0.3)"; "Dropout" alone takes the defaults.

    Raises
    ------
    UsageError
        If the text is no such call, or the class or an argument is unknown or out of range.

    Examples
    --------
    >>> parse("Noise('weights', level=0.2)")
    Noise(target='weights', kind='gaussian', level=0.2)
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(text) from None
    return _built(tree, text)


def _refused(text: str) -> UsageError:
    return UsageError(f"{text[:80]!r}: write a regularizer with constants, for example 'Dropout(0.3)'.")


def _built(node: ast.expr, text: str) -> Regularizer:
    """A regularizer from a name or a call."""
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    if not isinstance(call.func, ast.Name) or any(keyword.arg is None for keyword in call.keywords):
        raise _refused(text)
    classes = known()
    name = call.func.id
    if name not in classes:
        raise UsageError(f"{name!r} is not a regularizer.{did_you_mean(name, classes)}")
    values = [_value(argument, text) for argument in call.args]
    named = {str(keyword.arg): _value(keyword.value, text) for keyword in call.keywords}
    try:
        return classes[name](*values, **named)
    except TypeError as error:
        raise UsageError(f"{text[:80]!r}: {str(error).removeprefix(f'{name}.__init__() ')}.") from None


def _value(node: ast.expr, text: str) -> Any:
    """A constant, a tuple of constants, inf, or a regularizer inside a recipe."""
    if isinstance(node, ast.Tuple | ast.List):
        return tuple(_value(element, text) for element in node.elts)
    if isinstance(node, ast.Name) and node.id in ("inf", "nan"):
        return math.inf if node.id == "inf" else math.nan
    if isinstance(node, ast.Name | ast.Call):
        return _built(node, text)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _refused(text) from None
