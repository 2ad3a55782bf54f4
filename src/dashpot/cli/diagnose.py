"""`dashpot diagnose`: units and gradients of each layer before and after training, as a picture and a table."""

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
    weights_option,
    with_option,
)


@click.command(short_help="Look into a network: units, gradients, dead and equal units.")
@click.argument("data", type=a_path)
@target_option
@click.option("-o", "--output", type=a_path, default="diagnose.png", show_default=True, help="The picture to write.")
@click.option("--initializers", is_flag=True, help="Compare all ways to begin, instead of looking at one network.")
@with_option
@task_option
@hidden_option
@epochs_option
@weights_option
@seed_option
def diagnose(
    data: Path,
    target: str,
    output: Path,
    initializers: bool,
    regularizers: tuple[str, ...],
    task: str,
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    weights: str | None,
    seed: int,
) -> None:
    """Train a network on DATA, and show the units and gradients of each layer at the start and at the end.

    Without --with the network has no regularizer. With several networks in the recipe, the first is shown.

    Example: dashpot diagnose survey.csv --target vote --initializers
    """
    from dashpot.diagnosis import diagnose as look
    from dashpot.diagnosis import diagnose_initializers, initializer_table, plot_initializers
    from dashpot.landscapes.pictures import check_suffix, save_figure

    check_output(output, data)
    check_suffix(output)
    recipe = parsed(regularizers) or ()
    table = read_roles(data, target, weights)
    options = given(hidden_layers=hidden, max_epochs=epochs, random_state=seed, regularizers=recipe)
    model, rows = estimator(table, task, options), (table.inputs, table.target, table.weights)
    if initializers:
        found = diagnose_initializers(model, *rows)
        shown, figure = initializer_table(found), plot_initializers(found)
    else:
        one = look(model.fit(table.inputs, table.target, sample_weight=table.weights), *rows)
        shown, figure = one.table, one.plot()
    save_figure(figure, output)
    click.echo(shown.to_string(float_format=lambda value: f"{value:.3g}"))
    click.echo(f"The picture is {output}")
