"""`dashpot augment-preview`: a contact sheet of pictures and their variants."""

from pathlib import Path
from typing import Any

import click

from dashpot.cli.files import check_output
from dashpot.cli.options import Shape, a_path, parsed, seed_option, with_option
from dashpot.errors import DataError, UsageError

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


@click.command("augment-preview", short_help="Draw pictures and their random variants side by side.")
@click.argument("source")
@click.option(
    "-o",
    "--output",
    type=a_path,
    default="preview.png",
    show_default=True,
    help="The contact sheet to write, a PNG file.",
)
@with_option
@click.option(
    "--preset",
    type=click.Choice(["digits", "photos"]),
    help="Transformations that suit digits and letters, or photographs.  [default: digits, without --with]",
)
@click.option(
    "--image-shape", type=Shape(), metavar="SHAPE", help="Of a table's pixels: 28,28, or 32,32,3 for colours."
)
@click.option("--target", metavar="COLUMN", help="A column of the table to leave out.")
@click.option("--originals", type=click.IntRange(1, 64), default=8, show_default=True, help="Pictures to show.")
@click.option("--variants", type=click.IntRange(1, 64), default=8, show_default=True, help="Variants of each.")
@seed_option
def augment_preview(
    source: str,
    output: Path,
    regularizers: tuple[str, ...],
    preset: str | None,
    image_shape: tuple[int, ...] | None,
    target: str | None,
    originals: int,
    variants: int,
    seed: int,
) -> None:
    """Draw pictures of SOURCE (left) and random variants of them (right), as networks see them in training.

    SOURCE is a folder of pictures, a table with a column for each pixel (needs --image-shape), or "digits".

    Example: dashpot augment-preview digits --with "Rotate(15)" --with "Erase(0.4)" -o sheet.png
    """
    from dashpot.contact_sheet import preview
    from dashpot.regularizers import Recipe, image_recipe

    check_output(output, Path(source))
    asked = () if preset is None and regularizers else (image_recipe(preset or "digits"),)
    recipe = Recipe((*asked, *(parsed(regularizers) or ())))
    images, shape = read_pictures(source, image_shape, target, originals)
    preview(images, recipe, output, image_shape=shape, originals=originals, variants=variants, random_state=seed)
    click.echo(f"{min(len(images), originals)} pictures, {variants} variants of each, are in {output}")
    click.echo(f"Recipe: {', '.join(map(repr, recipe.parts))}")


def read_pictures(
    source: str, shape: tuple[int, ...] | None, target: str | None, most: int
) -> tuple[Any, tuple[int, ...] | None]:
    """Return pictures, and the shape where they are rows of a table."""
    path = Path(source)
    if path.is_dir():
        return _from_folder(path, most), None
    if source == "digits" and not path.exists():
        from sklearn.datasets import load_digits

        return load_digits().images, None
    from dashpot.cli.files import require_column
    from dashpot.tables import read_table

    if shape is None:
        raise UsageError(f"{source}: the shape of the pictures is not known. Add --image-shape 28,28, say.")
    frame = read_table(path)
    require_column(frame, target, "--target", path)
    return (frame if target is None else frame.drop(columns=target)), shape


def _from_folder(folder: Path, most: int) -> Any:
    """Return the first pictures of a folder, cut to the middle square and to one size, (rows, 64, 64, 3)."""
    import numpy as np

    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise UsageError(f"{folder}: reading picture files needs Pillow. Run: pip install pillow") from None
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)[:most]
    if not paths:
        raise DataError(f"{folder}: holds no picture ({', '.join(ENDINGS)}). Name another folder.")
    pictures = []
    for path in paths:
        try:
            with Image.open(path) as picture:
                pictures.append(np.asarray(ImageOps.fit(picture.convert("RGB"), (64, 64))))
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{path}: is no picture that can be read. Take it out of the folder.") from error
    return np.stack(pictures)
