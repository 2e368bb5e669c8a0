import random
import time
from collections import Counter

from consumer.intake.candidates import MAX_CANDIDATES, Candidates
from tests.consumer_kit import eventually, in_background


def drawn(candidates: Candidates, count: int) -> list[str | None]:
    return [candidates.draw(0) for _ in range(count)]


def test_a_single_consumer_draws_the_oldest_first() -> None:
    candidates = Candidates()
    candidates.add(["a", "b", "c"])
    candidates.add(["a", "d"])
    assert drawn(candidates, 5) == ["a", "b", "c", "d", None]


def test_owners_take_turns() -> None:
    candidates = Candidates()
    candidates.add([f"greedy{number}" for number in range(400)], owner="greedy")
    assert drawn(candidates, 2) == ["greedy0", "greedy1"]
    candidates.hint("modest0", "modest")
    candidates.hint("modest1", "modest")
    candidates.hint("third", "third")
    assert drawn(candidates, 5) == ["modest0", "third", "greedy2", "modest1", "greedy3"]


def test_candidates_of_one_owner_are_as_many_as_may_run() -> None:
    candidates = Candidates(most_of_one=3)
    candidates.add(["later"], owner="greedy", delay_s=60)
    candidates.add([f"greedy{number}" for number in range(400)], owner="greedy")
    candidates.add([f"unknown{number}" for number in range(5)])
    assert len(candidates) == 1 + 3 + 5
    assert candidates.has_of("greedy")
    assert not candidates.has_of("modest")
    assert {candidates.draw(0) for _ in range(2)} == {"greedy0", "unknown0"}
    candidates.add(["greedy9"], owner="greedy")
    assert len(candidates) == 1 + 3 + 4


def test_what_is_due_later_waits() -> None:
    candidates = Candidates()
    candidates.add(["later"], delay_s=0.3)
    assert candidates.draw(0) is None
    started = time.monotonic()
    assert candidates.draw(5) == "later"
    assert 0.2 < time.monotonic() - started < 1


def test_a_candidate_keeps_its_earliest_due_time() -> None:
    candidates = Candidates()
    candidates.add(["job"], delay_s=60)
    candidates.add(["job"])
    candidates.add(["job"], delay_s=60)
    assert drawn(candidates, 2) == ["job", None]


def test_a_hint_wakes_a_waiting_worker() -> None:
    candidates = Candidates()
    got: list[str | None] = []
    waiting = in_background(lambda: got.append(candidates.draw(10)))
    time.sleep(0.05)
    candidates.hint("job", "ann")
    waiting.join(2)
    assert got == ["job"]


def test_contention_decides_among_how_many_candidates_a_draw_chooses() -> None:
    candidates = Candidates(random.Random(1))
    for _ in range(5):
        candidates.raise_contention()
    firsts: Counter[str | None] = Counter()
    for _ in range(200):
        candidates.add(str(number) for number in range(100))
        firsts[candidates.draw(0)] += 1
        while candidates.draw(0) is not None:
            continue
    assert len(firsts) > 15
    for _ in range(100):
        candidates.lower_contention()
    candidates.add(["a", "b", "c"])
    assert drawn(candidates, 3) == ["a", "b", "c"]


def test_the_number_of_candidates_is_bounded() -> None:
    candidates = Candidates()
    candidates.add(str(number) for number in range(2 * MAX_CANDIDATES))
    assert len(candidates) == MAX_CANDIDATES


def test_idle_workers_are_counted() -> None:
    candidates = Candidates()
    assert candidates.wait_for_idle(0) == 0
    waiting = [in_background(lambda: candidates.draw(10)) for _ in range(3)]
    assert eventually(lambda: candidates.wait_for_idle(0) == 3)
    candidates.add(["a", "b"])
    assert eventually(lambda: candidates.wait_for_idle(0) == 1)
    candidates.add(["c"])
    for thread in waiting:
        thread.join(5)
    assert candidates.wait_for_idle(0.05) == 0


def test_waiting_for_idle_workers_ends_at_once() -> None:
    candidates = Candidates()
    told: list[int] = []
    asking = in_background(lambda: told.append(candidates.wait_for_idle(10)))
    drawing = in_background(lambda: candidates.draw(10))
    asking.join(2)
    assert told == [1]
    candidates.add(["a"])
    drawing.join(5)


def test_starving_is_idle_for_a_while() -> None:
    candidates = Candidates()
    assert not candidates.starving(0)
    drawing = in_background(lambda: candidates.draw(10))
    assert eventually(lambda: candidates.starving(0.2))
    assert not candidates.starving(60)
    candidates.add(["a"])
    drawing.join(5)
    assert not candidates.starving(0)
