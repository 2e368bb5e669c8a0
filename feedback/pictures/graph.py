"""Draws graph.png: an angle over time, with repetitions, targets and faults.

It uses matplotlib's objects on an Agg canvas and not pyplot, because threads would share the state of pyplot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Patch as Swatch
from matplotlib.ticker import MaxNLocator

from feedback.checks.judgement import Finding
from feedback.examination import ExaminedSet
from feedback.pictures.curve import Curve
from feedback.pictures.drawing import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION
from feedback.pictures.lettering import Colour, Picture, font_path, typeface, wrap
from feedback.pictures.stills import aim_of, clock, limit_text
from feedback.report.summary import set_name
from pose.motion import Floats

LONG_S = 100.0
"""Time in seconds from which the axis shows minutes and seconds, because longer labels would touch each other."""

WIDTH, PLOT_HEIGHT, LOW_PLOT_HEIGHT = 720, 420, 280
"""Pixels; plots are low where there are several sets. The legend below makes the picture higher."""
DPI = 100
TEXT, HEADING = 24, 30
"""Type sizes in pixels: shown at 360 pixels wide, text is 12 pixels."""
LEFT, RIGHT, TOP, BOTTOM = 78, 44, 96, 52
"""Pixels around the plot, for tick labels and the heading."""
ROW = 34
"""Height of a row of the legend in pixels."""

SHADE = (0.90, 0.92, 0.94)
MARKS: tuple[tuple[str, Colour], ...] = (("v", VERMILLION), ("s", PURPLE), ("D", ORANGE), ("^", GREEN), ("o", SKY), ("P", INK))
"""Signs of faults: they differ in shape as well as in colour."""
DASHES = ((0, (6, 3)), (0, (2, 2)))


@dataclass(frozen=True)
class Span:
    """A repetition or a hold, which is shaded."""

    label: str
    start_s: float
    end_s: float
    faulty: bool = False


@dataclass(frozen=True)
class Target:
    """A value that is to be reached, or not to be exceeded."""

    label: str
    value: float


@dataclass(frozen=True)
class Mark:
    """A fault at its worst moment."""

    label: str
    time_s: float


@dataclass(frozen=True)
class Graph:
    """The contents of the graph of one set, with words in the job's language.

    Attributes:
        heading: the name of the curve.
        times: (n,) seconds.
        values: (n,) degrees; NaN leaves a gap.
        spans: repetitions, in order of time, or the hold.
        targets: the targets; if there are more than dash patterns, patterns are repeated.
        marks: faults; marks with the same label have the same sign.
        seconds: formats a time on the axis.
    """

    heading: str
    times: Floats
    values: Floats
    spans: Sequence[Span] = ()
    targets: Sequence[Target] = ()
    marks: Sequence[Mark] = ()
    seconds: Callable[[float], str] = "{:g} s".format


def graph_of(examined: ExaminedSet, curve: Curve) -> Graph:
    """Collect the contents of the graph of a set."""
    words, hold = examined.words, examined.hold
    faulty = {finding.repetition for finding in examined.findings}
    spans = [Span(str(rep.index), rep.start_s, rep.end_s, rep.index in faulty) for rep in examined.repetitions]
    if hold is not None:
        spans = [Span(words.quantity(hold.duration_s, "s"), hold.start_s, hold.end_s, bool(faulty))]
    return Graph(
        heading=f"{set_name(words, examined.report, alone=examined.alone)} · {curve.name}",
        times=examined.motion.times,
        values=curve.values,
        spans=spans,
        targets=[Target(limit_text(words, finding), aim_of(finding)) for finding in curve.limits],
        marks=[Mark(words(finding.check.title), _worst_moment(examined, finding)) for finding in examined.findings],
        seconds=clock if examined.motion.times[-1] >= LONG_S else lambda value: words.quantity(value, "s"),
    )


def _worst_moment(examined: ExaminedSet, finding: Finding) -> float:
    """Time of a fault in seconds: its worst moment; for a fault of the whole repetition, such as its pace, the extreme."""
    of = next((rep for rep in examined.repetitions if rep.index == finding.repetition), None)
    return of.peak_s if of is not None and not finding.marks else finding.time_s


def draw_graphs(graphs: Sequence[Graph]) -> Picture:
    """Draw the graphs of all sets, one below the other.

    Returns:
        (height, WIDTH, 3); the height depends on their number and legends.
    """
    height = PLOT_HEIGHT if len(graphs) == 1 else LOW_PLOT_HEIGHT
    return np.concatenate([_draw_graph(graph, height) for graph in graphs])


def _draw_graph(graph: Graph, plot_height: int) -> Picture:
    entries = _legend_entries(graph)
    rows = sum(label.count("\n") + 1 for _, label in entries)
    heading = wrap(graph.heading, typeface(HEADING, "bold"), WIDTH - 48)
    top = TOP + round(max(0, len(heading) - 1) * 1.3 * HEADING)
    legend_height = rows * ROW + (24 if rows else 0)
    height = top + plot_height + BOTTOM + legend_height
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes(
        (LEFT / WIDTH, (BOTTOM + legend_height) / height, (WIDTH - LEFT - RIGHT) / WIDTH, plot_height / height)
    )
    _plot(axes, graph)
    figure.text(24 / WIDTH, 1 - 16 / height, "\n".join(heading), va="top", font=_font(HEADING, bold=True), color=_rgb(INK))
    if entries:
        figure.legend(
            [sign for sign, _ in entries],
            [label for _, label in entries],
            loc="lower left",
            bbox_to_anchor=(12 / WIDTH, 8 / height),
            prop=_font(TEXT),
            frameon=False,
            handlelength=1.6,
            labelspacing=(ROW - 1.15 * TEXT) / TEXT,
            borderpad=0.2,
        )
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _plot(axes: Axes, graph: Graph) -> None:
    known = graph.values[np.isfinite(graph.values)]
    shown = [*known, *(target.value for target in graph.targets)] or [0.0, 180.0]
    low, high = min(shown), max(shown)
    room = max(0.08 * (high - low), 4.0)
    axes.set_ylim(low - room, high + 1.6 * room)
    end = float(graph.times[-1]) if len(graph.times) else 1.0
    start = float(graph.times[0]) if len(graph.times) else 0.0
    axes.set_xlim(start, max(end, start + 0.1))
    _shade(axes, graph.spans, start, max(end, start + 0.1))
    for number, target in enumerate(graph.targets):
        axes.axhline(target.value, color=_rgb(GREEN), linewidth=2.5, linestyle=DASHES[number % len(DASHES)], zorder=2)
    axes.plot(graph.times, graph.values, color=_rgb(BLUE), linewidth=2.6, zorder=3)
    _mark(axes, graph)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="y", color="0.85", linewidth=0.8)
    axes.set_axisbelow(True)
    # Steps with at most one decimal place.
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(lambda value, _: graph.seconds(value))
    # The room below a curve that ends at zero has no numbers: no angle of a person is negative.
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}°" if value >= 0 else "")
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        label.set_fontproperties(_font(TEXT))
        label.set_color(_rgb(INK))


def _shade(axes: Axes, spans: Sequence[Span], start: float, end: float) -> None:
    """Shade each span and write its number above the plot. If numbers are too close, only every second (third, ...) is
    written."""
    plot_width = WIDTH - LEFT - RIGHT
    face = typeface(TEXT, "bold")
    widest = max((face.getlength(span.label) for span in spans), default=0.0)
    apart = min((b.start_s - a.start_s for a, b in pairwise(spans)), default=end - start)
    every = max(1, int(np.ceil((widest + 14) / max(apart / (end - start) * plot_width, 1))))
    for number, span in enumerate(spans):
        axes.axvspan(span.start_s, span.end_s, color=SHADE, linewidth=0, zorder=0)
        if number % every == 0:
            middle = ((span.start_s + span.end_s) / 2 - start) / (end - start)
            # Near an edge of the plot a long label is moved inwards.
            half = face.getlength(span.label) / 2 / plot_width
            axes.text(
                min(max(middle, half), max(half, 1 - half)),
                1.02,
                span.label,
                transform=axes.transAxes,
                ha="center",
                va="bottom",
                font=_font(TEXT, bold=True),
                color=_rgb(VERMILLION if span.faulty else INK),
            )


def _mark(axes: Axes, graph: Graph) -> None:
    finite = np.isfinite(graph.values)
    if not finite.any():
        return
    step = 0.07 * float(np.diff(axes.get_ylim())[0])
    placed: list[float] = []
    near = 0.02 * max(float(graph.times[-1] - graph.times[0]), 0.1)
    signs = _signs(graph.marks)
    for mark in sorted(graph.marks, key=lambda mark: mark.time_s):
        value = float(np.interp(mark.time_s, graph.times[finite], graph.values[finite]))
        value += step * sum(abs(time - mark.time_s) < near for time in placed)
        placed.append(mark.time_s)
        shape, colour = signs[mark.label]
        axes.plot(
            [mark.time_s], [value], shape, color=_rgb(colour), markersize=13, markeredgecolor="white", zorder=4, clip_on=False
        )


def _signs(marks: Sequence[Mark]) -> dict[str, tuple[str, Colour]]:
    labels = list(dict.fromkeys(mark.label for mark in marks))
    return {label: MARKS[number % len(MARKS)] for number, label in enumerate(labels)}


def _legend_entries(graph: Graph) -> list[tuple[Line2D | Swatch, str]]:
    entries: list[tuple[Line2D | Swatch, str]] = [
        (Line2D([], [], color=_rgb(GREEN), linewidth=2.5, linestyle=DASHES[number % len(DASHES)]), target.label)
        for number, target in enumerate(graph.targets)
    ]
    entries += [
        (Line2D([], [], color=_rgb(colour), marker=shape, markersize=13, linestyle="", markeredgecolor="white"), label)
        for label, (shape, colour) in _signs(graph.marks).items()
    ]
    face = typeface(TEXT)
    return [(sign, "\n".join(wrap(label, face, WIDTH - 110))) for sign, label in entries]


def _font(size: int, *, bold: bool = False) -> FontProperties:
    return FontProperties(fname=str(font_path("bold" if bold else "medium")), size=size * 72 / DPI)


def _rgb(colour: Colour) -> tuple[float, float, float]:
    return colour[0] / 255, colour[1] / 255, colour[2] / 255
