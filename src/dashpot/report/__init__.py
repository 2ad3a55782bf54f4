"""The page: study -> plain dict -> HTML. `summarize` decides what is said, `render` how it looks."""

from dashpot.report.markdown import to_markdown
from dashpot.report.page import cell, render
from dashpot.report.summary import summarize

__all__ = ["cell", "render", "summarize", "to_markdown"]
