"""Honest numbers from repeated splits: corrected intervals, Holm's adjustment, verdicts.

The same rows serve many splits, so the differences of a study are correlated, and an ordinary t interval
over splits is far too short. Everything here takes that into account, and says so where it cannot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dashpot.studies.spreads import Corrected, Spread

Verdict = Literal["helps", "hurts", "no difference", "no evidence", "too few data"]

FEWEST_DIFFERENCES = 5


@dataclass(frozen=True)
class Interval:
    """The mean of paired differences with its uncertainty.

    Attributes
    ----------
    difference : float
        The mean difference.
    low, high : float
        Ends of the confidence interval; NaN if the spread cannot be estimated.
    p : float
        Two-sided p-value of "no difference"; NaN if the spread cannot be estimated.
    count : int
        Number of differences.
    spread : Spread or None
        Where the uncertainty comes from.
    """

    difference: float
    low: float
    high: float
    p: float
    count: int
    spread: Spread | None = None


def corrected_interval(
    differences: ArrayLike, test_share: float, level: float = 0.95, clusters: int | None = None
) -> Interval:
    """Corrected resampled t interval and p-value for paired differences over splits.

    With `J` differences of mean `m` and sample variance `s^2` (divisor `J - 1`), the variance of `m` is
    estimated as ::

        (1 / J + n_test / n_train) * s ^ 2

    and `m` divided by its root is referred to Student's t with `J - 1` degrees of freedom. The second term
    stands for the correlation between splits that share rows; without it (an ordinary t-test) the interval
    would shrink to nothing with more and more splits of the same rows.

    Differences that are all zero give an interval of zero width around 0 and p = 1: the method changed
    nothing. Differences that are all equal but not zero carry no information about their spread; interval
    and p are NaN rather than a certainty that was never measured.

    Parameters
    ----------
    differences : array of shape (splits,)
        Method minus baseline, one number per split; all finite.
    test_share : float above 0
        `n_test / n_train`: rows tested divided by all other rows of the split (validation rows included,
        as the method uses them too).
    level : float between 0 and 1, default 0.95
        Confidence level of the interval.
    clusters : int or None
        Number of groups of rows that are never parted. Few groups carry little information however often they are
        split: there are `min(splits, clusters) - 1` degrees of freedom.

    Returns
    -------
    Interval
        With NaN ends and p if there are fewer than two differences.

    Raises
    ------
    ValueError
        If a difference is not finite, or `test_share` or `level` is out of range.

    References
    ----------
    Nadeau and Bengio (2003), Inference for the generalization error, Machine Learning 52.
    Bouckaert and Frank (2004), Evaluating the replicability of significance tests, PAKDD.

    Examples
    --------
    >>> interval = corrected_interval([0.02, 0.03, 0.01, 0.03, 0.02], test_share=0.25)
    >>> print(f"{interval.difference:.3f} from {interval.low:.3f} to {interval.high:.3f}, p = {interval.p:.3f}")
    0.022 from 0.006 to 0.038, p = 0.017
    """
    values = np.asarray(differences, dtype=np.float64).ravel()
    _check(values, test_share, level)
    if len(values) < 2:
        return Interval(float(values.mean()) if len(values) else np.nan, np.nan, np.nan, np.nan, len(values))
    unit = float(np.abs(values).max()) or 1.0  # squares of tiny or huge differences would leave the range of floats
    spread = Corrected(unit * float((values / unit).std(ddof=1)), test_share, clusters)
    return interval_of(values, spread, level, changed=bool(values.any()))


def interval_of(differences: np.ndarray, spread: Spread, level: float, changed: bool = True) -> Interval:
    """Student's t interval for the mean of the differences of the splits.

    Parameters
    ----------
    differences : array of shape (splits,)
    spread : Spread
    level : float between 0 and 1
    changed : bool, default True
        False where no prediction differs at all: then the interval is 0 to 0, and p is 1.
    """
    count, mean = len(differences), float(differences.mean())
    if count < 2:
        return Interval(mean, np.nan, np.nan, np.nan, count)
    if not changed:
        return Interval(0.0, 0.0, 0.0, 1.0, count, spread)
    error, freedom = spread.error(count), spread.freedom(count)
    if not error > 1e-12 * np.abs(differences).max():
        return Interval(mean, np.nan, np.nan, np.nan, count, spread)
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = float(2 * stats.t.sf(abs(mean) / error, freedom))
    return Interval(mean, mean - reach, mean + reach, p, count, spread)


def _check(values: np.ndarray, test_share: float, level: float) -> None:
    """Refuse what would silently give a wrong interval."""
    if not np.isfinite(values).all():
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        raise ValueError(f"corrected_interval: difference {first} is {values[first]}; all must be finite.")
    if not test_share > 0 or not np.isfinite(test_share):
        raise ValueError(f"corrected_interval: test_share must be above 0, however: {test_share=}")
    if not 0 < level < 1:
        raise ValueError(f"corrected_interval: level must be between 0 and 1, however: {level=}")


def holm(p_values: ArrayLike) -> np.ndarray:
    """P-values adjusted for asking several questions at once, by Holm's step-down method.

    Sorted upwards, `adjusted_(k) = max over j <= k of min(1, (m - j + 1) * p_(j))` for `m` p-values.
    Rejecting where `adjusted < alpha` errs on any true null with probability at most alpha, whatever the
    dependence between the questions. NaN stays NaN, but still counts as a question that was asked.

    Parameters
    ----------
    p_values : array of shape (questions,)
        P-values in [0, 1], or NaN.

    Returns
    -------
    array of shape (questions,)
        Adjusted p-values in the order given; never smaller than what was given.

    References
    ----------
    Holm (1979), A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    values = np.asarray(p_values, dtype=np.float64).ravel()
    order = np.argsort(values, kind="stable")
    factors = np.arange(len(values), 0, -1)
    known = ~np.isnan(values[order])
    adjusted = np.full(len(values), np.nan)
    raised = np.minimum(1.0, factors[known] * values[order][known])
    adjusted[order[known]] = np.maximum.accumulate(raised)
    return adjusted


