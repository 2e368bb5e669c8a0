"""Compares the verdicts with the labels of clips that other people have judged.

    python -m tests.bench.verdicts DIR [DIR ...]      or      make bench-verdicts BENCH_SETS=DIR

A DIR holds videos with `labels.tsv`: the columns clip, exercise (given to the analysis) and label (correct or wrong, for the
whole clip). A clip is called correct when its repetitions are all good, and wrong when one is not. Exits with 1 when fewer
than `LEAST_RIGHT` of the clips are judged rightly.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import track
from rich.table import Table

from feedback.errors import NoExercise
from feedback.report.schema import Report
from feedback.review import review
from pose.errors import PoseError
from tests.bench.labels import read_rows
from tests.bench.measure import read_cached

Verdict = Literal["correct", "wrong", "not judged"]

LEAST_RIGHT = 0.83
"""Accuracy of a simple classifier that was trained on a set of push-ups. The rules must not be worse."""

WIDTH = 140
"""Columns that the table needs, also in a file."""


@dataclass(frozen=True)
class Judgement:
    """One clip: what its label says, what the report says, and why."""

    name: str
    label: str
    verdict: Verdict
    view: str
    why: str

    @property
    def right(self) -> bool:
        """Whether the report agrees with the label."""
        return self.verdict == self.label


def verdict_of(report: Report) -> Verdict:
    """What a report says of a clip as a whole."""
    if report.score is None:
        return "not judged"
    good = report.reps.good == report.reps.total if report.hold is None else report.hold.good_s >= report.hold.duration_s
    return "correct" if good else "wrong"


def judge_clip(video: Path, exercise: str, label: str) -> Judgement:
    """Read a clip (or take its motion from the cache) and judge it as the given exercise."""
    try:
        motion, _ = read_cached(video, "full", fresh=False)
        report = review(motion, exercise=exercise)
    except (PoseError, NoExercise) as error:
        return Judgement(video.stem, label, "not judged", "none", str(error))
    faults = ", ".join(f"{fault.id} {fault.measured:g} {fault.unit} in {fault.reps}" for fault in report.faults)
    return Judgement(video.stem, label, verdict_of(report), report.view.id, faults)


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, compare with the labels."""
    parser = argparse.ArgumentParser(prog="verdicts", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="DIR", help="directories of clips labelled correct or wrong")
    options = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, WIDTH)
    rows = [(folder / row["clip"], row["exercise"], row["label"]) for folder in options.sets for row in read_rows(folder)]
    judged = [judge_clip(*row) for row in track(rows, "Judging", console=console, disable=not console.is_terminal)]
    for one in judged:
        if not one.right:
            console.print(f"{one.name}: {one.label}, called {one.verdict} ({one.view}): {one.why}", markup=False)
    console.print(table(judged))
    return 0 if sum(one.right for one in judged) >= LEAST_RIGHT * len(judged) else 1


def table(judged: Iterable[Judgement]) -> Table:
    """One line for each view, the last one for all."""
    known = list(judged)
    groups = {view: [one for one in known if one.view == view] for view in sorted({one.view for one in known})}
    shown = Table("view", "clips", "judged right", "correct ones flagged", "wrong ones found", "not judged")
    for view, group in [*groups.items(), ("all", known)]:
        counts = Counter((one.label, one.verdict) for one in group)
        of_label = Counter(one.label for one in group)
        shown.add_row(
            view,
            str(len(group)),
            _share(sum(one.right for one in group), len(group)),
            _share(counts["correct", "wrong"], of_label["correct"]),
            _share(counts["wrong", "wrong"], of_label["wrong"]),
            _share(sum(one.verdict == "not judged" for one in group), len(group)),
            style="bold" if view == "all" else None,
        )
    return shown


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f} ({part} of {whole})" if whole else ""


if __name__ == "__main__":
    sys.exit(main())
