"""How right the analysis is, on any labelled videos.

    python -m tests.bench.accuracy DIR [DIR ...]      or      make bench BENCH_SETS="DIR DIR"

A DIR holds videos with `labels.tsv` or `index.tsv` (see `tests.bench.labels`). The exercise is not given. Motions are read
once and kept in the cache until the video, the model or the reader changes. Writes bench/accuracy.json and compares with the
last run.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.bench.labels import Clip, read_set
from tests.bench.measure import Row, as_json, measure
from tests.bench.tables import calibration_table, confusion_table, fault_table, misses, summary, summary_table

OUT = Path("bench/accuracy.json")

WIDTH = 140
"""Columns that the tables need, also in a file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write and compare."""
    parser = argparse.ArgumentParser(prog="accuracy", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("sets", nargs="*", type=Path, metavar="DIR", help="directories of labelled videos")
    parser.add_argument("--model", default="full", help="full, lite, heavy or a .task file (full)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--fresh", action="store_true", help="read every video again")
    parser.add_argument("--only", default="", metavar="TEXT", help="only clips with this in their name")
    parser.add_argument("--out", type=Path, default=OUT, help=f"the JSON file ({OUT})")
    options = parser.parse_args(arguments)
    console = Console()
    console.width = max(console.width, WIDTH)
    if not options.sets:
        console.print('Name directories of labelled videos: make bench BENCH_SETS="DIR DIR"')
        return 2
    try:
        clips = [clip for folder in options.sets for clip in read_set(folder) if options.only in clip.name]
    except ValueError as error:
        console.print(str(error))
        return 2
    before = json.loads(options.out.read_text()) if options.out.is_file() else None
    done = track(_measure_all(clips, options), "Measuring", total=len(clips), console=console, disable=not console.is_terminal)
    rows = sorted(done, key=lambda row: (row.folder, row.name))
    for folder in dict.fromkeys(row.folder for row in rows):
        part = [row for row in rows if row.folder == folder]
        last = (before or {}).get("sets", {}).get(Path(folder).name)
        console.print(summary_table(Path(folder).name, part, last))
        if table := fault_table(part):
            console.print(table)
        if table := confusion_table(part):
            console.print(table)
        for line in misses(part):
            console.print(f"  {line}", markup=False, highlight=False)
    console.print(calibration_table(rows))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(_result(rows, options.model), indent=1))
    console.print(f"Written to {options.out}")
    return 0


def _measure_all(clips: list[Clip], options: argparse.Namespace) -> Iterator[Row]:
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    work = partial(measure, model_name=options.model, fresh=options.fresh)
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(work, clip) for clip in clips]):
            yield future.result()


def _result(rows: list[Row], model: str) -> dict[str, object]:
    folders = list(dict.fromkeys(row.folder for row in rows))
    return {
        "model": model,
        "sets": {Path(folder).name: summary([row for row in rows if row.folder == folder]) for folder in folders},
        "clips": [as_json(row) for row in rows],
    }


if __name__ == "__main__":
    sys.exit(main())
