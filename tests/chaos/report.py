"""The figures of a run, and whether each is what it must be."""

import sys
from dataclasses import dataclass, field


@dataclass
class Report:
    """Collects figures; `ok` says whether all are as they must be."""

    seed: int
    failures: list[str] = field(default_factory=list)

    def figure(self, what: str, value: object, expected: object = None) -> None:
        """Print a figure; with `expected`, one that has to be so."""
        good = expected is None or value == expected
        mark = " " if expected is None else "✓" if good else "✗"
        say(f"  {mark} {what}: {value}" + ("" if good else f", must be {expected}"))
        if not good:
            self.failures.append(f"{what}: {value}, must be {expected}")

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
