"""Damaged videos (bytes flipped, boxes swapped, cut off), in a daemon with the real analysis."""

import random
from fractions import Fraction
from pathlib import Path

import av

from tests.chaos.ground import Ground
from tests.chaos.hostile import judge_daemon
from tests.chaos.kills import running
from tests.chaos.memory import Peak
from tests.chaos.outside import judge_strays
from tests.chaos.report import Report, say
from tests.consumer_kit import eventually
from tests.work import ROOT

SAMPLE = ROOT / "consumer" / "sample.mp4"
FRAMES, RATE, WIDTH, HEIGHT = 12, 10, 192, 144
LIMIT_S = 60
MEMORY = 4_000_000_000
BATCH = 100
CONTAINERS = ("mp4", "avi", "ts", "mkv")
"""One file for each demuxer that an uploaded video can reach."""
CODES = {"video_unreadable", "video_too_large", "video_too_long", "no_person", "no_exercise"}
"""Error codes with which a damaged video may end. Each has a message that says what to do."""


def videos(ground: Ground, report: Report, *, count: int) -> None:
    """Check that each video is read or refused with a clear code, and that the daemon survives within its memory limit."""
    rng = random.Random(report.seed)
    originals = [small_video(ground.data_dir / f"small.{suffix}") for suffix in CONTAINERS]
    told = {"workers": 2, "max_attempts": 1, "stage_timeout_s": LIMIT_S, "max_memory_bytes": MEMORY, "sweep_s": 1}
    finished = True
    with running(ground, real=True, audit=True, settings=told) as daemon, Peak(daemon.process.pid) as peak:
        for start in range(0, count, BATCH):
            for number in range(start, min(start + BATCH, count)):
                ground.put_bytes(f"mutant-{number:05}", mutate(originals[number % len(originals)], rng))
            finished &= eventually(lambda: not ground.busy(), 2 * LIMIT_S + BATCH * 5)
            say(f"    {min(start + BATCH, count)} of {count}: {dict(ground.outcomes())}")
        judge_daemon(report, daemon)
    outcomes = ground.outcomes()
    clear = outcomes["done"] + sum(outcomes[f"failed, {code}"] for code in CODES)
    documents = ground.documents().values()
    slowest = max((each["finishedAt"] - each["startedAt"]).total_seconds() for each in documents if "finishedAt" in each)
    report.figure("mutated videos", outcomes.total(), count)
    report.figure("  all ended", finished, True)
    report.figure("  done, or a clear code", clear, count)
    report.figure("  a child that crashed, alone", outcomes["failed, analysis_crashed"])
    report.figure("  hangs that the limit ended", outcomes["failed, timed_out"])
    report.figure("  slowest, s", round(slowest, 1), at_most=LIMIT_S + 5)
    report.figure("  most memory of a process, MB", peak.largest_mb, at_most=MEMORY / 1e6)
    judge_strays(ground, report)
    report.figure("  ended", dict(outcomes))


def mutate(original: bytes, rng: random.Random) -> bytes:
    """One kind of damage, or several."""
    mutated = bytearray(original)
    for _ in range(rng.randint(1, 3)):
        match rng.randrange(5):
            case 0:
                for _ in range(rng.choice([1, 10, 100])):
                    mutated[rng.randrange(len(mutated))] ^= 1 << rng.randrange(8)
            case 1:
                del mutated[rng.randrange(1, len(mutated)) :]
            case 2:
                start = rng.randrange(len(mutated))
                mutated[start : start + rng.randrange(200)] = rng.randbytes(rng.randrange(200))
            case 3:
                _swap_boxes(mutated, rng)
            case _:
                # In the header: sizes, counts and offsets lie there.
                moov = max(mutated.find(b"moov"), 0)
                at = moov + rng.randrange(max(min(len(mutated) - moov - 4, 700), 1))
                extremes = [b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\x7f\xff\xff\xff", rng.randbytes(4)]
                mutated[at : at + 4] = rng.choice(extremes)
        if len(mutated) < 16:
            break
    return bytes(mutated)


def _swap_boxes(mutated: bytearray, rng: random.Random) -> None:
    names = [b"moov", b"mdat", b"trak", b"stbl", b"stco", b"stsz", b"stts", b"ctts", b"avcC", b"tkhd", b"mdhd"]
    one, other = rng.sample(names, 2)
    first, second = mutated.find(one), mutated.find(other)
    if first >= 0 and second >= 0:
        mutated[first : first + 4], mutated[second : second + 4] = other, one


def small_video(to: Path) -> bytes:
    """The first frames of the sample, made small, so that reading costs little."""
    with av.open(str(SAMPLE)) as source, av.open(str(to), "w") as made:
        stream = made.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, frame in enumerate(source.decode(video=0)):
            if number == FRAMES:
                break
            small = frame.reformat(WIDTH, HEIGHT, "yuv420p")
            small.pts, small.time_base = number, Fraction(1, RATE)
            made.mux(stream.encode(small))
        made.mux(stream.encode(None))
    return to.read_bytes()
