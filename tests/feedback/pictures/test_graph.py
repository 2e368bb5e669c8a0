import numpy as np
import pytest

from feedback.pictures.curve import judged_angle
from feedback.pictures.graph import WIDTH, Graph, Mark, Span, Target, draw_graphs, graph_of
from feedback.review import examine
from tests.figures import figure

TIMES = np.linspace(0, 20, 300)
SWING = 130 + 45 * np.cos(TIMES)


def spans(count, seconds=20.0):
    step = seconds / count
    return [Span(str(n + 1), n * step, (n + 0.8) * step, n % 2 == 0) for n in range(count)]


GRAPHS = {
    "plain": Graph("Squat · knee angle", TIMES, SWING),
    "full": Graph(
        "Squat · knee angle",
        TIMES,
        SWING,
        spans(4),
        [Target("Target: 95°", 95), Target("Target: 160°", 160)],
        [Mark("Not deep enough", 2), Mark("Heels lifting", 2), Mark("Not deep enough", 19.9)],
    ),
    "crowded": Graph("푸시업 · 팔꿈치 각도", TIMES, SWING, spans(60), marks=[Mark("엉덩이가 처져요", t) for t in range(20)]),
    "long words": Graph("M" * 60, TIMES, SWING, spans(2), [Target("M" * 150, 90)]),
    "one repetition to the very end": Graph("a", TIMES, SWING, [Span("12.5 sec", 18, 20)]),
    "nobody seen": Graph("a", TIMES, np.full(300, np.nan), marks=[Mark("b", 3)]),
    "one sample": Graph("a", np.array([0.0]), np.array([90.0]), [Span("1", 0, 0)]),
    "fifteen minutes": Graph("a", TIMES * 45, SWING, spans(40, 900)),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_is_cut_off(name):
    picture = draw_graphs([GRAPHS[name]])
    assert picture.shape[1] == WIDTH
    edge = np.concatenate([picture[:2].reshape(-1, 3), picture[-2:].reshape(-1, 3), picture[:, 0], picture[:, -1]])
    assert (edge == 255).all()


def test_the_legend_makes_room_for_itself():
    plain, full, wordy = (draw_graphs([GRAPHS[name]]).shape[0] for name in ("plain", "full", "long words"))
    assert plain < full
    assert plain < wordy


def test_repetitions_are_shaded_and_faults_marked():
    bare, shaded = draw_graphs([GRAPHS["plain"]]), draw_graphs([Graph("Squat · knee angle", TIMES, SWING, spans(4))])
    assert (bare != shaded).any()
    marked = draw_graphs([GRAPHS["full"]])
    vermillion = (marked == (213, 94, 0)).all(axis=2)
    assert vermillion.sum() > 100


def test_of_many_numbers_only_as_many_are_written_as_there_is_room_for():
    picture = draw_graphs([Graph("a", TIMES, SWING, [Span("88", n / 3, (n + 0.9) / 3) for n in range(60)])])
    # The row of numbers: runs of columns with ink are numbers or digits; gaps between numbers stay.
    row = (picture[60:94] < 120).any(axis=(0, 2))
    edges = np.flatnonzero(np.diff(row.astype(int)) == 1)
    assert 20 < len(edges) < 60
    assert np.diff(edges).max() > 14


def test_the_axis_speaks_the_language():
    graph = Graph("a", TIMES, SWING)
    korean = Graph("a", TIMES, SWING, seconds="{:g}초".format)
    assert (draw_graphs([graph])[516:] != draw_graphs([korean])[516:]).any()


def test_late_times_are_minutes_and_seconds() -> None:
    graphs = []
    for lead in (1.0, 120.0):
        examined = examine(figure("squat", reps=3, lead=lead), exercise="squat").main
        graphs.append(graph_of(examined, judged_angle(examined)))
    assert [graph.seconds(125.0) for graph in graphs] == ["125 sec", "2:05"]


def test_several_sets_stand_one_below_the_other_and_are_lower() -> None:
    alone, both = draw_graphs([GRAPHS["plain"]]), draw_graphs([GRAPHS["plain"], GRAPHS["full"]])
    assert both.shape[1] == WIDTH
    assert alone.shape[0] < both.shape[0] < 2 * draw_graphs([GRAPHS["full"]]).shape[0]


def test_a_set_late_in_the_film_fills_its_graph() -> None:
    early = draw_graphs([Graph("a", TIMES, SWING, spans(4))])
    late = draw_graphs([Graph("a", TIMES + 300, SWING, [Span(s.label, s.start_s + 300, s.end_s + 300) for s in spans(4)])])
    assert (early[:400] != late[:400]).mean() < 0.01


@pytest.mark.parametrize(
    ("exercise", "fields", "heading", "targets"),
    [
        ("plank", {"azimuth": 90}, "Plank · bend of the hips downwards", ["Target: at most 7°"]),
        ("squat", {"depth": [1, 0.5, 1]}, "Squat · thigh against level", ["Target: at most 20°"]),
        ("push_up", {"peaks": [{}, {"hip": 215}, {}]}, "Push-up · bend of the hips downwards", ["Target: at most 7°"]),
        ("overhead_press", {"azimuth": 0}, "Overhead press · elbow angle", ["Target: at least 160°"]),
        (
            "row",
            {"azimuth": 90, "peaks": [{"lean": 20}] * 3},
            "Row · trunk, away from its resting position",
            ["Target: at most 10°"],
        ),
        ("jumping_jack", {"azimuth": 45}, "Jumping jack · shoulder angle", []),
    ],
)
def test_the_curve_is_what_was_judged_with_the_limit_of_the_cards(exercise, fields, heading, targets) -> None:
    examined = examine(figure(exercise, 0 if exercise == "plank" else 3, **fields), exercise=exercise).main
    graph = graph_of(examined, judged_angle(examined))
    assert (graph.heading, [target.label for target in graph.targets]) == (heading, targets)
    assert np.nanmin(graph.values) >= 0


def test_the_curve_ends_where_the_fault_was_measured() -> None:
    examined = examine(figure("squat", 3, depth=[1, 0.5, 1]), exercise="squat").main
    (fault,) = examined.findings
    assert judged_angle(examined).values[fault.sample] == pytest.approx(fault.value)


def test_the_curve_reaches_what_was_judged_in_each_fast_repetition() -> None:
    examined = examine(figure("push_up", 4, period=0.7), exercise="push_up").main
    curve = judged_angle(examined)
    judged = [finding for finding in examined.judged if finding.check.id == curve.limits[0].check.id]
    assert len(judged) == 4
    assert [curve.values[finding.sample] for finding in judged] == pytest.approx([finding.value for finding in judged])
