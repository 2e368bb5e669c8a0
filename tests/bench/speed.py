"""How long a person waits, against the plain loop, and what the parts of it take.

    python -m tests.bench.speed DIR [--pairs 5]      or      make bench-speed BENCH_SETS=DIR

DIR holds labelled videos (see `tests.bench.labels`). Both sides alternate on the same clips; ratios are taken within a pair, so
that they hold on any machine. Repetitions are counted in the same runs: a wrong count ends with exit code 1. Takes a quarter of
an hour. Writes bench/speed.json.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, is_dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pose.errors import PoseError
from tests.bench import clips, cold, service
from tests.bench.clock import Cost, Ratios, Spread, middle_cost
from tests.bench.labels import Clip
from tests.bench.speed_tables import lines, ratio_table, step_table, whole_table

if TYPE_CHECKING:
    from tests.bench.warm import Warm

OUT = Path("bench/speed.json")

BRIEF_S, SHORT_S, USUAL_S, LONG_S = 2.0, 10.0, 30.0, 600.0
"""Lengths that are compared; of the first, how soon there is an answer."""

OVERHEAD_JOBS = 10
ROUNDS = 2
"""How often the daemon is given every clip."""

Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="speed", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="DIR", help="a directory of labelled videos")
    parser.add_argument("--pairs", type=int, default=5, help="how often each side runs on each clip (5)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="some parts only")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the JSON file ({OUT})")
    options = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, 140)
    if len(options.sets) != 1 or options.pairs < 1:
        console.print("Name one directory of labelled videos: make bench-speed BENCH_SETS=DIR")
        return 2
    try:
        chosen = clips.choose(options.sets[0])
    except (ValueError, PoseError) as error:
        console.print(str(error), markup=False)
        return 2
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    figures: Figures = {"pairs": options.pairs, "cores": len(os.sched_getaffinity(0)), "clips": [clip.name for clip in chosen]}
    with tempfile.TemporaryDirectory() as scratch, Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(options.only))
        for name in options.only:
            progress.update(task, description=name)
            figures[name] = PARTS[name](chosen, Path(scratch), options.pairs)
            progress.advance(task)
    _print(console, figures)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, default=_as_json))
    console.print(f"Written to {options.out}")
    return 1 if wrong_counts(figures) else 0


def _apart(function: str, *arguments: Any) -> Any:
    """Call `module:function` in a process of its own: this one stays small, and what native libraries print stays away."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_quiet) as pool:
        return pool.submit(_call, function, *arguments).result()


def _call(name: str, *arguments: Any) -> Any:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)(*arguments)


def _quiet() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def _whole(chosen: list[Clip], scratch: Path, pairs: int) -> Figures:
    """The default command with everything on, cold, against the plain loop that draws and writes a video."""
    cold.analyze(clips.nearest([clip.path for clip in chosen], 0.0), scratch)  # byte code is written once
    return {clip.name: _whole_row(clip, scratch, pairs) for clip in chosen}


def _whole_row(clip: Clip, scratch: Path, pairs: int) -> Figures:
    run = partial(cold.analyze, clip.path, scratch, video=True, out=scratch / "whole")
    found = [(cold.plain(clip.path, scratch, whole=True), run()) for _ in range(pairs)]
    return {
        "true": clip.reps,
        "counted": [cold.counted(ours) for _, ours in found],
        "ratios": Ratios.of([(plain.cost, ours.cost) for plain, ours in found]),
        "peak_bytes": max(ours.peak_bytes for _, ours in found),
    }


def _answers(chosen: list[Clip], scratch: Path, pairs: int) -> Figures:
    """A warm daemon, one job at a time: from the document to `result` and to `done`."""

    def plain(clip: Path) -> float:
        cost: Cost = _apart("tests.bench.warm:plain_cost", clip, scratch / "plain.mp4")
        return cost.wall_s

    paths = [clip.path for clip in chosen]
    found = service.answers(paths, scratch / "answers", plain, workers=len(os.sched_getaffinity(0)), rounds=pairs)
    return {
        name: {
            "result": Spread.of([one.plain_s / one.result_s for one in rows]),
            "done": Spread.of([one.plain_s / one.done_s for one in rows]),
            "result_s": Spread.of([one.result_s for one in rows]),
            "done_s": Spread.of([one.done_s for one in rows]),
        }
        for name, rows in found.items()
    }


def _warm(chosen: list[Clip], _: Path, pairs: int) -> Figures:
    return {
        clip.name: {"true": clip.reps, **_warm_row(_apart("tests.bench.warm:compare", clip.path, pairs))} for clip in chosen
    }


