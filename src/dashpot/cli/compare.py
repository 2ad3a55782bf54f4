"""`dashpot compare`: which regularizers help on this table?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpot.cli.files import Table, check_outputs, check_table, read_roles
from dashpot.cli.options import (
    Shape,
    a_path,
    ask_option,
    budget_option,
    checkpoint_option,
    epochs_option,
    given,
    groups_option,
    hidden_option,
    parsed,
    seed_option,
    task_option,
    weights_option,
    with_option,
    workers_option,
)
from dashpot.cli.progress import progress_bar
from dashpot.errors import DataError, UsageError

if TYPE_CHECKING:
    from dashpot.studies import Study

_wide = 110  # columns from which on there is room for the strengths
_interrupted = 130
_partial = 5


@click.command(short_help="Which regularizers help on this table?")
@click.argument("data", type=a_path, required=False)
@click.option("-t", "--target", metavar="COLUMN", help="The column to predict.")
@click.option("--report", type=a_path, default="report.html", show_default=True, help="The page to write.")
@click.option("--results", type=a_path, default="results.csv", show_default=True, help="The table to write.")
@click.option("--run", type=a_path, default="run.toml", show_default=True, help="The settings to write.")
@click.option("--markdown", type=a_path, help="The page as Markdown, for example report.md.")
@click.option("--json", "as_json", type=a_path, help="The page as JSON, for example results.json.")
@click.option("--from", "repeat", type=a_path, metavar="RUN", help="Repeat the study of a run.toml; no other settings.")
@with_option
@ask_option
@task_option
@click.option("--splits", type=click.IntRange(min=2), help="How often to split into training and test rows.")
@budget_option
@click.option(
    "--metric", multiple=True, help="The score to compare, for example log_loss; of several the first decides."
)
@hidden_option
@epochs_option
@weights_option
@groups_option
@click.option("--test", metavar="COLUMN", help="A column that is true (or 1) in the rows of a fixed test set.")
@click.option(
    "--intervals",
    type=click.Choice(["rows", "corrected"]),
    help="By what each test row adds (the usual), or the corrected resampled t interval.",
)
@click.option("--max-rows", type=click.IntRange(min=0), help="Sample larger tables down to this; 0 takes every row.")
@click.option("--image-shape", type=Shape(), metavar="SHAPE", help="Rows are pictures: 28,28, or 32,32,3 for colours.")
@seed_option
@workers_option
@checkpoint_option
@click.pass_context
def compare(
    context: click.Context,
    data: Path | None,
    target: str | None,
    report: Path,
    results: Path,
    run: Path,
    markdown: Path | None,
    as_json: Path | None,
    repeat: Path | None,
    regularizers: tuple[str, ...],
    ask: tuple[str, ...],
    task: str,
    splits: int | None,
    budget: float | None,
    metric: tuple[str, ...],
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    weights: str | None,
    groups: str | None,
    test: str | None,
    intervals: str | None,
    max_rows: int | None,
    image_shape: tuple[int, ...] | None,
    seed: int,
    workers: int | None,
    checkpoint: Path | None,
) -> None:
    """Train with and without each regularizer on many splits of DATA, and say which of them help.

    DATA is a csv, tsv, Parquet, Excel, SPSS or Stata file. Text columns and missing cells are fine.
    Writes a page with pictures (report.html), every figure (results.csv) and the settings (run.toml).
    Ctrl-C keeps the questions that are answered by then; with --checkpoint the same command goes on where it was.

    Examples: dashpot compare survey.csv --target vote; dashpot compare --from run.toml
    """
    check_table(results, ".csv")
    outputs = {"report": report, "results": results, "run": run, "markdown": markdown, "json": as_json}
    options = given(
        regularizers=parsed(regularizers),
        ask=ask or None,
        task=task,
        splits=splits,
        budget=budget,
        metric=list(metric) or None,
        hidden_layers=hidden,
        epochs=epochs,
        intervals=intervals,
        image_shape=image_shape,
        random_state=seed,
    )
    if max_rows is not None:
        options["max_rows"] = max_rows or None
    roles = {"target": target, "weights": weights, "groups": groups, "test": test}
    if repeat is not None:
        data, roles, options = repeated(repeat, data, roles, context)
    if data is None or roles["target"] is None:
        raise UsageError("dashpot compare: name a table and its --target, or a study to repeat with --from run.toml.")
    check_outputs(outputs.values(), data)
    table = read_roles(data, str(roles["target"]), roles["weights"], roles["groups"], roles["test"])
    study(table, options | given(workers=workers, checkpoint=checkpoint), outputs, about_data(data, roles))


def about_data(data: Path, roles: dict[str, Any]) -> dict[str, str]:
    """Where the table is and what its columns are, for run.toml."""
    from dashpot.studies.repeat import sha256

    return {"file": str(data), "sha256": sha256(data)} | given(**roles)


def repeated(
    path: Path, data: Path | None, roles: dict[str, Any], context: click.Context
) -> tuple[Path | None, dict[str, Any], dict[str, Any]]:
    """Table, roles of columns and options of an earlier study; DATA may name the table's new place."""
    from dashpot.studies.repeat import read_run, sha256

    free = {"data", "repeat", "report", "results", "run", "markdown", "as_json", "workers", "checkpoint"}
    for name in context.params:
        source = context.get_parameter_source(name)
        if name not in free and source is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"dashpot compare: --from takes every setting from {path}; leave out --{name}.")
    about, options = read_run(path)
    file = data or (Path(about["file"]) if "file" in about else None)
    if file is not None and not file.is_file():
        raise DataError(
            f"{path}: names {file}, which is not there. Name the table: dashpot compare TABLE --from {path}."
        )
    if file is not None and "sha256" in about and sha256(file) != about["sha256"]:
        raise DataError(f"{path}: {file} is not the table of that study; its content has changed. Restore it.")
    return file, {name: about.get(name) for name in roles}, options


