"""`dashpot embed`: a table as a map."""

from pathlib import Path
from typing import Any

import click

from dashpot.cli.files import check_outputs, check_table, require_column
from dashpot.cli.options import Shape, a_path, epochs_option, given, hidden_option, seed_option, workers_option
from dashpot.cli.progress import progress_bar
from dashpot.errors import UsageError

PEERS = ("PCA", "t-SNE", "UMAP")


@click.command(short_help="Draw a table as a map, beside PCA, t-SNE and UMAP.")
@click.argument("data", type=a_path)
@click.option("-o", "--output", type=a_path, default="map.html", show_default=True, help="The page to write.")
@click.option(
    "--label", metavar="COLUMN", help="A column to colour by that no map sees; the page says how well maps tell it."
)
@click.option("--leave-out", multiple=True, metavar="COLUMN", help="A column that no map sees; may be repeated.")
@click.option("--codes", type=a_path, help="A table to write: the place of every row, and its error.")
@click.option("--model", type=a_path, help="A file for the autoencoder, for `dashpot.load`.")
@click.option(
    "--peer",
    "peers",
    multiple=True,
    type=click.Choice(PEERS),
    help="A map to draw beside; may be repeated. Without it: all that are installed.",
)
@click.option(
    "--preset",
    type=click.Choice(["default", "best"]),
    default="default",
    show_default=True,
    help="best trains five times as long.",
)
@click.option("--image-shape", type=Shape(), metavar="SHAPE", help="Rows are pictures, for example 28,28.")
@hidden_option
@epochs_option
@seed_option
@workers_option
def embed(
    data: Path,
    output: Path,
    label: str | None,
    leave_out: tuple[str, ...],
    codes: Path | None,
    model: Path | None,
    peers: tuple[str, ...],
    preset: str,
    image_shape: tuple[int, ...] | None,
    hidden: tuple[int, ...] | None,
    epochs: int | None,
    seed: int,
    workers: int | None,
) -> None:
    """Draw the rows of DATA as points: rows that are alike lie near each other.

    An autoencoder squeezes each row into two numbers. The page measures the map beside PCA, t-SNE and UMAP on rows held
    out, says what the axes mean, and how many numbers a row needs.

    Example: dashpot embed survey.csv --label vote -o map.html --codes places.csv
    """
    import dashpot
    from dashpot.tables import read_table, write_table

    outputs = check_outputs((output, codes, model), data)
    check_table(codes, ".csv", ".parquet")
    frame = read_table(data)
    unseen = [name for name in (label, *leave_out) if name is not None]
    for name, option in zip(unseen, ["--label"] * (label is not None) + ["--leave-out"] * len(leave_out), strict=True):
        require_column(frame, name, option, data)
    table = frame.drop(columns=list(dict.fromkeys(unseen)))
    if not len(table.columns):
        raise UsageError(f"{data}: no column is left to draw a map from. Leave fewer out.")
    told = None if label is None else frame[label]
    options: dict[str, Any] = given(
        hidden_layers=hidden, max_epochs=epochs, preset=preset, image_shape=image_shape, workers=workers
    )
    with progress_bar("drawing") as (_, news):
        found = dashpot.embed(table, told, peers=peers or PEERS, random_state=seed, progress=news, **options)
    found.report(output)
    if codes is not None:
        write_table(found.places(), codes)
    if model is not None:
        found.model.save(model)
    click.echo(found.measures.drop(columns="places_new").to_string(float_format=lambda value: f"{value:.3f}"))
    click.echo(found.worth())
    click.echo(f"The map is in {' and '.join(map(str, outputs))}")
