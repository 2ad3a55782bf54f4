"""`dashpot landscape`: the loss surface without and with each regularizer, as a picture."""

from pathlib import Path

import click

from dashpot.cli.files import check_output, read_roles
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
    with_option,
)
from dashpot.errors import UsageError


@click.command(short_help="Draw the loss surface, without and with regularizers.")
@click.argument("data", type=a_path)
@target_option
@click.option("-o", "--output", type=a_path, default="landscape.png", show_default=True, help="The picture to write.")
@with_option
@task_option
@hidden_option
@epochs_option
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
    points: int,
    span: float,
    seed: int,
) -> None:
    """Train a network on DATA without and with each regularizer, and draw the loss around each solution.

    All surfaces have one scale. Three quarters of the rows train; the table tells the loss on the others, too.

    Example: dashpot landscape survey.csv --target vote --with "Dropout(0.3)" --with "L2(0.01)"
    """
    from sklearn.model_selection import train_test_split

    from dashpot.landscapes import landscape as surface
    from dashpot.landscapes import plot_landscapes, sharpness_table
    from dashpot.landscapes.pictures import check_suffix, save_figure

    check_output(output, data)
    check_suffix(output)
    asked = parsed(regularizers or ("Dropout(0.3)",)) or ()
    recipes = {"no regularizer": ()} | {repr(one): (one,) for one in asked}
    table = read_roles(data, target)
    if len(table.inputs) < 8:
        raise UsageError(f"{data}: {len(table.inputs)} rows are too few to set some apart; 8 are needed.")
    X, X_new, y, y_new = train_test_split(table.inputs, table.target, test_size=0.25, random_state=seed)
    options = given(hidden_layers=hidden, max_epochs=epochs, random_state=seed)
    models = {
        name: estimator(table, task, options | {"regularizers": recipe}).fit(X, y) for name, recipe in recipes.items()
    }
    surfaces = {name: surface(model, X, y, points=points, span=span, seed=seed) for name, model in models.items()}
    save_figure(plot_landscapes(surfaces), output)
    click.echo(sharpness_table(models, X, y, X_new, y_new).to_string(float_format=lambda value: f"{value:.3g}"))
    click.echo(f"The loss surfaces are drawn in {output}")
