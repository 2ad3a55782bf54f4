"""`dashpot race`: a table, a target column or none, a time; the best that was found is the model file."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dashpot.cli.files import check_outputs, check_table, read_roles
from dashpot.cli.options import (
    CodeSize,
    Duration,
    a_path,
    groups_option,
    parsed,
    seed_option,
    task_option,
    weights_option,
    workers_option,
)
from dashpot.errors import UsageError

if TYPE_CHECKING:
    from dashpot import Race


@click.command(short_help="Search recipes and shapes for a table; survivors and the default ensemble are the model.")
@click.argument("data", type=a_path)
@click.option("-t", "--target", metavar="COLUMN", help="The column to predict.")
@click.option("--reconstruct", is_flag=True, help="No target: autoencoders race to draw rows again from short codes.")
@click.option("--code-size", type=CodeSize(), metavar="SIZE", help="With --reconstruct: numbers in a code, 8, or 0.9.")
@click.option("-o", "--output", type=a_path, required=True, help="The model file to write, for example model.dashpot.")
@click.option(
    "--budget",
    type=Duration(),
    default=300.0,
    show_default="5m",
    metavar="TIME",
    help="Time to spend, about, for example 2m.",
)
@click.option("--candidates", type=click.IntRange(min=1), help="Recipes that may begin, at most.")
@click.option(
    "--with",
    "fixed",
    multiple=True,
    metavar="REGULARIZER",
    help='A regularizer that is in every recipe, for example "Dropout(0.3)"; may be repeated.',
)
@click.option("--with-trees", "trees", is_flag=True, help="Let trees and a linear model join, and say with what share.")
@click.option("--table", type=a_path, help="Write every recipe that took part, and its loss, to this csv file.")
@click.option("--report", type=a_path, help="Write a page with pictures, for example race.html.")
@task_option
@click.option(
    "--metric", default="auto", show_default="log_loss or r2", help="What to be good at, for example balanced_accuracy."
)
@weights_option
@groups_option
@seed_option
@workers_option
@click.option(
    "--checkpoint",
    type=a_path,
    metavar="FOLDER",
    help="Keep the networks of every fold here; after Ctrl-C or a kill, the same command goes on.",
)
def race(
    data: Path,
    target: str | None,
    reconstruct: bool,
    code_size: float | None,
    output: Path,
    budget: float,
    candidates: int | None,
    fixed: tuple[str, ...],
    trees: bool,
    table: Path | None,
    report: Path | None,
    task: str,
    metric: str,
    weights: str | None,
    groups: str | None,
    seed: int,
    workers: int | None,
    checkpoint: Path | None,
) -> None:
    """Race recipes of regularizers and shapes of networks on DATA, and save what survives as one model.

    On each fold those leave that are clearly worse. The others join the default ensemble, weighted by what they add.

    Example: dashpot race survey.csv --target vote --budget 2m -o vote.dashpot

    With --reconstruct the best autoencoder is the model: it turns rows into codes of --code-size numbers (default 2).

    Example: dashpot race survey.csv --reconstruct --code-size 8 --budget 2m -o codes.dashpot
    """
    if reconstruct == (target is not None):
        raise UsageError("dashpot race: needs either --target COLUMN or --reconstruct. Give one of them.")
    check_outputs((output, table, report), data)
    check_table(table, ".csv")
    given = read_roles(data, target, weights, groups)
    import dashpot

    model = dashpot.race(
        given.inputs,
        given.target,
        budget=budget,
        candidates=candidates,
        task=task,
        metric=metric,
        fixed=parsed(fixed) or (),
        weights=given.weights,
        groups=given.groups,
        random_state=seed,
        workers=workers,
        progress=lambda line: click.echo(line, err=True),
        checkpoint=checkpoint,
        trees=trees,
        code_size=code_size,
    )
    model.save(output)
    _tell(model.race_, table, report)
    click.echo(f"\nThe model is in {output}: dashpot predict {output} new.csv")


def _tell(found: "Race", table: Path | None, report: Path | None) -> None:
    """Write the table and the page that are asked for; print the result, and what mattered."""
    from dashpot.writing import write_text

    if table is not None:
        write_text(table, found.table.to_csv(float_format="%.6g"), "dashpot race --table")
    if report is not None:
        found.report(report)
    click.echo(repr(found))
    effects = found.effects
    if len(effects):
        click.echo("\nWhat mattered (difference of the loss on the first fold; below 0 is better):")
        click.echo(effects.round(4).to_string())
