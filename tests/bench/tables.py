"""From the figures of clips to tables."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from rich.table import Table

from tests.bench.measure import Row

CONFIDENCES = (0.0, 0.5, 0.7, 0.9, 1.01)

Figures = dict[str, dict[str, float | None]]

SHOWN: dict[str, tuple[str, bool]] = {
    "clips": ("clips", False),
    "exact": ("exact", True),
    "within_one": ("within 1", True),
    "relative_error": ("rel. MAE", False),
    "recognised": ("recognised", True),
    "wrong_names": ("wrong names", False),
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
    repeated = [row for row in rows if row.reps]
    counted = [row for row in repeated if row.exercise != "none"]
    wrong = [row.miscounted if row.named_rightly else max(1, row.miscounted) for row in repeated]
    held = [row for row in rows if row.hold_s is not None]
    seconds = sum(row.seconds for row in rows)
    return {
        "clips": len(rows),
        "exact": _mean(wrong, lambda error: error == 0),
        "within_one": _mean(wrong, lambda error: error <= 1),
        "relative_error": _mean(counted, lambda row: row.miscounted / min(row.reps)),
        "recognised": _mean([row for row in rows if row.exercise != "none"], lambda row: row.recognised == row.exercise),
        "wrong_names": sum(row.named_wrongly for row in rows),
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


def confusion_table(rows: Sequence[Row]) -> Table | None:
    """What was taken for what, over clips with a wrong name."""
    taken = Counter((row.besides or row.exercise, row.recognised) for row in rows if row.named_wrongly)
    if not taken:
        return None
    table = Table("what it is", "taken for", "clips", title="wrong names")
    for (real, name), count in taken.most_common():
        table.add_row(real, name, str(count))
    return table


def calibration_table(rows: Sequence[Row]) -> Table:
    """How many of the clips that got a name with some confidence got the right one."""
    table = Table("confidence", "clips", "named rightly", title="calibration")
    for low, high in pairwise(CONFIDENCES):
        named = [row for row in rows if row.confidence is not None and low <= row.confidence < high]
        share = _mean(named, lambda row: row.named_rightly)
        table.add_row(f"{low:.1f} to {min(high, 1.0):.1f}", str(len(named)), "" if share is None else f"{100 * share:.0f} %")
    return table


def _ratio(right: int, other: int) -> str:
    return f"{right / (right + other):.2f}" if right + other else ""


def misses(rows: Sequence[Row]) -> list[str]:
    """A line for every clip that was not counted, recognised or seen rightly."""
    lines = []
    for row in rows:
        wrong = []
        if not row.named_rightly and (row.named_wrongly or row.exercise != "none"):
            wrong.append(f"recognised as {row.recognised}")
        if row.miscounted:
            wrong.append(f"counted {row.counted} of {' or '.join(map(str, row.reps))}")
        if row.view_right is False:
            wrong.append(f"view {row.view}")
        if row.hold_s is not None and abs((row.held_s or 0) - row.hold_s) > 1:
            wrong.append(f"held {row.held_s or 0:.1f} of {row.hold_s:.1f} s")
        if wrong:
            lines.append(f"{row.name}: {', '.join(wrong)}" + (f" [{row.error}]" if row.error else ""))
    return lines
