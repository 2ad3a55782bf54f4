"""How several predictions become one: in NumPy, members first, (members, rows, outputs)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

SMALLEST = 1e-7  # a probability below this is taken for it, where a logarithm is needed

Cost = Callable[[np.ndarray], float]


class Weighted(NamedTuple):
    """A weighted mean of the members.

    Attributes
    ----------
    weights : float array (members,), at least 0, with sum 1
    """

    weights: np.ndarray

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """The weighted mean, (rows, outputs)."""
        used = self.weights > 0
        return np.tensordot(self.weights[used], predictions[used], axes=1)

    def importance(self) -> np.ndarray:
        """The weight of each member, (members,)."""
        return self.weights


class Vote(NamedTuple):
    """Every member has one vote: the share of votes for each class, or the median of amounts."""

    members: int
    classes: bool

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Shares of votes (rows, classes), or medians (rows, outputs)."""
        if not self.classes:
            return np.asarray(np.median(predictions, axis=0))
        votes = predictions.argmax(2)
        return np.stack([(votes == label).mean(0) for label in range(predictions.shape[2])], axis=1)

    def importance(self) -> np.ndarray:
        """All alike, (members,)."""
        return np.full(self.members, 1 / self.members)


class Stacked(NamedTuple):
    """A linear model of the members' predictions, of their log-probabilities where there are classes.

    Attributes
    ----------
    weights : float array (members, outputs) for amounts, (members * outputs, outputs) for classes
    biases : float array (outputs,)
    classes : bool
    """

    weights: np.ndarray
    biases: np.ndarray
    classes: bool

    def combine(self, predictions: np.ndarray) -> np.ndarray:
        """Probabilities or amounts, (rows, outputs)."""
        if not self.classes:
            return np.asarray(np.einsum("mro,mo->ro", predictions, self.weights) + self.biases)
        return np.asarray(softmax(log_odds(predictions) @ self.weights + self.biases, axis=1))

    def importance(self) -> np.ndarray:
        """Each member's share of all absolute weights, (members,)."""
        outputs = len(self.biases)
        sizes = np.abs(self.weights).reshape(-1, outputs * outputs if self.classes else outputs).sum(1)
        return np.asarray(sizes / max(sizes.sum(), SMALLEST))


Combined = Weighted | Vote | Stacked


def row_losses(predictions: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Log-loss of each row for class numbers (rows,), squared error for amounts (rows, outputs)."""
    if targets.ndim == 1:
        return np.asarray(-np.log(np.maximum(predictions[np.arange(len(targets)), targets], SMALLEST)))
    return np.asarray(np.square(predictions - targets).mean(1))


def log_odds(predictions: np.ndarray) -> np.ndarray:
    """Log-probabilities with mean 0 over the classes, those of all members side by side: (rows, members * classes)."""
    logs = np.log(np.maximum(predictions, SMALLEST))
    return np.concatenate(logs - logs.mean(2, keepdims=True), axis=1)


def greedy(predictions: np.ndarray, cost: Cost, rounds: int) -> Weighted:
    """Weights by greedy selection with repeats (Caruana et al. 2004).

    In each round the member joins that makes the mean of those chosen so far cheapest; a member may join again. The
    round at which the mean was cheapest counts.

    Parameters
    ----------
    predictions : array (members, rows, outputs), out of fold
    cost : callable
        What a mean prediction (rows, outputs) costs; less is better, NaN is worst.
    rounds : int, at least 1
    """
    total = np.zeros(predictions.shape[1:])
    chosen: list[int] = []
    best, best_round = np.inf, 1
    for number in range(1, rounds + 1):
        costs = np.array([cost((total + one) / number) for one in predictions])
        member = int(np.where(np.isnan(costs), np.inf, costs).argmin())
        chosen.append(member)
        total = total + predictions[member]
        if costs[member] < best:
            best, best_round = costs[member], number
    counts = np.bincount(chosen[:best_round], minlength=len(predictions))
    return Weighted(counts / counts.sum())


def stack_classes(predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Stacked:
    """Multinomial logistic regression on the members' log-probabilities, with scikit-learn's default penalty."""
    from sklearn.linear_model import LogisticRegression

    features, outputs = log_odds(predictions), predictions.shape[2]
    model = LogisticRegression(max_iter=10_000).fit(features, targets, sample_weight=weights)
    slopes, intercepts = model.coef_, model.intercept_
    if len(slopes) == 1:  # two classes: one row of slopes, for the second
        slopes, intercepts = np.vstack([-slopes, slopes]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    wide, biases = np.zeros((features.shape[1], outputs)), np.full(outputs, np.log(SMALLEST))
    wide[:, model.classes_] = slopes.T
    biases[model.classes_] = intercepts
    return Stacked(wide, biases, True)


def stack_amounts(predictions: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> Stacked:
    """Least squares with weights of at least 0, one model for each output (Breiman 1996)."""
    from sklearn.linear_model import LinearRegression

    slopes, biases = [], []
    for output in range(predictions.shape[2]):
        model = LinearRegression(positive=True).fit(predictions[:, :, output].T, targets[:, output], weights)
        slopes.append(model.coef_)
        biases.append(model.intercept_)
    return Stacked(np.stack(slopes, axis=1), np.array(biases), False)


def disagreement(predictions: np.ndarray, weights: np.ndarray, classes: bool) -> np.ndarray:
    """How much every two members differ, (members, members).

    For classes the share of rows to which they give different ones; for amounts the root mean squared difference.
    """
    share = weights / weights.sum()
    if classes:
        labels = predictions.argmax(2)
        return np.array([[(share * (one != other)).sum() for other in labels] for one in labels])
    differences = [[np.square(one - other).mean(1) for other in predictions] for one in predictions]
    return np.sqrt([[(share * rows).sum() for rows in row] for row in differences])
