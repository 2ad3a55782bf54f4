"""The result of a comparison: tables, sentences, a page."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from dashpot.studies.effects import margin, regularizer_effects, yardstick_effects
from dashpot.studies.scores import SCORES, Score, choose_scores
from dashpot.studies.words import headline, number, sentences
from dashpot.writing import write_text

if TYPE_CHECKING:
    from rich.table import Table

_styles = {"helps": "bold green", "hurts": "bold red"}


@dataclass(frozen=True, eq=False)
class Study:
    """Which regularizers help on a table, and how sure that is; made by `compare`.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row for each regularizer, best first: `regularizer`, `strength` (as chosen on validation rows),
        `difference` to the network without regularizer in the study's metric (positive is better), `low` and
        `high` of its interval, `p`, `adjusted_p`, `verdict`, and the effect in a second unit:
        `accuracy_points` or `rmse_percent` (percent of the error; negative is better).
    results : pandas.DataFrame
        Every score, one a row: `split`, `method`, `kind`, `setting`, `chosen`, `part`, `metric`, `value`,
        `epochs`, `seconds`. Test scores exist only for settings that validation chose.
    curves : pandas.DataFrame
        Loss by epoch of the baseline and the best regularizer: `method`, `part` (training, validation),
        `epoch`, `mean`, `low`, `high` over splits.
    yardsticks : pandas.DataFrame
        Mean test scores of the prior, a linear model, boosted trees, the baseline and the best network; best
        first. `difference` is to the best network (positive: the yardstick is better).
    settings : dict
        What was done, in full; plain numbers and text.
    notes : tuple of str
        What a reader must know: dropped rows, subsampling, networks that diverged.
    """

    effects: pd.DataFrame
    results: pd.DataFrame
    curves: pd.DataFrame
    yardsticks: pd.DataFrame
    settings: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def from_results(
        cls, results: pd.DataFrame, curves: pd.DataFrame, settings: dict[str, Any], notes: Sequence[str] = ()
    ) -> Self:
        """Judge the long table of results.

        `settings` needs `metric`, `task`, `test_share` and `level`; `margin` and `questions` are added to it.
        """
        scores = choose_scores(settings["metric"], settings["task"])
        test_share, level = settings["test_share"], settings["level"]
        effects = regularizer_effects(results, scores[0], test_share, level)
        yardsticks = yardstick_effects(results, scores, test_share, level)
        judged = settings | {"margin": margin(results, scores[0]), "questions": len(effects)}
        return cls(effects, results, curves, yardsticks, judged, tuple(notes))

    @property
    def score(self) -> Score:
        """The score that decides."""
        return SCORES[self.settings["metric"]]

    @property
    def headline(self) -> str:
        """The most important finding in one plain sentence."""
        return headline(self)

    def report(self, path: str | Path) -> Path:
        """Write the study as one HTML page that needs no network and no script.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        from dashpot.report import render, summarize

        return write_text(path, render(summarize(self)), "Study.report")

    def write_results(self, path: str | Path) -> Path:
        """Write every score as a CSV file.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        return write_text(path, self.results.to_csv(index=False), "Study.write_results")

    def table(self) -> "Table":
        """The effects as a table for the terminal (rich)."""
        from rich.table import Table
        from rich.text import Text

        title = Text("\n".join(sentences(self)))
        table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left", expand=False)
        table.caption = f"Gain in {self.score.label} over no regularizer; positive is better."
        for name in ("Regularizer", "Strength"):
            table.add_column(name, overflow="fold")
        for name in ("Gain", f"{100 * self.settings['level']:g} % interval", "Adjusted p"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("Verdict", no_wrap=True)
        for row in self.effects.itertuples():
            interval = f"{number(row.low)} to {number(row.high)}"
            word = Text(row.verdict, style=_styles.get(row.verdict, ""))
            cells = (row.regularizer, row.strength, number(row.difference), interval, p_value(row.adjusted_p))
            table.add_row(*(Text(cell) for cell in cells), word)
        return table

    def __str__(self) -> str:
        """The findings and the table of effects."""
        columns = ["regularizer", "strength", "difference", "low", "high", "adjusted_p", "verdict"]
        table = self.effects[columns].to_string(index=False, float_format=lambda value: f"{value:.3f}")
        return "\n".join([*sentences(self), "", table, *self.notes])

    def _repr_html_(self) -> str:
        """The headline and the table, for notebooks."""
        table = self.effects.to_html(index=False, escape=True)
        return f"<p><strong>{html.escape(self.headline)}</strong></p>{table}"


def p_value(p: float) -> str:
    """A p-value as people write it."""
    return "–" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
