"""A summary as Markdown: the page's twin for a repository, a mail, or a reader that reads text."""

import re
from typing import Any

EFFECT = ("name", "strength", "text", "interval", "p_text", "verdict")  # cells of a regularizer's row


def to_markdown(summary: dict[str, Any]) -> str:
    """Return the summary of a study as one Markdown text; what users wrote is escaped."""
    level = f"{100 * summary['score']['level']:g} % interval"
    parts = [
        f"# {_plain(summary['title'])}",
        f"**{_plain(summary['headline'])}**",
        " ".join(map(_plain, summary["findings"])),
        " · ".join(summary["facts"]),
        *_listed("Please note", [_plain(note) for note in summary["notes"]]),
        *_listed(
            "Findings",
            [f"({f['number']}) {_plain(f['what'])} {f['meaning']} *{f['action']}*" for f in summary["noticed"]],
        ),
        "## What each regularizer changes",
        _table(
            ["Regularizer", "Chosen strength", "Gain", level, "Adjusted p", "Verdict"],
            [[e[cell] for cell in EFFECT] for e in summary["effects"]],
        ),
        f"Gain in {summary['score']['label']}. {summary['score']['meaning']} {summary['power']}",
        "## Are networks the right tool?",
        _table(
            ["Model", *summary["yardsticks"]["scores"], "Difference", "Verdict"],
            [[r["method"], *r["values"], r["difference"], r["verdict"]] for r in summary["yardsticks"]["rows"]],
        ),
        "## How this was done",
        *map(_plain, summary["methods"]),
        "## To repeat it",
        f"```python\n{summary['code'].replace('```', '')}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(title: str, lines: list[str]) -> list[str]:
    """A heading and a list; nothing if there are no lines."""
    return [f"## {title}", "\n".join(f"- {line}" for line in lines)] if lines else []


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_plain(cell) for cell in line)} |" for line in lines)


def _plain(text: str) -> str:
    """Text on one line that Markdown takes as it is."""
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", " ".join(str(text).split()))
