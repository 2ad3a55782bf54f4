"""What the page says, as a plain dict: text, numbers, lists; nothing that JSON could not hold."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pandas as pd

from dashpot.report.pictures import calibration, confusion, gaps, residuals, surfaces
from dashpot.studies.effects import BASELINE, BEST_NETWORK, PRIOR
from dashpot.studies.findings import findings
from dashpot.studies.repeat import run_text
from dashpot.studies.study import p_value
from dashpot.studies.words import aligned, methods_paragraphs, number, plural, power_sentence, question, sentences

if TYPE_CHECKING:
    from dashpot.studies.study import Study


def summarize(study: "Study") -> dict[str, Any]:
    """Return everything that the page of a study shows.

    Returns
    -------
    dict
        `title`, `headline`, `findings`, `noticed`, `tiles`, `score`, `effects`, `others`, `power`, `curves`, `gaps`,
        `surfaces`, `calibration`, `confusion`, `residuals`, `yardsticks`, `methods`, `settings`, `code`, `run`,
        `notes`; unknown numbers are None. Ready for `json.dumps`.
    """
    headline, *more = sentences(study)
    return {
        "title": f"What helps a network predict {study.settings['target']}?",
        "headline": headline,
        "findings": more,
        "facts": _facts(study.settings),
        "tiles": _tiles(study),
        "score": {"label": study.score.label, "meaning": study.score.meaning, "level": study.settings["level"]},
        "second": _second_unit(study),
        "power": power_sentence(study),
        "noticed": [asdict(finding) for finding in findings(study)],
        "others": _other_scores(study),
        "calibration": calibration(study),
        "confusion": confusion(study),
        "surfaces": surfaces(study),
        "residuals": residuals(study),
        "gaps": [
            gap | {f"{name}_text": number(gap[name]) for name in ("training", "test", "gap")} for gap in gaps(study)
        ],
        "effects": [_effect(row, study.decimals) for row in study.effects.to_dict("records")],
        "curves": _curves(study),
        "yardsticks": _yardsticks(study),
        "methods": methods_paragraphs(study.settings),
        "settings": _settings(study.settings),
        "code": code(study.settings),
        "run": run_text(study.settings) if "singles" in study.settings else "",
        "notes": list(study.notes),
        "version": study.settings["version"],
    }


def _facts(settings: dict[str, Any]) -> list[str]:
    """The line above the headline."""
    return [
        plural(settings["rows"], "row"),
        plural(settings["columns"], "column"),
        plural(settings["splits"], "split"),
        plural(settings["networks"], "network"),
    ]


def _second_unit(study: "Study") -> dict[str, str] | None:
    """The column of effects in a unit that everyone knows."""
    if "accuracy_points" in study.effects and study.score.name != "accuracy":
        return {"name": "accuracy_points", "label": "Accuracy, points"}
    if "rmse_percent" in study.effects and study.score.name != "rmse":
        return {"name": "rmse_percent", "label": "Typical error, %"}
    return None


def _tiles(study: "Study") -> list[dict[str, str]]:
    """The four figures at the top: no regularizer, best network, best yardstick, prior."""
    table = study.yardsticks.set_index("method")
    others = [str(name) for name in table.index if name not in (BASELINE, BEST_NETWORK, PRIOR)]
    names = {
        BASELINE: "without regularizer",
        BEST_NETWORK: "best of each split",
        PRIOR: "no inputs used",
    }
    second = {score.name: score for score in study.scores[1:]}
    return [
        {
            "name": {BASELINE: "Network", BEST_NETWORK: "Network"}.get(name, name),
            "about": names.get(name, "best yardstick"),
            "value": number(table.loc[name, study.score.name]),
            "also": next((f"{s.label} {shown(k, table.loc[name, k])}" for k, s in second.items()), ""),
        }
        for name in (BASELINE, BEST_NETWORK, *others[:1], PRIOR)
        if name in table.index
    ]


def shown(metric: str, value: float) -> str:
    """A score as people write it: accuracies in percent."""
    if metric in ("accuracy", "balanced_accuracy") and not math.isnan(value):
        return f"{100 * value:.1f} %"
    return number(value)


def _effect(row: dict[str, Any], decimals: int) -> dict[str, Any]:
    """One row of the effect plot and of its table."""
    plain = {name: plain_value(value) for name, value in row.items()}
    second = row.get("accuracy_points", row.get("rmse_percent"))
    low, high = (signed(row[end], decimals) for end in ("low", "high"))
    return plain | {
        "name": question(row["regularizer"], row["against"]),
        "text": signed(row["difference"], decimals),
        "interval": "unknown" if plain["low"] is None else f"{low} to {high}",
        "second": signed(second, 1),
        "p_text": p_value(row["adjusted_p"]),
    }


def signed(value: float | None, decimals: int | None = None) -> str:
    """A number with its sign; zero has none."""
    if value is None or pd.isna(value):
        return "–"
    text = number(value) if decimals is None else aligned(value, decimals)
    zero = not any(digit in text for digit in "123456789")
    return text.replace("−", "") if zero else text if value < 0 else f"+{text}"


def plain_value(value: Any) -> Any:
    """A number or text that JSON can hold; NaN and infinities are None."""
    if isinstance(value, str) or value is None:
        return value
    value = float(value)
    return value if math.isfinite(value) else None


def _curves(study: "Study") -> list[dict[str, Any]]:
    """Training and validation loss of each method shown, with bands."""
    return [
        {
            "method": str(method),
            "parts": [
                {"part": str(part)}
                | {name: [plain_value(v) for v in rows[name]] for name in ("epoch", "mean", "low", "high")}
                for part, rows in curve.groupby("part", sort=False)
            ],
        }
        for method, curve in study.curves.groupby("method", sort=False)
    ]


def _other_scores(study: "Study") -> dict[str, Any]:
    """The gain of each regularizer in the other scores, in the order of the main table."""
    others = [(score, study.effects_on(score.name).set_index("regularizer")) for score in study.scores[1:]]
    return {
        "labels": [score.label for score, _ in others],
        "rows": [
            {"name": name, "values": [signed(table.loc[name, "difference"]) for _, table in others]}
            for name in study.effects["regularizer"]
        ],
    }


def _yardsticks(study: "Study") -> dict[str, Any]:
    """The table of yardsticks: names of the scores and one row for each method."""
    table = study.yardsticks
    metrics = [score.name for score in study.scores]
    return {
        "scores": [score.label for score in study.scores],
        "rows": [
            {
                "method": row["method"],
                "about": {BASELINE: "network", BEST_NETWORK: "chosen on validation rows"}.get(row["method"], ""),
                "values": [shown(name, row[name]) for name in metrics],
                "difference": signed(row["difference"]),
                "interval": "" if pd.isna(row["low"]) else f"{signed(row['low'])} to {signed(row['high'])}",
                "verdict": row["verdict"],
            }
            for row in table.to_dict("records")
        ],
    }


def _settings(settings: dict[str, Any]) -> list[dict[str, str]]:
    """Names and values of everything that was set."""
    texts = {
        name: _text(value)
        for name, value in settings.items()
        if name not in ("regularizers", "singles", "against", "asked")
    }
    return [{"name": name.replace("_", " "), "value": text or "none"} for name, text in texts.items()]


def _text(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool) or value is None:
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def code(settings: dict[str, Any]) -> str:
    """The call that repeats the study."""
    methods = [
        f"        {name!r}: ({', '.join(strengths)},),"
        for name, strengths in settings.get("singles", settings["regularizers"]).items()
    ]
    options = {
        "task": settings["task"],
        "splits": settings["splits"],
        "ask": settings.get("ask", ["alone"]),
        "test_size": settings["test_size"],
        "metric": settings.get("metrics", settings["metric"]),
        "hidden_layers": tuple(settings["hidden_layers"]),
        "epochs": settings["epochs"],
        "random_state": settings["random_state"],
        "level": settings["level"],
        "intervals": settings.get("intervals", "rows"),
        "max_rows": settings["max_rows"],
    }
    lines = [f"    {name}={value!r}," for name, value in options.items()]
    extra = [f"    {name}={name}," for name in _flags if settings.get(_flags[name])]
    return "\n".join(["compare(", "    X,", "    y,", *extra, *lines, "    regularizers={", *methods, "    },", ")"])


_flags = {"groups": "grouped", "weights": "weighted", "test": "fixed_test"}
