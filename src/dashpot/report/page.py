"""A summary as one HTML page. Everything is escaped; nothing is loaded from anywhere."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashpot.report.figures import curve_figure, dot_figure, effect_figure


def render(summary: dict[str, Any]) -> str:
    """Return the page for a summary made by `summarize`.

    The page is one file with its style and its pictures inside, without any script, in the reader's light or
    dark colours, and fit for a phone and for print.
    """
    return page(
        "report.html",
        summary | {"lead": " ".join(summary["findings"])},
        effects=effect_figure(summary),
        curves=curve_figure(summary["curves"]),
        dots=dot_figure(summary),
        marks=marks,
        study=summary,
    )


def cell(summary: dict[str, Any]) -> str:
    """What a notebook shows of a summary: findings, and effects with their intervals, in the notebook's own style."""
    return page("cell.html", summary, effects=effect_figure(summary), marks=marks, colours=_colours, study=summary)


def page(template: str, head: dict[str, Any], **values: Any) -> str:
    """Fill a template of this package; whatever comes from data is escaped.

    `head` has what every page begins with: version, title, headline, lead, facts.
    """
    environment = Environment(
        loader=PackageLoader("dashpot.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(head=head, **values)


# Verdict -> the word of the style sheet and the sign that says the same without colour.
marks = {
    "helps": ("good", "▲"),
    "better": ("good", "▲"),
    "hurts": ("bad", "▼"),
    "worse": ("bad", "▼"),
    "no difference": ("open", "="),
    "as good": ("open", "="),
    "no evidence": ("open", "●"),
    "no clear difference": ("open", "●"),
    "too few data": ("few", "○"),
    "": ("none", ""),
}
# Words of the style sheet -> colours that can be seen on light and on dark ground, where there is no style sheet.
_colours = {"good": "#2e9e6b", "bad": "#d0524a", "open": "#7f8794", "few": "#7f8794", "none": "#7f8794"}
