"""The figures of a run with their expected values, and the table of all figures."""

import sys
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One line of the table. `required` is empty for a figure without an expected value."""

    scenario: str
    backend: str
    what: str
    value: str
    required: str
    good: bool

    @property
    def mark(self) -> str:
        """Whether the figure has its expected value."""
        return " " if not self.required else "✓" if self.good else "✗"


@dataclass
class Report:
    """Collects figures; `ok` says whether all have their expected values.

    Attributes:
        seed: reproduces the run.
        scenario: what the next figures belong to.
        backend: likewise.
        figures: all so far.
    """

    seed: int
    scenario: str = ""
    backend: str = ""
    figures: list[Figure] = field(default_factory=list)

    def about(self, scenario: str, backend: str) -> None:
        """Name the scenario of the next figures."""
        self.scenario, self.backend = scenario, backend

    def figure(
        self,
        what: str,
        value: object,
        expected: object = None,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Print a figure. `expected` is its required value; `at_most` and `at_least` are bounds."""
        bounds = {"at least": at_least, "at most": at_most}
        required = [] if expected is None else [str(expected)]
        required += [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
        good = expected is None or value == expected
        if isinstance(value, int | float):
            good &= (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
        made = Figure(self.scenario, self.backend, what.strip(), str(value), ", ".join(required), good)
        self.figures.append(made)
        say(f"  {made.mark} {what}: {value}" + ("" if good else f", must be {made.required}"))

    @property
    def failures(self) -> list[str]:
        """The figures without their expected values."""
        return [
            f"{each.scenario}, {each.backend}: {each.what}: {each.value}, must be {each.required}"
            for each in self.figures
            if not each.good
        ]

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.failures

    def table(self) -> str:
        """All figures, one a line."""
        rows = [("", "scenario", "backend", "figure", "must be", "is")]
        rows += [(each.mark, each.scenario, each.backend, each.what, each.required, each.value) for each in self.figures]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
            for row in rows
        )


def say(line: str) -> None:
    """One line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
