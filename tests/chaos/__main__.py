"""make chaos, or python -m tests.chaos [--seed N] [--only NAME] [--quick] [--backend local|firebase]."""

import argparse
import contextlib
import random
import sys
import time
from collections.abc import Callable, Iterator

from tests.chaos import hostile, kills, lines, mutants, outages, volumes
from tests.chaos.ground import Ground, firebase_ground, local_ground
from tests.chaos.report import Report, say
from tests.emulators import EmulatorMissing, start_firestore, start_storage

Scenario = Callable[[Ground, Report, bool], None]


def points(ground: Ground, report: Report, quick: bool) -> None:
    """SIGKILL at each named point."""
    kills.at_each_point(ground, report, times=1 if quick else 10)


def crowd(ground: Ground, report: Report, quick: bool) -> None:
    """Three consumers, one of them killed every two seconds."""
    kills.among_several(ground, report, consumers=3, jobs=30 if quick else 300, every_s=2.0)


def away(ground: Ground, report: Report, quick: bool) -> None:
    """The stores away, slow, and cut in the middle of a transfer."""
    outages.everything(ground, report, seconds=5 if quick else 60)


def documents(ground: Ground, report: Report, quick: bool) -> None:
    """Hostile documents."""
    hostile.documents(ground, report, count=50 if quick else 500)


def full(ground: Ground, report: Report, quick: bool) -> None:
    """A full volume."""
    volumes.full(ground, report, jobs=3 if quick else 10)


def deaf(ground: Ground, report: Report, quick: bool) -> None:
    """Lines to Firestore cut, half-open, silent, refused."""
    if ground.name == "firebase":
        lines.everything(ground, report, seconds=5 if quick else 60)


def videos(ground: Ground, report: Report, quick: bool) -> None:
    """Mutated videos."""
    if ground.name == "local":
        mutants.videos(ground, report, count=40 if quick else 2000)


SCENARIOS: dict[str, Scenario] = {
    "points": points,
    "crowd": crowd,
    "away": away,
    "deaf": deaf,
    "documents": documents,
    "videos": videos,
    "full": full,
}


def main() -> int:
    """Run the scenarios and print their figures; 1 when one is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", choices=sorted(SCENARIOS), action="append")
    parser.add_argument("--backend", choices=["local", "firebase"], action="append")
    parser.add_argument("--quick", action="store_true", help="a short version")
    asked = parser.parse_args()
    report = Report(asked.seed)
    say(f"seed {asked.seed}: the same again with --seed {asked.seed}")
    for name in asked.only or SCENARIOS:
        for backend in asked.backend or ("local", "firebase"):
            started = time.monotonic()
            say(f"{name}, {backend}: {SCENARIOS[name].__doc__}")
            with _ground(backend) as ground:
                SCENARIOS[name](ground, report, asked.quick)
            say(f"  {time.monotonic() - started:.0f} s")
    for failure in report.failures:
        say(f"FAILED {failure}")
    say("chaos: all as it must be" if report.ok else f"chaos: {len(report.failures)} figures are wrong, seed {asked.seed}")
    return 0 if report.ok else 1


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
