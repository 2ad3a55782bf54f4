"""The bundled example: who expected to vote for Clinton, who for Dole, in the United States in 1996."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["anes96_path", "load_anes96"]


def anes96_path() -> Path:
    """Return the path of the bundled `anes96.csv`, which the command line reads like any other file."""
    return Path(__file__).with_name("anes96.csv")


def load_anes96() -> "tuple[pd.DataFrame, pd.Series]":
    """Load the bundled survey: 944 voters of the American National Election Study 1996.

    Every column is a number and no cell is missing.

    ======  ==========================================================================
    column  meaning
    ======  ==========================================================================
    popul   population of the place of the interview, thousands
    TVnews  days in the past week with news on television, 0 to 7
    selfLR  own political position, 1 (extremely liberal) to 7 (extremely conservative)
    ClinLR  where the respondent puts Bill Clinton on that scale
    DoleLR  where the respondent puts Bob Dole on that scale
    PID     party identification, 0 (strong Democrat) to 6 (strong Republican)
    age     years
    educ    education, 1 (grades 1 to 8) to 7 (master's degree or higher)
    income  household income, 1 (under 3,000 dollars) to 24 (over 105,000 dollars)
    vote    expected vote, "Clinton" or "Dole": the target
    ======  ==========================================================================

    Returns
    -------
    frame : pandas.DataFrame (944, 9)
        The nine columns above the target.
    target : pandas.Series (944,)
        "Clinton" (551 rows) or "Dole" (393 rows).

    References
    ----------
    American National Election Studies, 1996 Pre- and Post-Election Study. Public domain.

    Examples
    --------
    >>> frame, vote = load_anes96()
    >>> vote.value_counts().to_dict()
    {'Clinton': 551, 'Dole': 393}
    """
    import pandas as pd

    table = pd.read_csv(anes96_path())
    return table.drop(columns="vote"), table["vote"]