def study(table: Table, options: dict[str, Any], outputs: dict[str, Path | None], about: dict[str, str]) -> None:
    """Compare, print the table and write the files."""
    import dashpot

    with progress_bar("Training") as (progress, news):
        found = dashpot.compare(
            table.inputs,
            table.target,
            weights=table.weights,
            groups=table.groups,
            test=table.test,
            progress=progress,
            news=news,
            **options,
        )
    _print_table(found)
    _write(found, outputs, about)
    for note in found.notes:
        click.echo(note)
    click.echo(f"Report: {_shown(outputs['report'])}  (open it in a browser)")
    click.echo(f"Every figure: {_shown(outputs['results'])}")
    if found.settings["interrupted"]:
        folder = options.get("checkpoint")
        way = f"dashpot compare --from {outputs['run']}" + (f" --checkpoint {folder}" if folder else "")
        click.echo(f"To answer the other questions too: {way}", err=True)
        raise SystemExit(_interrupted)
    if found.settings["partial"]:
        click.echo(f"The study is partial. To do all of it: dashpot compare --from {outputs['run']}", err=True)
        raise SystemExit(_partial)


def _print_table(found: "Study") -> None:
    """The table of effects, with the strengths where there is room for them; there is in a file."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = _wide
    console.print(found.table(strengths=console.width >= _wide))


def _write(found: "Study", outputs: dict[str, Path | None], about: dict[str, str]) -> None:
    """Write the files that were asked for."""
    writers: dict[str, Any] = {
        "report": found.report,
        "results": found.write_results,
        "markdown": found.markdown,
        "json": found.write_json,
        "run": lambda path: found.write_run(path, about),
    }
    for name, path in outputs.items():
        if path is not None:
            writers[name](path)


def _shown(path: Path | None) -> str:
    """Where a file is."""
    return str(path.resolve()) if path is not None else "not written"
