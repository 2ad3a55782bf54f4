"""`dashpot show`: what a regularizer does, as a picture."""

from pathlib import Path

import click

from dashpot.cli.files import check_output, read_roles
from dashpot.cli.options import Shape, a_path, epochs_option, parsed, seed_option
from dashpot.errors import UsageError


@click.command(short_help="Draw what a regularizer does to real data.")
@click.argument("regularizer")
@click.argument("data", type=a_path, required=False)
@click.option("-t", "--target", metavar="COLUMN", help="The column to predict, where DATA is given.")
@click.option("-o", "--output", type=a_path, default="show.png", show_default=True, help="The picture to write.")
@click.option("--image-shape", type=Shape(), metavar="SHAPE", help="Rows are pictures, for example 28,28.")
@epochs_option
@seed_option
def show(
    regularizer: str,
    data: Path | None,
    target: str | None,
    output: Path,
    image_shape: tuple[int, ...] | None,
    epochs: int | None,
    seed: int,
) -> None:
    """Draw what REGULARIZER changes, and the learning curves of a network without it and with it.

    Without DATA: a bundled election survey, or small pictures of digits for what changes pictures.

    Example: dashpot show "L1(0.003)" -o l1.png
    """
    import dashpot
    from dashpot.landscapes.pictures import check_suffix, save_figure
    from dashpot.showing.trained import EPOCHS

    if (data is None) != (target is None):
        raise UsageError("dashpot show: DATA and --target belong together. Give both, or neither.")
    check_output(output, *([] if data is None else [data]))
    check_suffix(output)
    (one,) = parsed((regularizer,)) or ()
    X = y = None
    if data is not None and target is not None:
        table = read_roles(data, target)
        X, y = table.inputs, table.target
    save_figure(dashpot.show(one, X, y, image_shape, epochs or EPOCHS, seed), output)
    click.echo(f"The picture is {output}")
