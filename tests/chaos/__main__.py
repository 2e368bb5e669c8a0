"""make chaos, or python -m tests.chaos [--seed N] [--only NAME] [--quick] [--backend local|firebase] [--variants DIR]."""

import argparse
import contextlib
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from consumer.operations import logs
from tests.chaos import hostile, kills, lines, mutants, outages, parameters, variants, volumes
from tests.chaos.ground import Ground, firebase_ground, local_ground
from tests.chaos.report import Report, say
from tests.emulators import EmulatorMissing, start_firestore, start_storage

BACKENDS = ("local", "firebase")


@dataclass(frozen=True)
class Size:
    """The size of each scenario; the defaults are the complete run.

    Attributes:
        times: kills at each named point.
        jobs: among several consumers.
        outage_s: length of each outage.
        hostile: documents, and as many `data` parameters.
        mutants: damaged videos.
        filling: jobs while a volume runs full.
        minutes: after so many the run ends, as a failure.
    """

    times: int = 10
    jobs: int = 300
    outage_s: float = 60
    hostile: int = 500
    mutants: int = 2000
    filling: int = 10
    minutes: float = 150


QUICK = Size(times=1, jobs=30, outage_s=5, hostile=50, mutants=40, filling=3, minutes=25)

Run = Callable[[Ground, Report, Size], None]


@dataclass(frozen=True)
class Scenario:
    """A scenario and the backends that it runs on."""

    told: str
    run: Run
    backends: tuple[str, ...] = BACKENDS


SCENARIOS: dict[str, Scenario] = {
    "points": Scenario("SIGKILL at each named point", lambda g, r, size: kills.at_each_point(g, r, times=size.times)),
    "crowd": Scenario(
        "three consumers, one of them killed every two seconds",
        lambda g, r, size: kills.among_several(g, r, consumers=3, jobs=size.jobs, every_s=2.0),
    ),
    "away": Scenario(
        "the stores away; the storage answering 503, then slow, then cutting transfers",
        lambda g, r, size: outages.everything(g, r, seconds=size.outage_s),
    ),
    "deaf": Scenario(
        "lines to Firestore cut, half-open, silent, refused",
        lambda g, r, size: lines.everything(g, r, seconds=size.outage_s),
        backends=("firebase",),
    ),
    "documents": Scenario("hostile documents", lambda g, r, size: hostile.documents(g, r, count=size.hostile)),
    "parameters": Scenario("hostile data parameters", lambda g, r, size: parameters.parameters(g, r, count=size.hostile)),
    "videos": Scenario("damaged videos", lambda g, r, size: mutants.videos(g, r, count=size.mutants), backends=("local",)),
    "full": Scenario("a full volume", lambda g, r, size: volumes.full(g, r, jobs=size.filling)),
}


class OutOfTime(Exception):
    """The run took longer than its limit."""


def main() -> int:
    """Run the scenarios and print their figures; return 1 if a figure is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", choices=[*SCENARIOS, "variants"], action="append")
    parser.add_argument("--backend", choices=BACKENDS, action="append")
    parser.add_argument("--quick", action="store_true", help="a short version")
    parser.add_argument("--variants", type=Path, metavar="DIR", help="videos with an index.tsv: each must end as it says")
    for name, number in vars(Size()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(number), help=f"{number} when left out")
    asked = parser.parse_args()
    usual = QUICK if asked.quick else Size()
    size = Size(
        **{name: number if (number := getattr(asked, name)) is not None else value for name, value in vars(usual).items()}
    )
    scenarios = dict(SCENARIOS)
    if asked.variants is not None:
        directory = asked.variants
        scenarios["variants"] = Scenario(
            "video variants", lambda g, r, _: variants.variants(g, r, directory), backends=("local",)
        )
    elif "variants" in (asked.only or ()):
        parser.error("variants needs --variants DIR")
    logs.configure("error", "console")  # the older interface runs in this process; its word on each request would bury ours
    report = Report(asked.seed)
    say(f"seed {asked.seed}: the same again with --seed {asked.seed}")
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, size.minutes * 60)
    started = time.monotonic()
    try:
        for name in asked.only or scenarios:
            for backend in asked.backend or BACKENDS:
                if backend in scenarios[name].backends:
                    _run(name, scenarios[name], backend, report, size)
    except OutOfTime:
        report.figure(f"ended within {size.minutes:g} minutes", False, True)
    say(f"\n{report.table()}\n")
    for failure in report.failures:
        say(f"FAILED {failure}")
    took = f"{(time.monotonic() - started) / 60:.1f} min, seed {asked.seed}"
    say(f"chaos: all as it must be, {took}" if report.ok else f"chaos: {len(report.failures)} figures are wrong, {took}")
    return 0 if report.ok else 1


def _run(name: str, scenario: Scenario, backend: str, report: Report, size: Size) -> None:
    started = time.monotonic()
    report.about(name, backend)
    say(f"{name}, {backend}: {scenario.told}")
    try:
        with _ground(backend) as ground:
            scenario.run(ground, report, size)
    except OutOfTime:
        raise
    except Exception as error:  # noqa: BLE001 - told, counted as a failure; the other scenarios' figures are wanted as well
        say(traceback.format_exc())
        report.figure("came to its end", type(error).__name__, "yes")
    say(f"  {time.monotonic() - started:.0f} s")


def _out_of_time(*_: object) -> None:
    raise OutOfTime


@contextlib.contextmanager
def _ground(backend: str) -> Iterator[Ground]:
    if backend == "local":
        with local_ground() as ground:
            yield ground
        return
    try:
        firestore = start_firestore()
    except EmulatorMissing as error:
        sys.exit(str(error))
    with firestore, start_storage() as storage, firebase_ground(firestore.host, storage.host) as ground:
        yield ground


if __name__ == "__main__":
    sys.exit(main())
