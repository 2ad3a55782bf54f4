"""Scores become tail probabilities, by rows that the networks had not seen."""

from __future__ import annotations

import numpy as np


def own_scores(by_fold: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The score by the networks that did not see a row, the mean over all for a new one (fold -1), (rows,)."""
    seen = fold >= 0
    scores = by_fold.mean(1)
    scores[seen] = by_fold[np.flatnonzero(seen), fold[seen]]
    return np.asarray(scores)


def scores_of_juries(by_fold: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The score of each row by each jury, as single juries judged the training rows, (rows, folds).

    Of a row that is a training row there is but the score by its own jury.
    """
    return np.where(fold[:, None] >= 0, own_scores(by_fold, fold)[:, None], by_fold)


def tail_probabilities(by_fold: np.ndarray, fold: np.ndarray, known: np.ndarray, known_fold: np.ndarray) -> np.ndarray:
    """The share of usual rows that are as odd, (rows,), in (0, 1]; cross-conformal.

    Parameters
    ----------
    by_fold : float array (rows, folds)
        Scores by the networks that left each fold out.
    fold : int array (rows,)
        Of rows that are training rows, -1 of new ones.
    known, known_fold : arrays (training rows,)
        Scores of the training rows by the networks that left them out, and their folds.
    """
    as_odd = np.zeros(len(by_fold))
    for number, scores in enumerate(scores_of_juries(by_fold, fold).T):
        held = np.sort(known[known_fold == number])
        # a training row meets itself here, up to rounding, and must count
        as_odd += len(held) - np.searchsorted(held, scores - 1e-9, side="left")
    return np.where(fold >= 0, np.maximum(as_odd, 1) / len(known), (1 + as_odd) / (1 + len(known)))
