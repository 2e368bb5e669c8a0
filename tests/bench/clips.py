"""Which videos the benchmark of speed runs on."""

from collections.abc import Sequence
from pathlib import Path

import av

from pose.reading.video import probe
from tests.bench.labels import Clip, read_set

USUAL = ("squat_front_dark_12", "push_up_front_portrait_5", "biceps_curl_side_5", "jumping_jack_slow_4")
AT_MOST = 4


def choose(folder: Path) -> list[Clip]:
    """The usual clips where the set has them, else its first ones of which repetitions were counted.

    Raises:
        ValueError: there are none, or no labels.
    """
    counted = [clip for clip in read_set(folder) if clip.reps]
    usual = [clip for name in USUAL for clip in counted if clip.name == name]
    chosen = usual or counted[:AT_MOST]
    if not chosen:
        raise ValueError(f"{folder} has no videos with counted repetitions. Name another directory.")
    return chosen


def nearest(clips: Sequence[Path], seconds: float) -> Path:
    """The one that lasts most nearly that long."""
    return min(clips, key=lambda clip: abs(duration(clip) - seconds))


def duration(clip: Path) -> float:
    """Seconds, by the header; 0 where it says nothing."""
    return probe(clip)[1] or 0.0


def beginning(clip: Path, to: Path, seconds: float) -> Path:
    """The first seconds of a clip, without decoding it."""
    with av.open(str(clip)) as source, av.open(str(to), "w") as target:
        stream = source.streams.video[0]
        written = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is not None and float(packet.pts * packet.time_base) < seconds:
                packet.stream = written
                target.mux(packet)
    return to


def repeat(clip: Path, to: Path, seconds: float) -> Path:
    """A clip over and over, without decoding it, until the video is at least that long."""
    with av.open(str(to), "w") as target:
        written = None
        begin, end, done_s = 0, 0, 0.0
        while done_s < seconds:
            with av.open(str(clip)) as source:
                stream = source.streams.video[0]
                written = written or target.add_stream_from_template(stream)
                for packet in source.demux(stream):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.dts, packet.pts = packet.dts + begin, packet.pts + begin
                    end = max(end, packet.pts + (packet.duration or 1))
                    packet.stream = written
                    target.mux(packet)
                if end == begin:
                    raise ValueError(f"{clip.name} has no pictures to repeat.")
                done_s = float(end * stream.time_base)
            begin = end
    return to