def verdict(
    interval: Interval, adjusted_p: float, margin: float = np.inf, alpha: float = 0.05, negligible: float = 0.0
) -> Verdict:
    """What may be said about an effect.

    - *helps*, *hurts*: `adjusted_p` below `alpha`, by the sign of the difference.
    - *too few data*: fewer than five differences, or an unknown spread, or an interval so wide that it
      holds a gain and a loss of `margin` at once: the study cannot tell either way.
    - *no difference*: the whole interval lies within `negligible` of zero (an equivalence test, at half of alpha on
      either side): whatever the difference is, it is too small to matter.
    - *no evidence*: anything else.

    Parameters
    ----------
    interval : Interval
        Of differences whose sign is turned so that positive is better.
    adjusted_p : float
        Its p-value after `holm`.
    margin : float, default infinity
        The smallest effect worth having, in the unit of the differences.
    alpha : float, default 0.05
        Accepted probability of any false "helps" or "hurts".
    negligible : float, default 0
        The largest difference that does not matter, in the same unit. 0 never says "no difference".

    Examples
    --------
    >>> verdict(Interval(0.1, 0.05, 0.15, 0.001, 10), adjusted_p=0.01)
    'helps'
    >>> verdict(Interval(0.1, -0.5, 0.7, 0.7, 10), adjusted_p=1.0, margin=0.2)
    'too few data'
    """
    if interval.count < FEWEST_DIFFERENCES or np.isnan(adjusted_p):
        return "too few data"
    if adjusted_p < alpha:
        return "helps" if interval.difference > 0 else "hurts"
    if interval.low < -margin and interval.high > margin:
        return "too few data"
    return "no difference" if -negligible < interval.low <= interval.high < negligible else "no evidence"


def judge(
    differences: Sequence[ArrayLike],
    test_share: float,
    level: float = 0.95,
    margin: float = np.inf,
    clusters: int | None = None,
) -> list[tuple[Interval, float, Verdict]]:
    """Interval, adjusted p-value and verdict for each method of one family of questions.

    Parameters
    ----------
    differences : one array of shape (splits,) per method
        Positive is better.
    test_share, level, margin, clusters
        As in `corrected_interval` and `verdict`; the verdict uses `alpha = 1 - level`.

    Examples
    --------
    >>> [(interval, adjusted_p, word)] = judge([[0.02, 0.03, 0.01, 0.03, 0.02]], test_share=0.25)
    >>> word
    'helps'
    """
    return judge_intervals(
        [corrected_interval(values, test_share, level, clusters) for values in differences], level, margin
    )


def judge_intervals(
    intervals: Sequence[Interval],
    level: float = 0.95,
    margin: float = np.inf,
    negligible: float = 0.0,
    unanswered: int = 0,
) -> list[tuple[Interval, float, Verdict]]:
    """Adjusted p-value and verdict for the intervals of one family of questions; those unanswered were asked too."""
    adjusted = holm([*(interval.p for interval in intervals), *[np.nan] * unanswered])[: len(intervals)]
    return [
        (interval, float(p), verdict(interval, float(p), margin, 1 - level, negligible))
        for interval, p in zip(intervals, adjusted, strict=True)
    ]


@dataclass(frozen=True)
class Power:
    """What a study of this size can find, and what size would find more.

    Attributes
    ----------
    detectable : float
        The smallest effect that is found four times in five, at the strictest level that Holm's method may ask for.
    splits : int or None
        Splits of the same rows that would find an effect of `margin` four times in five; None if no number would.
    rows : int or None
        Rows that would, at the splits there are; None if the spread is unknown.
    """

    detectable: float
    splits: int | None
    rows: int | None


def power_of(spread: Spread, splits: int, margin: float, questions: int, rows: int, level: float = 0.95) -> Power:
    """What it takes to find an effect of `margin`, by the spread of the differences of this study.

    More splits lower only that part of the variance that the splits do not share. More rows (or groups like these, of
    weights like these) lower all of it, which is taken to fall with their number.

    Examples
    --------
    >>> power_of(Corrected(0.0084, test_share=0.25), splits=5, margin=0.04, questions=1, rows=1000).splits
    3
    """
    alpha = (1 - level) / max(questions, 1)

    def detectable(count: int) -> float:
        freedom = spread.freedom(count)
        return float((stats.t.ppf(1 - alpha / 2, freedom) + stats.t.ppf(0.8, freedom)) * spread.error(count))

    own = detectable(splits)
    if not own > 0:
        return Power(np.nan, None, None)
    enough = next((n for n in _more_splits if detectable(n) <= margin), None)
    needed = int(np.ceil(rows * (own / margin) ** 2)) if margin > 0 else None
    return Power(own, enough, needed)


_more_splits = (*range(2, 30), *range(30, 200, 10))
