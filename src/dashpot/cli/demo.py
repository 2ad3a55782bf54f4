"""`dashpot demo`: the main job on the bundled survey."""

from pathlib import Path

import click

from dashpot.cli.compare import about_data, study
from dashpot.cli.files import read_roles
from dashpot.cli.options import a_path, given, seed_option, workers_option

introduction = """\
944 voters of the American National Election Study 1996: who expected to vote for Clinton, who for Dole?
Trains networks with and without each regularizer on many splits of the survey. About a minute on two cores.
"""


@click.command(short_help="Which regularizers help on a real election survey?")
@click.option(
    "--folder",
    type=a_path,
    default="dashpot-demo",
    show_default=True,
    help="Where report.html, results.csv and run.toml go.",
)
@seed_option
@workers_option
def demo(folder: Path, seed: int, workers: int | None) -> None:
    """Which regularizers help on a real election survey? Needs no file and about a minute."""
    from dashpot.datasets import anes96_path

    click.echo(introduction)
    folder.mkdir(parents=True, exist_ok=True)
    table = read_roles(anes96_path(), target="vote")
    outputs: dict[str, Path | None] = {"report": folder / "report.html", "results": folder / "results.csv"}
    outputs["run"] = folder / "run.toml"
    options = given(random_state=seed, workers=workers, splits=20)
    study(table, options, outputs, about_data(anes96_path(), {"target": "vote"}))
