"""What a benchmark measures with: time by the wall and of all cores, steps, pairs and their spread."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Cost:
    """Seconds by the wall, and of all cores together."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True)
class Spread:
    """How far measurements of one thing lie apart."""

    least: float
    middle: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Of at least one value."""
        return cls(min(values), median(values), max(values))

    def text(self, digits: int = 2) -> str:
        """Such as `5.10 (4.98 to 5.30)`."""
        return f"{self.middle:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


@dataclass(frozen=True)
class Ratios:
    """How many times the plain loop costs what ours does, over pairs: what slows the machine for a while slows both."""

    wall: Spread
    cpu: Spread
    plain: Cost
    ours: Cost

    @classmethod
    def of(cls, pairs: Sequence[tuple[Cost, Cost]]) -> "Ratios":
        """Of at least one pair (plain, ours); the costs are medians."""
        plain, ours = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return cls(
            Spread.of([a.wall_s / b.wall_s for a, b in pairs]),
            Spread.of([a.cpu_s / b.cpu_s for a, b in pairs]),
            middle_cost(plain),
            middle_cost(ours),
        )


def middle_cost(costs: Sequence[Cost]) -> Cost:
    """Medians of both."""
    return Cost(median(cost.wall_s for cost in costs), median(cost.cpu_s for cost in costs))


@contextmanager
def measured(costs: list[Cost]) -> Iterator[None]:
    """Append what the block costs this process, all threads of it."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    costs.append(Cost(time.perf_counter() - wall, time.process_time() - cpu))


@dataclass
class Steps:
    """Seconds by the wall that each step took, over all calls."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the block's time to a step."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def with_rest(self, total_s: float) -> dict[str, float]:
        """The steps, and what none of them accounts for."""
        return {**self.seconds, "rest": max(total_s - sum(self.seconds.values()), 0.0)}
