"""`dashpot fit`: a table, a target column, a model file."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpot.cli.files import Table, check_output, read_roles
from dashpot.cli.options import (
    Shape,
    a_path,
    checkpoint_option,
    embedding_option,
    epochs_option,
    given,
    groups_option,
    hidden_option,
    learned_option,
    norm_option,
    parsed,
    seed_option,
    skip_option,
    target_option,
    task_option,
    weights_option,
    with_option,
)

if TYPE_CHECKING:
    from dashpot import MLPClassifier, MLPRegressor


@click.command(short_help="Train networks on a table and save the model.")
@click.argument("data", type=a_path)
@target_option
@click.option("-o", "--output", type=a_path, required=True, help="The model file to write, for example model.dashpot.")
@with_option
@task_option
@hidden_option
@embedding_option
@skip_option
@norm_option
@learned_option
@click.option(
    "--preset",
    type=click.Choice(["fast", "default", "best"]),
    help="How many networks the default recipe has: 3, 16 or 48.",
)
@click.option("--clip-outputs", is_flag=True, help="Keep predicted amounts within the range of the training rows.")
@epochs_option
@click.option("--image-shape", type=Shape(), metavar="SHAPE", help="Rows are pictures: 28,28, or 32,32,3 for colours.")
@weights_option
@groups_option
@seed_option
@checkpoint_option
def fit(
    data: Path,
    target: str,
    output: Path,
    regularizers: tuple[str, ...],
    task: str,
    hidden: tuple[int, ...] | None,
    numeric_embedding: str | None,
    skip: bool | None,
    norm: str | None,
    learned: tuple[str, ...],
    preset: str | None,
    clip_outputs: bool,
    epochs: int | None,
    image_shape: tuple[int, ...] | None,
    weights: str | None,
    groups: str | None,
    seed: int,
    checkpoint: Path | None,
) -> None:
    """Train networks to predict a column of DATA and save them as one model file.

    DATA is a csv, tsv, Parquet, Excel, SPSS or Stata file. Text columns and missing cells are fine.

    Example: dashpot fit survey.csv --target vote -o vote.dashpot --with "L2(0.001)" --with "Dropout(0.3)"
    """
    check_output(output, data)
    options = given(
        hidden_layers=hidden,
        numeric_embedding=numeric_embedding,
        skip=skip,
        norm=norm,
        learned=learned or None,
        preset=preset,
        max_epochs=epochs,
        regularizers=parsed(regularizers),
        random_state=seed,
        image_shape=image_shape,
    )
    table = read_roles(data, target, weights, groups)
    model = estimator(table, task, options)
    if clip_outputs:
        check_amounts(model)
        model.set_params(clip_outputs=True)
    model.fit(table.inputs, table.target, sample_weight=table.weights, groups=table.groups, checkpoint=checkpoint)
    model.save(output)
    click.echo(f"{type(model).__name__} of {target!r} from {len(table.inputs)} rows is in {output}")
    click.echo(f"Recipe: {', '.join(map(repr, model.recipe_.parts))}")


def estimator(table: Table, task: str, options: dict[str, Any]) -> "MLPClassifier | MLPRegressor":
    """Return the estimator for the task, or for what the target looks like."""
    from dashpot import MLPClassifier, MLPRegressor
    from dashpot.tables import task_of

    task = task_of(table.target) if task == "auto" else task
    return MLPClassifier(**options) if task == "classification" else MLPRegressor(**options)


def check_amounts(model: "MLPClassifier | MLPRegressor") -> None:
    """Refuse to keep classes within a range."""
    if not hasattr(model, "clip_outputs"):
        raise click.UsageError("--clip-outputs is for amounts, and the target holds classes. Leave it out.")
