"""What a user can do wrong, as exceptions whose message is one line: call, rule, value, way out."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

__all__ = ["DashpotError", "DataError", "ModelFileError", "UsageError", "did_you_mean", "shown"]


class DashpotError(ValueError):
    """Something that the user can put right; the message says how.

    It is a `ValueError`, so code written for scikit-learn catches it too. `exit_code` is what the command
    line leaves with.
    """

    exit_code: ClassVar[int] = 2


class UsageError(DashpotError):
    """A call or a parameter that makes no sense: an unknown name, a number out of range."""

    exit_code: ClassVar[int] = 2


class DataError(DashpotError):
    """A file, a table or a cell that cannot be used."""

    exit_code: ClassVar[int] = 3


class ModelFileError(DashpotError):
    """A model file that is refused."""

    exit_code: ClassVar[int] = 4


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence, with a space before it, that suggests a known name; empty if none is close.

    Letter case does not count.

    Examples
    --------
    >>> did_you_mean("Votes", ["vote", "age"])
    " Did you mean 'vote'?"
    >>> did_you_mean("income", ["vote", "age"])
    ''
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    matches = get_close_matches(name.casefold(), folded, n=1)
    return f" Did you mean {folded[matches[0]]!r}?" if matches else ""


def shown(value: object, longest: int = 60) -> str:
    """Return a value as an error message shows it: quoted, on one line, cut if it is long.

    Examples
    --------
    >>> shown("two\\nlines")
    "'two\\\\nlines'"
    >>> shown("a" * 100, longest=8)
    "'aaaaaa…"
    """
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"
