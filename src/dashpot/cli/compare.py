"""`dashpot compare`: which regularizers help on this table?"""

from pathlib import Path
from typing import Any

import click

from dashpot.cli.files import Table, check_output, read_roles
from dashpot.cli.options import (
    a_path,
    epochs_option,
    given,
    groups_option,
    hidden_option,
    parsed,
    seed_option,
    target_option,
    task_option,
    weights_option,
    with_option,
    workers_option,
)
from dashpot.cli.progress import progress_bar


@click.command(short_help="Which regularizers help on this table?")
@click.argument("data", type=a_path)
@target_option
@click.option("--report", type=a_path, default="report.html", show_default=True, help="The page to write.")
@click.option("--results", type=a_path, default="results.csv", show_default=True, help="The table to write.")
@with_option
@task_option
@click.option("--splits", type=click.IntRange(min=2), help="How often to split into training and test rows.")
@click.option("--metric", help="The error to compare, for example log_loss.")
@hidden_option
@epochs_option
@weights_option
@groups_option
@seed_option
@workers_option
def compare(
    data: Path,
    target: str,
    report: Path,
    results: Path,
    regularizers: tuple[str, ...],
    task: str,
    splits: int | None,
    metric: str | None,
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    weights: str | None,
    groups: str | None,
    seed: int,
    workers: int | None,
) -> None:
    """Train with and without each regularizer on many splits of DATA, and say which of them help.

    DATA is a csv, tsv, Parquet, Excel, SPSS or Stata file. Text columns and missing cells are fine.
    Writes a page with pictures (report.html) and every figure (results.csv).

    Example: dashpot compare survey.csv --target vote
    """
    check_output(report, data, results)
    check_output(results, data)
    options = given(
        regularizers=parsed(regularizers),
        task=task,
        splits=splits,
        metric=metric,
        hidden_layers=hidden,
        epochs=epochs,
        random_state=seed,
        workers=workers,
    )
    table = read_roles(data, target, weights, groups)
    run(table, options, report, results)


def run(table: Table, options: dict[str, Any], report: Path, results: Path) -> None:
    """Compare, print the table and write the two files."""
    from rich.console import Console

    import dashpot

    with progress_bar("Training networks") as progress:
        study = dashpot.compare(
            table.inputs,
            table.target,
            weights=table.weights,
            groups=table.groups,
            progress=progress,
            **options,
        )
    console = Console()
    console.print(study.table(), width=None if console.is_terminal else 100)
    study.write_results(results)
    study.report(report)
    for note in study.notes:
        click.echo(note)
    click.echo(f"Report: {report.resolve()}  (open it in a browser)")
    click.echo(f"Every figure: {results.resolve()}")
