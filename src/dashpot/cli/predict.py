"""`dashpot predict`: a saved model, new rows, a file of predictions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpot.cli.files import apart, check_output, check_table, require_column
from dashpot.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd


@click.command(short_help="Predict the rows of a table with a saved model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="Copy this column of DATA too; may be repeated.")
def predict(model: Path, data: Path, output: Path, keep: tuple[str, ...]) -> None:
    """Predict the rows of DATA with a MODEL written by `dashpot fit`.

    The output has one row for each row of DATA, in the same order: the prediction and, for classes,
    the probability of each. A MODEL of `dashpot embed` gives the place of each row on the map, and its error.
    """
    import dashpot
    from dashpot.tables import read_table, write_table

    check_output(output, model, data)
    check_table(output, ".csv", ".parquet")
    fitted = dashpot.load(model)
    if isinstance(fitted, dashpot.Denoiser):
        raise UsageError(f"{model}: holds a denoiser. Use dashpot denoise --model {model}.")
    frame = read_table(data)
    for name in keep:
        require_column(frame, name, "--keep", data)
    write_table(predictions(fitted, frame, list(keep)), output)
    click.echo(f"{len(frame)} predictions are in {output}")


def predictions(model: Any, frame: "pd.DataFrame", keep: list[str]) -> "pd.DataFrame":
    """Return the kept columns, the prediction and, of a classifier, a probability for each class.

    Of an autoencoder: the code of each row, and the mean error of drawing it again.
    """
    import pandas as pd

    found = _found(model, frame)
    kept = apart(frame[list(dict.fromkeys(keep))], found)
    return pd.concat([kept, pd.DataFrame(found, index=frame.index)], axis=1)


def _found(model: Any, frame: "pd.DataFrame") -> dict[str, Any]:
    """What the model says of each row, by the name of the column."""
    if not hasattr(model, "predict"):
        codes = {f"code_{number}": column for number, column in enumerate(model.transform(frame).T, start=1)}
        return codes | {"error": -model.score_samples(frame)}
    predicted = model.predict(frame)
    if predicted.ndim > 1:
        return {f"prediction_{number}": column for number, column in enumerate(predicted.T, start=1)}
    found = {"prediction": predicted}
    if hasattr(model, "classes_"):
        for name, column in zip(model.classes_, model.predict_proba(frame).T, strict=True):
            found[f"probability_{name}"] = column
    return found