def _warm_row(found: "Warm") -> Figures:
    return {
        "ratios": Ratios.of(found.pairs),
        "single": Ratios.of([(pair[0], single) for pair, single in zip(found.pairs, found.single, strict=True)]),
        "counted": found.counted,
        "rate": found.rate,
        "steps": found.steps,
    }


def _cold(chosen: list[Clip], scratch: Path, pairs: int) -> Figures:
    path = clips.nearest([clip.path for clip in chosen], USUAL_S)
    clip = next(clip for clip in chosen if clip.path == path)
    cold.analyze(clips.nearest([clip.path for clip in chosen], 0.0), scratch)  # byte code is written once
    found = [(cold.plain(path, scratch), cold.analyze(path, scratch)) for _ in range(pairs)]
    brief = clips.beginning(path, scratch / "brief.mp4", BRIEF_S)
    return {
        "help_s": Spread.of([cold.run(["consumer.cli", "--help"], scratch).cost.wall_s for _ in range(pairs)]),
        "brief_s": Spread.of([cold.analyze(brief, scratch, exercise=clip.exercise).cost.wall_s for _ in range(pairs)]),
        "clip": clip.name,
        "true": clip.reps,
        "ratios": Ratios.of([(plain.cost, ours.cost) for plain, ours in found]),
        "counted": [cold.counted(ours) for _, ours in found],
        "peak_bytes": max(ours.peak_bytes for _, ours in found),
    }


def _annotated(chosen: list[Clip], scratch: Path, pairs: int) -> Figures:
    path = clips.nearest([clip.path for clip in chosen], USUAL_S)
    run = partial(cold.analyze, path, scratch, out=scratch / "feedback")
    found = [(run(video=False), run(video=True)) for _ in range(pairs)]
    return {
        "cpu": Spread.of([on.cost.cpu_s / off.cost.cpu_s for off, on in found]),
        "off": middle_cost([off.cost for off, _ in found]),
        "on": middle_cost([on.cost for _, on in found]),
        "peak_bytes": max(on.peak_bytes for _, on in found),
    }


def _length(chosen: list[Clip], scratch: Path, pairs: int) -> Figures:
    short = clips.nearest([clip.path for clip in chosen], SHORT_S)
    usual, long = (clips.repeat(short, scratch / f"{seconds:.0f}.mp4", seconds) for seconds in (USUAL_S, LONG_S))
    before = middle_cost(
        _apart("tests.bench.warm:cost_of_length", short, pairs + 1)[1:]
    )  # libraries warm up at their first use
    after = _apart("tests.bench.warm:cost_of_length", long, 1)[0]
    return {
        "clip": short.stem,
        "short": before,
        "long": after,
        "cpu": after.cpu_s / before.cpu_s,
        "wall": after.wall_s / before.wall_s,
        "memory": cold.analyze(long, scratch).peak_bytes / cold.analyze(usual, scratch).peak_bytes,
    }


def _daemon(chosen: list[Clip], scratch: Path, _: int) -> Figures:
    paths = [clip.path for clip in chosen]
    one, two = (service.backlog(paths, scratch / f"workers-{n}", workers=n, rounds=ROUNDS) for n in (1, 2))
    return {"one": one, "two": two, "ratio": two.per_minute / one.per_minute}


def _overhead(_: list[Clip], scratch: Path, __: int) -> Figures:
    return {"seconds": Spread.of(_apart("tests.bench.service:overheads", scratch / "overhead", OVERHEAD_JOBS))}


PARTS: dict[str, Callable[[list[Clip], Path, int], Figures]] = {
    "whole": _whole,
    "answers": _answers,
    "warm": _warm,
    "cold": _cold,
    "annotated": _annotated,
    "length": _length,
    "daemon": _daemon,
    "overhead": _overhead,
}


def wrong_counts(figures: Figures) -> list[str]:
    """A line for each clip of which a run did not count the repetitions rightly."""
    rows = {f"{name}, whole": row for name, row in figures.get("whole", {}).items()} | figures.get("warm", {})
    if "cold" in figures:
        rows[f"{figures['cold']['clip']}, cold"] = figures["cold"]
    return [
        f"{name}: counted {', '.join(map(str, row['counted']))} of {row['true']}"
        for name, row in rows.items()
        if set(row["counted"]) != {row["true"]}
    ]


def _print(console: Console, figures: Figures) -> None:
    for table in (whole_table(figures), ratio_table(figures), step_table(figures)):
        if table is not None:
            console.print(table)
    for line in [*lines(figures), *wrong_counts(figures)]:
        console.print(line, markup=False, highlight=False)


def _as_json(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(type(value).__name__)


if __name__ == "__main__":
    sys.exit(main())
