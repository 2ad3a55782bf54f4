"""`dashpot landscape`: the loss surface without and with each regularizer, as a picture."""

from pathlib import Path
from typing import Any

import click

from dashpot.cli.files import Table, check_outputs, read_roles
from dashpot.cli.fit import estimator
from dashpot.cli.options import (
    a_path,
    epochs_option,
    given,
    hidden_option,
    parsed,
    seed_option,
    target_option,
    task_option,
    weights_option,
    with_option,
)
from dashpot.errors import DataError, UsageError


@click.command(short_help="Draw the loss surface, without and with regularizers.")
@click.argument("data", type=a_path)
@target_option
@click.option("-o", "--output", type=a_path, default="landscape.png", show_default=True, help="The picture to write.")
@with_option
@task_option
@hidden_option
@epochs_option
@weights_option
@click.option("--line", type=a_path, help="A second picture: the loss from the plain solution to each of the others.")
@click.option("--points", type=click.IntRange(min=3), default=41, show_default=True, help="Points along a side, odd.")
@click.option("--span", type=float, default=1.0, show_default=True, help="How far to go, in lengths of the weights.")
@seed_option
def landscape(
    data: Path,
    target: str,
    output: Path,
    regularizers: tuple[str, ...],
    task: str,
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    weights: str | None,
    line: Path | None,
    points: int,
    span: float,
    seed: int,
) -> None:
    """Train a network on DATA without and with each regularizer, and draw the loss around each solution.

    All surfaces have one scale. Three quarters of the rows train; the table tells the loss on the others, too.

    Example: dashpot landscape survey.csv --target vote --with "Dropout(0.3)" --with "L2(0.01)"
    """
    from dashpot.landscapes import landscape as surface
    from dashpot.landscapes import plot_landscapes, plot_lines, sharpness_table
    from dashpot.landscapes.pictures import check_suffix, save_figure

    pictures = check_outputs((output, line), data)
    for picture in pictures:
        check_suffix(picture)
    if points % 2 == 0:
        raise UsageError(f"dashpot landscape: --points {points} is even, so the middle is no point. Take {points + 1}.")
    asked = parsed(regularizers or ("Dropout(0.3)",)) or ()
    recipes = {"no regularizer": ()} | {repr(one): (one,) for one in asked}
    table = read_roles(data, target, weights)
    options = given(hidden_layers=hidden, max_epochs=epochs, random_state=seed)
    models = {name: estimator(table, task, options | {"regularizers": recipe}) for name, recipe in recipes.items()}
    classes = hasattr(models["no regularizer"], "predict_proba")
    (X, X_new), (y, y_new), (w, w_new) = _set_apart(table, target, data, classes, seed)
    for model in models.values():
        model.fit(X, y, sample_weight=w)
    surfaces = {name: surface(model, X, y, w, points=points, span=span, seed=seed) for name, model in models.items()}
    save_figure(plot_landscapes(surfaces), output)
    if line is not None:
        first, *others = models.items()
        save_figure(plot_lines(first, dict(others), {"training rows": (X, y), "new rows": (X_new, y_new)}), line)
    numbers = sharpness_table(models, X, y, X_new, y_new, w, w_new)
    click.echo(numbers.to_string(float_format=lambda value: f"{value:.3g}"))
    click.echo(f"The loss surfaces are drawn in {' and '.join(map(str, pictures))}")


def _set_apart(table: Table, target: str, data: Path, classes: bool, seed: int) -> list[Any]:
    """Inputs, target and weights, each as training rows and new ones, a quarter; a class is never new only."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    count, missing = len(table.inputs), np.flatnonzero(table.target.isna())
    if len(missing):
        raise DataError(f"{data}: --target {target!r}: row {missing[0] + 1} is missing. Leave such rows out.")
    if count < 8:
        raise UsageError(f"{data}: {count} rows are too few to set some apart; 8 are needed.")
    training, new = train_test_split(np.arange(count), test_size=0.25, random_state=seed)
    if classes:
        lonely = new[~table.target.iloc[new].isin(table.target.iloc[training]).to_numpy()]
        training, new = np.append(training, lonely), np.setdiff1d(new, lonely)
    if not len(new):
        raise DataError(f"{data}: --target {target!r}: every class has one row only. Choose --task regression?")
    columns = (table.inputs, table.target, table.weights)
    return [(None, None) if one is None else (one.iloc[training], one.iloc[new]) for one in columns]
