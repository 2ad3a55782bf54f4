"""The same network begun in different ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dashpot.regularizers as public
from dashpot.diagnosis.network import Diagnosis, diagnose
from dashpot.errors import UsageError
from dashpot.regularizers import Recipe, Regularizer
from dashpot.regularizers.base import overrides

if TYPE_CHECKING:
    import pandas as pd


def every_initializer() -> list[Regularizer]:
    """One of each public initializer, with its defaults."""
    classes = [getattr(public, name) for name in public.__all__ if name not in ("Recipe", "Regularizer")]
    return [cls() for cls in classes if cls.initialize is not Regularizer.initialize]


def diagnose_initializers(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    initializers: Sequence[Regularizer] | None = None,
) -> dict[str, Diagnosis]:
    """Train a copy of an estimator from each kind of first weights, and diagnose its first network.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor, fitted or not
        It stays as it is. Initializers in its own recipe make way; its other regularizers stay.
    X, y : table and target, to train on and to look at
    sample_weight : array (rows,) or None
    initializers : sequence of Regularizer or None
        None is each public one with its defaults.

    Returns
    -------
    dict of the initializer, as it is written, to Diagnosis

    References
    ----------
    Glorot and Bengio (2010), AISTATS; He, Zhang, Ren and Sun (2015), ICCV.

    Examples
    --------
    >>> from dashpot import He, MLPClassifier, Zero, load_anes96
    >>> frame, vote = load_anes96()
    >>> model = MLPClassifier((4,), regularizers=(), max_epochs=5, random_state=0)
    >>> found = diagnose_initializers(model, frame, vote, initializers=[Zero(), He()])
    >>> [one.end[0].dead for one in found.values()]
    [4, 0]
    """
    from sklearn.base import clone

    from dashpot.estimators.base import DEFAULT_RECIPE

    given = DEFAULT_RECIPE if estimator.regularizers is None else estimator.regularizers
    parts = Recipe((given,) if isinstance(given, Regularizer) else tuple(given)).parts
    kept = [part for part in parts if not overrides(part, "initialize")]
    asked = every_initializer() if initializers is None else list(initializers)
    if not asked:
        raise UsageError("diagnose_initializers(initializers=[]): there is none. Leave it out for all of them.")
    for one in asked:
        if not isinstance(one, Regularizer) or not overrides(one, "initialize"):
            raise UsageError(f"diagnose_initializers: {one!r} sets no first weights. Pass He(), Zero(), ...")
    models = {repr(one): clone(estimator).set_params(regularizers=(*kept, one), warm_start=False) for one in asked}
    return {
        name: diagnose(model.fit(X, y, sample_weight=sample_weight), X, y, sample_weight)
        for name, model in models.items()
    }


def initializer_table(diagnoses: Mapping[str, Diagnosis]) -> pd.DataFrame:
    """A row for each network: loss at start and end, and units that are dead or stay equal, over all hidden layers."""
    import pandas as pd

    found = {
        name: {
            "start_loss": one.start_loss,
            "end_loss": one.end_loss,
            "hidden_units": sum(state.units for state in one.end[:-1]),
            "dead_at_start": sum(state.dead for state in one.start[:-1]),
            "dead_at_end": sum(state.dead for state in one.end[:-1]),
            "stay_equal": sum(len(group) for layer in one.staying_equal[:-1] for group in layer),
        }
        for name, one in diagnoses.items()
    }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis("initializer")
