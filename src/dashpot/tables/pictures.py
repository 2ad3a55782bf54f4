"""Rows that are pictures become numbers: every pixel stays an input."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dashpot.errors import DataError, ModelFileError, UsageError, shown
from dashpot.tables.encode import Inputs
from dashpot.tables.frames import table_of
from dashpot.tables.schema import refuse_infinity

__all__ = ["PictureEncoder", "checked_shape"]

_most = 10_000_000  # numbers in a picture: a file must not ask for all the memory there is


def checked_shape(shape: Any, caller: str) -> tuple[int, int, int]:
    """Return (height, width, channels) of `(height, width)` or `(height, width, channels)`.

    Raises
    ------
    UsageError
        If these are not two or three whole numbers of at least 1.

    Examples
    --------
    >>> checked_shape((8, 8), "MLPClassifier")
    (8, 8, 1)
    """
    numbers = tuple(shape) if isinstance(shape, Sequence | np.ndarray) and not isinstance(shape, str) else ()
    whole = all(isinstance(one, int | np.integer) and not isinstance(one, bool) and one >= 1 for one in numbers)
    if len(numbers) not in (2, 3) or not whole or math.prod(int(one) for one in numbers) > _most:
        raise UsageError(
            f"{caller}(image_shape={shown(shape)}): must be (height, width) or (height, width, channels), whole "
            "numbers of at least 1. Pass (8, 8), for example."
        )
    height, width, channels = (*map(int, numbers), 1)[:3]
    return height, width, channels


class PictureEncoder:
    """Turn pictures into float32 numbers; constant pixels stay, since a shifted picture may reach them.

    Parameters
    ----------
    image_shape : (height, width) or (height, width, channels)
        Numbers of a row are in this order: row by row of the picture, the channels of a pixel side by side.
    caller : str, default "PictureEncoder"
        The name that error messages begin with.

    Attributes
    ----------
    inputs_ : Inputs
        What each input is; `inputs_.image` is (height, width, channels).
    n_features_in_ : int
        height * width * channels.
    feature_names_in_ : array of str
        Names of the pixels; absent if the pictures came without names.

    Examples
    --------
    >>> encoder = PictureEncoder((2, 2)).fit([[[0, 255], [0, 0]], [[0, 0], [9, 0]]])
    >>> encoder.transform([[0, 255, 0, 0]])
    array([[  0., 255.,   0.,   0.]], dtype=float32)
    """

    def __init__(self, image_shape: Any, caller: str = "PictureEncoder") -> None:
        self.image_shape = image_shape
        self.caller = caller

    def fit(self, X: Any) -> "PictureEncoder":
        """Learn the names of the pixels.

        Parameters
        ----------
        X : array (rows, height, width[, channels]), or frame or array (rows, height * width * channels)

        Raises
        ------
        UsageError
            If the pictures have another shape than `image_shape`.
        DataError
            If a pixel is infinite or no number.
        """
        height, width, channels = shape = checked_shape(self.image_shape, self.caller)
        given = _shape_of(X)
        if len(given) >= 3 and not _fits(given, shape):
            raise UsageError(
                f"{self.caller}(image_shape={self.image_shape}): the pictures in X have shape {given[1:]}. "
                f"Pass image_shape={given[1:]}."
            )
        table = table_of(_flat(X, given), self.caller)
        if len(table.names) != math.prod(shape):
            raise UsageError(
                f"{self.caller}(image_shape={self.image_shape}): needs {height} x {width} x {channels} = "
                f"{math.prod(shape)} columns, X has {len(table.names)}. Correct the shape, or leave out other columns."
            )
        self._learn(shape, table.names if table.named else None)
        self._values(table)
        return self

    def _learn(self, shape: tuple[int, int, int], names: Sequence[str] | None) -> None:
        """Set what follows from the shape and the names."""
        count = math.prod(shape)
        self.n_features_in_ = count
        self.__dict__.pop("feature_names_in_", None)
        if names is not None:
            self.feature_names_in_ = np.array(names, dtype=object)
        shown_names = tuple(names) if names is not None else tuple(f"x{number}" for number in range(count))
        self.inputs_ = Inputs(shown_names, np.arange(count), np.zeros(count, dtype=bool), shape)

    def transform(self, X: Any) -> np.ndarray:
        """Return the pixels, float32 (rows, height * width * channels), NaN where one is missing.

        Frames are matched by column name.

        Raises
        ------
        ValueError
            If the pictures have another size than those of fit, or a column is missing.
        DataError
            If a pixel is infinite or no number.
        """
        given = _shape_of(X)
        image = self.inputs_.image
        if len(given) >= 3 and image is not None and not _fits(given, image):
            raise ValueError(f"X has pictures of shape {given[1:]}, but {self.caller} was fitted on {image}.")
        return self._values(table_of(_flat(X, given), self.caller))

    def missing(self, X: Any) -> np.ndarray:
        """Return which pixels are missing, bool (rows, height * width * channels)."""
        return np.isnan(self.transform(X))

    def _values(self, table: Any) -> np.ndarray:
        """The pixels of a table, in the order of fit."""
        places = list(range(len(table.names)))
        if table.named and hasattr(self, "feature_names_in_"):
            place = {name: number for number, name in enumerate(table.names)}
            absent = [name for name in self.feature_names_in_ if name not in place]
            if absent:
                raise DataError(
                    f"{self.caller}: the table has no column {shown(absent[0])}, which the fit had. Add it."
                )
            places = [place[name] for name in self.feature_names_in_]
        if len(places) != self.n_features_in_:
            raise ValueError(
                f"X has {len(places)} features, but {self.caller} is expecting {self.n_features_in_} features as input."
            )
        values = table.numbers if table.numbers is not None else self._numbers(table, places)
        refuse_infinity(list(self.inputs_.names), values, self.caller)
        with np.errstate(over="ignore"):
            return np.asarray(values, dtype=np.float32)

    def _numbers(self, table: Any, places: Sequence[int]) -> np.ndarray:
        """The columns of a frame as numbers."""
        columns = []
        for place in places:
            cells = table.column(place)
            if cells.kind != "number":
                raise DataError(
                    f"{self.caller}: column {shown(table.names[place])} holds {cells.kind}; a pixel is a number. "
                    "Leave the column out, or do without image_shape."
                )
            columns.append(cells.values)
        return np.column_stack(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the fitted encoder as plain JSON values."""
        assert self.inputs_.image is not None
        named = hasattr(self, "feature_names_in_")
        return {"image_shape": list(self.inputs_.image), "names": list(self.inputs_.names) if named else None}

    @classmethod
    def from_dict(cls, values: Any, caller: str = "PictureEncoder") -> "PictureEncoder":
        """Return the encoder that `to_dict` wrote.

        Raises
        ------
        ModelFileError
            If this is no such dictionary.
        """
        try:
            shape = checked_shape(values["image_shape"], caller)
            names = values["names"]
        except (UsageError, KeyError, TypeError) as error:
            raise ModelFileError(
                f"PictureEncoder.from_dict: {shown(values)} is no encoder. Save the model again."
            ) from error
        texts = names is None or (isinstance(names, list) and all(isinstance(name, str) for name in names))
        if not texts or (names is not None and len(names) != math.prod(shape)):
            raise ModelFileError("PictureEncoder.from_dict: names and shape differ. Save the model again.")
        encoder = cls(shape, caller)
        encoder._learn(shape, names)
        return encoder


def _shape_of(X: Any) -> tuple[int, ...]:
    """The shape of arrays, and of lists of pictures."""
    if isinstance(X, list | tuple) and len(X) and np.ndim(X[0]) >= 2:
        return np.shape(X)
    return tuple(getattr(X, "shape", ()))


def _fits(given: tuple[int, ...], shape: tuple[int, int, int]) -> bool:
    """Whether pictures of shape (rows, height, width[, channels]) are those of (height, width, channels)."""
    return len(given) in (3, 4) and (*given[1:], 1)[:3] == shape


def _flat(X: Any, given: tuple[int, ...]) -> Any:
    """Pictures with axes of their own as one row each."""
    return X if len(given) < 3 else np.asarray(X).reshape(given[0], -1)
