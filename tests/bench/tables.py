"""From the figures of clips to tables."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from rich.table import Table

from tests.bench.measure import Row

Figures = dict[str, dict[str, float | None]]

SHOWN: dict[str, tuple[str, bool]] = {
    "clips": ("clips", False),
    "exact": ("exact", True),
    "within_one": ("within 1", True),
    "relative_error": ("rel. MAE", False),
    "recognised": ("recognised", True),
    "view": ("view", True),
    "detection": ("detected", True),
    "angle_error": ("angle (deg)", False),
    "hold_error_s": ("hold (s)", False),
    "cpu_per_s": ("CPU s/s", False),
}
"""Figure: its column, and whether it is a share."""


def summary(rows: Sequence[Row]) -> Figures:
    """The figures of every exercise and of "all"."""
    exercises = sorted({row.exercise for row in rows})
    groups = {name: [row for row in rows if row.exercise == name] for name in exercises} | {"all": list(rows)}
    return {name: _figures(group) for name, group in groups.items()}


def _figures(rows: list[Row]) -> dict[str, float | None]:
    repeated = [row for row in rows if row.reps is not None]
    counted = [row for row in repeated if row.exercise != "none"]
    wrong = [abs((row.counted or 0) - (row.reps or 0)) for row in repeated]
    held = [row for row in rows if row.hold_s is not None]
    seconds = sum(row.seconds for row in rows)
    return {
        "clips": len(rows),
        "exact": _mean(wrong, lambda error: error == 0),
        "within_one": _mean(wrong, lambda error: error <= 1),
        "relative_error": _mean(counted, lambda row: abs((row.counted or 0) - row.reps) / row.reps),
        "recognised": _mean(rows, lambda row: row.recognised == row.exercise),
        "view": _mean([row for row in rows if row.view_right is not None], lambda row: row.view_right),
        "detection": _mean(rows, lambda row: row.detection),
        "angle_error": _mean([row for row in rows if row.angle_error is not None], lambda row: row.angle_error),
        "hold_error_s": max((abs((row.held_s or 0) - (row.hold_s or 0)) for row in held), default=None),
        "cpu_per_s": round(sum(row.cpu_s for row in rows) / seconds, 3) if seconds else None,
    }


def _mean(items: Sequence[Any], value: Callable[[Any], float | bool | None]) -> float | None:
    return round(fmean(float(value(item) or 0) for item in items), 4) if items else None


def summary_table(title: str, rows: Sequence[Row], before: Figures | None) -> Table:
    """One line for each exercise; what changed since the last run stands in brackets."""
    table = Table("exercise", *(heading for heading, _ in SHOWN.values()), title=title)
    for name, figures in summary(rows).items():
        last = (before or {}).get(name, {})
        cells = [_cell(figures[key], last.get(key), share=share) for key, (_, share) in SHOWN.items()]
        table.add_row(name, *cells, end_section=False, style="bold" if name == "all" else None)
    return table


def _cell(now: float | None, before: float | None, *, share: bool) -> str:
    if now is None:
        return ""
    text = f"{100 * now:.0f} %" if share else f"{now:.3g}"
    if before is None or abs(now - before) < (5e-3 if share else 0.05):
        return text
    change = f"{100 * (now - before):+.0f}" if share else f"{now - before:+.3g}"
    return f"{text} ({change})"


def fault_table(rows: Sequence[Row]) -> Table | None:
    """Precision and recall of every fault, over repetitions of rendered clips whose view allows to judge it."""
    totals: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        for fault, counts in row.faults.items():
            total = totals.setdefault((row.exercise, fault), [0, 0, 0])
            totals[row.exercise, fault] = [a + b for a, b in zip(total, counts, strict=True)]
    if not totals:
        return None
    table = Table("exercise", "fault", "found", "wrongly", "missed", "precision", "recall", title="faults per repetition")
    everything = [sum(column) for column in zip(*totals.values(), strict=True)]
    for (exercise, fault), counts in [*sorted(totals.items()), (("all", ""), everything)]:
        right, wrong, missed = counts
        table.add_row(exercise, fault, str(right), str(wrong), str(missed), _ratio(right, wrong), _ratio(right, missed))
    return table


def _ratio(right: int, other: int) -> str:
    return f"{right / (right + other):.2f}" if right + other else ""


def misses(rows: Sequence[Row]) -> list[str]:
    """A line for every clip that was not counted, recognised or seen rightly."""
    lines = []
    for row in rows:
        wrong = []
        if row.recognised != row.exercise:
            wrong.append(f"recognised as {row.recognised}")
        if row.reps is not None and row.counted != row.reps:
            wrong.append(f"counted {row.counted} of {row.reps}")
        if row.view_right is False:
            wrong.append(f"view {row.view}")
        if row.hold_s is not None and abs((row.held_s or 0) - row.hold_s) > 1:
            wrong.append(f"held {row.held_s or 0:.1f} of {row.hold_s:.1f} s")
        if wrong:
            lines.append(f"{row.name}: {', '.join(wrong)}" + (f" [{row.error}]" if row.error else ""))
    return lines
