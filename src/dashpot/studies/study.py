"""The result of a comparison: tables, sentences, a page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from dashpot.errors import UsageError
from dashpot.studies.bootstrap import Bootstrap
from dashpot.studies.effects import Uncertainty, margin, regularizer_effects, yardstick_effects
from dashpot.studies.row_intervals import RowIntervals
from dashpot.studies.scores import Score, choose_scores
from dashpot.studies.tested import Tested
from dashpot.studies.words import aligned, headline, question, sentences, telling_decimals
from dashpot.writing import write_text

if TYPE_CHECKING:
    from rich.table import Table

    from dashpot.studies.findings import Finding

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
        What a reader must know: dropped rows, subsampling, questions that could not be answered.
    tested : Tested or None
        What was predicted for the test rows.
    checks : dict
        What was seen in the table itself: small classes, copies of rows, columns that give the target away.
    scores : tuple of Score
        The score that decides, and the others.
    surfaces : dict
        The loss around the network without regularizer and the one with the best, in the first split.
    """

    effects: pd.DataFrame
    results: pd.DataFrame
    curves: pd.DataFrame
    yardsticks: pd.DataFrame
    settings: dict[str, Any]
    notes: tuple[str, ...] = field(default=())
    tested: Tested | None = None
    checks: dict[str, Any] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    surfaces: dict[str, list[list[float]]] = field(default_factory=dict)

    @classmethod
    def from_results(
        cls,
        results: pd.DataFrame,
        curves: pd.DataFrame,
        settings: dict[str, Any],
        notes: Sequence[str] = (),
        tested: Tested | None = None,
        checks: dict[str, Any] | None = None,
        scores: Sequence[Score] = (),
        surfaces: dict[str, list[list[float]]] | None = None,
    ) -> Self:
        """Judge the long table of results.

        `settings` needs `metric`, `task`, `test_share`, `level` and `rows`; `margin` and `questions` are added to it.
        """
        scores = tuple(scores or choose_scores(settings["metric"], settings["task"]))
        measured = set(results["metric"])
        scores = tuple(score for score in scores if score.name in measured)
        sure = _uncertainty(tested, scores[0], settings)
        asked = settings.get("asked", 0)
        effects = regularizer_effects(results, scores[0], sure, settings["rows"], settings.get("against"), asked)
        yardsticks = yardstick_effects(results, scores, sure)
        judged = settings | {"margin": margin(results, scores[0]), "questions": max(asked, len(effects))}
        return cls(
            effects, results, curves, yardsticks, judged, tuple(notes), tested, checks or {}, scores, surfaces or {}
        )

    @property
    def score(self) -> Score:
        """The score that decides."""
        return self.scores[0]

    def effects_on(self, metric: str) -> pd.DataFrame:
        """The same table as `effects` in another of the study's metrics, with Holm's adjustment of its own."""
        score = next((score for score in self.scores if score.name == metric), None)
        if score is None:
            names = [score.name for score in self.scores]
            raise UsageError(f"effects_on({metric!r}): this study measured {', '.join(names)}. Choose one of these.")
        settings, sure = self.settings, _uncertainty(self.tested, score, self.settings)
        return regularizer_effects(
            self.results, score, sure, settings["rows"], settings.get("against"), settings["questions"]
        )

    @property
    def headline(self) -> str:
        """The most important finding in one plain sentence."""
        return headline(self)

    @property
    def decimals(self) -> int:
        """How many decimals an effect is shown with: two digits of the largest difference that does not matter."""
        return telling_decimals(self.settings["margin"] / 5)

    def report(self, path: str | Path) -> Path:
        """Write the study as one HTML page that needs no network and no script.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        from dashpot.report import render, summarize

        return write_text(path, render(summarize(self)), "Study.report")

    def markdown(self, path: str | Path) -> Path:
        """Write the study as Markdown, the page's twin.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        from dashpot.report import summarize, to_markdown

        return write_text(path, to_markdown(summarize(self)), "Study.markdown")

    def write_json(self, path: str | Path) -> Path:
        """Write everything that the page says as JSON.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        from dashpot.report import summarize

        text = json.dumps(summarize(self), indent=1, ensure_ascii=False, allow_nan=False)
        return write_text(path, text, "Study.write_json")

    def write_run(self, path: str | Path, data: dict[str, str] | None = None) -> Path:
        """Write the exact settings, for `dashpot compare --from`.

        Parameters
        ----------
        path : str or Path
        data : dict of str or None
            Where the table is: `file`, `sha256`, and the columns `target`, `weights`, `groups`.
        """
        from dashpot.studies.repeat import run_text

        return write_text(path, run_text(self.settings, data), "Study.write_run")

    @property
    def findings(self) -> list["Finding"]:
        """What else was noticed, numbered as in docs/compare.md."""
        from dashpot.studies.findings import findings

        return findings(self)

    def write_results(self, path: str | Path) -> Path:
        """Write every score as a CSV file.

        Raises
        ------
        UsageError
            If the file cannot be written. Nothing half-written is left.
        """
        return write_text(path, self.results.to_csv(index=False), "Study.write_results")

    def table(self, strengths: bool = True) -> "Table":
        """The effects as a table for the terminal (rich), 80 columns wide, and wider with the strengths."""
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(title=Text("\n".join(sentences(self))), title_justify="left", title_style="bold")
        table.box, table.padding, table.caption_justify = SIMPLE_HEAD, (0, 0, 0, 1), "left"
        table.caption = f"Gain in {self.score.label} over no regularizer, unless another is named; positive is better."
        shown = self._shown() if strengths else self._shown().drop(columns="Strength")
        for name in shown:
            figures = name not in ("Regularizer", "Verdict", "Strength")
            table.add_column(name.replace("Adjusted p", "Adjusted\np"), justify="right" if figures else "left")
        for row in shown.to_dict("records"):
            cells = [Text(cell, _styles.get(cell, "") if name == "Verdict" else "") for name, cell in row.items()]
            table.add_row(*cells)
        return table

    def _shown(self) -> pd.DataFrame:
        """The effects as text, with as many decimals as tell what matters."""
        interval = f"{100 * self.settings['level']:g} % interval"
        rows = []
        for row in self.effects.itertuples():
            gain, low, high = (aligned(value, self.decimals) for value in (row.difference, row.low, row.high))
            figures = {"Gain": gain, interval: f"{low} to {high}", "Adjusted p": p_value(row.adjusted_p)}
            name = question(row.regularizer, row.against)
            rows.append({"Regularizer": name, **figures, "Verdict": row.verdict, "Strength": row.strength})
        return pd.DataFrame(rows, columns=["Regularizer", "Gain", interval, "Adjusted p", "Verdict", "Strength"])

    def __str__(self) -> str:
        """The findings and the table of effects."""
        return "\n".join([*sentences(self), "", self._shown().to_string(index=False), *self.notes])

    def _repr_html_(self) -> str:
        """The findings and the effects with their intervals, for notebooks."""
        from dashpot.report import cell, summarize

        return cell(summarize(self))


def _uncertainty(tested: Tested | None, score: Score, settings: dict[str, Any]) -> Uncertainty:
    """How sure a difference in a score is: by its test rows, or by the splits where nothing else is known."""
    level = settings["level"]
    of_rows: Bootstrap | RowIntervals | None = None
    if tested is not None and settings.get("fixed_test"):
        of_rows = Bootstrap(tested, score, level)
    elif tested is not None and settings.get("intervals", "rows") == "rows":
        of_rows = RowIntervals(tested, score, level, settings["folds"])
    return Uncertainty(settings["test_share"], level, settings.get("group_count"), of_rows)


def p_value(p: float) -> str:
    """A p-value as people write it."""
    return "–" if pd.isna(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
