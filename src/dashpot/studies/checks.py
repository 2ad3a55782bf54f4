"""What a table shows before any network learns: small classes, copies of rows, columns that give the target away."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from dashpot.studies.problem import Problem
from dashpot.studies.scores import auc, r2
from dashpot.studies.splits import Split

# A column that predicts the target this well by itself is more likely a copy of it than a cause.
_suspicious = {"classification": 0.995, "regression": 0.99}
_most_columns = 300
_names_of_groups = re.compile(
    r"(^|[_. ])(id|ids|person|subject|patient|respondent|household|family|school|class|village|cluster|psu|mouse|"
    r"firm|site|interviewer)([_. ]|$)",
    re.IGNORECASE,
)


def table_checks(problem: Problem, drawn: Sequence[Split], X: Any) -> dict[str, Any]:
    """What the findings need to know of the table, as plain numbers and text.

    Returns
    -------
    dict
        `rows`, `smallest_class` (name), `smallest_share`, `leaks` (column, score), `copies` (share of test rows with
        an identical row, target included, among the rows to learn from), `group_columns` (names).
    """
    return {
        "rows": len(problem.strata),
        **_classes(problem),
        "leaks": leaking_columns(problem, drawn[0]),
        "copies": float(np.mean([copied_share(problem, split) for split in drawn[:5]])),
        "group_columns": [] if problem.examples.groups is not None else group_columns(X),
    }


def _classes(problem: Problem) -> dict[str, Any]:
    """The smallest class and its share of the rows."""
    if not problem.classes:
        return {"smallest_class": None, "smallest_share": None}
    counts = np.bincount(problem.examples.targets, minlength=len(problem.classes))
    smallest = int(counts.argmin())
    return {"smallest_class": problem.classes[smallest], "smallest_share": float(counts[smallest] / counts.sum())}


def leaking_columns(problem: Problem, split: Split) -> list[dict[str, Any]]:
    """Source columns from which a small tree predicts the validation rows almost perfectly."""
    examples, columns = problem.examples, problem.examples.columns
    sources = pd.unique(np.asarray(columns.source))[:_most_columns]
    found = []
    for source in sources:
        inputs = np.nan_to_num(examples.inputs[:, np.asarray(columns.source) == source], nan=-1e30, posinf=1e30)
        value = _alone(problem, inputs, split)
        if value >= _suspicious[problem.task]:
            found.append({"column": _column_name(columns, source), "score": value})
    return sorted(found, key=lambda one: -one["score"])


def _alone(problem: Problem, inputs: np.ndarray, split: Split) -> float:
    """AUC, or R², on the validation rows of a tree that sees one column."""
    targets = problem.examples.targets
    family = DecisionTreeClassifier if problem.classes else DecisionTreeRegressor
    leaves = max(16, 2 * len(problem.classes)) if problem.classes else 64
    tree = family(max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    tree.fit(inputs[split.training], targets[split.training])
    truth = targets[split.validation]
    if not problem.classes:
        return r2(truth, tree.predict(inputs[split.validation]).reshape(-1, 1))
    probabilities = np.zeros((len(truth), len(problem.classes)))
    probabilities[:, tree.classes_] = tree.predict_proba(inputs[split.validation])
    return auc(truth, probabilities)


def _column_name(columns: Any, source: Any) -> str:
    """What the user calls a source column."""
    name = str(np.asarray(columns.names)[np.asarray(columns.source) == source][0])
    return name.split("=")[0].removesuffix(" is missing")


def copied_share(problem: Problem, split: Split) -> float:
    """Share of test rows whose inputs and target all occur in one row to learn from."""
    examples = problem.examples
    table = np.column_stack([np.nan_to_num(examples.inputs, nan=-1e30), examples.targets]).astype(np.float32)
    keys = pd.util.hash_pandas_object(pd.DataFrame(table), index=False).to_numpy()
    return float(np.isin(keys[split.test], keys[np.concatenate([split.training, split.validation])]).mean())


def group_columns(X: Any) -> list[str]:
    """Columns that look like the names of groups: so called, and the same for a few rows each."""
    frame = X if isinstance(X, pd.DataFrame) else None
    if frame is None:
        return []
    found = []
    for name in map(str, frame.columns):
        if not _names_of_groups.search(name):
            continue
        counts = frame[name].value_counts() if frame[name].ndim == 1 else pd.Series(dtype=int)
        if 20 <= len(counts) <= 0.7 * len(frame) and counts.mean() >= 1.5:
            found.append(name)
    return found
