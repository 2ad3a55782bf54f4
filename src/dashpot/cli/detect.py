"""`dashpot detect`: a table, its odd rows with reasons, a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashpot.cli.files import apart, check_outputs, check_table, require_column
from dashpot.cli.options import a_path, given, seed_option, workers_option
from dashpot.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from dashpot import AnomalyDetector


@click.command(short_help="Find the odd rows of a table, and say why.")
@click.argument("data", type=a_path)
@click.option("-o", "--output", type=a_path, required=True, help="The ranked rows to write: .csv or .parquet.")
@click.option("--report", type=a_path, help="A page to write, with reasons and the distribution of the scores.")
@click.option(
    "--contamination",
    type=click.FloatRange(0, 0.5, min_open=True),
    metavar="SHARE",
    help="Flag this share of the rows learned from, for example 0.02. Default: three usual spreads above the median.",
)
@click.option(
    "--trim",
    type=click.FloatRange(0, 0.5, max_open=True),
    metavar="SHARE",
    help="The share of DATA that may be odd, 0.1 by default: so many rows are not learned from. Try 0.4 for many.",
)
@click.option(
    "--labels",
    metavar="COLUMN",
    help="A column with 1 for known anomalies, 0 for others. Never learned from; with --cost it chooses the threshold.",
)
@click.option("--cost", type=float, metavar="TIMES", help="What a miss costs, in false alarms; needs --labels.")
@click.option("--model", type=a_path, help="Judge DATA by a detector saved earlier, and report drift; learn nothing.")
@click.option("--save", "saved", type=a_path, help="Keep the detector in this file.")
@seed_option
@workers_option
def detect(
    data: Path,
    output: Path,
    report: Path | None,
    contamination: float | None,
    trim: float | None,
    labels: str | None,
    cost: float | None,
    model: Path | None,
    saved: Path | None,
    seed: int,
    workers: int | None,
) -> None:
    """Rank the rows of DATA by how odd they are, flag the oddest, and name the columns that make them odd.

    No labels are needed. Text columns, dates and missing cells are fine.

    Example: dashpot detect transactions.csv -o flags.csv --report detect.html
    """
    from dashpot.tables import read_table, write_table

    check_outputs((output, report, saved), data, *([model] if model else []))
    check_table(output, ".csv", ".parquet")
    if cost is not None and labels is None:
        raise UsageError("dashpot detect: --cost needs --labels, the column with the known answers.")
    learning = given(contamination=contamination, trim=trim)
    if model is not None and (learning or saved is not None):
        raise UsageError("dashpot detect: --model learns nothing; leave out --contamination, --trim and --save.")
    frame = read_table(data)
    require_column(frame, labels, "--labels", data)
    inputs = frame if labels is None else frame.drop(columns=labels)
    detector = loaded(model) if model is not None else fitted(inputs, learning, seed, workers)
    if cost is not None:
        detector.choose_threshold(inputs, frame[labels], cost=cost)
    ranked = ranking(detector, inputs)
    floors = detector.floors(inputs, None if labels is None else frame[labels])
    drift = detector.drift(inputs) if model is not None else None
    if report is not None:
        write_report(report, detector, ranked, data.name, floors, drift)
    write_table(beside(ranked, frame), output)
    if saved is not None:
        detector.save(saved)
    tell(ranked, floors, drift, output, report)


def loaded(model: Path) -> "AnomalyDetector":
    """Return the detector of a file."""
    import dashpot

    detector = dashpot.load(model)
    if not isinstance(detector, dashpot.AnomalyDetector):
        raise UsageError(f"{model}: holds a {type(detector).__name__}, no detector. Use dashpot predict.")
    return detector


def fitted(inputs: "pd.DataFrame", learning: dict[str, Any], seed: int, workers: int | None) -> "AnomalyDetector":
    """Return a detector that has learned from the rows."""
    from dashpot import AnomalyDetector

    return AnomalyDetector(**learning, random_state=seed, workers=workers).fit(inputs)


def ranking(detector: "AnomalyDetector", inputs: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows, the oddest first, each with its reasons."""
    import numpy as np
    import pandas as pd

    scores = detector.anomaly_scores(inputs)
    order = np.argsort(-scores, kind="stable")
    flagged = scores > -detector.offset_
    reasons = np.array([""] * len(scores), dtype=object)
    told = order[: max(int(flagged.sum()), min(50, len(order)))]
    reasons[told] = detector.reasons(inputs.iloc[told])
    table = {"row": np.arange(1, len(scores) + 1), "score": scores.round(4), "p_value": detector.p_values(inputs)}
    ranked = pd.DataFrame({**table, "flagged": flagged, "reasons": reasons})
    ranked = ranked.iloc[order].reset_index(drop=True)
    ranked.insert(0, "rank", np.arange(1, len(ranked) + 1))
    return ranked


def beside(ranked: "pd.DataFrame", frame: "pd.DataFrame") -> "pd.DataFrame":
    """Return the ranked rows with their own cells; a column of the same name gets "_data" behind it."""
    import pandas as pd

    cells = frame.iloc[ranked["row"].to_numpy() - 1].reset_index(drop=True)
    return pd.concat([ranked, apart(cells, ranked.columns)], axis=1)


def write_report(path: Path, detector: Any, ranked: Any, name: str, floors: Any, drift: Any) -> None:
    """Write the page."""
    from dashpot.report.detection import render_detection, summarize_detection
    from dashpot.writing import write_text

    write_text(path, render_detection(summarize_detection(detector, ranked, name, floors, drift)), "--report")


def tell(ranked: Any, floors: Any, drift: Any, output: Path, report: Path | None) -> None:
    """Print the first rows, the simple methods beside, and where the files are."""
    from dashpot.anomalies.floors import worth

    click.echo(f"{int(ranked['flagged'].sum())} of {len(ranked)} rows are flagged. The oddest:")
    for one in ranked.head(5).itertuples():
        click.echo(f"  row {one.row}, score {one.score:.2f}, p {one.p_value:.4f}: {one.reasons}")
    click.echo("Simple methods beside:")
    for one in floors.to_dict("records")[1:]:
        figures = f"rank correlation {one['agreement']:.2f}, {100 * one['same_top']:.0f} % of the oddest in common"
        labelled = (
            f", AUROC {one['auroc']:.3f}, average precision {one['average_precision']:.3f}" if "auroc" in one else ""
        )
        click.echo(f"  {one['method']}: {figures}{labelled}")
    click.echo(worth(floors))
    if drift is not None:
        moved = drift[drift["p"] < 0.01]["what"].tolist()
        words = f"{', '.join(map(str, moved[:5]))} moved" if moved else "nothing has moved that these rows could show"
        click.echo(f"Since the fit: {words}.")
    click.echo(f"Ranked rows: {output.resolve()}")
    if report is not None:
        click.echo(f"Report: {report.resolve()}  (open it in a browser)")
