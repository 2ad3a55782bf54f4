"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from dashpot.regularizers.base import Regularizer


class Widths(click.ParamType):
    """Widths of hidden layers, `128,128`; `none` for no hidden layer."""

    name = "widths"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse the widths."""
        if isinstance(value, tuple):
            return value
        if value == "none":
            return ()
        try:
            widths = tuple(int(width) for width in value.split(","))
        except ValueError:
            widths = (0,)
        if min(widths) < 1:
            self.fail(
                f"{value!r} is not a list of widths of at least 1. Write for example 128,128, or none.",
                param,
                ctx,
            )
        return widths


class Duration(click.ParamType):
    """A time in seconds: `90`, `90s`, `2m`, `1.5h`."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the time."""
        if isinstance(value, int | float):
            return float(value)
        text = value.strip().lower()
        unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
        try:
            seconds = float(text if unit is None else text[:-1]) * (unit or 1.0)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds < float("inf"):
            self.fail(f"{value!r} is not a time. Write for example 90s, 2m or 1h.", param, ctx)
        return seconds


class CodeSize(click.ParamType):
    """The size of a code: a whole number, or a share of the variance."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the size."""
        if isinstance(value, int | float):
            return value
        try:
            return int(value) if value.isdecimal() else float(value)
        except ValueError:
            self.fail(f"{value!r} is no size of a code. Write for example 8, or 0.9 for a share.", param, ctx)


class Shape(click.ParamType):
    """The shape of pictures, `height,width` or `height,width,channels`."""

    name = "shape"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse the sizes."""
        if isinstance(value, tuple):
            return value
        sizes = value.split(",")
        if len(sizes) not in (2, 3) or not all(size.strip().isdecimal() and int(size) for size in sizes):
            self.fail(f"{value!r} is no height,width or height,width,channels. Write for example 28,28.", param, ctx)
        return tuple(int(size) for size in sizes)


a_path = click.Path(path_type=Path)
target_option = click.option("-t", "--target", required=True, metavar="COLUMN", help="The column to predict.")
weights_option = click.option("--weights", metavar="COLUMN", help="A column of survey or case weights.")
groups_option = click.option(
    "--groups",
    metavar="COLUMN",
    help="Rows of one group, such as a household, stay on one side of each split.",
)
task_option = click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
    help="What the target holds: classes, or amounts. auto looks.",
)
hidden_option = click.option(
    "--hidden",
    type=Widths(),
    metavar="WIDTHS",
    help="Widths of the hidden layers, for example 128,128; or none.",
)
embedding_option = click.option(
    "--numeric-embedding",
    type=click.Choice(["none", "piecewise_linear", "thresholds", "periodic"]),
    help="Further features of each number, for thresholds and steps.",
)
skip_option = click.option(
    "--skip", is_flag=True, default=None, help="A hidden layer adds what an equally wide one before it gives."
)
norm_option = click.option(
    "--norm", type=click.Choice(["none", "batch", "layer"]), help="Normalize the sums of hidden layers."
)
learned_option = click.option(
    "--learned",
    multiple=True,
    type=click.Choice(["input_scale", "frequencies", "activation"]),
    help="What networks learn beside weights; may be repeated.",
)
epochs_option = click.option("--epochs", type=click.IntRange(min=1), help="Passes through the training rows, at most.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0, max=2**32 - 1),
    default=0,
    show_default=True,
    help="Equal seeds give equal results.",
)
workers_option = click.option(
    "--workers", type=click.IntRange(min=1), help="Processes to use; by default one for each core."
)
with_option = click.option(
    "--with",
    "regularizers",
    multiple=True,
    metavar="REGULARIZER",
    help='A regularizer, for example "Dropout(0.3)"; may be repeated. Without it: a default choice.',
)


ask_option = click.option(
    "--ask",
    multiple=True,
    type=click.Choice(["alone", "leave-one-out", "pairs", "ensemble-size"]),
    help="What to ask: each alone (the default), all but one against all, two together, how many networks.",
)
budget_option = click.option(
    "--budget", type=Duration(), metavar="TIME", help="Time to spend, for example 2m: fewer splits where it is short."
)


checkpoint_option = click.option(
    "--checkpoint",
    type=a_path,
    metavar="FOLDER",
    help="Keep the training here every few seconds; after Ctrl-C or a kill, the same command goes on.",
)


def parsed(texts: tuple[str, ...]) -> "tuple[Regularizer, ...] | None":
    """Return the regularizers that were asked for with `--with`, or None if none was."""
    if not texts:
        return None
    from dashpot.regularizers import parse

    return tuple(parse(text) for text in texts)


def given(**options: Any) -> dict[str, Any]:
    """Return the options that the user set; the library's own defaults hold for the others."""
    return {name: value for name, value in options.items() if value is not None}
